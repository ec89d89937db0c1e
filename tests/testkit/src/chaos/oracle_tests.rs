//! A judge that cannot find anything wrong proves nothing: each fault is planted here, and must be found alone.

use super::super::people::Post;
use super::*;

const PLACE: &str = "place#111122223300#eu-central-1";

fn event(server: usize, at: &str, detail_type: &str, detail: &Value) -> Put {
    let body = json!({
        "id": "e", "source": "aws.drs", "detail-type": detail_type, "account": "111122223300", "region": "eu-central-1",
        "time": at, "resources": [format!("arn:aws:drs:eu-central-1:111122223300:source-server/s-{server}")],
        "detail": detail,
    });
    Put { body: body.to_string(), poison: false }
}

fn stall(server: usize, at: &str, state: &str) -> Put {
    event(server, at, "DRS Source Server Data Replication Stalled Change", &json!({ "state": state }))
}

/// One server stalls, another is back within the second of its stall's end, one was only photographed; one poison.
fn log() -> Vec<Put> {
    vec![
        stall(1, "2026-01-01T00:01:00Z", "STALLED"),
        stall(1, "2026-01-01T00:00:00Z", "NOT_STALLED"),
        stall(2, "2026-01-01T00:02:00Z", "NOT_STALLED"),
        stall(2, "2026-01-01T00:01:00Z", "STALLED"),
        stall(3, "2026-01-01T00:03:00Z", "NOT_STALLED"),
        stall(3, "2026-01-01T00:03:00Z", "STALLED"),
        event(4, "2026-01-01T00:19:59Z", "DRS PIT Snapshot Taken", &json!({})),
        Put { body: "poison".to_owned(), poison: true },
    ]
}

fn server(id: usize, state: &str, stamp: &Value, incidents: &Value) -> Value {
    json!({
        "pk": PLACE, "sk": format!("server#s-{id}"), "kind": "server", "rev": 3, "outbox": {},
        "row": { "replication": { "state": state, "stamp": stamp }, "incidents": incidents },
    })
}

fn incident(opened_at: &str, closed_at: Option<&str>) -> Value {
    json!({ "REPLICATION_STALLED": { "opened_at": opened_at, "closed_at": closed_at } })
}

fn told(server: usize, opened_at: &str, sequence: u32, happened: &str) -> Heard {
    Heard::on_bus(&event_of(server, opened_at, sequence, happened)).unwrap()
}

fn event_of(server: usize, opened_at: &str, sequence: u32, happened: &str) -> Value {
    json!({ "detail": {
        "eventId": format!("{server}@{opened_at}#{sequence}"), "incident": format!("REPLICATION_STALLED/{server}"),
        "accountId": "111122223300", "region": "eu-central-1", "subject": format!("s-{server}"),
        "openedAt": opened_at, "sequence": sequence, "happened": happened,
    }})
}

/// All as it must be. The numbers at the end of the stamps are FNV-1a of `STALLED/` and of `NOT_STALLED/`.
fn seen() -> Seen {
    let mut photographed = server(4, "UNKNOWN", &json!([-1, 0, 0, 0]), &json!({}));
    photographed["row"]["snapshot_at"] = json!("2026-01-01T00:10:00Z");
    let place =
        json!({ "pk": PLACE, "sk": "place", "kind": "place", "row": { "heard_at": "2026-01-01T00:19:00Z" } });
    let (stalled, not_stalled) = (1_017_705_613_u32, 353_229_479_u32);
    Seen {
        items: vec![
            server(
                1,
                "STALLED",
                &json!([1_767_225_660, 1, 1, stalled]),
                &incident("2026-01-01T00:01:00Z", None),
            ),
            server(
                2,
                "NOT_STALLED",
                &json!([1_767_225_720, 1, 0, not_stalled]),
                &incident("2026-01-01T00:01:00Z", Some("2026-01-01T00:02:00Z")),
            ),
            server(
                3,
                "STALLED",
                &json!([1_767_225_780, 1, 1, stalled]),
                &incident("2026-01-01T00:03:00Z", None),
            ),
            photographed,
            place,
            json!({ "pk": "account#0", "sk": "account#111122223300", "kind": "account" }),
        ],
        dead_letters: vec![DeadLetter { body: "poison".to_owned(), reason: Some("NOT_JSON".to_owned()) }],
        on_bus: vec![
            told(1, "2026-01-01T00:01:00Z", 1, "OPENED"),
            told(2, "2026-01-01T00:01:00Z", 2, "RESOLVED"),
            told(2, "2026-01-01T00:01:00Z", 1, "OPENED"),
            told(3, "2026-01-01T00:03:00Z", 1, "OPENED"),
        ],
        by_people: None,
    }
}

