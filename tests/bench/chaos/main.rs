//! `cargo bench -p drs-fleet-tests --bench chaos -- --help`

fn main() -> std::process::ExitCode {
    drs_fleet_testkit::chaos::main()
}
