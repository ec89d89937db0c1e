use super::*;
use crate::Clock;
use crate::faults::Faults;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";

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
    refused(&|s| s.target.arn = "arn:aws:lambda:eu-central-1:111122223333:function:x".to_owned());
    refused(&|s| s.target.arn = "arn:aws:events:eu-central-1:111122223333:event-bus/default".to_owned());
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
