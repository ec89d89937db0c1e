//! SQS and `DynamoDB` as a process: canned answers over plain HTTP, calls counted, told what to do on its
//! standard input.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Collected, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::canned;
use crate::control::{Command, Counted};
use drs_fleet_tests::stream;

#[derive(Default)]
struct Endpoint {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<String>,
    generated: usize,
    counted: Counted,
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
    fn obey(&self) -> anyhow::Result<()> {
        for line in std::io::stdin().lock().lines() {
            match serde_json::from_str(&line?)? {
                Command::Fill { shape, count } => self.fill(shape, count)?,
                Command::Count => say(&self.state().counted)?,
            }
        }
        Ok(())
    }

    /// Counts anew, and puts messages on the queue.
    fn fill(&self, shape: stream::Shape, count: usize) -> anyhow::Result<()> {
        let from = self.state().generated;
        let sent_at = Timestamp::now();
        let events = stream::stream(shape, from, count);
        let messages: VecDeque<_> = events.into_iter().map(|event| canned::message(event, sent_at)).collect();
        let mut state = self.state();
        *state = State { waiting: messages, generated: from + count, counted: Counted::default() };
        drop(state);
        say(&())?;
        self.filled.notify_waiters();
        Ok(())
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        // Answers are one write each.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| self.answer(request));
        // A client that goes away is no concern of ours.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let target = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok());
        let operation = target.and_then(|name| name.rsplit('.').next()).unwrap_or("none").to_owned();
        let body = request.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
        self.count(&operation);
        let request = || serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let answer = match operation.as_str() {
            "ReceiveMessage" => self.receive(&request()).await,
            "DeleteMessageBatch" => {
                let (deleted, answer) = canned::settled(&request());
                self.state().counted.deleted += deleted;
                answer
            }
            "ChangeMessageVisibilityBatch" => canned::settled(&request()).1,
            "BatchGetItem" => canned::batch_get(&request()),
            "Query" => canned::query(&request()),
            // Writes; and what nobody expects, which the report names.
            _ => "{}".to_owned(),
        };
        Ok(Response::new(Full::new(Bytes::from(answer))))
    }

    async fn receive(&self, request: &Value) -> String {
        let number = |name: &str| request[name].as_u64().unwrap_or(0);
        let most = usize::try_from(number("MaxNumberOfMessages").clamp(1, 10)).unwrap_or(1);
        let until = Instant::now() + Duration::from_secs(number("WaitTimeSeconds"));
        loop {
            let filled = self.filled.notified();
            let messages = self.take(most);
            if !messages.is_empty() || tokio::time::timeout_at(until, filled).await.is_err() {
                return canned::received(&messages);
            }
        }
    }

    fn take(&self, most: usize) -> Vec<String> {
        let mut state = self.state();
        let there = state.waiting.len().min(most);
        state.waiting.drain(..there).collect()
    }

    fn count(&self, operation: &str) {
        let mut state = self.state();
        let Counted { calls, first_receive_ns, .. } = &mut state.counted;
        if operation == "ReceiveMessage" {
            first_receive_ns.get_or_insert_with(|| Timestamp::now().as_nanosecond());
        }
        count_one(calls, operation);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count_one(calls: &mut BTreeMap<String, u64>, operation: &str) {
    if let Some(count) = calls.get_mut(operation) {
        *count += 1;
    } else {
        calls.insert(operation.to_owned(), 1);
    }
}
