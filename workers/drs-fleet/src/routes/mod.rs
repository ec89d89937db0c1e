//! `routes`: who is told of which incidents, together with what else, and when.

mod file;
mod given;
mod set;
mod show;
mod test;
mod words;

#[cfg(test)]
mod tests;

use std::io::Write;

use crate::family::{self, Arguments, Asked, OneOf, Outcome, read_far_enough};
use crate::hub::Hub;
use crate::text::Ask;

/// What people call them.
const WHAT: &str = "routes";

const HELP: &str = "Examples:
  drs-fleet routes show                              where people are told, and by which routes
  drs-fleet routes check routes.yaml
  drs-fleet routes set routes.yaml
  drs-fleet routes test --incident erp-db-01         which routes an open incident takes, and why
  drs-fleet routes test events/drs-fleet/incident-opened/replication-stalled.json --routes routes.yaml

`drs-fleet routes set --help` shows routes with comments.";

/// Routes that explain themselves.
const EXAMPLE: &str = r#"Routes, in YAML or JSON; all of it may be left out, and what is not set is the default:

  # Where people and programs are told, besides mail and slack, which are the hub's. What is secret is only named here: its
  # value is kept in Secrets Manager. The notifier may read those that begin with drs-fleet/slack- and drs-fleet/notify-.
  channels:
    erp:        { type: slack, secret: drs-fleet/slack-bot, channel: C0123456789 }   # a bot: one thread per group
    managers:   { type: slack-webhook, secret: drs-fleet/slack-managers }        # an incoming webhook: no threads
    pager:      { type: webhook, secret: drs-fleet/notify-pager }                # HTTPS, signed with HMAC-SHA256
    bus:        { type: event-bridge }                                           # the hub's bus, for rules of others
    erp-mail:   { type: topic, arn: "arn:aws:sns:eu-central-1:111122223333:drs-fleet-erp" }   # only drs-fleet-* of the hub
  # Where people find more; each message links it.
  links:
    dashboard: https://dashboards.example.com/drs
    runbooks:
      REPLICATION_STALLED: https://wiki.example.com/drs/stalled
  # So many servers stalled in one Region are one event: their lag, in accounts that have such stalls, is not told besides.
  region_wide_stalls: 20
  # How is told what no route takes, and what routes do not set.
  default:
    channels: [mail, slack]
    group_by: [kind, region]        # what all that is told together has in common
    group_wait: 30s                 # the first of a group waits for others; CRITICAL does not
    group_interval: 5m              # a group is told of what is new in it at most so often
    repeat_interval: 4h             # a group that stays as it is, is told again so often
    escalate:                       # who else is told when nobody acknowledges in time
      - { after: 30m, channels: [pager] }
  # The first that matches wins, and of those below it the first that matches.
  routes:
    - name: audit
      match: { severity: CRITICAL }
      continue: true                # the routes after it are asked as well
      channels: [bus]
      escalate: []                  # not as above, or the pager would be told by each of its routes
    - name: erp
      # All of these must match; of several values any will do; * stands for any characters, ? for one. There are kind,
      # severity, account (id or name), account-tag:KEY, ou, region, application, plan, drill (drill or real), drill-tag
      # and subject.
      match: { application: "ERP*", account-tag:team: [blue, green], severity: ">=MEDIUM" }
      channels: [erp]
      group_by: [kind, account]
      routes:
        - name: production
          match: { ou: Production }
          escalate:
            - { after: 15m, channels: [pager] }
            - { after: 1h, channels: [managers] }
  # Who is told besides, of whatever they match.
  people:
    - name: anna
      match: { account: "Pay*", kind: ["REPLICATION_*", JOB_FAILED] }
      channels: [erp-mail]
      quiet: { from: "22:00", to: "07:00", zone: Europe/Berlin, except: CRITICAL }
    - name: head-of-it
      match: { severity: ">=HIGH" }
      channels: [managers]
      digest: { at: "08:00", zone: Europe/Berlin, days: monday }   # or daily

The notifier takes it up within a minute. Groups that were told already go on as they were routed then, and whoever is new
is told of what is open once something happens to it: `drs-fleet incidents list` shows what is."#;

/// What `routes` can do.
#[derive(clap::Subcommand)]
#[command(after_help = HELP)]
pub(crate) enum Command {
    /// Show channels and routes, and how each tells
    Show(show::Arguments),
    /// Say what is wrong with routes in a file; the hub is not needed
    Check(file::Arguments),
    /// Store the routes of a file, after showing what changes
    Set(set::Arguments),
    /// Say which routes, groups and channels an incident takes, and why
    Test(test::Arguments),
}

/// Does what the command line says. A file can be checked where no hub can be reached.
pub(crate) async fn routes(arguments: Arguments<OneOf<Command>>) -> anyhow::Result<Outcome> {
    match &arguments.asked.command {
        Command::Check(check) => {
            read_far_enough(file::check(check, &mut std::io::stdout()).map(Outcome::from))
        }
        Command::Show(_) | Command::Set(_) | Command::Test(_) => family::run(arguments).await,
    }
}

impl Asked for OneOf<Command> {
    async fn perform(self, hub: &Hub, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<Outcome> {
        let done = match self.command {
            Command::Check(arguments) => file::check(&arguments, out),
            Command::Show(arguments) => show::show(hub, &arguments, out).await,
            Command::Set(arguments) => set::set(hub, &arguments, out, ask).await,
            Command::Test(arguments) => test::test(hub, &arguments, out).await,
        };
        done.map(Outcome::from)
    }
}
