use super::*;
use crate::pattern::Pattern;
use crate::tags::{Source, wanted};

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn bare() -> Rules {
    Rules { origin: false, ..Rules::default() }
}

fn of(ec2: &BTreeMap<String, String>, rules: &Rules) -> Wanted {
    of_type(Some("m6i.large"), ec2, rules)
}

fn of_type(instance_type: Option<&str>, ec2: &BTreeMap<String, String>, rules: &Rules) -> Wanted {
    let (instance, account, region) = (
        "i-0a1b2c3d4e5f60718".parse().unwrap(),
        "111122223333".parse().unwrap(),
        "us-west-2".parse().unwrap(),
    );
    let source = Source { instance: &instance, account: &account, region: &region, instance_type, tags: ec2 };
    wanted(&source, rules)
}

fn owned(pairs: &[(&str, &str)]) -> Owned {
    Owned(pairs.iter().map(|(key, value)| ((*key).to_owned(), fnv1a(value))).collect())
}

#[test]
fn only_differences_are_written() {
    let ec2 = tags(&[("Owner", "ada"), ("Tier", "gold"), ("aws:autoscaling:groupName", "g")]);
    let actual = tags(&[("Tier", "gold"), ("Note", "by hand")]);
    let plan = plan(&of(&ec2, &bare()), &actual, &Owned::default(), &bare());
    assert_eq!((plan.set, plan.remove.len(), plan.left.len()), (tags(&[("Owner", "ada")]), 0, 0));
}

#[test]
fn where_a_server_comes_from_is_four_tags() {
    let wanted = of(&tags(&[]), &Rules::default());
    let expected = tags(&[
        ("source:account", "111122223333"),
        ("source:region", "us-west-2"),
        ("source:instance-id", "i-0a1b2c3d4e5f60718"),
        ("source:instance-type", "m6i.large"),
    ]);
    assert_eq!(wanted.tags, expected);
}

#[test]
fn a_type_that_nobody_knows_is_neither_invented_nor_taken_away() {
    let rules = Rules { remove: true, ..Rules::default() };
    let ec2 = tags(&[("Owner", "ada")]);
    let there = of(&ec2, &rules).tags;
    let ours = Owned::default().with(&there);
    let unknown = of_type(None, &ec2, &rules);
    let (again, new) =
        (plan(&unknown, &there, &ours, &rules), plan(&unknown, &BTreeMap::new(), &Owned::default(), &rules));
    assert_eq!(again, Plan::default());
    assert!(new.set.len() == 4 && !new.set.contains_key("source:instance-type"), "{new:?}");
    let changed = plan(&of_type(Some("m6i.4xlarge"), &ec2, &rules), &there, &ours, &rules);
    assert_eq!(changed.set, tags(&[("source:instance-type", "m6i.4xlarge")]));
    let switched_off = Rules { origin: false, ..rules };
    let off = plan(&of_type(None, &ec2, &switched_off), &there, &ours, &switched_off);
    assert!(off.remove.len() == 4 && off.remove.contains("source:instance-type"), "{off:?}");
}

#[test]
fn what_a_person_put_or_changed_is_left_alone_unless_ec2_wins() {
    let ec2 = tags(&[("Owner", "ada"), ("Tier", "gold")]);
    let actual = tags(&[("Owner", "eve"), ("Tier", "tin")]);
    let ours = owned(&[("Owner", "bob"), ("Tier", "tin")]);
    let planned = plan(&of(&ec2, &bare()), &actual, &ours, &bare());
    assert_eq!(planned.set, tags(&[("Tier", "gold")]), "it is as it was copied");
    assert_eq!(planned.left, [("Owner".to_owned(), Left::ByPerson)].into());
    let wins = Rules { ec2_wins: true, ..bare() };
    assert_eq!(plan(&of(&ec2, &wins), &actual, &ours, &wins).set, ec2);
}

#[test]
fn only_what_was_copied_is_removed_and_only_where_the_rules_say_so() {
    let actual = tags(&[("Owner", "ada"), ("Tier", "gold"), ("Note", "by hand")]);
    let ours = owned(&[("Owner", "ada"), ("Tier", "tin")]);
    let removes = Rules { remove: true, ..bare() };
    let planned = plan(&of(&tags(&[]), &removes), &actual, &ours, &removes);
    assert_eq!(planned.remove, ["Owner".to_owned()].into(), "a person changed Tier, and put Note");
    assert_eq!(ours.after(&planned, &actual), Owned::default());
    let planned = plan(&of(&tags(&[]), &bare()), &actual, &ours, &bare());
    assert_eq!((planned.is_empty(), planned.left.get("Owner")), (true, Some(&Left::NotRemoved)));
}

