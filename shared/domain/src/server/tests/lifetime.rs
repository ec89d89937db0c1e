//! What is written of a server, who judges it, and when it is forgotten.

use super::*;

#[test]
fn a_server_that_goes_on_as_it_is_costs_one_write() {
    let mut it = Server::default();
    for minute in 0..100_i64 {
        let mut seen = lagging(61 + u64::from(minute % 3 == 0));
        seen.progress.backlog = Some((1 << 29) + minute.unsigned_abs());
        seen.last_seen = Some(at(minute - 1));
        it.swept(minute, seen);
    }
    assert_eq!(it.writes, 1);
}

fn account(id: &str, status: AccountStatus) -> AccountRow {
    AccountRow {
        id: id.parse().unwrap(),
        name: "erp-prod".to_owned(),
        alias: None,
        role_arn: String::new(),
        external_id_secret: String::new(),
        regions: vec![AccountRegion { region: somewhere().region, drs: true, source: false }],
        target: None,
        ou: None,
        tags: std::collections::BTreeMap::new(),
        status,
        last_validated: None,
        last_error: None,
    }
}

#[test]
fn an_extended_server_is_judged_in_the_account_where_it_replicates_if_that_is_watched() {
    let staging = |status: &str| Staging {
        status: Some(status.to_owned()),
        account: Some("444455556666".parse().unwrap()),
        ..Staging::default()
    };
    let here = account("111122223333", AccountStatus::Active);
    let there = |status| account("444455556666", status);
    for (accounts, expected) in [
        (vec![here.clone()], true),
        (vec![here.clone(), there(AccountStatus::Inactive)], true),
        (vec![here, there(AccountStatus::Active)], false),
    ] {
        let mut it = Server { registry: Some(accounts.into_iter().collect()), ..Server::default() };
        it.swept(0, ServerSeen { staging: staging("EXTENDED"), ..lagging(100) });
        it.decides(&[Observation::Stalled { stalled: true, at: at(1) }], at(1));
        assert_eq!(!it.open().is_empty(), expected, "{:?}", it.open());
        assert_eq!(it.row().look_at.is_some(), expected);
        it.swept(5, ServerSeen { staging: staging("EXTENSION_ERROR"), ..lagging(0) });
        assert_eq!(it.open(), [(ExtensionError, Severity::High)]);
    }
}

#[test]
fn an_extended_server_is_waited_for_while_it_rests_and_there_is_one() {
    let staging = || Staging { status: Some("EXTENDED".to_owned()), ..Staging::default() };
    let mut it = Server::default();
    it.swept(0, server("STALLED"));
    assert_eq!(it.row().replicates_elsewhere(), None, "it replicates here");
    it.swept(5, ServerSeen { staging: staging(), ..server("STALLED") });
    assert_eq!(it.row().replicates_elsewhere(), Some(("STALLED", false)));
    it.swept(10, ServerSeen { staging: staging(), ..server("CONTINUOUS") });
    assert_eq!(it.row().replicates_elsewhere(), Some(("CONTINUOUS", true)));
    it.swept(15, ServerSeen { staging: staging(), ..server("DISCONNECTED") });
    it.decides(&[Observation::Gone { at: at(20) }], at(20));
    assert_eq!(it.row().replicates_elsewhere(), Some(("DISCONNECTED", true)), "nobody waits for it");
}

#[test]
fn nothing_is_wrong_with_servers_of_an_account_that_is_switched_off_and_of_one_removed_they_are_forgotten() {
    let accounts = |row: Option<AccountRow>| Some(row.into_iter().collect::<Registry>());
    let with = |status| accounts(Some(account("111122223333", status)));
    let mut it = Server { registry: with(AccountStatus::Active), ..Server::default() };
    it.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(0));
    it.registry = with(AccountStatus::Inactive);
    assert!(it.row().is_to_be_dismissed());
    assert_eq!(it.rings(), (at(30), vec![(ReplicationStalled, Resolved)]));
    assert_eq!((it.row().look_at, it.row().forget_at), (None, None));
    it.registry = with(AccountStatus::Active);
    assert_eq!(it.decides(&[], at(60)), [(ReplicationStalled, Opened)], "it is watched again");
    it.registry = accounts(None);
    assert_eq!(it.decides(&[], at(61)), [(ReplicationStalled, Resolved)]);
    let (kept, writes) = (SignedDuration::from_hours(90 * 24), it.writes);
    assert_eq!((it.decides(&[], at(99)), it.writes), (vec![], writes));
    assert_eq!(it.row().expires_at(), Some(at(61) + kept));
    assert!(!it.row().is_to_be_dismissed());
}

#[test]
fn servers_of_a_region_that_is_not_registered_any_more_are_forgotten() {
    let region = AccountRegion { region: "eu-west-1".parse().unwrap(), drs: true, source: false };
    let elsewhere = AccountRow { regions: vec![region], ..account("111122223333", AccountStatus::Active) };
    let mut it = Server { registry: Some([elsewhere].into_iter().collect()), ..Server::default() };
    it.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(0));
    assert!(it.open().is_empty() && it.row().forget_at.is_some());
}

