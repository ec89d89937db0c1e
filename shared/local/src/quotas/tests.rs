use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::{Principal, Refusal};
use crate::faults::Faults;
use crate::testing::{REGION, SPOKE, Sent, allow, call, cloud, operator, role};
use crate::{Clock, World};

const HOME: (&str, &str) = (SPOKE, REGION);
const REPLICATING: &str = "L-C1D14A2B";
const TOTAL: &str = "L-E28BE5E0";

fn world() -> Arc<World> {
    let world = World::new(Clock::real(), Faults::none());
    world.iam.add_account(SPOKE, None);
    world
}

async fn ask(world: &Arc<World>, operation: &str, body: Value) -> Result<Value, Refusal> {
    by(world, &operator(SPOKE), operation, body).await
}

async fn by(world: &Arc<World>, who: &Principal, operation: &str, body: Value) -> Result<Value, Refusal> {
    let reply = world.perform(&call(who, "servicequotas", operation, &body)).await?;
    Ok(serde_json::from_slice(&reply.body).unwrap())
}

async fn values(world: &Arc<World>, operation: &str) -> Vec<(String, f64)> {
    let answer = ask(world, operation, json!({ "ServiceCode": "drs" })).await.unwrap();
    let quotas = answer["Quotas"].as_array().unwrap().iter();
    quotas.map(|q| (q["QuotaCode"].as_str().unwrap().to_owned(), q["Value"].as_f64().unwrap())).collect()
}

#[tokio::test]
async fn the_nine_quotas_of_drs_are_listed_where_drs_was_never_initialised() {
    let world = world();
    let answer = ask(&world, "ListServiceQuotas", json!({ "ServiceCode": "drs" })).await.unwrap();
    let quotas = answer["Quotas"].as_array().unwrap();
    assert_eq!((quotas.len(), answer.get("NextToken")), (9, None));
    let replicating = quotas.iter().find(|quota| quota["QuotaCode"] == REPLICATING).unwrap();
    assert_eq!((&replicating["Value"], &replicating["Adjustable"]), (&json!(300.0), &json!(false)));
    assert_eq!(replicating["QuotaArn"], format!("arn:aws:servicequotas:{REGION}:{SPOKE}:drs/{REPLICATING}"));
    let adjustable = quotas.iter().filter(|quota| quota["Adjustable"] == true).count();
    assert_eq!(adjustable, 2);
}

#[tokio::test]
async fn an_applied_value_counts_in_its_own_account_and_region_only() {
    let world = world();
    world.drs.set_quota(HOME, TOTAL, Some(6_000)).unwrap();
    world.drs.set_quota((SPOKE, "us-west-2"), REPLICATING, Some(1)).unwrap();
    let applied = values(&world, "ListServiceQuotas").await;
    assert!(
        applied.contains(&(TOTAL.to_owned(), 6_000.0)) && applied.contains(&(REPLICATING.to_owned(), 300.0))
    );
    let defaults = values(&world, "ListAWSDefaultServiceQuotas").await;
    assert!(defaults.contains(&(TOTAL.to_owned(), 4_000.0)));
    let body = json!({ "ServiceCode": "drs", "QuotaCode": TOTAL });
    let quota = ask(&world, "GetServiceQuota", body.clone()).await.unwrap();
    assert_eq!(quota["Quota"]["Value"], 6_000.0);
    let quota = ask(&world, "GetAWSDefaultServiceQuota", body).await.unwrap();
    assert_eq!(quota["Quota"]["Value"], 4_000.0);
}

#[tokio::test]
async fn a_quota_without_an_applied_value_is_left_out_and_has_its_default_still() {
    let world = world();
    world.drs.set_quota(HOME, TOTAL, None).unwrap();
    let applied = values(&world, "ListServiceQuotas").await;
    assert_eq!((applied.len(), applied.iter().any(|(code, _)| code == TOTAL)), (8, false));
    let body = json!({ "ServiceCode": "drs", "QuotaCode": TOTAL });
    let refusal = ask(&world, "GetServiceQuota", body.clone()).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "NoSuchResourceException"));
    let quota = ask(&world, "GetAWSDefaultServiceQuota", body).await.unwrap();
    assert_eq!(quota["Quota"]["Value"], 4_000.0);
}

