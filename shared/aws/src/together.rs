//! Group commits: of many callers that want to write the same thing at the same time, one writes for all.
//!
//! Whoever has the turn takes what all waiting callers brought and writes it in one go; the others find theirs done,
//! or failed with the same error. So a storm that hits one row costs one write after the other in this process, and no
//! race with itself, however many callers there are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::verdict::IoError;

type Answer = Result<(), IoError>;

/// What is under way, by what it is written to. Clones share it.
#[derive(Debug)]
pub struct Together<K, T>(Arc<Mutex<HashMap<K, Arc<Group<T>>>>>);

#[derive(Debug)]
struct Group<T> {
    turn: tokio::sync::Mutex<()>,
    brought: Mutex<Vec<Brought<T>>>,
}

#[derive(Debug)]
struct Brought<T> {
    items: Vec<T>,
    done: oneshot::Sender<Answer>,
}

impl<K, T> Clone for Together<K, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, T> Default for Together<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self { turn: tokio::sync::Mutex::default(), brought: Mutex::default() }
    }
}

impl<K: Hash + Eq, T: Clone> Together<K, T> {
    /// Has `items` written to `key`, by this caller or by another; `write` gets what all of them brought.
    ///
    /// # Errors
    /// Of the write that these items were in.
    pub async fn bring(&self, key: K, items: Vec<T>, write: impl AsyncFnOnce(Vec<T>) -> Answer) -> Answer {
        let group = Arc::clone(locked(&self.0).entry(key).or_default());
        let answer = group.bring(items, write).await;
        drop(group);
        // Only the map holds what nobody waits for; under its lock nobody can begin to.
        locked(&self.0).retain(|_, group| Arc::strong_count(group) > 1);
        answer
    }
}

impl<T: Clone> Group<T> {
    async fn bring(&self, items: Vec<T>, write: impl AsyncFnOnce(Vec<T>) -> Answer) -> Answer {
        let (done, mut waits) = oneshot::channel();
        locked(&self.brought).push(Brought { items: items.clone(), done });
        let turn = tokio::select! {
            biased;
            Ok(answer) = &mut waits => return answer,
            turn = self.turn.lock() => turn,
        };
        let mut all = std::mem::take(&mut *locked(&self.brought));
        match waits.try_recv() {
            Ok(answer) => {
                // Written meanwhile; what has come since is its bringers' own to write.
                locked(&self.brought).append(&mut all);
                return answer;
            }
            // Whoever took these items was stopped before it knew: they are written once more.
            Err(oneshot::error::TryRecvError::Closed) => {
                all.push(Brought { items, done: oneshot::channel().0 });
            }
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let items = all.iter().flat_map(|brought| brought.items.iter().cloned()).collect();
        let answer = write(items).await;
        for brought in all {
            // Who has gone has no use for the answer.
            let _ = brought.done.send(answer.clone());
        }
        // Only now, lest the next in turn finds its items gone and no answer yet.
        drop(turn);
        answer
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;
    use crate::verdict::{Neighbour, Verdict};

    type Written = Mutex<Vec<Vec<u32>>>;

    async fn bring(together: &Together<&'static str, u32>, n: u32, written: &Written, fails: bool) -> Answer {
        let write = async |all| {
            sleep(Duration::from_secs(1)).await;
            if fails {
                return Err(IoError::new(Neighbour::Table, "commit", Verdict::Transient, "no"));
            }
            written.lock().unwrap().push(all);
            Ok(())
        };
        together.bring("row", vec![n], write).await
    }

    fn all(written: &Written) -> Vec<u32> {
        let mut all: Vec<_> = written.lock().unwrap().iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_are_one_write_or_two_and_each_item_is_written_once() {
        let (together, written) = (Together::default(), Written::default());
        let first = bring(&together, 0, &written, false);
        let others = async {
            sleep(Duration::from_millis(10)).await;
            join_all((1..100).map(|n| bring(&together, n, &written, false))).await
        };
        let (first, others) = tokio::join!(first, others);
        assert!(first.is_ok() && others.iter().all(Result::is_ok));
        assert_eq!(written.lock().unwrap().len(), 2, "the first, and all that waited for it");
        assert_eq!(all(&written), (0..100).collect::<Vec<_>>());
        assert!(locked(&together.0).is_empty(), "nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_fails_fails_for_all_whose_items_were_in_it() {
        let (together, written) = (Together::default(), Written::default());
        let ended = join_all((0..10).map(|n| bring(&together, n, &written, true))).await;
        assert!(ended.iter().all(Result::is_err));
        let ended = join_all((0..10).map(|n| bring(&together, n, &written, false))).await;
        assert!(ended.iter().all(Result::is_ok));
        assert_eq!(all(&written), (0..10).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_stopped_caller_took_is_written_by_those_who_wait() {
        let (together, written) = (Together::default(), Written::default());
        let stopped = async {
            let taken =
                tokio::time::timeout(Duration::from_millis(500), bring(&together, 0, &written, false));
            assert!(taken.await.is_err());
        };
        let ((), one, two) =
            tokio::join!(stopped, bring(&together, 1, &written, false), bring(&together, 2, &written, false));
        assert!(one.is_ok() && two.is_ok());
        let all = all(&written);
        assert!(all.contains(&1) && all.contains(&2), "{all:?}");
    }
}
