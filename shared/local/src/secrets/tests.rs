use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::{Principal, Refusal};
use crate::faults::Faults;
use crate::testing::{HUB, REGION, allow, call, operator, role};
use crate::{Clock, World};

fn world() -> Arc<World> {
    World::new(Clock::real(), Faults::none())
}

async fn ask(world: &Arc<World>, who: &Principal, operation: &str, body: &Value) -> Result<Value, Refusal> {
    let reply = world.perform(&call(who, "secretsmanager", operation, body)).await?;
    Ok(serde_json::from_slice(&reply.body).unwrap())
}

async fn by_operator(world: &Arc<World>, operation: &str, body: &Value) -> Result<Value, Refusal> {
    ask(world, &operator(HUB), operation, body).await
}

/// Creates `fleet/id` with the value `first` and returns its ARN.
async fn create(world: &Arc<World>) -> String {
    let request = json!({"Name": "fleet/id", "SecretString": "first"});
    let answer = by_operator(world, "CreateSecret", &request).await.unwrap();
    answer["ARN"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_secret_is_read_by_name_arn_and_partial_arn() {
    let world = world();
    let arn = create(&world).await;
    let partial = format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:fleet/id");
    assert_eq!(arn.len(), partial.len() + 7);
    for id in ["fleet/id", &arn, &partial] {
        let answer = by_operator(&world, "GetSecretValue", &json!({"SecretId": id})).await.unwrap();
        assert_eq!(answer["SecretString"], "first", "{id}");
        assert_eq!(answer["VersionStages"], json!(["AWSCURRENT"]));
    }
    let refusal = by_operator(&world, "GetSecretValue", &json!({"SecretId": "fleet"})).await.unwrap_err();
    assert_eq!(refusal.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_new_value_moves_the_stages() {
    let world = world();
    create(&world).await;
    for value in ["second", "third"] {
        let request = json!({"SecretId": "fleet/id", "SecretString": value});
        by_operator(&world, "PutSecretValue", &request).await.unwrap();
    }
    for (stage, value) in [("AWSCURRENT", "third"), ("AWSPREVIOUS", "second")] {
        let request = json!({"SecretId": "fleet/id", "VersionStage": stage});
        let answer = by_operator(&world, "GetSecretValue", &request).await.unwrap();
        assert_eq!(answer["SecretString"], value);
        let by_id = json!({"SecretId": "fleet/id", "VersionId": answer["VersionId"]});
        assert_eq!(by_operator(&world, "GetSecretValue", &by_id).await.unwrap()["SecretString"], value);
    }
    let described = by_operator(&world, "DescribeSecret", &json!({"SecretId": "fleet/id"})).await.unwrap();
    assert_eq!(described["VersionIdsToStages"].as_object().unwrap().len(), 2);
    assert!(!described.to_string().contains("third"));
}

#[tokio::test]
async fn a_repeated_token_changes_nothing_and_a_reused_one_is_refused() {
    let world = world();
    create(&world).await;
    let put = |value: &str| json!({"SecretId": "fleet/id", "SecretString": value, "ClientRequestToken": "0123456789abcdef0123456789abcdef"});
    let first = by_operator(&world, "PutSecretValue", &put("second")).await.unwrap();
    assert_eq!(by_operator(&world, "PutSecretValue", &put("second")).await.unwrap(), first);
    let refusal = by_operator(&world, "PutSecretValue", &put("other")).await.unwrap_err();
    assert_eq!(refusal.code, "ResourceExistsException");
}

#[tokio::test]
async fn a_role_reads_only_what_its_policy_names() {
    let world = world();
    create(&world).await;
    let policy = allow(&json!({
        "Action": "secretsmanager:GetSecretValue",
        "Resource": format!("arn:aws:secretsmanager:{REGION}:{HUB}:secret:fleet/*"),
    }));
    let worker = format!("arn:aws:iam::{HUB}:role/worker");
    world.iam.put_role(&worker, &json!({"Statement": []}), &[policy]).unwrap();
    let worker = role(HUB, "worker");
    by_operator(&world, "CreateSecret", &json!({"Name": "other", "SecretString": "x"})).await.unwrap();
    assert!(ask(&world, &worker, "GetSecretValue", &json!({"SecretId": "fleet/id"})).await.is_ok());
    for (operation, id) in
        [("GetSecretValue", "other"), ("GetSecretValue", "absent"), ("DeleteSecret", "fleet/id")]
    {
        let refusal = ask(&world, &worker, operation, &json!({"SecretId": id})).await.unwrap_err();
        assert_eq!(refusal.code, "AccessDenied", "{operation} {id}");
    }
}

#[tokio::test]
async fn a_deleted_secret_is_not_read_any_more() {
    let world = world();
    create(&world).await;
    let id = json!({"SecretId": "fleet/id"});
    by_operator(&world, "DeleteSecret", &id).await.unwrap();
    let refusal = by_operator(&world, "GetSecretValue", &id).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidRequestException");
    let described = by_operator(&world, "DescribeSecret", &id).await.unwrap();
    assert!(described["DeletedDate"].is_number());

    let again = json!({"Name": "fleet/id", "SecretString": "x"});
    assert_eq!(
        by_operator(&world, "CreateSecret", &again).await.unwrap_err().code,
        "InvalidRequestException"
    );

    by_operator(&world, "CreateSecret", &json!({"Name": "two", "SecretString": "x"})).await.unwrap();
    let at_once = json!({"SecretId": "two", "ForceDeleteWithoutRecovery": true});
    by_operator(&world, "DeleteSecret", &at_once).await.unwrap();
    let refusal = by_operator(&world, "GetSecretValue", &json!({"SecretId": "two"})).await.unwrap_err();
    assert_eq!(refusal.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn values_do_not_show_in_debug_output() {
    let world = world();
    create(&world).await;
    assert!(!format!("{world:?}").contains("first"));
}
