//! Which part of a long list is shown.

use crate::text::counted;

/// How many lines a person gets unless told otherwise.
const LINES: usize = 50;

/// Which part of a list is shown.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Paging {
    /// Show at most so many [default: 50 in a table]
    #[arg(long, conflicts_with = "all")]
    limit: Option<usize>,
    /// Leave out so many first
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: usize,
    /// Show all
    #[arg(long)]
    all: bool,
}

/// Who reads a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Who wants no more than a screen, unless they ask for it.
    Person,
    /// Who wants all of it.
    Program,
}

impl Paging {
    /// The part of `rows` that is shown.
    pub(crate) fn shown<'a, T>(&self, rows: &'a [T], reader: Reader) -> &'a [T] {
        let default = if self.all || reader == Reader::Program { usize::MAX } else { LINES };
        let from = self.offset.min(rows.len());
        let to = from.saturating_add(self.limit.unwrap_or(default)).min(rows.len());
        &rows[from..to]
    }

    /// Which part that is, when `shown` of `all` are; `noun` is in the singular.
    pub(crate) fn told(&self, noun: &str, shown: usize, all: usize) -> String {
        if shown == 0 {
            return format!("{}, and none after the first {}.", counted(all, noun), self.offset);
        }
        let (first, last) = (self.offset + 1, self.offset + shown);
        match all - last {
            0 if first == 1 => format!("{}.", counted(all, noun)),
            0 => format!("{} {first} to {last} of {all}.", heading(noun)),
            more => format!(
                "{} {first} to {last} of {all}; {more} more: --offset {last}, or --all, or ask for fewer.",
                heading(noun)
            ),
        }
    }
}

/// `server` as `Servers`.
fn heading(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['s']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said() {
        let paging = |offset| Paging { offset, ..Paging::default() };
        assert_eq!(paging(0).told("server", 1, 1), "1 server.");
        assert_eq!(
            paging(0).told("server", 50, 230),
            "Servers 1 to 50 of 230; 180 more: --offset 50, or --all, or ask for fewer."
        );
        assert_eq!(paging(200).told("job", 30, 230), "Jobs 201 to 230 of 230.");
        assert_eq!(paging(300).told("server", 0, 230), "230 servers, and none after the first 300.");
    }

    #[test]
    fn a_person_gets_a_screen_and_a_program_all_of_it() {
        let rows: Vec<_> = (0..60).collect();
        let shown = |paging: Paging, reader| paging.shown(&rows, reader).to_vec();
        assert_eq!(shown(Paging::default(), Reader::Person), rows[..50]);
        assert_eq!(shown(Paging::default(), Reader::Program), rows);
        assert_eq!(shown(Paging { all: true, ..Paging::default() }, Reader::Person), rows);
        let part = Paging { limit: Some(2), offset: 1, all: false };
        assert_eq!(shown(part, Reader::Program), rows[1..3]);
        assert_eq!(shown(Paging { offset: usize::MAX, ..part }, Reader::Person), rows[60..]);
    }
}
