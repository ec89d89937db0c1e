//! Why the launch of a server failed, in plain words: the lines of a job's log.
//!
//! Source of the lines: `JobLogEvent` of the DRS API. What AWS adds is shown as itself.

use crate::job::Failure;

/// Why a server failed: what its job's log says, with AWS's own words where there are any.
pub fn reason(failure: Option<&Failure>) -> String {
    let Some(failure) = failure else {
        return "DRS reports a failed launch, and the job's log says no more".to_owned();
    };
    let words = words(&failure.event)
        .map_or_else(|| failure.event.clone(), |words| format!("{words} ({})", failure.event));
    match &failure.error {
        Some(error) => format!("{words}: {error}"),
        None => words,
    }
}

/// A line of a job's log that tells of a failure, in plain words; `None` for one that is not known here.
pub fn words(event: &str) -> Option<&'static str> {
    Some(match event {
        "SNAPSHOT_FAIL" => "no snapshot of its disks could be taken",
        "USING_PREVIOUS_SNAPSHOT_FAILED" => "no earlier snapshot of its disks could be used",
        "CONVERSION_FAIL" => "its disks could not be converted for EC2",
        "LAUNCH_FAILED" => "the instance could not be launched",
        "CLEANUP_FAIL" => "the instance that it replaces could not be removed",
        "SERVER_SKIPPED" => "it was left out of the job",
        "UPDATE_LAUNCH_TEMPLATE_FAILED" => "its launch template could not be updated",
        "DEPLOY_NETWORK_CONFIGURATION_FAILED" => "the network could not be deployed",
        "UPDATE_NETWORK_CONFIGURATION_FAILED" => "the network could not be updated",
        "NETWORK_RECOVERY_FAIL" => "the network could not be recovered",
        _ => return None,
    })
}

/// A phase of a job (see [`crate::job::JobServerRow::phases`]), in plain words; itself when it is not known here.
pub fn phase(name: &str) -> &str {
    match name {
        "CLEANUP" => "removing the earlier instance",
        "SNAPSHOT" => "taking snapshots",
        "CONVERSION" => "converting",
        "LAUNCH" => "launching",
        "UPDATE_LAUNCH_TEMPLATE" => "updating the launch template",
        "DEPLOY_NETWORK_CONFIGURATION" => "deploying the network",
        "UPDATE_NETWORK_CONFIGURATION" => "updating the network",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_the_api_has_words_and_what_aws_adds_is_shown_as_itself() {
        let lines = [
            "SNAPSHOT_FAIL",
            "USING_PREVIOUS_SNAPSHOT_FAILED",
            "CONVERSION_FAIL",
            "LAUNCH_FAILED",
            "CLEANUP_FAIL",
            "SERVER_SKIPPED",
            "UPDATE_LAUNCH_TEMPLATE_FAILED",
            "DEPLOY_NETWORK_CONFIGURATION_FAILED",
            "UPDATE_NETWORK_CONFIGURATION_FAILED",
            "NETWORK_RECOVERY_FAIL",
        ];
        let failure = |event: &str, error: Option<&str>| Failure {
            at: jiff::Timestamp::UNIX_EPOCH,
            event: event.to_owned(),
            error: error.map(str::to_owned),
        };
        for line in lines {
            let told = reason(Some(&failure(line, None)));
            assert!(told.ends_with(&format!("({line})")) && told.len() > line.len() + 10, "{told}");
        }
        let told = reason(Some(&failure("LAUNCH_FAILED", Some("InsufficientInstanceCapacity"))));
        assert_eq!(told, "the instance could not be launched (LAUNCH_FAILED): InsufficientInstanceCapacity");
        assert_eq!(reason(Some(&failure("TELEPORT_FAIL", None))), "TELEPORT_FAIL");
        assert!(reason(None).contains("says no more"));
    }
}
