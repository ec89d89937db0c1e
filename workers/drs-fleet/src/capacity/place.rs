//! `capacity place`.

use std::collections::BTreeMap;
use std::io::Write;

use drs_fleet_domain::fleet::PlaceView;
use drs_fleet_domain::ids::Region;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::placement::{self, Candidate, Plan, Refused, Take, UpTo, Wanted};
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::quota::Quota;
use drs_fleet_domain::{fleet, server::ServerRow};
use jiff::Timestamp;
use serde::Serialize;

use super::read;
use crate::family::Outcome;
use crate::hub::Hub;
use crate::places::{self, Found, Where};
use crate::text::{counted, plain, second, table};

/// What `capacity place` takes.
#[derive(clap::Args)]
#[command(
    after_help = "Accounts of which it is not known how full they are take nothing, and are named. Nothing is \
changed.\nEnds with 0 when the accounts that exist take all, with 2 when new ones are needed.\n\nExamples:
  drs-fleet capacity place --servers 120 --region us-east-1
  drs-fleet capacity place --servers 40 --region us-east-1 --application Ledger --up-to limit --json"
)]
pub(crate) struct Arguments {
    /// How many servers are to be placed
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    servers: u32,
    /// The Region that they replicate into
    #[arg(long)]
    region: Region,
    /// They belong to this application, which is kept together: the value of the tag that the policy names
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
    /// How far accounts are filled
    #[arg(long, value_enum, default_value_t = Ceiling::Target)]
    up_to: Ceiling,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Ceiling {
    /// The threshold of INFO
    Target,
    /// The quota
    Limit,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) read_at: Timestamp,
    pub(super) region: Region,
    pub(super) servers: u32,
    pub(super) application: Option<String>,
    pub(super) up_to: UpTo,
    #[serde(flatten)]
    pub(super) plan: Plan,
    /// How many servers the accounts that exist could take.
    pub(super) room: u64,
    /// How many servers each new account takes at most.
    pub(super) new_account_takes: u32,
    /// Accounts that were not considered.
    pub(super) not_chosen: Vec<Refused>,
    /// Whether no new account is needed when accounts are filled up to their quotas.
    pub(super) fits_up_to_limit: bool,
}

/// Says which accounts take new servers.
pub(super) async fn place(hub: &Hub, arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let mut seen = read::fleet(hub, &Where::region(&arguments.region)).await?;
    let views = std::mem::take(&mut seen.view.places);
    let Found { found: known, unread } = with_application(hub, views, &seen.policy, arguments).await;
    seen.unread.extend(unread);
    let answer = answer(arguments, &known, &seen.policy, seen.read_at);
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
    } else {
        write!(out, "{}", print(&answer, &seen.policy))?;
        writeln!(out, "\nTable {}, read at {}.", hub.table, second(seen.read_at))?;
    }
    places::complain(&seen.unread)?;
    let enough = answer.plan.new_accounts.is_empty() && answer.plan.unplaced == 0;
    Ok(if enough { Outcome::Fine } else { Outcome::Wanting })
}

/// Each place with how many servers of the application replicate there.
async fn with_application(
    hub: &Hub,
    views: Vec<PlaceView>,
    policy: &Policy,
    arguments: &Arguments,
) -> Found<(PlaceView, u32)> {
    let by_place: BTreeMap<_, _> = views.into_iter().map(|view| (view.place.clone(), view)).collect();
    places::each(by_place.keys().cloned().collect(), async |place: Place| {
        let view = by_place[&place].clone();
        let Some(application) = &arguments.application else { return Ok((view, 0)) };
        let servers: Vec<ServerRow> = hub.rows(&keys::servers(&place)).await?;
        let of_it = servers.iter().filter(|server| is_of(server, policy.application_tag(), application));
        Ok((view, u32::try_from(of_it.count()).unwrap_or(u32::MAX)))
    })
    .await
}

fn is_of(server: &ServerRow, tag: &str, application: &str) -> bool {
    let marks = server.inventory.as_ref().map(|inventory| &inventory.marks);
    server.is_replicating_here() && marks.and_then(|marks| marks.get(tag)).is_some_and(|v| v == application)
}