#[tokio::test]
async fn pages_cover_all_quotas_exactly_once() {
    let world = world();
    let (mut codes, mut sizes) = (BTreeSet::new(), Vec::new());
    let mut body = json!({ "ServiceCode": "drs", "MaxResults": 4 });
    loop {
        let page = ask(&world, "ListServiceQuotas", body.clone()).await.unwrap();
        let quotas = page["Quotas"].as_array().unwrap();
        sizes.push(quotas.len());
        codes.extend(quotas.iter().map(|quota| quota["QuotaCode"].as_str().unwrap().to_owned()));
        let Some(token) = page.get("NextToken") else { break };
        body["NextToken"] = token.clone();
    }
    assert_eq!((sizes, codes.len()), (vec![4, 4, 1], 9));
    let refusal = ask(&world, "ListAWSDefaultServiceQuotas", body).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidPaginationTokenException");
}

#[tokio::test]
async fn what_does_not_exist_or_is_out_of_bounds_is_refused() {
    let world = world();
    let cases = [
        ("ListServiceQuotas", json!({ "ServiceCode": "ec2" }), "NoSuchResourceException"),
        ("GetServiceQuota", json!({ "ServiceCode": "drs", "QuotaCode": "L-1" }), "NoSuchResourceException"),
        ("ListServiceQuotas", json!({ "ServiceCode": "drs", "MaxResults": 101 }), "IllegalArgumentException"),
        ("ListServiceQuotas", json!({ "ServiceCode": "drs", "MaxResults": 0 }), "IllegalArgumentException"),
        ("GetServiceQuota", json!({ "ServiceCode": "drs" }), "IllegalArgumentException"),
        ("RequestServiceQuotaIncrease", json!({ "ServiceCode": "drs" }), "UnknownOperationException"),
    ];
    for (operation, body, code) in cases {
        assert_eq!(ask(&world, operation, body.clone()).await.unwrap_err().code, code, "{operation} {body}");
    }
}

#[tokio::test]
async fn a_role_reads_what_its_policy_allows() {
    let world = world();
    let who = role(SPOKE, "reader");
    let Principal::Role { role_arn, .. } = &who else { unreachable!() };
    let trust = json!({ "Version": "2012-10-17", "Statement": [] });
    let policy = allow(&json!({ "Action": "servicequotas:ListServiceQuotas", "Resource": "*" }));
    world.iam.put_role(role_arn, &trust, &[policy]).unwrap();
    let body = json!({ "ServiceCode": "drs" });
    by(&world, &who, "ListServiceQuotas", body.clone()).await.unwrap();
    let refusal = by(&world, &who, "ListAWSDefaultServiceQuotas", body).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "AccessDenied"));
}

#[tokio::test]
async fn it_speaks_json_under_its_own_target() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(SPOKE, None);
    let body = json!({ "ServiceCode": "drs", "QuotaCode": REPLICATING });
    let target = "ServiceQuotasV20190624.GetServiceQuota";
    let answer = Sent::json("servicequotas", target, &body).by(&keys, &cloud).await;
    assert_eq!((answer.status, &answer.json()["Quota"]["Value"]), (200, &json!(300.0)));
    assert!(answer.head.contains("application/x-amz-json-1.1"), "{}", answer.head);
    let body = json!({ "ServiceCode": "none" });
    let answer = Sent::json("servicequotas", target, &body).by(&keys, &cloud).await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("NoSuchResourceException")));
    let answer = Sent::json("servicequotas", "AWSEvents.GetServiceQuota", &body).by(&keys, &cloud).await;
    assert_eq!(answer.json()["__type"], "UnknownOperationException");
}
