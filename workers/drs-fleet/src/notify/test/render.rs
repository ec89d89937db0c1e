//! The sample in the form of a channel.

use drs_fleet_domain::message::{self, Email, Links};
use drs_fleet_domain::notify::Bulletin;

/// The form of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Block Kit JSON
    Slack,
    /// Subject, attributes and plain text
    Email,
    /// The body of a webhook, and the detail of the event on the bus
    Json,
}

/// What that channel would send.
pub(super) fn rendered(form: Form, told: &Bulletin) -> String {
    let links = Links::default();
    match form {
        Form::Slack => format!("{:#}", message::slack(told, &links)),
        Form::Email => {
            let Email { subject, body, attributes } = message::email(told, &links);
            let attributes: Vec<_> = attributes
                .into_iter()
                .map(|(name, all)| format!("{name}={}", Vec::from_iter(all).join(",")))
                .collect();
            format!("Subject: {subject}\nAttributes: {}\n\n{}", attributes.join(", "), body.trim_end())
        }
        Form::Json => format!("{:#}", message::webhook(told, &links)),
    }
}
