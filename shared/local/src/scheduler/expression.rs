//! `rate(5 minutes)` and `cron(0 9 ? * MON-FRI *)`: when a schedule fires. UTC only.
//!
//! Of cron's fields, numbers, names, `*`, `?`, lists, ranges and steps are known; `L`, `W` and `#` and
//! one-time `at(…)` expressions are refused.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// How far ahead a cron expression is followed: every combination of day and month recurs within it.
const HORIZON_DAYS: usize = 366 * 40;

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Each time this has passed, beginning with the creation.
    Rate(Duration),
    /// At the minutes that all fields allow.
    Cron(Box<Cron>),
}

/// The minutes that a cron expression allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
    years: Field,
}

/// The values that one field allows; `None` is any.
type Field = Option<Vec<i16>>;

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// What is wrong with it, or not supported.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inside = |kind: &str| text.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')');
        let parsed = match (inside("rate"), inside("cron")) {
            (Some(rate), _) => parse_rate(rate),
            (_, Some(cron)) => Cron::parse(cron),
            _ => Err("only rate(…) and cron(…) are supported".to_owned()),
        };
        parsed.map_err(|why| format!("schedule expression \"{text}\": {why}"))
    }
}

/// When a schedule created at `from` fires next after `now`: missed firings are not made up for. `None` when
/// it never does again.
pub fn next_after(expression: &Expression, from: Timestamp, now: Timestamp) -> Option<Timestamp> {
    match expression {
        Expression::Rate(period) => {
            let (period, passed) =
                (i64::try_from(period.as_secs()).ok()?, now.as_second() - from.as_second());
            let periods = if now < from { 0 } else { passed.checked_div(period)? + 1 };
            from.checked_add(Duration::from_secs(u64::try_from(periods.checked_mul(period)?).ok()?)).ok()
        }
        Expression::Cron(cron) => cron.next_after(now),
    }
}

fn parse_rate(text: &str) -> Result<Expression, String> {
    let (number, unit) = text.trim().split_once(' ').ok_or("expected a number and a unit")?;
    let number: u64 = number.parse().map_err(|_| "the number must be positive")?;
    let minutes: u64 = match unit.trim() {
        "minute" | "minutes" => 1,
        "hour" | "hours" => 60,
        "day" | "days" => 24 * 60,
        other => return Err(format!("unknown unit {other}")),
    };
    let minutes = number.checked_mul(minutes).filter(|m| (1..=60 * 24 * 3_650).contains(m));
    Ok(Expression::Rate(Duration::from_mins(minutes.ok_or("the rate is out of range")?)))
}

impl Cron {
    fn parse(text: &str) -> Result<Expression, String> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields[..] else {
            return Err("expected six fields: minutes hours day-of-month month day-of-week year".to_owned());
        };
        if (days == "?") == (weekdays == "?") {
            return Err("exactly one of day-of-month and day-of-week must be ?".to_owned());
        }
        Ok(Expression::Cron(Box::new(Self {
            minutes: field(minutes, 0..=59, &[])?,
            hours: field(hours, 0..=23, &[])?,
            days: field(days, 1..=31, &[])?,
            months: field(months, 1..=12, &MONTHS)?,
            weekdays: field(weekdays, 1..=7, &DAYS)?,
            years: field(years, 1970..=2199, &[])?,
        })))
    }

    fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let after = now.to_zoned(TimeZone::UTC).datetime();
        after.date().series(jiff::Span::new().days(1)).take(HORIZON_DAYS).find_map(|date| {
            let time = self.allows_day(date).then(|| self.first_time(date, after)).flatten()?;
            Some(date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp())
        })
    }

    fn allows_day(&self, date: Date) -> bool {
        let weekday = i16::from(date.weekday().since(Weekday::Sunday)) + 1;
        allows(self.years.as_ref(), date.year())
            && allows(self.months.as_ref(), i16::from(date.month()))
            && allows(self.days.as_ref(), i16::from(date.day()))
            && allows(self.weekdays.as_ref(), weekday)
    }

    /// The first allowed minute of a day that lies after a moment.
    fn first_time(&self, date: Date, after: DateTime) -> Option<Time> {
        let hours = (0..24_i8).filter(|hour| allows(self.hours.as_ref(), i16::from(*hour)));
        let minute = |hour| {
            (0..60_i8)
                .filter(|minute| allows(self.minutes.as_ref(), i16::from(*minute)))
                .filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
                .find(|time| date.to_datetime(*time) > after)
        };
        hours.into_iter().find_map(minute)
    }
}

