//! `notify test`: a sample, as each channel would show it.

use std::io::Write;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use drs_fleet_domain::incident::{IncidentKind, Severity};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::message::{self, Email, Links};
use drs_fleet_domain::notify::Bulletin;
use jiff::Timestamp;

const SEVERITIES: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// What `notify test` takes.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  drs-fleet notify test --render email --kind JOB_FAILED
  drs-fleet notify test --render slack --severity CRITICAL --grouped 47

What --render slack prints can be pasted into Slack's Block Kit Builder: the content of attachments[0].")]
pub(crate) struct Arguments {
    /// Print the sample as this channel would send it
    #[arg(long)]
    render: Form,
    /// What is wrong in the sample
    #[arg(long, default_value = "REPLICATION_STALLED", ignore_case = true,
        value_parser = PossibleValuesParser::new(IncidentKind::ALL.map(IncidentKind::as_str)))]
    kind: String,
    /// How bad it is
    #[arg(long, default_value = "HIGH", ignore_case = true, value_parser = ["LOW", "MEDIUM", "HIGH", "CRITICAL"])]
    severity: String,
    /// How many incidents are told together, 1 to 100000
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    grouped: u32,
}

/// The form of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Block Kit JSON
    Slack,
    /// Subject, attributes and plain text
    Email,
    /// The body of a webhook, and the detail of the event on the bus
    Json,
}

/// Prints a sample.
pub(super) fn test(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let kind = IncidentKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(&arguments.kind));
    let kind = kind.with_context(|| format!("there is no kind {:?}", arguments.kind))?;
    let named = |severity: &Severity| severity.to_string().eq_ignore_ascii_case(&arguments.severity);
    let severity = SEVERITIES.into_iter().find(named);
    let severity = severity.with_context(|| format!("there is no severity {:?}", arguments.severity))?;
    let place = Place { account: "111122223333".parse()?, region: "eu-central-1".parse()? };
    let sample = message::sample(kind, severity, arguments.grouped, &place, Timestamp::now());
    writeln!(out, "{}", rendered(arguments.render, &sample.into()))?;
    Ok(())
}

fn rendered(form: Form, told: &Bulletin) -> String {
    let links = Links::default();
    match form {
        Form::Slack => format!("{:#}", message::slack(told, &links)),
        Form::Email => {
            let Email { subject, body, attributes } = message::email(told, &links);
            let attributes: Vec<_> =
                attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("Subject: {subject}\nAttributes: {}\n\n{}", attributes.join(", "), body.trim_end())
        }
        Form::Json => format!("{:#}", message::webhook(told)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(render: Form, grouped: u32) -> String {
        let (kind, severity) = ("job_failed".to_owned(), "low".to_owned());
        let mut out = Vec::new();
        test(&Arguments { render, kind, severity, grouped }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_form_says_first_that_it_is_a_sample_and_how_many_there_are() {
        let marked = "Test: nothing is wrong - ";
        for (form, count) in
            [(Form::Slack, "and 37 more"), (Form::Email, "and 27 more"), (Form::Json, "\"more\": 27")]
        {
            for (grouped, is_many) in [(1, false), (47, true)] {
                let text = printed(form, grouped);
                assert!(text.contains(marked) && text.contains(count) == is_many, "{text}");
            }
        }
        assert!(
            printed(Form::Email, 1)
                .starts_with("Subject: Test: nothing is wrong - [LOW] Failures in job: sample job 1")
        );
    }
}
