//! The service among the others: permissions, the default bus, simulated time that passes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::call::{Principal, Refusal};
use crate::drs::{EventRule, FailbackState, InitiatedBy, Mishap};
use crate::faults::Faults;
use crate::testing::{REGION, SPOKE, allow, call, operator, role};
use crate::{Clock, World, fleet};

const HOME: (&str, &str) = (SPOKE, REGION);

/// A spoke with ten servers, whose default bus sends all service events to the queue `heard`.
async fn spoke(speed: f64) -> (Arc<World>, Vec<String>) {
    let clock = Clock::starting("2026-03-02T08:00:00Z".parse().unwrap(), speed);
    let world = World::new(clock, Faults::none());
    world.iam.add_account(SPOKE, None);
    let ids = fleet::populate(&world, SPOKE, REGION, 10, 7).unwrap();
    let arn = format!("arn:aws:sqs:{REGION}:{SPOKE}:heard");
    let statement = json!({
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "sqs:SendMessage", "Resource": arn,
    });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let pattern = json!({ "source": ["aws.drs", "aws.tag"] }).to_string();
    let calls = [
        ("sqs", "CreateQueue", json!({ "QueueName": "heard", "Attributes": { "Policy": policy } })),
        ("events", "PutRule", json!({ "Name": "all", "EventPattern": pattern })),
        ("events", "PutTargets", json!({ "Rule": "all", "Targets": [{ "Id": "q", "Arn": arn }] })),
    ];
    for (service, operation, body) in calls {
        world.perform(&call(&operator(SPOKE), service, operation, &body)).await.unwrap();
    }
    (world, ids)
}

