//! The SDK's side of the seam, against the local cloud built from the shipped templates: real requests, real
//! signatures, the roles of the hub and of a spoke.

mod extension;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use drs_fleet_aws::config::{IoSettings, WorkerSettings};
use drs_fleet_aws::connect::{Keys, at_endpoint};
use drs_fleet_aws::io::{CommitError, Io, JobFilter, Notice, ServerFilter, Write};
use drs_fleet_aws::registry::{RegistryEditor, WriteToken};
use drs_fleet_aws::sdk::SdkIo;
use drs_fleet_aws::time::SystemTime;
use drs_fleet_aws::verdict::Verdict;
use drs_fleet_domain::incident::{Condition, IncidentKind, Incidents, Severity, Subject, reconcile};
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::row::{Outbox, Row};
use drs_fleet_local::estate::{Estate, EstatePlan, SpokePlan};
use drs_fleet_local::faults::Faults;
use drs_fleet_local::{Clock, LocalCloud};
use jiff::Timestamp;

const SPOKE: &str = "111122223333";
const REGION: &str = "eu-central-1";

struct Hub {
    cloud: LocalCloud,
    estate: Estate,
}

impl Hub {
    async fn with_servers(servers: usize) -> Self {
        let cloud = LocalCloud::start(Clock::real(), Faults::none()).await.unwrap();
        let spoke =
            SpokePlan { account: SPOKE.into(), name: "Payments".into(), region: REGION.into(), servers };
        let plan = EstatePlan {
            organization: "o-a1b2c3d4e5".into(),
            hub: "999988887777".into(),
            region: "eu-west-1".into(),
            alert_email: "oncall@example.com".into(),
            spokes: vec![spoke],
            seed: 1,
        };
        let estate = Estate::build(cloud.world(), plan).await.unwrap();
        Self { cloud, estate }
    }

    /// What a worker (or the CLI) holds, under its own role.
    fn io(&self, worker: &str, role: &str, queue: &str) -> SdkIo {
        let session = self.estate.session(role, worker).unwrap();
        let keys = Keys {
            access_key_id: session.access_key_id,
            secret_access_key: session.secret_access_key,
            session_token: session.session_token,
        };
        let config = at_endpoint(&self.cloud.endpoint(), &self.estate.plan.region, keys);
        let output = |name: &str| self.estate.output(name).to_owned();
        let settings = IoSettings {
            worker: worker.into(),
            table: output("TableName"),
            queues: Some(WorkerSettings {
                queue_url: output(&format!("{queue}QueueUrl")),
                dlq_url: output(&format!("{queue}DeadLettersUrl")),
            }),
            bus: Some(output("BusName")),
            topic_arn: Some(output("AlertTopicArn")),
            slack_secret: None,
            slack_signing_secret: None,
            slack_api: None,
        };
        SdkIo::new(&config, settings, Arc::new(SystemTime))
    }

    fn operator(&self) -> SdkIo {
        self.io("cli", "OperatorRoleArn", "Capacity")
    }

    fn tracker(&self) -> SdkIo {
        self.io("capacity-tracker", "CapacityTrackerRoleArn", "Capacity")
    }

    fn editor(&self) -> RegistryEditor<SdkIo> {
        RegistryEditor::new(self.operator(), WriteToken::for_command_of_a_person())
    }

    fn account(&self) -> AccountRow {
        let spoke = &self.estate.spokes[0];
        AccountRow {
            id: SPOKE.parse().unwrap(),
            name: spoke.plan.name.clone(),
            alias: None,
            role_arn: spoke.role_arn.clone(),
            external_id_secret: spoke.external_id_secret.clone(),
            regions: vec![AccountRegion { region: REGION.parse().unwrap(), drs: true, source: true }],
            target: None,
            ou: None,
            tags: BTreeMap::new(),
            status: AccountStatus::PendingValidation,
            last_validated: None,
            last_error: None,
        }
    }
}

fn place() -> Place {
    Place { account: SPOKE.parse().unwrap(), region: REGION.parse().unwrap() }
}

