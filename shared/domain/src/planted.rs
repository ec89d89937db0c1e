//! Bugs that tests plant to see whether they are caught. Without the feature `planted` there are none: [`is_planted`] is
//! false, and what it guards is not compiled in.

#[cfg(feature = "planted")]
use std::cell::Cell;

macro_rules! bugs {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// A mistake that somebody could make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $($(#[doc = $doc])* $name,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What is wrong, in words.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc,)*),)*
                }
            }
        }
    };
}

bugs! {
    /// A message is deleted before it is handled.
    DeletedBeforeHandled,
    /// A failure of a handler is taken for success.
    FailureTakenForSuccess,
    /// What cannot be read is deleted and not dead-lettered.
    PoisonDeleted,
    /// Of the messages of one lane only the last is handled.
    OnlyTheLastOfALane,
    /// Whoever lost the race writes all the same, without deciding anew.
    WrittenWithoutCondition,
    /// A lost race is taken for a write.
    ConflictTakenForWrite,
    /// What must be told is not stored with the change.
    OutboxNotStored,
    /// The outbox is emptied before it is published.
    OutboxEmptiedFirst,
    /// An unfinished outbox is not looked at again.
    OutboxNotLookedAt,
    /// What is published comes before what is stored.
    PublishedBeforeStored,
    /// What arrives last wins, whatever is older.
    LastArrivalWins,
    /// Of one second what arrives last wins (`<=` for `<`).
    LastOfASecondWins,
    /// Of one second what arrived first wins: the tie-break is lost.
    FirstOfASecondWins,
    /// A sweep that found nothing new does not make older events stale.
    SweepConfirmsNothing,
    /// What a sweep does not list is gone, whatever an event told since.
    GoneWhateverWasTold,
    /// Only the first page of a listing is read.
    FirstPageOnly,
    /// What lies in the future is applied.
    FutureApplied,
    /// Events of accounts that nobody registered are acted on.
    StrangersActedOn,
    /// The end of an incident does not raise its sequence.
    EndWithoutSequence,
    /// The end of what flapped is never told.
    FlappingNeverOver,
    /// Notifier: what a channel refuses is recorded as sent.
    RefusalTakenForSent,
    /// Notifier: a message is sent by whoever finds it due, though another has claimed it.
    ClaimNotChecked,
    /// Notifier: the end of what was told is no news.
    EndIsNoNews,
    /// Job-monitor: a job is over when one of its servers was launched.
    LaunchEndsJob,
    /// Job-monitor: a job's state goes back to what an older event tells.
    JobGoesBack,
    /// Tag-sync: an older version of tags replaces a newer one.
    OlderTagsWin,
    /// Tag-sync: a change of tags that failed is recorded as made.
    FailedTagsTakenForMade,
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug in this thread, or none.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted in this thread.
#[cfg(feature = "planted")]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether a bug is planted: never, without the feature.
#[cfg(not(feature = "planted"))]
#[inline]
pub const fn is_planted(_: Bug) -> bool {
    false
}
