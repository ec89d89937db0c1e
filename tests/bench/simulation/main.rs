//! The simulation in full (bar R2): many seeds, or one of them again.
//! `cargo bench -p drs-fleet-tests --bench simulation -- --help`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what a command is for")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use drs_fleet_domain::planted::Bug;
use drs_fleet_testkit::sim::{self, History, Played, Problem, caught_after, shrink};
use serde_json::json;

/// A quarter of the time went to the system's allocator: every row is JSON in the simulated table.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The whole of it, and how many seconds it may take on two cores (bar R2).
const WHOLE: (u64, usize) = (10_000, 2_000);
const AIM: f64 = 300.0;

/// How often is said how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

/// Plays many drawn histories on simulated time and I/O, and holds what they come to against a reference model.
///
/// Every seed that fails is printed with the shortest history that shows the same, and the command that plays it again.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo bench -p drs-fleet-tests --bench simulation                        10,000 seeds of 2,000 events
  cargo bench -p drs-fleet-tests --bench simulation -- --seeds 500         a quick look
  cargo bench -p drs-fleet-tests --bench simulation -- --seed 17           one seed, its history and its trace
  cargo bench -p drs-fleet-tests --bench simulation -- --planted           whether planted bugs are caught")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Play this seed alone, twice, and print its history.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Plant each known bug in turn (bar R5), and say after how many seeds it was caught.
    #[arg(long, conflicts_with_all = ["from", "seed"])]
    planted: bool,
    /// Of the known bugs only those whose names contain this.
    #[arg(long, requires = "planted")]
    only: Option<String>,
    /// Messages of each history.
    #[arg(long, default_value_t = 2_000)]
    events: usize,
    /// Threads; as many as the machine has processors, if it is not given.
    #[arg(long)]
    threads: Option<usize>,
    /// How many shorter histories are tried to find the shortest that fails.
    #[arg(long, default_value_t = 2_000)]
    tries: usize,
    /// Print JSON instead of words.
    #[arg(long)]
    json: bool,
    /// Cargo adds this.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What all seeds came to.
#[derive(Debug, Default)]
struct Total {
    seeds: u64,
    messages: usize,
    deaths: usize,
    told: usize,
    repeated: usize,
    traces: u64,
    failed: Vec<u64>,
}

impl Total {
    fn add(&mut self, seed: u64, played: &Played) {
        self.seeds += 1;
        self.messages += played.messages;
        self.deaths += played.deaths;
        self.told += played.checked.told;
        self.repeated += played.checked.repeated;
        // The same in any order: threads end when they like.
        self.traces ^= played.trace.rotate_left(u32::try_from(seed % 64).unwrap_or_default());
        if !played.checked.problems.is_empty() {
            self.failed.push(seed);
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => again(&arguments, seed),
        None if arguments.planted => planted(&arguments),
        None => all(&arguments),
    }
}

fn all(arguments: &Arguments) -> ExitCode {
    let threads =
        arguments.threads.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let (next, total, began) = (AtomicU64::new(0), Mutex::new(Total::default()), Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| plays(arguments, &next, &total));
        }
        scope.spawn(|| tells(arguments, &total));
    });
    let total = total.into_inner().unwrap_or_default();
    print(arguments, &total, began.elapsed());
    for seed in total.failed.iter().take(3) {
        explain(arguments, *seed);
    }
    ExitCode::from(u8::from(!total.failed.is_empty()))
}

fn plays(arguments: &Arguments, next: &AtomicU64, total: &Mutex<Total>) {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= arguments.seeds {
            return;
        }
        let seed = arguments.from + n;
        let (_, played) = sim::run(seed, arguments.events);
        if let Ok(mut total) = total.lock() {
            total.add(seed, &played);
        }
    }
}

/// Says how far it is until all is done.
fn tells(arguments: &Arguments, total: &Mutex<Total>) {
    let mut said = Instant::now();
    loop {
        thread::sleep(Duration::from_millis(100));
        let Ok(total) = total.lock() else { return };
        if total.seeds >= arguments.seeds {
            return;
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            eprintln!("{} of {} seeds, {} failed", total.seeds, arguments.seeds, total.failed.len());
        }
    }
}

