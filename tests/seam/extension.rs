//! Quotas and extensions of a spoke, through the SDK and the spoke's role.

use drs_fleet_domain::seen::QuotaSeen;
use drs_fleet_local::drs::ServerSpec;

use super::*;

const STAGING: &str = "444455556666";
const REPLICATING: &str = "L-C1D14A2B";
const TOTAL: &str = "L-E28BE5E0";

/// A spoke with one server that the capacity-tracker reads, and a staging account that trusts it.
async fn spoke() -> (Hub, SdkIo, String) {
    let hub = Hub::with_servers(1).await;
    let editor = hub.editor();
    editor.add(hub.account()).await.unwrap();
    editor.validate(&SPOKE.parse().unwrap()).await.unwrap();
    let drs = &hub.cloud.world().drs;
    drs.initialize((STAGING, REGION));
    drs.trust(STAGING, SPOKE);
    let spec = ServerSpec::named("fra-web-17").continuous(Timestamp::now());
    let id = drs.add_server((STAGING, REGION), spec, Timestamp::now()).unwrap();
    let io = hub.tracker();
    (hub, io, format!("arn:aws:drs:{REGION}:{STAGING}:source-server/{id}"))
}

#[tokio::test]
async fn quotas_are_read_as_applied_and_as_defaults_where_nothing_is_applied() {
    let (hub, io, _) = spoke().await;
    let drs = &hub.cloud.world().drs;
    drs.set_quota((SPOKE, REGION), REPLICATING, Some(400)).unwrap();
    drs.set_quota((SPOKE, REGION), TOTAL, None).unwrap();
    let quotas = io.quotas(&place()).await.unwrap();
    assert_eq!(quotas.len(), 9);
    for (code, value, applied) in [(REPLICATING, 400, true), (TOTAL, 4_000, false)] {
        assert!(quotas.contains(&QuotaSeen { code: code.into(), value, applied }), "{quotas:?}");
    }
    hub.cloud.stop().await;
}

#[tokio::test]
async fn a_server_of_a_staging_account_is_listed_extended_and_then_follows_it() {
    let (hub, io, arn) = spoke().await;
    let staging = STAGING.parse().unwrap();
    let listed = io.extensible_servers(&place(), &staging, None).await.unwrap().items;
    assert_eq!(listed.iter().map(|server| server.arn.as_str()).collect::<Vec<_>>(), [arn.as_str()]);
    let tags = BTreeMap::from([("Owner".to_owned(), "team-retail".to_owned())]);
    let refused = io.extend(&place(), &arn, &tags).await.unwrap_err();
    assert_eq!(refused.verdict, Verdict::Denied, "a worker extends nothing: {refused}");
    let id = hub.operator().extend(&place(), &arn, &tags).await.unwrap();
    assert!(io.extensible_servers(&place(), &staging, None).await.unwrap().items.is_empty());
    let seen = async || {
        let servers = io.source_servers(&place(), &ServerFilter::All, None).await.unwrap().items;
        servers.into_iter().find(|server| server.id == id).unwrap()
    };
    let server = seen().await;
    assert_eq!((server.state.as_deref(), server.tags), (Some("CONTINUOUS"), tags));
    assert_eq!(server.staging.status.as_deref(), Some("EXTENDED"));
    assert_eq!((server.staging.account, server.staging.server_arn), (Some(staging), Some(arn)));
    hub.cloud.world().drs.distrust(STAGING, SPOKE);
    let server = seen().await;
    assert_eq!(server.staging.status.as_deref(), Some("EXTENSION_ERROR"));
    assert!(server.staging.error.is_some());
    hub.cloud.stop().await;
}
