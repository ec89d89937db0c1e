use std::time::Duration;

use serde_json::{Value, json};

use super::Iam;
use crate::Clock;
use crate::call::{Principal, Refusal};
use crate::testing::{HUB, SPOKE, allow, operator, role};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111111111111:jobs";

/// An account in `o-ours` for each, the hub with the roles `none` (allowed nothing) and `sender`.
fn iam() -> Iam {
    let iam = Iam::default();
    let trust = allow(&json!({"Principal": "*", "Action": "sts:AssumeRole"}));
    let sends = allow(&json!({"Action": "sqs:Send*", "Resource": "*"}));
    for account in [HUB, SPOKE] {
        iam.add_account(account, Some("o-ours"));
        iam.put_role(&format!("arn:aws:iam::{account}:role/none"), &trust, &[]).unwrap();
        iam.put_role(&format!("arn:aws:iam::{account}:role/sender"), &trust, std::slice::from_ref(&sends))
            .unwrap();
    }
    iam
}

fn send(iam: &Iam, caller: &Principal, policy: Option<&Value>) -> Result<(), Refusal> {
    iam.authorize(&Clock::real(), caller, "sqs:SendMessage", (HUB, QUEUE), policy, &[])
}

/// A queue policy that lets `principal` send, under `condition`.
fn queue_policy(principal: &Value, condition: &Value) -> Value {
    allow(&json!({
        "Principal": principal, "Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": condition,
    }))
}

fn service(source_arn: &str, source_account: &str) -> Principal {
    Principal::Service {
        name: "events.amazonaws.com".to_owned(),
        source_arn: source_arn.to_owned(),
        source_account: source_account.to_owned(),
    }
}

#[test]
fn within_an_account_either_policy_allows() {
    let iam = iam();
    assert!(send(&iam, &role(HUB, "sender"), None).is_ok());
    assert!(send(&iam, &role(HUB, "none"), None).is_err());
    let names_role = queue_policy(&json!({"AWS": format!("arn:aws:iam::{HUB}:role/none")}), &json!({}));
    assert!(send(&iam, &role(HUB, "none"), Some(&names_role)).is_ok());
}

#[test]
fn a_policy_for_an_account_leaves_the_decision_to_its_roles_policies() {
    let iam = iam();
    for named in [json!({"AWS": HUB}), json!({"AWS": format!("arn:aws:iam::{HUB}:root")})] {
        let policy = queue_policy(&named, &json!({}));
        assert!(send(&iam, &role(HUB, "none"), Some(&policy)).is_err(), "{named}");
        assert!(send(&iam, &role(HUB, "sender"), Some(&policy)).is_ok(), "{named}");
    }
}

#[test]
fn across_accounts_both_policies_must_allow() {
    let iam = iam();
    let everybody = queue_policy(&json!("*"), &json!({}));
    let account = queue_policy(&json!({"AWS": [SPOKE]}), &json!({}));
    let other = queue_policy(&json!({"AWS": "333333333333"}), &json!({}));
    for (name, policy, allowed) in [
        ("sender", None, false),
        ("sender", Some(&everybody), true),
        ("sender", Some(&account), true),
        ("sender", Some(&other), false),
        ("none", Some(&everybody), false),
        ("none", Some(&account), false),
    ] {
        assert_eq!(send(&iam, &role(SPOKE, name), policy).is_ok(), allowed, "{name} {policy:?}");
    }
}

#[test]
fn an_operator_owns_the_account_and_is_a_stranger_elsewhere() {
    let iam = iam();
    assert!(send(&iam, &operator(HUB), None).is_ok());
    assert!(send(&iam, &operator(SPOKE), None).is_err());
    let invites = queue_policy(&json!({"AWS": SPOKE}), &json!({}));
    assert!(send(&iam, &operator(SPOKE), Some(&invites)).is_ok());
}

#[test]
fn an_explicit_deny_wins_over_every_allow() {
    let iam = iam();
    let mut policy = queue_policy(&json!("*"), &json!({}));
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"});
    policy["Statement"].as_array_mut().unwrap().push(deny);
    assert!(send(&iam, &role(HUB, "sender"), Some(&policy)).is_err());
    assert!(send(&iam, &operator(HUB), Some(&policy)).is_err());
}

