//! What was found of each kind of condition on one morning.

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::incident::Severity::{self, Critical, High, Low, Medium};

use self::Found::{Holds, Over};

/// How a condition is found at a time of the day: that it holds, or that it does not.
pub(super) enum Found {
    Holds(&'static str, Severity, &'static str),
    Over(&'static str),
}

pub(super) fn findings(kind: IncidentKind) -> Vec<Found> {
    match kind {
        IncidentKind::ReplicationStalled => vec![
            Holds("08:41:07", High, "DRS does not hear the agent (AGENT_NOT_SEEN)"),
            Holds("09:11:30", Critical, "no consistent snapshot can be taken (SNAPSHOTS_FAILURE)"),
            Over("10:58:45"),
        ],
        // It comes back twice; of the second time nobody is told, and of the end only when it has been quiet.
        IncidentKind::ServerDisconnected => vec![
            Holds("08:40:12", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("08:45:10"),
            Holds("08:50:11", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("08:55:12"),
            Holds("09:00:14", High, "DRS reports DISCONNECTED, and nobody disconnected it"),
            Over("09:05:11"),
            Over("09:15:12"),
        ],
        IncidentKind::ReplicationLag => {
            vec![Holds("08:40:12", High, "the newest consistent point is 1 h 7 min old")]
        }
        IncidentKind::ReplicationBacklog => {
            vec![Holds("08:40:12", Medium, "12.4 GiB are not replicated yet")]
        }
        IncidentKind::ServerNotSeen => {
            vec![Holds("08:40:12", High, "DRS last saw its agent at 2026-09-14 08:22 UTC")]
        }
        IncidentKind::InitialSyncStuck => {
            vec![Holds("08:40:12", High, "no progress for 6 h at CONNECT_AGENT_TO_REPLICATION_SERVER")]
        }
        IncidentKind::RpoGap => {
            vec![Holds(
                "08:40:12",
                High,
                "the newest consistent point is 22 min old; the tag asks for 15 min",
            )]
        }
        IncidentKind::ExtensionError => {
            vec![Holds("08:40:12", High, "DRS reports EXTENSION_ERROR; it is staged in 444455556666")]
        }
        IncidentKind::FullResync => vec![Holds("08:40:12", Medium, "it was CONTINUOUS and is RESCAN")],
        IncidentKind::CapacityReplicating => vec![
            Holds("08:40:12", High, "281 of 300 servers replicate (93 %)"),
            Holds("09:20:14", Critical, "300 of 300 servers replicate (100 %)"),
            Over("10:05:13"),
        ],
        IncidentKind::CapacityTotal => vec![Holds("08:40:12", High, "3,742 of 4,000 source servers (93 %)")],
        IncidentKind::SpokeSilent => {
            vec![
                Holds("08:40:12", High, "neither heartbeat nor event for more than 15 min"),
                Over("08:52:30"),
            ]
        }
        IncidentKind::SweepOverdue => vec![Holds(
            "08:40:12",
            High,
            "sweeps have been begun for more than 15m and none has ended: its calls to DRS are throttled, fail, or are not answered; \
             what is shown of its servers is old",
        )],
        IncidentKind::UnregisteredAccount => {
            vec![Holds(
                "08:40:12",
                Medium,
                "account 111122223333 sends from Regions that are not registered for it; 3 events were counted and not \
                 acted on (2 from eu-west-1, 1 from us-west-2), last 9da9af57-9253-4406-87cb-7cc400e43465",
            )]
        }
        IncidentKind::AccountDenied => vec![
            Holds("08:45:02.417", High, "AccessDenied: not authorized to perform sts:AssumeRole"),
            Over("09:00:03"),
        ],
        IncidentKind::TagsUnfit => vec![
            Holds(
                "08:40:12",
                Low,
                "not copied: Description (its value has more than 256 characters), patch-group (the source server has 50 \
                 tags already)",
            ),
            Over("10:05:13"),
        ],
        IncidentKind::TagsRefused => vec![
            Holds("08:55:12", Medium, "AccessDeniedException: not authorized to perform drs:TagResource"),
            Over("09:10:14"),
        ],
        IncidentKind::ChannelFailing => vec![
            Holds(
                "08:40:12",
                High,
                "it takes no messages; the last was refused with: channel send: transient: the webhook answered 503",
            ),
            Over("09:00:03"),
        ],
        IncidentKind::InstanceTagTampered => {
            vec![Holds("08:40:12", High, "removed or changed: AWSElasticDisasterRecoveryManaged")]
        }
        of_a_job => findings_of_jobs(of_a_job),
    }
}

fn findings_of_jobs(kind: IncidentKind) -> Vec<Found> {
    match kind {
        IncidentKind::JobStuck => vec![
            Holds(
                "08:40:12",
                High,
                "nothing of it has moved for 30m; the last step in its log is CONVERSION_START; 12 of 40 servers done",
            ),
            Over("08:52:30"),
        ],
        IncidentKind::JobFailed => vec![
            Holds(
                "08:40:12",
                High,
                "2 of 40 servers failed: erp-db-03 (its disks could not be converted for EC2 (CONVERSION_FAIL)), \
                 erp-db-04 (the instance could not be launched (LAUNCH_FAILED): InsufficientInstanceCapacity)",
            ),
            Over("10:05:13"),
        ],
        IncidentKind::JobsNearQuota => vec![
            Holds("08:40:12", Medium, "17 of 20 jobs at a time (L-D88FAC3A)"),
            Holds("08:45:12", High, "20 of 20 jobs at a time (L-D88FAC3A)"),
            Over("08:55:12"),
        ],
        IncidentKind::DrillLeftRunning => {
            vec![
                Holds("08:40:12", Medium, "38 of its instances still run more than 24h after its end"),
                Over("10:05:13"),
            ]
        }
        IncidentKind::FailbackFailed => vec![
            Holds("08:40:12", Critical, "DRS does not hear the failback client (FAILBACK_CLIENT_NOT_SEEN)"),
            Over("08:52:30"),
        ],
        IncidentKind::ReplicationNotResumed => vec![Holds(
            "08:40:12",
            High,
            "more than 30m after the failback, its extended source server is still STALLED",
        )],
        other => panic!("{other} has no findings"),
    }
}
