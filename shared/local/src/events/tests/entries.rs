use super::*;

#[tokio::test]
async fn put_events_accepts_and_refuses_each_entry_by_itself() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    let target = json!({"Id": "q", "Arn": taken});
    rule(&world, SPOKE, "mine", json!({"source": ["mine"]}), target).await.unwrap();
    let cases = [
        (
            json!({"Source": "mine", "DetailType": "t", "Detail": "{\"a\":1}", "Time": 86400.9, "Resources": ["r"]}),
            None,
        ),
        (
            json!({"Source": "aws.drs", "DetailType": "t", "Detail": "{}"}),
            Some("NotAuthorizedForSourceException"),
        ),
        (json!({"Source": "mine", "DetailType": "t", "Detail": "[]"}), Some("MalformedDetail")),
        (json!({"Source": "mine", "DetailType": "t", "Detail": "{"}), Some("MalformedDetail")),
        (json!({"Source": "mine", "DetailType": "t"}), Some("InvalidArgument")),
        (json!({"DetailType": "t", "Detail": "{}"}), Some("InvalidArgument")),
        (json!({"Source": "mine", "DetailType": "t".repeat(129), "Detail": "{}"}), Some("InvalidArgument")),
        (
            json!({"Source": "mine", "DetailType": "t", "Detail": "{}", "Time": "now"}),
            Some("InvalidArgument"),
        ),
        (
            json!({"EventBusName": "none", "Source": "mine", "DetailType": "t", "Detail": "{}"}),
            Some("InvalidArgument"),
        ),
    ];
    let entries: Vec<&Value> = cases.iter().map(|(entry, _)| entry).collect();
    let answer = call(&world, SPOKE, "PutEvents", json!({ "Entries": entries })).await.unwrap();
    assert_eq!(answer["FailedEntryCount"], 8);
    for ((entry, code), result) in cases.iter().zip(answer["Entries"].as_array().unwrap()) {
        assert_eq!(result["ErrorCode"].as_str(), *code, "{entry}");
        assert_eq!(result["EventId"].is_string(), code.is_none(), "{entry}");
    }
    let [event] = &bodies(&world, &taken)[..] else { panic!("exactly one event") };
    assert_eq!(event["time"], "1970-01-02T00:00:00Z");
    assert_eq!(event["resources"], json!(["r"]));
}

#[tokio::test]
async fn put_events_refuses_calls_that_are_too_large_or_empty() {
    let world = world();
    let entry = json!({"Source": "s", "DetailType": "t", "Detail": "{}"});
    let large = json!({"Source": "s", "DetailType": "t", "Detail": format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576))});
    for entries in [vec![], vec![entry; 11], vec![large]] {
        let refused = call(&world, SPOKE, "PutEvents", json!({ "Entries": entries })).await.unwrap_err();
        assert_eq!(refused.code, "ValidationException");
    }
}

#[tokio::test]
async fn another_service_may_put_its_event_but_none_of_aws() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    let hub = Principal::Operator { account: HUB.to_owned() };
    let beat = ServiceEvent { source: "drs-fleet.spoke".to_owned(), ..stalled() };
    world.events.put(&world, &hub, HUB_BUS, &beat).unwrap();
    assert_eq!(bodies(&world, &taken).len(), 1);
    let forged = world.events.put(&world, &hub, HUB_BUS, &stalled()).unwrap_err();
    assert_eq!(forged.code, "NotAuthorizedForSourceException");
    let nowhere =
        world.events.put(&world, &hub, "arn:aws:events:eu-central-1:111111111111:event-bus/x", &beat);
    assert_eq!(nowhere.unwrap_err().code, "ResourceNotFoundException");
}
