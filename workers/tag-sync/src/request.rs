//! What a person asked for: `tags sync`. As a sweep, but it goes on after what fails, and says how far it is.

use std::sync::OnceLock;
use std::time::Duration;

use drs_fleet_aws::holding::{Holding, Stopped};
use drs_fleet_aws::io::Io;
use drs_fleet_aws::patience::patiently;
use drs_fleet_aws::sweeps;
use drs_fleet_aws::verdict::IoError;
use drs_fleet_domain::ids::SourceServerId;
use drs_fleet_domain::keys::{self, Place};
use drs_fleet_domain::tags::{Cause, TagRequest, TagRequestRow, TagSweepRow, Tally};
use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::TagSync;
use crate::compare::{Asker, Compared, Need, compare};
use crate::server::{self, Done};
use crate::sweep::{AT_ONCE, is_swept};

/// How far it is is written down so often at most.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// Who finds another worker at a server looks again so often, after so long: in all for longer than that one's claim lasts.
const LOOKS: usize = 26;
const BUSY: Duration = Duration::from_secs(5);

type Unread = Vec<(Place, String)>;

/// Brings the servers that a person means in line.
pub(crate) async fn serve<I: Io>(
    worker: &TagSync,
    io: &I,
    place: &Place,
    (asked, asked_at): (&TagRequest, Timestamp),
) -> Result<(), IoError> {
    let began = io.now();
    let key = keys::tag_request(place, &asked.request);
    let claim = |row: Option<&_>| TagRequestRow::claim(place, asked, row, (asked_at, began));
    let claimed = worker.requests.change_now(io, &key, claim).await?;
    let claim = claimed.row().filter(|_| claimed.changed()).and_then(|row| row.sweeping.clone());
    let Some(claim) = claim else { return Ok(()) };
    let mut work = Work { worker, io, place, asked, tally: Tally::default(), told_at: began };
    let mut holding = Holding::of(claim, &worker.requests, key.clone());
    let unread = match work.apply(&mut holding).await {
        Ok(unread) => unread,
        Err(Stopped::Overtaken) => return Ok(()),
        Err(Stopped::Failed(error)) => return Err(error),
    };
    let tally = &work.tally;
    if asked.servers.is_none() && tally.is_whole() {
        let ended = |row: Option<&_>| TagSweepRow::ended(place, row, (None, began), &unread);
        worker.sweeps.change(io, &keys::tag_sweep(place), ended).await?;
    }
    let ended = |row: Option<&_>| TagRequestRow::ended(row, holding.claim(), (tally, &unread), io.now());
    worker.requests.change(io, &key, ended).await?;
    worker.requests.release(&key);
    Ok(())
}

struct Work<'a, I> {
    worker: &'a TagSync,
    io: &'a I,
    place: &'a Place,
    asked: &'a TagRequest,
    tally: Tally,
    /// When it was last written down how far it is.
    told_at: Timestamp,
}

impl<I: Io> Work<'_, I> {
    /// Answers the accounts and Regions of machines that could not be read.
    async fn apply(&mut self, holding: &mut Holding<TagRequestRow>) -> Result<Unread, Stopped> {
        let Self { worker, io, place, asked, .. } = *self;
        if !is_swept(worker, io, place).await? {
            self.tally.refused = Some("the account is switched off, or not validated".to_owned());
            return Ok(Unread::new());
        }
        let asker = Asker::Person(asked);
        let Compared { servers, unread, failed } = compare(worker, io, place, asker, holding).await?;
        self.tally.servers = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        let mut to_look_at = Vec::new();
        for (id, need) in servers {
            match need {
                Need::Look | Need::Waits => to_look_at.push(id),
                Need::Nothing => self.tally.in_line += 1,
                Need::Skipped => self.tally.skipped += 1,
            }
        }
        self.tell(holding).await?;
        // Once the account refuses us, it is not asked about each server.
        let (closed, cause) = (OnceLock::new(), asker.cause());
        let mut running = stream::iter(to_look_at)
            .map(|id| {
                let (closed, cause) = (&closed, &cause);
                async move { (bring(worker, io, (place, &id), cause, closed).await, id) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((done, id)) = running.next().await {
            match done {
                Ok(done) => self.count(id, done),
                Err(error) if asker.goes_on_after(&error) => self.tally.fail(id, error.message),
                Err(error) => return Err(error.into()),
            }
            holding.goes_on(io).await?;
            if self.told_at.checked_add(TOLD_EVERY).is_ok_and(|at| at <= io.now()) {
                self.tell(holding).await?;
            }
        }
        drop(running);
        self.tally.refused = closed.into_inner();
        failed.map_or(Ok(unread), |error| Err(error.into()))
    }

    fn count(&mut self, id: SourceServerId, done: Done) {
        match done {
            Done::InLine => self.tally.in_line += 1,
            Done::Written => self.tally.written += 1,
            Done::Skipped => self.tally.skipped += 1,
            Done::Refused(why) => self.tally.fail(id, why),
            Done::Busy => self.tally.fail(id, "another worker changes its tags".to_owned()),
        }
    }

    async fn tell(&mut self, holding: &Holding<TagRequestRow>) -> Result<(), Stopped> {
        self.told_at = self.io.now();
        let key = keys::tag_request(self.place, &self.asked.request);
        let reached = |row: Option<&_>| TagRequestRow::reached(row, holding.claim(), &self.tally);
        self.worker.requests.change(self.io, &key, reached).await?;
        Ok(())
    }
}

/// One server; DRS may throttle, and another worker may be at it.
async fn bring<I: Io>(
    worker: &TagSync,
    io: &I,
    (place, id): (&Place, &SourceServerId),
    cause: &Cause,
    closed: &OnceLock<String>,
) -> Result<Done, IoError> {
    for _ in 0..LOOKS {
        if let Some(why) = closed.get() {
            return Ok(Done::Refused(format!("not tried, for the account refuses: {why}")));
        }
        match patiently(io, || server::bring(worker, io, (place, id), cause, None)).await {
            Ok(Done::Busy) => io.sleep(BUSY).await,
            Err(error) if sweeps::is_refusal(&error) => {
                io.evict(&place.account);
                // Others may have been refused at the same time.
                let _ = closed.set(error.message.clone());
                return Err(error);
            }
            done => return done,
        }
    }
    Ok(Done::Busy)
}
