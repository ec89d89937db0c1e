use serde_json::json;

use super::*;

#[tokio::test]
async fn everything_that_is_known_of_a_job_is_shown() {
    let stage = fleet().await;
    let lines = ["show drsjob-11111111111111111", "show 11 --failed", "show 22"];
    insta::assert_snapshot!(dateless(&stage.session("jobs", &lines).await));
}

#[tokio::test]
async fn a_job_is_meant_by_the_beginning_of_its_id_if_no_other_begins_so() {
    let stage = fleet().await;
    for given in [PARTIAL, "drsjob-11", "11", "DRSJOB-11"] {
        let shown = stage.json(&format!("show {given} --json")).await;
        assert_eq!(shown["job"]["id"], PARTIAL, "{given}");
    }
    let (told, code) = stage.run_to_code("show 1").await;
    assert_eq!(code, 1);
    assert!(
        told.contains("\"1\" may mean any of 2 jobs:") && told.contains(&format!("\n  {OLD} (Payments, ")),
        "{told}"
    );
    assert!(stage.run("show 9").await.contains("no job has an id that begins with \"9\""));
}

#[tokio::test]
async fn what_programs_read_says_of_each_server_how_long_it_took_and_why_it_failed() {
    let stage = fleet().await;
    let shown = stage.json("show 11 --json").await;
    let [failed, late, in_time] = [0, 1, 2].map(|n| &shown["servers"][n]);
    assert!(
        failed["reason"].as_str().unwrap().starts_with("the instance could not be launched (LAUNCH_FAILED)")
    );
    assert_eq!((&late["recovery_seconds"], &late["late"]), (&json!(54 * 60), &json!(true)));
    assert_eq!((&in_time["late"], &in_time["reason"]), (&json!(false), &json!(null)));
    assert_eq!(stage.json("show 11 --json --failed").await["servers"].as_array().unwrap().len(), 1);
    let running = stage.json("show 22 --json").await;
    assert_eq!(running["progress"]["slowest"]["phase"], "CONVERSION");
    assert_eq!((&running["progress"]["succeeded"], &running["progress"]["servers"]), (&json!(1), &json!(40)));
}
