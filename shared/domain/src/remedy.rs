//! Why a server does not replicate, in plain words: the error codes of DRS, the steps of its first replication,
//! and what usually helps.
//!
//! Source of the codes: `DataReplicationErrorString` and `DataReplicationInitiationStepName` of the DRS API. Source of
//! the pages: the DRS user guide, "Troubleshooting replication errors". What AWS adds is shown as itself.

/// The page of the user guide that leads to all others.
pub const TROUBLESHOOTING: &str =
    "https://docs.aws.amazon.com/drs/latest/userguide/troubleshooting-replication.html";
const CONNECTIVITY: &str =
    "https://docs.aws.amazon.com/drs/latest/userguide/replication-connectivity-errors.html";
const INFRASTRUCTURE: &str =
    "https://docs.aws.amazon.com/drs/latest/userguide/replication-server-errors.html";
const PERFORMANCE: &str =
    "https://docs.aws.amazon.com/drs/latest/userguide/replication-performance-errors.html";

/// What an error means, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What is wrong, in plain words.
    pub words: &'static str,
    /// What usually helps.
    pub helps: &'static str,
    /// AWS's page about it.
    pub page: &'static str,
}

/// What an error code (`dataReplicationError.error`) means; `None` for one that is not known here.
pub fn remedy(code: &str) -> Option<Remedy> {
    let (words, helps, page) = match code {
        "AGENT_NOT_SEEN" => (
            "DRS does not hear the agent",
            "Check that the server is up, that its agent runs, and that it reaches the DRS endpoint on TCP 443.",
            CONNECTIVITY,
        ),
        "SNAPSHOTS_FAILURE" => (
            "no consistent snapshot can be taken",
            "Look in CloudTrail for refused CreateSnapshot calls: roles, service control policies, the KMS key, or \
             the account's EBS snapshot quota.",
            TROUBLESHOOTING,
        ),
        "NOT_CONVERGING" => (
            "the server writes faster than it replicates",
            "Give it more bandwidth, a faster staging disk or a dedicated replication server.",
            PERFORMANCE,
        ),
        "UNSTABLE_NETWORK" => (
            "the connection to the replication server keeps breaking",
            "Look for packet loss, a firewall or a proxy between the server and the staging subnet (TCP 1500).",
            PERFORMANCE,
        ),
        _ => return to_begin(code),
    };
    Some(Remedy { words, helps, page })
}

