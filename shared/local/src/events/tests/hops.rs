use super::*;

#[tokio::test]
async fn an_event_crosses_to_the_hub_as_the_spoke_s_bus_stamped_it() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    world.events.emit(&world, SPOKE, REGION, &stalled());
    let [event] = &bodies(&world, &taken)[..] else { panic!("exactly one event") };
    assert_eq!(event["version"], "0");
    assert_eq!(event["account"], SPOKE);
    assert_eq!(event["region"], REGION);
    assert_eq!(event["time"], "2026-05-04T03:02:01Z");
    assert_eq!(event["detail"], json!({"state": "STALLED"}));
    assert_eq!(uuid::Uuid::parse_str(event["id"].as_str().unwrap()).unwrap().get_version_num(), 4);
    let counts = EventCounts { received: 1, matched: 2, delivered: 2, ..EventCounts::default() };
    assert_eq!(world.events.counts(), counts);
}

#[tokio::test]
async fn an_event_crosses_once_and_then_lands_in_the_dead_letter_queue() {
    let world = world();
    hub_and_spoke(&world).await;
    forward(&world, HUB, "arn:aws:iam::111111111111:role/forward").await;
    let pattern =
        json!({"EventBusName": "drs-fleet", "Name": "on", "EventPattern": r#"{"source":["aws.drs"]}"#});
    call(&world, HUB, "PutRule", pattern).await.unwrap();
    let target = json!({"Id": "third", "Arn": "arn:aws:events:eu-central-1:333333333333:event-bus/default",
        "RoleArn": "arn:aws:iam::111111111111:role/forward",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:111111111111:forward-dlq"}});
    let body = json!({"Rule": "on", "EventBusName": "drs-fleet", "Targets": [target]});
    call(&world, HUB, "PutTargets", body).await.unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, HUB)["ERROR_CODE"], "THIRD_ACCOUNT_HOP_DETECTED");
}

#[tokio::test]
async fn an_account_outside_the_organisation_is_denied_and_its_event_kept() {
    let world = world();
    let taken = hub_and_spoke(&world).await;
    forward(&world, OUTSIDER, "arn:aws:iam::333333333333:role/forward").await;
    world.events.emit(&world, OUTSIDER, REGION, &stalled());
    assert!(bodies(&world, &taken).is_empty());
    let attributes = dead_letter_attributes(&world, OUTSIDER);
    assert_eq!(attributes["RULE_ARN"], "arn:aws:events:eu-central-1:333333333333:rule/forward");
    assert_eq!(attributes["TARGET_ARN"], HUB_BUS);
    assert_eq!(attributes["ERROR_CODE"], "NO_PERMISSIONS");
    assert_eq!(attributes["RETRY_ATTEMPTS"], "0");
    assert!(attributes["ERROR_MESSAGE"].contains("not authorized to perform: events:PutEvents"));
    assert!(attributes.contains_key("EXHAUSTED_RETRY_CONDITION"));

    let entry = json!({"EventBusName": HUB_BUS, "Source": "a", "DetailType": "b", "Detail": "{}"});
    let denied = call(&world, OUTSIDER, "PutEvents", json!({"Entries": [entry]})).await.unwrap_err();
    assert_eq!(denied.code, "AccessDeniedException");
}

#[tokio::test]
async fn a_role_that_does_not_trust_eventbridge_cannot_forward() {
    let world = world();
    hub_and_spoke(&world).await;
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    world.iam.put_role("arn:aws:iam::222222222222:role/forward", &trust, &[]).unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, SPOKE)["ERROR_CODE"], "FAILED_TO_ASSUME_ROLE");
}

#[tokio::test]
async fn a_missing_queue_costs_the_event_only_where_there_is_no_dead_letter_queue() {
    let world = world();
    let dead = queue(&world, SPOKE, "forward-dlq").await;
    let missing = "arn:aws:sqs:eu-central-1:222222222222:none";
    let with = json!({"Id": "a", "Arn": missing, "DeadLetterConfig": {"Arn": dead}});
    rule(&world, SPOKE, "with", json!({"source": ["aws.drs"]}), with).await.unwrap();
    rule(&world, SPOKE, "without", json!({"source": ["aws.drs"]}), json!({"Id": "a", "Arn": missing}))
        .await
        .unwrap();
    world.events.emit(&world, SPOKE, REGION, &stalled());
    assert_eq!(dead_letter_attributes(&world, SPOKE)["ERROR_CODE"], "NO_RESOURCE");
    let counts = world.events.counts();
    assert_eq!((counts.delivered, counts.failed, counts.dropped), (0, 1, 1));
}

#[tokio::test]
async fn only_an_enabled_rule_takes_and_only_the_widest_state_takes_recorded_reads() {
    let world = world();
    let taken = queue(&world, SPOKE, "taken").await;
    rule(&world, SPOKE, "r", json!({"source": ["aws.drs"]}), json!({"Id": "q", "Arn": taken})).await.unwrap();
    let read = ServiceEvent {
        detail_type: "AWS API Call via CloudTrail".to_owned(),
        detail: json!({"readOnly": true}),
        ..stalled()
    };
    let cases = [("DISABLED", 0), ("ENABLED", 1), ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", 2)];
    for (state, wanted) in cases {
        let before = bodies(&world, &taken).len();
        let body = json!({"Name": "r", "EventPattern": r#"{"source":["aws.drs"]}"#, "State": state});
        call(&world, SPOKE, "PutRule", body).await.unwrap();
        world.events.emit(&world, SPOKE, REGION, &stalled());
        world.events.emit(&world, SPOKE, REGION, &read);
        assert_eq!(bodies(&world, &taken).len() - before, wanted, "{state}");
    }
    let body = json!({"Name": "r", "EventPattern": r#"{"a":[1]}"#, "State": "ON"});
    assert_eq!(call(&world, SPOKE, "PutRule", body).await.unwrap_err().code, "ValidationException");
}

#[tokio::test]
async fn the_fault_plan_loses_and_doubles_deliveries() {
    for (fault, wanted) in [(Fault::Drop, 0), (Fault::Duplicate, 2)] {
        let rule_of_plan = FaultRule::of(("events", "Deliver"), 1.0, fault).in_account(SPOKE);
        let world = world_with(Faults::seeded(1, vec![rule_of_plan]));
        let taken = queue(&world, SPOKE, "taken").await;
        rule(&world, SPOKE, "r", json!({"source": ["aws.drs"]}), json!({"Id": "q", "Arn": taken}))
            .await
            .unwrap();
        world.events.emit(&world, SPOKE, REGION, &stalled());
        assert_eq!(bodies(&world, &taken).len(), wanted);
    }
}
