//! Gathers single questions of many callers for a moment and asks them in one call.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::sync::oneshot::{self, error::RecvError};

use super::Answer;
use crate::verdict::{IoError, Neighbour, Verdict};

type Call<Q, A> = Box<dyn Fn(Vec<Q>) -> BoxFuture<'static, Vec<Answer<A>>> + Send + Sync>;
type Waiting<Q, A> = Vec<(Q, oneshot::Sender<Answer<A>>)>;

/// Gathers questions `Q` and hands each caller its own answer `A`. Clones share what is gathered.
pub(super) struct Batcher<Q, A>(Arc<Shared<Q, A>>);

struct Shared<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
    /// How long the first question waits for others.
    window: Duration,
    /// How many questions one call takes; as soon as they are there, it is made.
    max: usize,
    call: Call<Q, A>,
    neighbour: Neighbour,
    operation: &'static str,
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> fmt::Debug for Batcher<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("operation", &self.0.operation).finish_non_exhaustive()
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// `call` answers as many questions as it is asked, in their order.
    pub(super) fn new<F>(
        neighbour: Neighbour,
        operation: &'static str,
        window: Duration,
        max: usize,
        call: impl Fn(Vec<Q>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<Answer<A>>> + Send + 'static,
    {
        let call: Call<Q, A> = Box::new(move |questions| Box::pin(call(questions)));
        Self(Arc::new(Shared { waiting: Mutex::default(), window, max, call, neighbour, operation }))
    }

    /// Asks, and waits for the answers, in order.
    pub(super) async fn ask(&self, questions: impl IntoIterator<Item = Q>) -> Vec<Answer<A>> {
        let answers: Vec<_> = questions.into_iter().map(|question| self.put(question)).collect();
        join_all(answers).await.into_iter().map(|answer| self.answered(answer)).collect()
    }

    /// Asks one question.
    pub(super) async fn ask_one(&self, question: Q) -> Answer<A> {
        let answer = self.put(question).await;
        self.answered(answer)
    }

    fn answered(&self, answer: Result<Answer<A>, RecvError>) -> Answer<A> {
        answer.unwrap_or_else(|_| {
            let Shared { neighbour, operation, .. } = *self.0;
            Err(IoError::new(neighbour, operation, Verdict::Transient, "the call ended without an answer"))
        })
    }

    /// The call is a task of its own: a caller that gives up takes nobody's answer away.
    fn put(&self, question: Q) -> oneshot::Receiver<Answer<A>> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((question, sender));
        let shared = Arc::clone(&self.0);
        if waiting.len() >= self.0.max {
            let full = std::mem::take(&mut *waiting);
            tokio::spawn(async move { shared.make_call(full).await });
        } else if waiting.len() == 1 {
            tokio::spawn(async move {
                tokio::time::sleep(shared.window).await;
                let gathered =
                    std::mem::take(&mut *shared.waiting.lock().unwrap_or_else(PoisonError::into_inner));
                shared.make_call(gathered).await;
            });
        }
        receiver
    }
}

impl<Q, A> Shared<Q, A> {
    async fn make_call(&self, gathered: Waiting<Q, A>) {
        // Another call may have taken all that this one waited for.
        if gathered.is_empty() {
            return;
        }
        let (questions, senders): (Vec<_>, Vec<_>) = gathered.into_iter().unzip();
        for (sender, answer) in senders.into_iter().zip((self.call)(questions).await) {
            // Nobody waits any more: the caller gave up.
            let _ = sender.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the size of the call that a question was part of.
    fn sizes(max: usize) -> Batcher<u32, usize> {
        Batcher::new(
            Neighbour::Table,
            "Test",
            Duration::from_millis(2),
            max,
            |questions: Vec<u32>| async move { questions.iter().map(|_| Ok(questions.len())).collect() },
        )
    }

    async fn ask(batcher: &Batcher<u32, usize>, questions: std::ops::Range<u32>) -> Vec<usize> {
        batcher.ask(questions).await.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn callers_of_one_moment_share_a_call() {
        let batcher = sizes(100);
        let (one, other) = tokio::join!(ask(&batcher, 0..2), ask(&batcher, 0..1));
        assert_eq!((one, other), (vec![3, 3], vec![3]));
        assert_eq!(ask(&batcher, 0..1).await, [1], "the next moment is the next call");
    }

    #[tokio::test(start_paused = true)]
    async fn more_questions_than_a_call_takes_are_several_calls() {
        assert_eq!(ask(&sizes(2), 0..5).await, [2, 2, 2, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_dies_is_a_transient_error_for_each() {
        let batcher: Batcher<u32, usize> =
            Batcher::new(Neighbour::Bus, "Test", Duration::from_millis(2), 9, |_| async { Vec::new() });
        let answers = batcher.ask(0..2).await;
        assert!(answers.iter().all(|a| a.as_ref().unwrap_err().verdict == Verdict::Transient));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_takes_nobodys_answer_away() {
        let batcher = sizes(100);
        let gone = batcher.ask(0..1);
        let patient = {
            let batcher = batcher.clone();
            async move { ask(&batcher, 0..1).await }
        };
        let gave_up = tokio::time::timeout(Duration::from_millis(1), gone);
        let (gave_up, patient) = tokio::join!(gave_up, patient);
        assert!(gave_up.is_err());
        assert_eq!(patient, [2]);
    }
}
