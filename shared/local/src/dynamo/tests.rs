use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::{Principal, Refusal};
use crate::faults::Faults;
use crate::testing::{HUB, REGION, SPOKE, Sent, allow, call, cloud, operator, role};
use crate::{Clock, World};

fn world() -> Arc<World> {
    World::new(Clock::real(), Faults::none())
}

async fn ask(world: &Arc<World>, who: &Principal, operation: &str, body: &Value) -> Result<Value, Refusal> {
    let reply = world.perform(&call(who, "dynamodb", operation, body)).await?;
    Ok(serde_json::from_slice(&reply.body).unwrap())
}

async fn create_table(world: &Arc<World>) -> Value {
    let request = json!({
        "TableName": "fleet",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "due", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "due",
            "KeySchema": [
                {"AttributeName": "sk", "KeyType": "HASH"},
                {"AttributeName": "due", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }],
    });
    ask(world, &operator(HUB), "CreateTable", &request).await.unwrap()
}

fn item(sk: &str, rev: u32) -> Value {
    json!({"pk": {"S": "a"}, "sk": {"S": sk}, "rev": {"N": rev.to_string()}})
}

fn put(sk: &str, rev: u32) -> Value {
    json!({"TableName": "fleet", "Item": item(sk, rev)})
}

#[tokio::test]
async fn a_table_describes_itself_in_its_own_account_and_region() {
    let world = world();
    let created = create_table(&world).await;
    let arn = format!("arn:aws:dynamodb:{REGION}:{HUB}:table/fleet");
    assert_eq!(created["TableDescription"]["TableArn"], arn);
    let described =
        ask(&world, &operator(HUB), "DescribeTable", &json!({"TableName": "fleet"})).await.unwrap();
    assert_eq!(
        (&described["Table"]["TableArn"], &described["Table"]["TableStatus"]),
        (&json!(arn), &json!("ACTIVE"))
    );
    let index = &described["Table"]["GlobalSecondaryIndexes"][0]["IndexArn"];
    assert_eq!(*index, format!("{arn}/index/due"));
}

