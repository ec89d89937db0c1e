//! New rows that share calls.

use drs_fleet_domain::tags::InstanceServerRow;

use super::{Call, CommitError, Io, Outbox, Place, Reply, Value, Verdict, Write, error, json, row, wire};

/// Which server protects an instance: a row that sweeps write by the hundred.
fn link(n: u32) -> InstanceServerRow {
    InstanceServerRow {
        instance: format!("i-{n:017x}").parse().unwrap(),
        place: Place { account: row().id, region: "eu-central-1".parse().unwrap() },
        server: format!("s-{n:017x}").parse().unwrap(),
        arn: format!("arn:aws:drs:eu-central-1:111122223333:source-server/s-{n:017x}"),
    }
}

/// Commits new rows at once.
async fn create(
    io: &impl Io,
    links: impl IntoIterator<Item = u32>,
) -> Vec<Result<u64, CommitError<InstanceServerRow>>> {
    let (links, none): (Vec<_>, _) = (links.into_iter().map(link).collect(), Outbox::new());
    let new = |row| Write { row, expected: None, outbox_before: &none, outbox: &none, due: None };
    futures::future::join_all(links.iter().map(|row| io.commit(new(row)))).await
}

/// The first link as the API's JSON, as it is put alone.
async fn item(rev: u64) -> Value {
    let (io, wire) = wire::io(|_| (200, "{}".into()));
    create(&io, [1]).await;
    let mut item = wire.calls("PutItem")[0].json()["Item"].clone();
    item["rev"]["N"] = rev.to_string().into();
    item
}

fn stored_together(call: &Call) -> Vec<Value> {
    let body = call.json();
    body["Statements"].as_array().unwrap().iter().map(inserted).collect()
}

/// The item that a statement inserts.
fn inserted(statement: &Value) -> Value {
    let text = statement["Statement"].as_str().unwrap();
    let members =
        text.strip_prefix("INSERT INTO \"fleet\" VALUE {").and_then(|rest| rest.strip_suffix('}')).unwrap();
    let names =
        members.split(", ").map(|member| member.strip_prefix('\'').unwrap().strip_suffix("': ?").unwrap());
    let values = statement["Parameters"].as_array().unwrap().iter().cloned();
    names.map(str::to_owned).zip(values).collect::<serde_json::Map<_, _>>().into()
}

/// Answers a batch with one error, or none, for each statement; and all else with `other`.
fn batch(errors: &'static [Option<&'static str>], other: Reply) -> impl Fn(&Call) -> Reply {
    move |call| {
        if call.operation != "BatchExecuteStatement" {
            return other.clone();
        }
        let answer = |code: &Option<_>| match code {
            Some(code) => json!({ "Error": { "Code": code, "Message": "no" } }),
            None => json!({ "TableName": "fleet" }),
        };
        (200, json!({ "Responses": errors.iter().map(answer).collect::<Vec<_>>() }).to_string())
    }
}

#[tokio::test]
async fn new_rows_of_one_moment_are_one_call_in_which_each_is_inserted_as_it_would_be_put() {
    let (io, wire) = wire::io(batch(&[None, None], (500, "{}".into())));
    let revs: Vec<_> = create(&io, [1, 2]).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(revs, [1, 1]);
    assert_eq!(wire.calls("PutItem").len(), 0);
    let items = stored_together(&wire.calls("BatchExecuteStatement")[0]);
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], item(1).await);
}

#[tokio::test]
async fn a_new_row_that_is_not_stored_with_others_is_put_alone_and_loses_to_what_is_there() {
    let lost = error("ConditionalCheckFailedException", &json!({ "Item": item(9).await }));
    let (io, wire) = wire::io(batch(&[None, Some("DuplicateItem"), None], lost));
    let ended = create(&io, [2, 1, 3]).await;
    assert!(matches!((&ended[0], &ended[2]), (Ok(1), Ok(1))), "{ended:?}");
    assert!(matches!(&ended[1], Err(CommitError::Conflict(Some(found))) if found.rev == 9), "{ended:?}");
    assert_eq!(wire.calls("PutItem").len(), 1);
    assert_eq!(wire.calls("PutItem")[0].json()["Item"], item(1).await);
}

