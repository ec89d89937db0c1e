//! Logs: JSON for machines, readable lines on a terminal.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Variables that set the level, the first that is set wins; `RUST_LOG` is what Rust programs listen to.
const LEVELS: [&str; 2] = ["DRS_FLEET_LOG", "RUST_LOG"];

/// Starts logging to standard output, at `info` unless `DRS_FLEET_LOG` or `RUST_LOG` says otherwise (a level, or
/// directives such as `info,drs_fleet_aws=debug`).
///
/// # Errors
/// When logging was started before.
pub fn init() -> Result<(), TryInitError> {
    let setting = setting(|name| std::env::var(name).ok());
    let (filter, problem) = filter(&setting);
    let logs = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    let started = if std::io::stdout().is_terminal() {
        logs.with_target(false).finish().with(filter).try_init()
    } else {
        let logs = logs.json().flatten_event(true).with_current_span(true).with_span_list(false);
        logs.finish().with(filter).try_init()
    };
    if let Some(problem) = problem {
        tracing::warn!(setting, %problem, "the log level cannot be read; logging at info");
    }
    started
}

fn setting(lookup: impl Fn(&str) -> Option<String>) -> String {
    let given = LEVELS.iter().filter_map(|name| lookup(name)).find(|value| !value.trim().is_empty());
    given.unwrap_or_else(|| "info".to_owned())
}

/// By target alone: `EnvFilter`, which also looks at spans and their fields, brings a compiler of regular expressions
/// into every worker.
fn filter(setting: &str) -> (Targets, Option<String>) {
    match setting.parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(LevelFilter::INFO), Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_variable_comes_first_and_info_last() {
        let both = |name: &str| Some(if name == "RUST_LOG" { "warn" } else { "debug" }.to_owned());
        assert_eq!(setting(both), "debug");
        assert_eq!(setting(|name| (name == "RUST_LOG").then(|| "warn".to_owned())), "warn");
        assert_eq!(setting(|_| Some(" ".to_owned())), "info");
    }

    #[test]
    fn a_level_that_cannot_be_read_does_not_stop_the_worker() {
        let (filter, problem) = filter("drs_fleet_aws=loud");
        assert_eq!(filter.to_string(), "info");
        assert!(problem.is_some());
    }
}
