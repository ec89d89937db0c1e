//! Virtual environments for the programs that this project did not write, below `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

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

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if done.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", said.trim())) }
}

/// Says loudly that a test did not run; in continuous integration that is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test must not look like one that passed")]
pub(crate) fn skipped(what: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot run: {why}");
    eprintln!("SKIPPED {what}: {why}");
}
