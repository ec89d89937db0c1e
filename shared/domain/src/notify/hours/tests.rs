use proptest::prelude::*;

use super::*;

fn clock(text: &str) -> Clock {
    text.parse().unwrap()
}

fn quiet(from: &str, to: &str, zone: &str) -> Hours {
    let zone = TimeZone::get(zone).unwrap();
    Hours::Quiet { from: clock(from), to: clock(to), zone, except: Some(Severity::Critical) }
}

fn digest(at: &str, zone: &str, days: Days) -> Hours {
    Hours::Digest { at: clock(at), zone: TimeZone::get(zone).unwrap(), days }
}

/// When something HIGH is told that was wanted then.
fn told(hours: &Hours, wanted: &str) -> String {
    hours.tells_at(wanted.parse().unwrap(), Severity::High).to_string()
}

#[test]
fn quiet_hours_end_on_the_next_morning_and_what_is_worst_does_not_wait() {
    let hours = quiet("22:00", "07:00", "Europe/Berlin");
    assert_eq!(told(&hours, "2026-08-22T19:59:59Z"), "2026-08-22T19:59:59Z");
    assert_eq!(told(&hours, "2026-08-22T20:00:00Z"), "2026-08-23T05:00:00Z");
    assert_eq!(told(&hours, "2026-08-23T04:59:59.5Z"), "2026-08-23T05:00:00Z");
    let night = "2026-08-22T23:00:00Z".parse().unwrap();
    assert_eq!(hours.tells_at(night, Severity::Critical), night);
}

#[test]
fn quiet_hours_follow_the_clock_on_the_wall_when_it_is_changed() {
    let hours = quiet("22:00", "07:00", "Europe/Berlin");
    assert_eq!(told(&hours, "2026-10-24T21:00:00Z"), "2026-10-25T06:00:00Z", "put back that night");
    assert_eq!(told(&hours, "2026-03-28T22:00:00Z"), "2026-03-29T05:00:00Z", "put forward that night");
    let ends_twice = quiet("22:00", "02:30", "Europe/Berlin");
    assert_eq!(told(&ends_twice, "2026-10-24T21:00:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(
        told(&ends_twice, "2026-10-25T01:10:00Z"),
        "2026-10-25T01:30:00Z",
        "02:10 for the second time"
    );
    assert_eq!(told(&ends_twice, "2026-03-28T23:00:00Z"), "2026-03-29T01:30:00Z", "there is no 02:30");
}

#[test]
fn a_digest_comes_at_its_time_on_its_day() {
    let daily = digest("08:00", "America/New_York", Days::Daily);
    assert_eq!(told(&daily, "2026-08-22T12:00:00Z"), "2026-08-22T12:00:00Z");
    assert_eq!(told(&daily, "2026-08-22T12:01:00Z"), "2026-08-23T12:00:00Z");
    let weekly = digest("08:00", "Asia/Kolkata", Days::Monday);
    assert_eq!(told(&weekly, "2026-08-22T20:00:00Z"), "2026-08-24T02:30:00Z");
}

#[test]
fn a_time_of_the_day_is_written_in_hours_and_minutes() {
    assert_eq!(clock("07:05").to_string(), "07:05");
    for text in ["7", "24:00", "22:00:01", "soon", ""] {
        assert!(text.parse::<Clock>().unwrap_err().contains("write 07:30"), "{text}");
    }
}

fn zone() -> impl Strategy<Value = TimeZone> {
    let names =
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"];
    prop::sample::select(names.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
}

fn time() -> impl Strategy<Value = Clock> {
    (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| Clock(Time::constant(hour, minute, 0, 0)))
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(&Severity::ALL)
}

fn hours() -> impl Strategy<Value = Hours> {
    let days = prop::sample::select(&[Days::Daily, Days::Monday, Days::Sunday]);
    prop_oneof![
        (time(), time(), zone(), prop::option::of(severity()))
            .prop_map(|(from, to, zone, except)| Hours::Quiet { from, to, zone, except }),
        (time(), zone(), days).prop_map(|(at, zone, days)| Hours::Digest { at, zone, days }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_told_before_it_is_wanted_nor_in_quiet_hours_and_who_asks_again_gets_the_same_answer(
        hours in hours(),
        second in 1_760_000_000_i64..1_830_000_000,
        worst in severity(),
    ) {
        let wanted = Timestamp::from_second(second).unwrap();
        let told = hours.tells_at(wanted, worst);
        prop_assert!(told >= wanted);
        prop_assert_eq!(hours.tells_at(told, worst), told);
        let late = told.duration_since(wanted).as_hours();
        match &hours {
            Hours::Quiet { from, to, zone, except } => {
                let is_excepted = except.is_some_and(|least| worst >= least);
                prop_assert!(is_excepted || !is_quiet(zone.to_datetime(told).time(), (from.0, to.0)));
                prop_assert!(!is_excepted || told == wanted);
                prop_assert!(late <= 26, "{late} h late");
            }
            Hours::Digest { days, .. } => {
                let most = if *days == Days::Daily { 26 } else { 8 * 24 };
                prop_assert!(late <= most, "{late} h late");
            }
            Hours::Any => {}
        }
    }
}
