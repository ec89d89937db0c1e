//! ARNs and ids.

use std::fmt::Display;
use std::str::FromStr;

use drs_fleet_domain::arn::{Arn, Resource};
use drs_fleet_domain::ids::{AccountId, BadId, InstanceId, JobId, RecoveryInstanceId, Region, SourceServerId};
use proptest::{prop_assert, prop_assert_eq};

use super::{Checked, text};

pub(super) const TAKES_EVENTS: bool = false;
pub(super) const WORDS: &[&str] = &[
    "arn:",
    "aws-us-gov",
    ":drs:",
    ":ec2:",
    "us-west-2",
    "111122223333",
    "source-server/",
    "recovery-instance/",
    "instance/",
    "s-12345678901234567",
    "drsjob-04ca7d0d3fb6afa3e",
    "ri-1234567890abcdef0",
    "１２",
];

/// 80 characters that are escaped, and words.
const REASON: usize = 1_000;

pub(super) fn check(input: &[u8]) -> Checked {
    let text = text(input);
    is_whole(&text, &text.parse::<Arn>().map(|arn| written(&arn)))?;
    for part in std::iter::once(&*text).chain(text.split([':', '/'])) {
        id::<AccountId>(part)?;
        id::<Region>(part)?;
        id::<SourceServerId>(part)?;
        id::<JobId>(part)?;
        id::<InstanceId>(part)?;
        id::<RecoveryInstanceId>(part)?;
    }
    Ok(())
}

/// An id is what was read, and safe as a part of keys, file names and lines.
fn id<T: FromStr<Err = BadId> + Display>(text: &str) -> Checked {
    let read = text.parse::<T>().map(|id| id.to_string());
    if read.is_ok() {
        let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        prop_assert!(is_plain && (6..=32).contains(&text.len()), "{:?}", text);
    }
    is_whole(text, &read)
}

fn is_whole(text: &str, read: &Result<String, BadId>) -> Checked {
    match read {
        Ok(written) => prop_assert_eq!(written, text),
        Err(bad) => {
            let told = bad.to_string();
            prop_assert!(told.chars().count() <= REASON && !told.contains(char::is_control), "{told:?}");
        }
    }
    Ok(())
}

fn written(arn: &Arn) -> String {
    let Arn { partition, region, account, resource } = arn;
    let (service, rest) = match resource {
        Resource::SourceServer(id) => ("drs", format!("source-server/{id}")),
        Resource::RecoveryInstance(id) => ("drs", format!("recovery-instance/{id}")),
        Resource::Instance(id) => ("ec2", format!("instance/{id}")),
        Resource::Other(whole) => {
            whole.split_once(':').map(|(service, rest)| (service, rest.to_owned())).unwrap_or_default()
        }
    };
    format!("arn:{partition}:{service}:{region}:{account}:{rest}")
}
