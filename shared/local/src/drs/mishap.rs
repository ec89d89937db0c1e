//! What happens to events before the default bus gets them: AWS sends those of DRS with best effort only.
//!
//! The fault plan of the cloud loses and repeats copies between a bus and its targets, without a look at what they
//! are; here it can be chosen which events never come, or come twice.

use super::dice::Dice;
use crate::events::ServiceEvent;

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is never sent.
    Lost,
    /// It is sent twice, under two ids, so that only its content tells that it is the same.
    Doubled,
}

/// Which events a mishap befalls.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRule {
    /// `detail-type`, such as `DRS Source Server Launch Result`; empty for all.
    pub detail_type: String,
    /// Source servers (or recovery instances) that the event is about; empty for all.
    pub subjects: Vec<String>,
    /// Share of these events, 0 to 1.
    pub share: f64,
    /// What becomes of them.
    pub mishap: Mishap,
}

impl EventRule {
    /// A rule for all launch results of these servers.
    pub fn launch_results(servers: &[String], mishap: Mishap) -> Self {
        let detail_type = "DRS Source Server Launch Result".to_owned();
        Self { detail_type, subjects: servers.to_vec(), share: 1.0, mishap }
    }

    /// A rule for a share of all events of a detail type.
    pub fn share(detail_type: &str, share: f64, mishap: Mishap) -> Self {
        Self { detail_type: detail_type.to_owned(), subjects: Vec::new(), share, mishap }
    }

    fn fits(&self, event: &ServiceEvent) -> bool {
        let is_about = |arn: &String| {
            let id = arn.rsplit('/').next().unwrap_or_default();
            self.subjects.iter().any(|subject| subject == id)
        };
        (self.detail_type.is_empty() || self.detail_type == event.detail_type)
            && (self.subjects.is_empty() || event.resources.iter().any(is_about))
    }
}

/// The rules of one account and Region, and their dice.
#[derive(Debug)]
pub(super) struct Mishaps {
    rules: Vec<EventRule>,
    dice: Dice,
}

impl Default for Mishaps {
    fn default() -> Self {
        Self::new(Vec::new(), 0)
    }
}

impl Mishaps {
    pub(super) fn new(rules: Vec<EventRule>, seed: u64) -> Self {
        Self { rules, dice: Dice::seeded(seed, "mishaps") }
    }

    /// What is sent of these events. The first rule counts that fits and whose dice say so.
    pub(super) fn befall<'a>(&mut self, events: &'a [ServiceEvent]) -> Vec<&'a ServiceEvent> {
        let mut sent = Vec::with_capacity(events.len());
        for event in events {
            let dice = &mut self.dice;
            let rule = self.rules.iter().find(|rule| rule.fits(event) && dice.chance(rule.share));
            let copies = match rule.map(|rule| rule.mishap) {
                Some(Mishap::Lost) => 0,
                Some(Mishap::Doubled) => 2,
                None => 1,
            };
            sent.extend(std::iter::repeat_n(event, copies));
        }
        sent
    }
}