#[test]
fn a_role_or_session_arn_names_the_session_and_no_other() {
    let iam = iam();
    for (named, allowed) in [
        (format!("arn:aws:iam::{HUB}:role/none"), true),
        (format!("arn:aws:sts::{HUB}:assumed-role/none/worker"), true),
        (format!("arn:aws:sts::{HUB}:assumed-role/none/other"), false),
        (format!("arn:aws:iam::{HUB}:role/non*"), false),
        (format!("arn:aws:iam::{SPOKE}:role/none"), false),
    ] {
        let policy = queue_policy(&json!({"AWS": named}), &json!({}));
        assert_eq!(send(&iam, &role(HUB, "none"), Some(&policy)).is_ok(), allowed, "{named}");
    }
}

#[test]
fn only_principals_of_the_organisation_pass_its_condition() {
    let iam = iam();
    iam.add_account("333333333333", Some("o-theirs"));
    iam.add_account("444444444444", None);
    let ours = queue_policy(&json!("*"), &json!({"StringEquals": {"aws:PrincipalOrgID": "o-ours"}}));
    assert!(send(&iam, &operator(SPOKE), Some(&ours)).is_ok());
    assert!(send(&iam, &role(SPOKE, "sender"), Some(&ours)).is_ok());
    assert!(send(&iam, &operator("333333333333"), Some(&ours)).is_err());
    assert!(send(&iam, &operator("444444444444"), Some(&ours)).is_err());
    let rule = service("arn:aws:events:eu-west-1:222222222222:rule/one", SPOKE);
    assert!(send(&iam, &rule, Some(&ours)).is_err(), "a service is in no organisation");
}

#[test]
fn a_service_needs_a_policy_that_names_it_and_its_source() {
    let iam = iam();
    let rule = service("arn:aws:events:eu-west-1:111111111111:rule/hub/one", HUB);
    let named = json!({"Service": "events.amazonaws.com"});
    let from = |operator: &str, arn: &str| queue_policy(&named, &json!({operator: {"AWS:SourceArn": arn}}));
    assert!(send(&iam, &rule, None).is_err());
    assert!(send(&iam, &rule, Some(&queue_policy(&named, &json!({})))).is_ok());
    assert!(
        send(&iam, &rule, Some(&queue_policy(&json!({"Service": "sns.amazonaws.com"}), &json!({})))).is_err()
    );
    assert!(send(&iam, &rule, Some(&queue_policy(&json!({"AWS": HUB}), &json!({})))).is_err());
    assert!(send(&iam, &rule, Some(&from("ArnEquals", "arn:aws:events:*:*:rule/hub/*"))).is_ok());
    assert!(send(&iam, &rule, Some(&from("ArnLike", "arn:aws:events:*:*:rule/other/*"))).is_err());
    assert!(send(&iam, &rule, Some(&from("StringEquals", "arn:aws:events:*:*:rule/hub/*"))).is_err());
}

#[test]
fn not_principal_denies_all_but_those_named() {
    let iam = iam();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "NotPrincipal": {"AWS": SPOKE}, "Action": "*", "Resource": "*"},
    ]});
    assert!(send(&iam, &role(SPOKE, "sender"), Some(&policy)).is_ok());
    assert!(send(&iam, &role(HUB, "sender"), Some(&policy)).is_err());
}

#[test]
fn conditions_see_the_role_and_the_clouds_time() {
    let iam = iam();
    let clock = Clock::starting("2031-01-01T00:00:00Z".parse().unwrap(), 0.001);
    let asks = |condition: Value| {
        let policy = queue_policy(&json!("*"), &condition);
        iam.authorize(&clock, &role(HUB, "none"), "sqs:SendMessage", (HUB, QUEUE), Some(&policy), &[])
    };
    let arn = format!("arn:aws:iam::{HUB}:role/none");
    assert!(asks(json!({"ArnEquals": {"aws:PrincipalArn": arn}})).is_ok());
    assert!(asks(json!({"Bool": {"aws:SecureTransport": "true"}})).is_ok());
    assert!(asks(json!({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}})).is_ok());
    assert!(asks(json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}})).is_err());
}

