use super::*;

#[tokio::test]
async fn a_stall_in_a_spoke_reaches_the_hub_s_capacity_queue_and_no_other() {
    let (world, ..) = fleet().await;
    let stalled =
        event("aws.drs", "DRS Source Server Data Replication Stalled Change", json!({"state": "STALLED"}));
    world.events.emit(&world, SPOKE, REGION, &stalled);
    assert_eq!(reached(&world), ["capacity"]);
    let message = &world.sqs.peek(&queue_arn(HUB, "capacity"))[0];
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!((body["account"].as_str(), body["source"].as_str()), (Some(SPOKE), Some("aws.drs")));
}

#[tokio::test]
async fn each_event_of_a_spoke_reaches_exactly_the_queue_of_its_worker() {
    let tag_change = json!({"service": "ec2", "resource-type": "instance"});
    let cases = [
        (event("aws.drs", "DRS Source Server Launch Result", json!({})), "jobs"),
        (event("aws.drs", "DRS Recovery Instance Failback State Change", json!({})), "jobs"),
        (event("aws.drs", "DRS Source Network Protection Status Change", json!({})), "jobs"),
        (event("aws.drs", "DRS Source Network Recovery Result", json!({})), "jobs"),
        (event("aws.drs", "DRS Something New", json!({})), "capacity"),
        (event("drs-fleet.spoke", "Spoke Heartbeat", json!({})), "capacity"),
        (event("aws.tag", "Tag Change on Resource", tag_change), "tags"),
        (api_call("StartRecovery"), "jobs"),
        (api_call("TerminateRecoveryInstances"), "jobs"),
        (api_call("StartFailbackLaunch"), "jobs"),
        (api_call("StopFailback"), "jobs"),
        (api_call("ReverseReplication"), "jobs"),
        (api_call("DeleteJob"), "jobs"),
        (api_call("StartSourceNetworkRecovery"), "jobs"),
        (api_call("DisconnectRecoveryInstance"), "jobs"),
        (api_call("DeleteRecoveryInstance"), "jobs"),
        (api_call("TagResource"), "tags"),
        (api_call("UntagResource"), "tags"),
        (api_call("DisconnectSourceServer"), "capacity"),
        (api_call("DeleteSourceServer"), "capacity"),
        (api_call("CreateExtendedSourceServer"), "capacity"),
        (api_call("StopReplication"), "capacity"),
        (api_call("InitializeService"), "capacity"),
    ];
    let (world, ..) = fleet().await;
    let mut wanted = Vec::new();
    for (event, queue) in &cases {
        world.events.emit(&world, SPOKE, REGION, event);
        wanted.push(*queue);
        wanted.sort_by_key(|name| WORKER_QUEUES.iter().position(|known| known == name));
        assert_eq!(reached(&world), wanted, "{} {}", event.detail_type, event.detail);
    }
}

#[tokio::test]
async fn what_says_nothing_to_the_hub_is_not_forwarded() {
    let (world, ..) = fleet().await;
    let volume = json!({"service": "ec2", "resource-type": "volume"});
    let unwanted = [
        event("aws.drs", "DRS PIT Snapshot Taken", json!({})),
        event("aws.tag", "Tag Change on Resource", volume),
        event("aws.ec2", "EC2 Instance State-change Notification", json!({})),
        api_call("DescribeSourceServers"),
        event("drs-fleet", "Incident Opened", json!({})),
    ];
    for event in &unwanted {
        world.events.emit(&world, SPOKE, REGION, event);
    }
    assert!(reached(&world).is_empty(), "{:?}", reached(&world));
    assert_eq!(world.events.counts().matched, 0);
}

#[tokio::test]
async fn a_spoke_cannot_forge_an_own_event_and_the_hub_can_tell_its_own() {
    let (world, hub, _) = fleet().await;
    let answer = put_event(&world, SPOKE, &hub["BusArn"], "drs-fleet").await;
    assert_eq!(answer["FailedEntryCount"], 0, "the bus admits the organisation");
    assert!(reached(&world).is_empty(), "no rule takes it");
    put_event(&world, HUB, &hub["BusArn"], "drs-fleet").await;
    assert_eq!(reached(&world), ["notifications"]);
}

