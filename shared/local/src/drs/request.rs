//! One DRS call, read: what is asked, by whom, when, and which permissions that needs.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::refusal::invalid;
use crate::call::{Call, Principal, Refusal};

/// A call whose members are all in `body`, wherever they travelled.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) operation: String,
    pub(super) principal: Principal,
    pub(super) now: Timestamp,
    pub(super) body: Value,
}

impl Request {
    /// Reads a call; the members of the four `GET` and `/tags/` operations come from path and query.
    pub(super) fn read(call: &Call, now: Timestamp) -> Result<Self, Refusal> {
        let mut body = call.json()?;
        if !body.is_object() {
            return Err(invalid("body", "the body must be a JSON object"));
        }
        match call.operation.as_str() {
            "TagResource" | "ListTagsForResource" | "UntagResource" => {
                let label = call.path.strip_prefix("/tags/").unwrap_or_default();
                body["resourceArn"] = json!(decode(label));
                if call.operation == "UntagResource" {
                    body["tagKeys"] = json!(values(&call.query, "tagKeys"));
                }
            }
            "ListStagingAccounts" => {
                if let Some(token) = values(&call.query, "nextToken").pop() {
                    body["nextToken"] = json!(token);
                }
                if let Some(most) = values(&call.query, "maxResults").pop() {
                    body["maxResults"] = most.parse::<i64>().map_or(json!(most), |most| json!(most));
                }
            }
            _ => {}
        }
        Ok(Self {
            account: call.account.clone(),
            region: call.region.clone(),
            operation: call.operation.clone(),
            principal: call.principal.clone(),
            now,
            body,
        })
    }

    /// A required string member.
    pub(super) fn text(&self, member: &str) -> Result<&str, Refusal> {
        let text = self.body.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(member, &format!("{member} is required")))
    }

    /// A list of strings at a JSON pointer; absent is empty.
    pub(super) fn list(&self, pointer: &str, most: usize) -> Result<Vec<String>, Refusal> {
        let wrong = || invalid(pointer, &format!("{pointer} must be a list of at most {most} strings"));
        let Some(found) = self.body.pointer(pointer).filter(|found| !found.is_null()) else {
            return Ok(Vec::new());
        };
        let items = found.as_array().filter(|items| items.len() <= most).ok_or_else(wrong)?;
        items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// Whether the call changes something: only such calls become events.
    pub(super) fn is_write(&self) -> bool {
        let reads = ["Describe", "List", "Get"];
        !reads.iter().any(|read| self.operation.starts_with(read))
    }

    /// The actions and resources that the caller must be allowed.
    pub(super) fn needs(&self) -> Vec<(String, String)> {
        let arn = |kind: &str, id: &str| format!("arn:aws:drs:{}:{}:{kind}/{id}", self.region, self.account);
        let of = |member: &str, kind: &str| self.text(member).ok().map(|id| arn(kind, id));
        let all = |kind: &str| {
            let ids = self.list("/recoveryInstanceIDs", usize::MAX).unwrap_or_default();
            ids.iter().map(|id| arn(kind, id)).collect::<Vec<_>>()
        };
        let mut resources: Vec<String> = match self.operation.as_str() {
            "StartRecovery" => self.recovered().iter().map(|id| arn("source-server", id)).collect(),
            "TerminateRecoveryInstances" | "StartFailbackLaunch" => all("recovery-instance"),
            "ReverseReplication"
            | "StopFailback"
            | "DisconnectRecoveryInstance"
            | "DeleteRecoveryInstance" => of("recoveryInstanceID", "recovery-instance").into_iter().collect(),
            "TagResource" | "UntagResource" | "ListTagsForResource" => {
                self.text("resourceArn").ok().map(str::to_owned).into_iter().collect()
            }
            "CreateExtendedSourceServer" => {
                self.text("sourceServerArn").ok().map(str::to_owned).into_iter().collect()
            }
            "StartSourceNetworkRecovery" => {
                self.networks().iter().map(|id| arn("source-network", id)).collect()
            }
            "CreateSourceNetwork" => Vec::new(),
            "DescribeJobLogItems" | "DeleteJob" => of("jobID", "job").into_iter().collect(),
            operation if operation.starts_with("Describe") || operation.starts_with("List") => Vec::new(),
            _ => of("sourceServerID", "source-server").into_iter().collect(),
        };
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        let action = format!("drs:{}", self.operation);
        let mut needs: Vec<_> = resources.into_iter().map(|resource| (action.clone(), resource)).collect();
        let tags = self.body.get("tags").and_then(Value::as_object).is_some_and(|tags| !tags.is_empty());
        if matches!(self.operation.as_str(), "StartRecovery" | "StartSourceNetworkRecovery") && tags {
            needs.push(("drs:TagResource".to_owned(), arn("job", "*")));
        }
        needs
    }

    /// The server ids of `StartRecovery`.
    pub(super) fn recovered(&self) -> Vec<String> {
        self.members("sourceServers", "sourceServerID")
    }

    /// The network ids of `StartSourceNetworkRecovery`.
    pub(super) fn networks(&self) -> Vec<String> {
        self.members("sourceNetworks", "sourceNetworkID")
    }

    /// One string of each entry of a list.
    fn members(&self, list: &str, name: &str) -> Vec<String> {
        let entries = self.body.get(list).and_then(Value::as_array);
        let id = |entry: &Value| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        entries.map(|entries| entries.iter().filter_map(id).collect()).unwrap_or_default()
    }
}

fn values(query: &str, name: &str) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(&value.replace('+', " "))).collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
