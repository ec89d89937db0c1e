//! Tags of EC2 machines reach their source servers, except those that DRS acts upon.

use drs_fleet_local::drs::ServerView;
use serde_json::{Value, json};

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

fn machine(hub: &Hub) -> ServerView {
    let servers = hub.world().drs.servers(hub.site(0), hub.world().clock.now());
    servers.into_iter().find(|server| server.instance.is_some()).unwrap()
}

/// As `ListTagsForResource` tells them.
async fn tags(hub: &Hub, arn: &str) -> Value {
    let mut call = drs_fleet_local::Call {
        principal: drs_fleet_local::Principal::Operator { account: hub.site(0).0.to_owned() },
        account: hub.site(0).0.to_owned(),
        region: hub.site(0).1.to_owned(),
        service: "drs".to_owned(),
        operation: "ListTagsForResource".to_owned(),
        method: "GET".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: std::collections::BTreeMap::new(),
        body: Vec::new(),
    };
    call.path = format!("/tags/{}", arn.replace(':', "%3A").replace('/', "%2F"));
    let reply = hub.world().perform(&call).await.unwrap();
    serde_json::from_slice::<Value>(&reply.body).unwrap()["tags"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tag_reaches_the_source_server_and_reserved_tags_never_do() {
    let hub = Hub::start(Plan::default()).await;
    let server = machine(&hub);
    let instance = server.instance.clone().unwrap();
    let set = |changes: &[(&str, &str)]| {
        let changes: Vec<_> =
            changes.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect();
        hub.world().ec2.set_tags(hub.world(), hub.site(0), &instance, &changes).unwrap();
    };
    // The reserved ones first: should they be copied, they are there when the last one is.
    set(&[("AWSDRS", "AllowLaunchingIntoThisInstance"), ("map-migrated", "d-123")]);
    set(&[("PatchGroup", "tuesday-night")]);
    let synced = until("the changed tag on the source server", async || {
        let tags = tags(&hub, &server.arn).await;
        (tags["PatchGroup"] == "tuesday-night").then_some(tags)
    })
    .await;
    assert_eq!((&synced["AWSDRS"], &synced["map-migrated"]), (&json!(null), &json!(null)), "{synced}");

    set(&[("PatchGroup", "sunday-noon")]);
    until("the tag's new value", async || {
        (tags(&hub, &server.arn).await["PatchGroup"] == "sunday-noon").then_some(())
    })
    .await;
}
