//! What a process is told by its environment: read once, and everything that is missing or bad reported
//! together, with what to set.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What all workers of a process share, and what each has of its own. Plain data: `local` and tests make it
/// in code.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    /// The table.
    pub table: String,
    /// Name or ARN of the hub's bus.
    pub bus: Option<String>,
    /// The alerts topic, for the notifier.
    pub topic_arn: Option<String>,
    /// Name of the secret that holds the Slack webhook URL; none: nothing is sent to Slack.
    pub slack_secret: Option<String>,
    /// Name of the secret with which the hub's Slack app signs clicks; none: nobody can click.
    pub slack_signing_secret: Option<String>,
    /// Another address of Slack's API than its own; for tests and the local cloud, which set it in code.
    pub slack_api: Option<String>,
    /// Where `/health` is served; none: nowhere.
    pub health: Option<SocketAddr>,
    /// By worker name.
    pub workers: BTreeMap<String, WorkerSettings>,
}

/// The queues of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Where it takes messages from.
    pub queue_url: String,
    /// Where it puts what it cannot read.
    pub dlq_url: String,
}

/// What an [`crate::sdk::SdkIo`] needs to know: the settings as one worker sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoSettings {
    /// The worker, or `cli`; appears in role session names.
    pub worker: String,
    /// The table.
    pub table: String,
    /// The worker's queues; none for the CLI.
    pub queues: Option<WorkerSettings>,
    /// Name or ARN of the hub's bus.
    pub bus: Option<String>,
    /// The alerts topic.
    pub topic_arn: Option<String>,
    /// Name of the secret that holds the Slack webhook URL.
    pub slack_secret: Option<String>,
    /// Name of the secret with which the hub's Slack app signs clicks.
    pub slack_signing_secret: Option<String>,
    /// Another address of Slack's API than its own.
    pub slack_api: Option<String>,
}

/// A variable that is missing or cannot be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVariable {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: &'static str,
    /// What it could look like.
    pub example: &'static str,
    /// What is wrong with the value; `None` when there is none.
    pub problem: Option<&'static str>,
}

/// All variables that keep a process from starting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadSettings(pub Vec<BadVariable>);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} setting(s) are missing or wrong; set these environment variables:", self.0.len())?;
        for bad in &self.0 {
            // Values are not shown: a person may have pasted a secret where its name belongs.
            let problem = bad.problem.unwrap_or("is not set");
            write!(f, "\n  {}: {problem}\n      {}, such as {}", bad.name, bad.purpose, bad.example)?;
        }
        Ok(())
    }
}

/// The variable that names the bus, and what it is for.
const BUS: (&str, &str) = ("DRS_FLEET_BUS_NAME", "name or ARN of the hub's event bus");

/// What `infra/hub.yaml` calls the bus.
pub const HUB_BUS: &str = "drs-fleet";

impl Settings {
    /// Reads the process's environment for the given workers (none: the CLI).
    ///
    /// # Errors
    /// [`BadSettings`] with every variable that is missing or bad.
    pub fn from_env(workers: &[&str]) -> Result<Self, BadSettings> {
        Self::from_lookup(workers, |name| std::env::var(name).ok())
    }

