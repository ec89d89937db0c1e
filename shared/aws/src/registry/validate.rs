//! Whether an account can be reached, and only as it should be.
//!
//! A role without a condition on `sts:ExternalId` accepts any external id: whoever else may assume roles in the
//! hub could be led into it. So a wrong external id, and none at all, must be refused.

use std::fmt;

use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use secrecy::SecretString;

use super::{EditError, RegistryEditor};
use crate::io::Io;
use crate::sdk::{SdkIo, drs};
use crate::verdict::{IoError, Verdict};

const OPEN_ROLE: &str = "the role lets us in all the same: its trust policy must require the external id \
                         (Condition: StringEquals: sts:ExternalId)";

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be; with a remark, if there is something to know.
    Passed(Option<String>),
    /// Not as it should be: what to do about it.
    Failed(String),
    /// Not known: a service did not answer, or an earlier check failed.
    Unknown(String),
}

/// What is checked; its text is a sentence that is true when the check passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The secret that holds the external id.
    ExternalId,
    /// The role.
    Role,
    /// The role's trust policy, with a wrong external id.
    WrongExternalId,
    /// The role's trust policy, without one.
    NoExternalId,
    /// What the role may do in a DRS Region.
    Servers(Region),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExternalId => f.write_str("the external id can be read"),
            Self::Role => f.write_str("the role can be assumed with its external id"),
            Self::WrongExternalId => f.write_str("a wrong external id is refused"),
            Self::NoExternalId => f.write_str("no external id is refused"),
            Self::Servers(region) => write!(f, "source servers can be described in {region}"),
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub what: What,
    /// How it went.
    pub outcome: Outcome,
}

/// All checks of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which account.
    pub account: AccountId,
    /// Each check, in the order made.
    pub checks: Vec<Check>,
    /// The account's status from now on; as it was when something stayed unknown.
    pub status: AccountStatus,
}

impl RegistryEditor<SdkIo> {
    /// Tries the account's role and its DRS Regions, and stores ACTIVE or ERROR. When a service did not answer
    /// the status stays as it was, for that says nothing about the account.
    ///
    /// # Errors
    /// [`EditError`] of reading or writing the account's row; failed checks are in the report.
    pub async fn validate(&self, id: &AccountId) -> Result<Report, EditError> {
        let row = self.stored(id).await?.row;
        let checks = check(&self.io, &row).await;
        let failures: Vec<String> = checks.iter().filter_map(Check::failure).collect();
        let unknown = checks.iter().any(|c| matches!(c.outcome, Outcome::Unknown(_)));
        let now = self.io.now();
        let row = match (failures.is_empty(), unknown) {
            (true, true) => row,
            (passed, _) => {
                let set = |row: &mut AccountRow| {
                    row.status = if passed { AccountStatus::Active } else { AccountStatus::Error };
                    row.last_validated = Some(now);
                    row.last_error = (!passed).then(|| failures.join("; "));
                };
                self.edit(id, set).await?
            }
        };
        Ok(Report { account: id.clone(), checks, status: row.status })
    }
}

impl Check {
    fn new(what: What, outcome: Outcome) -> Self {
        Self { what, outcome }
    }

    fn failure(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Failed(why) => Some(format!("{}: {why}", self.what)),
            Outcome::Passed(_) | Outcome::Unknown(_) => None,
        }
    }
}

async fn check(io: &SdkIo, row: &AccountRow) -> Vec<Check> {
    let doorway = io.spokes().doorway();
    let external_id = match doorway.external_id(&row.external_id_secret).await {
        Ok(external_id) => external_id,
        Err(error) => return vec![Check::new(What::ExternalId, failed(&error))],
    };
    let credentials = match doorway.assume(&row.role_arn, Some(&external_id)).await {
        Ok(credentials) => credentials,
        // What else such a role refuses says nothing.
        Err(error) => return vec![Check::new(What::Role, failed(&error))],
    };
    let wrong = SecretString::from(format!("drs-fleet-wrong-{}", uuid::Uuid::new_v4().simple()));
    let mut checks = vec![
        Check::new(What::Role, Outcome::Passed(None)),
        Check::new(What::WrongExternalId, refused(doorway.assume(&row.role_arn, Some(&wrong)).await)),
        Check::new(What::NoExternalId, refused(doorway.assume(&row.role_arn, None).await)),
    ];
    for place in row.drs_places() {
        let client = io.spokes().drs_with(credentials.clone(), &place.region);
        let outcome = match drs::is_initialized(&client).await {
            Ok(true) => Outcome::Passed(None),
            Ok(false) => Outcome::Passed(Some("DRS is not initialised here: no servers yet".into())),
            Err(error) => failed(&error),
        };
        checks.push(Check::new(What::Servers(place.region), outcome));
    }
    checks
}

fn refused<T>(answer: Result<T, IoError>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Failed(OPEN_ROLE.into()),
        Err(error) if error.verdict == Verdict::Denied => Outcome::Passed(None),
        Err(error) => Outcome::Unknown(error.to_string()),
    }
}

fn failed(error: &IoError) -> Outcome {
    match error.verdict {
        Verdict::Transient | Verdict::Throttled => Outcome::Unknown(error.to_string()),
        Verdict::Denied | Verdict::Conflict | Verdict::Permanent => Outcome::Failed(error.to_string()),
    }
}
