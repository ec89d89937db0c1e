//! API calls as CloudTrail records, which arrive as events of the service that was called.

use serde_json::{Value, json};

use super::dice::hash;
use super::request::Request;
use super::stamp::date_time;
use crate::call::{Principal, Refusal};
use crate::events::ServiceEvent;

/// The event of a write call; `answer` is its response body, or why it was refused.
pub(super) fn record(request: &Request, answer: Result<&Value, &Refusal>) -> ServiceEvent {
    let time = request.now.to_string();
    let mut detail = json!({
        "eventVersion": "1.09",
        "userIdentity": identity(&request.principal, request),
        "eventTime": format!("{}Z", time.split(['.', 'Z']).next().unwrap_or_default()),
        "eventSource": "drs.amazonaws.com",
        "eventName": request.operation,
        "awsRegion": request.region,
        "sourceIPAddress": address(&request.principal),
        "userAgent": "aws-sdk-rust/1.3.14 os/linux lang/rust",
        "requestParameters": parameters(&request.body),
        "responseElements": answer.ok().filter(|body| body.is_object()),
        "requestID": uuid::Uuid::new_v4().to_string(),
        "eventID": uuid::Uuid::new_v4().to_string(),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": request.account,
        "eventCategory": "Management",
    });
    if let Err(refusal) = answer {
        detail["errorCode"] = json!(refusal.code);
        detail["errorMessage"] = json!(refusal.message);
    }
    ServiceEvent {
        source: "aws.drs".to_owned(),
        detail_type: "AWS API Call via CloudTrail".to_owned(),
        time: Some(request.now),
        // Such events name no resources: ids are in the parameters and the response.
        resources: Vec::new(),
        detail,
    }
}

fn parameters(body: &Value) -> Value {
    if body.as_object().is_some_and(serde_json::Map::is_empty) { Value::Null } else { body.clone() }
}

/// Where a caller calls from: each from an address of its own, a service from its name.
fn address(principal: &Principal) -> String {
    match principal {
        Principal::Service { name, .. } => name.clone(),
        caller => format!("198.51.100.{}", 1 + hash(&caller.arn()) % 254),
    }
}

fn identity(principal: &Principal, request: &Request) -> Value {
    let arn = principal.arn();
    let key = format!("{:016X}", hash(&arn));
    match principal {
        Principal::Operator { account } => json!({
            "type": "Root", "principalId": account, "arn": arn, "accountId": account,
            "accessKeyId": format!("AKIA{key}"),
        }),
        Principal::Role { account, role_arn, session } => {
            let role_id = format!("AROA{:016X}", hash(role_arn));
            json!({
                "type": "AssumedRole",
                "principalId": format!("{role_id}:{session}"),
                "arn": arn,
                "accountId": account,
                "accessKeyId": format!("ASIA{key}"),
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": role_id,
                        "arn": role_arn,
                        "accountId": account,
                        "userName": role_arn.rsplit('/').next(),
                    },
                    "attributes": { "creationDate": date_time(request.now), "mfaAuthenticated": "false" },
                },
            })
        }
        Principal::Service { name, .. } => json!({ "type": "AWSService", "invokedBy": name }),
    }
}
