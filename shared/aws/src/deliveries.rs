//! Bulletins that a person wants sent once more: given up on, or waiting. A notifier finds them in the index `due`.

use crate::io::Io;
use crate::registry::WriteToken;
use crate::store::Store;
use crate::verdict::IoError;
use drs_fleet_domain::keys::Key;
use drs_fleet_domain::notify::DeliveryRow;

/// Has bulletins sent.
#[derive(Clone, Debug)]
pub struct DeliveryEditor<I> {
    io: I,
    deliveries: Store<DeliveryRow>,
}

/// What asking for a bulletin once more came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Again {
    /// It is due.
    Due(Box<DeliveryRow>),
    /// It was sent, or is being sent, or is due anyway: there is nothing to do.
    Needless(Box<DeliveryRow>),
    /// There is no such bulletin.
    Unknown,
}

impl<I: Io> DeliveryEditor<I> {
    /// One for as long as the command runs.
    pub fn new(io: I, token: WriteToken) -> Self {
        token.spend();
        Self { io, deliveries: Store::default() }
    }

    /// Has one sent once more that was given up on, or that waits. The notifier's own writes and this one do not overwrite each other:
    /// whoever comes second decides again.
    ///
    /// # Errors
    /// Of the table.
    pub async fn again(&self, key: &Key) -> Result<Again, IoError> {
        let now = self.io.now();
        let outcome = self.deliveries.change_now(&self.io, key, |row| row?.again(now)).await?;
        let Some(row) = outcome.row().cloned().map(Box::new) else { return Ok(Again::Unknown) };
        Ok(if outcome.changed() { Again::Due(row) } else { Again::Needless(row) })
    }
}

#[cfg(test)]
mod tests {
    use drs_fleet_domain::incident::{IncidentKind, Severity};
    use drs_fleet_domain::keys::Place;
    use drs_fleet_domain::message;
    use drs_fleet_domain::notify::ChannelName;
    use drs_fleet_domain::notify::delivery::{self, Answer};
    use drs_fleet_domain::row::{Change, Row};

    use super::*;
    use crate::memory::MemoryIo;

    fn sample(io: &MemoryIo) -> DeliveryRow {
        let place = Place { account: "111122223333".parse().unwrap(), region: "us-west-2".parse().unwrap() };
        let sample = message::sample(IncidentKind::SpokeSilent, Severity::High, 1, &place, io.now());
        let channel = ChannelName::try_from("mail".to_owned()).unwrap();
        DeliveryRow::new(("test/1", 1), &channel, sample.into(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_on_or_waits_is_due_again_and_what_is_being_sent_is_left_alone() {
        let io = MemoryIo::default();
        let editor = DeliveryEditor::new(io.clone(), WriteToken::for_command_of_a_person());
        let row = sample(&io);
        assert_eq!(editor.again(&row.key()).await.unwrap(), Again::Unknown);
        let notifier = Store::<DeliveryRow>::default();
        let new = |_: Option<&_>| Some(Change { row: row.clone(), tell: Vec::new() });
        notifier.change_now(&io, &row.key(), new).await.unwrap();
        assert_eq!(editor.again(&row.key()).await.unwrap(), Again::Needless(Box::new(row.clone())));

        let claimed = |row: Option<&DeliveryRow>| delivery::claim(row?, None, io.now());
        notifier.change_now(&io, &row.key(), claimed).await.unwrap();
        assert!(matches!(editor.again(&row.key()).await.unwrap(), Again::Needless(_)), "it is being sent");
        let later = Answer::Refused("not now".to_owned(), None);
        let answered = |row: Option<&DeliveryRow>| delivery::answered(row?, 1, &later, io.now());
        notifier.change_now(&io, &row.key(), answered).await.unwrap();
        let Again::Due(due) = editor.again(&row.key()).await.unwrap() else { panic!("it waits") };
        assert_eq!((due.try_at, due.attempts, due.is_answered()), (Some(io.now()), 0, false));
        notifier.change_now(&io, &row.key(), claimed).await.unwrap();
        let refused = Answer::RefusedForGood("no such channel".to_owned());
        let answered = |row: Option<&DeliveryRow>| delivery::answered(row?, 1, &refused, io.now());
        notifier.change_now(&io, &row.key(), answered).await.unwrap();

        let Again::Due(due) = editor.again(&row.key()).await.unwrap() else { panic!("it was given up on") };
        assert_eq!((due.try_at, due.attempts, due.is_answered()), (Some(io.now()), 0, false));
        assert_eq!(editor.again(&row.key()).await.unwrap(), Again::Needless(due));
    }
}
