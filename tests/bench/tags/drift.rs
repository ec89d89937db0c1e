//! A full comparison: what it reads, and what it writes.

use std::time::Duration;

use anyhow::Context as _;
use drs_fleet_aws::consume::{Options, consume};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::memory::MemoryIo;
use drs_fleet_aws::metrics::Metrics;
use drs_fleet_aws::registry::RegistryCache;
use drs_fleet_domain::ids::InstanceId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::policy::Policy;
use drs_fleet_domain::seen::{ServerSeen, TaggedInstance};
use drs_fleet_domain::server::{Context, Observation, ServerDetailsRow, decide};
use drs_fleet_testkit::company::{place, register, tick};
use serde::Serialize;
use tag_sync::TagSync;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// As AWS has them.
const PAGE: usize = 100;
/// So many machines are tagged otherwise before the last comparison.
const CHANGED: u16 = 10;
/// Longer than any comparison takes.
const SWEPT: Duration = Duration::from_mins(4);

/// What one comparison took.
#[derive(Debug, Serialize)]
pub struct Drift {
    pub what: &'static str,
    /// Servers that were not in line.
    pub differences: u16,
    pub pages_per_account: f64,
    pub tag_writes: usize,
    pub table_writes: usize,
    pub describes: usize,
}

/// Of a fleet that was never compared, of the same when nothing differs, and when some machines are tagged otherwise.
pub async fn measure(accounts: u16, servers: u16) -> anyhow::Result<[Drift; 3]> {
    let io = MemoryIo::default().limited().with_latency(Duration::from_millis(50));
    let fleet = Fleet { io, accounts, servers };
    fleet.places().for_each(|(place, _)| register(&fleet.io, &place));
    let worker = TagSync::new(RegistryCache::default(), &Metrics::default());
    let working =
        tokio::spawn(consume(fleet.io.clone(), worker, Options::default(), CancellationToken::new()));
    fleet.is_swept()?;
    fleet.tag(|_| "ada")?;
    let first = fleet.compare("never compared before", servers).await;
    fleet.is_swept()?;
    let again = fleet.compare("nothing differs", 0).await;
    fleet.tag(|n| if n < CHANGED { "bob" } else { "ada" })?;
    let changed = fleet.compare("some were tagged anew", CHANGED.min(servers)).await;
    working.abort();
    Ok([first, again, changed])
}

struct Fleet {
    io: MemoryIo,
    accounts: u16,
    servers: u16,
}

impl Fleet {
    /// Each place with the numbers of its servers.
    fn places(&self) -> impl Iterator<Item = (Place, Vec<u16>)> {
        let (accounts, servers) = (self.accounts, self.servers);
        (0..accounts).map(move |n| {
            let numbers = (0..servers).filter(|server| server % accounts == n).collect();
            (place(n.into()), numbers)
        })
    }

    /// The capacity-tracker has found the servers, as DRS has them now.
    fn is_swept(&self) -> anyhow::Result<()> {
        let (policy, now) = (Policy::default(), self.io.now());
        let context = Context::new("erp-prod", &policy, now);
        for (place, numbers) in self.places() {
            self.io.set_page_size(&place, Some(PAGE));
            let listed: Vec<_> =
                numbers.into_iter().map(|n| self.server(&place, n)).collect::<Result<_, _>>()?;
            for seen in &listed {
                let observed = [Observation::Seen { seen: Box::new(seen.clone()), at: now }];
                let decided = decide((&place, &seen.id), &observed, None, &context);
                let row = decided.context("what is seen for the first time is stored")?.row;
                self.io.set_row(&row);
                self.io.set_row(&ServerDetailsRow::told(&place, seen, now));
            }
            self.io.set_servers(&place, listed);
        }
        Ok(())
    }

    fn server(&self, place: &Place, n: u16) -> anyhow::Result<ServerSeen> {
        let arn = format!("arn:aws:drs:{}:{}:source-server/s-{n:017}", place.region, place.account);
        let mut seen = ServerSeen {
            hostname: Some(format!("erp-{n}")),
            instance: Some(instance(n)?),
            state: Some("CONTINUOUS".to_owned()),
            tags: self.io.tags(place, &arn),
            ..ServerSeen::new(format!("s-{n:017}").parse()?, arn)
        };
        seen.facts.origin_account = Some(place.account.to_string());
        seen.facts.origin_zone = Some(format!("{}a", place.region));
        Ok(seen)
    }

    /// Tags all machines; no event tells of it.
    fn tag(&self, owner: impl Fn(u16) -> &'static str) -> anyhow::Result<()> {
        for (place, numbers) in self.places() {
            let machine = |n: u16| {
                let tags = [("Owner", owner(n)), ("CostCentre", "4711"), ("PatchGroup", "sunday")];
                let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
                anyhow::Ok(TaggedInstance { instance: instance(n)?, tags })
            };
            self.io.set_tagged(&place, numbers.into_iter().map(machine).collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    async fn compare(&self, what: &'static str, differences: u16) -> Drift {
        let before = self.io.points().len();
        tick(&self.io);
        sleep(SWEPT).await;
        let points = self.io.points().split_off(before);
        let calls = |call: &str| points.iter().filter(|point| **point == call).count();
        Drift {
            what,
            differences,
            pages_per_account: calls("tagged_instances") as f64 / f64::from(self.accounts),
            tag_writes: calls("tag") + calls("untag"),
            table_writes: calls("commit"),
            describes: calls("source_servers"),
        }
    }
}

fn instance(n: u16) -> anyhow::Result<InstanceId> {
    Ok(format!("i-{n:017}").parse()?)
}
