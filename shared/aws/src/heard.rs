//! Whether the table answered in the course of a piece of work. Work that was done without it says nothing about it.

use std::cell::Cell;
use std::future::Future;

tokio::task_local! {
    static TABLE: Cell<bool>;
}

/// Does the work, and answers as well whether the table answered meanwhile.
pub(crate) async fn watch<T>(work: impl Future<Output = T>) -> (T, bool) {
    let watched = async move {
        let done = work.await;
        (done, TABLE.with(Cell::get))
    };
    TABLE.scope(Cell::new(false), watched).await
}

/// Notes an answer of the table, and hands it on.
pub(crate) fn of_table<T, E>(answer: Result<T, E>) -> Result<T, E> {
    if answer.is_ok() {
        // Outside of watched work nobody asks.
        let _ = TABLE.try_with(|heard| heard.set(true));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_answer_of_the_table_is_noted() {
        assert_eq!(watch(async { 1 }).await, (1, false));
        assert!(!watch(async { of_table(Err::<(), _>("no")) }).await.1);
        assert!(watch(async { of_table(Ok::<_, ()>(1)) }).await.1);
        assert_eq!(of_table(Ok::<_, ()>(1)), Ok(1), "outside too");
    }
}
