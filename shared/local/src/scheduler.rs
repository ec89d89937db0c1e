//! Schedules that send to queues and buses.

/// Schedules that send to queues and buses.
#[derive(Debug, Default)]
pub struct Scheduler {}
