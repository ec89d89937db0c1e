use serde_json::json;

use super::Command;
use crate::family::OneOf;
use crate::testing;

type Stage = testing::Stage<OneOf<Command>>;

#[tokio::test]
async fn a_window_is_opened_for_drills_listed_and_closed_once() {
    let stage = Stage::new().await;
    let words = ["open", "--name", "spring drill", "--for", "8h", "--by", "anna"];
    let (opened, code) = stage.run_words(words.into_iter(), None).await;
    assert_eq!(code, 0, "{opened}");
    assert!(opened.contains("for \"spring drill\" expects drill=drill from "), "{opened}");
    assert!(!opened.contains("Real failures"), "{opened}");
    let id = opened.split(' ').nth(1).unwrap().to_owned();
    let listed = stage.run("list").await;
    for part in ["spring drill  open for 7 h  anna  drill=drill", "1 window. Table"] {
        assert!(listed.contains(part), "{listed}");
    }
    let all = stage.json("list --json").await;
    assert_eq!((&all["windows"][0]["open"], &all["windows"][0]["window"]["id"]), (&json!(true), &json!(id)));
    let closed = stage.run(&format!("close {}", &id[..5])).await;
    assert!(closed.starts_with(&format!("Window {id} for \"spring drill\" is closed")), "{closed}");
    assert!(stage.run(&format!("close {id}")).await.contains("was closed just now"));
    assert!(stage.run("list").await.starts_with("0 windows."));
    assert!(stage.run("list --all").await.contains("closed, just now"));
}

#[tokio::test]
async fn a_window_has_a_name_and_an_end_within_7_days() {
    let stage = Stage::new().await;
    for (line, told) in [
        ("open --for 8h", "--name"),
        ("open --name x", "<--for <LENGTH>|--until <TIME>>"),
        ("open --name x --for 169h", "longer than 7 days"),
        ("open --name x --for 8h --match plan=", "a value is empty"),
    ] {
        let refused = stage.run(line).await;
        assert!(refused.contains(told), "{line}: {refused}");
    }
}

#[tokio::test]
async fn who_opens_a_window_for_more_than_drills_is_told_that_nobody_is_paged_of_real_failures() {
    let stage = Stage::new().await;
    for (matchers, is_warned) in [
        ("--match region=us-west-2", true),
        ("--match region=us-west-2 --match drill=*", true),
        ("--match region=us-west-2 --match drill=drill", false),
    ] {
        let opened = stage.run(&format!("open --name x --for 8h {matchers}")).await;
        assert_eq!(
            opened.contains("Real failures that it matches page nobody either"),
            is_warned,
            "{opened}"
        );
    }
}
