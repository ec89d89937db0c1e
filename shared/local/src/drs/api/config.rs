//! Launch configurations.

use serde_json::{Value, json};

use super::Answer;
use crate::drs::dice::hash;
use crate::drs::refusal::invalid;
use crate::drs::request::Request;
use crate::drs::server::Server;
use crate::drs::site::Site;

/// Whether a member may have a value.
type Right = fn(&Value) -> bool;

/// What `UpdateLaunchConfiguration` takes, and which values are right.
const MEMBERS: [(&str, Right); 9] = [
    ("name", Value::is_string),
    ("launchDisposition", |value| one_of(value, &["STOPPED", "STARTED"])),
    ("targetInstanceTypeRightSizingMethod", |value| one_of(value, &["NONE", "BASIC", "IN_AWS"])),
    ("copyPrivateIp", Value::is_boolean),
    ("copyTags", Value::is_boolean),
    ("licensing", Value::is_object),
    ("postLaunchEnabled", Value::is_boolean),
    ("launchIntoInstanceProperties", Value::is_object),
    ("recoveryMode", |value| one_of(value, &["FAST", "OPTIMAL"])),
];

fn one_of(value: &Value, names: &[&str]) -> bool {
    value.as_str().is_some_and(|name| names.contains(&name))
}

pub(super) fn get(site: &mut Site, request: &Request) -> Answer {
    Ok((200, show(site.server(request.text("sourceServerID")?)?)))
}

pub(super) fn update(site: &mut Site, request: &Request) -> Answer {
    let server = site.server(request.text("sourceServerID")?)?;
    let changes = MEMBERS.iter().filter_map(|(name, right)| {
        let value = request.body.get(*name).filter(|value| !value.is_null())?;
        let wrong = || invalid(name, &format!("{name} has a value that is not allowed"));
        Some(if right(value) { Ok(((*name).to_owned(), value.clone())) } else { Err(wrong()) })
    });
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    server.launch.extend(changes);
    Ok((200, show(server)))
}

fn show(server: &Server) -> Value {
    let mut shown = json!({
        "sourceServerID": server.id,
        "name": server.machine.hostname,
        "ec2LaunchTemplateID": format!("lt-0{:016x}", hash(&server.id)),
        "launchDisposition": "STARTED",
        "targetInstanceTypeRightSizingMethod": "BASIC",
        "copyPrivateIp": false,
        "copyTags": false,
        "licensing": { "osByol": false },
        "postLaunchEnabled": false,
    });
    for (name, value) in &server.launch {
        shown[name] = value.clone();
    }
    shown
}