fn answer(arguments: &Arguments, known: &[(PlaceView, u32)], policy: &Policy, read_at: Timestamp) -> Answer {
    let new_account_takes = fleet::target(&policy.of_new_account(), Quota::Replicating.documented());
    let wanted = Wanted {
        servers: arguments.servers,
        together: arguments.application.is_some(),
        new_account: new_account_takes,
    };
    let plan = |up_to| {
        let mut refused = Vec::new();
        let candidate = |(view, of_application): &(PlaceView, u32)| {
            Candidate::of(view, up_to, *of_application).map_err(|not| refused.push(not)).ok()
        };
        let candidates: Vec<_> = known.iter().filter_map(candidate).collect();
        refused.sort_by(|a, b| a.account.cmp(&b.account));
        let room = candidates.iter().map(|each| u64::from(each.room)).sum();
        (placement::place(&wanted, &candidates), refused, room)
    };
    let up_to = match arguments.up_to {
        Ceiling::Target => UpTo::Target,
        Ceiling::Limit => UpTo::Limit,
    };
    let (chosen, not_chosen, room) = plan(up_to);
    let at_limit = plan(UpTo::Limit).0;
    Answer {
        read_at,
        region: arguments.region.clone(),
        servers: arguments.servers,
        application: arguments.application.clone(),
        up_to,
        plan: chosen,
        room,
        new_account_takes,
        not_chosen,
        fits_up_to_limit: at_limit.new_accounts.is_empty() && at_limit.unplaced == 0,
    }
}

pub(super) fn print(answer: &Answer, policy: &Policy) -> String {
    let Answer { region, servers, application, up_to, plan, .. } = answer;
    let what = counted(usize::try_from(*servers).unwrap_or_default(), "server");
    let of = application.as_ref().map(|name| format!(" of {}", plain(name))).unwrap_or_default();
    let ceiling = match up_to {
        UpTo::Target => "target",
        UpTo::Limit => "limit",
    };
    let mut text = format!("{what}{of} in {region}, up to the {ceiling} of each account:\n\n");
    if !plan.takes.is_empty() {
        text += &takes(&plan.takes);
    }
    text += &new(answer);
    if let Some(name) = application {
        text += &about_application(name, plan, policy);
    }
    if !answer.not_chosen.is_empty() {
        text += "\nNot chosen:\n";
        let line =
            |not: &Refused| format!("  {} ({}): {}\n", not.account, plain(&not.name), plain(&not.reason));
        text.extend(answer.not_chosen.iter().map(line));
    }
    text
}

fn takes(takes: &[Take]) -> String {
    let row = |take: &Take| {
        let (before, after) = (take.before, take.after);
        [
            take.account.to_string(),
            plain(&take.name),
            take.servers.to_string(),
            format!("{before} -> {after}"),
        ]
    };
    table(["ACCOUNT", "NAME", "TAKES", "REPLICATING"], &takes.iter().map(row).collect::<Vec<_>>())
}

fn new(answer: &Answer) -> String {
    let Answer { region, plan, new_account_takes, up_to, room, .. } = answer;
    if plan.unplaced > 0 {
        return format!("{} servers fit nowhere: the policy lets a new account take none.\n", plan.unplaced);
    }
    if plan.new_accounts.is_empty() {
        return String::new();
    }
    let needed = counted(plan.new_accounts.len(), "new account");
    let each: Vec<_> = plan.new_accounts.iter().map(ToString::to_string).collect();
    let are = if each.len() == 1 { "is" } else { "are" };
    let mut text = format!(
        "{needed} {are} needed, up to {new_account_takes} servers each: {}.\n\
         Register: drs-fleet accounts add ACCOUNT --name NAME --drs-region {region}\n",
        each.join(", ")
    );
    if plan.takes.is_empty() && *room > 0 {
        text.extend([format!(
            "The accounts that exist have room for {room}, and using it would spare no new account.\n"
        )]);
    }
    if *up_to == UpTo::Target && answer.fits_up_to_limit {
        text += "Without a new account they fit only above the targets: --up-to limit.\n";
    }
    text
}

fn about_application(name: &str, plan: &Plan, policy: &Policy) -> String {
    let places = plan.takes.len() + plan.new_accounts.len();
    let there: u32 = plan.takes.iter().map(|take| take.of_application).sum();
    let (name, tag) = (plain(name), plain(policy.application_tag()));
    match (places, there) {
        (2.., _) => format!("{name} fits into no single account, so it is split.\n"),
        (_, 0) => format!("No server of {name} replicates there yet (tag {tag}).\n"),
        (_, there) => format!("{there} of {name} replicate there already (tag {tag}).\n"),
    }
}
