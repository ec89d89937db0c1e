use super::*;
use crate::Clock;
use crate::faults::Faults;
use crate::testing::{HUB as ACCOUNT, REGION, allow};
use serde_json::json;

fn schedule(expression: &str) -> Schedule {
    let target = Target {
        arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/scheduler"),
        input: r#"{"sweep":"<aws.scheduler.scheduled-time>"}"#.to_owned(),
        event: None,
        dead_letter_arn: None,
    };
    Schedule { name: "sweep".to_owned(), expression: expression.to_owned(), target }
}

fn world() -> Arc<World> {
    World::new(Clock::starting("2026-11-21T01:00:00Z".parse().unwrap(), 1.0), Faults::none())
}

#[test]
fn a_rate_is_due_at_once_and_a_stall_leaves_one_firing_not_many() {
    let world = world();
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(5 minutes)")).unwrap();
    let now = world.clock.now();
    assert_eq!(world.scheduler.take_due(now).len(), 1);
    assert!(world.scheduler.take_due(now).is_empty());
    let late = now + Duration::from_hours(3);
    assert_eq!(world.scheduler.take_due(late).len(), 1);
    let next = world.scheduler.next_due().unwrap();
    assert!(next > late && next <= late + Duration::from_mins(5), "{next}");
}

#[test]
fn the_input_says_when_it_was_due() {
    let world = world();
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(1 day)")).unwrap();
    let (entry, _) = world.scheduler.take_due(world.clock.now()).remove(0);
    let at = "2026-11-21T02:00:00.5Z".parse().unwrap();
    assert_eq!(entry.input(at), r#"{"sweep":"2026-11-21T02:00:00Z"}"#);
}

#[test]
fn a_deleted_schedule_is_never_due() {
    let world = world();
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(1 day)")).unwrap();
    world.scheduler.delete(ACCOUNT, REGION, "sweep");
    assert_eq!(world.scheduler.next_due(), None);
    let refusal = world.scheduler.fire(&world, ACCOUNT, REGION, "sweep").unwrap_err();
    assert_eq!(refusal.code, "ResourceNotFoundException");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_created() {
    let world = world();
    let refused = |change: &dyn Fn(&mut Schedule)| {
        let mut wrong = schedule("rate(1 day)");
        change(&mut wrong);
        let refusal = world.scheduler.create(&world, ACCOUNT, REGION, wrong).unwrap_err();
        assert_eq!(refusal.code, "ValidationException");
        assert!(refusal.message.contains("schedule/default/sweep"), "{}", refusal.message);
    };
    refused(&|s| s.expression = "at(2026-01-01T00:00:00)".to_owned());
    refused(&|s| s.target.arn = "arn:aws:lambda:eu-west-1:111111111111:function:x".to_owned());
    refused(&|s| s.target.arn = "arn:aws:events:eu-west-1:111111111111:event-bus/default".to_owned());
    refused(&|s| s.target.role_arn = "arn:aws:iam::999999999999:role/x".to_owned());
    refused(&|s| s.target.input = String::new());
}

#[tokio::test]
async fn the_task_ends_when_it_is_told_to() {
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(world(), stop.clone()));
    stop.cancel();
    task.await.unwrap();
}

fn trust() -> Value {
    allow(&json!({ "Principal": { "Service": "scheduler.amazonaws.com" }, "Action": "sts:AssumeRole" }))
}

/// A world with the queues `jobs` and `dead` and the role of [`schedule`], which may send to `allowed`.
fn world_with_role(allowed: &[&str]) -> Arc<World> {
    let world = world();
    world.iam.add_account(ACCOUNT, None);
    let arns: Vec<_> = allowed.iter().map(|name| format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")).collect();
    let send = allow(&json!({ "Action": "sqs:SendMessage", "Resource": arns }));
    world.iam.put_role(&schedule("rate(1 day)").target.role_arn, &trust(), &[send]).unwrap();
    for name in ["jobs", "dead"] {
        world.sqs.create(&world, (ACCOUNT, REGION, name), &BTreeMap::new(), &BTreeMap::new()).unwrap();
    }
    world
}

#[test]
fn a_schedule_sends_as_its_role() {
    let world = world_with_role(&["jobs"]);
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(1 day)")).unwrap();
    world.scheduler.fire(&world, ACCOUNT, REGION, "sweep").unwrap();
    let messages = world.sqs.peek(&schedule("").target.arn);
    assert!(messages[0].body.starts_with(r#"{"sweep":"2026-11-21T01:00:0"#), "{}", messages[0].body);
}

#[test]
fn what_the_role_may_not_send_goes_to_the_dead_letter_queue_with_the_reason() {
    let world = world_with_role(&["dead"]);
    let mut schedule = schedule("rate(1 day)");
    let (target, dead) = (schedule.target.arn.clone(), format!("arn:aws:sqs:{REGION}:{ACCOUNT}:dead"));
    schedule.target.dead_letter_arn = Some(dead.clone());
    world.scheduler.create(&world, ACCOUNT, REGION, schedule).unwrap();
    let refusal = world.scheduler.fire(&world, ACCOUNT, REGION, "sweep").unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    assert!(world.sqs.peek(&target).is_empty());
    let letter = &world.sqs.peek(&dead)[0];
    assert_eq!(letter.attributes["ERROR_CODE"].string_value.as_deref(), Some("AccessDenied"));
    assert_eq!(letter.attributes["TARGET_ARN"].string_value.as_deref(), Some(target.as_str()));
}

#[test]
fn a_role_that_does_not_trust_the_scheduler_sends_nothing() {
    let world = world_with_role(&["jobs"]);
    let trust =
        allow(&json!({ "Principal": { "Service": "events.amazonaws.com" }, "Action": "sts:AssumeRole" }));
    world.iam.put_role(&schedule("").target.role_arn, &trust, &[]).unwrap();
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(1 day)")).unwrap();
    let refusal = world.scheduler.fire(&world, ACCOUNT, REGION, "sweep").unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    assert!(world.sqs.peek(&schedule("").target.arn).is_empty());
}

#[tokio::test]
async fn a_fast_clock_fires_faster() {
    let mut world = world_with_role(&["jobs"]);
    // An hour passes in six milliseconds.
    Arc::get_mut(&mut world).unwrap().clock =
        Clock::starting("2026-11-21T01:00:00Z".parse().unwrap(), 600_000.0);
    world.scheduler.create(&world, ACCOUNT, REGION, schedule("rate(1 hour)")).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn(run(world.clone(), stop.clone()));
    while world.sqs.peek(&schedule("").target.arn).len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    task.await.unwrap();
}
