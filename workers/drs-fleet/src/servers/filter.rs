//! Which servers a person wants to see.

use clap::builder::PossibleValuesParser;
use drs_fleet_domain::tags::is_tagged;

use super::read::{Server, TROUBLES};
use crate::text::among;

/// Conditions; a server must meet all that are given.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Filter {
    /// Only those whose name, id, host name, instance or IP address contains this
    text: Option<String>,
    /// Only in this replication state, such as STALLED; several with commas
    #[arg(long, value_delimiter = ',')]
    state: Vec<String>,
    /// Only those that are ok, have any incident, or have one of this kind; several with commas
    #[arg(long, value_delimiter = ',', value_parser = healths())]
    health: Vec<String>,
    /// Only those with this tag (KEY), or with this value of it (KEY=VALUE); may be given several times
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,
    /// Also those that are gone from AWS
    #[arg(long)]
    gone: bool,
}

fn healths() -> PossibleValuesParser {
    PossibleValuesParser::new(["ok", "incident"].into_iter().chain(TROUBLES.map(|(word, _)| word)))
}

impl Filter {
    /// Whether a server is wanted.
    pub(super) fn wants(&self, server: &Server) -> bool {
        (self.gone || server.row.gone_since.is_none())
            && among(&self.state, server.state())
            && (self.health.is_empty() || self.health.iter().any(|word| is_so(server, word)))
            && self.tags.iter().all(|tag| server.details.as_ref().is_some_and(|of| is_tagged(&of.tags, tag)))
            && self.text.as_ref().is_none_or(|text| contains(server, &text.to_lowercase()))
    }
}

fn is_so(server: &Server, health: &str) -> bool {
    let troubles = server.troubles();
    match health {
        "ok" => troubles.is_empty(),
        "incident" => !troubles.is_empty(),
        word => troubles.contains(&word),
    }
}

fn contains(server: &Server, text: &str) -> bool {
    let ips = server.details.iter().flat_map(|details| details.facts.ips.iter().map(String::as_str));
    [server.row.name(), server.row.id.as_str()]
        .into_iter()
        .chain(server.hostname())
        .chain(server.instance())
        .chain(ips)
        .any(|known| known.to_lowercase().contains(text))
}
