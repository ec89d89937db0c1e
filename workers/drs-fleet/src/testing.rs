//! A person at the command line of a simulated company, for tests: against the local cloud, with the unmodified SDK and
//! the operator's role of `infra/hub.yaml`.

use drs_fleet_aws::io::{Io, Write};
use drs_fleet_domain::registry::{AccountRegion, AccountRow, AccountStatus};
use drs_fleet_domain::row::{Outbox, Row};

use crate::hub::Hub;
use crate::local::operator::Operator;
use crate::local::testing::{Company, company};

/// A company whose spokes are not registered, and the operator's hub.
pub(crate) struct Stage {
    pub(crate) company: Company,
    pub(crate) hub: Hub,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let company = company().await;
        let hub = Hub::of_operator(&Operator::at(company.desk.address()).await.unwrap());
        Self { company, hub }
    }

    /// Stores a row as a worker would.
    pub(crate) async fn store<R: Row>(&self, row: &R) {
        let none = Outbox::new();
        let write = Write { row, expected: None, outbox_before: &none, outbox: &none, due: None };
        self.hub.io.commit(write).await.unwrap();
    }

    /// An ACTIVE account, registered as the spoke of the company that it is, with these DRS Regions.
    pub(crate) async fn register(&self, id: &str, name: &str, regions: &[&str], target: Option<&str>) {
        let region = |name: &&str| AccountRegion { region: name.parse().unwrap(), drs: true, source: true };
        let row = AccountRow {
            id: id.parse().unwrap(),
            name: name.to_owned(),
            alias: None,
            role_arn: format!("arn:aws:iam::{id}:role/drs-fleet-spoke"),
            external_id_secret: format!("drs-fleet/external-id/{id}"),
            regions: regions.iter().map(region).collect(),
            target: target.map(|target| target.parse().unwrap()),
            status: AccountStatus::Active,
            last_validated: None,
            last_error: None,
        };
        self.store(&row).await;
    }
}

/// What a command printed, and after it the error that it ended with.
pub(crate) fn transcript<T>(printed: Vec<u8>, ended: anyhow::Result<T>) -> String {
    let error = ended.err().map(|error| format!("error: {error:#}\n")).unwrap_or_default();
    timeless(&(String::from_utf8(printed).unwrap() + &error))
}

/// A time in a snapshot would be another each time.
fn timeless(text: &str) -> String {
    const BEFORE: &str = "read at ";
    let mut parts = text.split(BEFORE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, rest) = part.split_at(part.find('Z').map_or(0, |end| end + 1));
        text + BEFORE + "TIME" + rest
    })
}
