//! A crash between any two effects: whatever a path does to the world, and wherever it fails or dies, it ends in the
//! same state, and people were told what they would have been told.
//!
//! Each path is played once without fault. Then it is played again for every I/O point that it passed, and there the
//! call fails, loses its answer, happens twice, or is the last thing the process did. The seam itself counts the points of
//! a path, and names all points that there are; backtraces name the lines of code that come to them: each is in a path
//! (`seam.rs`), so none can be forgotten.

mod capacity;
mod claims;
mod clicks;
mod day;
mod drills;
mod ending;
mod hindered;
mod instances;
mod jobs;
mod late;
mod left;
mod looks;
mod lost;
mod notices;
mod pipeline;
mod places;
mod queue;
mod recoveries;
mod scene;
mod seam;
mod served;
mod silence;
mod sites;
mod tags;
mod told;
mod world;

use drs_fleet_aws::memory::{ASKS, Fault, MemoryIo};
use drs_fleet_aws::worker::Worker;
use drs_fleet_domain::keys::DUE_SHARDS;

use self::ending::Ending;
use self::scene::{Scene, play};

/// What a worker goes through: each step is taken when nothing is left to do of the one before.
struct Path<W> {
    make: fn() -> W,
    steps: &'static [fn(&Scene)],
}

/// Calls that change nothing: whether they took effect before they failed makes no difference.
const READS: [&str; 12] = [
    "due",
    "read",
    "query",
    "source_servers",
    "jobs",
    "job_log",
    "recovery_instances",
    "tagged_instances",
    "instance_types",
    "launch_configuration",
    "quotas",
    "is_signed",
];

/// Calls with many entries, each of which may fail by itself.
const BATCHES: [&str; 4] = ["delete", "hide", "enqueue", "publish"];

/// Seven ways in which a call may go wrong: fault, and whether the process dies of it.
const WAYS: [(Fault, bool); 7] = [
    (Fault::Before, false),
    (Fault::After, false),
    (Fault::Twice, false),
    (Fault::Part, false),
    (Fault::Before, true),
    (Fault::After, true),
    (Fault::Part, true),
];

impl<W: Worker> Path<W> {
    /// Plays it without fault, then with each fault at each point. Answers the names of the points, and the ending.
    async fn survives_everything(&self) -> (Vec<&'static str>, Ending) {
        self.survives_all(Ending::assert_same).await
    }

    /// The same with what is to be the same in the end, at all points from [`Scene::is_tried_from_here`] on.
    async fn survives_all(&self, is_same: fn(&Ending, &Ending, &str)) -> (Vec<&'static str>, Ending) {
        let scene = Scene::new().await;
        let (points, clean) = self.played_in(&scene, |_| {}).await;
        clean.assert_nothing_is_left("without fault");
        let check = |ending: &Ending, case: &str| {
            ending.assert_nothing_is_left(case);
            is_same(ending, &clean, case);
        };
        self.survives(&points, scene.tried_from(), check).await;
        (points, clean)
    }

    /// Plays it with each fault at each of its points from one on.
    async fn survives(&self, points: &[&'static str], from: usize, check: impl Fn(&Ending, &str)) {
        let tried: Vec<_> = worth_trying(points).into_iter().filter(|point| *point >= from).collect();
        if seam::only_asks_what_meets_faults(tried.iter().copied()) {
            return;
        }
        for point in tried {
            let matters = |fault| match fault {
                Fault::Before => true,
                Fault::Part => BATCHES.contains(&points[point]),
                _ => !READS.contains(&points[point]),
            };
            // Who dies while it only asks what is due dies the same at each of the calls of a round.
            let asks_on = points[point] == "due" && points.get(point + 1) == Some(&"due");
            for (fault, dies) in
                WAYS.into_iter().filter(|(fault, dies)| matters(*fault) && !(*dies && asks_on))
            {
                let plan = |io: &MemoryIo| {
                    if dies { io.crash_at(point, fault) } else { io.fail_at(point, fault) }
                };
                let (_, ending) = self.played(plan).await;
                let verb = if dies { "crash" } else { "fault" };
                check(
                    &ending,
                    &format!("{verb} {fault:?} at point {point} of {} ({})", points.len(), points[point]),
                );
            }
        }
    }

    async fn played(&self, plan: impl Fn(&MemoryIo)) -> (Vec<&'static str>, Ending) {
        self.played_in(&Scene::new().await, plan).await
    }

    async fn played_in(&self, scene: &Scene, plan: impl Fn(&MemoryIo)) -> (Vec<&'static str>, Ending) {
        let first = scene.process();
        plan(&first);
        play(scene, self.make, self.steps).await;
        (first.points(), Ending::of(scene))
    }
}

/// Plays a path with each of these faults at each of these points, unless only that is asked; answers what each came to.
async fn everywhere<F: Future>(
    points: impl Iterator<Item = usize> + Clone,
    faults: &[Fault],
    play: impl Fn((usize, Fault)) -> F,
) -> Vec<F::Output> {
    let mut came_to = Vec::new();
    if !seam::only_asks_what_meets_faults(points.clone()) {
        for (point, fault) in points.flat_map(|point| faults.iter().map(move |fault| (point, *fault))) {
            came_to.push(play((point, fault)).await);
        }
    }
    came_to
}

/// All points but those within a long stretch in which the worker only asked whether there is anything to do: of
/// these the last round, which finds what comes next, and the last receive, which brings the next message.
fn worth_trying(points: &[&str]) -> Vec<usize> {
    let round = usize::try_from(DUE_SHARDS).unwrap();
    let asks = |index: usize| ASKS.contains(&points[index]);
    let mut chosen = Vec::new();
    let mut from = 0;
    while from < points.len() {
        let to = (from..points.len()).find(|n| asks(*n) != asks(from)).unwrap_or(points.len());
        let last_receive = (from..to).rfind(|n| points[*n] == "receive");
        chosen.extend((from..to).filter(|n| !asks(*n) || *n + round >= to || Some(*n) == last_receive));
        from = to;
    }
    chosen
}
