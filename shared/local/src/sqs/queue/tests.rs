use super::*;

const VISIBILITY: Duration = Duration::from_secs(30);

struct Bench {
    queue: Queue,
    start: Moment,
}

impl Bench {
    fn with(bodies: &[&str]) -> Self {
        let start = Moment { real: Instant::now(), stamp: 1_000_000_000 };
        let mut bench = Self { queue: Queue::default(), start };
        for body in bodies {
            bench.push(body, 0);
        }
        bench
    }

    fn push(&mut self, body: &str, delay: u64) {
        let message =
            Message::new(body.to_owned(), std::collections::BTreeMap::new(), String::new(), self.start.stamp);
        self.queue.push(Arc::new(message), Duration::from_secs(delay), self.start);
    }

    fn at(&self, seconds: u64) -> Moment {
        let stamp = self.start.stamp + i64::try_from(seconds).unwrap() * 1_000;
        Moment { real: self.start.real + Duration::from_secs(seconds), stamp }
    }

    fn receive(&mut self, seconds: u64) -> Vec<Received> {
        let now = self.at(seconds);
        self.queue.advance(now, Duration::from_hours(1));
        let wish = Wish { max: 10, visibility: VISIBILITY, max_receives: None };
        self.queue.receive(wish, None, now).unwrap().received
    }
}

#[test]
fn a_message_returns_after_its_visibility_with_a_new_handle_and_a_higher_count() {
    let mut bench = Bench::with(&["a"]);
    let first = bench.receive(0);
    assert!(bench.receive(29).is_empty());
    let second = bench.receive(30);
    assert_eq!(second[0].receives, 2);
    assert_ne!(second[0].handle, first[0].handle);
    assert_eq!(second[0].first_at, first[0].first_at);
    assert_eq!(bench.queue.returned(), 1);
}

#[test]
fn only_the_latest_handle_deletes() {
    let mut bench = Bench::with(&["a"]);
    let old = bench.receive(0)[0].handle;
    let new = bench.receive(30)[0].handle;
    bench.queue.delete(old);
    assert_eq!(bench.queue.depth(), (0, 1, 0));
    bench.queue.delete(new);
    assert_eq!(bench.queue.depth(), (0, 0, 0));
}

#[test]
fn the_latest_handle_deletes_a_message_whose_visibility_has_run_out() {
    let mut bench = Bench::with(&["a"]);
    let handle = bench.receive(0)[0].handle;
    bench.queue.advance(bench.at(31), VISIBILITY * 100);
    bench.queue.delete(handle);
    assert!(bench.receive(31).is_empty());
}

#[test]
fn visibility_changes_only_in_flight_and_to_twelve_hours_in_all() {
    let mut bench = Bench::with(&["a"]);
    let handle = bench.receive(0)[0].handle;
    let hours = Duration::from_hours;
    bench.queue.change_visibility(handle, hours(12), bench.at(0)).unwrap();
    let over = bench.queue.change_visibility(handle, hours(12), bench.at(1)).unwrap_err();
    assert!(over.message.contains("43200"), "{}", over.message);
    bench.queue.change_visibility(handle, Duration::ZERO, bench.at(1)).unwrap();
    let visible = bench.queue.change_visibility(handle, VISIBILITY, bench.at(1)).unwrap_err();
    assert_eq!(visible.code, "MessageNotInflight");
    assert_eq!(bench.receive(1)[0].receives, 2);
    assert_eq!(
        bench.queue.change_visibility(handle, VISIBILITY, bench.at(1)).unwrap_err().code,
        "MessageNotInflight"
    );
}

#[test]
fn an_extended_message_stays_away_longer() {
    let mut bench = Bench::with(&["a"]);
    let handle = bench.receive(0)[0].handle;
    bench.queue.change_visibility(handle, VISIBILITY, bench.at(20)).unwrap();
    assert!(bench.receive(49).is_empty());
    assert_eq!(bench.receive(50).len(), 1);
}

#[test]
fn a_delayed_message_counts_as_delayed_until_it_is_due() {
    let mut bench = Bench::with(&[]);
    bench.push("later", 5);
    assert!(bench.receive(4).is_empty());
    assert_eq!(bench.queue.depth(), (0, 0, 1));
    assert_eq!(bench.queue.next_wake(), Some(bench.at(5).real));
    assert_eq!(bench.receive(5).len(), 1);
}

#[test]
fn what_is_older_than_the_retention_disappears_even_in_flight() {
    let mut bench = Bench::with(&["a", "b"]);
    let handle = bench.receive(0)[0].handle;
    assert!(bench.receive(3_601).is_empty());
    assert_eq!(bench.queue.depth(), (0, 0, 0));
    bench.queue.delete(handle);
}

#[test]
fn the_order_is_that_of_arrival_and_reorder_starts_anywhere() {
    let mut bench = Bench::with(&["a", "b", "c"]);
    let wish = Wish { max: 1, visibility: VISIBILITY, max_receives: None };
    let taken = bench.queue.receive(wish, Some(2), bench.at(0)).unwrap();
    assert_eq!(taken.received[0].message.body, "c");
    let rest: Vec<_> = bench.receive(0).iter().map(|r| r.message.body.clone()).collect();
    assert_eq!(rest, ["a", "b"]);
}

#[test]
fn no_more_than_the_limit_is_in_flight() {
    let mut bench = Bench::with(&[]);
    for _ in 0..=MAX_IN_FLIGHT {
        bench.push("x", 0);
    }
    let wish = Wish { max: usize::MAX, visibility: VISIBILITY, max_receives: None };
    let taken = bench.queue.receive(wish, None, bench.at(0)).unwrap();
    assert_eq!(taken.received.len(), MAX_IN_FLIGHT);
    assert_eq!(bench.queue.receive(wish, None, bench.at(0)).unwrap_err().code, "OverLimit");
}
