//! `accounts add`.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{bail, ensure};
use drs_fleet_domain::ids::{AccountId, Region};
use drs_fleet_domain::policy::DRILL_TAG;
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus, Registry};

use super::label::unique;
use super::{drill_tag, editor, load};
use crate::hub::Hub;
use crate::places::who;

/// The role that `infra/spoke.yaml` makes, the only one that the roles of `infra/hub.yaml` may assume.
const ROLE: &str = "drs-fleet-spoke";
/// The secrets that the roles of `infra/hub.yaml` may read.
const SECRETS: &str = "drs-fleet/external-id/";
/// Regions of other partitions begin so.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
];

/// What `accounts add` takes.
#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("regions").args(["drs_regions", "source_regions"]).required(true).multiple(true),
    after_help = "Example: drs-fleet accounts add 111122223333 --name Payments --alias pay --drs-region us-west-2 \
--source-region us-east-1"
)]
pub(crate) struct Arguments {
    /// The account's id, 12 digits
    account: AccountId,
    /// Its name for people
    #[arg(long, value_parser = a_name)]
    name: String,
    /// A shorter name, which the other commands take instead of the id
    #[arg(long, value_parser = an_alias)]
    alias: Option<String>,
    /// The role that the workers assume [default: role/drs-fleet-spoke of the account]
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Name of the hub's secret that holds the external id [default: drs-fleet/external-id/ACCOUNT]
    #[arg(long, value_name = "NAME", value_parser = a_secrets_name)]
    external_id_secret: Option<String>,
    /// A Region that DRS replicates into; may be given several times
    #[arg(long = "drs-region", value_name = "REGION", value_delimiter = ',')]
    drs_regions: Vec<Region>,
    /// A Region in which source machines run; may be a DRS Region too
    #[arg(long = "source-region", value_name = "REGION", value_delimiter = ',')]
    source_regions: Vec<Region>,
    /// Of a staging account: the account that its source servers are extended into
    #[arg(long, value_name = "ACCOUNT")]
    target_account: Option<AccountId>,
    /// Its organisational unit, as your routes name it
    #[arg(long, value_name = "NAME", value_parser = a_name)]
    ou: Option<String>,
    /// A tag of it that your routes look at, such as team=erp; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = drill_tag::readable)]
    tags: Vec<(String, String)>,
}

/// Registers an account.
pub(super) async fn add(hub: &Hub, arguments: Arguments, out: &mut dyn Write) -> anyhow::Result<()> {
    let row = row(arguments)?;
    let registry = load(hub).await?;
    alias_is_free(&registry, &row)?;
    editor(hub).add(row.clone()).await?;
    write!(out, "{}", next(&row))?;
    write!(out, "{}", extension(&registry, &row))?;
    if let Some(tag) = row.tags.get(DRILL_TAG) {
        drill_tag::opens(hub, tag, out).await?;
    }
    Ok(())
}

fn row(arguments: Arguments) -> anyhow::Result<AccountRow> {
    let Arguments { account: id, name, alias, role_arn, external_id_secret, .. } = arguments;
    let Arguments { drs_regions, source_regions, target_account: target, ou, tags, .. } = arguments;
    ensure!(target.as_ref() != Some(&id), "account {id} cannot be its own target");
    let names: BTreeSet<_> = drs_regions.iter().chain(&source_regions).cloned().collect();
    let partition = partition(&names)?;
    let role_arn = role_arn.unwrap_or_else(|| format!("arn:{partition}:iam::{id}:role/{ROLE}"));
    check_role(&role_arn, &id, partition)?;
    let region = |region: Region| AccountRegion {
        drs: drs_regions.contains(&region),
        source: source_regions.contains(&region),
        region,
    };
    Ok(AccountRow {
        external_id_secret: external_id_secret.unwrap_or_else(|| format!("{SECRETS}{id}")),
        id,
        name,
        alias,
        role_arn,
        regions: names.into_iter().map(region).collect(),
        target,
        ou,
        tags: unique(&tags)?,
        status: AccountStatus::PendingValidation,
        last_validated: None,
        last_error: None,
    })
}

/// An account lies in one partition, and so do its Regions.
fn partition(regions: &BTreeSet<Region>) -> anyhow::Result<&'static str> {
    let of = |region: &Region| {
        let known = PARTITIONS.iter().find(|(prefix, _)| region.as_str().starts_with(prefix));
        known.map_or("aws", |(_, partition)| partition)
    };
    let partitions: BTreeSet<_> = regions.iter().map(of).collect();
    let names: Vec<_> = regions.iter().map(Region::as_str).collect();
    ensure!(partitions.len() == 1, "{} are in more than one partition of AWS", names.join(", "));
    Ok(partitions.first().unwrap_or(&"aws"))
}

