use serde_json::{Value, json};

use super::*;

const HOME: (&str, &str) = ("111122223333", "eu-central-1");

fn now() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn set(key: &str, value: &str) -> (String, Option<String>) {
    (key.to_owned(), Some(value.to_owned()))
}

fn get(ec2: &Ec2, body: &Value, now: Timestamp) -> Result<Value, Refusal> {
    resources::get(&ec2.instances(HOME), HOME, body, now)
}

fn arns(answer: &Value) -> Vec<String> {
    let items = answer["ResourceTagMappingList"].as_array().unwrap().iter();
    items.map(|item| item["ResourceARN"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_tag_change_tells_all_tags_the_changed_keys_and_a_rising_version() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-0a", "m6i.large"), tags(&[("Name", "erp-db-03"), ("Old", "x")]));
    let changes = [set("Owner", "erp"), ("Old".to_owned(), None), set("Name", "erp-db-03")];
    let event = ec2.change_tags(HOME, "i-0a", &changes, now()).unwrap().unwrap();
    assert_eq!(event.resources, ["arn:aws:ec2:eu-central-1:111122223333:instance/i-0a"]);
    let detail = json!({
        "changed-tag-keys": ["Old", "Owner"],
        "tags": { "Name": "erp-db-03", "Owner": "erp" },
        "service": "ec2",
        "resource-type": "instance",
        "version": 2,
    });
    assert_eq!(event.detail, detail);
    let event = ec2.change_tags(HOME, "i-0a", &[set("Owner", "crm")], now()).unwrap().unwrap();
    assert_eq!(event.detail["version"], 3);
}

#[test]
fn a_change_that_changes_nothing_is_not_told() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-0a", "m6i.large"), tags(&[("Owner", "erp")]));
    assert!(ec2.change_tags(HOME, "i-0a", &[set("Owner", "erp")], now()).unwrap().is_none());
    assert_eq!(ec2.instances(HOME)["i-0a"].version, 1);
}

#[test]
fn unknown_instances_and_a_fifty_first_tag_are_refused() {
    let ec2 = Ec2::default();
    let refusal = ec2.change_tags(HOME, "i-0b", &[set("a", "b")], now()).unwrap_err();
    assert_eq!(refusal.code, "InvalidInstanceID.NotFound");
    ec2.add(HOME, ("i-0b", "m6i.large"), BTreeMap::new());
    let many: Vec<_> = (0..51).map(|n| set(&format!("k{n}"), "v")).collect();
    let refusal = ec2.change_tags(HOME, "i-0b", &many, now()).unwrap_err();
    assert_eq!(refusal.code, "TagLimitExceeded");
    assert!(ec2.instances(HOME)["i-0b"].tags.is_empty());
}

#[test]
fn pages_of_resources_cover_all_exactly_once() {
    let ec2 = Ec2::default();
    for n in 0..120 {
        ec2.add(HOME, (&format!("i-{n:03}"), "m6i.large"), tags(&[("Name", "x")]));
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let body = json!({ "ResourcesPerPage": 50, "PaginationToken": token });
        let answer = get(&ec2, &body, now()).unwrap();
        seen.extend(arns(&answer));
        answer["PaginationToken"].as_str().unwrap().clone_into(&mut token);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 120);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 120);
}

#[test]
fn never_tagged_instances_are_left_out_and_formerly_tagged_ones_are_not() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-bare", "m6i.large"), BTreeMap::new());
    ec2.add(HOME, ("i-once", "m6i.large"), tags(&[("Owner", "erp")]));
    ec2.change_tags(HOME, "i-once", &[("Owner".to_owned(), None)], now()).unwrap();
    let answer = get(&ec2, &json!({ "ResourceTypeFilters": ["ec2:instance"] }), now()).unwrap();
    let arn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-once";
    assert_eq!(answer["ResourceTagMappingList"], json!([{ "ResourceARN": arn, "Tags": [] }]));
    let answer = get(&ec2, &json!({ "ResourceTypeFilters": ["s3"] }), now()).unwrap();
    assert!(arns(&answer).is_empty());
}

#[test]
fn filters_need_every_key_and_one_of_its_values() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-1", "m6i.large"), tags(&[("Env", "prod"), ("App", "erp")]));
    ec2.add(HOME, ("i-2", "m6i.large"), tags(&[("Env", "test"), ("App", "erp")]));
    ec2.add(HOME, ("i-3", "m6i.large"), tags(&[("Env", "prod")]));
    let filters = json!([{ "Key": "Env", "Values": ["prod", "int"] }, { "Key": "App" }]);
    let answer = get(&ec2, &json!({ "TagFilters": filters }), now()).unwrap();
    assert_eq!(arns(&answer), ["arn:aws:ec2:eu-central-1:111122223333:instance/i-1"]);
}

