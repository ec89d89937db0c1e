//! What counted calls cost at list price: US$ per million, us-east-1, on demand, without free tiers.
//!
//! AWS's own price pages are not machine-readable; these are as third parties copied them, and are to be looked at
//! again when a bar is missed by a cent.

use super::control::Counted;

/// Requests to a standard queue, each up to 64 KB (cloudburn.io, 2026-03).
const SQS_REQUESTS: f64 = 0.40;
/// Write request units of `DynamoDB` (airbyte.com, 2025-07).
const WRITE_UNITS: f64 = 0.625;
/// Read request units of `DynamoDB` (airbyte.com, 2025-07).
const READ_UNITS: f64 = 0.125;

pub const REMARK: &str = "P11, list prices of us-east-1 per million: SQS requests US$ 0.40 (EventBridge's send of each \
                          event among them), write units 0.625, read units 0.125. The US$ 1.00 for the way from the \
                          spoke's bus to the hub's, which is the same for any consumer, is not in it.";

/// What a million events cost of which so many made so many calls of SQS and what else was counted.
pub fn per_million(events: usize, sqs: u64, counted: &Counted) -> f64 {
    // EventBridge puts each event on the queue by a call of its own, billed to the queue's owner.
    let requests = events as f64 + sqs as f64;
    let dollars =
        requests * SQS_REQUESTS + counted.write_units * WRITE_UNITS + counted.read_units * READ_UNITS;
    dollars / events as f64
}
