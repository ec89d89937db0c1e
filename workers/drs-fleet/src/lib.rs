//! What the command line and the tests that span the crates share: the four workers by name, and a hub with
//! its spokes on the local cloud.

pub mod fleet;
pub mod workers;
