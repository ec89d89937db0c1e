//! The emulator that this project did not write, as a child process that ends with the tests.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use drs_fleet_aws::connect::Keys;
use serde_json::Value;

use super::target::{ACCOUNT, EXTERNAL_ID, REGION, ROLE};
use crate::support::python;

/// It takes a second; who waits for ever for one that hangs says nothing of the reason.
const READY_WITHIN: Duration = Duration::from_mins(2);

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
    let complaints =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ministack-{}.log", std::process::id()));
    let mut child = Command::new(python)
        .args([Path::new("-B"), &script])
        .args([ACCOUNT, REGION, ROLE, EXTERNAL_ID])
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&complaints).map_err(|e| e.to_string())?)
        .spawn()
        .map_err(|e| e.to_string())?;
    let lifeline = child.stdin.take().ok_or("no standard input")?;
    let Some(ready) = ready(child.stdout.take().ok_or("no standard output")?) else {
        let _ = child.kill();
        let said = fs::read_to_string(&complaints).unwrap_or_default();
        return Err(format!("it ended, or was not ready within {} s: {said}", READY_WITHIN.as_secs()));
    };
    let ready: Value = serde_json::from_str(&ready).map_err(|e| e.to_string())?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    Ok(Ministack {
        endpoint: format!("http://127.0.0.1:{}", ready["port"]),
        keys: Keys { access_key_id: text("id"), secret_access_key: text("secret"), session_token: None },
        _lifeline: lifeline,
    })
}

/// What it says once it is ready; `None` if it ended, or has not said so in time.
fn ready(output: ChildStdout) -> Option<String> {
    let (tell, told) = mpsc::channel();
    // Reads on to the end: what else is printed must not fill the pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(ready) = line.strip_prefix("READY ") {
                let _ = tell.send(ready.to_owned());
            }
        }
    });
    told.recv_timeout(READY_WITHIN).ok()
}