#[tokio::test]
async fn schedules_put_ticks_on_two_queues_and_a_heartbeat_on_the_road_of_the_events() {
    let (world, ..) = fleet().await;
    world.scheduler.fire(&world, HUB, REGION, "drs-fleet-sweep-capacity").unwrap();
    world.scheduler.fire(&world, HUB, REGION, "drs-fleet-sweep-jobs").unwrap();
    assert_eq!(reached(&world), ["capacity", "jobs"]);
    let tick = &world.sqs.peek(&queue_arn(HUB, "jobs"))[0].body;
    let tick: Value = serde_json::from_str(tick).unwrap();
    assert_eq!(
        (tick["detail-type"].as_str(), tick["source"].as_str()),
        (Some("Sweep Tick"), Some("drs-fleet.schedule"))
    );
    assert_eq!((tick["account"].as_str(), tick["region"].as_str()), (Some(HUB), Some(REGION)));
    assert!(uuid::Uuid::parse_str(tick["id"].as_str().unwrap()).is_ok(), "{tick}");
    assert!(tick["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{tick}");

    world.scheduler.fire(&world, SPOKE, REGION, "drs-fleet-heartbeat").unwrap();
    assert_eq!(reached(&world), ["capacity", "capacity", "jobs"]);
    let beat = &world.sqs.peek(&queue_arn(HUB, "capacity"))[1].body;
    let beat: Value = serde_json::from_str(beat).unwrap();
    assert_eq!((beat["source"].as_str(), beat["account"].as_str()), (Some("drs-fleet.spoke"), Some(SPOKE)));
}

#[tokio::test]
async fn the_hub_has_everything_that_the_workers_need() {
    let (world, hub, spoke) = fleet().await;
    assert_eq!(hub["BusArn"], format!("arn:aws:events:{REGION}:{HUB}:event-bus/drs-fleet"));
    assert_eq!(hub["TableName"], "drs-fleet");
    assert_eq!(hub["AlertTopicArn"], format!("arn:aws:sns:{REGION}:{HUB}:drs-fleet-alerts"));
    for name in WORKER_QUEUES {
        assert!(hub.values().any(|value| value.ends_with(&format!("/{HUB}/drs-fleet-{name}"))), "{name}");
        assert!(hub.values().any(|value| value.ends_with(&format!("/{HUB}/drs-fleet-{name}-dlq"))), "{name}");
    }
    let roles = hub.iter().filter(|(name, _)| name.ends_with("RoleArn"));
    for (name, arn) in roles {
        assert!(world.iam.role(arn).is_some(), "{name}");
    }
    assert!(world.iam.role(&spoke["SpokeRoleArn"]).is_some());
    assert_eq!(world.stacks.outputs((HUB, REGION), "hub"), Some(hub));
}

#[tokio::test]
async fn only_the_hub_s_workers_with_the_external_id_get_into_a_spoke() {
    let (world, hub, spoke) = fleet().await;
    let role = |arn: &str| Principal::Role {
        account: HUB.to_owned(),
        role_arn: arn.to_owned(),
        session: "worker".to_owned(),
    };
    let right = Some("an-external-id-of-a-spoke");
    let may = |role_arn: &str, external_id| {
        world.iam.may_assume(&world.clock, &role(role_arn), &spoke["SpokeRoleArn"], external_id).is_ok()
    };
    for worker in ["CapacityTrackerRoleArn", "JobMonitorRoleArn", "TagSyncRoleArn", "OperatorRoleArn"] {
        assert!(may(&hub[worker], right), "{worker}");
        assert!(!may(&hub[worker], Some("wrong-external-id")), "{worker}");
        assert!(!may(&hub[worker], None), "{worker}");
    }
    assert!(!may(&hub["NotifierRoleArn"], right), "the notifier has no business in a spoke");
}

/// What the hub's roles may do with the role of a spoke.
fn may_in_spoke<'a>(world: &'a World, spoke: &Outputs) -> impl Fn(&str, &str) -> bool + 'a {
    may_as(world, &spoke["SpokeRoleArn"])
}