#[tokio::test]
async fn accounts_and_regions_have_tables_of_their_own() {
    let world = world();
    create_table(&world).await;
    let here = json!({"TableName": "fleet"});
    let refusal = ask(&world, &operator(SPOKE), "DescribeTable", &here).await.unwrap_err();
    assert_eq!(refusal.code, "ResourceNotFoundException");
    let mut elsewhere = call(&operator(HUB), "dynamodb", "DescribeTable", &here);
    elsewhere.region = "us-east-1".to_owned();
    assert_eq!(world.perform(&elsewhere).await.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_failed_condition_brings_the_stored_item_through_the_socket() {
    let cloud = cloud().await;
    let keys = cloud.world().iam.add_account(HUB, None);
    create_table(cloud.world()).await;
    let mut request = put("one", 1);
    request["ConditionExpression"] = json!("attribute_not_exists(pk)");
    request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let write = || Sent::json("dynamodb", "DynamoDB_20120810.PutItem", &request).by(&keys, &cloud);
    assert_eq!(write().await.status, 200);
    let answer = write().await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["__type"], "ConditionalCheckFailedException");
    assert_eq!(answer.json()["Item"], item("one", 1));
    assert_eq!(answer.json()["message"], "The conditional request failed");
}

#[tokio::test]
async fn compare_and_set_takes_one_of_two_writers() {
    let world = world();
    create_table(&world).await;
    let hub = operator(HUB);
    ask(&world, &hub, "PutItem", &put("one", 1)).await.unwrap();
    let update = json!({
        "TableName": "fleet",
        "Key": {"pk": {"S": "a"}, "sk": {"S": "one"}},
        "UpdateExpression": "SET rev = :next",
        "ConditionExpression": "rev = :seen",
        "ExpressionAttributeValues": {":seen": {"N": "1"}, ":next": {"N": "2"}},
        "ReturnValues": "ALL_NEW",
    });
    let first = ask(&world, &hub, "UpdateItem", &update).await.unwrap();
    assert_eq!(first["Attributes"], item("one", 2));
    let second = ask(&world, &hub, "UpdateItem", &update).await.unwrap_err();
    assert_eq!((second.status, second.code.as_str()), (400, "ConditionalCheckFailedException"));
}

#[tokio::test]
async fn a_cancelled_transaction_says_which_item_failed() {
    let world = world();
    create_table(&world).await;
    let hub = operator(HUB);
    ask(&world, &hub, "PutItem", &put("one", 1)).await.unwrap();
    let mut guarded = put("one", 2);
    guarded["ConditionExpression"] = json!("attribute_not_exists(pk)");
    let request = json!({"TransactItems": [{"Put": put("two", 1)}, {"Put": guarded}]});
    let refusal = ask(&world, &hub, "TransactWriteItems", &request).await.unwrap_err();
    assert_eq!(refusal.code, "TransactionCanceledException");
    let codes: Vec<_> =
        refusal.members["CancellationReasons"].as_array().unwrap().iter().map(|r| &r["Code"]).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    let scanned = ask(&world, &hub, "Scan", &json!({"TableName": "fleet"})).await.unwrap();
    assert_eq!(scanned["Count"], 1);
}

#[tokio::test]
async fn batches_write_and_read_back() {
    let world = world();
    create_table(&world).await;
    let hub = operator(HUB);
    let puts: Vec<Value> = ["x", "y"].iter().map(|sk| json!({"PutRequest": {"Item": item(sk, 1)}})).collect();
    ask(&world, &hub, "BatchWriteItem", &json!({"RequestItems": {"fleet": puts}})).await.unwrap();
    let keys = json!([{"pk": {"S": "a"}, "sk": {"S": "x"}}, {"pk": {"S": "a"}, "sk": {"S": "z"}}]);
    let request = json!({"RequestItems": {"fleet": {"Keys": keys}}});
    let read = ask(&world, &hub, "BatchGetItem", &request).await.unwrap();
    assert_eq!(read["Responses"]["fleet"], json!([item("x", 1)]));
}

#[tokio::test]
async fn a_role_may_do_what_its_policy_names_and_no_more() {
    let world = world();
    create_table(&world).await;
    world.iam.add_account(HUB, None);
    let table = format!("arn:aws:dynamodb:{REGION}:{HUB}:table/fleet");
    let policy = allow(&json!({
        "Action": ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"],
        "Resource": table,
    }));
    let worker = format!("arn:aws:iam::{HUB}:role/worker");
    world.iam.put_role(&worker, &json!({"Statement": []}), &[policy]).unwrap();
    let worker = role(HUB, "worker");
    let query = json!({
        "TableName": "fleet",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "a"}},
    });
    let mut by_index = query.clone();
    by_index["IndexName"] = json!("due");
    by_index["KeyConditionExpression"] = json!("sk = :pk");
    assert!(ask(&world, &worker, "PutItem", &put("one", 1)).await.is_ok());
    let statements = |texts: &[&str]| {
        let statements: Vec<_> = texts.iter().map(|text| json!({ "Statement": text })).collect();
        json!({ "Statements": statements })
    };
    let insert = "insert into \"fleet\" value {'pk': 'a', 'sk': 'two'}";
    let inserted = ask(
        &world,
        &worker,
        "BatchExecuteStatement",
        &statements(&[insert, insert.replace("two", "three").as_str()]),
    )
    .await
    .unwrap();
    assert_eq!(inserted["Responses"], json!([{"TableName": "fleet"}, {"TableName": "fleet"}]));
    assert_eq!(ask(&world, &worker, "Query", &query).await.unwrap()["Count"], 3);
    for (operation, request) in [
        ("Query", by_index),
        ("Scan", json!({"TableName": "fleet"})),
        ("PutItem", json!({"TableName": "other", "Item": item("one", 1)})),
        ("TransactWriteItems", json!({"TransactItems": [{"Put": put("x", 1)}, {"Delete": put("x", 1)}]})),
        ("BatchExecuteStatement", statements(&[insert, "INSERT INTO other VALUE {'pk': 'a', 'sk': 'four'}"])),
        ("BatchExecuteStatement", statements(&["UPDATE fleet SET rev = 1 WHERE pk = 'a' AND sk = 'two'"])),
        ("ListTables", json!({})),
        ("Query", json!({"TableName": format!("arn:aws:dynamodb:{REGION}:{SPOKE}:table/fleet")})),
        ("BatchGetItem", json!({"RequestItems": {"fleet": {"Keys": []}, "other": {"Keys": []}}})),
    ] {
        let refusal = ask(&world, &worker, operation, &request).await.unwrap_err();
        assert_eq!(refusal.code, "AccessDenied", "{operation} {request}");
    }
}

