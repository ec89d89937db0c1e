//! The emulator that this project did not write, as a child process that ends with the tests.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use drs_fleet_aws::connect::Keys;
use serde_json::Value;

use super::target::{ACCOUNT, EXTERNAL_ID, REGION, ROLE};
use crate::support::python;

/// Where it listens, and who may do everything there.
pub(super) struct Ministack {
    pub(super) endpoint: String,
    pub(super) keys: Keys,
    // It serves until this is closed, which the end of the process does in any case.
    _lifeline: ChildStdin,
}

/// The one of this process, started by the first test that asks; `None` when it cannot be had.
pub(super) async fn shared() -> Option<&'static Ministack> {
    static SHARED: OnceLock<Result<Ministack, String>> = OnceLock::new();
    let started = tokio::task::spawn_blocking(|| SHARED.get_or_init(start)).await.unwrap();
    started.as_ref().inspect_err(|why| python::skipped("ministack", why)).ok()
}

fn start() -> Result<Ministack, String> {
    let python = python::environment("requirements-ministack.txt")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/ministack_serve.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([ACCOUNT, REGION, ROLE, EXTERNAL_ID])
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let lifeline = child.stdin.take().ok_or("no standard input")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    let ready = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("READY ").map(str::to_owned))
        .ok_or("it ended before it was ready")?;
    // What else it prints must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    let ready: Value = serde_json::from_str(&ready).map_err(|e| e.to_string())?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    Ok(Ministack {
        endpoint: format!("http://127.0.0.1:{}", ready["port"]),
        keys: Keys { access_key_id: text("id"), secret_access_key: text("secret"), session_token: None },
        _lifeline: lifeline,
    })
}