#[test]
fn denial_is_told_in_the_words_of_aws() {
    let refusal = send(&iam(), &role(HUB, "none"), None).unwrap_err();
    let text = "User: arn:aws:sts::111111111111:assumed-role/none/worker is not authorized to perform: \
                sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111111111111:jobs";
    assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("AccessDenied", text));
}

#[test]
fn the_sessions_of_a_deleted_role_are_allowed_nothing() {
    let iam = iam();
    assert!(iam.delete_role(&format!("arn:aws:iam::{HUB}:role/sender")));
    assert!(send(&iam, &role(HUB, "sender"), None).is_err());
    assert!(iam.role(&format!("arn:aws:iam::{HUB}:role/sender")).is_none());
}

#[test]
fn a_document_that_does_not_parse_makes_no_role() {
    let iam = Iam::default();
    let refusal = iam.put_role("arn:aws:iam::1:role/r", &json!({"Statement": [{"Effect": "Maybe"}]}), &[]);
    assert_eq!(refusal.unwrap_err().code, "MalformedPolicyDocument");
    let no_action = json!({"Statement": [{"Effect": "Allow", "Resource": "*"}]});
    assert!(iam.put_role("arn:aws:iam::1:role/r", &json!({"Statement": []}), &[no_action]).is_err());
}

#[test]
fn a_service_acts_only_in_roles_that_trust_it() {
    let iam = Iam::default();
    let clock = Clock::real();
    let arn = format!("arn:aws:iam::{HUB}:role/forward");
    let trusts = |name: &str| allow(&json!({"Principal": {"Service": name}, "Action": "sts:AssumeRole"}));
    iam.put_role(&arn, &trusts("events.amazonaws.com"), &[]).unwrap();
    let rule = service("arn:aws:events:eu-west-1:111111111111:rule/one", HUB);
    let acting = iam.act_as(&clock, &rule, &arn, "rule").unwrap();
    assert_eq!(acting.arn(), "arn:aws:sts::111111111111:assumed-role/forward/rule");
    iam.put_role(&arn, &trusts("scheduler.amazonaws.com"), &[]).unwrap();
    assert!(iam.act_as(&clock, &rule, &arn, "rule").is_err());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let iam = Iam::default();
    let keys = iam.add_account(HUB, None);
    let shown = format!("{iam:?} {keys:?}");
    assert!(!shown.contains(&keys.secret_access_key), "{shown}");
}

#[test]
fn a_session_is_who_its_role_is() {
    let iam = iam();
    let arn = format!("arn:aws:iam::{HUB}:role/sender");
    let keys = iam.issue(&arn, "task", Duration::from_mins(1)).unwrap();
    let caller = iam.authenticate(&keys.access_key_id, keys.session_token.as_deref()).unwrap();
    assert_eq!(caller.arn(), "arn:aws:sts::111111111111:assumed-role/sender/task");
    assert!(iam.authenticate(&keys.access_key_id, Some("other")).is_err());
    assert!(iam.issue("arn:aws:iam::1:role/none", "task", Duration::from_mins(1)).is_err());
}

#[test]
fn a_role_can_be_revoked_in_the_middle_of_something_and_given_back() {
    let iam = iam();
    let (caller, arn) = (role(HUB, "sender"), format!("arn:aws:iam::{HUB}:role/sender"));
    let was = iam.role(&arn).unwrap();
    iam.revoke_after(&arn, "sqs:SendMessage", 2);
    let other = iam.authorize(&Clock::real(), &caller, "sqs:SendMessageBatch", (HUB, QUEUE), None, &[]);
    assert!(other.is_ok(), "another action does not count");
    let sent: Vec<_> = (0..4).map(|_| send(&iam, &caller, None).is_ok()).collect();
    assert_eq!(sent, [true, true, false, false]);
    iam.put_role(&arn, &was.trust, &was.policies).unwrap();
    assert!((0..4).all(|_| send(&iam, &caller, None).is_ok()));
}