/// How many of each: lost, unexpected, not buried, buried wrongly, told wrongly, duplicates, the same under two ids.
fn found(seen: &Seen) -> [usize; 7] {
    let v = judge(&log(), seen).unwrap();
    let told = &v.on_bus;
    [
        v.lost.len(),
        v.unexpected.len(),
        v.not_buried.len(),
        v.buried_wrongly.len(),
        told.lost.len(),
        told.duplicates(),
        told.under_two_ids,
    ]
}

fn after(change: impl FnOnce(&mut Seen)) -> [usize; 7] {
    let mut seen = seen();
    change(&mut seen);
    found(&seen)
}

#[test]
fn nothing_is_wrong_where_nothing_is() {
    let verdict = judge(&log(), &seen()).unwrap();
    assert_eq!(found(&seen()), [0; 7], "{verdict:#?}");
    assert_eq!((verdict.subjects, verdict.open, verdict.poison), (5, 2, 1));
    assert_eq!((verdict.on_bus.deliveries, verdict.on_bus.distinct), (4, 4));
}

#[test]
fn a_lost_write_is_found() {
    let missing = after(|seen| drop(seen.items.remove(3)));
    assert_eq!(missing, [1, 0, 0, 0, 0, 0, 0], "a server that is not there");
    let stale = after(|seen| seen.items[1]["row"]["replication"]["stamp"][0] = json!(1_767_225_719));
    assert_eq!(stale, [1, 0, 0, 0, 0, 0, 0], "an event of the second before");
    let half = after(|seen| seen.items[0]["row"]["incidents"] = json!({}));
    assert_eq!(half, [1, 0, 0, 0, 1, 0, 0], "a state without its incident");
    let open = after(|seen| seen.items[1]["row"]["incidents"] = incident("2026-01-01T00:01:00Z", None));
    assert_eq!(open, [1, 0, 0, 0, 0, 0, 0], "an incident that is over and is open");
    let snapshot = after(|seen| seen.items[3]["row"]["snapshot_at"] = json!("2026-01-01T00:00:00Z"));
    assert_eq!(snapshot, [1, 0, 0, 0, 0, 0, 0], "an older snapshot");
    let heard = after(|seen| seen.items[4]["row"]["heard_at"] = json!("2026-01-01T00:18:00Z"));
    assert_eq!(heard, [1, 0, 0, 0, 0, 0, 0], "a place that was heard later");
}

