//! Text for people: columns, ages, questions.

use std::io::{BufRead, IsTerminal, Write};

use jiff::{Timestamp, Unit};

/// Asks a person; none when nobody can be asked.
pub(crate) type Ask = dyn Fn(&str) -> anyhow::Result<Option<bool>>;

/// Rows under headings, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let length = |text: &str| text.chars().count();
    let width = |n: usize| {
        rows.iter().map(|row| length(&row[n])).chain([length(headings[n])]).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded: Vec<_> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(std::array::from_fn(|n| row[n].as_str())));
    std::iter::once(line(headings)).chain(rows).collect()
}

/// How long before `now` something was, in its largest unit.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let minutes = now.duration_since(then).as_secs() / 60;
    match minutes {
        // Clocks differ by seconds; what lies further ahead is said.
        ..-1 => format!("in the future ({})", second(then)),
        -1..1 => "just now".to_owned(),
        1..120 => format!("{minutes} min ago"),
        120..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

/// [`ago`], or that it never was.
pub(crate) fn ago_or_never(now: Timestamp, then: Option<Timestamp>) -> String {
    then.map_or_else(|| "never".to_owned(), |then| ago(now, then))
}

/// To the second.
pub(crate) fn second(time: Timestamp) -> String {
    time.round(Unit::Second).unwrap_or(time).to_string()
}

/// `1 server`, `2 servers`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// What came from outside, on one line.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Asks on the terminal. The question goes to standard error, so that it is seen whatever the output is sent to.
pub(crate) fn ask(question: &str) -> anyhow::Result<Option<bool>> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1".to_owned(), "Größe".to_owned()], ["22222".to_owned(), "x".to_owned()]];
        assert_eq!(table(["ID", "NAME"], &rows), "ID     NAME\n1      Größe\n22222  x\n");
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let now: Timestamp = "2026-08-22T20:00:00Z".parse().unwrap();
        let told = |then: &str| ago(now, then.parse().unwrap());
        assert_eq!(told("2026-08-22T19:59:30Z"), "just now");
        assert_eq!(told("2026-08-22T20:00:30Z"), "just now");
        assert_eq!(told("2026-08-22T19:57:30Z"), "2 min ago");
        assert_eq!(told("2026-08-22T17:00:00Z"), "3 h ago");
        assert_eq!(told("2026-08-12T20:00:00Z"), "10 d ago");
        assert_eq!(told("2026-08-22T21:00:00Z"), "in the future (2026-08-22T21:00:00Z)");
        assert_eq!(ago_or_never(now, None), "never");
    }
}