fn allows(field: Option<&Vec<i16>>, value: i16) -> bool {
    field.is_none_or(|values| values.contains(&value))
}

fn field(text: &str, range: std::ops::RangeInclusive<i16>, names: &[&str]) -> Result<Field, String> {
    if matches!(text, "*" | "?") {
        return Ok(None);
    }
    let value = |text: &str| -> Result<i16, String> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| i16::try_from(at + 1).ok());
        let value = named.or_else(|| text.parse().ok()).filter(|value| range.contains(value));
        value.ok_or_else(|| format!("\"{text}\" is not supported here"))
    };
    let mut values = Vec::new();
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(step.parse().map_err(|_| format!("bad step in \"{part}\""))?)),
            None => (part, None),
        };
        let (first, last) = match span.split_once('-') {
            _ if span == "*" => (*range.start(), *range.end()),
            Some((first, last)) => (value(first)?, value(last)?),
            None => (value(span)?, if step.is_some() { *range.end() } else { value(span)? }),
        };
        let step: usize = step.unwrap_or(1);
        if step == 0 || first > last {
            return Err(format!("\"{part}\" allows nothing"));
        }
        values.extend((first..=last).step_by(step));
    }
    Ok(Some(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, from: &str, now: &str) -> Option<String> {
        let expression = Expression::parse(expression).unwrap();
        next_after(&expression, from.parse().unwrap(), now.parse().unwrap()).map(|at| at.to_string())
    }

    fn cron(expression: &str, now: &str) -> Option<String> {
        next(expression, now, now)
    }

    #[test]
    fn a_rate_counts_from_the_creation_and_skips_what_was_missed() {
        let from = "2026-11-21T01:00:30Z";
        let five = |now| next("rate(5 minutes)", from, now).unwrap();
        assert_eq!(five("2026-11-21T01:00:00Z"), from);
        assert_eq!(five("2026-11-21T01:00:30Z"), "2026-11-21T01:05:30Z");
        assert_eq!(five("2026-11-21T03:59:00Z"), "2026-11-21T04:00:30Z");
    }

    #[test]
    fn cron_fires_at_the_next_minute_that_all_fields_allow() {
        let saturday = "2026-11-21T09:30:10Z";
        assert_eq!(cron("cron(* * * * ? *)", saturday).unwrap(), "2026-11-21T09:31:00Z");
        assert_eq!(cron("cron(0/15 * * * ? *)", saturday).unwrap(), "2026-11-21T09:45:00Z");
        assert_eq!(cron("cron(0 9 ? * MON-FRI *)", saturday).unwrap(), "2026-11-23T09:00:00Z");
        assert_eq!(cron("cron(0 9 ? * 7 *)", saturday).unwrap(), "2026-11-28T09:00:00Z");
        assert_eq!(cron("cron(0,30 8-10 21 11 ? *)", saturday).unwrap(), "2026-11-21T10:00:00Z");
        assert_eq!(cron("cron(0 0 29 FEB ? *)", saturday).unwrap(), "2028-02-29T00:00:00Z");
    }

    #[test]
    fn a_cron_expression_of_the_past_never_fires() {
        assert_eq!(cron("cron(0 0 1 1 ? 2020)", "2026-11-21T00:00:00Z"), None);
        assert_eq!(cron("cron(0 0 31 2 ? *)", "2026-11-21T00:00:00Z"), None);
    }

    #[test]
    fn other_expressions_are_refused_with_the_reason() {
        for text in [
            "at(2026-11-21T00:00:00)",
            "rate(0 minutes)",
            "rate(5 fortnights)",
            "rate(5minutes)",
            "rate(99999999999999999999 days)",
            "cron(0 9 * * * *)",
            "cron(0 9 ? * ? *)",
            "cron(0 9 L * ? *)",
            "cron(0 9 ? * 2#1 *)",
            "cron(61 9 ? * 2 *)",
            "cron(*/0 9 ? * 2 *)",
            "cron(5-1 9 ? * 2 *)",
            "cron(0 9 ? * 2)",
        ] {
            let why = Expression::parse(text).unwrap_err();
            assert!(why.contains(text), "{why}");
        }
    }
}