#[test]
fn an_unexpected_row_is_found() {
    let stranger = server(9, "NOT_STALLED", &json!([1, 1, 0, 0]), &json!({}));
    assert_eq!(after(|seen| seen.items.push(stranger)), [0, 1, 0, 0, 0, 0, 0]);
    let other = json!({ "pk": "unhandled#capacity-tracker#0", "sk": "UNKNOWN_TYPE#1", "kind": "unhandled" });
    assert_eq!(after(|seen| seen.items.push(other)), [0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_missing_dead_letter_is_found_and_one_too_many() {
    assert_eq!(after(|seen| seen.dead_letters.clear()), [0, 0, 1, 0, 0, 0, 0]);
    let good = DeadLetter { body: log()[0].body.clone(), reason: Some("NOT_JSON".to_owned()) };
    assert_eq!(after(|seen| seen.dead_letters.push(good)), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(after(|seen| seen.dead_letters[0].reason = None), [0, 0, 0, 1, 0, 0, 0], "no reason");
    let changed = after(|seen| seen.dead_letters[0].body.push('!'));
    assert_eq!(changed, [0, 0, 1, 1, 0, 0, 0], "not as it was");
}

#[test]
fn a_lost_notification_is_found() {
    assert_eq!(after(|seen| drop(seen.on_bus.remove(0))), [0, 0, 0, 0, 1, 0, 0], "open, and never told");
    assert_eq!(after(|seen| drop(seen.on_bus.remove(1))), [0, 0, 0, 0, 1, 0, 0], "over, and last told open");
    let reopened = after(|seen| seen.on_bus.push(told(2, "2026-01-01T00:01:00Z", 3, "REOPENED")));
    assert_eq!(reopened, [0, 0, 0, 0, 1, 0, 0], "over, and told to be back");
    let resolved = after(|seen| seen.on_bus.push(told(1, "2026-01-01T00:01:00Z", 2, "RESOLVED")));
    assert_eq!(resolved, [0, 0, 0, 0, 1, 0, 0], "open, and told to be over");
    let other = after(|seen| seen.on_bus[0] = told(1, "2026-01-01T00:00:30Z", 1, "OPENED"));
    assert_eq!(other, [0, 0, 0, 0, 1, 0, 0], "another incident than the one that is open");
    let stranger = after(|seen| seen.on_bus.push(told(9, "2026-01-01T00:01:00Z", 1, "OPENED")));
    assert_eq!(stranger, [0, 0, 0, 0, 1, 0, 0], "of a server that no event names");
}

#[test]
fn a_duplicate_is_found_and_the_same_news_under_another_id() {
    assert_eq!(after(|seen| seen.on_bus.push(seen.on_bus[2].clone())), [0, 0, 0, 0, 0, 1, 0]);
    let renamed = after(|seen| {
        let mut again = event_of(1, "2026-01-01T00:01:00Z", 1, "OPENED");
        again["detail"]["eventId"] = json!("another");
        seen.on_bus.push(Heard::on_bus(&again).unwrap());
    });
    assert_eq!(renamed, [0, 0, 0, 0, 0, 0, 1]);
}

/// A message to people about one server.
fn post(key: &str, server: usize, since: &str, status: &str) -> Post {
    let incident = json!({
        "accountId": "111122223300", "region": "eu-central-1", "subject": format!("s-{server}"),
        "since": since, "at": since, "status": status,
    });
    Post { key: key.to_owned(), body: json!({ "incidents": [incident] }) }
}

/// How many of each: told wrongly, duplicates, the same under two keys.
fn found_by_people(posts: &[Post]) -> [usize; 3] {
    let heard = (0..).zip(posts).flat_map(|(n, post)| Heard::by_people(n, post).unwrap()).collect();
    let verdict = judge(&log(), &Seen { by_people: Some(heard), ..seen() }).unwrap();
    let told = verdict.by_people.unwrap();
    [told.lost.len(), told.duplicates(), told.under_two_ids]
}

#[test]
fn what_people_read_is_judged_as_they_read_it() {
    let (one, three) = ("2026-01-01T00:01:00Z", "2026-01-01T00:03:00Z");
    let open = [post("a", 1, one, "OPENED"), post("b", 3, three, "OPENED")];
    let with = |more: &[Post]| found_by_people(&[&open, more].concat());
    assert_eq!(with(&[]), [0, 0, 0], "nobody was told of the second, and it is over");
    assert_eq!(found_by_people(&open[..1]), [1, 0, 0], "the third is open");
    assert_eq!(with(&[post("c", 2, one, "OPENED")]), [1, 0, 0]);
    assert_eq!(with(&[post("c", 2, one, "OPENED"), post("d", 2, one, "RESOLVED")]), [0, 0, 0]);
    assert_eq!(with(&[open[0].clone()]), [0, 1, 0]);
    assert_eq!(with(&[post("c", 1, one, "OPENED")]), [0, 0, 1]);
}