async fn ask(world: &Arc<World>, who: &Principal, operation: &str, body: Value) -> Result<Value, Refusal> {
    let reply = world.perform(&call(who, "drs", operation, &body)).await?;
    Ok(serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
}

async fn heard(world: &Arc<World>, count: usize) -> Vec<Value> {
    let queue = format!("arn:aws:sqs:{REGION}:{SPOKE}:heard");
    for _ in 0..500 {
        if world.sqs.peek(&queue).len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.sqs.peek(&queue).iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
}

#[tokio::test]
async fn a_drill_is_heard_on_the_default_bus_of_its_account() {
    let (world, _) = spoke(20_000.0).await;
    let healthy = world.drs.servers(HOME, world.clock.now());
    let healthy = healthy.into_iter().find(|server| server.state == "CONTINUOUS").unwrap();
    let body = json!({ "sourceServers": [{ "sourceServerID": healthy.id }], "isDrill": true });
    ask(&world, &operator(SPOKE), "StartRecovery", body).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let ticks = tokio::spawn(crate::drs::run(Arc::clone(&world), stop.clone()));
    let heard = heard(&world, 2).await;
    stop.cancel();
    ticks.await.unwrap();
    let kinds: Vec<_> = heard.iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["AWS API Call via CloudTrail", "DRS Source Server Launch Result"]);
    assert_eq!((&heard[1]["account"], &heard[1]["region"]), (&json!(SPOKE), &json!(REGION)));
    assert_eq!(heard[1]["detail"]["is-drill"], "TRUE");
    assert_eq!(heard[1]["resources"], json!([healthy.arn]));
    let job = &world.drs.jobs(HOME)[0];
    assert_eq!((&job.servers[0].server, job.servers[0].status.as_str()), (&healthy.id, "LAUNCHED"));
}

#[tokio::test]
async fn a_job_of_no_call_is_heard_by_its_results_of_which_some_are_lost_and_some_come_twice() {
    let (world, _) = spoke(20_000.0).await;
    let servers = world.drs.servers(HOME, world.clock.now()).into_iter();
    let ids: Vec<_> = servers.filter(|server| server.state == "CONTINUOUS").map(|server| server.id).collect();
    let rules = vec![
        EventRule::launch_results(&ids[..1], Mishap::Lost),
        EventRule::launch_results(&ids[1..2], Mishap::Doubled),
    ];
    world.drs.disturb(HOME, rules, 1);
    let tags = [("drs-fleet:plan".to_owned(), "q1".to_owned())].into();
    let job = world.drs.start_job(&world, HOME, InitiatedBy::StartDrill, &ids[..2], &tags).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let ticks = tokio::spawn(crate::drs::run(Arc::clone(&world), stop.clone()));
    while world.drs.jobs(HOME)[0].status != "COMPLETED" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let heard = heard(&world, 2).await;
    stop.cancel();
    ticks.await.unwrap();
    let about: Vec<_> = heard.iter().map(|event| event["resources"][0].to_string()).collect();
    assert!(about.len() == 2 && about.iter().all(|arn| arn.contains(&ids[1])), "{about:?}");
    assert_ne!(heard[0]["id"], heard[1]["id"]);
    let truth = &world.drs.jobs(HOME)[0];
    assert_eq!((&truth.id, &truth.tags), (&job, &tags));
}

#[tokio::test]
async fn what_somebody_does_to_jobs_and_instances_is_refused_for_unknown_ones_and_shows_at_once() {
    let (world, ids) = spoke(0.001).await;
    let none = std::collections::BTreeMap::new();
    let job = world.drs.start_job(&world, HOME, InitiatedBy::Diagnostic, &ids[..1], &none).unwrap();
    world.drs.stick_job(&world, HOME, &job).unwrap();
    assert!(world.drs.jobs(HOME)[0].stuck);
    world.drs.release_job(&world, HOME, &job).unwrap();
    assert!(!world.drs.jobs(HOME)[0].stuck);
    let gone = "i-00000000000000000";
    let refused = [
        world.drs.stick_job(&world, HOME, "drsjob-00000000000000000"),
        world.drs.release_job(&world, HOME, "drsjob-00000000000000000"),
        world.drs.stop_instance(&world, HOME, gone),
        world.drs.start_instance(&world, HOME, gone),
        world.drs.terminate_instance(&world, HOME, gone),
        world.drs.set_failback(&world, HOME, gone, FailbackState::InProgress),
        world.drs.fail_failback(&world, HOME, gone, "AGENT_NOT_SEEN"),
        world.drs.reinstall_agent(&world, HOME, "s-00000000000000000"),
        world.drs.start_job(&world, HOME, InitiatedBy::Failback, &[gone.to_owned()], &none).map(drop),
    ];
    assert!(refused.iter().all(|done| done.as_ref().is_err_and(|why| why.status == 404)), "{refused:?}");
    world.drs.reinstall_agent(&world, HOME, &ids[0]).unwrap();
    let server = world.drs.servers(HOME, world.clock.now()).into_iter().find(|server| server.id == ids[0]);
    assert_eq!(server.unwrap().state, "RESCAN");
}

#[tokio::test]
async fn a_stall_and_its_end_are_heard_once_each() {
    let (world, ids) = spoke(0.001).await;
    for _ in 0..2 {
        world.drs.stall(&world, HOME, &ids[0], "NOT_CONVERGING").unwrap();
    }
    world.drs.recover(&world, HOME, &ids[0]).unwrap();
    let states: Vec<_> = heard(&world, 2).await.iter().map(|e| e["detail"]["state"].clone()).collect();
    assert_eq!(states, ["STALLED", "NOT_STALLED"]);
}

#[tokio::test]
async fn a_role_does_what_its_policy_allows_and_is_told_when_not() {
    let (world, ids) = spoke(0.001).await;
    let who = role(SPOKE, "reader");
    let Principal::Role { role_arn, .. } = &who else { unreachable!() };
    let trust = json!({ "Version": "2012-10-17", "Statement": [] });
    let policy = allow(&json!({ "Action": "drs:Describe*", "Resource": "*" }));
    world.iam.put_role(role_arn, &trust, &[policy]).unwrap();
    let list = ask(&world, &who, "DescribeSourceServers", json!({})).await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 10);
    let body = json!({ "sourceServerID": ids[0] });
    let refusal = ask(&world, &who, "StopReplication", body).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "AccessDeniedException"));
    assert!(refusal.message.contains("drs:StopReplication"), "{}", refusal.message);
    assert_eq!(heard(&world, 1).await[0]["detail"]["errorCode"], "AccessDeniedException");
}

#[tokio::test]
async fn a_tag_change_of_an_instance_is_heard_where_the_instance_is() {
    let (world, _) = spoke(0.001).await;
    let instance = world.ec2.instances(HOME).into_keys().next().unwrap();
    let changes = [("Owner".to_owned(), Some("team-x".to_owned()))];
    world.ec2.set_tags(&world, HOME, &instance, &changes).unwrap();
    let heard = heard(&world, 1).await;
    assert_eq!(heard[0]["source"], "aws.tag");
    assert_eq!(heard[0]["detail"]["tags"]["Owner"], "team-x");
    let body = json!({ "ResourceTypeFilters": ["ec2:instance"] });
    let reply = world.perform(&call(&operator(SPOKE), "tagging", "GetResources", &body)).await.unwrap();
    let listed: Value = serde_json::from_slice(&reply.body).unwrap();
    assert!(listed["ResourceTagMappingList"].to_string().contains("team-x"));
}
