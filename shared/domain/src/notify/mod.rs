//! Who is told of incidents, together with what else, over which channel, and when. Written by the notifier.
//!
//! An incident's labels take one or more routes. On each it joins a *group*: what differs in nothing that the route groups
//! by. A group is told together, in a [`Digest`], at most so often. What is muted, or expected in a drill, is held back and
//! told of once that ends, if it lasts.

pub mod acks;
pub mod bulletin;
pub mod channel;
pub mod channel_health;
mod compose;
pub mod covered;
pub mod delivery;
pub mod drill;
pub mod group;
pub mod hold;
pub mod hours;
pub mod labels;
pub mod matchers;
pub mod member;
pub mod mute;
pub mod plan;
pub mod routes;
pub mod sample;
pub mod turn;
pub mod window;

pub use self::acks::Acks;
pub use self::bulletin::{Bulletin, Counts, Digest, Drill, DrillHappened, Why};
pub use self::channel::{Channel, ChannelName};
pub use self::channel_health::ChannelRow;
pub use self::compose::{Looked, compose};
pub use self::covered::Covered;
pub use self::delivery::DeliveryRow;
pub use self::drill::DrillRow;
pub use self::group::GroupRow;
pub use self::hours::Hours;
pub use self::labels::{Label, Labels};
pub use self::matchers::Matchers;
pub use self::member::MemberRow;
pub use self::mute::MuteRow;
pub use self::plan::{Plan, Step, Taken};
pub use self::routes::{Routes, RoutesRow};
pub use self::sample::SampleEvent;
pub use self::turn::TurnRow;
pub use self::window::WindowRow;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