#[tokio::test]
async fn a_new_row_that_the_table_cannot_take_now_fails_alone_and_is_not_tried_again_at_once() {
    let (io, wire) =
        wire::io(batch(&[Some("ThrottlingError"), None, Some("InternalServerError")], (200, "{}".into())));
    let verdict = |end: Result<u64, _>| match end {
        Err(CommitError::Io(error)) => Err(error.verdict),
        other => Ok(other.unwrap()),
    };
    let ended: Vec<_> = create(&io, [1, 2, 3]).await.into_iter().map(verdict).collect();
    assert_eq!(ended, [Err(Verdict::Throttled), Ok(1), Err(Verdict::Transient)]);
    assert_eq!(wire.calls("PutItem").len(), 0);
}

#[tokio::test]
async fn a_call_takes_twenty_five_new_rows_and_the_next_one_is_a_call_of_its_own() {
    let (io, wire) = wire::io(batch(&[None; 25], (200, "{}".into())));
    assert!(create(&io, 0..26).await.iter().all(Result::is_ok));
    assert_eq!(stored_together(&wire.calls("BatchExecuteStatement")[0]).len(), 25);
    assert_eq!(wire.calls("PutItem").len(), 1);
}

#[tokio::test]
async fn a_key_that_comes_twice_is_once_in_the_batch() {
    let lost = error("ConditionalCheckFailedException", &json!({ "Item": item(1).await }));
    let (io, wire) = wire::io(batch(&[None, None], lost.clone()));
    let ended = create(&io, [1, 1, 2]).await;
    assert!(matches!(ended[..], [Ok(1), Err(CommitError::Conflict(Some(_))), Ok(1)]), "{ended:?}");
    assert_eq!(stored_together(&wire.calls("BatchExecuteStatement")[0]).len(), 2);
    let (io, wire) = wire::io(batch(&[], (200, "{}".into())));
    create(&io, [1, 1]).await;
    assert_eq!((wire.calls("BatchExecuteStatement").len(), wire.calls("PutItem").len()), (0, 2));
}

/// A role may be older than the program, and allow to put and not to insert.
#[tokio::test]
async fn rows_of_a_batch_that_is_refused_are_put_one_by_one() {
    let too_large = json!({ "message": "Item size has exceeded the maximum allowed size" });
    for refusal in [
        error("AccessDeniedException", &json!({})),
        error("ValidationException", &too_large),
        error("UnknownOperationException", &json!({})),
        (403, String::new()),
    ] {
        let answer = refusal.clone();
        let (io, wire) = wire::io(move |call| match call.operation.as_str() {
            "PutItem" => (200, "{}".into()),
            _ => answer.clone(),
        });
        let ended = create(&io, [1, 2]).await;
        assert!(ended.iter().all(Result::is_ok), "{refusal:?}: {ended:?}");
        assert_eq!(wire.calls("PutItem").len(), 2, "{refusal:?}");
    }
}

#[tokio::test]
async fn a_batch_that_the_table_cannot_take_now_fails_for_each_and_is_not_tried_one_by_one() {
    for (refusal, verdict) in [
        (error("ThrottlingException", &json!({})), Verdict::Throttled),
        ((500, String::new()), Verdict::Transient),
    ] {
        let (io, wire) = wire::io(move |_| refusal.clone());
        let ended = create(&io, [1, 2]).await;
        let is_it = |end: &_| matches!(end, Err(CommitError::Io(error)) if error.verdict == verdict);
        assert!(ended.iter().all(is_it), "{ended:?}");
        assert_eq!(wire.calls("PutItem").len(), 0);
    }
}
