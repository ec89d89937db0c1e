//! Changes of the policies: the thresholds, the rules of tags, and the routes of notifications. Only a command of a person makes them. Workers read them
//! through [`crate::cached`].

use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notify::{Routes, RoutesRow};
use drs_fleet_domain::policy::{Policy, PolicyRow};
use drs_fleet_domain::row::{Outbox, Row, Stored};
use drs_fleet_domain::tags::TagPolicy;
use drs_fleet_domain::tags::rules::TagPolicyRow;
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

/// A policy as it is stored, in the only item of its kind.
pub trait SetByPerson: Row {
    /// What people write.
    type Policy: Clone + Default + Send + Sync;

    /// Where it is stored.
    fn place() -> Key;

    /// What is wrong with it; empty when it can be used.
    fn problems(policy: &Self::Policy) -> Vec<String>;

    /// As `by` sets it at `at`.
    fn set(policy: Self::Policy, by: String, at: Timestamp) -> Self;

    /// What is set.
    fn policy(&self) -> &Self::Policy;

    /// Who set it, and when.
    fn by(&self) -> (&str, Timestamp);
}

macro_rules! set_by_person {
    ($row:ident of $policy:ident at $place:path) => {
        impl SetByPerson for $row {
            type Policy = $policy;

            fn place() -> Key {
                $place()
            }

            fn problems(policy: &$policy) -> Vec<String> {
                policy.problems()
            }

            fn set(policy: $policy, by: String, at: Timestamp) -> Self {
                Self { policy, set_by: by, set_at: at }
            }

            fn policy(&self) -> &$policy {
                &self.policy
            }

            fn by(&self) -> (&str, Timestamp) {
                (&self.set_by, self.set_at)
            }
        }
    };
}

set_by_person!(PolicyRow of Policy at keys::policy);
set_by_person!(TagPolicyRow of TagPolicy at keys::tag_policy);
set_by_person!(RoutesRow of Routes at keys::routes);

/// A policy as stored; `None` where none was ever set.
///
/// # Errors
/// [`IoError`] of the table.
pub async fn load<R: SetByPerson>(io: &impl Io) -> Result<Option<Stored<R>>, IoError> {
    Ok(io.read::<R>(&[R::place()]).await?.pop().flatten())
}

/// The policy that applies: all is as by default where none was ever set.
///
/// # Errors
/// [`IoError`] of the table.
pub async fn current<R: SetByPerson>(io: &impl Io) -> Result<R::Policy, IoError> {
    Ok(load::<R>(io).await?.map(|stored| stored.row.policy().clone()).unwrap_or_default())
}

/// Changes policies.
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
    pub async fn set<R: SetByPerson>(
        &self,
        policy: R::Policy,
        by: String,
        before: Option<&Stored<R>>,
    ) -> Result<R, SetError> {
        let problems = R::problems(&policy);
        if !problems.is_empty() {
            return Err(SetError::Unusable(problems));
        }
        let row = R::set(policy, by, self.io.now());
        let none = Outbox::new();
        let expected = before.map(|stored| stored.rev);
        let write = Write { row: &row, expected, outbox_before: &none, outbox: &none, due: None };
        match self.io.commit(write).await {
            Ok(_) => Ok(row),
            Err(CommitError::Conflict(Some(newer))) => {
                let (by, at) = newer.row.by();
                Err(SetError::ChangedBy { by: by.to_owned(), at })
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
        assert!(load::<PolicyRow>(&io).await.unwrap().is_none());
        let first = set(&io, 240, None).await.unwrap();
        let stored = load::<PolicyRow>(&io).await.unwrap().unwrap();
        assert_eq!((stored.row.set_by.as_str(), &stored.row), ("ops", &first));
        set(&io, 230, Some(&stored)).await.unwrap();
        assert_eq!(load::<PolicyRow>(&io).await.unwrap().unwrap().row.policy, policy(230));
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_persons_who_saw_the_same_policy_only_the_first_sets_one() {
        let io = MemoryIo::default();
        set(&io, 240, None).await.unwrap();
        let error = set(&io, 230, None).await.unwrap_err();
        assert!(matches!(&error, SetError::ChangedBy { by, .. } if by == "ops"), "{error}");
        assert_eq!(load::<PolicyRow>(&io).await.unwrap().unwrap().row.policy, policy(240));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_is_never_stored() {
        let io = MemoryIo::default();
        let error = set(&io, 299, None).await.unwrap_err();
        assert!(error.to_string().contains("must rise"), "{error}");
        assert!(load::<PolicyRow>(&io).await.unwrap().is_none());
    }
}
