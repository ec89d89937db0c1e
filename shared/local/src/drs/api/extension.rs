//! Source servers that replicate in another account, the staging account.

use std::collections::BTreeSet;

use serde_json::json;

use super::Answer;
use super::tags::read_tags;
use crate::call::Refusal;
use crate::drs::Drs;
use crate::drs::page::Page;
use crate::drs::refusal::{denied, invalid, not_found};
use crate::drs::request::Request;
use crate::drs::server::Extension;
use crate::drs::site::Site;
use crate::drs::spec::{ServerSpec, Start};
use crate::world::lock;

pub(super) fn create(drs: &Drs, request: &Request) -> Answer {
    let arn = request.text("sourceServerArn")?;
    let tags = read_tags(request.body.get("tags"))?;
    let parts: Vec<&str> = arn.split([':', '/']).collect();
    let [_, _, "drs", region, staging, "source-server", id] = parts[..] else {
        return Err(invalid("sourceServerArn", &format!("not the ARN of a source server: {arn}")));
    };
    trusted(drs, staging, &request.account)?;
    let there = drs.site(staging, region);
    let machine = {
        let there = lock(&there);
        let server = there.servers.get(id).ok_or_else(|| not_found("SourceServer", id))?;
        if server.extension.is_some() {
            return Err(invalid("sourceServerArn", &format!("{arn} is itself an extended source server")));
        }
        server.machine.clone()
    };
    let here = drs.site(&request.account, &request.region);
    let mut here = lock(&here);
    let twice = here.servers.values().find(|s| s.extension.as_ref().is_some_and(|e| e.arn == arn));
    if let Some(server) = twice {
        // The API models no conflict for this operation.
        let text = format!("{arn} is extended already, into source server {}", server.id);
        return Err(invalid("sourceServerArn", &text));
    }
    // It takes no place here, so its replication is begun in a state that needs none.
    let spec = ServerSpec { machine, tags, start: Start::Stopped(request.now) };
    let id = here.add(spec, request.now)?;
    let account = here.account.clone();
    let server = here.server(&id)?;
    server.replication.restart(request.now);
    server.extension =
        Some(Extension { account: staging.to_owned(), arn: arn.to_owned(), error: None, broken: None });
    let mut shown = server.show(&account, request.now);
    // AWS's answer leaves the staging area out; reading the server again shows it.
    if let Some(members) = shown.as_object_mut() {
        members.remove("stagingArea");
    }
    Ok((201, json!({ "sourceServer": shown })))
}

pub(super) fn list_extensible(drs: &Drs, request: &Request) -> Answer {
    let page = Page::read(request, 300)?;
    let staging = request.text("stagingAccountID")?;
    trusted(drs, staging, &request.account)?;
    let here = drs.site(&request.account, &request.region);
    let extended: BTreeSet<String> =
        lock(&here).servers.values().filter_map(|s| s.extension.as_ref()).map(|e| e.arn.clone()).collect();
    let there = drs.site(staging, &request.region);
    let there = lock(&there);
    let free = there.servers.values().filter(|s| s.extension.is_none() && !extended.contains(&s.arn));
    let keyed = free.map(|server| (server.id.clone(), server));
    let show = |server: &crate::drs::server::Server| json!({ "hostname": server.machine.hostname, "arn": server.arn, "tags": server.tags });
    Ok((200, page.of("items", keyed, show)))
}

pub(super) fn list_staging_accounts(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, 50)?;
    let extended = site.servers.values().filter_map(|server| server.extension.as_ref());
    let accounts: BTreeSet<String> = extended.map(|e| e.account.clone()).collect();
    let keyed = accounts.into_iter().map(|account| (account.clone(), account));
    Ok((200, page.of("accounts", keyed, |account| json!({ "accountID": account }))))
}

fn trusted(drs: &Drs, staging: &str, target: &str) -> Result<(), Refusal> {
    if drs.trusts(staging, target) {
        return Ok(());
    }
    Err(denied(format!("account {staging} does not trust account {target} with its source servers")))
}
