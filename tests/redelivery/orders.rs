//! Every order of five things, each told once or twice (bar R4): what is stored in the end is one and the same.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// How many histories are drawn of each kind of subject.
const HISTORIES: usize = 4;

/// 120 orders, 32 ways in which some are told once more, after all others or at once: each is a list of what arrives.
pub(super) fn every_arrival() -> Vec<Vec<usize>> {
    let is_told_again = |again: u32, n: usize| again >> n & 1 == 1;
    let later = |order: &[usize], again: u32| {
        let twice = order.iter().filter(|n| is_told_again(again, **n));
        order.iter().chain(twice).copied().collect()
    };
    let at_once = |order: &[usize], again: u32| {
        let times = |n: &usize| std::iter::repeat_n(*n, 1 + usize::from(is_told_again(again, *n)));
        order.iter().flat_map(times).collect()
    };
    let both =
        |order: Vec<usize>| (0..32).flat_map(move |again| [later(&order, again), at_once(&order, again)]);
    permutations(5).into_iter().flat_map(both).collect()
}

/// Asserts that histories of five end the same in every order. They are drawn, and always the same ones.
pub(super) fn every_order_ends_the_same<T: std::fmt::Debug, E: PartialEq + std::fmt::Debug>(
    history: impl Strategy<Value = Vec<T>>,
    end: impl Fn(&[T], &[Vec<usize>]) -> E,
) {
    let mut runner = TestRunner::deterministic();
    let arrivals = every_arrival();
    assert_eq!(arrivals.len(), 120 * 32 * 2);
    for _ in 0..HISTORIES {
        let history = history.new_tree(&mut runner).unwrap().current();
        let one_by_one = |arrival: &[usize]| arrival.iter().map(|n| vec![*n]).collect::<Vec<_>>();
        let first = end(&history, &one_by_one(&arrivals[0]));
        for arrival in &arrivals {
            assert_eq!(end(&history, &one_by_one(arrival)), first, "{history:?} as {arrival:?}");
        }
    }
}

/// Histories of five.
pub(super) fn five<T: Clone + std::fmt::Debug>(
    one: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 5)
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: &[usize], place: usize| {
        let mut longer = order.to_vec();
        longer.insert(place, n - 1);
        longer
    };
    let shorter = permutations(n - 1);
    shorter.iter().flat_map(|order| (0..n).map(|place| insert(order, place)).collect::<Vec<_>>()).collect()
}
