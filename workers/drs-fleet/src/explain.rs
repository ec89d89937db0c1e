//! `explain`: what each worker would decide about an event, and why, without any cloud.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use drs_fleet_domain::explain::{self, Explanation};
use serde_json::Value;

/// What `explain` takes.
#[derive(clap::Args)]
#[command(
    after_help = "Example: drs-fleet explain events/aws.tag/tag-change-on-resource/ec2-instance.json --json"
)]
pub(crate) struct Arguments {
    /// An event as EventBridge delivers it; - for standard input
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains an event. Exits with 2 where a worker would dead-letter it.
pub(crate) fn explain(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let body = read(&arguments.file)?;
    match explain::explain(&body) {
        Ok(explanations) if arguments.json => print(&serde_json::to_string_pretty(&explanations)?),
        Ok(explanations) => explanations.iter().for_each(show),
        Err(rejected) => {
            print(&format!("dead-letter queue, {}: {rejected}", rejected.code()));
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(file: &PathBuf) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn show(explanation: &Explanation) {
    print(&format!("{:<18}{}", explanation.worker, explanation.because));
    for write in &explanation.writes {
        let key = |name: &str| write["key"][name].as_str().unwrap_or_default().to_owned();
        print(&format!(
            "{:18}writes {} {} / {}",
            "",
            write["kind"].as_str().unwrap_or_default(),
            key("pk"),
            key("sk")
        ));
        print(&format!("{:18}  {}", "", write["row"]));
        for told in write["tell"].as_array().into_iter().flatten() {
            let text = |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let why = text("/detail/reason");
            print(&format!("{:18}  tells {}, {}: {why}", "", text("/detail-type"), text("/about")));
        }
    }
    for message in explanation.messages.iter().filter_map(|m| m["subject"].as_str()) {
        print(&format!("{:18}people read: {message}", ""));
    }
}

#[expect(clippy::print_stdout, reason = "this is what the command is for")]
fn print(line: &str) {
    println!("{line}");
}
