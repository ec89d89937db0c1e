//! How many bytes a row has: it is read and written often, and DynamoDB bills by the kibibyte.

use super::*;

/// Everything that a sweep and events can tell, in AWS's longest words, and as many incidents as there can be.
fn crowded() -> Server {
    let mut it = Server::default();
    let mut seen = tagged(lagging(5_000), RPO_TAG, "15m");
    seen.tags.insert("Name".to_owned(), "a-rather-long-name-of-a-database-server".to_owned());
    seen.instance = Some("i-0123456789abcdef0".parse().unwrap());
    seen.last_seen = Some(at(-30));
    seen.progress = Progress {
        backlog: Some(u64::MAX / 2),
        replicated: Some(1 << 50),
        rescanned: Some(1 << 49),
        total: Some(1 << 50),
        ..seen.progress
    };
    let arn = "arn:aws:drs:us-west-2:444455556666:source-server/s-12345678901234567";
    seen.staging = Staging {
        status: Some("EXTENSION_ERROR".to_owned()),
        account: Some("444455556666".parse().unwrap()),
        server_arn: Some(arn.to_owned()),
        error: Some("x".repeat(1_000)),
    };
    let states =
        ["INITIATING", "INITIAL_SYNC", "BACKLOG", "CREATING_SNAPSHOT", "CONTINUOUS", "PAUSED", "RESCAN"];
    for (minute, state) in states.iter().chain(&["ADDED_LATER", "STALLED", "DISCONNECTED"]).enumerate() {
        let seen = ServerSeen { state: Some((*state).to_owned()), ..seen.clone() };
        it.swept(i64::try_from(minute).unwrap(), seen);
    }
    it.rings();
    let stalled = ServerSeen {
        state: Some("STALLED".to_owned()),
        error: Some("FAILED_TO_START_REPLICATION_SERVER_BOOT".to_owned()),
        ..seen
    };
    it.swept(30, stalled);
    it.decides(&[Observation::Snapshot { at: at(31) }], at(31));
    it.decides(&[Observation::DisconnectCalled { at: at(31) }], at(31));
    it
}

#[test]
fn a_row_with_everything_wrong_is_bounded_and_one_that_is_mended_is_small() {
    let mut it = crowded();
    assert!(it.open().len() >= 5, "{:?}", it.open());
    let size = |it: &Server| serde_json::to_vec(it.row()).unwrap().len();
    assert!(size(&it) <= WORST, "{} bytes: {}", size(&it), serde_json::to_string_pretty(it.row()).unwrap());
    let states = it.row().replication.before.len();
    assert!(states <= 4, "{:?}", it.row().replication.before);
    it.swept(100, lagging(0));
    it.swept(200, ServerSeen { state: Some("STALLED".to_owned()), ..lagging(0) });
    assert_eq!(it.open().len(), 1);
    assert!(it.row().incidents.len() >= 6, "{:?}", it.row().incidents);
    assert!(size(&it) <= HOT, "{} bytes: {}", size(&it), serde_json::to_string_pretty(it.row()).unwrap());
}

/// In bytes, of a row whose every facet is told and on which all that can be open at once is.
const WORST: usize = 2_560;

/// In bytes, of a row on which one incident is open and all others are over.
const HOT: usize = 2_048;

/// A server as it is usually, which replicates in another account and whose tag asks for a recovery point.
fn usual(state: &str) -> ServerSeen {
    let mut seen = tagged(lagging(0), RPO_TAG, "15m");
    seen.state = Some(state.to_owned());
    seen.tags.insert("Name".to_owned(), "a-rather-long-name-of-a-database-server".to_owned());
    seen.instance = Some("i-0123456789abcdef0".parse().unwrap());
    seen.progress.backlog = Some(0);
    seen.staging = Staging {
        status: Some("EXTENDED".to_owned()),
        account: Some("444455556666".parse().unwrap()),
        server_arn: Some("arn:aws:drs:us-west-2:444455556666:source-server/s-12345678901234567".to_owned()),
        error: None,
    };
    seen
}

#[test]
fn a_healthy_row_and_one_with_an_incident_fit_into_a_kibibyte() {
    let mut it = Server::default();
    for (minute, state) in
        [(0, "INITIAL_SYNC"), (5, "BACKLOG"), (10, "CREATING_SNAPSHOT"), (15, "CONTINUOUS")]
    {
        it.swept(minute, usual(state));
    }
    let text = |it: &Server| serde_json::to_string(it.row()).unwrap();
    assert_eq!(it.open(), []);
    assert!(text(&it).len() <= HEALTHY, "{} bytes: {}", text(&it).len(), text(&it));

    let mut stalled = ServerSeen { error: Some("AGENT_NOT_SEEN".to_owned()), ..usual("STALLED") };
    it.swept(20, stalled.clone());
    assert_eq!(it.open().len(), 1);
    assert!(text(&it).len() <= UNIT, "{} bytes: {}", text(&it).len(), text(&it));

    stalled.progress = Progress { backlog: Some(1 << 40), ..lagging(10).progress };
    stalled.tags.insert(RPO_TAG.to_owned(), "5m".to_owned());
    it.swept(25, stalled);
    assert_eq!(it.open().len(), 3);
    assert!(text(&it).len() <= THREE, "{} bytes: {}", text(&it).len(), text(&it));
}

/// In bytes of JSON. DynamoDB bills writes by the kibibyte and stores a row in less than its JSON, but with its keys.
const UNIT: usize = 1_024;
/// Of a healthy row.
const HEALTHY: usize = 768;
/// Of a row on which three incidents are open.
const THREE: usize = 1_536;
