//! The files that mutants are made of.

use std::fs;
use std::path::{Path, PathBuf};

use super::Target;
use crate::samples;

/// One of them.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// `tests/fuzz/corpus/`.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// All of a target, by name.
pub(super) fn of(target: &Target) -> Vec<Entry> {
    let folder = root().join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut entries: Vec<_> = files.map(|file| entry(&file.unwrap().path())).collect();
    if target.takes_events {
        let event = |sample: samples::Sample| Entry {
            name: format!("events/{}", sample.path),
            bytes: sample.text.into_bytes(),
        };
        entries.extend(samples::all().into_iter().map(event));
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!entries.is_empty(), "{} is empty", folder.display());
    entries
}

fn entry(path: &Path) -> Entry {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    // Editors end a file with a line break; it is none of the input.
    let mut bytes = fs::read(path).unwrap();
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Entry { name, bytes }
}