fn print(arguments: &Arguments, total: &Total, time: Duration) {
    let Total { seeds, messages, deaths, told, repeated, traces, failed } = total;
    let is_in_time = ((*seeds, arguments.events) == WHOLE).then_some(time.as_secs_f64() <= AIM);
    if arguments.json {
        let all = json!({
            "seeds": seeds, "events": arguments.events, "messages": messages, "deaths": deaths, "told": told,
            "repeated": repeated, "traces": format!("{traces:016x}"), "failed": failed, "seconds": time.as_secs_f64(),
            "aim_seconds": AIM, "in_time": is_in_time,
        });
        println!("{all:#}");
        return;
    }
    println!("seeds      {seeds} from {}, {} events each", arguments.from, arguments.events);
    println!("messages   {messages}");
    println!("deaths     {deaths} processes");
    println!("told       {told} events; {repeated} of them again, under the same id");
    println!("traces     {traces:016x} (the same for the same seeds)");
    let verdict = match is_in_time {
        Some(true) => format!("aim ≤ {AIM}: reached"),
        Some(false) => format!("aim ≤ {AIM} on two cores: **missed**"),
        None => format!("aim ≤ {AIM} for {} seeds of {} events", WHOLE.0, WHOLE.1),
    };
    println!("time       {:.1} s ({verdict})", time.as_secs_f64());
    println!("failed     {}", failed.len());
    if !failed.is_empty() {
        println!("           seeds {}", failed.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
    }
}

/// Shows the shortest history that fails as a seed did.
fn explain(arguments: &Arguments, seed: u64) {
    let history = History::drawn(seed, arguments.events);
    let shortest = shrink(&history, arguments.tries);
    println!("\nseed {seed} fails; the shortest history that does:\n{shortest}");
    sim::play(&shortest).checked.problems.iter().for_each(|problem| println!("  {problem}"));
    println!(
        "again: cargo bench -p drs-fleet-tests --bench simulation -- --seed {seed} --events {}",
        arguments.events
    );
}

/// A bug that takes more seeds than this is not caught.
const MOST_SEEDS: u64 = 1_000;

fn planted(arguments: &Arguments) -> ExitCode {
    let caught = |bug: &Bug| (*bug, caught_after(*bug, arguments.seeds.min(MOST_SEEDS), arguments.events));
    let is_meant = |bug: &&Bug| arguments.only.as_ref().is_none_or(|only| format!("{bug:?}").contains(only));
    let caught: Vec<_> = Bug::ALL.iter().filter(is_meant).map(caught).collect();
    if arguments.json {
        let one = |(bug, caught): &(Bug, Option<(u64, Problem)>)| json!({ "bug": format!("{bug:?}"), "words": bug.words().trim(), "seeds": caught.as_ref().map(|(seeds, _)| seeds) });
        println!("{:#}", json!(caught.iter().map(one).collect::<Vec<_>>()));
    } else {
        for (bug, caught) in &caught {
            match caught {
                Some((seeds, problem)) => {
                    println!("{bug:?}: caught after {seeds} seeds. {}\n    {problem}", bug.words().trim());
                }
                None => println!("{bug:?}: NOT CAUGHT. {}", bug.words().trim()),
            }
        }
    }
    ExitCode::from(u8::from(caught.iter().any(|(_, caught)| caught.is_none())))
}

fn again(arguments: &Arguments, seed: u64) -> ExitCode {
    let (history, first) = sim::run(seed, arguments.events);
    let (_, second) = sim::run(seed, arguments.events);
    println!("{history}");
    println!("trace {:016x}, and once more {:016x}", first.trace, second.trace);
    first.checked.problems.iter().for_each(|problem| println!("{problem}"));
    let is_well = first.checked.problems.is_empty() && first.trace == second.trace;
    ExitCode::from(u8::from(!is_well))
}
