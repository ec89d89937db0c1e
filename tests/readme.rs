//! README's table of bars is the one that the benchmark writes.

use std::path::Path;

use drs_fleet_tests::bars::{Bar, Verdict, between};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).unwrap()
}

/// The numbers are those of the machine that measured; which rows there are is not.
#[test]
fn the_table_of_bars_has_one_row_for_each_bar() {
    let readme = readme();
    let (_, table, _) = between(&readme).expect("README has both marks, once");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| P")).collect();
    let expected: Vec<_> = Bar::ALL.iter().map(|bar| bar.spec()).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, spec) in rows.iter().zip(expected) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells[..2], [spec.name, spec.what], "run the benchmark with --write-readme");
    }
}

#[test]
fn bars_are_in_order_and_none_is_left_out() {
    assert!(Bar::ALL.is_sorted());
    let mut names: Vec<_> = Bar::ALL.iter().map(|bar| bar.spec().name).collect();
    names.dedup();
    assert_eq!(names, (1..=12).map(|n| format!("P{n}")).collect::<Vec<_>>());
}

#[test]
fn a_number_is_judged_by_the_side_on_which_it_is_good() {
    let memory = Bar::MemoryIdle.spec();
    assert_eq!(
        [15.1, 15.0, 10.0].map(|mib| memory.judge(mib)),
        [Verdict::Missed, Verdict::Reached, Verdict::Stretch]
    );
    let kept = Bar::Throttled20.spec();
    assert_eq!(
        [49.0, 50.0, 75.0].map(|p| kept.judge(p)),
        [Verdict::Missed, Verdict::Reached, Verdict::Stretch]
    );
}
