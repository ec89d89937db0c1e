//! Every file in `events/` is read, decided and compared with what is known to be right.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use drs_fleet_domain::explain::explain;
use serde_json::Value;

use crate::samples::{self, Sample};

/// One file per sample; a sample without one fails.
fn golden_name(sample: &Sample) -> String {
    sample.path.trim_end_matches(".json").replace('/', "__")
}

#[test]
fn every_event_is_decided_as_its_golden_file_says() {
    for sample in samples::all() {
        let explained = explain(&sample.text).unwrap_or_else(|e| panic!("{}: {e}", sample.path));
        insta::with_settings!({ snapshot_path => "snapshots/events", prepend_module_to_snapshot => false,
            omit_expression => true, sort_maps => true, description => format!("events/{}", sample.path) }, {
            insta::assert_json_snapshot!(golden_name(&sample), explained);
        });
    }
}

#[test]
fn every_golden_file_has_its_event() {
    let events: BTreeSet<String> = samples::all().iter().map(golden_name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/events");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let of = name.trim_end_matches(".snap");
        assert!(events.contains(of), "tests/snapshots/events/{name} has no event");
    }
}

/// `drs-fleet.spoke/spoke-heartbeat/…` holds events of that source and of the type `Spoke Heartbeat`.
#[test]
fn every_event_lies_in_the_folder_of_its_source_and_type() {
    for sample in samples::all() {
        let event = sample.json();
        let kind = event["detail-type"].as_str().unwrap().to_lowercase().replace(' ', "-");
        let folder = format!("{}/{kind}/", event["source"].as_str().unwrap());
        assert!(sample.path.starts_with(&folder), "{} does not lie in {folder}", sample.path);
    }
}

#[test]
fn the_readme_lists_every_event_and_no_other() {
    let text = fs::read_to_string(samples::root().join("README.md")).unwrap();
    let is_json = |t: &str| Path::new(t).extension().is_some_and(|e| e == "json");
    let is_event = |t: &&str| is_json(t) && t.split('/').count() == 3 && !t.starts_with("SOURCE");
    let listed: BTreeSet<&str> = text.split('`').filter(is_event).collect();
    let samples = samples::all();
    assert_eq!(listed, samples.iter().map(|s| s.path.as_str()).collect());
}

/// After a deliberate change of what is published: `DRS_FLEET_WRITE_EVENTS=1 cargo test published`, and raise the
/// schema of its subject with it.
#[test]
fn what_is_published_equals_its_sample_files() {
    let folder = samples::root().join("drs-fleet");
    for (path, event) in samples::published() {
        if std::env::var_os("DRS_FLEET_WRITE_EVENTS").is_some() {
            fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
            fs::write(folder.join(&path), format!("{event:#}\n")).unwrap();
        }
        let text = fs::read_to_string(folder.join(&path)).unwrap_or_default();
        let stored: Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(stored, event, "events/drs-fleet/{path}");
    }
    let own = samples::all().iter().filter(|s| s.path.starts_with("drs-fleet/")).count();
    assert_eq!(own, samples::published().len(), "every file in events/drs-fleet/ is made by code");
}
