//! What the endpoint holds: its queue, what it has counted, how it answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::control::{Behavior, Counted};
use super::events::Dice;
use super::{canned, units};

#[derive(Default)]
pub struct State {
    waiting: VecDeque<String>,
    generated: usize,
    connections: usize,
    behavior: Behavior,
    dice: Dice,
    counted: Counted,
    /// When events of these servers came into the queue whose writes are waited for.
    unwritten: HashMap<String, Instant>,
}

impl State {
    pub fn behave(&mut self, behavior: Behavior) {
        self.behavior = behavior;
        self.dice = Dice::default();
    }

    pub fn call_time(&self) -> Duration {
        Duration::from_millis(self.behavior.call_ms)
    }

    /// How many events there were before these.
    pub fn next(&mut self, count: usize) -> usize {
        let from = self.generated;
        self.generated += count;
        from
    }

    pub fn count_anew(&mut self) {
        self.counted = Counted { connections: self.connections, ..Counted::default() };
    }

    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    pub fn put(&mut self, messages: impl IntoIterator<Item = String>) {
        self.waiting.extend(messages);
    }

    pub fn take(&mut self, most: usize) -> Vec<String> {
        let there = self.waiting.len().min(most);
        self.waiting.drain(..there).collect()
    }

    pub fn opened(&mut self) {
        self.connections += 1;
        self.counted.connections = self.counted.connections.max(self.connections);
    }

    pub fn closed(&mut self) {
        self.connections -= 1;
    }

    /// A batch counts as the writes that are in it.
    pub fn called(&mut self, operation: &str, request: &Value) {
        let Counted { calls, first_receive_ns, .. } = &mut self.counted;
        if operation == "ReceiveMessage" {
            first_receive_ns.get_or_insert_with(|| Timestamp::now().as_nanosecond());
        }
        if operation == "BatchExecuteStatement" {
            for _ in canned::puts(request) {
                count_one(calls, "PutItem");
            }
        } else {
            count_one(calls, operation);
        }
    }

    /// Answers all but receives.
    pub fn answer(&mut self, operation: &str, request: &Value) -> (StatusCode, String) {
        let answer = match operation {
            "PutItem" | "UpdateItem" => {
                let is_taken = self.takes(request);
                let status = if is_taken { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                return (status, if is_taken { "{}".to_owned() } else { canned::throttled() });
            }
            "BatchExecuteStatement" => {
                let taken: Vec<_> = canned::puts(request).iter().map(|put| self.takes(put)).collect();
                canned::executed(&taken)
            }
            "DeleteMessageBatch" => {
                let (deleted, answer) = canned::settled(request);
                self.counted.deleted += deleted;
                answer
            }
            "ChangeMessageVisibilityBatch" => canned::settled(request).1,
            "BatchGetItem" => {
                let answer = canned::batch_get(request);
                self.counted.read_units += units::of_batch_get(request, &answer);
                answer.to_string()
            }
            "Query" => {
                let answer = canned::query(request);
                self.counted.read_units += units::of_query(request, &answer);
                answer.to_string()
            }
            "PutEvents" => canned::published(request),
            // What nobody expects, and the report names.
            _ => "{}".to_owned(),
        };
        (StatusCode::OK, answer)
    }

    /// Whether the table takes a write, or is asked for too much.
    fn takes(&mut self, request: &Value) -> bool {
        let takes = self.dice.below(100) >= self.behavior.throttled_percent;
        if takes {
            self.counted.write_units += units::of_write(request);
        }
        takes
    }

    /// An event of this server comes into the queue.
    pub fn await_write(&mut self, server: String) {
        self.unwritten.insert(server, Instant::now());
    }

    /// A call is over: if it wrote what was waited for, notes how long that took.
    pub fn answered(&mut self, request: &Value) {
        if self.unwritten.is_empty() {
            return;
        }
        if request["Statements"].is_array() {
            for put in canned::puts(request) {
                self.written(&put["Item"]);
            }
        } else {
            self.written(if request["Key"].is_object() { &request["Key"] } else { &request["Item"] });
        }
    }

    fn written(&mut self, key: &Value) {
        // One consumer's keys end with the id, the other's with the ARN, which ends with it too.
        let server = key["sk"]["S"].as_str().and_then(|sk| sk.rsplit(['#', '/']).next()).unwrap_or_default();
        if let Some(since) = self.unwritten.remove(server) {
            self.counted.written_ms.push(since.elapsed().as_secs_f64() * 1000.0);
        }
    }
}

fn count_one(calls: &mut BTreeMap<String, u64>, operation: &str) {
    if let Some(count) = calls.get_mut(operation) {
        *count += 1;
    } else {
        calls.insert(operation.to_owned(), 1);
    }
}