fn check_role(arn: &str, account: &AccountId, partition: &str) -> anyhow::Result<()> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let ["arn", in_partition, "iam", "", of_account, resource] = parts[..] else {
        bail!("{arn:?} is not the ARN of a role (arn:{partition}:iam::{account}:role/{ROLE})");
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
    let is_role =
        resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && name.chars().all(allowed));
    ensure!(is_role, "{arn:?} is not the ARN of a role");
    ensure!(of_account == account.as_str(), "role {arn} is not in account {account}");
    ensure!(in_partition == partition, "role {arn} is in another partition than the Regions ({partition})");
    Ok(())
}

/// Two persons may still add the same alias at the same moment; then the first account is meant by it.
fn alias_is_free(registry: &Registry, row: &AccountRow) -> anyhow::Result<()> {
    let has_it = |other: &&AccountRow| other.alias.is_some() && other.alias == row.alias;
    match registry.accounts().find(has_it) {
        Some(other) if other.id != row.id => {
            bail!("alias {:?} is that of account {}", row.alias.as_deref().unwrap_or_default(), other.id)
        }
        _ => Ok(()),
    }
}

/// What is to be done before the account is called.
fn next(row: &AccountRow) -> String {
    let AccountRow { id, external_id_secret: secret, .. } = row;
    let stacks: Vec<_> = row.regions.iter().enumerate().map(stack).collect();
    let mut text = format!(
        "{} is registered as {}: its events count, and it is called once it is validated.\n\n\
         Next:\n  \
         1. In the hub's account and Region, store an external id, 16 characters at least:\n       \
         aws secretsmanager create-secret --name {secret} --secret-string \"$(uuidgen)\"\n  \
         2. In account {id}, deploy infra/spoke.yaml with CAPABILITY_NAMED_IAM in\n{}     \
         with HubAccountId the hub's account, HubBusArn the output BusArn of the hub's stack, and ExternalId the\n     \
         value of that secret.\n  \
         3. drs-fleet accounts validate {id}\n",
        who(row),
        row.status,
        stacks.concat(),
    );
    text.extend(remarks(row));
    text
}

/// Roles belong to the whole account, so one of its stacks makes them.
fn stack((n, region): (usize, &AccountRegion)) -> String {
    format!("       {:<16}CreateRoles={}\n", region.region.as_str(), n == 0)
}

/// What the hub's roles are not allowed as they are shipped.
fn remarks(row: &AccountRow) -> impl Iterator<Item = String> {
    let role = (!row.role_arn.ends_with(&format!(":role/{ROLE}"))).then(|| {
        format!("\nThe hub's roles may assume roles named {ROLE}: allow them this one in infra/hub.yaml as well.\n")
    });
    let secret = (!row.external_id_secret.starts_with(SECRETS)).then(|| {
        format!(
            "\nThe hub's roles may read secrets {SECRETS}*: allow them this one in infra/hub.yaml as well.\n"
        )
    });
    role.into_iter().chain(secret)
}

/// What is to be done before the servers of a staging account can be extended.
fn extension(registry: &Registry, row: &AccountRow) -> String {
    let Some(target) = &row.target else { return String::new() };
    let unknown = match registry.account(target) {
        Some(_) => String::new(),
        None => format!("  It is not registered yet: drs-fleet accounts add {target} …\n"),
    };
    format!(
        "\nIts source servers are to be extended into account {target}.\n{unknown}  \
         Trust {target} in the DRS settings of account {}, and deploy infra/spoke.yaml in {target} with \
         AllowExtend=true;\n  then look: drs-fleet extended plan --staging {0}\n",
        row.id
    )
}

/// The command that registers such an account.
pub(super) fn command(row: &AccountRow) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut words = vec![format!("drs-fleet accounts add {} --name {}", row.id, quote(&row.name))];
    words.extend(row.alias.iter().map(|alias| format!("--alias {alias}")));
    words.push(format!("--role-arn {} --external-id-secret {}", row.role_arn, row.external_id_secret));
    for AccountRegion { region, drs, source } in &row.regions {
        words.extend(drs.then(|| format!("--drs-region {region}")));
        words.extend(source.then(|| format!("--source-region {region}")));
    }
    words.extend(row.target.iter().map(|target| format!("--target-account {target}")));
    words.extend(row.ou.iter().map(|ou| format!("--ou {}", quote(ou))));
    words.extend(row.tags.iter().map(|(key, value)| format!("--tag {}", quote(&format!("{key}={value}")))));
    words.join(" ")
}

pub(super) fn a_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("a name has 1 to 100 characters, all of them visible".into()) }
}

/// An alias stands where an id may stand.
fn an_alias(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.parse::<AccountId>().is_ok() {
        return Err("an alias cannot look like an account id".into());
    }
    let fits = (1..=32).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with('-');
    if fits { Ok(text.to_owned()) } else { Err("an alias has 1 to 32 ASCII letters, digits or . _ -".into()) }
}

fn a_secrets_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    let fits = (1..=512).contains(&text.len()) && text.chars().all(allowed);
    if fits { Ok(text.to_owned()) } else { Err("no secret has such a name (the name, not the value)".into()) }
}
