use drs_fleet_local::faults::{Fault, FaultRule};
use serde_json::json;

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/drs-fleet-spoke";

#[tokio::test]
async fn a_role_that_lets_any_external_id_in_is_an_error_that_says_what_to_do() {
    let stage = Stage::new().await;
    let iam = &stage.company.fleet.world.iam;
    let policies = iam.role(ROLE).unwrap().policies.clone();
    let anybody = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999900001111:root"},
    }]});
    iam.put_role(ROLE, &anybody, &policies).unwrap();
    stage.run(ADD).await;
    insta::assert_snapshot!(stage.run("validate pay").await);
    let row = &stage.json("show pay --json").await["accounts"][0]["account"];
    assert_eq!(row["status"], "ERROR");
    assert!(
        row["last_error"].as_str().unwrap().contains("a wrong external id is refused: the role lets us in")
    );
    assert!(stage.queued("CapacityQueueArn").is_empty(), "an account in ERROR is not swept");
}

#[tokio::test]
async fn a_missing_secret_and_a_missing_role_are_told_with_what_makes_them() {
    let stage = Stage::new().await;
    stage.run(&format!("{ADD} --external-id-secret drs-fleet/external-id/none")).await;
    stage
        .run(
            "add 777788889999 --name Lab --drs-region us-west-2 --external-id-secret \
               drs-fleet/external-id/111122223333",
        )
        .await;
    let no_secret = stage.run("validate pay").await;
    let no_role = stage.run("validate 777788889999").await;
    insta::assert_snapshot!(format!("{no_secret}\n{no_role}"));
}

#[tokio::test]
async fn a_region_where_drs_was_never_initialised_is_no_failure() {
    let stage = Stage::new().await;
    stage.run(&format!("{ADD} --drs-region sa-east-1")).await;
    insta::assert_snapshot!(stage.run("validate pay").await);
}

#[tokio::test]
async fn an_account_that_became_active_is_swept_at_once_and_one_that_stayed_so_is_not() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    for _ in 0..2 {
        stage.run("validate pay").await;
        for queue in ["CapacityQueueArn", "JobsQueueArn"] {
            let queued = stage.queued(queue);
            assert_eq!(queued.len(), 1, "{queue}");
            assert_eq!(queued[0]["detail-type"], "Sweep Place");
            assert_eq!((&queued[0]["account"], &queued[0]["region"]), (&json!(SPOKE), &json!("us-west-2")));
        }
    }
}

#[tokio::test]
async fn all_accounts_are_validated_side_by_side_except_those_that_are_switched_off() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    stage.run("add 222233334444 --name Logistics --drs-region eu-central-1").await;
    stage
        .run("add 333344445555 --name Shop --drs-region us-west-2 --external-id-secret drs-fleet/external-id/none")
        .await;
    stage.run("add 444455556666 --name ERP --drs-region eu-central-1").await;
    stage.run("deactivate 444455556666").await;
    let told = stage.run("validate --all").await;
    assert!(told.contains("[3/3] ") && !told.contains("444455556666"), "{told}");
    assert!(told.ends_with("error: 1 of 3 accounts failed validation\n"), "{told}");
    let printed = stage.run("validate --all --json").await;
    let (printed, error) = printed.split_once("error: ").unwrap();
    assert_eq!(error, "1 of 3 accounts failed validation\n");
    let ends: Value = serde_json::from_str(printed).unwrap();
    let ends: Vec<_> = ends.as_array().unwrap().iter().map(|a| (&a["account"], &a["end"])).collect();
    let expected = [(SPOKE, "passed"), ("222233334444", "passed"), ("333344445555", "failed")];
    assert_eq!(ends, expected.map(|(id, end)| (json!(id), json!(end))).each_ref().map(|(id, end)| (id, end)));
}

#[tokio::test]
async fn a_service_that_does_not_answer_leaves_the_status_and_is_no_success() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    stage.run("validate pay").await;
    stage.company.fleet.world.faults.set(vec![FaultRule::of(("drs", ""), 1.0, Fault::ServerError)]);
    let told = stage.run("validate pay").await;
    assert!(told.starts_with("111122223333 (Payments) stays ACTIVE, for not all could be checked"), "{told}");
    assert!(told.ends_with("error: 1 of 1 account could not be checked\n"), "{told}");
}

#[tokio::test]
async fn no_text_holds_an_external_id() {
    let stage = Stage::new().await;
    let mut told = stage.run(ADD).await;
    for line in ["validate pay", "show pay", "show pay --json", "list --json", "validate pay --json"] {
        told += &stage.run(line).await;
    }
    // The estate makes them of this form.
    assert!(!told.contains("external-id-"), "{told}");
}
