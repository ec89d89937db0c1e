//! Mutes and windows for drills: spells of time that a command of a person opens, and may end early.

use drs_fleet_domain::keys::{self, Key, Range};
use drs_fleet_domain::notify::{MuteRow, WindowRow};
use drs_fleet_domain::row::{Change, Outbox, Row};
use jiff::Timestamp;
use uuid::Uuid;

use crate::io::{CommitError, Io, Write};
use crate::registry::WriteToken;
use crate::store::Store;
use crate::verdict::IoError;

/// A mute, or a window for a drill.
pub trait Spell: Row {
    /// All of them.
    fn all() -> Range;

    /// The one with this id.
    fn at(id: &str) -> Key;

    /// What is wrong with it; empty when it can be used.
    fn problems(&self) -> Vec<String>;

    /// Ended by somebody; `None` when it is over already.
    fn ended(&self, by: &str, now: Timestamp) -> Option<Self>;
}

impl Spell for MuteRow {
    fn all() -> Range {
        keys::mutes()
    }

    fn at(id: &str) -> Key {
        keys::mute(id)
    }

    fn problems(&self) -> Vec<String> {
        self.problems()
    }

    fn ended(&self, by: &str, now: Timestamp) -> Option<Self> {
        self.ended(by, now)
    }
}

impl Spell for WindowRow {
    fn all() -> Range {
        keys::windows()
    }

    fn at(id: &str) -> Key {
        keys::window(id)
    }

    fn problems(&self) -> Vec<String> {
        self.problems()
    }

    fn ended(&self, by: &str, now: Timestamp) -> Option<Self> {
        self.closed(by, now)
    }
}

/// An id that people can type and that no other has.
pub fn new_id() -> String {
    Uuid::new_v4().simple().to_string().chars().take(10).collect()
}

/// Why nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be used.
    #[error("it cannot be used: {}", .0.join("; "))]
    Unusable(Vec<String>),
    /// Another has its id.
    #[error("another has the id {0} already; try again")]
    Taken(String),
    /// The table.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// What ending one came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended<R> {
    /// It is over from now on.
    Now(R),
    /// It was over before.
    Already(R),
    /// There is no such.
    Unknown,
}

/// Opens and ends mutes and windows.
#[derive(Clone, Debug)]
pub struct SpellEditor<I> {
    io: I,
}

impl<I: Io> SpellEditor<I> {
    /// An editor, for as long as the command runs.
    pub fn new(io: I, token: WriteToken) -> Self {
        token.spend();
        Self { io }
    }

    /// Stores a new one.
    ///
    /// # Errors
    /// [`OpenError`]; then nothing was stored.
    pub async fn open<R: Spell>(&self, row: &R) -> Result<(), OpenError> {
        let problems = row.problems();
        if !problems.is_empty() {
            return Err(OpenError::Unusable(problems));
        }
        let none = Outbox::new();
        let write = Write { row, expected: None, outbox_before: &none, outbox: &none, due: row.wake_at() };
        match self.io.commit(write).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(OpenError::Taken(row.key().sk)),
            Err(CommitError::Io(error)) => Err(error.into()),
        }
    }

    /// Ends one now.
    ///
    /// # Errors
    /// Of the table.
    pub async fn end<R: Spell>(&self, id: &str, by: &str) -> Result<Ended<R>, IoError> {
        let now = self.io.now();
        let end = |row: Option<&R>| Some(Change { row: row?.ended(by, now)?, tell: Vec::new() });
        let outcome = Store::<R>::default().change_now(&self.io, &R::at(id), end).await?;
        Ok(match outcome.row().cloned() {
            Some(row) if outcome.changed() => Ended::Now(row),
            Some(row) => Ended::Already(row),
            None => Ended::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drs_fleet_domain::notify::window::Told;

    use super::*;
    use crate::memory::MemoryIo;

    fn window(io: &MemoryIo) -> WindowRow {
        WindowRow {
            id: new_id(),
            name: "spring drill".into(),
            matchers: WindowRow::expected(),
            from: io.now(),
            until: io.now() + Duration::from_hours(8),
            author: "ops".into(),
            closed_at: None,
            closed_by: None,
            told: Told::Nothing,
        }
    }

    fn editor(io: &MemoryIo) -> SpellEditor<MemoryIo> {
        SpellEditor::new(io.clone(), WriteToken::for_command_of_a_person())
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_opened_is_ended_once() {
        let io = MemoryIo::default();
        let row = window(&io);
        editor(&io).open(&row).await.unwrap();
        let Ended::Now(closed) = editor(&io).end::<WindowRow>(&row.id, "anna").await.unwrap() else {
            panic!("it was open");
        };
        assert_eq!((closed.closed_at, closed.closed_by.as_deref()), (Some(io.now()), Some("anna")));
        let again = editor(&io).end::<WindowRow>(&row.id, "bob").await.unwrap();
        assert_eq!(again, Ended::Already(closed));
        assert_eq!(editor(&io).end::<MuteRow>(&row.id, "bob").await.unwrap(), Ended::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_used_or_has_the_id_of_another_is_not_stored() {
        let io = MemoryIo::default();
        let row = window(&io);
        let endless = WindowRow { until: row.from + Duration::from_hours(200), ..row.clone() };
        let error = editor(&io).open(&endless).await.unwrap_err();
        assert!(error.to_string().contains("longer than 7 days"), "{error}");
        editor(&io).open(&row).await.unwrap();
        assert!(matches!(editor(&io).open(&row).await, Err(OpenError::Taken(_))));
        assert_eq!(io.query::<WindowRow>(&WindowRow::all()).await.unwrap().len(), 1);
    }
}