    /// Reads settings from any source of variables. With one worker its queues are `DRS_FLEET_QUEUE_URL` and
    /// `DRS_FLEET_DLQ_URL`; with several, each has its own (`DRS_FLEET_JOB_MONITOR_QUEUE_URL`).
    ///
    /// # Errors
    /// [`BadSettings`] with every variable that is missing or bad.
    pub fn from_lookup(
        workers: &[&str],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, BadSettings> {
        let mut read = Reader { lookup, bad: Vec::new() };
        let settings = Self {
            table: read.required("DRS_FLEET_TABLE", "name of the DynamoDB table", "drs-fleet", is_name),
            bus: if workers.is_empty() {
                read.optional(BUS.0, BUS.1, HUB_BUS, is_name)
            } else {
                Some(read.required(BUS.0, BUS.1, HUB_BUS, is_name))
            },
            topic_arn: workers.contains(&"notifier").then(|| {
                let example = "arn:aws:sns:eu-central-1:111122223333:drs-fleet-alerts";
                read.required("DRS_FLEET_TOPIC_ARN", "ARN of the SNS topic for alerts", example, is_topic)
            }),
            slack_secret: read.optional(
                "DRS_FLEET_SLACK_SECRET",
                "name of the secret that holds the Slack webhook URL (not the URL itself)",
                "drs-fleet/slack-webhook",
                is_secret_name,
            ),
            slack_signing_secret: read.optional(
                "DRS_FLEET_SLACK_SIGNING_SECRET",
                "name of the secret that holds the signing secret of the Slack app (not the secret itself)",
                "drs-fleet/slack-signing",
                is_secret_name,
            ),
            slack_api: None,
            health: read.health(),
            workers: workers
                .iter()
                .map(|name| ((*name).to_owned(), read.queues(name, workers.len() > 1)))
                .collect(),
        };
        if read.bad.is_empty() { Ok(settings) } else { Err(BadSettings(read.bad)) }
    }

    /// The settings as `worker` sees them.
    pub fn io(&self, worker: &str) -> IoSettings {
        IoSettings {
            worker: worker.to_owned(),
            table: self.table.clone(),
            queues: self.workers.get(worker).cloned(),
            bus: self.bus.clone(),
            topic_arn: self.topic_arn.clone(),
            slack_secret: self.slack_secret.clone(),
            slack_signing_secret: self.slack_signing_secret.clone(),
            slack_api: self.slack_api.clone(),
        }
    }
}

/// Answers what is wrong with a value.
type Check = fn(&str) -> Option<&'static str>;

struct Reader<L> {
    lookup: L,
    bad: Vec<BadVariable>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn optional(
        &mut self,
        name: &str,
        purpose: &'static str,
        example: &'static str,
        check: Check,
    ) -> Option<String> {
        let value = (self.lookup)(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())?;
        if let Some(problem) = check(&value) {
            self.bad.push(BadVariable { name: name.into(), purpose, example, problem: Some(problem) });
        }
        Some(value)
    }

    fn required(&mut self, name: &str, purpose: &'static str, example: &'static str, check: Check) -> String {
        self.optional(name, purpose, example, check).unwrap_or_else(|| {
            self.bad.push(BadVariable { name: name.into(), purpose, example, problem: None });
            String::new()
        })
    }

    fn queues(&mut self, worker: &str, several: bool) -> WorkerSettings {
        let infix =
            if several { format!("{}_", worker.to_uppercase().replace('-', "_")) } else { String::new() };
        let example = "https://sqs.eu-central-1.amazonaws.com/111122223333/drs-fleet-jobs";
        let mut url =
            |what, purpose| self.required(&format!("DRS_FLEET_{infix}{what}_URL"), purpose, example, is_url);
        WorkerSettings {
            queue_url: url("QUEUE", "URL of the queue that the worker takes messages from"),
            dlq_url: url("DLQ", "URL of the dead-letter queue for what the worker cannot read"),
        }
    }

    /// A port means loopback only; an address and a port are taken as they are.
    fn health(&mut self) -> Option<SocketAddr> {
        let value = self.optional(
            "DRS_FLEET_HEALTH_PORT",
            "port of the health endpoint on 127.0.0.1, or address and port",
            "0.0.0.0:8080",
            |value| health_address(value).is_none().then_some("is neither a port nor an address and port"),
        )?;
        health_address(&value)
    }
}

fn health_address(value: &str) -> Option<SocketAddr> {
    match value.parse::<u16>() {
        Ok(port) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        Err(_) => value.parse().ok(),
    }
}

fn is_name(value: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    (!value.chars().all(allowed)).then_some("holds characters that no AWS name has")
}

fn is_topic(value: &str) -> Option<&'static str> {
    let right = value.starts_with("arn:aws") && value.contains(":sns:");
    (!right).then_some("is not the ARN of an SNS topic")
}

