use std::collections::BTreeMap;
use std::time::Duration;

use drs_fleet_domain::keys::Place;
use drs_fleet_domain::notify::WindowRow;
use drs_fleet_domain::place::{self, Context, Counted, Observation, PlaceRow};
use drs_fleet_domain::unhandled::{Heard, Reason, UnhandledRow};

use super::*;
use crate::spells;

fn swept(stage: &Stage, region: &str) -> PlaceRow {
    let place = Place { account: SPOKE.parse().unwrap(), region: region.parse().unwrap() };
    let at = stage.hub.io.now() - Duration::from_secs(200);
    let by_state = [("CONTINUOUS".to_owned(), 1), ("STALLED".to_owned(), 1)].into();
    let counted =
        Counted { swept_at: at, replicating: 2, extended: 0, servers: 2, by_state, initialized: true };
    let seen = [Observation::Swept(counted), Observation::Heard { at: at - Duration::from_mins(5) }];
    place::decide(&place, &seen, None, &Context::new("Payments", at)).unwrap().row
}

#[tokio::test]
async fn an_account_is_added_validated_listed_shown_and_removed() {
    let stage = Stage::new().await;
    let mut transcript = String::new();
    for line in [
        "list",
        ADD,
        "validate pay",
        "list",
        "show 111122223333",
        "deactivate pay",
        "validate pay",
        "activate pay",
        "remove pay",
        "remove pay --yes",
        "show 111122223333",
    ] {
        if line == "show 111122223333" && !transcript.contains("deactivate") {
            stage.store(&swept(&stage, "us-west-2")).await;
        }
        transcript.extend(["$ drs-fleet accounts ", line, "\n", &stage.run(line).await, "\n"]);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn what_scripts_read_holds_the_account_and_what_is_known_of_its_regions() {
    let stage = Stage::new().await;
    stage.run(&format!("{ADD},us-east-1")).await;
    stage.store(&swept(&stage, "us-west-2")).await;
    let list = stage.json("list --json").await;
    assert_eq!(list, {
        let mut shown = stage.json("show pay --json").await;
        shown["read_at"] = list["read_at"].clone();
        shown
    });
    let account = &list["accounts"][0];
    assert_eq!(account["account"]["status"], "PENDING_VALIDATION");
    assert_eq!(account["account"]["external_id_secret"], "drs-fleet/external-id/111122223333");
    assert_eq!(account["regions"][0]["region"], "us-east-1");
    assert_eq!(account["regions"][0]["stored"], Value::Null);
    assert_eq!(account["regions"][1]["stored"]["counted"]["replicating"], 2);
}

#[tokio::test]
async fn a_refused_sweep_and_its_incident_are_shown_and_a_missing_count_is_no_zero() {
    let stage = Stage::new().await;
    stage.run(&format!("{ADD} --drs-region us-east-1")).await;
    let row = swept(&stage, "us-west-2");
    let denied = Observation::Denied {
        at: stage.hub.io.now() - Duration::from_secs(140),
        reason: "AccessDenied: no".into(),
    };
    let context = Context::new("Payments", stage.hub.io.now());
    let row = place::decide(&row.place, &[denied], Some(&row), &context).unwrap().row;
    stage.store(&row).await;
    let shown = stage.run("show pay").await;
    assert!(shown.contains("HIGH ACCOUNT_DENIED, opened 2 min ago: AccessDenied: no"), "{shown}");
    assert!(shown.contains("us-east-1 (DRS)\n  heartbeat    never\n  servers      never counted"), "{shown}");
    let list = stage.run("list").await;
    assert!(list.contains("2+       2+           never (1 of 2)"), "{list}");
}

#[tokio::test]
async fn an_account_that_was_heard_is_listed_until_it_is_registered() {
    let stage = Stage::new().await;
    let last_at = stage.hub.io.now() - Duration::from_secs(200);
    let region = |(name, count): (&str, u64)| (name.parse().unwrap(), Heard { count, last_at });
    let heard = UnhandledRow {
        worker: "capacity-tracker".into(),
        reason: Reason::Unregistered,
        account: SPOKE.parse().unwrap(),
        subject: "us-west-2".into(),
        count: 4,
        ids: vec!["1".into()],
        last_at,
        regions: [("us-west-2", 3), ("sa-east-1", 1)].map(region).into(),
        incidents: BTreeMap::new(),
        look_at: None,
    };
    stage.store(&heard).await;
    let before = stage.run("list --unregistered").await;
    stage.run(ADD).await;
    let after = stage.run("list --unregistered").await;
    insta::assert_snapshot!(format!("{before}\n-- after us-west-2 was registered --\n\n{after}"));
    let listed = &stage.json("list --unregistered --json").await["unregistered"][0];
    assert_eq!(
        (&listed["regions"]["sa-east-1"]["count"], &listed["regions"]["us-west-2"]),
        (&1.into(), &Value::Null)
    );
}

#[tokio::test]
async fn nothing_is_removed_when_a_person_says_no() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    assert_eq!(stage.run_and_answer("remove pay", Some(false)).await, "Nothing was removed.\n");
    assert!(stage.run("list").await.contains(SPOKE));
    let removed = stage.run_and_answer("remove pay", Some(true)).await;
    assert!(removed.contains("is not registered any more"), "{removed}");
}

#[tokio::test]
async fn what_cannot_be_an_account_of_the_fleet_is_refused_with_the_reason() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    for (line, reason) in [
        (ADD, "account 111122223333 is registered already"),
        ("add 1111 --name X --drs-region us-west-2", "an AWS account id (12 digits)"),
        ("add 222233334444 --name X", "required arguments were not provided"),
        ("add 222233334444 --name X --drs-region us-west", "is not an AWS Region"),
        ("add 222233334444 --name X --alias pay --drs-region us-west-2", "that of account 111122223333"),
        ("add 222233334444 --name X --alias 111122223333 --drs-region us-west-2", "like an account id"),
        ("add 222233334444 --name X --drs-region us-west-2,us-gov-west-1", "more than one partition"),
        (
            "add 222233334444 --name X --drs-region us-west-2 --role-arn arn:aws:iam::111122223333:role/x",
            "is not in account 222233334444",
        ),
        (
            "add 222233334444 --name X --drs-region us-gov-west-1 --role-arn arn:aws:iam::222233334444:role/x",
            "another partition than the Regions (aws-us-gov)",
        ),
        (
            "add 222233334444 --name X --drs-region us-west-2 --external-id-secret https://x",
            "the name, not the value",
        ),
    ] {
        let refused = stage.run(line).await;
        assert!(refused.contains("error: ") && refused.contains(reason), "{line}: {refused}");
    }
}

