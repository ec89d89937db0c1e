//! What one event costs and how long it takes: the capacity-tracker beside a plain consumer, both against the same
//! canned endpoint.

pub mod baseline;
pub mod canned;
mod control;
pub mod cost;
mod dollars;
pub mod endpoint;
pub mod one_core;
mod process;
pub mod start;
mod state;
mod stream;
pub mod throttled;
pub mod trickle;
pub mod units;

use drs_fleet_testkit::stream as events;
