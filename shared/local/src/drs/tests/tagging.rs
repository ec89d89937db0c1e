use super::*;
use crate::call::Call;

fn tag(bench: &mut Bench, arn: &str, tags: &Value) -> Result<Value, Refusal> {
    bench.ask("TagResource", json!({ "resourceArn": arn, "tags": tags }))
}

fn arn(bench: &mut Bench, id: &str) -> String {
    bench.server(id)["arn"].as_str().unwrap().to_owned()
}

#[test]
fn tags_are_merged_listed_and_removed() {
    let (mut bench, ids) = Bench::with(1);
    let arn = arn(&mut bench, &ids[0]);
    tag(&mut bench, &arn, &json!({ "Owner": "erp", "Stage": "test" })).unwrap();
    tag(&mut bench, &arn, &json!({ "Stage": "prod" })).unwrap();
    let list = bench.ask("ListTagsForResource", json!({ "resourceArn": arn })).unwrap();
    assert_eq!(list, json!({ "tags": { "Owner": "erp", "Stage": "prod" } }));
    bench.ask("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["Owner"] })).unwrap();
    assert_eq!(bench.server(&ids[0])["tags"], json!({ "Stage": "prod" }));
}

#[test]
fn the_fifty_first_tag_is_refused_and_nothing_is_changed() {
    let (mut bench, ids) = Bench::with(1);
    let arn = arn(&mut bench, &ids[0]);
    let fifty: serde_json::Map<_, _> = (0..50).map(|n| (format!("k{n}"), json!("v"))).collect();
    tag(&mut bench, &arn, &Value::Object(fifty)).unwrap();
    let refusal = tag(&mut bench, &arn, &json!({ "k0": "new", "k50": "v" })).unwrap_err();
    assert_eq!(refusal.code, "ValidationException");
    assert_eq!(bench.server(&ids[0])["tags"]["k0"], "v");
    tag(&mut bench, &arn, &json!({ "k0": "new" })).unwrap();
}

#[test]
fn long_keys_long_values_and_reserved_keys_are_refused() {
    let (mut bench, ids) = Bench::with(1);
    let arn = arn(&mut bench, &ids[0]);
    let bad = [
        json!({ "k".repeat(129): "v" }),
        json!({ "k": "v".repeat(257) }),
        json!({ "aws:x": "v" }),
        json!({ "": "v" }),
    ];
    for tags in &bad {
        assert_eq!(tag(&mut bench, &arn, tags).unwrap_err().code, "ValidationException");
    }
    tag(&mut bench, &arn, &json!({ "k".repeat(128): "v".repeat(256) })).unwrap();
}

#[test]
fn tagging_what_does_not_exist_is_not_found_even_before_initialisation() {
    let (mut bench, _) = Bench::with(0);
    let mut request = bench.request(
        "TagResource",
        json!({
            "resourceArn": "arn:aws:drs:eu-west-3:111122223333:source-server/s-00000000000000000", "tags": {},
        }),
    );
    request.region = "eu-west-3".to_owned();
    assert_eq!(bench.send(&request).unwrap_err().code, "ResourceNotFoundException");
}

#[test]
fn arn_and_keys_are_read_from_path_and_query() {
    let call = Call {
        principal: Principal::Operator { account: HOME.0.to_owned() },
        account: HOME.0.to_owned(),
        region: HOME.1.to_owned(),
        service: "drs".to_owned(),
        operation: "UntagResource".to_owned(),
        method: "DELETE".to_owned(),
        path: "/tags/arn%3Aaws%3Adrs%3Aeu-central-1%3A111122223333%3Asource-server%2Fs-1".to_owned(),
        query: "tagKeys=Cost%20Center&tagKeys=a%2Bb".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: Vec::new(),
    };
    let request = Request::read(&call, Timestamp::UNIX_EPOCH).unwrap();
    let arn = "arn:aws:drs:eu-central-1:111122223333:source-server/s-1";
    assert_eq!(request.body, json!({ "resourceArn": arn, "tagKeys": ["Cost Center", "a+b"] }));
    assert_eq!(request.needs(), [("drs:UntagResource".to_owned(), arn.to_owned())]);
}
