//! R17: of a hundred accounts one refuses, one throttles and one never answers. The others are swept as fast as without them;
//! each of the three is told, and told to be over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::{Policy, Thresholds};
use drs_fleet_local::faults::{Fault, FaultRule};
use drs_fleet_local::iam::Role as IamRole;
use jiff::Timestamp;
use serde_json::Value;

use super::args::{Role, What};
use super::hub::{Hub, Starts};
use super::load::median;
use super::report::{Report, say};
use super::told::told_over;
use crate::process::Process;

const ACCOUNTS: usize = 100;
/// In each account.
const SERVERS: usize = 60;
/// What a call of any service takes.
const CALL: Duration = Duration::from_millis(50);
/// Never answered, as far as a worker can tell.
const NEVER: Duration = Duration::from_mins(30);
/// So often all are swept without trouble, and in it at least.
const ROUNDS: usize = 5;
/// From the request for one sweep of all to the next: longer than a place's first sweep is from being made again.
const APART: Duration = Duration::from_secs(15);
/// Sweeps in vain are an incident after this.
const UNSWEPT: Duration = Duration::from_mins(1);
/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_mins(6);
/// How much slower the others may seem: they take a second or two, on the processors of the cloud that they call.
const NOISE: f64 = 1.25;
const LOOK: Duration = Duration::from_millis(100);

struct Spokes {
    hub: Hub,
    tracker: Process,
    /// The three, and what each is told to have.
    odd: BTreeMap<Place, &'static str>,
    role: Option<(String, Arc<IamRole>)>,
}

pub(super) async fn run(seed: u64, starts: Starts) -> anyhow::Result<Report> {
    say(&format!("spokes: {ACCOUNTS} accounts with {SERVERS} servers each, three of them in trouble"));
    let mut spokes = Spokes::build(seed, starts).await?;
    // The first sweep writes every row, and is made again soon.
    spokes.round(&BTreeSet::new()).await?;
    let mut well = Vec::new();
    for _ in 0..ROUNDS {
        well.push(spokes.round(&BTreeSet::new()).await?);
    }
    spokes.trouble()?;
    let expected: BTreeSet<_> = spokes.odd.iter().map(|(place, kind)| named(place, kind)).collect();
    let (beside, opened) = spokes.until(ROUNDS, |open| *open == expected).await?;
    spokes.mend();
    let (_, left) = spokes.until(1, BTreeSet::is_empty).await?;
    let mut report = Report::new(What::Spokes, &format!("--seed {seed}"));
    report.count("seed", seed);
    report.count("account-count", ACCOUNTS);
    report.count("server-count", ACCOUNTS * SERVERS);
    report.count("rounds-in-trouble", beside.len());
    report.count("seconds-for-97-without-trouble", rounded(median(&well)));
    report.count("seconds-for-97-beside-three", rounded(median(&beside)));
    report.at_most(
        "R17: time for the 97 beside three in trouble, x without",
        median(&beside) / median(&well),
        NOISE,
    );
    report.none("R17: incidents of the three that did not open", missing(&expected, &opened));
    report.none("R17: other incidents", missing(&opened, &expected));
    report.none("R17: incidents that did not end by themselves", left.into_iter().collect());
    let told = spokes.hub.told()?;
    let told = told_over(&told);
    let open: Vec<_> =
        told.iter().filter(|(_, over)| !**over).map(|(subject, _)| (*subject).to_owned()).collect();
    report.none("R17: told to be open in the end", open);
    let is_told = |place: &&Place| told.keys().any(|subject| subject.contains(place.account.as_str()));
    let untold = spokes.odd.keys().filter(|place| !is_told(place)).map(|place| place.account.to_string());
    report.none("R17: of the three not told", untold.collect());
    let of_three = |subject: &str| spokes.odd.keys().any(|place| subject.contains(place.account.as_str()));
    report
        .none("R17: told of others", told.keys().filter(|s| !of_three(s)).map(|s| (*s).to_owned()).collect());
    report.count("subjects-told-of", told.len());
    let dead = spokes.hub.dead_letters().into_iter().map(|letter| letter.body);
    report.none("R17: dead letters", dead.collect());
    Ok(report)
}

