//! A server as DRS shows it, and what may be wrong with it.

/// A server as DRS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which of its account.
    pub server: u8,
    /// Whether it is stalled, as long as nothing worse is wrong with it.
    pub stalled: bool,
    /// What else is wrong with it.
    pub ail: Option<Ail>,
}

impl Shown {
    /// A server with which nothing is wrong.
    pub fn well(server: u8) -> Self {
        Self { server, stalled: false, ail: None }
    }

    /// Its `dataReplicationState`.
    pub fn state(self) -> &'static str {
        match self.ail {
            Some(Ail::Disconnected) => "DISCONNECTED",
            Some(Ail::Rescans) => "RESCAN",
            _ if self.stalled => "STALLED",
            _ => "CONTINUOUS",
        }
    }
}

/// What only sweeps find. It holds as long as DRS shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ail {
    /// Its newest recovery point is two hours old.
    Lags,
    /// 20 GiB wait to be replicated.
    Piles,
    /// DRS has not seen its agent for an hour.
    Unseen,
    /// Its newest recovery point is ten minutes old, and its tag asks for five.
    TooOld,
    /// It replicates in another account, with which something is wrong.
    ExtensionFails,
    /// Its agent is gone.
    Disconnected,
    /// It reads its disks again from the beginning.
    Rescans,
}

impl Ail {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Lags,
        Self::Piles,
        Self::Unseen,
        Self::TooOld,
        Self::ExtensionFails,
        Self::Disconnected,
        Self::Rescans,
    ];

    /// As its incident is published.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Lags => "REPLICATION_LAG",
            Self::Piles => "REPLICATION_BACKLOG",
            Self::Unseen => "SERVER_NOT_SEEN",
            Self::TooOld => "RPO_GAP",
            Self::ExtensionFails => "EXTENSION_ERROR",
            Self::Disconnected => "SERVER_DISCONNECTED",
            Self::Rescans => "FULL_RESYNC",
        }
    }
}
