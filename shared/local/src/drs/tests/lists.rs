use std::collections::BTreeSet;

use super::*;

fn pages(bench: &mut Bench, operation: &str, body: &Value) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut body = body.clone();
    loop {
        let answer = bench.ask(operation, body.clone()).unwrap();
        pages.push(answer["items"].as_array().unwrap().clone());
        match answer.get("nextToken") {
            Some(token) => body["nextToken"] = token.clone(),
            None => return pages,
        }
    }
}

#[test]
fn pages_of_servers_cover_all_exactly_once() {
    let (mut bench, ids) = Bench::with(25);
    let pages = pages(&mut bench, "DescribeSourceServers", &json!({ "maxResults": 10 }));
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let shown: Vec<_> =
        pages.concat().iter().map(|s| s["sourceServerID"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown.len(), 25);
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), ids.into_iter().collect());
}

#[test]
fn a_page_has_200_servers_when_nobody_says_how_many() {
    let (mut bench, _) = Bench::with(201);
    let pages = pages(&mut bench, "DescribeSourceServers", &json!({}));
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [200, 1]);
}

#[test]
fn a_bad_token_or_one_of_other_filters_is_refused() {
    let (mut bench, ids) = Bench::with(3);
    let first = bench.ask("DescribeSourceServers", json!({ "maxResults": 1 })).unwrap();
    let filters = json!({ "sourceServerIDs": [ids[0]] });
    let calls = [
        json!({ "nextToken": "nonsense" }),
        json!({ "nextToken": "\u{e4}".repeat(20) }),
        json!({ "nextToken": first["nextToken"], "filters": filters }),
        json!({ "maxResults": 0 }),
    ];
    for body in calls {
        let refusal = bench.ask("DescribeSourceServers", body).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "ValidationException"));
    }
}

#[test]
fn servers_are_found_by_hardware_id() {
    let (mut bench, _) = Bench::with(2);
    let mut spec = ServerSpec::named("pay-app-01");
    spec.machine.mac = "0a:ff:00:11:22:33".to_owned();
    let id = bench.drs.add_server(HOME, spec, bench.now).unwrap();
    let body = json!({ "filters": { "hardwareId": "0A:FF:00:11:22:33" } });
    let answer = bench.ask("DescribeSourceServers", body).unwrap();
    assert_eq!(answer["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer["items"][0]["sourceServerID"], id.as_str());
}

#[test]
fn jobs_are_listed_newest_first_and_by_date() {
    let (mut bench, ids) = Bench::with(3);
    let mut jobs = Vec::new();
    for id in &ids {
        jobs.insert(0, bench.recover(std::slice::from_ref(id), true).unwrap());
        bench.wait(60);
    }
    let paged = pages(&mut bench, "DescribeJobs", &json!({ "maxResults": 2 })).concat();
    let shown: Vec<_> = paged.iter().map(|job| job["jobID"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, jobs);
    let filters = json!({ "fromDate": paged[1]["creationDateTime"], "toDate": paged[1]["creationDateTime"] });
    let answer = bench.ask("DescribeJobs", json!({ "filters": filters })).unwrap();
    assert_eq!(answer["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer["items"][0]["jobID"], jobs[1].as_str());
}

#[test]
fn a_job_that_begins_between_two_pages_does_not_shift_them() {
    let (mut bench, ids) = Bench::with(4);
    for id in &ids[..3] {
        bench.recover(std::slice::from_ref(id), true).unwrap();
    }
    let first = bench.ask("DescribeJobs", json!({ "maxResults": 2 })).unwrap();
    bench.recover(&ids[3..], true).unwrap();
    let body = json!({ "maxResults": 2, "nextToken": first["nextToken"] });
    let second = bench.ask("DescribeJobs", body).unwrap();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["items"][0]["participatingServers"][0]["sourceServerID"], ids[0].as_str());
}

#[test]
fn an_account_that_was_not_initialised_says_so_until_it_is() {
    let (mut bench, _) = Bench::with(0);
    let mut request = bench.request("DescribeSourceServers", json!({}));
    request.region = "eu-west-3".to_owned();
    let refusal = bench.send(&request).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "UninitializedAccountException"));
    request.operation = "InitializeService".to_owned();
    assert_eq!(bench.send(&request).unwrap().0, 204);
    request.operation = "DescribeSourceServers".to_owned();
    assert_eq!(bench.send(&request).unwrap().1, json!({ "items": [] }));
}