#[tokio::test]
async fn an_account_is_registered_validated_and_then_read_to_the_last_page() {
    let hub = Hub::with_servers(250).await;
    let (editor, io) = (hub.editor(), hub.tracker());
    editor.add(hub.account()).await.unwrap();
    let early = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap_err();
    assert_eq!(early.verdict, Verdict::Denied, "{early}");

    let report = editor.validate(&SPOKE.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::Active, "{report:#?}");

    let (mut found, mut token) = (BTreeSet::new(), None);
    loop {
        let page = io.source_servers(&place(), &ServerFilter::All, token).await.unwrap();
        assert!(page.initialized);
        assert!(page.date.duration_since(Timestamp::now()).as_secs().abs() < 60);
        found.extend(page.items.into_iter().map(|server| server.id.to_string()));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    let expected: BTreeSet<String> = hub.estate.spokes[0].servers.iter().cloned().collect();
    assert_eq!(found, expected);
    hub.cloud.stop().await;
}

#[tokio::test]
async fn messages_are_received_hidden_deleted_and_dead_lettered() {
    let hub = Hub::with_servers(1).await;
    let io = hub.tracker();
    let bodies = ["a".to_owned(), "b".to_owned()];
    io.enqueue(&bodies).await.unwrap();
    let mut messages = Vec::new();
    while messages.len() < 2 {
        messages.extend(io.receive(10, Duration::from_secs(5)).await.unwrap());
    }
    assert!(messages.iter().all(|m| m.receive_count == 1));
    let released = io.hide(&[(messages[0].clone(), Duration::ZERO)]).await.unwrap();
    assert!(released[0].is_ok());
    let again = io.receive(10, Duration::from_secs(5)).await.unwrap();
    assert_eq!((again[0].body.as_str(), again[0].receive_count), (messages[0].body.as_str(), 2));
    let reason = BTreeMap::from([("reason".to_owned(), "NOT_JSON".to_owned())]);
    io.dead_letter(&again[0], &reason).await.unwrap();
    let deleted = io.delete(&[again[0].clone(), messages[1].clone()]).await.unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    assert!(io.receive(10, Duration::ZERO).await.unwrap().is_empty());
    hub.cloud.stop().await;
}

#[tokio::test]
async fn an_outbox_is_stored_told_and_emptied_and_losers_see_the_winner() {
    let hub = Hub::with_servers(1).await;
    // Only the operator may write the registry's rows; any row serves to show how rows are written.
    let io = hub.io("cli", "OperatorRoleArn", "Capacity");
    let (row, none) = (hub.account(), Outbox::new());
    let key = row.key();
    let outbox = stall();
    let now = Timestamp::now();
    let create = Write { row: &row, expected: None, outbox_before: &none, outbox: &outbox, due: Some(now) };
    assert_eq!(io.commit(create.clone()).await.unwrap(), 1);
    match io.commit(create).await {
        Err(CommitError::Conflict(Some(stored))) => assert_eq!((stored.rev, &stored.outbox), (1, &outbox)),
        other => panic!("{other:?}"),
    }
    let stored = io.read::<AccountRow>(std::slice::from_ref(&key)).await.unwrap().remove(0).unwrap();
    assert_eq!((&stored.row, stored.rev, &stored.outbox), (&row, 1, &outbox));

    let update = Write { row: &row, expected: Some(1), outbox_before: &outbox, outbox: &none, due: None };
    assert_eq!(io.commit(update.clone()).await.unwrap(), 2);
    assert!(matches!(io.commit(update).await, Err(CommitError::Conflict(Some(stored))) if stored.rev == 2));
    let again = Write { row: &row, expected: Some(2), outbox_before: &none, outbox: &outbox, due: Some(now) };
    assert_eq!(io.commit(again).await.unwrap(), 3);

    let shard = keys::due_shard("cli", &key);
    let ids: Vec<String> = outbox.keys().cloned().collect();
    assert_eq!(io.due(&shard, Timestamp::now(), 10).await.unwrap()[0].key, key);
    io.published(&key, 2, &ids, None).await.unwrap();
    assert_eq!(io.due(&shard, Timestamp::now(), 10).await.unwrap().len(), 1, "revision 2 is past");
    io.published(&key, 3, &ids, None).await.unwrap();
    assert!(io.due(&shard, Timestamp::now(), 10).await.unwrap().is_empty());
    let stored = io.query::<AccountRow>(&keys::accounts()[3]).await.unwrap();
    assert_eq!((stored.len(), stored[0].rev, stored[0].outbox.len()), (1, 3, 0));
    io.forget(&key).await.unwrap();
    assert_eq!(io.read::<AccountRow>(&[key]).await.unwrap(), [None]);
    hub.cloud.stop().await;
}

#[tokio::test]
async fn an_own_event_reaches_the_notifier_and_its_words_the_topic() {
    let hub = Hub::with_servers(1).await;
    let events: Vec<_> = stall().into_values().collect();
    hub.tracker().publish(&events).await.unwrap();
    let io = hub.io("notifier", "NotifierRoleArn", "Notifications");
    let messages = io.receive(10, Duration::from_secs(10)).await.unwrap();
    assert!(messages[0].body.contains(events[0].event_id()), "{}", messages[0].body);
    let attributes = BTreeMap::from([("severity".to_owned(), BTreeSet::from(["HIGH".to_owned()]))]);
    io.send(&Notice::Topic { arn: None, subject: "Stalled".into(), body: "db-1".into(), attributes })
        .await
        .unwrap();
    hub.cloud.stop().await;
}

#[tokio::test]
async fn tags_are_written_through_the_spokes_role_and_jobs_listed() {
    let hub = Hub::with_servers(1).await;
    let editor = hub.editor();
    editor.add(hub.account()).await.unwrap();
    editor.validate(&SPOKE.parse().unwrap()).await.unwrap();
    let io = hub.io("tag-sync", "TagSyncRoleArn", "Tags");
    let seen = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap().items.remove(0);
    let tags = BTreeMap::from([("cost-center".to_owned(), "4711".to_owned())]);
    io.tag(&place(), &seen.arn, &tags).await.unwrap();
    let seen = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap().items.remove(0);
    assert_eq!(seen.tags.get("cost-center").map(String::as_str), Some("4711"));
    let monitor = hub.io("job-monitor", "JobMonitorRoleArn", "Jobs");
    assert!(monitor.jobs(&place(), &JobFilter::All, None).await.unwrap().items.is_empty());
    hub.cloud.stop().await;
}

/// The outbox of a server that stalled.
fn stall() -> Outbox {
    let (place, at) = (place(), Timestamp::now());
    let stalled = Condition {
        kind: IncidentKind::ReplicationStalled,
        since: at,
        severity: Severity::High,
        reason: "AGENT_NOT_SEEN".into(),
    };
    let subject = Subject {
        place: &place,
        account_name: "Payments",
        id: "s-12345678901234567",
        name: "db-1",
        job: None,
        application: None,
        drill_tag: None,
    };
    let events = reconcile(&mut Incidents::new(), &[stalled], &subject, at);
    events.into_iter().map(|event| (event.event_id.clone(), event.into())).collect()
}
