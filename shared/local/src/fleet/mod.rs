//! A company that looks real: names, machines and tags of the servers of one account, from a seed.

mod catalog;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::World;
use crate::call::Refusal;
use crate::drs::dice::Dice;
use crate::drs::{Machine, Origin, ServerSpec, Start};
use catalog::{APPLICATIONS, Application, ENVIRONMENTS, ROLES, Role, SYSTEMS};

const GIB: u64 = 1 << 30;

/// One generated server: its instance's tags and itself.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Tags of the EC2 instance; none for about one instance in thirty.
    pub instance_tags: BTreeMap<String, String>,
    /// The source server, whose origin names the instance.
    pub server: ServerSpec,
}

/// Initialises DRS in an account and Region and fills it with instances and their source servers, nearly all of
/// them replicating without lag. The same seed makes the same servers. Returns the ids of the source servers.
///
/// # Errors
/// `ServiceQuotaExceededException` when more than 300 of them would replicate.
pub fn populate(
    world: &World,
    account: &str,
    region: &str,
    servers: usize,
    seed: u64,
) -> Result<Vec<String>, Refusal> {
    let now = world.clock.now();
    world.drs.initialize((account, region));
    let add = |seat: Seat| {
        if let Some(origin) = &seat.server.machine.origin {
            let instance = (origin.instance.as_str(), seat.server.machine.instance_type.as_str());
            world.ec2.add((account, region), instance, seat.instance_tags);
        }
        world.drs.add_server((account, region), seat.server, now)
    };
    generate((account, region), servers, seed, now).into_iter().map(add).collect()
}

/// Installs agents on so many more machines of an account and Region that [`populate`] filled with this seed; they
/// begin to replicate now. Returns the ids of their source servers.
///
/// # Errors
/// The quota in force; the servers before it stay.
pub fn grow(world: &World, place: (&str, &str), more: usize, seed: u64) -> Result<Vec<String>, Refusal> {
    let now = world.clock.now();
    let there = world.ec2.instances(place).len();
    let add = |seat: Seat| {
        let server = ServerSpec { start: Start::Fresh, ..seat.server };
        let Machine { origin, instance_type, .. } = server.machine.clone();
        let id = world.drs.add_server(place, server, now)?;
        if let Some(origin) = origin {
            world.ec2.add(place, (&origin.instance, &instance_type), seat.instance_tags);
        }
        Ok(id)
    };
    generate(place, there + more, seed, now).into_iter().skip(there).map(add).collect()
}

/// The servers of one account and Region, as [`populate`] adds them.
pub fn generate((account, region): (&str, &str), servers: usize, seed: u64, now: Timestamp) -> Vec<Seat> {
    let mut dice = Dice::seeded(seed, &format!("{account}/{region}"));
    // A few applications live in each account, so that their servers share names and tags.
    let home: Vec<Application> = (0..4).map(|_| one(&mut dice, &APPLICATIONS)).collect();
    let mut numbers = BTreeMap::new();
    (0..servers).map(|index| seat(&mut dice, (account, region), &home, &mut numbers, (index, now))).collect()
}

fn seat(
    dice: &mut Dice,
    place: (&str, &str),
    home: &[Application],
    numbers: &mut BTreeMap<String, u32>,
    (index, now): (usize, Timestamp),
) -> Seat {
    let application = one(dice, home);
    let role = one(dice, &ROLES);
    let environment = one(dice, &ENVIRONMENTS);
    let stem = match environment.0 {
        "prod" => format!("{}-{}", application.0, role.0),
        _ => format!("{}-{}-{}", application.0, role.0, environment.1),
    };
    let number = numbers.entry(stem.clone()).or_default();
    *number += 1;
    let hostname = format!("{stem}-{number:02}");
    let instance_tags = match dice.between(0, 30) {
        0 => BTreeMap::new(),
        _ => tags(dice, &hostname, application, environment.0),
    };
    let machine = machine(dice, place, hostname, role, index);
    let tags = instance_tags.iter().filter(|(key, _)| *key == "Name");
    let tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
    Seat { instance_tags, server: ServerSpec { machine, tags, start: start(dice, now) } }
}

fn tags(
    dice: &mut Dice,
    hostname: &str,
    (prefix, application, owner, cost): Application,
    environment: &str,
) -> BTreeMap<String, String> {
    let critical = if matches!(prefix, "erp" | "pay" | "mes" | "ad") { "tier-1" } else { "tier-2" };
    let mut tags = vec![
        ("Name", hostname.to_owned()),
        ("Application", application.to_owned()),
        ("Environment", environment.to_owned()),
        ("Owner", owner.to_owned()),
        ("CostCenter", cost.to_owned()),
        ("PatchGroup", format!("{environment}-{}", dice.pick(&["sun-0200", "sat-2200", "wed-0300"]))),
        ("Criticality", critical.to_owned()),
        ("Backup", dice.pick(&["daily-35d", "daily-14d", "hourly-7d"]).to_owned()),
    ];
    // People forget tags, and some have more to say.
    if dice.chance(0.06) {
        tags.retain(|(key, _)| *key != "Owner");
    }
    if dice.chance(0.2) {
        tags.push(("DataClass", dice.pick(&["internal", "confidential", "personal data"]).to_owned()));
    }
    if dice.chance(0.1) {
        tags.push(("aws:autoscaling:groupName", format!("asg-{prefix}")));
    }
    tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn machine(
    dice: &mut Dice,
    (account, region): (&str, &str),
    hostname: String,
    (_, cores, memory, data, instance_type): Role,
    index: usize,
) -> Machine {
    let (system, root) = one(dice, &SYSTEMS);
    let mut disks = vec![(root.to_owned(), GIB * if root.starts_with('/') { 32 } else { 100 })];
    if data > 0 {
        let device = if root.starts_with('/') { "/dev/nvme1n1" } else { "d:1" };
        disks.push((device.to_owned(), data * GIB));
    }
    let address = [20, index / 250, index % 250 + 4];
    let bits = dice.next();
    let mac: Vec<String> = bits.to_be_bytes().iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    Machine {
        fqdn: dice.chance(0.9).then(|| format!("{hostname}.corp.example.com")),
        hostname,
        os: system.to_owned(),
        cpu: "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz".to_owned(),
        cores,
        ram_bytes: memory * GIB,
        disks,
        ip: format!("10.{}.{}.{}", address[0], address[1], address[2]),
        mac: format!("0a:{}", mac.join(":")),
        instance_type: instance_type.to_owned(),
        origin: Some(Origin {
            account: account.to_owned(),
            region: region.to_owned(),
            zone: format!("{region}{}", dice.pick(&["a", "b", "c"])),
            instance: dice.id("i"),
            hinted: dice.chance(0.85),
        }),
    }
}

fn start(dice: &mut Dice, now: Timestamp) -> Start {
    let days = dice.between(30, 400);
    let since = now.checked_sub(SignedDuration::from_hours(days * 24)).unwrap_or(now);
    match dice.between(0, 100) {
        0 => Start::Stopped(since),
        1 => Start::Disconnected(since),
        2 | 3 => Start::Syncing,
        4 => Start::Fresh,
        _ => Start::Continuous(since),
    }
}

/// One of several; the lists here are never empty.
fn one<T: Copy>(dice: &mut Dice, items: &[T]) -> T {
    let index = usize::try_from(dice.next() % items.len().max(1) as u64).unwrap_or_default();
    items[index]
}
