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

fn job_ids(items: &Value) -> Vec<String> {
    items.as_array().unwrap().iter().map(|job| job["jobID"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn jobs_are_found_by_id_and_date_and_both_narrow_the_list() {
    let (mut bench, ids) = Bench::with(3);
    // Jobs are not created on whole milliseconds, and are found by the dates that they show all the same.
    bench.now = "2026-03-02T08:00:00.123456Z".parse().unwrap();
    let mut jobs = Vec::new();
    for id in &ids {
        jobs.push(bench.recover(std::slice::from_ref(id), true).unwrap());
        bench.wait(60);
    }
    let date = bench.job(&jobs[1])["creationDateTime"].clone();
    let cases = [
        (json!({ "jobIDs": [jobs[0], jobs[2], "drsjob-00000000000000000"] }), vec![&jobs[2], &jobs[0]]),
        (json!({ "jobIDs": [] }), vec![&jobs[2], &jobs[1], &jobs[0]]),
        (json!({ "fromDate": date }), vec![&jobs[2], &jobs[1]]),
        (json!({ "toDate": date }), vec![&jobs[1], &jobs[0]]),
        (json!({ "fromDate": date, "toDate": date }), vec![&jobs[1]]),
        (json!({ "jobIDs": [jobs[0]], "fromDate": date }), vec![]),
        (json!({ "fromDate": "2026-03-02T08:02:30Z" }), vec![]),
    ];
    for (filters, expected) in cases {
        let answer = bench.ask("DescribeJobs", json!({ "filters": filters })).unwrap();
        assert_eq!(job_ids(&answer["items"]).iter().collect::<Vec<_>>(), expected, "{filters}");
    }
    let bad = json!({ "filters": { "fromDate": "yesterday" } });
    assert_eq!(bench.ask("DescribeJobs", bad).unwrap_err().code, "ValidationException");
}

#[test]
fn jobs_that_are_deleted_or_begin_between_two_pages_neither_repeat_nor_hide_others() {
    let (mut bench, ids) = Bench::with(6);
    let begin = |bench: &mut Bench, index: usize| {
        let job = bench.recover(std::slice::from_ref(&ids[index]), true).unwrap();
        bench.wait(3_600);
        job
    };
    let jobs: Vec<String> = (0..5).map(|index| begin(&mut bench, index)).collect();
    let first = bench.ask("DescribeJobs", json!({ "maxResults": 2 })).unwrap();
    assert_eq!(job_ids(&first["items"]), [jobs[4].clone(), jobs[3].clone()]);
    // The last one that was shown is deleted, and the next one.
    for job in [&jobs[3], &jobs[2]] {
        bench.ask("DeleteJob", json!({ "jobID": job })).unwrap();
    }
    begin(&mut bench, 5);
    let body = json!({ "maxResults": 2, "nextToken": first["nextToken"] });
    let second = bench.ask("DescribeJobs", body).unwrap();
    assert_eq!(job_ids(&second["items"]), [jobs[1].clone(), jobs[0].clone()]);
    assert_eq!(second.get("nextToken"), None);
}

#[test]
fn a_job_that_another_account_asked_for_a_little_earlier_is_listed_in_its_place() {
    let (mut bench, ids) = Bench::with(2);
    let newer = bench.recover(&ids[..1], true).unwrap();
    let before = after(bench.now, -1);
    let order = (crate::drs::InitiatedBy::TargetAccount, std::collections::BTreeMap::new(), before);
    let older = bench.drs.begin_job(HOME, &ids[1..], order).unwrap().id;
    let paged = pages(&mut bench, "DescribeJobs", &json!({ "maxResults": 1 }));
    assert_eq!(job_ids(&json!(paged.concat())), [newer, older]);
}

#[test]
fn pages_of_a_log_are_in_order_and_go_on_where_they_were_while_it_grows() {
    let (mut bench, ids) = Bench::with(4);
    let job = bench.recover(&ids, true).unwrap();
    bench.wait(60);
    let body = json!({ "jobID": job, "maxResults": 2 });
    let first = bench.ask("DescribeJobLogItems", body).unwrap();
    bench.wait(3_600);
    let body = json!({ "jobID": job, "maxResults": 2, "nextToken": first["nextToken"] });
    let second = bench.ask("DescribeJobLogItems", body).unwrap();
    let all = pages(&mut bench, "DescribeJobLogItems", &json!({ "jobID": job, "maxResults": 7 }));
    let sizes: Vec<_> = all.iter().map(Vec::len).collect();
    // Begin and end, and five lines for each server.
    assert_eq!(sizes, [7, 7, 7, 1]);
    let all = all.concat();
    assert_eq!(
        [first["items"].as_array().unwrap().clone(), second["items"].as_array().unwrap().clone()].concat(),
        all[..4]
    );
    assert!(all.windows(2).all(|pair| pair[0]["logDateTime"].as_str() <= pair[1]["logDateTime"].as_str()));
    let unknown = json!({ "jobID": "drsjob-00000000000000000" });
    assert_eq!(bench.ask("DescribeJobLogItems", unknown).unwrap_err().code, "ValidationException");
}

#[test]
fn recovery_instances_are_found_by_id_and_by_server_and_page_by_page() {
    let (mut bench, ids) = Bench::with(5);
    bench.recover(&ids, true).unwrap();
    bench.wait(3_600);
    let paged = pages(&mut bench, "DescribeRecoveryInstances", &json!({ "maxResults": 2 }));
    assert_eq!(paged.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let all = paged.concat();
    let servers: BTreeSet<_> =
        all.iter().map(|item| item["sourceServerID"].as_str().unwrap().to_owned()).collect();
    assert_eq!(servers, ids.into_iter().collect());
    let (one, other) = (&all[0], &all[1]);
    let cases = [
        (json!({ "recoveryInstanceIDs": [one["recoveryInstanceID"]] }), 1),
        (json!({ "sourceServerIDs": [one["sourceServerID"], other["sourceServerID"]] }), 2),
        (
            json!({ "recoveryInstanceIDs": [one["recoveryInstanceID"]], "sourceServerIDs": [other["sourceServerID"]] }),
            0,
        ),
        (json!({ "sourceServerIDs": ["s-00000000000000000"] }), 0),
        (json!({ "recoveryInstanceIDs": [], "sourceServerIDs": [] }), 5),
    ];
    for (filters, found) in cases {
        let answer = bench.ask("DescribeRecoveryInstances", json!({ "filters": filters })).unwrap();
        assert_eq!(answer["items"].as_array().unwrap().len(), found, "{filters}");
    }
    let many: Vec<String> = (0..201).map(|n| format!("i-{n:017x}")).collect();
    let body = json!({ "filters": { "recoveryInstanceIDs": many } });
    assert!(bench.ask("DescribeRecoveryInstances", body).is_err(), "the model allows 200");
}
