use drs_fleet_aws::policy::PolicyEditor;
use drs_fleet_aws::registry::WriteToken;
use drs_fleet_domain::notify::delivery::Answer;
use drs_fleet_domain::notify::{Routes, RoutesRow};
use serde_json::json;

use super::super::Command;
use super::*;
use crate::family::OneOf;
use crate::testing;

type Stage = testing::Stage<OneOf<Command>>;

fn printed(render: Form, grouped: u32) -> String {
    let (kind, severity) = ("job_failed".to_owned(), "low".to_owned());
    let mut out = Vec::new();
    let arguments =
        Arguments { channel: None, render: Some(render), kind, severity, grouped, timeout: Duration::ZERO };
    arguments.print(&mut out).unwrap().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_form_says_first_that_it_is_a_sample_and_how_many_there_are() {
    let marked = "Test: nothing is wrong - ";
    for (form, count) in
        [(Form::Slack, "and 37 more"), (Form::Email, "and 27 more"), (Form::Json, "\"more\": 27")]
    {
        for (grouped, is_many) in [(1, false), (47, true)] {
            let text = printed(form, grouped);
            assert!(text.contains(marked) && text.contains(count) == is_many, "{text}");
        }
    }
    assert!(
        printed(Form::Email, 1)
            .starts_with("Subject: Test: nothing is wrong - [LOW] Failures in job: sample job 1")
    );
}

#[tokio::test]
async fn what_the_channel_answers_to_a_sample_is_said() {
    let stage = Stage::new().await;
    for (answer, told, code) in [
        (Answer::Taken(None), "\nmail took it: sent just now.\n", 0),
        (
            Answer::RefusedForGood("sns: AuthorizationError".into()),
            "\nmail refused it: given up after 1 attempt: sns: AuthorizationError\n  look whether the hub's alerts topic",
            2,
        ),
        (
            Answer::Refused("sns: busy".into(), None),
            "\nmail refused it: not sent yet, 1 attempt, the next after ",
            2,
        ),
    ] {
        let _notifier = stage.notifier(answer);
        let (said, ended) = stage.run_to_code("test --channel mail").await;
        assert!(said.starts_with("The sample ") && said.contains(told) && ended == code, "{said}");
    }
}

#[tokio::test]
async fn where_no_notifier_takes_a_sample_that_is_said() {
    let stage = Stage::new().await;
    let (said, code) = stage.run_to_code("test --channel slack --timeout 1s").await;
    assert!(code == 1 && said.contains("error: no notifier took it. Is the notifier running?"), "{said}");
}

#[tokio::test]
async fn a_channel_that_there_is_not_is_told_with_those_that_there_are() {
    let stage = Stage::new().await;
    let routes: Routes =
        serde_json::from_value(json!({ "channels": { "pager": { "type": "webhook", "secret": "s" } } }))
            .unwrap();
    let editor = PolicyEditor::new(stage.hub.io.clone(), WriteToken::for_command_of_a_person());
    editor.set::<RoutesRow>(routes, "ops".into(), None).await.unwrap();
    let said = stage.run("test --channel mial").await;
    assert!(
        said.contains("there is no channel mial, only mail, pager, slack; `drs-fleet routes show`"),
        "{said}"
    );
    assert!(stage.run("test --channel Mail").await.contains("is no name of a channel"));
    assert!(stage.run("test --channel mail --render slack").await.contains("cannot be used with"));
    assert!(stage.run("test").await.contains("<--channel <NAME>|--render <RENDER>>"));
}