fn may_as<'a>(world: &'a World, role_arn: &str) -> impl Fn(&str, &str) -> bool + 'a {
    let session = Principal::Role {
        account: SPOKE.to_owned(),
        role_arn: role_arn.to_owned(),
        session: "worker".to_owned(),
    };
    move |action, resource| {
        world.iam.authorize(&world.clock, &session, action, (SPOKE, resource), None, &[]).is_ok()
    }
}

fn source_server_of(account: &str) -> String {
    format!("arn:aws:drs:{REGION}:{account}:source-server/s-00000000000000001")
}

#[tokio::test]
async fn the_role_of_a_spoke_reads_servers_and_quotas_but_starts_and_deletes_nothing() {
    for allow_extend in ["false", "true"] {
        let (world, _, spoke) = fleet_with(&[("AllowExtend", allow_extend)]).await;
        let may = may_in_spoke(&world, &spoke);
        let lists = ["ListServiceQuotas", "ListAWSDefaultServiceQuotas"];
        assert!(lists.iter().all(|list| may(&format!("servicequotas:{list}"), "*")));
        let lists = ["DescribeSourceServers", "ListExtensibleSourceServers", "ListStagingAccounts"];
        assert!(lists.iter().all(|list| may(&format!("drs:{list}"), "*")));
        let forbidden = ["StartRecovery", "StopReplication", "DisconnectSourceServer", "DeleteSourceServer"];
        let own = source_server_of(SPOKE);
        assert!(!forbidden.iter().any(|action| may(&format!("drs:{action}"), &own)), "{allow_extend}");
    }
}

#[tokio::test]
async fn only_the_operator_extends_servers_and_only_where_that_was_allowed() {
    let staged = source_server_of("333333333333");
    let extend_role = format!("arn:aws:iam::{SPOKE}:role/drs-fleet-extend");
    let (world, ..) = fleet().await;
    assert!(world.iam.role(&extend_role).is_none(), "unless allowed");
    let (world, hub, spoke) = fleet_with(&[("AllowExtend", "true")]).await;
    assert!(!may_in_spoke(&world, &spoke)("drs:CreateExtendedSourceServer", &staged), "no worker does");
    let may = may_as(&world, &extend_role);
    assert!(may("drs:CreateExtendedSourceServer", &staged));
    assert!(!may("drs:TagResource", &staged), "servers of other accounts are not tagged");
    let roles = hub.iter().filter(|(name, _)| name.ends_with("RoleArn"));
    for (name, role_arn) in roles {
        let hub_role = Principal::Role {
            account: HUB.to_owned(),
            role_arn: role_arn.clone(),
            session: "somebody".to_owned(),
        };
        let enters = |id| world.iam.may_assume(&world.clock, &hub_role, &extend_role, Some(id)).is_ok();
        assert_eq!(enters("an-external-id-of-a-spoke"), name == "OperatorRoleArn", "{name}");
        assert!(!enters("wrong-external-id"), "{name}");
    }
}

/// Where the tracker may not it is slow, and nothing else tells.
#[tokio::test]
async fn who_writes_rows_that_come_in_crowds_may_insert_them_together_and_nobody_else() {
    let (world, hub, _) = fleet().await;
    let table = format!("arn:aws:dynamodb:{REGION}:{HUB}:table/drs-fleet");
    let mut inserting = Vec::new();
    for (name, arn) in hub.iter().filter(|(name, _)| name.ends_with("RoleArn")) {
        let (account, session) = (HUB.to_owned(), "session".to_owned());
        let role = Principal::Role { account, role_arn: arn.clone(), session };
        let may = |action| world.iam.authorize(&world.clock, &role, action, (HUB, &table), None, &[]).is_ok();
        if may("dynamodb:PartiQLInsert") {
            assert!(may("dynamodb:PutItem"), "{name}");
            inserting.push(name.as_str());
        }
    }
    inserting.sort_unstable();
    assert_eq!(inserting, ["AllWorkersRoleArn", "CapacityTrackerRoleArn"]);
}

