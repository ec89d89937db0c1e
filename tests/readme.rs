//! README's table of bars is the one that the benchmark writes.

use std::path::Path;

use drs_fleet_testkit::bars::{Bar, Spec, Verdict, between};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    std::fs::read_to_string(path).unwrap()
}

/// What was measured is the machine's; the rest of a row follows from it.
fn assert_row_of(spec: &Spec, row: &str) {
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [name, what, measured, plain, bar, stretch, verdict] = cells[..] else { panic!("{row}") };
    assert_eq!([name, what], [spec.name, spec.what], "run the benchmark with --write-readme");
    assert_eq!([bar, stretch], spec.limits(), "{row}");
    let digits = |number: &str| number.split_once('.').map_or(0, |(_, digits)| digits.len());
    let value: f64 = measured.parse().unwrap();
    assert_eq!(digits(measured), spec.digits, "{row}");
    assert!(plain.is_empty() || plain.parse::<f64>().is_ok(), "{row}");
    // It was judged before it was rounded.
    let half = 0.5 / 10_f64.powi(i32::try_from(spec.digits).unwrap());
    let verdicts = [value - half, value, value + half].map(|value| spec.judge(value).words());
    assert!(verdicts.contains(&verdict), "{row}");
}

#[test]
fn the_table_of_bars_has_one_row_for_each_bar() {
    let readme = readme();
    let (_, table, _) = between(&readme).expect("README has both marks, once");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| P")).collect();
    let expected: Vec<_> = Bar::ALL.iter().map(|bar| bar.spec()).collect();
    assert_eq!(rows.len(), expected.len());
    for (row, spec) in rows.iter().zip(expected) {
        assert_row_of(&spec, row);
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
