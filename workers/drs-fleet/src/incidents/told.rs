//! Where and when people were told of an incident.

use drs_fleet_aws::io::Io;
use drs_fleet_domain::keys::{self, Key};
use drs_fleet_domain::notification::IncidentRow;
use drs_fleet_domain::notify::delivery::Place;
use drs_fleet_domain::notify::{ChannelName, DeliveryRow, GroupRow, MemberRow, Taken};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::notifications::state;
use crate::text::{fact, plain, second};

/// One group that the incident is in.
pub(super) struct InGroup {
    taken: Taken,
    member: Option<MemberRow>,
    group: Option<GroupRow>,
    /// The last that went to each channel.
    last: Vec<DeliveryRow>,
}

/// Reads what is known of each group of the incident.
pub(super) async fn read(hub: &Hub, row: &IncidentRow) -> anyhow::Result<Vec<InGroup>> {
    let mut groups = Vec::new();
    for taken in &row.groups {
        let member = one::<MemberRow>(hub, keys::member(&taken.group, &row.latest.incident)).await?;
        let group = one::<GroupRow>(hub, keys::group(&taken.group)).await?;
        let mut last = Vec::new();
        for (channel, place) in group.iter().flat_map(GroupRow::last_told) {
            last.extend(one::<DeliveryRow>(hub, key(channel, &taken.group, place)).await?);
        }
        groups.push(InGroup { taken: taken.clone(), member, group, last });
    }
    Ok(groups)
}

async fn one<R: drs_fleet_domain::row::Row>(hub: &Hub, key: Key) -> anyhow::Result<Option<R>> {
    Ok(hub.io.read::<R>(&[key]).await?.pop().flatten().map(|stored| stored.row))
}

fn key(channel: &ChannelName, group: &str, place: &Place) -> Key {
    keys::delivery(place.day, channel, group, place.number)
}

/// As scripts read it.
pub(super) fn to_json(groups: &[InGroup]) -> Value {
    let one = |each: &InGroup| {
        json!({
            "route": each.taken.route, "group": each.taken.group,
            "told": each.member.as_ref().and_then(|member| member.told),
            "next_look_at": each.group.as_ref().and_then(|group| group.look_at),
            "deliveries": each.last.iter().map(delivery_json).collect::<Vec<_>>(),
        })
    };
    groups.iter().map(one).collect()
}

fn delivery_json(row: &DeliveryRow) -> Value {
    json!({
        "channel": row.channel, "number": row.number, "sent_at": row.sent_at, "attempts": row.attempts,
        "given_up": row.given_up, "error": row.error,
    })
}

/// As people read it.
pub(super) fn print(groups: &[InGroup], now: Timestamp) -> String {
    if groups.is_empty() {
        return fact("messages", "none");
    }
    groups.iter().map(|each| group(each, now)).collect()
}

fn group(each: &InGroup, now: Timestamp) -> String {
    let is_untold = each.member.as_ref().is_some_and(|member| member.news().is_some());
    let next = each.group.as_ref().and_then(|group| group.look_at);
    let told = match (is_untold, next) {
        (true, Some(at)) => format!(", its news waits until {}", second(at)),
        (true, None) => ", its news waits".to_owned(),
        (false, _) => String::new(),
    };
    let mut text = fact("group", &format!("{}{told}", plain(&each.taken.group)));
    if each.last.is_empty() {
        text += &fact("messages", "none yet, or none since it was over");
    }
    text + &each
        .last
        .iter()
        .map(|row| fact(row.channel.as_str(), &format!("bulletin {} {}", row.number, state(row, now))))
        .collect::<String>()
}
