//! Text for people: columns, ages, questions.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use drs_fleet_domain::span;
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
    match now.duration_since(then).as_secs() / 60 {
        // Clocks differ by seconds; what lies further ahead is said.
        ..-1 => format!("in the future ({})", second(then)),
        -1..1 => "just now".to_owned(),
        _ => format!("{} ago", lasting(then, now)),
    }
}

/// How long something lasted, in its largest unit.
pub(crate) fn lasting(from: Timestamp, to: Timestamp) -> String {
    match to.duration_since(from).as_secs() / 60 {
        ..1 => "under 1 min".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} d", minutes / 1440),
    }
}

/// A length of time: to the second under an hour, to the minute under two days, else in days.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..3_600 => span::show(Duration::from_secs(seconds)),
        3_600..172_800 => span::show(Duration::from_secs(seconds / 60 * 60)),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A recovery time beside its objective: `23m 12s of 1h`, `1h 5m of 1h: LATE`; `-` where neither is known.
pub(crate) fn of_objective(took: Option<Duration>, objective: Option<Duration>) -> String {
    match (took, objective) {
        (None, None) => "-".to_owned(),
        (None, Some(objective)) => format!("? of {}", length(objective)),
        (Some(took), None) => length(took),
        (Some(took), Some(objective)) => {
            let late = if took > objective { ": LATE" } else { "" };
            format!("{} of {}{late}", length(took), length(objective))
        }
    }
}

/// A length of time as people type it, for arguments.
pub(crate) fn typed_length(text: &str) -> Result<Duration, String> {
    span::parse(text).ok_or_else(|| "it is no length of time; write 30m, 24h or 90d".to_owned())
}

/// What a person says, for arguments.
pub(crate) fn a_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=300).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("1 to 300 characters on one line".into()) }
}

/// Bytes in their largest binary unit, to a tenth.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = number.checked_ilog2().unwrap_or_default() / 10;
    let Some(unit) = power.checked_sub(1).and_then(|n| UNITS.get(n as usize)) else {
        return format!("{number} B");
    };
    let (whole, rest) = (number >> (10 * power), (number >> (10 * (power - 1))) & 1023);
    format!("{whole}.{} {unit}", rest * 10 / 1024)
}

/// A fact on a line of its own; more lines of it are put under the first.
pub(crate) fn fact(what: &str, value: &str) -> String {
    let mut lines = value.lines();
    let first = format!("  {what:<13}{}\n", lines.next().unwrap_or_default());
    lines.fold(first, |text, line| text + &format!("{:15}{line}\n", ""))
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

/// Of an ARN the session or the user, which tells people of one role apart; of an account itself, `root`.
pub(crate) fn short(principal: &str) -> &str {
    let last = principal.rsplit_once(['/', ':']).filter(|_| principal.starts_with("arn:"));
    last.map_or(principal, |(_, name)| name)
}

/// Whether a text begins with what a person typed of it, in any case; nothing is no beginning.
pub(crate) fn begins_with(text: &str, typed: &str) -> bool {
    !typed.is_empty() && text.get(..typed.len()).is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

/// Whether a text is among those that were asked for, in any case; of nothing asked, everything is.
pub(crate) fn among(asked: &[String], text: &str) -> bool {
    asked.is_empty() || asked.iter().any(|one| one.eq_ignore_ascii_case(text))
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
    fn bytes_are_told_in_their_largest_unit() {
        let gib = 1 << 30;
        let told = [0, 1023, 1024, 1536, 10 * gib, 10 * gib + gib / 2, u64::MAX].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "10.0 GiB", "10.5 GiB", "15.9 EiB"]);
    }

    #[test]
    fn lengths_are_told_to_the_second_under_an_hour_and_to_the_minute_under_two_days() {
        let told = [0, 59, 1_392, 3_600, 3_659, 7_325, 90_000, 90 * 86_400 + 5]
            .map(|seconds| length(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "23m 12s", "1h", "1h", "2h 2m", "25h", "90d"]);
        assert_eq!(typed_length("90d"), Ok(Duration::from_hours(90 * 24)));
        assert!(typed_length("soon").unwrap_err().contains("write 30m"));
    }

    #[test]
    fn people_are_told_apart_by_the_end_of_their_arn() {
        let told = [
            "arn:aws:sts::111122223333:assumed-role/ops/alice",
            "arn:aws:iam::111122223333:root",
            "drs.amazonaws.com",
        ];
        assert_eq!(told.map(short), ["alice", "root", "drs.amazonaws.com"]);
    }

    #[test]
    fn a_recovery_time_stands_beside_its_objective_and_says_when_it_is_late() {
        let minutes = |n| Some(Duration::from_mins(n));
        assert_eq!(of_objective(minutes(23), minutes(60)), "23m of 1h");
        assert_eq!(of_objective(minutes(65), minutes(60)), "1h 5m of 1h: LATE");
        assert_eq!(of_objective(minutes(60), minutes(60)), "1h of 1h", "just in time");
        assert_eq!(of_objective(None, minutes(60)), "? of 1h");
        assert_eq!([of_objective(minutes(5), None), of_objective(None, None)], ["5m", "-"]);
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
