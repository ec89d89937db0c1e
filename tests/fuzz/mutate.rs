//! Mutants: an entry of a corpus, changed a few times.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::corpus::Entry;
use super::json;

/// Longer ones only cost time: what is long is in the corpus as it is.
const LONGEST: usize = 4 * 1024;

/// How an input is changed.
#[derive(Clone, Copy, Debug)]
enum How {
    Flip,
    Cut,
    End,
    Repeat,
    Word,
    Bytes,
    Splice,
    Json,
}

/// Bytes that end, escape or hide something, or are no UTF-8.
const BYTES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\\ud800",
    b"\\u0000",
    b"\"",
    b"\\",
    b"{",
    b"[",
    b"*",
    b"=",
    b":",
    b"<!channel>",
    b"&amp;",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    "\u{202e}\u{200b}".as_bytes(),
    "\u{1f9d1}\u{200d}\u{1f680}".as_bytes(),
];

/// One change; what the numbers mean depends on how.
#[derive(Clone, Debug)]
pub(super) struct Change {
    how: How,
    at: Index,
    length: u8,
    what: Index,
}

/// An entry, by its number, and how it is changed.
pub(super) type Mutant = (Index, Vec<Change>);

pub(super) fn mutants() -> impl Strategy<Value = Mutant> {
    let how = select(vec![
        How::Flip,
        How::Cut,
        How::End,
        How::Repeat,
        How::Word,
        How::Bytes,
        How::Splice,
        How::Json,
        How::Json,
    ]);
    let change = (how, any::<Index>(), any::<u8>(), any::<Index>())
        .prop_map(|(how, at, length, what)| Change { how, at, length, what });
    (any::<Index>(), vec(change, 0..6))
}

/// The mutant's bytes.
pub(super) fn bytes(corpus: &[Entry], words: &[&str], (entry, changes): &Mutant) -> Vec<u8> {
    let mut bytes = entry.get(corpus).bytes.clone();
    for change in changes {
        change.apply(&mut bytes, corpus, words);
        bytes.truncate(LONGEST);
    }
    bytes
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, corpus: &[Entry], words: &[&str]) {
        let at = self.at.index(bytes.len() + 1);
        let end = (at + usize::from(self.length)).min(bytes.len());
        let mut put = |new: &[u8]| drop(bytes.splice(at..at, new.iter().copied()));
        match self.how {
            How::Flip => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= self.length),
            How::Cut => drop(bytes.drain(at..end)),
            How::End => bytes.truncate(at),
            How::Repeat => {
                let times = 1 << self.what.index(8);
                let again = bytes[at..end].repeat(times);
                bytes.splice(at..at, again);
            }
            How::Word if !words.is_empty() => put(words[self.what.index(words.len())].as_bytes()),
            How::Word | How::Bytes => put(BYTES[self.what.index(BYTES.len())]),
            How::Splice => {
                let other = &self.what.get(corpus).bytes;
                let from = self.at.index(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            How::Json => json::change(bytes, self.at, self.what, words),
        }
    }
}