#[tokio::test]
async fn items_expire_by_the_clouds_clock() {
    let origin = "2031-01-01T00:00:00Z".parse().unwrap();
    let world = World::new(Clock::starting(origin, 0.001), Faults::none());
    create_table(&world).await;
    let hub = operator(HUB);
    let enable = json!({
        "TableName": "fleet",
        "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "expires"},
    });
    ask(&world, &hub, "UpdateTimeToLive", &enable).await.unwrap();
    for (sk, offset) in [("old", -60), ("new", 60)] {
        let mut request = put(sk, 1);
        request["Item"]["expires"] = json!({"N": (origin.as_second() + offset).to_string()});
        ask(&world, &hub, "PutItem", &request).await.unwrap();
    }
    assert_eq!(world.dynamo.expire_items(), 1);
    let left = ask(&world, &hub, "Scan", &json!({"TableName": "fleet"})).await.unwrap();
    assert_eq!(left["Items"][0]["sk"]["S"], "new");
    let shown = ask(&world, &hub, "DescribeTimeToLive", &json!({"TableName": "fleet"})).await.unwrap();
    assert_eq!(shown["TimeToLiveDescription"]["TimeToLiveStatus"], "ENABLED");
}

#[tokio::test]
async fn point_in_time_recovery_can_be_switched_on_and_seen() {
    let world = world();
    create_table(&world).await;
    let hub = operator(HUB);
    let status = |answer: &Value| {
        answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
            .clone()
    };
    let table = json!({"TableName": "fleet"});
    let before = ask(&world, &hub, "DescribeContinuousBackups", &table).await.unwrap();
    assert_eq!(status(&before), "DISABLED");
    let mut enable = table.clone();
    enable["PointInTimeRecoverySpecification"] = json!({"PointInTimeRecoveryEnabled": true});
    ask(&world, &hub, "UpdateContinuousBackups", &enable).await.unwrap();
    let after = ask(&world, &hub, "DescribeContinuousBackups", &table).await.unwrap();
    assert_eq!(status(&after), "ENABLED");
    enable["TableName"] = json!("absent");
    let refusal = ask(&world, &hub, "UpdateContinuousBackups", &enable).await.unwrap_err();
    assert_eq!(refusal.code, "TableNotFoundException");
}

#[tokio::test]
async fn malformed_requests_are_refused_and_named() {
    let world = world();
    create_table(&world).await;
    let hub = operator(HUB);
    let mut number = put("one", 1);
    number["Item"]["pk"] = json!({"S": 5});
    let mut empty_key = put("one", 1);
    empty_key["Item"]["pk"] = json!({"S": ""});
    let mut bad_expression = put("one", 1);
    bad_expression["ConditionExpression"] = json!("rev = ");
    for (operation, request, code) in [
        ("PutItem", number, "SerializationException"),
        ("PutItem", empty_key, "ValidationException"),
        ("PutItem", bad_expression, "ValidationException"),
        ("PutItem", json!({"TableName": "fleet"}), "ValidationException"),
        ("PutItem", json!([]), "SerializationException"),
        ("CreateBackup", json!({}), "UnknownOperationException"),
    ] {
        let refusal = ask(&world, &hub, operation, &request).await.unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (400, code), "{request} {}", refusal.message);
        assert!(!refusal.message.contains("VALIDATION"), "{}", refusal.message);
    }
}
