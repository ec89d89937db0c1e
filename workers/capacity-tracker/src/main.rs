//! The capacity-tracker as a process of its own.

fn main() -> std::process::ExitCode {
    drs_fleet_aws::process::main(
        "Keeps source servers, their replication and the count per account and Region true",
        |setup, _| capacity_tracker::CapacityTracker::new(setup.registry, &setup.metrics),
    )
}
