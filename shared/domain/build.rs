//! Fails the build when this crate gains a dependency that could do I/O.

use std::{env, fs, process::ExitCode};

const PURE: [&str; 8] =
    ["base64", "compact_str", "form_urlencoded", "jiff", "litemap", "serde", "serde_json", "thiserror"];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=Cargo.toml");
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let manifest = fs::read_to_string(format!("{root}/Cargo.toml")).unwrap_or_default();
    // Other tables could bring in the same by another name.
    if manifest.lines().any(|l| l.starts_with("[target.") || l.starts_with("[dependencies.")) {
        println!("cargo::error=drs-fleet-domain lists its dependencies under [dependencies] alone");
        return ExitCode::FAILURE;
    }
    let dependencies = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|l| !l.starts_with('['));
    for line in dependencies {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if !name.is_empty() && !name.starts_with('#') && !PURE.contains(&name) {
            println!(
                "cargo::error=drs-fleet-domain is pure and may not depend on `{name}`: \
                 put what needs it into shared/aws, or, if it does no I/O, extend the list in build.rs"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
