//! A company that looks real: names, machines and tags of the servers of one account, from a seed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::World;
use crate::call::Refusal;
use crate::drs::dice::Dice;
use crate::drs::{Machine, Origin, ServerSpec, Start};

const GIB: u64 = 1 << 30;

/// An application: prefix of host names, name, owner, cost centre.
type Application = (&'static str, &'static str, &'static str, &'static str);

const APPLICATIONS: [Application; 14] = [
    ("erp", "SAP ERP", "team-finance-platform", "CC-4100"),
    ("crm", "Customer Care", "team-sales-systems", "CC-4210"),
    ("pay", "Payments", "team-payments", "CC-4300"),
    ("shop", "Web Shop", "team-commerce", "CC-4310"),
    ("hr", "Workday Bridge", "team-people-tech", "CC-4120"),
    ("wms", "Warehouse", "team-logistics", "CC-5200"),
    ("mes", "Plant Control", "team-manufacturing", "CC-5310"),
    ("bi", "Reporting", "team-data", "CC-4900"),
    ("dwh", "Data Warehouse", "team-data", "CC-4910"),
    ("ad", "Directory", "team-identity", "CC-6010"),
    ("mail", "Mail Gateway", "team-workplace", "CC-6020"),
    ("fra", "Branch Portal Frankfurt", "team-retail", "CC-5010"),
    ("lon", "Branch Portal London", "team-retail", "CC-5020"),
    ("mon", "Monitoring", "team-sre", "CC-6100"),
];

/// A role in an application: part of the host name, cores, memory in GiB, data disk in GiB, instance type.
type Role = (&'static str, u32, u64, u64, &'static str);

const ROLES: [Role; 8] = [
    ("web", 2, 8, 0, "m6i.large"),
    ("web", 2, 4, 0, "t3.medium"),
    ("app", 4, 16, 100, "m6i.xlarge"),
    ("app", 8, 32, 200, "m6i.2xlarge"),
    ("db", 8, 64, 1_000, "r6i.2xlarge"),
    ("db", 16, 128, 2_000, "r6i.4xlarge"),
    ("batch", 4, 8, 200, "c6i.xlarge"),
    ("file", 4, 16, 4_000, "m6i.xlarge"),
];

/// What an agent reports, and the name of the root device.
const SYSTEMS: [(&str, &str); 5] = [
    ("Linux version 5.14.0-427.13.1.el9_4.x86_64 (Red Hat Enterprise Linux 9.4)", "/dev/nvme0n1"),
    ("Linux version 4.18.0-553.el8_10.x86_64 (Red Hat Enterprise Linux 8.10)", "/dev/xvda"),
    ("Linux version 5.15.0-1068-aws (Ubuntu 22.04.5 LTS)", "/dev/nvme0n1"),
    ("Microsoft Windows Server 2019 Datacenter 10.0.17763", "c:0"),
    ("Microsoft Windows Server 2022 Datacenter 10.0.20348", "c:0"),
];

const ENVIRONMENTS: [(&str, &str); 4] = [("prod", "p"), ("prod", "p"), ("integration", "i"), ("test", "t")];

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
            world.ec2.add((account, region), &origin.instance, seat.instance_tags);
        }
        world.drs.add_server((account, region), seat.server, now)
    };
    generate((account, region), servers, seed, now).into_iter().map(add).collect()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::clock::Clock;
    use crate::faults::Faults;

    const HOME: (&str, &str) = ("111122223333", "eu-central-1");

    fn world() -> std::sync::Arc<World> {
        let origin = "2026-03-02T08:00:00Z".parse().unwrap();
        World::new(Clock::starting(origin, 0.001), Faults::none())
    }

    #[test]
    fn the_same_seed_makes_the_same_company() {
        let now = Timestamp::UNIX_EPOCH;
        let text = |seed| format!("{:?}", generate(HOME, 50, seed, now));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn a_full_account_replicates_nearly_everywhere_and_has_unique_names() {
        let world = world();
        let ids = populate(&world, HOME.0, HOME.1, 300, 7).unwrap();
        let servers = world.drs.servers(HOME, world.clock.now());
        assert_eq!((ids.len(), servers.len()), (300, 300));
        assert_eq!(servers.iter().map(|server| &server.hostname).collect::<BTreeSet<_>>().len(), 300);
        let healthy = servers.iter().filter(|server| server.state == "CONTINUOUS").count();
        assert!(healthy > 270, "{healthy}");
        assert_eq!(world.ec2.instances(HOME).len(), 300);
    }

    #[test]
    fn ids_have_the_shape_that_aws_gives_them() {
        let world = world();
        populate(&world, HOME.0, HOME.1, 40, 7).unwrap();
        let is_id = |id: &str, prefix: &str| {
            let digits = id.strip_prefix(prefix).unwrap_or_default();
            digits.len() == 17 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        for server in world.drs.servers(HOME, world.clock.now()) {
            assert!(is_id(&server.id, "s-"), "{}", server.id);
            let instance = server.instance.unwrap();
            assert!(is_id(&instance, "i-") && world.ec2.instances(HOME).contains_key(&instance));
        }
    }

    #[test]
    fn a_hundred_accounts_of_two_hundred_and_fifty_servers_tick_quickly_enough_to_run_in_a_test() {
        let world = world();
        for account in 0..100 {
            populate(&world, &format!("{:012}", 100_000 + account), HOME.1, 250, 7).unwrap();
        }
        world.drs.tick(&world);
        let last = world.drs.servers(("000000100099", HOME.1), world.clock.now());
        assert_eq!(last.len(), 250);
    }
}
