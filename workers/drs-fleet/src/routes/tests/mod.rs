use std::collections::BTreeMap;
use std::path::PathBuf;

use drs_fleet_domain::incident::IncidentKind;
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::{Labels, MuteRow, Routes};
use drs_fleet_domain::own_event::IncidentEvent;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::given::Given;
use super::*;
use crate::policy::check::parse;
use crate::testing::{self, account, dateless};

/// The example of `--help`, without what is around it.
fn example() -> String {
    let lines = EXAMPLE.lines().skip_while(|line| !line.starts_with("  "));
    let lines: Vec<_> = lines.map_while(|line| line.strip_prefix("  ")).collect();
    lines.join("\n")
}

/// A stall of a server of the application ERP, in an event as it is on the bus.
const STALLED: &str =
    include_str!("../../../../../events/drs-fleet/incident-opened/replication-stalled.json");

#[test]
fn the_example_of_the_help_can_be_used_and_uses_all_that_there_is() {
    let routes: Routes = parse(&example()).unwrap();
    assert_eq!(routes.problems(), [""; 0]);
    let members = |value: &Value| value.as_object().unwrap().len();
    let written = serde_json::to_value(&routes).unwrap();
    assert_eq!((members(&written), members(&written["default"])), (6, 6));
    assert_eq!(drs_fleet_domain::notify::routes::lines_with_secrets(&example()), [0_usize; 0]);
    assert_eq!(parse::<Routes>(&written.to_string()).unwrap(), routes, "JSON is read too");
}

