use drs_fleet_domain::registry::{AccountRow, AccountStatus};
use serde_json::{Value, json};
use std::sync::Arc;

use super::*;
use crate::sdk::SdkIo;
use crate::sdk::wire::{self, Call, Reply, Wire};
use crate::verdict::Verdict;

const ID: &str = "111122223333";

fn item() -> Value {
    let text = |value: &str| json!({ "S": value });
    let region = |name: &str| json!({ "M": { "region": text(name), "drs": { "BOOL": true }, "source": { "BOOL": true } } });
    let row = json!({
        "id": text(ID), "name": text("Payments"), "status": text("PENDING_VALIDATION"),
        "regions": { "L": [region("eu-central-1"), region("eu-west-1")] },
        "role_arn": text("arn:aws:iam::111122223333:role/drs-fleet"), "external_id_secret": text("drs-fleet/x"),
    });
    json!({
        "pk": text("account#3"), "sk": text("account#111122223333"), "rev": { "N": "4" }, "row": { "M": row },
        "outbox": { "M": {} },
    })
}

const ASSUMED: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
    <SecretAccessKey>k</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";
const REFUSED: &str =
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";

/// A hub and a spoke whose role wants its external id, apart from what `odd` answers.
fn fleet(odd: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> (SdkIo, Wire) {
    wire::io(move |call| {
        odd(call).unwrap_or_else(|| match call.operation.as_str() {
            "BatchGetItem" => {
                (200, json!({ "Responses": { "fleet": [item()] }, "UnprocessedKeys": {} }).to_string())
            }
            "Query" if call.body.contains("account#3") => (200, json!({ "Items": [item()] }).to_string()),
            "GetSecretValue" => (200, json!({ "SecretString": "right" }).to_string()),
            "AssumeRole" if call.body.contains("ExternalId=right") => (200, ASSUMED.into()),
            "AssumeRole" => (403, REFUSED.into()),
            _ => (200, "{}".into()),
        })
    })
}

fn editor(io: SdkIo) -> RegistryEditor<SdkIo> {
    RegistryEditor::new(io, WriteToken::for_command_of_a_person())
}

/// The row as it was stored last.
fn saved(wire: &Wire) -> Value {
    let call = wire.calls("UpdateItem").pop().unwrap().json();
    let values = call["ExpressionAttributeValues"].as_object().unwrap();
    values.values().find_map(|v| v.get("M")).unwrap().clone()
}

#[tokio::test]
async fn an_account_whose_role_wants_its_external_id_becomes_active() {
    let (io, wire) = fleet(|_| None);
    let report = editor(io).validate(&ID.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::Active, "{report:?}");
    assert!(report.checks.iter().all(|c| c.outcome == Outcome::Passed(None)), "{report:?}");
    assert_eq!(report.checks.len(), 5, "the role, two wrong ways in, two Regions");
    assert_eq!(saved(&wire)["status"]["S"], "ACTIVE");
}

#[tokio::test]
async fn a_role_that_accepts_any_external_id_is_an_error_that_says_what_to_change() {
    let (io, wire) = fleet(|call| (call.operation == "AssumeRole").then(|| (200, ASSUMED.into())));
    let report = editor(io).validate(&ID.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::Error);
    let why = saved(&wire)["last_error"]["S"].as_str().unwrap().to_owned();
    assert!(
        why.contains("a wrong external id is refused: the role lets us in") && why.contains("sts:ExternalId")
    );
}

#[tokio::test]
async fn a_region_that_refuses_us_is_an_error() {
    let (io, _) = fleet(|call| {
        let denied = call.operation == "DescribeSourceServers" && call.host.contains("eu-west-1");
        denied.then(|| (403, json!({ "__type": "AccessDeniedException", "message": "no" }).to_string()))
    });
    let report = editor(io).validate(&ID.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::Error);
    assert!(matches!(report.checks[3].outcome, Outcome::Passed(None)));
    assert!(matches!(report.checks[4].outcome, Outcome::Failed(_)));
}

#[tokio::test]
async fn a_region_without_drs_passes_with_a_remark() {
    let (io, _) = fleet(|call| {
        let body = json!({ "__type": "UninitializedAccountException", "message": "no" }).to_string();
        (call.operation == "DescribeSourceServers").then_some((400, body))
    });
    let report = editor(io).validate(&ID.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::Active);
    assert!(
        matches!(&report.checks[3].outcome, Outcome::Passed(Some(remark)) if remark.contains("not initialised"))
    );
}

#[tokio::test]
async fn a_service_that_does_not_answer_says_nothing_about_the_account() {
    let (io, wire) = fleet(|call| (call.operation == "DescribeSourceServers").then(|| (500, "{}".into())));
    let report = editor(io).validate(&ID.parse().unwrap()).await.unwrap();
    assert_eq!(report.status, AccountStatus::PendingValidation);
    assert!(wire.calls("UpdateItem").is_empty());
}

#[tokio::test]
async fn an_account_is_registered_once_and_begins_unvalidated() {
    let (io, wire) = fleet(|_| None);
    let row: AccountRow = load(&io).await.unwrap().accounts().next().unwrap().clone();
    let active = AccountRow { status: AccountStatus::Active, ..row.clone() };
    editor(io).add(active).await.unwrap();
    let put = wire.calls("PutItem")[0].json();
    assert_eq!(put["Item"]["row"]["M"]["status"]["S"], "PENDING_VALIDATION");
    let lost = json!({ "__type": "ConditionalCheckFailedException", "Item": item() }).to_string();
    let (io, _) = fleet(move |call| (call.operation == "PutItem").then(|| (400, lost.clone())));
    assert!(matches!(editor(io).add(row).await, Err(EditError::Registered(_))));
}

#[tokio::test]
async fn an_edit_that_loses_a_race_is_made_on_what_the_winner_stored() {
    let (io, wire) = fleet(|call| {
        let stale = call.operation == "UpdateItem" && call.body.contains(r#"":expected":{"N":"4"}"#);
        let mut newer = item();
        newer["rev"]["N"] = "5".into();
        newer["row"]["M"]["name"]["S"] = "Renamed".into();
        stale
            .then(|| (400, json!({ "__type": "ConditionalCheckFailedException", "Item": newer }).to_string()))
    });
    let row = editor(io).set_status(&ID.parse().unwrap(), AccountStatus::Inactive).await.unwrap();
    assert_eq!((row.name.as_str(), row.status), ("Renamed", AccountStatus::Inactive));
    assert_eq!(wire.calls("UpdateItem").len(), 2);
}

#[tokio::test]
async fn what_is_not_registered_cannot_be_removed() {
    let nobody = json!({ "Responses": {}, "UnprocessedKeys": {} }).to_string();
    let (io, wire) = fleet(move |call| (call.operation == "BatchGetItem").then(|| (200, nobody.clone())));
    let error = editor(io).remove(&ID.parse().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "account 111122223333 is not registered");
    assert!(wire.calls("DeleteItem").is_empty());
}

#[tokio::test]
async fn the_registry_is_read_once_for_all_who_ask_within_a_minute() {
    let (io, wire) = fleet(|_| None);
    let cache = RegistryCache::default();
    let (one, other) = tokio::join!(cache.current(&io), cache.current(&io));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(cache.current(&io).await.unwrap().account_name(&ID.parse().unwrap()), "Payments");
    assert_eq!(wire.calls("Query").len(), 10, "one for each part of the registry");
}

#[tokio::test]
async fn a_registry_that_cannot_be_read_again_stays_as_it_was() {
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let (io, _) =
        fleet(move |_| is_down.load(std::sync::atomic::Ordering::SeqCst).then(|| (500, "{}".into())));
    let cache = RegistryCache::default();
    let before = cache.current(&io).await.unwrap();
    down.store(true, std::sync::atomic::Ordering::SeqCst);
    cache.forget();
    assert_eq!(cache.current(&io).await.unwrap(), before);
    assert_eq!(RegistryCache::default().current(&io).await.unwrap_err().verdict, Verdict::Transient);
}
