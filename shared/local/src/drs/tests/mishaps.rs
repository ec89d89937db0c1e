use super::*;
use crate::drs::{EventRule, Mishap};

const RESULT: &str = "DRS Source Server Launch Result";
const STALLED: &str = "DRS Source Server Data Replication Stalled Change";

/// What is sent of the events of a drill of `servers`, with rules and a seed.
fn sent(servers: usize, rules: impl Fn(&[String]) -> Vec<EventRule>, seed: u64) -> Vec<String> {
    let (mut bench, ids) = Bench::with(servers);
    bench.drs.disturb(HOME, rules(&ids), seed);
    bench.recover(&ids, true).unwrap();
    bench.wait(3_600);
    let site = bench.drs.site(HOME.0, HOME.1);
    let sent =
        crate::world::lock(&site).mishaps.befall(&bench.heard).into_iter().cloned().collect::<Vec<_>>();
    let name = |event: &ServiceEvent| event.resources.first().map_or("call", String::as_str).to_owned();
    let number = |name: String| ids.iter().position(|id| name.ends_with(id)).map_or(name, |n| n.to_string());
    sent.iter().map(name).map(number).collect()
}

fn count(sent: &[String], who: &str) -> usize {
    sent.iter().filter(|name| *name == who).count()
}

#[test]
fn launch_results_of_chosen_servers_are_lost_or_come_twice() {
    let rules = |ids: &[String]| {
        vec![
            EventRule::launch_results(&ids[..1], Mishap::Lost),
            EventRule::launch_results(&ids[1..2], Mishap::Doubled),
        ]
    };
    let sent = sent(3, rules, 1);
    let counts = ["0", "1", "2", "call"].map(|who| count(&sent, who));
    assert_eq!(counts, [0, 2, 1, 1]);
}

#[test]
fn a_share_of_a_kind_is_struck_and_the_same_share_for_the_same_seed() {
    let lost = |seed| sent(100, |_| vec![EventRule::share(RESULT, 0.3, Mishap::Lost)], seed);
    let (first, again, other) = (lost(1), lost(1), lost(2));
    assert!((50..90).contains(&(first.len() - 1)), "{}", first.len());
    assert_eq!(count(&first, "call"), 1);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn other_kinds_and_accounts_are_left_alone() {
    assert_eq!(sent(3, |_| vec![EventRule::share(STALLED, 1.0, Mishap::Lost)], 1).len(), 4);
    let all = |_: &[String]| vec![EventRule::share("", 1.0, Mishap::Lost)];
    assert_eq!(sent(3, all, 1), Vec::<String>::new());
}
