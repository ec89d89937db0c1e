//! What a person would look at: the mailbox, the Slack channel, and a door for events, on one local page.

use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use drs_fleet_local::World;
use drs_fleet_local::events::ServiceEvent;
use drs_fleet_local::slack::{Channel, Interaction, Slack, User};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::operator::Operator;
use super::{address, page};

/// The channel that the bot is in.
pub(crate) const SLACK_CHANNEL: &str = "C0LOCAL0001";

/// Makes a new session of the operator.
type Admit = dyn Fn() -> anyhow::Result<Operator> + Send + Sync;

/// The page and what it shows. Clones share it.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    slack: Slack,
    address: String,
    admit: OnceLock<Box<Admit>>,
    clicks: OnceLock<Option<String>>,
}

impl Desk {
    /// Opens the page on a free loopback port.
    pub(crate) async fn open(world: Arc<World>, stop: CancellationToken) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no loopback port is free")?;
        let address = format!("http://{}", listener.local_addr()?);
        let slack = Slack::default();
        slack.set_channel(SLACK_CHANNEL, Channel::Open);
        let slack_routes = slack.routes();
        let (admit, clicks) = (OnceLock::new(), OnceLock::new());
        let desk = Self(Arc::new(Inner { world, slack, address, admit, clicks }));
        let routes = Router::new()
            .route("/", get(show))
            .route("/slack.json", get(slack_json))
            .route("/events", post(take_event))
            .route("/click/{ts}", post(click))
            .route("/operator.json", get(operator))
            .with_state(desk.clone())
            .merge(slack_routes);
        tokio::spawn(
            axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).into_future(),
        );
        Ok(desk)
    }

    /// Where the page is.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// The incoming webhook.
    pub(crate) fn slack_url(&self) -> String {
        format!("{}{}", self.0.address, self.0.slack.hook_path())
    }

    /// Where the bot finds Slack.
    pub(crate) fn slack_api(&self) -> String {
        format!("{}/api", self.0.address)
    }

    /// The workspace, whose bot may post to [`SLACK_CHANNEL`].
    pub(crate) fn workspace(&self) -> &Slack {
        &self.0.slack
    }

    /// The Request URL of the Slack app.
    pub(crate) fn send_clicks_to(&self, url: Option<String>) {
        // A second call would say the same.
        let _ = self.0.clicks.set(url);
    }

    /// From now on, other commands of this machine may be the operator of the local cloud.
    pub(crate) fn admit_operators(
        &self,
        admit: impl Fn() -> anyhow::Result<Operator> + Send + Sync + 'static,
    ) {
        // A second call would say the same.
        let _ = self.0.admit.set(Box::new(admit));
    }

    /// The messages in Slack, oldest first; replies have a `thread_ts`.
    pub(crate) fn slack(&self) -> Vec<Value> {
        self.0.slack.messages()
    }
}

async fn show(State(desk): State<Desk>) -> Html<String> {
    Html(page::render(&desk.slack(), &desk.0.world.sns.mails()))
}

async fn slack_json(State(desk): State<Desk>) -> Json<Vec<Value>> {
    Json(desk.slack())
}

/// Whoever looks at the page clicks on the button of a message, and Slack posts that to the hub, signed.
async fn click(State(desk): State<Desk>, Path(ts): Path<String>) -> Response {
    match post_click(&desk, &ts).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("the click failed: {error:#}")).into_response(),
    }
}

async fn post_click(desk: &Desk, ts: &str) -> anyhow::Result<()> {
    let url =
        desk.0.clicks.get().and_then(Option::as_ref).context("the hub has no endpoint for clicks yet")?;
    let user = User { id: "U0LOCAL", name: "you" };
    let clicked = desk.0.slack.click(ts, user, desk.0.world.clock.now());
    let Interaction { timestamp, signature, body } = clicked.context("the message has no button any more")?;
    let request = address::client()?
        .post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("X-Slack-Request-Timestamp", timestamp)
        .header("X-Slack-Signature", signature)
        .body(body);
    request.send().await?.error_for_status()?;
    Ok(())
}

/// Keys of the operator's role in the local cloud: outside of it they open nothing.
async fn operator(State(desk): State<Desk>) -> Response {
    let unavailable = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    match desk.0.admit.get().map(|admit| admit()) {
        Some(Ok(operator)) => Json(operator).into_response(),
        Some(Err(error)) => unavailable(format!("{error:#}")),
        None => unavailable("it is still starting; try again in a moment".to_owned()),
    }
}

/// Puts an event on the default bus of the account and Region that it names, as the service itself would.
async fn take_event(State(desk): State<Desk>, Json(event): Json<Value>) -> (StatusCode, String) {
    let text = |name: &str| event[name].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    let (Some(source), Some(detail_type), Some(account), Some(region)) =
        (text("source"), text("detail-type"), text("account"), text("region"))
    else {
        let missing = "an event needs source, detail-type, account and region";
        return (StatusCode::BAD_REQUEST, missing.to_owned());
    };
    if desk.0.world.iam.organization_of(&account).is_none() {
        return (StatusCode::BAD_REQUEST, format!("account {account} is none of this local cloud"));
    }
    let resources = event["resources"].as_array().into_iter().flatten();
    let sent = ServiceEvent {
        source,
        detail_type,
        time: text("time").and_then(|time| time.parse().ok()),
        resources: resources.filter_map(|r| r.as_str().map(str::to_owned)).collect(),
        detail: event["detail"].clone(),
    };
    desk.0.world.events.emit(&desk.0.world, &account, &region, &sent);
    (StatusCode::OK, format!("sent on the default bus of {account} in {region}"))
}
