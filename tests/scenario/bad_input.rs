//! What cannot be read goes to the dead-letter queue with its reason and holds up nobody.

use drs_fleet_domain::keys;
use drs_fleet_domain::server::ServerRow;
use serde_json::json;

use crate::support::hub::{Hub, Plan};
use crate::support::wait::until;

const QUEUE: &str = "drs-fleet-capacity";

/// A Stalled Change as the bus delivers it.
fn stalled(hub: &Hub, server: &str) -> String {
    let (account, region) = hub.site(0);
    json!({
        "version": "0", "id": format!("event-{server}"), "source": "aws.drs",
        "detail-type": "DRS Source Server Data Replication Stalled Change",
        "account": account, "region": region, "time": hub.world().clock.now().strftime("%FT%TZ").to_string(),
        "resources": [format!("arn:aws:drs:{region}:{account}:source-server/{server}")],
        "detail": {"state": "STALLED"},
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_are_dead_lettered_with_their_reason_and_their_neighbours_are_applied() {
    let hub = Hub::start(Plan::default()).await;
    let good = stalled(&hub, &hub.servers(0)[0]);
    let (open, close) = ("[".repeat(5_000), "]".repeat(5_000));
    let bad = [
        ("NOT_JSON", "no JSON at all".to_owned()),
        ("NOT_AN_EVENT", json!({"hello": "world"}).to_string()),
        ("NOT_AN_EVENT", good.replace("\"resources\":[", "\"resources\":[7,")),
        ("NOT_AN_EVENT", good.replacen('{', "{\"id\":\"twice\",", 1)),
        ("NOT_JSON", good.replace("\"detail\":{", &format!("\"detail\":{{\"deep\":{open}{close},"))),
        ("BAD_DETAIL", good.replace("\"STALLED\"", "7")),
        ("NOT_JSON", "x".repeat(1_048_000)),
    ];
    for ((_, body), server) in bad.iter().zip(hub.servers(0).iter().cycle()) {
        hub.enqueue(QUEUE, body);
        hub.enqueue(QUEUE, &stalled(&hub, server));
    }
    let place = hub.place(0);
    until("the good messages, applied", async || {
        let rows = hub.rows::<ServerRow>(&keys::servers(&place)).await;
        (rows.iter().filter(|row| !row.incidents.is_empty()).count() == 5).then_some(())
    })
    .await;
    let dead = until("the bad messages, dead-lettered", async || {
        Some(hub.queued("drs-fleet-capacity-dlq")).filter(|dead| dead.len() >= bad.len())
    })
    .await;
    assert_eq!(dead.len(), bad.len());
    for (reason, body) in &bad {
        let letter = dead.iter().find(|letter| letter.body == *body).expect("the body as it was sent");
        let says = |name: &str| letter.attributes.get(name).and_then(|a| a.string_value.clone());
        let shown: String = body.chars().take(60).collect();
        assert_eq!(says("reason").as_deref(), Some(*reason), "{shown}");
        if body.len() < 1_000_000 {
            assert_eq!(says("worker").as_deref(), Some("capacity-tracker"), "{shown}");
            assert_eq!(says("receiveCount").as_deref(), Some("1"), "{shown}");
            assert!(says("reasonText").is_some_and(|text| !text.is_empty()), "{shown}");
        }
    }
}
