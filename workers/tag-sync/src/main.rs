//! The tag-sync as a process of its own.

fn main() -> std::process::ExitCode {
    drs_fleet_aws::process::main("Brings the tags of EC2 machines to their DRS source servers", |setup, _| {
        tag_sync::TagSync::new(setup.registry, &setup.metrics)
    })
}
