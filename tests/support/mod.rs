//! What scenario and conformance tests stand on.

pub(crate) mod hub;
pub(crate) mod python;
pub(crate) mod slack;
pub(crate) mod wait;
