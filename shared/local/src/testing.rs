//! A client for tests that is not the SDK: signs with `aws-sigv4` and speaks HTTP by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_credential_types::Credentials as Identity;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};

use crate::call::{Call, Principal};
use crate::faults::Faults;
use crate::iam::Credentials;
use crate::{Clock, LocalCloud};

pub(crate) const HUB: &str = "111111111111";
pub(crate) const SPOKE: &str = "222222222222";
pub(crate) const REGION: &str = "eu-west-1";

pub(crate) async fn cloud() -> LocalCloud {
    LocalCloud::start(Clock::real(), Faults::none()).await.unwrap()
}

pub(crate) fn operator(account: &str) -> Principal {
    Principal::Operator { account: account.to_owned() }
}

pub(crate) fn role(account: &str, name: &str) -> Principal {
    Principal::Role {
        account: account.to_owned(),
        role_arn: format!("arn:aws:iam::{account}:role/{name}"),
        session: "worker".to_owned(),
    }
}

/// A policy of one statement.
pub(crate) fn allow(statement: &Value) -> Value {
    let mut statement = statement.clone();
    statement["Effect"] = json!("Allow");
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// A call as `http.rs` would make it, with a JSON body.
pub(crate) fn call(principal: &Principal, service: &str, operation: &str, body: &Value) -> Call {
    Call::by(principal.clone(), REGION, (service, operation), body.to_string().into_bytes())
}

/// One request before it is signed.
pub(crate) struct Sent<'a> {
    pub service: &'a str,
    pub method: &'a str,
    pub target: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: String,
    pub time: SystemTime,
}

impl<'a> Sent<'a> {
    pub fn json(service: &'a str, target: &str, body: &Value) -> Self {
        let headers = vec![
            ("content-type", "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target", target.to_owned()),
        ];
        Self {
            service,
            method: "POST",
            target: "/",
            headers,
            body: body.to_string(),
            time: SystemTime::now(),
        }
    }

    pub fn form(service: &'a str, body: &str) -> Self {
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Self { service, method: "POST", target: "/", headers, body: body.to_owned(), time: SystemTime::now() }
    }

    pub fn rest(method: &'a str, target: &'a str) -> Self {
        Self {
            service: "drs",
            method,
            target,
            headers: Vec::new(),
            body: String::new(),
            time: SystemTime::now(),
        }
    }

    /// Signs and sends.
    pub async fn by(self, keys: &Credentials, cloud: &LocalCloud) -> Answer {
        self.try_by(keys, cloud).await.expect("an answer")
    }

    /// Signs and sends; `None` when the connection closes without an answer.
    pub async fn try_by(mut self, keys: &Credentials, cloud: &LocalCloud) -> Option<Answer> {
        let host = cloud.endpoint().replace("http://", "");
        self.headers.push(("host", host));
        let signature = self.signature(keys);
        self.headers.extend(signature.iter().map(|(name, value)| (name.as_str(), value.clone())));
        transmit(cloud, self.method, self.target, &self.headers, &self.body).await
    }

    pub fn signature(&self, keys: &Credentials) -> Vec<(String, String)> {
        let identity = Identity::new(
            &keys.access_key_id,
            &keys.secret_access_key,
            keys.session_token.clone(),
            None,
            "test",
        )
        .into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(self.service)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let uri = format!("http://localhost{}", self.target);
        let body = SignableBody::Bytes(self.body.as_bytes());
        let request = SignableRequest::new(self.method, uri, headers, body).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }

    /// The text of the first XML element of that name.
    pub fn element(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("<{name}>")).expect("the element");
        rest.split('<').next().unwrap().to_owned()
    }
}

/// Sends as it is; `None` when the connection closes without an answer.
pub(crate) async fn transmit(
    cloud: &LocalCloud,
    method: &str,
    target: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Option<Answer> {
    let address = cloud.endpoint().replace("http://", "");
    let head: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nconnection: close\r\n{head}content-length: {length}\r\n\r\n{body}"
    );
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may answer before it has read all; what it answered is what counts.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    };
    let answer = tokio::task::spawn_blocking(exchange).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}
