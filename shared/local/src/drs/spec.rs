//! What a source server is, apart from how its replication goes.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// The machine behind a source server, as its agent reports it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Short host name.
    pub hostname: String,
    /// Fully qualified name, where the agent found one.
    pub fqdn: Option<String>,
    /// Such as `Linux version 5.14.0-427.el9.x86_64`.
    pub os: String,
    /// Model name of the processors.
    pub cpu: String,
    /// Processor cores.
    pub cores: u32,
    /// Memory in bytes.
    pub ram_bytes: u64,
    /// Device name and size in bytes.
    pub disks: Vec<(String, u64)>,
    /// Primary address.
    pub ip: String,
    /// Hardware address of the primary interface.
    pub mac: String,
    /// What DRS would launch, such as `m6i.large`.
    pub instance_type: String,
    /// Present for a machine that runs on EC2.
    pub origin: Option<Origin>,
}

/// Where an EC2-born source server runs.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Its account.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// Its availability zone.
    pub zone: String,
    /// Its instance id.
    pub instance: String,
    /// Whether `identificationHints.awsInstanceID` names the instance; on AWS it is not always there.
    pub hinted: bool,
}

/// How far replication is when a server is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The agent was installed just now.
    Fresh,
    /// Data has been transferred since just now: the initial sync runs.
    Syncing,
    /// Replicating without lag since then.
    Continuous(Timestamp),
    /// Was replicating from then on and has been stopped.
    Stopped(Timestamp),
    /// Was replicating from then on and has been disconnected.
    Disconnected(Timestamp),
}

/// A source server to be added.
#[derive(Clone, Debug)]
pub struct ServerSpec {
    /// Its machine.
    pub machine: Machine,
    /// Tags of the source server (not of its instance).
    pub tags: BTreeMap<String, String>,
    /// Where its replication stands.
    pub start: Start,
}

impl ServerSpec {
    /// A plain Linux machine outside AWS, with two disks, whose agent was installed just now.
    pub fn named(hostname: &str) -> Self {
        let machine = Machine {
            hostname: hostname.to_owned(),
            fqdn: Some(format!("{hostname}.corp.example.com")),
            os: "Linux version 5.14.0-427.13.1.el9_4.x86_64".to_owned(),
            cpu: "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz".to_owned(),
            cores: 2,
            ram_bytes: 8 << 30,
            disks: vec![("/dev/nvme0n1".to_owned(), 32 << 30), ("/dev/nvme1n1".to_owned(), 100 << 30)],
            ip: "10.20.0.10".to_owned(),
            mac: "0a:1b:2c:3d:4e:5f".to_owned(),
            instance_type: "t3.large".to_owned(),
            origin: None,
        };
        Self { machine, tags: BTreeMap::new(), start: Start::Fresh }
    }

    /// The same server, replicating without lag since `since`.
    #[must_use]
    pub fn continuous(mut self, since: Timestamp) -> Self {
        self.start = Start::Continuous(since);
        self
    }
}

impl Machine {
    /// Bytes of all disks.
    pub(super) fn total_bytes(&self) -> u64 {
        self.disks.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Whether `hardwareId` of `DescribeSourceServers` means this machine: instance id or hardware address.
    pub(super) fn is_hardware(&self, id: &str) -> bool {
        self.mac.eq_ignore_ascii_case(id) || self.origin.as_ref().is_some_and(|o| o.instance == id)
    }
}
