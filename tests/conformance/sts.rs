//! Identities.

use aws_sdk_sts::Client;
use drs_fleet_aws::connect::Keys;

use super::target::{ACCOUNT, EXTERNAL_ID, Target, role_arn};
use super::{against_both, code};

against_both!(
    a_role_is_assumed_with_its_external_id_and_only_with_that,
    keys_that_nobody_gave_out_are_refused,
);

async fn a_role_is_assumed_with_its_external_id_and_only_with_that(target: &Target) {
    let client = Client::new(&target.config());
    let identity = client.get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(ACCOUNT));
    let assume = client.assume_role().role_arn(role_arn()).role_session_name("drs-fleet-test");
    for wrong in [None, Some("another-external-id".to_owned())] {
        let refused = assume.clone().set_external_id(wrong).send().await;
        assert_eq!(code(refused), "AccessDenied");
    }
    let granted = assume.external_id(EXTERNAL_ID).duration_seconds(900).send().await.unwrap();
    let given = granted.credentials.unwrap();
    assert!(given.access_key_id.starts_with("ASIA"), "{}", given.access_key_id);
    let keys = |token: &str| Keys {
        access_key_id: given.access_key_id.clone(),
        secret_access_key: given.secret_access_key.clone(),
        session_token: Some(token.to_owned()),
    };
    let assumed = Client::new(&target.config_of(keys(&given.session_token)));
    let arn = assumed.get_caller_identity().send().await.unwrap().arn.unwrap();
    assert_eq!(arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/drs-fleet-spoke/drs-fleet-test"));
    let forged = Client::new(&target.config_of(keys("not the token")));
    assert_eq!(code(forged.get_caller_identity().send().await), "InvalidClientTokenId");
    let missing = client.assume_role().role_arn(format!("{}-gone", role_arn())).role_session_name("gone");
    assert_eq!(code(missing.external_id(EXTERNAL_ID).send().await), "AccessDenied");
}

async fn keys_that_nobody_gave_out_are_refused(target: &Target) {
    let unknown = Keys {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "nobody's".to_owned(),
        session_token: None,
    };
    let answer = Client::new(&target.config_of(unknown)).get_caller_identity().send().await;
    assert_eq!(code(answer), "InvalidClientTokenId");
    let forged = Keys { secret_access_key: "another".to_owned(), ..target.keys() };
    let answer = Client::new(&target.config_of(forged)).get_caller_identity().send().await;
    assert_eq!(code(answer), "SignatureDoesNotMatch");
}
