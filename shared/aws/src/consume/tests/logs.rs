use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn saying(&self, message: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn logs_name_account_region_subject_and_event_of_what_is_handled_and_told() {
    // With one subscriber alone, another test's thread, which has none, may be the first to ask whether a line is
    // wanted, and its "no" is kept.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Lines::default();
    let out = lines.clone();
    let logs = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    let logs = logs.with_max_level(tracing::Level::DEBUG).with_writer(move || out.clone()).finish();
    let _logging = tracing::subscriber::set_default(logs);
    let (io, worker) = (MemoryIo::default(), Tallier::telling(3));
    put_all(&io, &["a/1", "b/2"]);
    consume_all(&io, &worker).await;
    let handled = lines.saying("a message is handled");
    assert_eq!(handled.len(), 2);
    assert_eq!(handled[0]["subject"], "a");
    let told = lines.saying("told");
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0]["level"], &told[0]["about"]), (&"INFO".into(), &"a/1".into()));
    assert_eq!(told[0]["span"]["event_id"], "e-1", "which event it is told because of");
    for line in handled.iter().chain(&told) {
        assert_eq!((&line["account"], &line["region"]), (&"111122223333".into(), &"eu-central-1".into()));
        assert!(line["event_id"].is_string());
    }
}
