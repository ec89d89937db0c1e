//! Routes that tests and benchmarks tell by.

use std::time::Duration;

use drs_fleet_domain::notify::routes::Telling;
use drs_fleet_domain::notify::{Label, Routes};

/// Each incident is told by itself, when it opens at once and afterwards soon.
pub fn each_at_once() -> Routes {
    let default = Telling {
        group_by: Some(vec![Label::Kind, Label::Account, Label::Region, Label::Subject]),
        group_wait: Some(Duration::ZERO.into()),
        group_interval: Some(Duration::from_secs(30).into()),
        ..Telling::default()
    };
    Routes { default, ..Routes::default() }
}
