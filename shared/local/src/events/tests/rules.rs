use super::*;

#[tokio::test]
async fn targets_that_aws_would_refuse_are_refused() {
    let world = world();
    let cases = [
        (json!({"Id": "a", "Arn": HUB_BUS}), "RoleArn is required"),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:111111111111:q"}), "RoleArn is required"),
        (
            json!({"Id": "a", "Arn": HUB_BUS, "RoleArn": "arn:aws:iam::111111111111:role/r"}),
            "role of account",
        ),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:us-east-1:222222222222:q"}), "not in Region"),
        (
            json!({"Id": "a", "Arn": "arn:aws:lambda:eu-central-1:222222222222:function:f"}),
            "does not send to lambda",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "InputTransformer": {}}),
            "InputTransformer",
        ),
        (json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "Input": "{"}), "not JSON"),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "InputPath": "$.a[0]"}),
            "InputPath",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q", "RetryPolicy": {"MaximumRetryAttempts": 186}}),
            "RetryPolicy",
        ),
        (
            json!({"Id": "a", "Arn": HUB_BUS, "RoleArn": "arn:aws:iam::222222222222:role/r", "Input": "{}"}),
            "for a bus",
        ),
        (
            json!({"Id": "a", "Arn": "arn:aws:sqs:eu-central-1:222222222222:q",
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:222222222222:d"}}),
            "dead-letter queue",
        ),
        (json!({"Arn": HUB_BUS}), "Id and Arn"),
    ];
    for (target, reason) in cases {
        let refused = rule(&world, SPOKE, "r", json!({"a": [1]}), target.clone()).await.unwrap_err();
        assert!(refused.message.contains(reason), "{target}: {}", refused.message);
    }
    let six: Vec<_> = (0..6)
        .map(|n| json!({"Id": n.to_string(), "Arn": "arn:aws:sqs:eu-central-1:222222222222:q"}))
        .collect();
    let refused = call(&world, SPOKE, "PutTargets", json!({"Rule": "r", "Targets": six})).await.unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
}

#[tokio::test]
async fn a_target_may_get_a_part_of_the_event_or_a_constant() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    let part = json!({"Id": "q", "Arn": taken, "InputPath": "$.detail.state"});
    rule(&world, SPOKE, "part", json!({"source": ["aws.drs"]}), part).await.unwrap();
    let constant = json!({"Id": "q", "Arn": taken, "Input": "{\"tick\":true}"});
    rule(&world, SPOKE, "rest", json!({"source": ["aws.drs"]}), constant).await.unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(bodies(&world, &taken), [json!("STALLED"), json!({"tick": true})]);
}

#[tokio::test]
async fn rules_and_buses_are_listed_described_and_deleted_in_order() {
    let world = world();
    call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap();
    let again = call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap_err();
    assert_eq!(again.code, "ResourceAlreadyExistsException");
    let target = json!({"Id": "q", "Arn": "arn:aws:sqs:eu-central-1:111111111111:q"});
    rule(&world, HUB, "drs-fleet/r", json!({"a": [1]}), target).await.unwrap();

    let named = json!({"EventBusName": HUB_BUS, "Name": "r", "Rule": "r", "Ids": ["q", "none"]});
    let described = call(&world, HUB, "DescribeRule", named.clone()).await.unwrap();
    assert_eq!(described["Arn"], "arn:aws:events:eu-central-1:111111111111:rule/drs-fleet/r");
    assert_eq!(
        (described["State"].as_str(), described["EventPattern"].as_str()),
        (Some("ENABLED"), Some(r#"{"a":[1]}"#))
    );
    let listed = call(&world, HUB, "ListRules", json!({"EventBusName": "drs-fleet"})).await.unwrap();
    assert_eq!(listed["Rules"][0]["Name"], "r");
    let listed = call(&world, HUB, "ListTargetsByRule", named.clone()).await.unwrap();
    assert_eq!(listed["Targets"][0]["Id"], "q");

    let bus = json!({"Name": "drs-fleet"});
    assert!(
        call(&world, HUB, "DeleteRule", named.clone()).await.unwrap_err().message.contains("has targets")
    );
    assert!(
        call(&world, HUB, "DeleteEventBus", bus.clone()).await.unwrap_err().message.contains("has rules")
    );
    let removed = call(&world, HUB, "RemoveTargets", named.clone()).await.unwrap();
    assert_eq!(removed["FailedEntries"][0]["TargetId"], "none");
    call(&world, HUB, "DeleteRule", named).await.unwrap();
    call(&world, HUB, "DeleteEventBus", bus.clone()).await.unwrap();
    assert_eq!(
        call(&world, HUB, "DescribeEventBus", bus).await.unwrap_err().code,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn another_account_cannot_manage_a_bus() {
    let world = world();
    call(&world, HUB, "CreateEventBus", json!({"Name": "drs-fleet"})).await.unwrap();
    let body = json!({"Name": "r", "EventBusName": HUB_BUS, "EventPattern": r#"{"a":[1]}"#});
    assert_eq!(call(&world, SPOKE, "PutRule", body).await.unwrap_err().code, "AccessDeniedException");
}

#[tokio::test]
async fn a_pattern_can_be_tried_out_and_a_malformed_one_is_refused() {
    let world = world();
    let body = json!({"EventPattern": r#"{"source":["a"]}"#, "Event": r#"{"source":"a"}"#});
    assert_eq!(call(&world, SPOKE, "TestEventPattern", body).await.unwrap()["Result"], true);
    let body = json!({"Name": "r", "EventPattern": r#"{"source":"a"}"#});
    let refused = call(&world, SPOKE, "PutRule", body).await.unwrap_err();
    assert_eq!(refused.code, "InvalidEventPatternException");
    assert_eq!(
        call(&world, SPOKE, "StartReplay", json!({})).await.unwrap_err().code,
        "UnknownOperationException"
    );
}
