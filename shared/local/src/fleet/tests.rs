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
fn an_account_grows_by_other_machines_until_its_quota_and_no_further() {
    let world = world();
    populate(&world, HOME.0, HOME.1, 20, 7).unwrap();
    let ids = grow(&world, HOME, 5, 7).unwrap();
    let servers = world.drs.servers(HOME, world.clock.now());
    assert_eq!((servers.len(), world.ec2.instances(HOME).len()), (25, 25));
    assert_eq!(servers.iter().map(|server| &server.hostname).collect::<BTreeSet<_>>().len(), 25);
    assert!(servers.iter().filter(|server| ids.contains(&server.id)).all(|server| server.counts));
    let replicating = servers.iter().filter(|server| server.counts).count();
    world.drs.set_quota(HOME, "L-C1D14A2B", u32::try_from(replicating + 2).ok()).unwrap();
    let refusal = grow(&world, HOME, 5, 7).unwrap_err();
    assert_eq!((refusal.status, &refusal.members["quotaCode"]), (402, &"L-C1D14A2B".into()));
    assert_eq!(world.ec2.instances(HOME).len(), 27);
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
