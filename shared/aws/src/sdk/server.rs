//! A source server as the SDK shows it, reduced to what decisions use.

use aws_sdk_drs::types::{
    DataReplicationInfo, DataReplicationInitiation, DataReplicationInitiationStepStatus, LifeCycle,
    NetworkInterface, SourceProperties, SourceServer, StagingArea,
};
use drs_fleet_domain::keys::Place;
use drs_fleet_domain::seen::{LastLaunch, Progress, ServerFacts, ServerSeen, Staging, Step};
use drs_fleet_domain::span;

use super::drs::id;

pub(super) fn seen(place: &Place, seen: SourceServer) -> Option<ServerSeen> {
    let facts = facts(place, &seen);
    let hints = seen.source_properties.and_then(|p| p.identification_hints);
    let (hostname, instance) = hints.map(|h| (h.hostname, h.aws_instance_id)).unwrap_or_default();
    let replication = seen.data_replication_info;
    let error = replication.as_ref().and_then(|r| r.data_replication_error.as_ref()?.error.as_ref());
    let state = replication.as_ref().and_then(|r| r.data_replication_state.as_ref());
    let last_seen = seen.life_cycle.and_then(|l| l.last_seen_by_service_date_time);
    Some(ServerSeen {
        id: id(place, &seen.source_server_id.unwrap_or_default())?,
        arn: seen.arn.unwrap_or_default(),
        hostname,
        instance: instance.filter(|text| !text.is_empty()).and_then(|text| id(place, &text)),
        state: state.map(|s| s.as_str().to_owned()),
        error: error.map(|e| e.as_str().to_owned()),
        progress: replication.as_ref().map(progress).unwrap_or_default(),
        staging: seen.staging_area.map(|area| staging(place, area)).unwrap_or_default(),
        last_seen: last_seen.and_then(|text| id(place, &text)),
        facts,
        tags: seen.tags.into_iter().flatten().collect(),
    })
}

fn progress(info: &DataReplicationInfo) -> Progress {
    let disks = info.replicated_disks();
    // Nothing said of any disk is not the same as nothing to do.
    let sum = |bytes: fn(&aws_sdk_drs::types::DataReplicationInfoReplicatedDisk) -> i64| {
        (!disks.is_empty()).then(|| disks.iter().map(bytes).filter_map(|n| u64::try_from(n).ok()).sum())
    };
    Progress {
        lag: info.lag_duration().and_then(span::parse),
        backlog: sum(|disk| disk.backlogged_storage_bytes),
        replicated: sum(|disk| disk.replicated_storage_bytes),
        rescanned: sum(|disk| disk.rescanned_storage_bytes),
        total: sum(|disk| disk.total_storage_bytes),
        step: info.data_replication_initiation().and_then(step),
    }
}

fn step(initiation: &DataReplicationInitiation) -> Option<Step> {
    use DataReplicationInitiationStepStatus::{Skipped, Succeeded};
    let open = initiation.steps().iter().find(|s| !matches!(s.status(), Some(Succeeded | Skipped)))?;
    Some(Step {
        name: open.name().map(|n| n.as_str().to_owned()).unwrap_or_default(),
        status: open.status().map(|s| s.as_str().to_owned()).unwrap_or_default(),
    })
}

fn staging(place: &Place, area: StagingArea) -> Staging {
    let account = area.staging_account_id.filter(|text| !text.is_empty());
    Staging {
        status: area.status.map(|s| s.as_str().to_owned()),
        account: account.and_then(|text| id(place, &text)),
        server_arn: area.staging_source_server_arn,
        error: area.error_message,
    }
}

fn facts(place: &Place, seen: &SourceServer) -> ServerFacts {
    let machine = seen.source_properties.as_ref();
    let origin = seen.source_cloud_properties.as_ref();
    let added = seen.life_cycle.as_ref().and_then(|l| l.added_to_service_date_time.as_deref());
    ServerFacts {
        agent_version: seen.agent_version.clone(),
        direction: seen.replication_direction.as_ref().map(|d| d.as_str().to_owned()),
        os: machine.and_then(|m| m.os.as_ref()?.full_string.clone()),
        cores: machine.map(cores).filter(|n| *n > 0),
        ram: machine.and_then(|m| u64::try_from(m.ram_bytes).ok()).filter(|n| *n > 0),
        disks: machine.into_iter().flat_map(SourceProperties::disks).filter_map(disk).collect(),
        ips: machine
            .into_iter()
            .flat_map(SourceProperties::network_interfaces)
            .flat_map(NetworkInterface::ips)
            .cloned()
            .collect(),
        recommended_type: machine.and_then(|m| m.recommended_instance_type.clone()),
        origin_account: origin.and_then(|o| o.origin_account_id.clone()),
        origin_zone: origin.and_then(|o| o.origin_availability_zone.clone().or(o.origin_region.clone())),
        added_at: added.and_then(|text| id(place, text)),
        last_launch_result: seen.last_launch_result.as_ref().map(|r| r.as_str().to_owned()),
        last_launch: seen.life_cycle.as_ref().and_then(|cycle| last_launch(place, cycle)),
        recovery_instance: seen.recovery_instance_id.clone(),
    }
}

fn last_launch(place: &Place, cycle: &LifeCycle) -> Option<LastLaunch> {
    let launch = cycle.last_launch.as_ref()?;
    let initiated = launch.initiated.as_ref()?;
    let job = initiated.job_id.as_deref().filter(|id| !id.is_empty());
    Some(LastLaunch {
        at: id(place, initiated.api_call_date_time.as_deref()?)?,
        drill: initiated.r#type.as_ref()?.as_str() == "DRILL",
        job: job.and_then(|text| id(place, text)),
        status: launch.status.as_ref().map(|status| status.as_str().to_owned()).unwrap_or_default(),
    })
}

fn cores(machine: &SourceProperties) -> u64 {
    machine.cpus().iter().filter_map(|cpu| u64::try_from(cpu.cores).ok()).sum()
}

fn disk(disk: &aws_sdk_drs::types::Disk) -> Option<(String, u64)> {
    Some((disk.device_name.clone()?, u64::try_from(disk.bytes).ok()?))
}

#[cfg(test)]
mod tests;