/// Errors of the steps by which a replication begins.
fn to_begin(code: &str) -> Option<Remedy> {
    let (words, helps, page) = match code {
        "FAILED_TO_CREATE_SECURITY_GROUP" => (
            "the replication servers' security group cannot be created",
            "Check the security group quota of the staging VPC, and service control policies.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_LAUNCH_REPLICATION_SERVER" => (
            "the replication server cannot be launched",
            "Check the EC2 quotas, that the staging subnet exists and has free addresses, and the KMS key.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_BOOT_REPLICATION_SERVER" => (
            "the replication server does not come up",
            "Check that the staging subnet reaches DRS, EC2 and S3 on TCP 443, and try another instance type.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_AUTHENTICATE_WITH_SERVICE" => (
            "the replication server cannot log in to DRS",
            "Check that the staging subnet reaches the DRS endpoint on TCP 443, and the DRS roles of the account.",
            CONNECTIVITY,
        ),
        "FAILED_TO_DOWNLOAD_REPLICATION_SOFTWARE" => (
            "the replication server cannot download its software",
            "Check that the staging subnet reaches S3 on TCP 443: route, endpoint policy, proxy.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_CREATE_STAGING_DISKS" => (
            "the staging disks cannot be created",
            "Check the EBS volume quotas, the KMS key, and service control policies of the staging account.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_ATTACH_STAGING_DISKS" => (
            "the staging disks cannot be attached",
            "Check the KMS key's policy, and how many disks the replication server holds already.",
            INFRASTRUCTURE,
        ),
        "FAILED_TO_PAIR_REPLICATION_SERVER_WITH_AGENT" => (
            "agent and replication server do not find each other",
            "Check that the agent runs and that the server reaches the staging subnet on TCP 1500.",
            CONNECTIVITY,
        ),
        "FAILED_TO_CONNECT_AGENT_TO_REPLICATION_SERVER" => (
            "the agent cannot reach its replication server",
            "Open TCP 1500 from the server to the staging subnet: firewalls, routes, security groups, public or private \
             IP as the replication settings say.",
            CONNECTIVITY,
        ),
        "FAILED_TO_START_DATA_TRANSFER" => (
            "the data transfer does not begin",
            "Check that the agent runs and that the server reaches the staging subnet on TCP 1500; restart the agent.",
            CONNECTIVITY,
        ),
        _ => return None,
    };
    Some(Remedy { words, helps, page })
}

/// An error code in plain words with the code behind it; the code alone when it is not known here.
pub fn words(code: &str) -> String {
    remedy(code).map_or_else(|| code.to_owned(), |remedy| format!("{} ({code})", remedy.words))
}

/// A step of the beginning of replication, in plain words; itself when it is not known here.
pub fn step(name: &str) -> &str {
    match name {
        "WAIT" => "waiting to begin",
        "CREATE_SECURITY_GROUP" => "creating the security group",
        "LAUNCH_REPLICATION_SERVER" => "launching the replication server",
        "BOOT_REPLICATION_SERVER" => "booting the replication server",
        "AUTHENTICATE_WITH_SERVICE" => "logging in to DRS",
        "DOWNLOAD_REPLICATION_SOFTWARE" => "downloading the replication software",
        "CREATE_STAGING_DISKS" => "creating the staging disks",
        "ATTACH_STAGING_DISKS" => "attaching the staging disks",
        "PAIR_REPLICATION_SERVER_WITH_AGENT" => "pairing the replication server with the agent",
        "CONNECT_AGENT_TO_REPLICATION_SERVER" => "connecting the agent to the replication server",
        "START_DATA_TRANSFER" => "starting the data transfer",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = "https://docs.aws.amazon.com/drs/latest/userguide/";
    const STEPS: [&str; 10] = [
        "CREATE_SECURITY_GROUP",
        "LAUNCH_REPLICATION_SERVER",
        "BOOT_REPLICATION_SERVER",
        "AUTHENTICATE_WITH_SERVICE",
        "DOWNLOAD_REPLICATION_SOFTWARE",
        "CREATE_STAGING_DISKS",
        "ATTACH_STAGING_DISKS",
        "PAIR_REPLICATION_SERVER_WITH_AGENT",
        "CONNECT_AGENT_TO_REPLICATION_SERVER",
        "START_DATA_TRANSFER",
    ];

    #[test]
    fn every_code_of_the_api_has_words_a_remedy_and_a_page() {
        let others =
            ["AGENT_NOT_SEEN", "SNAPSHOTS_FAILURE", "NOT_CONVERGING", "UNSTABLE_NETWORK"].map(str::to_owned);
        let codes: Vec<_> = others.into_iter().chain(STEPS.map(|step| format!("FAILED_TO_{step}"))).collect();
        assert_eq!(codes.len(), 14);
        for code in codes {
            let known = remedy(&code).unwrap_or_else(|| panic!("{code}"));
            assert!(known.helps.ends_with('.') && known.page.starts_with(GUIDE), "{code}");
            assert!(words(&code).ends_with(&format!("({code})")), "{code}");
        }
    }

    #[test]
    fn every_step_of_the_api_has_words() {
        for name in STEPS.into_iter().chain(["WAIT"]) {
            assert_ne!(step(name), name);
        }
    }

    #[test]
    fn what_aws_adds_is_shown_as_itself() {
        assert_eq!((remedy("TOO_SHY"), words("TOO_SHY"), step("BE_SHY")), (None, "TOO_SHY".into(), "BE_SHY"));
    }
}
