//! The lists: source servers, jobs, the log of a job, recovery instances.

use jiff::Timestamp;
use serde_json::Value;

use super::Answer;
use crate::call::Refusal;
use crate::drs::job::LogItem;
use crate::drs::page::Page;
use crate::drs::refusal::invalid;
use crate::drs::request::Request;
use crate::drs::server::Server;
use crate::drs::site::Site;

pub(super) fn servers(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, usize::MAX)?;
    let ids = request.list("/filters/sourceServerIDs", 200)?;
    let staging = request.list("/filters/stagingAccountIDs", 200)?;
    let hardware = request.body.pointer("/filters/hardwareId").and_then(Value::as_str);
    let replicates_in = |server: &Server| {
        let account = server.extension.as_ref().map_or(&site.account, |extension| &extension.account);
        staging.contains(account)
    };
    let wanted = |server: &&Server| {
        (ids.is_empty() || ids.contains(&server.id))
            && (staging.is_empty() || replicates_in(server))
            && hardware.is_none_or(|id| server.machine.is_hardware(id))
    };
    let found = site.servers.values().filter(wanted).map(|server| (server.id.clone(), server));
    Ok((200, page.of("items", found, |server| server.show(&site.account, request.now))))
}

pub(super) fn jobs(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, usize::MAX)?;
    let ids = request.list("/filters/jobIDs", 1_000)?;
    let from = date(request, "/filters/fromDate")?.unwrap_or(Timestamp::MIN);
    let to = date(request, "/filters/toDate")?.unwrap_or(Timestamp::MAX);
    let wanted = |id: &String, at: Timestamp| (ids.is_empty() || ids.contains(id)) && at >= from && at <= to;
    let found = site.jobs.iter().rev().filter(|job| wanted(&job.id, job.created));
    // Keys that rise from the newest on.
    let keyed = found.map(|job| {
        let (created, serial) = (i64::MAX - job.created.as_millisecond(), u64::MAX - job.serial);
        (format!("{created:020}{serial:020}"), job)
    });
    Ok((200, page.of("items", keyed, |job| job.show(true))))
}

pub(super) fn job_log(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, usize::MAX)?;
    let id = request.text("jobID")?;
    let job = site.job(id).ok_or_else(|| invalid("jobID", &format!("job {id} does not exist")))?;
    let items = job.log.iter().enumerate().map(|(index, item)| (format!("{index:08}"), item));
    Ok((200, page.of("items", items, LogItem::show)))
}

pub(super) fn instances(site: &Site, request: &Request) -> Answer {
    let page = Page::read(request, usize::MAX)?;
    let ids = request.list("/filters/recoveryInstanceIDs", 200)?;
    let servers = request.list("/filters/sourceServerIDs", usize::MAX)?;
    let found = site.instances.values().filter(|instance| {
        (ids.is_empty() || ids.contains(&instance.id))
            && (servers.is_empty() || servers.contains(&instance.server))
    });
    let keyed = found.map(|instance| (instance.id.clone(), instance));
    Ok((200, page.of("items", keyed, |instance| instance.show(request.now))))
}

fn date(request: &Request, pointer: &str) -> Result<Option<Timestamp>, Refusal> {
    let text = request.body.pointer(pointer).and_then(Value::as_str);
    let parse = |text: &str| {
        text.parse().map_err(|_| invalid(pointer, &format!("{pointer} is not a date and time: {text}")))
    };
    text.map(parse).transpose()
}
