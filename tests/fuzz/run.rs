//! Tries all of a corpus, then mutants of it.

use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::corpus::{self, Entry};
use super::{TARGETS, Target, mutate};

/// Mutants in every run, and in each round of a timed one.
const CASES: u32 = 256;

/// So often a failing input is made smaller at most.
const STEPS: u32 = 1_000;

/// What was tried.
#[derive(Default)]
pub(super) struct Tally {
    cases: Cell<u64>,
    slowest: Cell<Duration>,
}

pub(super) fn run(target: &Target) {
    let corpus = corpus::of(target);
    for Entry { name, bytes } in &corpus {
        let failure = failure(target, bytes);
        assert!(failure.is_none(), "{}/{name}: {}", target.name, failure.unwrap_or_default());
    }
    let tally = Tally::default();
    let tried = match (number("DRS_FLEET_FUZZ_SEED"), number("DRS_FLEET_FUZZ_SECONDS")) {
        (Some(seed), _) => round(target, &corpus, seed, &tally),
        (None, Some(seconds)) => timed(target, &corpus, share(seconds), &tally),
        (None, None) => round(target, &corpus, 0, &tally),
    };
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// What one of the targets has of the time for all, so many of which run at once.
fn share(seconds: u64) -> Duration {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(TARGETS.len());
    Duration::from_secs_f64(seconds as f64 * at_once as f64 / TARGETS.len() as f64)
}

fn timed(target: &Target, corpus: &[Entry], length: Duration, tally: &Tally) -> Result<(), String> {
    let began = Instant::now();
    let first = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let seeds = u64::try_from(first).unwrap()..;
    let mut rounds = seeds.take_while(|_| began.elapsed() < length);
    let tried = rounds.try_for_each(|seed| round(target, corpus, seed, tally));
    let (cases, slowest) = (tally.cases.get(), tally.slowest.get());
    let told = format!("fuzz {}: {cases} mutants, the slowest took {slowest:.1?}\n", target.name);
    // Past what the test harness holds back.
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    tried
}

/// The mutants of a seed.
///
/// # Errors
/// What does not hold, for which input.
pub(super) fn round(target: &Target, corpus: &[Entry], seed: u64, tally: &Tally) -> Result<(), String> {
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: STEPS, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = runner.run(&mutate::mutants(), |mutant| {
        let input = mutate::bytes(corpus, target.words, &mutant);
        let began = Instant::now();
        let checked = (target.check)(&input);
        tally.cases.set(tally.cases.get() + 1);
        tally.slowest.set(tally.slowest.get().max(began.elapsed()));
        checked
    });
    let mutant = match tried {
        Ok(()) => return Ok(()),
        Err(TestError::Fail(_, mutant)) => mutant,
        Err(TestError::Abort(why)) => return Err(why.to_string()),
    };
    let input = smallest(target, mutate::bytes(corpus, target.words, &mutant));
    Err(format!(
        "{name}: {why}\n  input: b\"{input}\"\n  Again with DRS_FLEET_FUZZ_SEED={seed}. Keep it as \
         tests/fuzz/corpus/{name}/WHAT-IT-IS.",
        name = target.name,
        why = failure(target, &input).unwrap_or_default(),
        input = input.escape_ascii(),
    ))
}

/// Why a property does not hold; a panic is a reason too.
fn failure(target: &Target, input: &[u8]) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Some(format!("panicked: {}", text.or(panic.downcast_ref().copied()).unwrap_or_default()))
        }
    }
}

/// Without all that it fails without, which proptest does not see: it knows the changes, and not the bytes.
fn smallest(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut steps = 0..STEPS;
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < input.len() && steps.next().is_some() {
            let mut less = input.clone();
            less.drain(at..(at + size).min(input.len()));
            if failure(target, &less).is_some() {
                input = less;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    input
}
