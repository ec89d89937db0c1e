//! Where the workers' code waits: each `.await` of it, as a backtrace names it.

use std::backtrace::Backtrace;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What a process may remember, so that where it asks it need not call. It only reads there, and whoever asks first does: a
/// read that fails has no effect, wherever that is.
const REMEMBERED: [&str; 8] = [
    ".current(io)",
    ".known(io,",
    "is_swept(",
    "swept_at(",
    "Known::of(",
    "Known::fresh(",
    "Self::of(",
    "io.sleep(",
];

/// An `.await`: its file from the workspace on, line and column.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Site {
    file: String,
    line: usize,
    column: usize,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where the futures wait that are polled right now, from the innermost to its task.
pub(super) fn on_the_stack() -> Vec<Site> {
    Backtrace::force_capture().to_string().lines().filter_map(site).collect()
}

fn site(line: &str) -> Option<Site> {
    let (rest, column) = line.trim().strip_prefix("at ")?.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let file = file.strip_prefix(workspace().to_str()?)?.trim_start_matches('/').to_owned();
    Some(Site { file, line: line.parse().ok()?, column: column.parse().ok()? })
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Each `.await` in the code of the workers, but for their tests.
pub(super) fn of_workers() -> Vec<Site> {
    let mut files = Vec::new();
    for worker in ["capacity-tracker", "job-monitor", "tag-sync", "notifier"] {
        collect(&workspace().join("workers").join(worker).join("src"), &mut files);
    }
    files.iter().flat_map(|file| awaits(file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("tests") => {}
            _ if path.is_dir() => collect(&path, files),
            _ => files.push(path),
        }
    }
}

fn awaits(file: &Path) -> Vec<Site> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let name = file.strip_prefix(workspace()).unwrap().to_str().unwrap().to_owned();
    let lines = code.lines().enumerate();
    let found = lines.flat_map(|(n, line)| columns(line).into_iter().map(move |column| (n + 1, column)));
    found.map(|(line, column)| Site { file: name.clone(), line, column }).collect()
}

/// Where a line waits for what it does not remember.
fn columns(line: &str) -> Vec<usize> {
    let code = line.split("//").next().unwrap();
    let (mut columns, mut from) = (Vec::new(), 0);
    for (at, word) in code.match_indices(".await") {
        let end = at + word.len();
        let is_longer = code[end..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
        if !is_longer && !REMEMBERED.iter().any(|call| code[from..at].contains(call)) {
            columns.push(at + 2);
        }
        from = end;
    }
    columns
}
