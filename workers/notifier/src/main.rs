//! The notifier as a process of its own.

fn main() -> std::process::ExitCode {
    drs_fleet_aws::process::main("Tells people of incidents, once", |setup, settings| {
        notifier::Notifier::of(settings, setup.registry, &setup.metrics)
    })
}
