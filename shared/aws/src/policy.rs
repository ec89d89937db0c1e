//! Changes of the policy; only a command of a person makes them. Workers read it through
//! [`crate::cached::PolicyCache`].

use drs_fleet_domain::keys;
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::row::{Outbox, Stored};
use jiff::Timestamp;

use crate::io::{CommitError, Io, Write};
use crate::registry::WriteToken;
use crate::verdict::IoError;

/// Why the policy was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// It cannot be used.
    #[error("the policy cannot be used: {}", .0.join("; "))]
    Unusable(Vec<String>),
    /// Another person changed what this change was decided on.
    #[error("the policy was changed by {by} at {at} in the meantime; look at it again")]
    ChangedBy {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Another person removed what this change was decided on.
    #[error("the policy was removed in the meantime; look at it again")]
    Removed,
    /// The table.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// The policy as stored; `None` where none was ever set.
///
/// # Errors
/// [`IoError`] of the table.
pub async fn load<I: Io>(io: &I) -> Result<Option<Stored<PolicyRow>>, IoError> {
    Ok(io.read::<PolicyRow>(&[keys::policy()]).await?.pop().flatten())
}

/// Changes the policy.
#[derive(Clone, Debug)]
pub struct PolicyEditor<I> {
    io: I,
}

impl<I: Io> PolicyEditor<I> {
    /// An editor, for as long as the command runs. The token is used up.
    pub fn new(io: I, _token: WriteToken) -> Self {
        Self { io }
    }

    /// Stores a policy in the place of `before`, which is what the person who set it has seen.
    ///
    /// # Errors
    /// [`SetError`]; then nothing was stored.
    pub async fn set(
        &self,
        policy: Policy,
        by: String,
        before: Option<&Stored<PolicyRow>>,
    ) -> Result<PolicyRow, SetError> {
        let problems = policy.problems();
        if !problems.is_empty() {
            return Err(SetError::Unusable(problems));
        }
        let row = PolicyRow { policy, set_by: by, set_at: self.io.now() };
        let none = Outbox::new();
        let expected = before.map(|stored| stored.rev);
        let write = Write { row: &row, expected, outbox_before: &none, outbox: &none, due: None };
        match self.io.commit(write).await {
            Ok(_) => Ok(row),
            Err(CommitError::Conflict(Some(newer))) => {
                Err(SetError::ChangedBy { by: newer.row.set_by, at: newer.row.set_at })
            }
            Err(CommitError::Conflict(None)) => Err(SetError::Removed),
            Err(CommitError::Io(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::memory::MemoryIo;

    fn policy(info_at: u32) -> Policy {
        serde_json::from_value(json!({ "fleet": { "info_at": info_at } })).unwrap()
    }

    async fn set(
        io: &MemoryIo,
        info_at: u32,
        before: Option<&Stored<PolicyRow>>,
    ) -> Result<PolicyRow, SetError> {
        let editor = PolicyEditor::new(io.clone(), WriteToken::for_command_of_a_person());
        editor.set(policy(info_at), "ops".into(), before).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_policy_is_stored_with_who_set_it_and_replaced_by_the_next() {
        let io = MemoryIo::default();
        assert!(load(&io).await.unwrap().is_none());
        let first = set(&io, 240, None).await.unwrap();
        let stored = load(&io).await.unwrap().unwrap();
        assert_eq!((stored.row.set_by.as_str(), &stored.row), ("ops", &first));
        set(&io, 230, Some(&stored)).await.unwrap();
        assert_eq!(load(&io).await.unwrap().unwrap().row.policy, policy(230));
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_persons_who_saw_the_same_policy_only_the_first_sets_one() {
        let io = MemoryIo::default();
        set(&io, 240, None).await.unwrap();
        let error = set(&io, 230, None).await.unwrap_err();
        assert!(matches!(&error, SetError::ChangedBy { by, .. } if by == "ops"), "{error}");
        assert_eq!(load(&io).await.unwrap().unwrap().row.policy, policy(240));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_is_never_stored() {
        let io = MemoryIo::default();
        let error = set(&io, 299, None).await.unwrap_err();
        assert!(error.to_string().contains("must rise"), "{error}");
        assert!(load(&io).await.unwrap().is_none());
    }
}