#[test]
fn a_token_ends_after_fifteen_minutes_and_cannot_be_forged() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-1", "m6i.large"), tags(&[("a", "b")]));
    ec2.add(HOME, ("i-2", "m6i.large"), tags(&[("a", "b")]));
    let first = get(&ec2, &json!({ "ResourcesPerPage": 1 }), now()).unwrap();
    let body = json!({ "ResourcesPerPage": 1, "PaginationToken": first["PaginationToken"] });
    let later = |minutes: i64| now() + jiff::SignedDuration::from_mins(minutes);
    assert_eq!(arns(&get(&ec2, &body, later(14)).unwrap()).len(), 1);
    let refusal = get(&ec2, &body, later(16)).unwrap_err();
    assert_eq!(refusal.code, "PaginationTokenExpiredException");
    let forged = json!({ "PaginationToken": "i-1.0.0" });
    assert_eq!(get(&ec2, &forged, now()).unwrap_err().code, "InvalidParameterException");
    assert_eq!(get(&ec2, &json!({ "ResourcesPerPage": 101 }), now()).unwrap_err().status, 400);
}

#[test]
fn resources_are_found_by_arn_which_goes_with_nothing_else() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-1", "m6i.large"), tags(&[("a", "b")]));
    ec2.add(HOME, ("i-2", "m6i.large"), tags(&[("a", "b")]));
    let arn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-2";
    let elsewhere = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
    let answer = get(&ec2, &json!({ "ResourceARNList": [arn, elsewhere] }), now()).unwrap();
    assert_eq!(arns(&answer), [arn]);
    let body = json!({ "ResourceARNList": [arn], "ResourceTypeFilters": ["ec2"] });
    assert_eq!(get(&ec2, &body, now()).unwrap_err().code, "InvalidParameterException");
}

fn described(ec2: &Ec2, form: &[(&str, &str)]) -> Result<String, Refusal> {
    let reply = describe::describe(&ec2.instances(HOME), HOME.0, &tags(form))?;
    Ok(String::from_utf8(reply.body).unwrap())
}

#[test]
fn instances_are_described_with_their_type_and_a_filter_leaves_out_what_is_not_there() {
    let ec2 = Ec2::default();
    ec2.add(HOME, ("i-1", "m6i.large"), tags(&[("Owner", "R&D")]));
    ec2.add(HOME, ("i-2", "t3.micro"), BTreeMap::new());
    let form = [
        ("Action", "DescribeInstances"),
        ("MaxResults", "1000"),
        ("Filter.1.Name", "instance-id"),
        ("Filter.1.Value.1", "i-1"),
        ("Filter.1.Value.2", "i-gone"),
    ];
    let answer = described(&ec2, &form).unwrap();
    let shown = "<ownerId>111122223333</ownerId><instancesSet><item><instanceId>i-1</instanceId>\
         <instanceType>m6i.large</instanceType><tagSet><item><key>Owner</key><value>R&amp;D</value></item></tagSet>\
         </item></instancesSet>";
    assert!(answer.contains(shown) && !answer.contains("i-2"), "{answer}");
    let named = described(&ec2, &[("InstanceId.1", "i-1"), ("InstanceId.2", "i-gone")]).unwrap_err();
    assert_eq!(named.code, "InvalidInstanceID.NotFound");
}

#[test]
fn pages_of_instances_cover_all_exactly_once() {
    let ec2 = Ec2::default();
    for n in 0..12 {
        ec2.add(HOME, (&format!("i-{n:02}"), "m6i.large"), BTreeMap::new());
    }
    let first = described(&ec2, &[("MaxResults", "10")]).unwrap();
    assert!(first.contains("<nextToken>i-09</nextToken>"), "{first}");
    let last = described(&ec2, &[("MaxResults", "10"), ("NextToken", "i-09")]).unwrap();
    assert_eq!((last.matches("<instanceId>").count(), last.contains("nextToken")), (2, false));
}

#[test]
fn what_is_not_known_of_describing_instances_is_refused() {
    let ec2 = Ec2::default();
    let many: Vec<_> = (0..201).map(|n| (format!("Filter.1.Value.{n}"), format!("i-{n}"))).collect();
    let mut many: Vec<_> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    many.push(("Filter.1.Name", "instance-id"));
    for (form, code) in [
        (vec![("DryRun", "true")], "UnknownParameter"),
        (vec![("Filter.1.Name", "vpc-id")], "InvalidParameterValue"),
        (vec![("MaxResults", "1001")], "InvalidParameterValue"),
        (many, "FilterLimitExceeded"),
    ] {
        assert_eq!(described(&ec2, &form).unwrap_err().code, code, "{form:?}");
    }
}
