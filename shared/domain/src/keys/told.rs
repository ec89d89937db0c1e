//! Keys of what people are told: incidents, their groups, mutes and windows, drills, bulletins, channels.

use jiff::civil::Date;

use super::{Key, Place, Range, place_pk, sum};
use crate::incident::IncidentKind;
use crate::notify::ChannelName;

/// Partition of the channels.
const CHANNELS: &str = "channels";

/// Partition of the windows for drills.
const WINDOWS: &str = "windows";

/// In how many partitions the incidents of a group lie.
const MEMBER_SHARDS: u32 = 8;
/// A mute.
pub fn mute(id: &str) -> Key {
    Key { pk: "mutes".into(), sk: format!("mute#{id}") }
}

/// All mutes.
pub fn mutes() -> Range {
    Range { pk: "mutes".into(), sk_prefix: "mute#".into() }
}

/// A window for a drill.
pub fn window(id: &str) -> Key {
    Key { pk: WINDOWS.into(), sk: format!("window#{id}") }
}

/// All windows for drills.
pub fn windows() -> Range {
    Range { pk: WINDOWS.into(), sk_prefix: "window#".into() }
}

/// An incident as the notifier tells it.
pub fn incident(place: &Place, kind: IncidentKind, subject: &str) -> Key {
    Key { pk: place_pk(place), sk: format!("incident#{kind}#{subject}") }
}

/// All incidents of a place, open and resolved.
pub fn incidents(place: &Place) -> Range {
    Range { pk: place_pk(place), sk_prefix: "incident#".into() }
}

/// A group of incidents that is told together.
pub fn group(group: &str) -> Key {
    Key { pk: format!("group#{group}"), sk: "group".into() }
}

/// An incident in a group.
pub fn member(group: &str, incident: &str) -> Key {
    let digit = sum(incident.bytes()) % MEMBER_SHARDS;
    Key { pk: format!("group#{group}#{digit}"), sk: format!("member#{incident}") }
}

/// What of the notifier's may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A [`group`].
    Group,
    /// A [`drill`].
    Drill,
    /// A [`delivery`].
    Delivery,
    /// A [`window`].
    Window,
    /// A [`channel`].
    Channel,
}

/// Which of the notifier's items a key names; `None` for what is none of these.
pub fn of_notifier(key: &Key) -> Option<Told> {
    match key.pk.as_str() {
        "drill" => Some(Told::Drill),
        WINDOWS => Some(Told::Window),
        CHANNELS => Some(Told::Channel),
        pk if pk.starts_with("notified#") => Some(Told::Delivery),
        _ if key.sk == "group" => Some(Told::Group),
        _ => None,
    }
}

/// When the next message may go into a Slack channel.
pub fn turn(channel: &str) -> Key {
    Key { pk: "turns".into(), sk: channel.to_owned() }
}

/// All incidents in a group, in eight parts: a Region that fails brings thousands within a minute.
pub fn members(group: &str) -> impl Iterator<Item = Range> {
    (0..MEMBER_SHARDS)
        .map(move |digit| Range { pk: format!("group#{group}#{digit}"), sk_prefix: "member#".into() })
}

/// How a drill goes, by its window or its plan.
pub fn drill(id: &str) -> Key {
    Key { pk: "drill".into(), sk: format!("drill#{id}") }
}

/// All drills that are under way, or were in the last 90 days.
pub fn drills() -> Range {
    Range { pk: "drill".into(), sk_prefix: "drill#".into() }
}

/// The bulletin `number` of a group, made on that day for a channel.
pub fn delivery(day: Date, channel: &ChannelName, group: &str, number: u32) -> Key {
    Key { pk: format!("notified#{day}"), sk: format!("{channel}#{group}#{number:06}") }
}

/// All bulletins of a day.
pub fn deliveries(day: Date) -> Range {
    Range { pk: format!("notified#{day}"), sk_prefix: String::new() }
}

/// A channel that refused something.
pub fn channel(channel: &ChannelName) -> Key {
    Key { pk: CHANNELS.into(), sk: format!("channel#{channel}") }
}

/// All channels that refused something.
pub fn channels() -> Range {
    Range { pk: CHANNELS.into(), sk_prefix: "channel#".into() }
}

/// All incidents of a kind in a place, open and resolved.
pub fn incidents_of(place: &Place, kind: IncidentKind) -> Range {
    Range { pk: place_pk(place), sk_prefix: format!("incident#{kind}#") }
}
