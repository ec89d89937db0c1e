//! Virtual environments for the programs that this project did not write, below `target/`.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use wait_timeout::ChildExt;

/// Packages are there in seconds; a registry that does not answer must end the tests, not keep them.
const INSTALLED_WITHIN: Duration = Duration::from_mins(5);

/// Python of an environment with the packages of a requirements file, made once and kept.
///
/// # Errors
/// What is missing: Python, its `venv`, or the network.
pub(crate) fn environment(requirements: &str) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join(requirements);
    let pinned = fs::read_to_string(&wanted).map_err(|e| format!("{requirements}: {e}"))?;
    let home = root.join(requirements.trim_end_matches(".txt"));
    let (ready, python) = (home.join("ready"), home.join("bin/python"));
    // Held until this function ends: other tests and other test processes wait here.
    let lock = File::create(root.join(format!("{requirements}.lock"))).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    if fs::read_to_string(&ready).is_ok_and(|made_from| made_from == pinned) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(quiet).arg(&wanted))?;
    fs::write(&ready, pinned).map_err(|e| e.to_string())?;
    Ok(python)
}

/// What a script beside the tests prints; `input` comes to it as JSON.
///
/// # Errors
/// What it complains of, when it ends with a failure.
pub(crate) fn run_script(
    python: &Path,
    script: &str,
    arguments: &[&str],
    input: &Value,
) -> Result<String, String> {
    let mut command = Command::new(python);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    // Scripts import one another, and must leave no compiled ones behind.
    let command = command.arg("-B").arg(script).args(arguments).env("NO_PROXY", "127.0.0.1");
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().map_err(|e| e.to_string())?;
    let given = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.to_string().as_bytes()));
    let done = child.wait_with_output().map_err(|e| e.to_string())?;
    let (said, complaints) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    given.map_err(|e| format!("{e}: {complaints}"))?;
    if done.status.success() { Ok(said.into_owned()) } else { Err(complaints.into_owned()) }
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let told = |why: String| format!("{shown}: {why}");
    let mut said = tempfile::tempfile().map_err(|e| e.to_string())?;
    let stderr = said.try_clone().map_err(|e| e.to_string())?;
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let mut child = quiet.spawn().map_err(|e| told(e.to_string()))?;
    let why = match child.wait_timeout(INSTALLED_WITHIN).map_err(|e| told(e.to_string()))? {
        Some(status) if status.success() => return Ok(()),
        Some(status) => status.to_string(),
        None => {
            let _ = child.kill();
            format!("not done within {} s", INSTALLED_WITHIN.as_secs())
        }
    };
    let mut complaints = String::new();
    said.rewind().and_then(|()| said.read_to_string(&mut complaints)).map_err(|e| e.to_string())?;
    Err(told(format!("{why}: {}", complaints.trim())))
}

/// Says loudly that a test did not run; in continuous integration that is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test must not look like one that passed")]
pub(crate) fn skipped(what: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot run: {why}");
    eprintln!("SKIPPED {what}: {why}");
}
