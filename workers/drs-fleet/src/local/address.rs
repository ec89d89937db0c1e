//! Where the local cloud that was started last can be reached, for other commands of the same user.

use std::path::PathBuf;

fn file() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_default();
    std::env::temp_dir().join(format!("drs-fleet-local-{user}.address"))
}

/// Notes the address. Without the note, other commands ask for it, so a failure is only told.
pub(crate) fn note(address: &str) {
    if let Err(error) = std::fs::write(file(), address) {
        tracing::warn!(%error, "the address could not be noted; give it to `events send` with --to");
    }
}

/// The address that was noted last.
pub(crate) fn last() -> Option<String> {
    std::fs::read_to_string(file()).ok().map(|address| address.trim().to_owned())
}

/// Removes the note, if it is still this one.
pub(crate) fn forget(address: &str) {
    if last().as_deref() == Some(address) {
        // It may have been removed by hand.
        let _ = std::fs::remove_file(file());
    }
}

/// A client for loopback, which no proxy of the environment may come between.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}
