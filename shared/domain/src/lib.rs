//! What drs-fleet decides, without any I/O: ids, events, observations, incidents, messages.
//!
//! Every decision is a function `decide(observations, stored, context) -> Option<Change>`: it reads no
//! clock, does no I/O, and carries in its result every value that the shell needs. An observation is the same
//! type whether an event or a sweep brought it; neither order nor delivery is given, so each facet of a row
//! carries the [`stamp::Stamp`] of what it last believed.

pub mod arn;
pub mod capacity;
pub mod click;
pub mod counts;
pub mod drills;
pub mod envelope;
pub mod event;
pub mod explain;
pub mod failback_remedy;
pub mod fleet;
pub mod ids;
pub mod incident;
pub mod job;
pub mod job_room;
pub mod job_sweep;
pub mod keys;
pub mod launch_remedy;
pub mod launches;
pub mod message;
pub mod notification;
pub mod notify;
pub mod own_event;
pub mod pace;
pub mod pattern;
pub mod place;
pub mod placement;
pub mod planted;
pub mod policy;
pub mod quota;
pub mod recovery;
pub mod registry;
pub mod remedy;
pub mod routing;
pub mod row;
pub mod seen;
pub mod server;
pub mod span;
pub mod stamp;
mod strict;
pub mod sweep;
pub mod tags;
pub mod trend;
pub mod unhandled;
pub mod words;