#[tokio::test]
async fn the_role_of_another_partition_is_named_in_it_and_what_the_hub_may_not_do_is_said() {
    let stage = Stage::new().await;
    stage.run("add 222233334444 --name X --drs-region us-gov-west-1").await;
    let row = &stage.json("show 222233334444 --json").await["accounts"][0]["account"];
    assert_eq!(row["role_arn"], "arn:aws-us-gov:iam::222233334444:role/drs-fleet-spoke");
    let line = "add 333344445555 --name X --drs-region us-west-2 --external-id-secret other/id \
                --role-arn arn:aws:iam::333344445555:role/dr/reader";
    let said = stage.run(line).await;
    assert!(
        said.contains("roles named drs-fleet-spoke") && said.contains("secrets drs-fleet/external-id/*"),
        "{said}"
    );
}

#[tokio::test]
async fn what_routes_look_at_is_kept_with_an_account() {
    let stage = Stage::new().await;
    let told = stage.run(&format!("{ADD} --ou Finance --tag team=blue --tag stage=a=b")).await;
    assert!(told.contains("is registered as PENDING_VALIDATION"), "{told}");
    let shown = stage.run("show pay").await;
    assert!(
        shown.contains("  OU           Finance\n  tag          stage=a=b\n  tag          team=blue\n"),
        "{shown}"
    );
    let row = &stage.json("show pay --json").await["accounts"][0]["account"];
    assert!(row["ou"] == "Finance" && row["tags"]["team"] == "blue", "{row}");
    let labelled = stage.run("label pay --ou Trade --tag team=red --untag none").await;
    assert!(labelled.contains("has OU Trade and 2 tags."), "{labelled}");
    assert!(stage.run("label pay --no-ou --untag team").await.contains("has no OU and 1 tag."));
    assert!(stage.run("label pay").await.contains("required"), "it says what to change");
    stage.run("label pay --ou Finance --tag team=blue").await;
    let removed = stage.run("remove pay --yes").await;
    assert!(removed.contains(" --ou 'Finance' --tag 'stage=a=b' --tag 'team=blue'\n"), "{removed}");
    let twice = stage.run(&format!("{ADD} --tag team=blue --tag team=red")).await;
    assert!(twice.contains("the tag team is given twice"), "{twice}");
    assert!(stage.run(&format!("{ADD} --tag team")).await.contains("a tag is written KEY=VALUE"));
}

