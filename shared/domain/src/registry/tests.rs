use super::*;

fn row(id: &str, status: AccountStatus) -> AccountRow {
    let region = |name: &str, drs| AccountRegion { region: name.parse().unwrap(), drs, source: !drs };
    AccountRow {
        id: id.parse().unwrap(),
        name: "Payments".into(),
        alias: None,
        role_arn: format!("arn:aws:iam::{id}:role/drs-fleet"),
        external_id_secret: "drs-fleet/external-id".into(),
        regions: vec![region("eu-central-1", true), region("eu-west-1", false)],
        target: None,
        ou: None,
        tags: BTreeMap::new(),
        status,
        last_validated: None,
        last_error: None,
    }
}

#[test]
fn only_drs_regions_of_active_accounts_are_swept() {
    let registry: Registry =
        [row("111122223333", AccountStatus::Active), row("444455556666", AccountStatus::Error)]
            .into_iter()
            .collect();
    let places: Vec<_> = registry.drs_places().iter().map(ToString::to_string).collect();
    assert_eq!(places, ["111122223333/eu-central-1"]);
    let heard: Vec<_> = registry.places().map(|place| place.to_string()).collect();
    assert_eq!(heard, ["111122223333/eu-central-1", "111122223333/eu-west-1"]);
}

#[test]
fn events_count_in_registered_regions_whatever_the_status() {
    let registry: Registry = [row("111122223333", AccountStatus::Inactive)].into_iter().collect();
    let (account, other) = ("111122223333".parse().unwrap(), "444455556666".parse().unwrap());
    assert!(registry.is_registered(&account, &"eu-west-1".parse().unwrap()));
    assert!(!registry.is_registered(&account, &"us-east-1".parse().unwrap()));
    assert!(!registry.is_registered(&other, &"eu-west-1".parse().unwrap()));
}

#[test]
fn an_unregistered_account_is_named_by_its_id() {
    let registry: Registry = [row("111122223333", AccountStatus::Active)].into_iter().collect();
    assert_eq!(registry.account_name(&"111122223333".parse().unwrap()), "Payments");
    assert_eq!(registry.account_name(&"444455556666".parse().unwrap()), "444455556666");
}

#[test]
fn a_status_of_a_newer_program_is_kept_and_not_active() {
    let mut stored = serde_json::to_value(row("111122223333", AccountStatus::Active)).unwrap();
    stored["status"] = "SUSPENDED".into();
    let read: AccountRow = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!(read.status.to_string(), "SUSPENDED");
    assert_eq!(serde_json::to_value(&read).unwrap(), stored);
    assert!([read].into_iter().collect::<Registry>().drs_places().is_empty());
}

#[test]
fn an_account_that_was_registered_before_there_were_targets_is_read_and_has_none() {
    let mut row = row("111122223333", AccountStatus::Active);
    let old = serde_json::to_value(&row).unwrap();
    assert!(old.get("target").is_none());
    assert_eq!(serde_json::from_value::<AccountRow>(old).unwrap(), row);
    row.target = Some("444455556666".parse().unwrap());
    let stored = serde_json::to_value(&row).unwrap();
    assert_eq!(serde_json::from_value::<AccountRow>(stored).unwrap(), row);
}

#[test]
fn servers_are_extended_by_another_role_of_the_same_account_and_partition() {
    let mut row = row("111122223333", AccountStatus::Active);
    row.role_arn = "arn:aws-us-gov:iam::111122223333:role/dr/reader".into();
    assert_eq!(row.role_for(Errand::Watch), row.role_arn);
    let extend = "arn:aws-us-gov:iam::111122223333:role/drs-fleet-extend";
    assert_eq!(row.role_for(Errand::Extend), extend);
}

#[test]
fn the_status_is_stored_as_people_read_it() {
    let status = serde_json::to_value(AccountStatus::PendingValidation).unwrap();
    assert_eq!(status, AccountStatus::PendingValidation.to_string());
}