fn is_url(value: &str) -> Option<&'static str> {
    let right = value.starts_with("https://") || value.starts_with("http://");
    (!right).then_some("is not a URL")
}

fn is_secret_name(value: &str) -> Option<&'static str> {
    value.contains("://").then_some("is a URL, but must be the name of a secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    const JOBS: [(&str, &str); 4] = [
        ("DRS_FLEET_TABLE", "drs-fleet"),
        ("DRS_FLEET_BUS_NAME", "drs-fleet"),
        ("DRS_FLEET_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/111122223333/jobs"),
        ("DRS_FLEET_DLQ_URL", "https://sqs.eu-central-1.amazonaws.com/111122223333/jobs-dlq"),
    ];

    #[test]
    fn one_worker_needs_its_queues_the_table_and_the_bus() {
        let settings = Settings::from_lookup(&["job-monitor"], lookup(&JOBS)).unwrap();
        let io = settings.io("job-monitor");
        assert_eq!(io.queues.unwrap().dlq_url, JOBS[3].1);
        assert_eq!(
            (io.table.as_str(), io.bus.as_deref(), io.topic_arn),
            ("drs-fleet", Some("drs-fleet"), None)
        );
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once_with_an_example() {
        let bad = Settings::from_lookup(&["notifier"], |_| None).unwrap_err();
        let names: Vec<_> = bad.0.iter().map(|b| b.name.as_str()).collect();
        let expected = ["TABLE", "BUS_NAME", "TOPIC_ARN", "QUEUE_URL", "DLQ_URL"];
        assert_eq!(names, expected.map(|n| format!("DRS_FLEET_{n}")));
        let text = bad.to_string();
        assert!(text.starts_with("5 setting(s)"), "{text}");
        assert!(
            text.contains("DRS_FLEET_TABLE: is not set\n      name of the DynamoDB table, such as drs-fleet")
        );
    }

    #[test]
    fn several_workers_have_queues_of_their_own() {
        let bad = Settings::from_lookup(&["capacity-tracker", "tag-sync"], lookup(&JOBS)).unwrap_err();
        let names: Vec<_> = bad.0.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names[0], "DRS_FLEET_CAPACITY_TRACKER_QUEUE_URL");
        assert_eq!(names[3], "DRS_FLEET_TAG_SYNC_DLQ_URL");
    }

    #[test]
    fn the_cli_needs_the_table_only() {
        let settings = Settings::from_lookup(&[], lookup(&JOBS[..1])).unwrap();
        assert_eq!((settings.bus, settings.workers.len()), (None, 0));
    }

    #[test]
    fn a_webhook_url_where_a_secrets_name_belongs_is_refused_and_not_repeated() {
        let mut set = JOBS.to_vec();
        set.push(("DRS_FLEET_SLACK_SECRET", "https://hooks.slack.com/services/T0/B0/verysecret"));
        set.push(("DRS_FLEET_HEALTH_PORT", "http"));
        let text = Settings::from_lookup(&["job-monitor"], lookup(&set)).unwrap_err().to_string();
        assert!(text.starts_with("2 setting(s)") && text.contains("must be the name of a secret"), "{text}");
        assert!(!text.contains("verysecret"));
    }

    #[test]
    fn a_bare_health_port_is_loopback() {
        assert_eq!(health_address("8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(health_address("0.0.0.0:8080").unwrap().to_string(), "0.0.0.0:8080");
        assert_eq!(health_address("70000"), None);
    }

    #[test]
    fn blank_values_count_as_missing() {
        let mut set = JOBS.to_vec();
        set[0].1 = "  ";
        let bad = Settings::from_lookup(&["job-monitor"], lookup(&set)).unwrap_err();
        assert_eq!((bad.0.len(), bad.0[0].problem), (1, None));
    }
}
