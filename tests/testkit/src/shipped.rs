//! The workers as they are shipped: release builds of their own, with the features that they have alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use drs_fleet::fleet::Fleet;

/// Builds one as it is shipped; quick where it is up to date.
///
/// # Errors
/// Where there is no cargo, or the worker does not compile.
pub fn build(name: &str) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--release", "--locked", "--quiet", "--package", name];
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null());
    ensure!(command.status().context("cargo cannot be run")?.success(), "{name} cannot be built");
    Ok(())
}

/// Where the release build of one lies: beside that of the benchmark that asks.
///
/// # Errors
/// Where the program that asks is no benchmark.
pub fn path(name: &str) -> anyhow::Result<PathBuf> {
    let bench = std::env::current_exe()?;
    let release = bench.ancestors().find(|path| path.ends_with("release"));
    Ok(Path::new(release.context("run this with cargo bench")?).join(name))
}

/// Runs one until whoever started it is gone, however that ends.
///
/// # Errors
/// As of [`path`].
pub fn command(name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(path(name)?);
    Ok(command)
}

/// What a worker of a hub is told: where everything is, and a session of its own role, which is an output of the hub's
/// template.
///
/// # Errors
/// Where the template has no such role.
pub fn environment(
    fleet: &Fleet,
    (name, role): (&str, &str),
    region: &str,
) -> anyhow::Result<[(&'static str, String); 10]> {
    let (settings, session) = (fleet.settings(), fleet.estate.session(role, name)?);
    let queues = &settings.workers[name];
    Ok([
        ("AWS_ENDPOINT_URL", fleet.endpoint().to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_ACCESS_KEY_ID", session.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", session.secret_access_key),
        ("AWS_SESSION_TOKEN", session.session_token.context("a role has a token")?),
        ("DRS_FLEET_TABLE", settings.table.clone()),
        ("DRS_FLEET_BUS_NAME", settings.bus.clone().unwrap_or_default()),
        ("DRS_FLEET_TOPIC_ARN", settings.topic_arn.clone().unwrap_or_default()),
        ("DRS_FLEET_QUEUE_URL", queues.queue_url.clone()),
        ("DRS_FLEET_DLQ_URL", queues.dlq_url.clone()),
    ])
}