impl Spokes {
    async fn build(seed: u64, starts: Starts) -> anyhow::Result<Self> {
        let hub = Hub::with_servers(seed, (ACCOUNTS, SERVERS), starts).await?;
        let fleet = Thresholds { unswept_after: Some(UNSWEPT.into()), ..Thresholds::default() };
        hub.set_policy(Policy { fleet, ..Policy::default() }).await?;
        hub.set_faults(vec![slow()]);
        let kinds = ["ACCOUNT_DENIED", "SWEEP_OVERDUE", "SWEEP_OVERDUE"];
        let odd = hub.places().into_iter().zip(kinds).collect();
        let tracker = hub.worker(Role::CapacityTracker)?;
        Ok(Self { hub, tracker, odd, role: None })
    }

    /// The first account's role is gone, the second throttles each call of DRS, and the third answers none.
    fn trouble(&mut self) -> anyhow::Result<()> {
        let [denied, throttled, hanging] = [0, 1, 2].map(|n: usize| self.odd.keys().nth(n).cloned());
        let (denied, throttled) = (denied.context("no account")?, throttled.context("one account")?);
        let arn = format!("arn:aws:iam::{}:role/drs-fleet-spoke", denied.account);
        let role = self.hub.iam().role(&arn).with_context(|| format!("there is no role {arn}"))?;
        self.hub.iam().delete_role(&arn);
        self.role = Some((arn, role));
        let drs =
            |fault, place: &Place| FaultRule::of(("drs", ""), 1.0, fault).in_account(place.account.as_str());
        let hangs = drs(Fault::Delay(NEVER), &hanging.context("two accounts")?);
        self.hub.set_faults(vec![drs(Fault::Throttle, &throttled), hangs, slow()]);
        Ok(())
    }

    fn mend(&mut self) {
        if let Some((arn, role)) = self.role.take() {
            self.hub.iam().restore_role(&arn, role);
        }
        self.hub.set_faults(vec![slow()]);
    }

    /// Has all places swept, and waits until [`APART`] is over; answers the seconds until all but the three and those in
    /// `without` were.
    async fn round(&mut self, without: &BTreeSet<Place>) -> anyhow::Result<f64> {
        let (began, asked) = (Instant::now(), Timestamp::now());
        self.hub.sweep().await?;
        let mut took = None;
        while took.is_none() || began.elapsed() < APART {
            tokio::time::sleep(LOOK).await;
            self.tracker.still_runs()?;
            if took.is_none() {
                let swept = self.hub.swept().await?;
                let is_done =
                    |place: &Place| swept.get(place).is_some_and(|at| at.as_second() >= asked.as_second());
                let mut awaited = self.hub.places().into_iter().filter(|place| !without.contains(place));
                took = awaited.all(|place| is_done(&place)).then(|| began.elapsed().as_secs_f64());
            }
            anyhow::ensure!(began.elapsed() < PATIENCE, "a sweep does not end");
        }
        Ok(took.unwrap_or_default())
    }

    /// Has all places swept so often at least, and again and again, until the incidents that are open are as they should be, or
    /// patience ends. Answers the seconds that the 97 took each time, and what is open then.
    async fn until(
        &mut self,
        at_least: usize,
        are_right: impl Fn(&BTreeSet<String>) -> bool,
    ) -> anyhow::Result<(Vec<f64>, BTreeSet<String>)> {
        let (began, without) = (Instant::now(), self.odd.keys().cloned().collect());
        let mut rounds = Vec::new();
        loop {
            rounds.push(self.round(&without).await?);
            let open = open(&self.hub.items().await?);
            say(&format!("{:.1} s for the 97; open: {open:?}", rounds.last().unwrap_or(&0.0)));
            if (are_right(&open) && rounds.len() >= at_least) || began.elapsed() > PATIENCE {
                return Ok((rounds, open));
            }
        }
    }
}

fn slow() -> FaultRule {
    FaultRule::of(("", ""), 1.0, Fault::Delay(CALL))
}

fn named(place: &Place, kind: &str) -> String {
    format!("place#{}#{} {kind}", place.account, place.region)
}

/// What is open by the items of the table, of whatever subject.
fn open(items: &[Value]) -> BTreeSet<String> {
    let of_item = |item: &Value| {
        let pk = item["pk"].as_str().unwrap_or_default().to_owned();
        let incidents = item["row"]["incidents"].as_object().cloned().unwrap_or_default();
        let open = incidents.into_iter().filter(|(_, incident)| incident["closed_at"].is_null());
        open.map(move |(kind, _)| format!("{pk} {kind}"))
    };
    items.iter().flat_map(of_item).collect()
}

/// What is in the one and not in the other.
fn missing(of: &BTreeSet<String>, from: &BTreeSet<String>) -> Vec<String> {
    of.difference(from).cloned().collect()
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
