//! Over which channels people are told of channels that fail.

use std::collections::BTreeSet;

use crate::incident::IncidentKind;
use crate::notify::{Bulletin, ChannelName};
use crate::words::{self, SubjectKind};

/// How much of a bulletin is of channels that fail, or failed.
enum OfChannels {
    /// All of it.
    Only,
    /// Some of it.
    Also,
}

fn tells_of_channels(bulletin: &Bulletin) -> Option<OfChannels> {
    let Bulletin::Digest(digest) = bulletin else { return None };
    if bulletin.is_sample() {
        return None;
    }
    let kinds = digest.covered().kinds;
    let is_of_channels = |kind: &IncidentKind| words::subject(*kind) == SubjectKind::Channel;
    let of_channels = kinds.iter().filter(|kind| is_of_channels(kind)).count();
    match of_channels {
        0 => None,
        all if all == kinds.len() => Some(OfChannels::Only),
        _ => Some(OfChannels::Also),
    }
}

/// Whether it matters to a bulletin which channels fail.
pub fn matters(bulletin: &Bulletin) -> bool {
    tells_of_channels(bulletin).is_some()
}

/// Over which channels a bulletin is told that tells of channels: not over one that fails or, where that leaves nobody,
/// over all others that work. Where none works, it waits for those that it was meant for.
pub fn told_over(
    bulletin: &Bulletin,
    meant: &BTreeSet<ChannelName>,
    usable: &BTreeSet<ChannelName>,
    failing: &BTreeSet<ChannelName>,
) -> BTreeSet<ChannelName> {
    let Some(of_channels) = tells_of_channels(bulletin) else { return meant.clone() };
    let working = |all: &BTreeSet<ChannelName>| -> BTreeSet<_> {
        all.intersection(usable).filter(|channel| !failing.contains(*channel)).cloned().collect()
    };
    let mut over = working(meant);
    if over.is_empty() {
        over = working(usable);
    }
    match of_channels {
        OfChannels::Only if !over.is_empty() => over,
        // What else it tells is told as ever.
        OfChannels::Only | OfChannels::Also => over.union(meant).cloned().collect(),
    }
}
