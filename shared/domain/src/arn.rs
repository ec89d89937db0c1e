//! ARNs of any partition, taken apart strictly.

use std::str::FromStr;

use crate::ids::{AccountId, BadId, InstanceId, RecoveryInstanceId, Region, SourceServerId};

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE/ID`, for the resources that this project deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arn {
    /// `aws`, `aws-us-gov`, `aws-eusc`, ….
    pub partition: String,
    /// Where the resource is.
    pub region: Region,
    /// Whose it is.
    pub account: AccountId,
    /// What it is.
    pub resource: Resource,
}

/// What an ARN points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `drs … source-server/s-…`.
    SourceServer(SourceServerId),
    /// `drs … recovery-instance/i-…` or `ri-…`.
    RecoveryInstance(RecoveryInstanceId),
    /// `ec2 … instance/i-…`.
    Instance(InstanceId),
    /// Anything else that is an ARN: service, type and id as they are.
    Other(String),
}

impl FromStr for Arn {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId::new("an ARN (arn:partition:service:region:account:type/id)", text);
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().filter(|p| !p.is_empty()).ok_or_else(bad);
        let (prefix, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?.parse()?, next()?.parse()?, next()?);
        if prefix != "arn" || !partition.starts_with("aws") {
            return Err(bad());
        }
        let resource = match (service, resource.split_once('/')) {
            ("drs", Some(("source-server", id))) => Resource::SourceServer(id.parse()?),
            ("drs", Some(("recovery-instance", id))) => Resource::RecoveryInstance(id.parse()?),
            ("ec2", Some(("instance", id))) => Resource::Instance(id.parse()?),
            _ => Resource::Other(format!("{service}:{resource}")),
        };
        Ok(Self { partition: partition.to_owned(), region, account, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_servers_of_all_partitions_are_recognised() {
        for partition in ["aws", "aws-us-gov", "aws-eusc"] {
            let text =
                format!("arn:{partition}:drs:us-west-2:111122223333:source-server/s-12345678901234567");
            let arn: Arn = text.parse().unwrap();
            assert_eq!(arn.partition, partition);
            assert!(
                matches!(arn.resource, Resource::SourceServer(id) if id.as_str() == "s-12345678901234567")
            );
        }
    }

    #[test]
    fn recovery_instances_come_as_i_and_as_ri() {
        for id in ["ri-12345678901234567", "i-1234567890abcdef0"] {
            let arn: Arn =
                format!("arn:aws:drs:us-west-2:111122223333:recovery-instance/{id}").parse().unwrap();
            assert!(matches!(arn.resource, Resource::RecoveryInstance(_)));
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:drs:us-west-2:111122223333",
            "arn:aws:drs:us-west-2:1111:source-server/s-12345678901234567",
            "arn:aws:drs:us-west-2:111122223333:source-server/s-1",
            "urn:aws:drs:us-west-2:111122223333:source-server/s-12345678901234567",
        ] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