#[tokio::test]
async fn a_tag_that_opens_a_window_is_read_before_it_is_kept_and_says_what_it_does() {
    let stage = Stage::new().await;
    stage.run(ADD).await;
    let told = stage.run("label pay --tag drs-fleet:drill=2076-12-01T20:00Z/6h").await;
    let window = "for \"drill by tag\": from 2076-12-01T20:00:00Z to 2076-12-02T02:00:00Z what is wrong in the account";
    assert!(told.contains(window), "{told}");
    let window = spells::all::<WindowRow>(&stage.hub).await.unwrap().remove(0);
    let other =
        "add 444455556666 --name Other --drs-region us-west-2 --tag drs-fleet:drill=2076-12-01T20:00Z/6h";
    let again = stage.run(other).await;
    assert!(again.contains(&format!("Window {} for", window.id)), "one window for both: {again}");
    let over = stage.run("label pay --tag drs-fleet:drill=2026-01-01T20:00Z/6h").await;
    assert!(over.contains("is over: no window is opened"), "{over}");
    assert!(over.contains(&format!(
        "stays, for others may have its tag: drs-fleet drill-window close {}",
        window.id
    )));
    spells::editor(&stage.hub).end::<WindowRow>(&window.id, "kim").await.unwrap();
    let closed = stage.run("label pay --tag drs-fleet:drill=2076-12-01T20:00Z/6h").await;
    assert!(closed.contains("was closed by kim; another name opens another"), "{closed}");
    for command in ["label pay", ADD] {
        let refused = stage.run(&format!("{command} --tag drs-fleet:drill=tomorrow")).await;
        assert!(refused.contains("write when it begins and ends, as 2026-12-01T20:00Z/"), "{refused}");
    }
}

#[tokio::test]
async fn a_staging_account_names_the_account_that_its_servers_are_extended_into() {
    let stage = Stage::new().await;
    let line = format!("{ADD} --target-account 222233334444");
    let told = stage.run(&line).await;
    assert!(told.contains("to be extended into account 222233334444.\n  It is not registered yet"), "{told}");
    assert!(told.contains("drs-fleet extended plan --staging 111122223333"), "{told}");
    assert!(stage.run("show pay").await.contains("extended to  222233334444"));
    let removed = stage.run("remove pay --yes").await;
    assert!(removed.contains(" --target-account 222233334444\n"), "{removed}");
    let refused = stage.run(&format!("{ADD} --target-account 111122223333")).await;
    assert!(refused.contains("account 111122223333 cannot be its own target"), "{refused}");
    assert!(!stage.run(ADD).await.contains("extended"));
}
