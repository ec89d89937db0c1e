use drs_fleet_domain::seen::QuotaSeen;
use serde_json::{Value, json};

use crate::io::{Io, ServerFilter};
use crate::sdk::wire::{Call, Reply, fleet, place};
use crate::verdict::{Neighbour, Verdict};

const REPLICATING: &str = "L-C1D14A2B";
const TOTAL: &str = "L-E28BE5E0";

fn quota(code: &str, value: f64) -> Value {
    json!({ "ServiceCode": "drs", "QuotaCode": code, "Value": value })
}

/// Defaults on two pages, and one applied value.
fn answer(call: &Call) -> Option<Reply> {
    let body = match (call.operation.as_str(), call.body.contains("two")) {
        ("ListAWSDefaultServiceQuotas", false) => {
            json!({ "Quotas": [quota(REPLICATING, 300.0)], "NextToken": "two" })
        }
        ("ListAWSDefaultServiceQuotas", true) => json!({ "Quotas": [quota(TOTAL, 4000.0)] }),
        ("ListServiceQuotas", _) => {
            json!({ "Quotas": [quota(TOTAL, 6000.0), { "QuotaCode": "L-NOVALUE" }, { "Value": 1.0 }] })
        }
        _ => return None,
    };
    Some((200, body.to_string()))
}

#[tokio::test]
async fn an_applied_value_goes_before_the_default_which_holds_where_there_is_none() {
    let (io, wire) = fleet(answer);
    let seen = io.quotas(&place()).await.unwrap();
    let expected = [(REPLICATING, 300, false), (TOTAL, 6000, true)].map(|(code, value, applied)| QuotaSeen {
        code: code.into(),
        value,
        applied,
    });
    assert_eq!(seen, expected);
    assert_eq!(wire.calls("ListAWSDefaultServiceQuotas").len(), 2, "all pages");
    assert_eq!(wire.calls("ListServiceQuotas")[0].json()["ServiceCode"], "drs");
    assert_eq!(wire.calls("ListServiceQuotas")[0].host, "servicequotas.us-west-2.amazonaws.com");
}

#[tokio::test]
async fn too_many_requests_are_a_throttle_and_a_refusal_is_a_denial() {
    for (status, code, verdict) in [
        (400, "TooManyRequestsException", Verdict::Throttled),
        (400, "AccessDeniedException", Verdict::Denied),
        (500, "ServiceException", Verdict::Transient),
    ] {
        let (io, wire) = fleet(move |call| {
            let error = json!({ "__type": code, "message": "no" }).to_string();
            (call.operation == "ListServiceQuotas").then_some((status, error)).or_else(|| answer(call))
        });
        let error = io.quotas(&place()).await.unwrap_err();
        assert_eq!((error.neighbour, error.verdict), (Neighbour::Spoke, verdict), "{error}");
        assert_eq!(wire.calls("ListServiceQuotas").len(), 1, "the next sweeps repeat it, not the SDK");
        io.source_servers(&place(), &ServerFilter::All, None).await.ok();
        assert_eq!(wire.calls("AssumeRole").len(), 1, "the role is as good as before");
    }
}