#[test]
fn routes_are_shown_with_all_that_they_have_from_above() {
    let now = "2026-08-22T20:00:00Z".parse().unwrap();
    let row = drs_fleet_domain::notify::RoutesRow {
        policy: parse(&example()).unwrap(),
        set_by: "arn:aws:sts::111122223333:assumed-role/drs-fleet-operator/ops".into(),
        set_at: "2026-08-20T20:00:00Z".parse().unwrap(),
    };
    insta::assert_snapshot!([show::print(None, now), show::print(Some(&row), now)].join("\n\n----\n\n"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let error = |text: &str| format!("{:#}", parse::<Routes>(text).unwrap_err());
    let unknown = error("routes:\n  - name: a\n    match: { team: blue }\n");
    assert!(unknown.contains("\"team\" is no label; there are kind, severity"), "{unknown}");
    assert!(unknown.contains("line"), "{unknown}");
    let field = error("routes:\n  - name: a\n    chanels: [mail]\n");
    assert!(field.contains("unknown field `chanels`"), "{field}");
    let channel = error("default:\n  channels: [Big Ops]\n");
    assert!(channel.contains("\"Big Ops\" is no name of a channel"), "{channel}");
    let wait = error("routes: [{ name: a, group_wait: soon }]");
    assert!(wait.contains("write 30m, 1h 30m or PT30M"), "{wait}");
}

/// A person at the command line, and files.
struct Stage {
    stage: testing::Stage<OneOf<Command>>,
    folder: PathBuf,
}

impl Stage {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("drs-fleet-routes-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { stage: testing::Stage::new().await, folder }
    }

    /// What a command prints, and after it the error that it ends with.
    async fn run(&self, line: &str, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            std::fs::write(self.folder.join(name), text).unwrap();
        }
        let folder = format!("{}/", self.folder.display());
        self.stage.run(&line.replace('@', &folder)).await.replace(&folder, "@")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn routes_are_checked_and_stored_and_a_secret_in_them_is_refused_unread() {
    let stage = Stage::new("set").await;
    let secret = "channels:\n  erp: https://hooks.slack.com/services/T0AAAA\n";
    let refused = stage.run("check @a.yaml", &[("a.yaml", secret)]).await;
    assert!(refused.contains("@a.yaml: line 2 seems to hold a URL or a token"), "{refused}");
    assert!(!refused.contains("T0AAAA"), "{refused}");
    assert_eq!(stage.run("set @a.yaml --yes", &[]).await, refused, "it is never stored");

    let other = example().replace(":drs-fleet-erp", ":erp");
    let warned = stage.run("check @c.yaml", &[("c.yaml", &other)]).await;
    assert!(warned.contains("can be used") && warned.contains("Warning: channel erp-mail: "), "{warned}");
    let twice = example().replace("escalate: []", "group_wait: 1m");
    let warned = stage.run("check @d.yaml", &[("d.yaml", &twice)]).await;
    assert!(warned.contains("Warning: default/audit and default/erp both tell pager: "), "{warned}");
    let good = stage.run("check @b.yaml", &[("b.yaml", &example())]).await;
    assert!(!good.contains("Warning"), "{good}");
    assert!(good.contains("besides those of the hub it has 5 channels; 3 routes, 2 people."), "{good}");
    let stored = stage.run("set @b.yaml --yes", &[]).await;
    assert!(stored.contains("Stored as set by arn:aws:sts::"), "{stored}");
    let shown: Value = serde_json::from_str(&stage.run("show --json", &[]).await).unwrap();
    assert_eq!(shown["effective"][3]["route"], "default/erp/production");
    assert_eq!(shown["effective"][3]["escalate"][1], json!({ "after": "1h", "channels": ["managers"] }));
    assert_eq!(shown["channels"]["mail"], json!({ "type": "topic" }));
    assert_eq!(shown["routes"], serde_json::to_value(parse::<Routes>(&example()).unwrap()).unwrap());
}

#[tokio::test]
async fn who_wonders_is_told_what_an_incident_takes_and_why() {
    let stage = Stage::new("test").await;
    let tags = BTreeMap::from([("team".to_owned(), "blue".to_owned())]);
    let row = account("111122223333", "erp-prod", &["us-west-2"]);
    stage.stage.store(&drs_fleet_domain::registry::AccountRow { ou: Some("Test".into()), tags, ..row }).await;
    let files = [("event.json", STALLED), ("routes.yaml", &example())];
    let by_default = stage.run("test @event.json", &files).await;
    let by_file = stage.run("test @event.json --routes @routes.yaml", &[]).await;
    insta::assert_snapshot!(dateless(&[by_default, by_file].join("\n----\n\n")));

    let latest = Given::read(STALLED).unwrap().event;
    let open = IncidentRow { latest: latest.clone(), groups: Vec::new(), left: Vec::new(), ack: None };
    stage.stage.store(&open).await;
    let mute = MuteRow {
        id: "m1".into(),
        matchers: serde_json::from_value(json!({ "application": "ERP" })).unwrap(),
        from: Timestamp::UNIX_EPOCH,
        until: "2100-01-01T00:00:00Z".parse().unwrap(),
        reason: "moving".into(),
        author: "anna".into(),
        ended_at: None,
        ended_by: None,
    };
    stage.stage.store(&mute).await;
    let told = stage.run("test --incident erp-db-03", &[]).await;
    assert!(told.ends_with("\nHeld back until 2100-01-01T00:00:00Z by mute m1 of anna: moving\n"), "{told}");
    let json: Value =
        serde_json::from_str(&stage.run("test --incident erp-db-03 --json", &[]).await).unwrap();
    assert_eq!(json["taken"][0]["group"], "default|kind=REPLICATION_STALLED|region=us-west-2");
    assert_eq!(json["mutes"], json!(["m1"]));
    assert_eq!(json["asked"][0]["outcome"], "TAKEN");
}

#[tokio::test]
async fn who_wonders_is_told_of_what_an_incident_is_a_consequence() {
    let stage = Stage::new("held").await;
    let stalled = Given::read(STALLED).unwrap().event;
    stage.stage.store(&account(stalled.account_id.as_str(), "erp-prod", &[stalled.region.as_str()])).await;
    let store = async |kind: IncidentKind, subject: &str| {
        let latest = IncidentEvent { kind, subject: subject.to_owned(), ..stalled.clone() };
        let groups = Routes::default().taken(&Labels::of(&latest, None));
        stage.stage.store(&IncidentRow { latest, groups, left: Vec::new(), ack: None }).await;
    };
    let lag = IncidentEvent { kind: IncidentKind::ReplicationLag, ..stalled.clone() };
    let files = [("lag.json", &*serde_json::to_string(&lag).unwrap())];
    assert!(!stage.run("test @lag.json", &files).await.contains("held back"));
    for server in 0..20 {
        store(IncidentKind::ReplicationStalled, &format!("s-{server:017}")).await;
    }
    let told = stage.run("test @lag.json", &[]).await;
    assert!(told.contains("held back    replication has stalled all over the Region"), "{told}");
    let fewer = [("fewer.yaml", "region_wide_stalls: 21\n")];
    assert!(!stage.run("test @lag.json --routes @fewer.yaml", &fewer).await.contains("held back"));
    store(IncidentKind::SpokeSilent, stalled.account_id.as_str()).await;
    let told = stage.run("test @lag.json", &[]).await;
    assert!(told.contains("held back    its spoke is silent"), "{told}");
    let json: Value = serde_json::from_str(&stage.run("test @lag.json --json", &[]).await).unwrap();
    assert_eq!(json["taken"][0]["held"], "spoke_silent");
}

#[tokio::test]
async fn who_wonders_is_told_over_which_routes_a_drill_is_told() {
    const SUCCEEDED: &str = include_str!("../../../../../events/drs-fleet/job-completed/succeeded.json");
    const PARTIAL: &str = include_str!("../../../../../events/drs-fleet/job-completed/partial.json");
    const FAILBACK: &str = include_str!("../../../../../events/drs-fleet/job-started/failback.json");
    let stage = Stage::new("drill").await;
    let routes = "channels: { pager: { type: topic, arn: 'arn:aws:sns:us-west-2:111122223333:pager' } }\n\
                  routes: [{ name: pager, match: { severity: '>=HIGH' }, channels: [pager] }]\n";
    let files = [
        ("ok.json", SUCCEEDED),
        ("partial.json", PARTIAL),
        ("failback.json", FAILBACK),
        ("routes.yaml", routes),
    ];
    let ok = stage.run("test @ok.json --routes @routes.yaml", &files).await;
    assert!(
        ok.contains("a job of a drill, would go through") && ok.contains("a summary, of the drill"),
        "{ok}"
    );
    assert!(!ok.contains("\npager\n"), "nothing failed: {ok}");
    let partial = stage.run("test @partial.json --routes @routes.yaml", &[]).await;
    assert!(partial.contains("\npager\n") || partial.contains("/pager\n"), "{partial}");
    let failback = stage.run("test @failback.json", &[]).await;
    assert!(failback.contains("is no job of a drill: nobody is told of it"), "{failback}");
}

#[tokio::test]
async fn what_is_no_event_of_an_incident_is_named() {
    let stage = Stage::new("none").await;
    let told = stage.run("test @a.json", &[("a.json", "{}")]).await;
    assert!(
        told.starts_with("error: @a.json: it is no event of an incident, and none of a job: missing field"),
        "{told}"
    );
    assert!(stage.run("test", &[]).await.contains("required"), "a file or an incident");
    assert!(stage.run("test --incident nothing", &[]).await.contains("no incident begins with"));
}
