//! `tags policy`: which tags are copied, and how.

mod show;

use std::io::Write;
use std::path::PathBuf;

use drs_fleet_domain::tags::rules::TagPolicyRow;

use crate::hub::Hub;
use crate::policy::{check, store};
use crate::text::{Ask, counted};

#[cfg(test)]
pub(super) use self::show::print;

/// What people call it.
const WHAT: &str = "tag policy";

/// Rules that explain themselves.
pub(super) const EXAMPLE: &str = r#"Rules, in YAML or JSON; all of it may be left out, and what is not set is the default:

  # For the whole fleet.
  fleet:
    enabled: true                   # false: nothing is copied
    include: ["*"]                  # keys that are copied; exact keys make an allow-list, for a copied tag can widen access
    exclude: ["tmp:*", "aa-??"]     # keys that are not; * stands for any characters, ? for one
    rename: { env: Environment }    # keys that are called otherwise on source servers
    prefix: ""                      # what all other keys begin with there
    values: { env: { prd: prod } }  # by key in EC2: values that are written otherwise
    origin: true                    # source:account, source:region, source:instance-id, source:instance-type
    ec2_wins: false                 # true: what a person put on a source server is overwritten
    remove: false                   # true: what was copied is removed when it is gone from EC2
    copy_tags: false                # true: copyTags is switched on, so that recovery instances get the tags
  # For source servers of some accounts; of several that name one, the later wins.
  overrides:
    - accounts: ["111122223333"]
      set: { remove: true, include: [Owner, CostCentre] }

The workers take it up within a minute, and the next sweep brings source servers in line with it. The type of a machine,
source:instance-type, is asked of EC2 once a day; while EC2 does not tell it, that tag stays as it is.
Where a server has no room for all, the machine's own tags come first, and those of origin are told as not copied."#;

/// What `tags policy` can do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Show what applies, and where it is set
    Show(show::Arguments),
    /// Say what is wrong with rules in a file; the hub is not needed
    Check(Check),
    /// Store the rules of a file, after showing what changes
    Set(Set),
}

/// What `tags policy check` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Check {
    /// Rules in YAML or JSON; - for standard input
    file: PathBuf,
}

/// What `tags policy set` takes.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Set {
    /// Rules in YAML or JSON; - for standard input
    file: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Does what the command line says.
pub(super) async fn policy(
    hub: &Hub,
    command: &Command,
    out: &mut dyn Write,
    ask: &Ask,
) -> anyhow::Result<()> {
    match command {
        Command::Show(arguments) => show::show(hub, arguments, out).await,
        Command::Check(arguments) => check(arguments, out),
        Command::Set(arguments) => set(hub, arguments, out, ask).await,
    }
}

/// Says what is wrong with rules; ends with 1 when something is.
pub(super) fn check(arguments: &Check, out: &mut dyn Write) -> anyhow::Result<()> {
    let policy = check::usable::<TagPolicyRow>(&arguments.file, WHAT)?;
    let overrides = counted(policy.overrides.len(), "override");
    writeln!(out, "{} can be used: it has {overrides}.", arguments.file.display())?;
    Ok(())
}

async fn set(hub: &Hub, arguments: &Set, out: &mut dyn Write, ask: &Ask) -> anyhow::Result<()> {
    let policy = check::usable::<TagPolicyRow>(&arguments.file, WHAT)?;
    if store::store::<TagPolicyRow>(hub, (policy, WHAT), arguments.yes, out, ask).await? {
        writeln!(out, ",\nand the next sweep brings source servers in line with it.")?;
    }
    Ok(())
}
