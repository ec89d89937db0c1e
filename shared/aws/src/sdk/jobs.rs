//! DRS jobs, their logs and recovery instances in a spoke: one page at a time, reduced to what decisions use.

use aws_sdk_drs::Client;
use aws_sdk_drs::types::{
    DescribeJobsRequestFilters, DescribeRecoveryInstancesRequestFilters, Job, JobLog, LaunchStatus,
    ParticipatingServer, RecoveryInstance,
};
use drs_fleet_domain::ids::JobId;
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{JobLogSeen, JobSeen, JobServerSeen, Page, RecoveryInstanceSeen, Size};
use jiff::Timestamp;

use super::Answer;
use super::drs::{DateHeader, PAGE, code, id, uninitialized};
use crate::io::{JobFilter, RecoveryFilter};

pub(super) async fn jobs(
    client: &Client,
    place: &Place,
    filter: &JobFilter,
    page: Option<String>,
) -> Answer<Page<JobSeen>> {
    const OPERATION: &str = "DescribeJobs";
    let filters = DescribeJobsRequestFilters::builder();
    let filters = match filter {
        JobFilter::All => None,
        JobFilter::Since(time) => Some(filters.from_date(date(*time)).build()),
        JobFilter::Ids(ids) => {
            Some(filters.set_job_ids(Some(ids.iter().map(ToString::to_string).collect())).build())
        }
    };
    let date = DateHeader::default();
    let request = client.describe_jobs().set_filters(filters).max_results(PAGE).set_next_token(page);
    match request.customize().interceptor(date.clone()).send().await {
        Ok(answer) => Ok(Page {
            items: answer.items.into_iter().flatten().filter_map(|j| job(place, j)).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        }),
        Err(error) => uninitialized(&error, &date, OPERATION),
    }
}

pub(super) async fn job_log(
    client: &Client,
    place: &Place,
    job: &JobId,
    page: Option<String>,
) -> Answer<Page<JobLogSeen>> {
    const OPERATION: &str = "DescribeJobLogItems";
    let date = DateHeader::default();
    let request = client.describe_job_log_items().job_id(job.as_str()).max_results(PAGE).set_next_token(page);
    match request.customize().interceptor(date.clone()).send().await {
        Ok(answer) => Ok(Page {
            items: answer.items.into_iter().flatten().filter_map(|line| log_line(place, line)).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        }),
        // Of a job that was deleted meanwhile there is no log.
        Err(error) if code(&error) == Some("ValidationException") => {
            Ok(Page { items: Vec::new(), next: None, date: date.time(OPERATION)?, initialized: true })
        }
        Err(error) => uninitialized(&error, &date, OPERATION),
    }
}

pub(super) async fn recovery_instances(
    client: &Client,
    place: &Place,
    filter: &RecoveryFilter,
    page: Option<String>,
) -> Answer<Page<RecoveryInstanceSeen>> {
    const OPERATION: &str = "DescribeRecoveryInstances";
    let filters = match filter {
        RecoveryFilter::All => None,
        RecoveryFilter::OfServers(ids) => {
            let ids = ids.iter().map(ToString::to_string).collect();
            let filters = DescribeRecoveryInstancesRequestFilters::builder();
            Some(filters.set_source_server_ids(Some(ids)).build())
        }
    };
    let date = DateHeader::default();
    let request =
        client.describe_recovery_instances().set_filters(filters).max_results(PAGE).set_next_token(page);
    match request.customize().interceptor(date.clone()).send().await {
        Ok(answer) => Ok(Page {
            items: answer.items.into_iter().flatten().filter_map(|seen| instance(place, seen)).collect(),
            next: answer.next_token.filter(|token| !token.is_empty()),
            date: date.time(OPERATION)?,
            initialized: true,
        }),
        Err(error) => uninitialized(&error, &date, OPERATION),
    }
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn job(place: &Place, seen: Job) -> Option<JobSeen> {
    let networks = seen.participating_resources.into_iter().flatten();
    let status = |status: Option<LaunchStatus>| status.map(|s| s.as_str().to_owned()).unwrap_or_default();
    let servers = seen.participating_servers.into_iter().flatten();
    Some(JobSeen {
        id: id(place, &seen.job_id)?,
        kind: seen.r#type.map(|t| t.as_str().to_owned()).unwrap_or_default(),
        initiated_by: seen.initiated_by.map(|i| i.as_str().to_owned()),
        status: seen.status.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        created: seen.creation_date_time.and_then(|text| id(place, &text)),
        ended: seen.end_date_time.and_then(|text| id(place, &text)),
        servers: servers.filter_map(|server| job_server(place, server)).collect(),
        networks: networks.map(|network| status(network.launch_status)).collect(),
        tags: seen.tags.into_iter().flatten().collect(),
    })
}

fn job_server(place: &Place, seen: ParticipatingServer) -> Option<JobServerSeen> {
    let instance = seen.recovery_instance_id.filter(|text| !text.is_empty());
    Some(JobServerSeen {
        server: id(place, &seen.source_server_id.unwrap_or_default())?,
        launch_status: seen.launch_status.map(|s| s.as_str().to_owned()),
        recovery_instance: instance.and_then(|text| id(place, &text)),
    })
}

fn log_line(place: &Place, line: JobLog) -> Option<JobLogSeen> {
    let data = line.event_data;
    let server = data.as_ref().and_then(|data| data.source_server_id.as_deref()).filter(|id| !id.is_empty());
    Some(JobLogSeen {
        at: id(place, &line.log_date_time?)?,
        event: line.event?.as_str().to_owned(),
        server: server.and_then(|text| id(place, text)),
        error: data.and_then(|data| data.raw_error).filter(|text| !text.is_empty()),
    })
}

fn instance(place: &Place, seen: RecoveryInstance) -> Option<RecoveryInstanceSeen> {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let error = seen.data_replication_info.and_then(|info| info.data_replication_error?.error);
    let machine = seen.recovery_instance_properties;
    let size = machine.map(|machine| Size {
        cores: machine.cpus().iter().filter_map(|cpu| u64::try_from(cpu.cores).ok()).sum(),
        ram: u64::try_from(machine.ram_bytes).unwrap_or_default(),
    });
    Some(RecoveryInstanceSeen {
        id: id(place, &text(seen.recovery_instance_id).or(seen.ec2_instance_id)?)?,
        server: text(seen.source_server_id).and_then(|text| id(place, &text)),
        job: text(seen.job_id).and_then(|text| id(place, &text)),
        drill: seen.is_drill,
        state: seen.ec2_instance_state.map(|state| state.as_str().to_owned()),
        failback: seen.failback.and_then(|failback| failback.state).map(|state| state.as_str().to_owned()),
        failback_error: error.map(|error| error.as_str().to_owned()),
        size: size.unwrap_or_default(),
    })
}
