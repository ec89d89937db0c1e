//! Why a failback failed, in plain words: `FailbackReplicationError` of the DRS API. What AWS adds is shown as itself.

use crate::remedy;

/// An error code in plain words with the code behind it; the code alone when it is not known here.
pub fn words(code: &str) -> String {
    let words = match code {
        "FAILBACK_CLIENT_NOT_SEEN" => "DRS does not hear the failback client",
        "FAILED_TO_ESTABLISH_RECOVERY_INSTANCE_COMMUNICATION" => {
            "the failback client does not reach the recovery instance"
        }
        "FAILED_TO_DOWNLOAD_REPLICATION_SOFTWARE_TO_FAILBACK_CLIENT" => {
            "the failback client cannot download its software"
        }
        "FAILED_TO_CONFIGURE_REPLICATION_SOFTWARE" => "the replication software cannot be configured",
        "FAILED_TO_PAIR_AGENT_WITH_REPLICATION_SOFTWARE" => {
            "agent and failback client do not find each other"
        }
        "FAILED_TO_ESTABLISH_AGENT_REPLICATOR_SOFTWARE_COMMUNICATION" => {
            "the agent cannot reach the failback client"
        }
        "FAILED_GETTING_REPLICATION_STATE" => "the state of the replication back cannot be read",
        other => return remedy::words(other),
    };
    format!("{words} ({code})")
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn every_code_of_the_api_has_words_and_what_aws_adds_is_shown_as_itself() {
        let codes = [
            "AGENT_NOT_SEEN",
            "FAILBACK_CLIENT_NOT_SEEN",
            "NOT_CONVERGING",
            "UNSTABLE_NETWORK",
            "FAILED_TO_ESTABLISH_RECOVERY_INSTANCE_COMMUNICATION",
            "FAILED_TO_DOWNLOAD_REPLICATION_SOFTWARE_TO_FAILBACK_CLIENT",
            "FAILED_TO_CONFIGURE_REPLICATION_SOFTWARE",
            "FAILED_TO_PAIR_AGENT_WITH_REPLICATION_SOFTWARE",
            "FAILED_TO_ESTABLISH_AGENT_REPLICATOR_SOFTWARE_COMMUNICATION",
            "FAILED_GETTING_REPLICATION_STATE",
            "SNAPSHOTS_FAILURE",
            "FAILED_TO_LAUNCH_REPLICATION_SERVER",
            "FAILED_TO_START_DATA_TRANSFER",
        ];
        for code in codes {
            assert!(words(code).ends_with(&format!("({code})")), "{code}");
        }
        assert_eq!(words("TOO_SHY"), "TOO_SHY");
    }
}
