//! The failback of a recovery instance, as the job-monitor tells of it.

use drs_fleet_domain::ids::RecoveryInstanceId;
use drs_fleet_domain::own_event::OwnEvent;
use drs_fleet_domain::policy::Limits;
use drs_fleet_domain::recovery::{self, Context, Observation};
use drs_fleet_domain::seen::{RecoveryInstanceSeen, Size};

use super::{INSTANCE, JOB, place, time};

/// Each sample of a failback's event: the case, and the event.
pub(super) fn failbacks() -> [(&'static str, OwnEvent); 3] {
    let known = [listed("08:12:19"), named()];
    let begun = [&known[..], &[changed("08:35:02", "FAILBACK_IN_PROGRESS")]].concat();
    let completed = [&begun[..], &[changed("10:04:51", "FAILBACK_COMPLETED")]].concat();
    [
        ("in-progress", told(&begun)),
        ("completed", told(&completed)),
        // Of an instance that no sweep has listed yet.
        ("error", told(&[changed("08:36:40", "FAILBACK_ERROR")])),
    ]
}

/// What is told last of an instance when all of this is observed of it.
fn told(observed: &[Observation]) -> OwnEvent {
    let (id, limits): (RecoveryInstanceId, _) = (INSTANCE.parse().unwrap(), Limits::default());
    let context = Context {
        account_name: "erp-prod",
        limits: &limits,
        swept_at: None,
        watched: true,
        now: time("10:04:55"),
    };
    let told = recovery::decide((&place(), &id), observed, None, &context).unwrap().tell;
    told.into_iter().rfind(|event| matches!(event, OwnEvent::Failback(_))).unwrap()
}

fn changed(at: &str, state: &str) -> Observation {
    Observation::Failback { state: state.to_owned(), at: time(at) }
}

fn listed(at: &str) -> Observation {
    let seen = RecoveryInstanceSeen {
        id: INSTANCE.parse().unwrap(),
        server: Some("s-12345678901234567".parse().unwrap()),
        job: Some(JOB.parse().unwrap()),
        drill: Some(false),
        state: Some("RUNNING".to_owned()),
        failback: Some("FAILBACK_NOT_STARTED".to_owned()),
        failback_error: None,
        size: Size::default(),
    };
    Observation::Seen { seen: Box::new(seen), at: time(at) }
}

fn named() -> Observation {
    Observation::Known { name: Some("erp-db-03".to_owned()), plan: None, launched_at: None }
}
