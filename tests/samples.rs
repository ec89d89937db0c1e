//! The files in `events/`, and those of them that our own code publishes.

mod published;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use drs_fleet_testkit::wire::{HUB, HUB_REGION, on_the_bus};
pub use published::published;

/// A file in `events/`.
#[derive(Debug)]
pub struct Sample {
    /// `SOURCE/DETAIL-TYPE/CASE.json`.
    pub path: String,
    /// As it is.
    pub text: String,
}

impl Sample {
    /// The event.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{}: {e}", self.path))
    }
}

/// `events/` of this repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// Every event in `events/`, by path; schemas are none.
pub fn all() -> Vec<Sample> {
    let mut samples = Vec::new();
    collect(&root(), &mut samples);
    samples.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(samples.len() >= 20, "events/ was not found whole: {}", samples.len());
    samples
}

fn collect(folder: &Path, samples: &mut Vec<Sample>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, samples);
        } else if path.extension().is_some_and(|e| e == "json") && !name.ends_with(".schema.json") {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            samples.push(Sample { path: relative, text: fs::read_to_string(&path).unwrap() });
        }
    }
}
