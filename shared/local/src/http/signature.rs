//! Signature Version 4, checked for real: the canonical request is rebuilt from what arrived.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::Received;
use crate::call::Refusal;
use crate::iam::Iam;
use crate::world::lock;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// A signature counts for this long before and after the moment it names, on real time.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

/// What a valid signature says about a request.
#[derive(Debug)]
pub(super) struct Scope {
    pub access_key: String,
    pub region: String,
    pub service: String,
}

/// Derived signing keys by credential scope. Deriving takes four rounds of HMAC, at each of thousands of
/// calls a second; a key is good for a day.
#[derive(Default)]
pub(super) struct SigningKeys(Mutex<HashMap<String, Arc<[u8]>>>);

impl SigningKeys {
    /// A day of a fleet's sessions; then the map starts over.
    const CAPACITY: usize = 8192;

    fn get(&self, authorization: &Authorization<'_>, secret: &str, signed_at: Timestamp) -> Arc<[u8]> {
        if let Some(key) = lock(&self.0).get(authorization.credential) {
            return Arc::clone(key);
        }
        let time = SystemTime::from(signed_at);
        let key = generate_signing_key(secret, time, authorization.region, authorization.service);
        let key: Arc<[u8]> = key.as_ref().into();
        let mut keys = lock(&self.0);
        if keys.len() >= Self::CAPACITY {
            keys.clear();
        }
        keys.insert(authorization.credential.to_owned(), Arc::clone(&key));
        key
    }
}

/// Checks a request's signature.
///
/// # Errors
/// `MissingAuthenticationToken`, `IncompleteSignature`, `InvalidClientTokenId` for an unknown key, and
/// `SignatureDoesNotMatch`, also for a signature that is too old.
pub(super) fn verify(iam: &Iam, keys: &SigningKeys, received: &Received) -> Result<Scope, Refusal> {
    let header = |name: &str| received.headers.get(name).map(String::as_str);
    let authorization = header("authorization").ok_or_else(|| {
        Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    })?;
    let authorization = Authorization::parse(authorization).ok_or_else(|| incomplete("Authorization"))?;
    let stamp = header("x-amz-date").ok_or_else(|| incomplete("X-Amz-Date"))?;
    let signed_at = parse_stamp(stamp).ok_or_else(|| incomplete("X-Amz-Date"))?;

    let secret = iam.secret_of(authorization.access_key).ok_or_else(|| {
        Refusal::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    })?;
    check_age(stamp, signed_at)?;

    let request = canonical_request(received, authorization.signed_headers).ok_or_else(mismatch)?;
    let scope = authorization.credential.split_once('/').map(|(_, scope)| scope).unwrap_or_default();
    let digest = hex(&Sha256::digest(request));
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}");
    let key = keys.get(&authorization, &secret, signed_at);
    let same_day = stamp.get(..8) == Some(authorization.date);
    if !same_day || calculate_signature(key, to_sign.as_bytes()) != authorization.signature {
        return Err(mismatch());
    }
    Ok(Scope {
        access_key: authorization.access_key.to_owned(),
        region: authorization.region.to_owned(),
        service: authorization.service.to_owned(),
    })
}

/// The parts of `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct Authorization<'a> {
    credential: &'a str,
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let parts: HashMap<&str, &str> = header
            .strip_prefix("AWS4-HMAC-SHA256 ")?
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .collect();
        let credential = *parts.get("Credential")?;
        let mut scope = credential.split('/');
        let found = Self {
            credential,
            access_key: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers: parts.get("SignedHeaders")?,
            signature: parts.get("Signature")?,
        };
        (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(found)
    }
}

fn parse_stamp(stamp: &str) -> Option<Timestamp> {
    let time = civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn check_age(stamp: &str, signed_at: Timestamp) -> Result<(), Refusal> {
    let now = Timestamp::now();
    if now.duration_since(signed_at).abs() <= TOLERANCE {
        return Ok(());
    }
    let (kind, now) =
        (if signed_at < now { "expired" } else { "not yet current" }, now.strftime("%Y%m%dT%H%M%SZ"));
    let text = format!("Signature {kind}: {stamp} is more than 15 min. away from {now}");
    Err(Refusal::new(403, "SignatureDoesNotMatch", text))
}

/// `None` when the host is not signed or a signed header did not arrive.
fn canonical_request(received: &Received, signed_headers: &str) -> Option<String> {
    if !signed_headers.split(';').any(|name| name == "host") {
        return None;
    }
    let path = utf8_percent_encode(&received.path, PATH);
    let mut request = format!("{}\n{path}\n{}\n", received.method, canonical_query(&received.query));
    for name in signed_headers.split(';') {
        let value = received.headers.get(name)?;
        request.push_str(name);
        request.push(':');
        let mut words = value.split_ascii_whitespace();
        request.push_str(words.next().unwrap_or_default());
        for word in words {
            request.push(' ');
            request.push_str(word);
        }
        request.push('\n');
    }
    let payload = hex(&Sha256::digest(&received.body));
    Some(format!("{request}\n{signed_headers}\n{payload}"))
}

fn canonical_query(query: &str) -> String {
    let again = |text: &str| {
        let plain: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&plain, QUERY).to_string()
    };
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (again(name), again(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn incomplete(part: &str) -> Refusal {
    Refusal::new(400, "IncompleteSignature", format!("{part} is missing or is not in the expected form"))
}

fn mismatch() -> Refusal {
    let text = "The request signature we calculated does not match the signature you provided. Check your AWS \
                Secret Access Key and signing method.";
    Refusal::new(403, "SignatureDoesNotMatch", text)
}
