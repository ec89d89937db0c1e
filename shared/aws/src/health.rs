//! `GET /health`: whether the consume loops of this process still turn. A queue or table that is away is no reason
//! to restart a worker: that mends nothing, and spends a delivery of each message in hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::consume::{Pulse, Turn};
use crate::sdk::SdkIo;
use crate::time::after;

/// A loop that did not turn for this long is stuck: it turns every 30 s at least, whatever it waits for.
const SILENCE: Duration = Duration::from_mins(2);

/// A worker as the endpoint watches it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its name.
    pub worker: &'static str,
    /// When its process started.
    pub since: Timestamp,
    /// Where its loop's last turn is seen.
    pub pulse: Pulse,
    /// Where its last receive is seen.
    pub io: SdkIo,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Health {
    healthy: bool,
    workers: Vec<WorkerHealth>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct WorkerHealth {
    worker: &'static str,
    healthy: bool,
    since: Timestamp,
    last_turn: Option<Timestamp>,
    /// The table is away, so nothing is received for now.
    paused: bool,
    last_receive: Option<Timestamp>,
}

/// Listens on `address` (port 0: a free one) and answers until `stop`; returns where it listens and the task.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    address: SocketAddr,
    watched: Vec<Watched>,
    stop: CancellationToken,
) -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let routes = Router::new().route("/health", get(answer)).with_state(Arc::new(watched));
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
    Ok((bound, tokio::spawn(serving.into_future())))
}

async fn answer(State(watched): State<Arc<Vec<Watched>>>) -> (StatusCode, Json<Health>) {
    let now = Timestamp::now();
    let workers = watched.iter().map(|w| {
        let last_receive = w.io.last_receive();
        WorkerHealth { last_receive, ..judge(w.worker, w.since, w.pulse.last(), now) }
    });
    let health = of_all(workers.collect());
    let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// A process that only just started has until [`SILENCE`] for its first turn.
fn judge(worker: &'static str, since: Timestamp, last_turn: Option<Turn>, now: Timestamp) -> WorkerHealth {
    let (paused, last_turn) = (last_turn.is_some_and(|turn| turn.paused), last_turn.map(|turn| turn.at));
    let healthy = now <= after(last_turn.unwrap_or(since), SILENCE);
    WorkerHealth { worker, healthy, since, last_turn, paused, last_receive: None }
}

fn of_all(workers: Vec<WorkerHealth>) -> Health {
    Health { healthy: workers.iter().all(|w| w.healthy), workers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn turn(second: i64, paused: bool) -> Turn {
        Turn { at: at(second), paused }
    }

    #[test]
    fn a_worker_whose_loop_turned_lately_is_healthy() {
        assert!(judge("job-monitor", at(0), Some(turn(1000, false)), at(1120)).healthy);
        assert!(!judge("job-monitor", at(0), Some(turn(1000, false)), at(1121)).healthy);
    }

    #[test]
    fn a_worker_that_waits_for_the_table_is_paused_and_healthy() {
        let judged = judge("job-monitor", at(0), Some(turn(1000, true)), at(1010));
        assert!(judged.healthy && judged.paused);
    }

    #[test]
    fn a_worker_that_just_started_has_time_for_its_first_turn() {
        assert!(judge("job-monitor", at(1000), None, at(1060)).healthy);
        assert!(!judge("job-monitor", at(1000), None, at(1200)).healthy);
    }

    #[test]
    fn one_sick_worker_makes_the_process_sick() {
        let well = judge("tag-sync", at(0), Some(turn(90, false)), at(100));
        let sick = judge("notifier", at(0), None, at(500));
        assert!(!of_all(vec![well, sick]).healthy);
        assert!(of_all(Vec::new()).healthy);
    }

    #[tokio::test]
    async fn the_endpoint_answers_until_it_is_stopped() {
        let (io, _) = crate::sdk::wire::io(|_| (200, "{}".into()));
        let stop = CancellationToken::new();
        let watched =
            vec![Watched { worker: "job-monitor", since: Timestamp::now(), pulse: Pulse::default(), io }];
        let (address, served) = serve("127.0.0.1:0".parse().unwrap(), watched, stop.clone()).await.unwrap();
        let answer = reqwest::get(format!("http://{address}/health")).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let health: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(health["workers"][0]["worker"], "job-monitor");
        assert!(health["workers"][0]["last_turn"].is_null());
        assert_eq!(health["workers"][0]["paused"], false);
        stop.cancel();
        served.await.unwrap().unwrap();
    }
}