#[test]
fn keys_and_values_are_written_as_the_rules_say() {
    let rules: crate::tags::rules::Written = serde_json::from_value(serde_json::json!({
        "include": ["Owner", "cost*"], "exclude": ["cost-secret"], "rename": { "Owner": "dr:owner" },
        "prefix": "ec2:", "values": { "cost-env": { "p": "production" } }, "origin": false,
    }))
    .unwrap();
    let rules =
        crate::tags::TagPolicy { fleet: rules, overrides: Vec::new() }.of(&"111122223333".parse().unwrap());
    let ec2 = tags(&[("Owner", "ada"), ("cost-env", "p"), ("cost-secret", "x"), ("Tier", "gold")]);
    assert_eq!(of(&ec2, &rules).tags, tags(&[("dr:owner", "ada"), ("ec2:cost-env", "production")]));
}

#[test]
fn what_does_not_fit_is_named_and_the_rest_is_written() {
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    let ec2 = tags(&[(&long_key, "a"), ("b", &long_value), ("c", "1"), ("d", "2")]);
    let rules = Rules {
        rename: [("c".to_owned(), "AWSDRS".to_owned()), ("d".to_owned(), "e".to_owned())].into(),
        ..bare()
    };
    let wanted = of(&ec2, &rules);
    let why: Vec<_> = wanted.unfit.iter().map(|unfit| unfit.why).collect();
    assert_eq!((why.len(), &wanted.tags), (3, &tags(&[("e", "2")])), "{why:?}");
    let many: Vec<_> = (0..60).map(|n| (format!("k{n:02}"), "v".to_owned())).collect();
    let actual: BTreeMap<_, _> =
        many[..48].iter().cloned().chain([("aws:x".to_owned(), String::new())]).collect();
    let ec2: BTreeMap<_, _> = many[46..52].iter().cloned().collect();
    let planned = plan(&of(&ec2, &bare()), &actual, &Owned::default(), &bare());
    let unfit: Vec<_> = planned.unfit.iter().map(|unfit| (unfit.key.as_str(), unfit.why)).collect();
    assert_eq!(planned.set.keys().collect::<Vec<_>>(), ["k48", "k49"]);
    assert_eq!(unfit, [("k50", Why::NoRoom), ("k51", Why::NoRoom)]);
}

#[test]
fn the_own_tags_of_a_machine_take_the_room_of_those_that_say_where_it_comes_from() {
    let rules = Rules::default();
    let own: BTreeMap<_, _> = (0..50).map(|n| (format!("t{n:02}"), "v".to_owned())).collect();
    let new = plan(&of(&own, &rules), &BTreeMap::new(), &Owned::default(), &rules);
    let named = ["source:account", "source:instance-id", "source:instance-type", "source:region"];
    let unfit = |plan: &Plan| plan.unfit.iter().map(|unfit| unfit.key.clone()).collect::<Vec<_>>();
    assert_eq!((&new.set, unfit(&new)), (&own, named.map(str::to_owned).to_vec()));

    // A machine that had room for all of them gets more tags of its own.
    let few: BTreeMap<_, _> = own.iter().take(46).map(|(k, v)| (k.clone(), v.clone())).collect();
    let all = of(&few, &rules).tags;
    let ours = Owned::default().with(&all);
    let more: BTreeMap<_, _> = own.iter().take(48).map(|(k, v)| (k.clone(), v.clone())).collect();
    let planned = plan(&of(&more, &rules), &all, &ours, &rules);
    assert_eq!(planned.set.keys().collect::<Vec<_>>(), ["t46", "t47"]);
    assert_eq!(planned.remove.len(), 2);
    assert!(planned.remove.iter().all(|key| is_origin(key)) && unfit(&planned).len() == 2, "{planned:?}");
    let by_person = plan(&of(&more, &rules), &all, &Owned::default(), &rules);
    assert_eq!((by_person.remove.len(), unfit(&by_person)), (0, vec!["t46".to_owned(), "t47".to_owned()]));
}

#[test]
fn an_allow_list_copies_nothing_else() {
    let rules = Rules { include: vec![Pattern::new("Owner")], ..bare() };
    let ec2 = tags(&[("Owner", "ada"), ("owner", "eve"), ("Role", "admin")]);
    assert_eq!(of(&ec2, &rules).tags, tags(&[("Owner", "ada")]));
}

mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::tags::{KEY_LENGTH, VALUE_LENGTH};

    /// Keys that meet each other, AWS's own, the rules, and the limits.
    fn key() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => prop::sample::select(vec!["Owner", "owner", "Tier", "cost-env", "dr:Owner"]).prop_map(str::to_owned),
            2 => prop::sample::select(vec!["source:account", "source:instance-type"]).prop_map(str::to_owned),
            2 => prop::sample::select(vec!["aws:x", "AWSDRS", "awsElasticDisasterRecoveryManaged", "Map-Migrated"])
                .prop_map(str::to_owned),
            2 => (0..60_u8).prop_map(|n| format!("k{n}")),
            1 => Just("k".repeat(129)),
        ]
    }

    fn tags(most: usize) -> impl Strategy<Value = BTreeMap<String, String>> {
        let value = prop_oneof![9 => "[a-c]", 1 => Just("v".repeat(257))];
        prop::collection::btree_map(key(), value, 0..most)
    }

    fn rules() -> impl Strategy<Value = Rules> {
        let patterns = prop::sample::select(vec![vec!["*"], vec!["Owner", "k*"], vec![]]);
        let renames =
            prop::sample::select(vec![("Owner", "Tier"), ("Tier", "AWSDRS"), ("cost-env", "dr:Owner")]);
        (patterns, renames, prop::sample::select(vec!["", "dr:", "aws"]), any::<(bool, bool, bool)>())
            .prop_map(|(include, (from, to), prefix, (origin, ec2_wins, remove))| Rules {
                include: include.into_iter().map(Pattern::new).collect(),
                rename: [(from.to_owned(), to.to_owned())].into(),
                prefix: prefix.to_owned(),
                origin,
                ec2_wins,
                remove,
                ..Rules::default()
            })
    }

    /// Some of what is there, and some of what was there, was copied.
    fn stage() -> impl Strategy<Value = (Wanted, BTreeMap<String, String>, Owned, Rules)> {
        (tags(60), tags(50), tags(20), any::<u64>(), rules(), any::<bool>()).prop_map(
            |(ec2, actual, copied, dice, rules, is_typed)| {
                let mine =
                    actual.iter().enumerate().filter(|(n, _)| dice >> (n % 64) & 1 == 1).map(|(_, tag)| tag);
                let all = mine.chain(&copied).filter(|(key, _)| !is_protected(key));
                let owned = Owned(all.map(|(key, value)| (key.clone(), fnv1a(value))).collect());
                (of_type(is_typed.then_some("b"), &ec2, &rules), actual, owned, rules)
            },
        )
    }

    fn applied(plan: &Plan, actual: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut after = actual.clone();
        after.retain(|key, _| !plan.remove.contains(key));
        after.extend(plan.set.clone());
        after
    }

    proptest! {
        #[test]
        fn a_plan_that_is_carried_out_leaves_nothing_to_do((wanted, actual, owned, rules) in stage()) {
            let first = plan(&wanted, &actual, &owned, &rules);
            let (after, owned) = (applied(&first, &actual), owned.after(&first, &actual));
            let second = plan(&wanted, &after, &owned, &rules);
            prop_assert!(second.is_empty(), "{first:?} then {second:?}");
        }

        #[test]
        fn no_plan_touches_what_is_protected_or_not_ours_or_exceeds_a_limit(
            (wanted, actual, owned, rules) in stage(),
        ) {
            let plan = plan(&wanted, &actual, &owned, &rules);
            let touched: Vec<_> = plan.set.keys().chain(&plan.remove).collect();
            prop_assert!(touched.iter().all(|key| !is_protected(key)), "{touched:?}");
            for key in &plan.remove {
                let may = rules.remove || is_origin(key);
                prop_assert!(may && owned.holds(key, &actual[key]), "{key} is not ours");
                prop_assert!(!wanted.unknown.contains(key.as_str()), "{key} may be right");
            }
            for (key, value) in &plan.set {
                prop_assert!(key.chars().count() <= KEY_LENGTH && value.chars().count() <= VALUE_LENGTH);
                let there = actual.get(key);
                prop_assert!(
                    there.is_none_or(|there| rules.ec2_wins || owned.holds(key, there)),
                    "{key} is a person's"
                );
            }
            let count = |tags: &BTreeMap<String, String>| {
                tags.keys().filter(|key| !key.to_ascii_lowercase().starts_with("aws:")).count()
            };
            prop_assert!(count(&applied(&plan, &actual)) <= MOST.max(count(&actual)));
        }
    }
}
