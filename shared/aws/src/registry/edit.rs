//! Changes of the registry; only a command of a person makes them.

use std::collections::BTreeMap;

use drs_fleet_domain::ids::AccountId;
use drs_fleet_domain::keys;
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use drs_fleet_domain::row::{Outbox, Stored};

use crate::io::{CommitError, Io, Write};
use crate::verdict::IoError;

/// How often an edit that lost against another is decided again.
const ATTEMPTS: u32 = 5;

/// Says that a person asked for a change. Workers and the dashboard have no business with it.
#[must_use]
#[derive(Debug)]
pub struct WriteToken(());

impl WriteToken {
    /// To be called where a command that changes the registry or an incident was parsed, and nowhere else.
    pub fn for_command_of_a_person() -> Self {
        Self(())
    }

    /// To be called where the signature of a person's click was verified, and nowhere else.
    pub fn for_signed_click_of_a_person() -> Self {
        Self(())
    }

    /// Uses it up.
    pub(crate) fn spend(self) {
        let Self(()) = self;
    }
}

/// Why the registry was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Adding what is there already.
    #[error("account {0} is registered already")]
    Registered(AccountId),
    /// Changing what is not there.
    #[error("account {0} is not registered")]
    NotRegistered(AccountId),
    /// Others kept changing the same account.
    #[error("account {0} is being changed by others; try again")]
    Contended(AccountId),
    /// The table.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Changes the registry.
#[derive(Clone, Debug)]
pub struct RegistryEditor<I> {
    pub(super) io: I,
}

impl<I: Io> RegistryEditor<I> {
    /// An editor, for as long as the command runs.
    pub fn new(io: I, token: WriteToken) -> Self {
        token.spend();
        Self { io }
    }

    /// Registers an account. Whatever `row` says, it begins as `PENDING_VALIDATION`.
    ///
    /// # Errors
    /// [`EditError::Registered`], or the table's failure.
    pub async fn add(&self, row: AccountRow) -> Result<(), EditError> {
        let row = AccountRow {
            status: AccountStatus::PendingValidation,
            last_validated: None,
            last_error: None,
            ..row
        };
        match self.commit(&row, None).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(EditError::Registered(row.id)),
            Err(CommitError::Io(error)) => Err(error.into()),
        }
    }

    /// Sets an account's status and answers its row.
    ///
    /// # Errors
    /// [`EditError::NotRegistered`], [`EditError::Contended`], or the table's failure.
    pub async fn set_status(&self, id: &AccountId, status: AccountStatus) -> Result<AccountRow, EditError> {
        self.edit(id, |row| row.status = status.clone()).await
    }

    /// Changes the organisational unit and the tags of an account, and answers its row.
    ///
    /// # Errors
    /// [`EditError::NotRegistered`], [`EditError::Contended`], or the table's failure.
    pub async fn label(
        &self,
        id: &AccountId,
        change: impl Fn(&mut (Option<String>, BTreeMap<String, String>)),
    ) -> Result<AccountRow, EditError> {
        let relabel = |row: &mut AccountRow| {
            let mut labels = (row.ou.take(), std::mem::take(&mut row.tags));
            change(&mut labels);
            (row.ou, row.tags) = labels;
        };
        self.edit(id, relabel).await
    }

    /// Removes an account from the registry and answers what it was. Its servers and history stay in the table.
    ///
    /// # Errors
    /// [`EditError::NotRegistered`], or the table's failure.
    pub async fn remove(&self, id: &AccountId) -> Result<AccountRow, EditError> {
        let stored = self.stored(id).await?;
        self.io.forget(&keys::account(id)).await?;
        self.io.evict(id);
        Ok(stored.row)
    }

    pub(super) async fn stored(&self, id: &AccountId) -> Result<Stored<AccountRow>, EditError> {
        let stored = self.io.read::<AccountRow>(&[keys::account(id)]).await?.pop().flatten();
        stored.ok_or_else(|| EditError::NotRegistered(id.clone()))
    }

    pub(super) async fn edit(
        &self,
        id: &AccountId,
        change: impl Fn(&mut AccountRow),
    ) -> Result<AccountRow, EditError> {
        let mut stored = self.stored(id).await?;
        for _ in 0..ATTEMPTS {
            let mut row = stored.row;
            change(&mut row);
            stored = match self.commit(&row, Some(stored.rev)).await {
                Ok(_) => {
                    self.io.evict(id);
                    return Ok(row);
                }
                Err(CommitError::Conflict(Some(newer))) => *newer,
                Err(CommitError::Conflict(None)) => return Err(EditError::NotRegistered(id.clone())),
                Err(CommitError::Io(error)) => return Err(error.into()),
            };
        }
        Err(EditError::Contended(id.clone()))
    }

    async fn commit(&self, row: &AccountRow, expected: Option<u64>) -> Result<u64, CommitError<AccountRow>> {
        let none = Outbox::new();
        self.io.commit(Write { row, expected, outbox_before: &none, outbox: &none, due: None }).await
    }
}
