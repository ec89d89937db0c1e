//! Fuzzing: whatever comes from outside is read, refused or shown, and breaks nothing.
//!
//! Each target is a **property** of any bytes and a **corpus**, `tests/fuzz/corpus/TARGET/`, whose files' names say what they
//! are; events are those in `events/`. Every run tries all of the corpus and a few hundred mutants of it, always the same
//! ones. `DRS_FLEET_FUZZ_SECONDS=60` tries other mutants each time, for so long in all; a failure names the seed that
//! `DRS_FLEET_FUZZ_SEED` plays again. What fails is made small and printed: keep it as a file of the corpus.

mod corpus;
mod json;
mod mutate;
mod run;

use std::borrow::Cow;

use proptest::test_runner::TestCaseError;

/// What came of a property.
type Checked = Result<(), TestCaseError>;

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// Words that mean something to whoever reads the input.
    words: &'static [&'static str],
    /// Whether the samples in `events/` are part of its corpus.
    takes_events: bool,
    check: fn(&[u8]) -> Checked,
}

/// As a queue, a file or a command line would have it: no text of ours is anything but UTF-8.
fn text(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(mod $name;)*
        const TARGETS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                run::run(&Target {
                    name: stringify!($name),
                    words: $name::WORDS,
                    takes_events: $name::TAKES_EVENTS,
                    check: $name::check,
                });
            }
        )*
    };
}

targets!(body, click, ids, length, pattern, routes, rule, tags, told);

#[test]
fn every_corpus_is_of_a_target() {
    let folders = std::fs::read_dir(corpus::root()).unwrap();
    let names: Vec<_> = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| TARGETS.contains(&name.as_str())), "{names:?} and {TARGETS:?}");
}

/// What no file of the corpus has, and few mutants have.
fn breaks_on_owners_that_are_no_text(input: &[u8]) -> Checked {
    let has_owner = input.windows(5).any(|bytes| bytes == b"Owner");
    proptest::prop_assert!(!(has_owner && input.contains(&b'\xff')), "it breaks");
    Ok(())
}

#[test]
fn what_does_not_hold_is_found_and_made_small() {
    let broken =
        Target { name: "pattern", words: &[], takes_events: false, check: breaks_on_owners_that_are_no_text };
    let told = run::round(&broken, &corpus::of(&broken), 0, &run::Tally::default()).unwrap_err();
    assert!(told.contains("it breaks"), "{told}");
    let small = [r#"input: b"Owner\xff""#, r#"input: b"\xffOwner""#];
    assert!(small.iter().any(|input| told.contains(input)), "{told}");
}