#[test]
fn a_server_that_is_gone_has_nothing_wrong_with_it_and_is_forgotten_in_the_end() {
    let mut it = Server::default();
    it.swept(0, lagging(100));
    it.swept(5, ServerSeen { state: Some("STALLED".to_owned()), ..lagging(100) });
    let gone = Observation::Gone { at: at(10) };
    assert_eq!(it.decides(&[gone], at(10)), [(ReplicationStalled, Resolved), (ReplicationLag, Resolved)]);
    assert_eq!((it.open(), it.row().look_at), (vec![], None));
    let kept = SignedDuration::from_hours(90 * 24);
    assert_eq!(it.row().expires_at(), Some(at(10) + kept));
}

#[test]
fn details_are_told_apart_by_a_fingerprint_that_never_changes() {
    let seen = tagged(server("CONTINUOUS"), "Name", "erp-db-03");
    assert_eq!(fingerprint(&seen), FINGERPRINT);
    assert_ne!(fingerprint(&tagged(seen.clone(), "Name", "erp-db-04")), FINGERPRINT);
    let mut it = Server::default();
    it.swept(0, seen.clone());
    assert!(!it.row().lacks_details(&seen));
    let gone = Observation::Gone { at: at(5) };
    it.decides(&[gone], at(5));
    assert!(it.row().lacks_details(&seen), "they were marked gone with it");
}

const FINGERPRINT: u64 = 16_471_604_974_824_940_740;

#[test]
fn details_are_written_when_they_change_and_marked_gone_with_their_server() {
    let seen = server("CONTINUOUS");
    let told = ServerDetailsRow::told(&somewhere(), &seen, at(0));
    assert!(told.instead_of(None).is_some());
    let again = ServerDetailsRow::told(&somewhere(), &seen, at(5));
    assert_eq!(again.instead_of(Some(&told)), None);
    let gone = told.gone(at(10), &Policy::default()).unwrap().row;
    assert_eq!((gone.gone_since, gone.expires_at().is_some()), (Some(at(10)), true));
    assert_eq!(gone.gone(at(15), &Policy::default()), None);
    assert_eq!(again.instead_of(Some(&gone)), None, "that sweep came before");
    assert!(ServerDetailsRow::told(&somewhere(), &seen, at(20)).instead_of(Some(&gone)).is_some());
}

#[test]
fn details_of_a_removed_account_are_forgotten_and_kept_again_when_it_is_back() {
    let seen = server("CONTINUOUS");
    let mut it = Server::default();
    it.swept(0, seen.clone());
    it.registry = Some(Registry::default());
    it.decides(&[], at(5));
    assert!(it.row().forget_at.is_some());
    let told = ServerDetailsRow::told(&somewhere(), &seen, at(0));
    let dismissed = told.dismissed(at(5), &Policy::default()).unwrap().row;
    assert_eq!(dismissed.expires_at(), it.row().expires_at());
    assert_eq!(dismissed.dismissed(at(10), &Policy::default()), None, "not put off");

    it.registry = None;
    it.decides(&[Observation::Stalled { stalled: true, at: at(15) }], at(15));
    assert_eq!(it.row().forget_at, None);
    assert!(it.row().lacks_details(&seen), "whatever was told before the sweep");
    let again = ServerDetailsRow::told(&somewhere(), &seen, at(20)).instead_of(Some(&dismissed)).unwrap();
    assert_eq!(again.row.expires_at(), None);
}

#[test]
fn states_are_stored_as_a_map_of_whatever_order() {
    let mut it = Server::default();
    it.swept(0, server("CONTINUOUS"));
    it.swept(5, server("STALLED"));
    let stored = serde_json::to_value(it.row()).unwrap();
    assert_eq!(stored["replication"]["before"], serde_json::json!({ "CONTINUOUS": at(0) }));
    assert_eq!(serde_json::from_value::<ServerRow>(stored).unwrap(), *it.row());
    let read: States = serde_json::from_str(
        r#"{"RESCAN":"2026-01-01T00:10:00Z","BACKLOG":"2026-01-01T00:05:00Z","CONTINUOUS":"2026-01-01T00:00:00Z"}"#,
    )
    .unwrap();
    let known =
        [("BACKLOG", 5), ("CONTINUOUS", 0), ("RESCAN", 10)].map(|(state, minute)| (state.into(), at(minute)));
    assert_eq!(read, known.into_iter().collect());
}

#[test]
fn a_server_that_a_sweep_finds_may_wait_for_others_and_one_that_an_event_tells_of_may_not() {
    let (mut found, mut told) = (Server::default(), Server::default());
    found.swept(0, server("CONTINUOUS"));
    told.decides(&[Observation::Stalled { stalled: true, at: at(0) }], at(0));
    assert!(found.row().comes_in_crowds());
    assert!(!told.row().comes_in_crowds());
}
