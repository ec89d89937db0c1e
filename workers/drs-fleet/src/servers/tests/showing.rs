use super::*;

#[tokio::test]
async fn everything_that_is_known_of_a_server_is_shown() {
    let stage = fleet().await;
    let lines = ["show erp-db-01", "show s-00000000000000003", "show MES-APP", "show nobody"];
    insta::assert_snapshot!(dateless(&stage.session("servers", &lines).await));
}

#[tokio::test]
async fn a_drill_tag_that_opens_no_window_is_shown_with_what_is_wrong_with_it() {
    let stage = fleet().await;
    let mut typo = row(&place(PAYMENTS, "us-east-1"), 100, "typo", "CONTINUOUS");
    inventory(&mut typo).marks.insert(DRILL_TAG.to_owned(), "tomorrow".to_owned());
    stage.store(&typo).await;
    let shown = stage.run("show typo").await;
    assert!(shown.contains("the tag drs-fleet:drill opens no window: write when it begins"), "{shown}");
}

#[tokio::test]
async fn a_server_is_found_by_id_name_host_name_and_instance() {
    let stage = fleet().await;
    for given in ["s-00000000000000001", "ERP-DB-01", "erp-db-01.corp", INSTANCE] {
        let shown = stage.json(&format!("show {given} --json")).await;
        assert_eq!(shown["servers"].as_array().unwrap().len(), 1, "{given}");
        assert_eq!(shown["servers"][0]["server"]["id"], id(1), "{given}");
    }
}

#[tokio::test]
async fn what_programs_read_says_what_helps_and_where_it_is_extended_to() {
    let stage = fleet().await;
    let shown = stage.json(&format!("show {} --json", id(1))).await;
    let server = &shown["servers"][0];
    assert_eq!(server["error_words"], "DRS does not hear the agent (AGENT_NOT_SEEN)");
    assert!(server["remedy"]["page"].as_str().unwrap().starts_with("https://docs.aws.amazon.com/drs/"));
    assert_eq!(server["tag_sync"]["freshness"], "SYNCED");
    let staged = stage.json(&format!("show {} --json", id(4))).await;
    assert_eq!(staged["servers"][0]["extended_to"][0]["id"], id(5));
    assert_eq!(staged["servers"][0]["extended_to"][0]["place"]["account"], PAYMENTS);
}

#[tokio::test]
async fn a_name_that_many_have_is_no_name_to_show_servers_by() {
    let stage = fleet().await;
    for number in 100..111 {
        stage.store(&row(&place(PAYMENTS, "us-east-1"), number, "web", "CONTINUOUS")).await;
    }
    let refused = stage.run("show web").await;
    assert!(refused.contains("11 servers are called \"web\"; see them: drs-fleet servers list"), "{refused}");
}
