//! What `routes test` is asked about: an incident, or a job of a drill.

use anyhow::{Context, bail};
use drs_fleet_domain::own_event::{IncidentEvent, JobEvent};
use serde_json::Value;

/// What people are told of.
#[derive(Debug, PartialEq)]
pub(super) struct Given {
    /// The incident; of a job, the one that it would be if it failed.
    pub(super) event: IncidentEvent,
    /// Whether it is a job of a drill, of which a line is told.
    pub(super) is_job: bool,
    /// The incident that it is where servers of the job failed: whoever hears of failures alone reads of it.
    pub(super) failure: Option<IncidentEvent>,
}

impl From<IncidentEvent> for Given {
    fn from(event: IncidentEvent) -> Self {
        Self { event, is_job: false, failure: None }
    }
}

impl Given {
    /// An event as the bus hands it on, or its detail.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let mut value: Value = serde_json::from_str(text).context("it is no JSON")?;
        let detail = value.get_mut("detail").map(Value::take).unwrap_or(value);
        let Ok(job) = serde_json::from_value::<JobEvent>(detail.clone()) else {
            let event: IncidentEvent =
                serde_json::from_value(detail).context("it is no event of an incident, and none of a job")?;
            return Ok(event.into());
        };
        if job.drill != Some(true) {
            bail!(
                "{} is no job of a drill: nobody is told of it, but of what is wrong with it (JOB_FAILED, JOB_STUCK)",
                job.job_id
            );
        }
        Ok(Self { event: job.as_incident(), is_job: true, failure: job.as_failure() })
    }
}
