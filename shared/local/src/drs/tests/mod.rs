mod extensions;
mod failback;
mod fates;
mod health;
mod instances;
mod jobs;
mod life;
mod lists;
mod mishaps;
mod networks;
mod origins;
mod quotas;
mod resumption;
mod servers;
mod tagging;
mod trail;
mod wired;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::replication::Replication;
use super::request::Request;
use super::site::Site;
use super::spec::ServerSpec;
use super::stamp::after;
use super::{Drs, Settings};
use crate::call::{Principal, Refusal};
use crate::events::ServiceEvent;

const HOME: (&str, &str) = ("111122223333", "eu-central-1");

/// A cloud with DRS only, whose time stands still unless it is moved.
struct Bench {
    drs: Drs,
    now: Timestamp,
    heard: Vec<ServiceEvent>,
}

impl Bench {
    /// An initialised account with `servers` healthy servers that stay so.
    fn with(servers: usize) -> (Self, Vec<String>) {
        let now = "2026-03-02T08:00:00Z".parse().unwrap();
        let bench = Self { drs: Drs::default(), now, heard: Vec::new() };
        bench.drs.initialize(HOME);
        bench.drs.configure(HOME, Settings { restless: 0, ..Settings::default() });
        let add = |index| {
            let spec = ServerSpec::named(&format!("web-{index:03}")).continuous(after(now, -86_400));
            bench.drs.add_server(HOME, spec, now).unwrap()
        };
        let ids = (0..servers).map(add).collect();
        (bench, ids)
    }

    fn request(&self, operation: &str, body: Value) -> Request {
        Request {
            account: HOME.0.to_owned(),
            region: HOME.1.to_owned(),
            operation: operation.to_owned(),
            principal: Principal::Role {
                account: HOME.0.to_owned(),
                role_arn: format!("arn:aws:iam::{}:role/drs-fleet-spoke", HOME.0),
                session: "job-monitor".to_owned(),
            },
            now: self.now,
            body,
        }
    }

    fn ask(&mut self, operation: &str, body: Value) -> Result<Value, Refusal> {
        self.send(&self.request(operation, body)).map(|(_, body)| body)
    }

    fn send(&mut self, request: &Request) -> Result<(u16, Value), Refusal> {
        let (answer, events) = self.drs.answer(request, || Ok(()));
        self.heard.extend(events);
        answer
    }

    /// Moves the time and lets the state follow.
    fn wait(&mut self, seconds: i64) {
        self.now = after(self.now, seconds);
        for site in self.drs.sites() {
            self.heard.extend(self.drs.pass(&site, self.now));
        }
    }

    /// Does to the account what `control.rs` and its like do, and hears what that tells.
    fn alter(
        &mut self,
        change: impl FnOnce(&mut Site, Timestamp) -> Result<Option<ServiceEvent>, Refusal>,
    ) -> Result<(), Refusal> {
        self.alter_at(HOME, change)
    }

    fn alter_at(
        &mut self,
        (account, region): (&str, &str),
        change: impl FnOnce(&mut Site, Timestamp) -> Result<Option<ServiceEvent>, Refusal>,
    ) -> Result<(), Refusal> {
        let site = self.drs.site(account, region);
        let told = change(&mut crate::world::lock(&site), self.now)?;
        self.heard.extend(told);
        Ok(())
    }

    fn server(&mut self, id: &str) -> Value {
        let answer = self.ask("DescribeSourceServers", json!({ "filters": { "sourceServerIDs": [id] } }));
        answer.unwrap()["items"][0].clone()
    }

    fn state(&mut self, id: &str) -> String {
        self.server(id)["dataReplicationInfo"]["dataReplicationState"].as_str().unwrap().to_owned()
    }

    /// Does to a server what `health.rs` does.
    fn change(&self, id: &str, change: impl FnOnce(&mut Replication) -> bool) -> Result<(), Refusal> {
        let site = self.drs.site(HOME.0, HOME.1);
        crate::world::lock(&site).change(id, "is in no state for it", change).map(drop)
    }

    fn recovers(&self, id: &str) -> Option<ServiceEvent> {
        crate::world::lock(&self.drs.site(HOME.0, HOME.1)).recover(id, self.now).unwrap()
    }

    fn info(&mut self, id: &str) -> Value {
        self.server(id)["dataReplicationInfo"].clone()
    }

    fn heard(&self, detail_type: &str) -> Vec<&ServiceEvent> {
        self.heard.iter().filter(|event| event.detail_type == detail_type).collect()
    }

    fn recover(&mut self, ids: &[String], drill: bool) -> Result<String, Refusal> {
        let servers: Vec<Value> = ids.iter().map(|id| json!({ "sourceServerID": id })).collect();
        let answer = self.ask("StartRecovery", json!({ "sourceServers": servers, "isDrill": drill }))?;
        Ok(answer["job"]["jobID"].as_str().unwrap().to_owned())
    }

    fn job(&mut self, id: &str) -> Value {
        let answer = self.ask("DescribeJobs", json!({ "filters": { "jobIDs": [id] } })).unwrap();
        answer["items"][0].clone()
    }
}