#[tokio::test]
async fn a_worker_may_use_its_own_queue_and_the_table_but_not_scan_nor_read_its_neighbour() {
    let (world, hub, _) = fleet().await;
    let jobs = Principal::Role {
        account: HUB.to_owned(),
        role_arn: hub["JobMonitorRoleArn"].clone(),
        session: "worker".to_owned(),
    };
    let may = |action: &str, resource: &str| {
        world.iam.authorize(&world.clock, &jobs, action, (HUB, resource), None, &[]).is_ok()
    };
    let table = format!("arn:aws:dynamodb:{REGION}:{HUB}:table/drs-fleet");
    assert!(may("sqs:ReceiveMessage", &queue_arn(HUB, "jobs")));
    assert!(may("sqs:SendMessage", &queue_arn(HUB, "jobs-dlq")));
    assert!(!may("sqs:ReceiveMessage", &queue_arn(HUB, "capacity")));
    assert!(may("dynamodb:UpdateItem", &table));
    assert!(may("dynamodb:Query", &format!("{table}/index/due")));
    assert!(!may("dynamodb:Scan", &table));
    let secret = |name: &str| format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:drs-fleet/{name}-AbCdEf");
    assert!(may("secretsmanager:GetSecretValue", &secret("external-id/222222222222")));
    assert!(!may("secretsmanager:GetSecretValue", &secret("slack-webhook")), "the notifier's alone");
    assert!(!may("sns:Publish", &hub["AlertTopicArn"]));
}

#[tokio::test]
async fn the_notifier_reads_the_secrets_of_channels_and_publishes_to_topics_of_the_fleet() {
    let (world, hub, _) = fleet().await;
    for name in ["NotifierRoleArn", "AllWorkersRoleArn"] {
        let role = Principal::Role {
            account: HUB.to_owned(),
            role_arn: hub[name].clone(),
            session: "notifier".to_owned(),
        };
        let may = |action: &str, resource: &str| {
            world.iam.authorize(&world.clock, &role, action, (HUB, resource), None, &[]).is_ok()
        };
        let secret = |name: &str| format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:{name}-AbCdEf");
        for channel in ["slack-webhook", "slack-bot", "slack-payments", "notify-pager"] {
            assert!(
                may("secretsmanager:GetSecretValue", &secret(&format!("drs-fleet/{channel}"))),
                "{channel}"
            );
        }
        assert!(!may("secretsmanager:GetSecretValue", &secret("payroll")));
        assert!(may("sns:Publish", &hub["AlertTopicArn"]));
        assert!(may("sns:Publish", &format!("arn:aws:sns:{REGION}:{HUB}:drs-fleet-payments")));
        assert!(!may("sns:Publish", &format!("arn:aws:sns:{REGION}:{HUB}:payroll")));
        assert!(may("events:PutEvents", &hub["BusArn"]));
    }
}

#[tokio::test]
async fn a_further_region_of_a_spoke_makes_no_roles_again() {
    let (world, hub, _) = fleet().await;
    let given = parameters(&[
        ("HubAccountId", HUB),
        ("HubBusArn", hub["BusArn"].as_str()),
        ("ExternalId", "another-external-id"),
        ("CreateRoles", "false"),
    ]);
    world.stacks.create(&world, (SPOKE, "us-east-1"), "spoke", SPOKE_TEMPLATE, &given).await.unwrap();
    world.events.emit(&world, SPOKE, "us-east-1", &api_call("StartRecovery"));
    assert_eq!(reached(&world), ["jobs"]);
}
