//! One API call as the services see it, and what they answer.

use std::collections::BTreeMap;

use serde_json::Value;

/// Who calls: what authentication found behind the access key, or a service of the cloud itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// An administrator of `account`: everything is allowed within the account.
    Operator {
        /// Twelve digits.
        account: String,
    },
    /// A role session. Its identity policies decide.
    Role {
        /// The account of the role.
        account: String,
        /// `arn:aws:iam::ACCOUNT:role/NAME`.
        role_arn: String,
        /// The role session name, the last part of the assumed-role ARN.
        session: String,
    },
    /// An AWS service that acts for a resource, such as `events.amazonaws.com` for a rule.
    Service {
        /// `events.amazonaws.com` and so on.
        name: String,
        /// The resource it acts for (`aws:SourceArn`).
        source_arn: String,
        /// The account of that resource (`aws:SourceAccount`).
        source_account: String,
    },
}

impl Principal {
    /// The account that the caller belongs to.
    pub fn account(&self) -> &str {
        match self {
            Self::Operator { account } | Self::Role { account, .. } => account,
            Self::Service { source_account, .. } => source_account,
        }
    }

    /// The ARN that policies and CloudTrail records name.
    pub fn arn(&self) -> String {
        match self {
            Self::Operator { account } => format!("arn:aws:iam::{account}:root"),
            Self::Role { account, role_arn, session } => {
                let name = role_arn.rsplit('/').next().unwrap_or_default();
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
            }
            Self::Service { name, .. } => name.clone(),
        }
    }
}

/// One authenticated API call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub principal: Principal,
    /// The account whose resources are meant: the caller's own.
    pub account: String,
    /// The Region of the credential scope.
    pub region: String,
    /// The signing name: `sqs`, `sns`, `events`, `sts`, `dynamodb`, `secretsmanager`, `drs`,
    /// `servicequotas`, `tagging`, `ec2`.
    pub service: String,
    /// The operation, such as `SendMessage`; for REST services found from method and path.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query string, still percent-encoded, without `?`.
    pub query: String,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Vec<u8>,
}

impl Call {
    /// A call as it comes over the wire, on the caller's own resources. REST services go by the path.
    pub fn by(principal: Principal, region: &str, (service, operation): (&str, &str), body: Vec<u8>) -> Self {
        Self {
            account: principal.account().to_owned(),
            principal,
            region: region.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            method: "POST".to_owned(),
            path: format!("/{operation}"),
            query: String::new(),
            headers: BTreeMap::new(),
            body,
        }
    }

    /// One of an account's administrator, with a JSON body.
    pub fn by_operator((account, region): (&str, &str), to: (&str, &str), body: &Value) -> Self {
        let principal = Principal::Operator { account: account.to_owned() };
        Self::by(principal, region, to, body.to_string().into_bytes())
    }

    /// The body as JSON; an empty body is an empty object.
    ///
    /// # Errors
    /// `SerializationException` when the body is not JSON.
    pub fn json(&self) -> Result<Value, Refusal> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|e| Refusal::new(400, "SerializationException", format!("body is not JSON: {e}")))
    }

    /// The body of a query-protocol call (`Action=…&Version=…`) as its decoded parameters.
    pub fn form(&self) -> BTreeMap<String, String> {
        let text = String::from_utf8_lossy(&self.body);
        text.split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (form_decode(k), form_decode(v)))
            .collect()
    }
}

pub(crate) fn form_decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status, mostly 200.
    pub status: u16,
    /// The whole body, already in the service's format.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON body with status 200.
    pub fn json(value: &Value) -> Self {
        Self { status: 200, body: value.to_string().into_bytes() }
    }

    /// A query-protocol answer: `<OpResponse><OpResult>inner</OpResult>…</OpResponse>`.
    pub fn xml(operation: &str, namespace: &str, inner: &str) -> Self {
        let request_id = uuid::Uuid::new_v4();
        let body = format!(
            "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{inner}</{operation}Result>\
             <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
        );
        Self { status: 200, body: body.into_bytes() }
    }

    /// The same answer with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// An error answer, rendered by `http.rs` in the protocol of the service that was called.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The error code without namespace, such as `ResourceNotFoundException`.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// More members of the error body (JSON protocols only), such as `quotaCode` or `Item`.
    pub members: serde_json::Map<String, Value>,
    /// Extra response headers, such as `Retry-After`.
    pub headers: Vec<(String, String)>,
}

impl Refusal {
    /// An error with neither members nor headers.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            members: serde_json::Map::new(),
            headers: Vec::new(),
        }
    }

    /// What AWS answers when no policy allows the call.
    pub fn denied(principal: &Principal, action: &str, resource: &str) -> Self {
        let arn = principal.arn();
        let text = format!("User: {arn} is not authorized to perform: {action} on resource: {resource}");
        Self::new(403, "AccessDenied", text)
    }

    /// The throttling answer, in the words of `service`.
    pub fn throttled(service: &str) -> Self {
        let (status, code) = match service {
            "dynamodb" => (400, "ProvisionedThroughputExceededException"),
            "drs" => (429, "ThrottlingException"),
            "sqs" => (400, "RequestThrottled"),
            "sns" | "sts" => (400, "Throttling"),
            "tagging" => (400, "ThrottledException"),
            "ec2" => (503, "RequestLimitExceeded"),
            "servicequotas" => (400, "TooManyRequestsException"),
            _ => (400, "ThrottlingException"),
        };
        Self::new(status, code, "Rate exceeded")
    }

    /// An operation that this cloud does not know.
    pub fn unknown(service: &str, operation: &str) -> Self {
        Self::new(
            400,
            "UnknownOperationException",
            format!("the local cloud does not know {service}:{operation}"),
        )
    }

    /// Adds a member to the error body.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
