//! SQS and `DynamoDB` as a process: canned answers over plain HTTP, calls counted, told what to do on its
//! standard input.

use std::convert::Infallible;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::canned;
use super::control::Command;
use super::events::{self, Shape};
use super::state::State;

#[derive(Default)]
struct Endpoint {
    state: Mutex<State>,
    filled: Notify,
}

/// Serves until its standard input ends.
pub fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let endpoint = Arc::new(Endpoint::default());
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("no port is free")?;
    say(&listener.local_addr()?.port())?;
    let obeying = Arc::clone(&endpoint);
    std::thread::spawn(move || {
        let ended = obeying.obey();
        std::process::exit(i32::from(ended.is_err()));
    });
    runtime.block_on(async {
        loop {
            let (stream, _) = listener.accept().await.context("no connection can be accepted")?;
            tokio::spawn(Arc::clone(&endpoint).serve(stream));
        }
    })
}

/// One line to whoever started this process.
fn say(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(out.flush()?)
}

impl Endpoint {
    fn obey(self: &Arc<Self>) -> anyhow::Result<()> {
        for line in std::io::stdin().lock().lines() {
            match serde_json::from_str(&line?)? {
                Command::Behave(behavior) => {
                    self.state().behave(behavior);
                    say(&())?;
                }
                Command::Fill { shape, count } => self.fill(shape, count)?,
                Command::Trickle { count, every_ms } => {
                    self.state().count_anew();
                    let endpoint = Arc::clone(self);
                    std::thread::spawn(move || endpoint.trickle(count, Duration::from_millis(every_ms)));
                    say(&())?;
                }
                Command::Count => say(self.state().counted())?,
            }
        }
        Ok(())
    }

    /// Counts anew, and puts messages on the queue.
    fn fill(&self, shape: Shape, count: usize) -> anyhow::Result<()> {
        let from = self.state().next(count);
        let sent_at = Timestamp::now();
        let events = events::stream(shape, from, count);
        let messages: Vec<_> = events.into_iter().map(|event| canned::message(event, sent_at)).collect();
        let mut state = self.state();
        state.count_anew();
        state.put(messages);
        drop(state);
        say(&())?;
        self.filled.notify_waiters();
        Ok(())
    }

    /// Puts one message after the other on the queue, each of another server.
    fn trickle(&self, count: usize, every: Duration) {
        let from = self.state().next(count);
        for event in events::stream(Shape::Spread, from, count) {
            sleep(every);
            let message = canned::message(event, Timestamp::now());
            let mut state = self.state();
            state.await_write(events::id(event.server));
            state.put([message]);
            drop(state);
            self.filled.notify_waiters();
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        self.state().opened();
        // Answers are one write each.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.answer(request));
        // A client that goes away is no concern of ours.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        self.state().closed();
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let target = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok());
        let operation = target.and_then(|name| name.rsplit('.').next()).unwrap_or("none").to_owned();
        let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        let request = serde_json::from_slice(&body).unwrap_or_default();
        self.state().called(&operation, &request);
        let (status, answer) = match operation.as_str() {
            "ReceiveMessage" => (StatusCode::OK, self.receive(&request).await),
            _ => self.state().answer(&operation, &request),
        };
        let call = self.state().call_time();
        if !call.is_zero() {
            tokio::time::sleep(call).await;
        }
        self.state().answered(&request);
        let mut response = Response::new(Full::new(Bytes::from(answer)));
        *response.status_mut() = status;
        Ok(response)
    }

    async fn receive(&self, request: &Value) -> String {
        let number = |name: &str| request[name].as_u64().unwrap_or(0);
        let most = usize::try_from(number("MaxNumberOfMessages").clamp(1, 10)).unwrap_or(1);
        let until = Instant::now() + Duration::from_secs(number("WaitTimeSeconds"));
        loop {
            let filled = self.filled.notified();
            let messages = self.state().take(most);
            if !messages.is_empty() || tokio::time::timeout_at(until, filled).await.is_err() {
                return canned::received(&messages);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
