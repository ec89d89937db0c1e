//! Access keys. Nothing here shows a secret in its debug output.

use std::fmt;

use jiff::Timestamp;

use crate::call::Principal;

/// Keys as a client needs them.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` for an operator, `ASIA…` for a session.
    pub access_key_id: String,
    /// Signs, is never sent.
    pub secret_access_key: String,
    /// Present for sessions.
    pub session_token: Option<String>,
    /// When a session ends, on real time.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What the cloud keeps of an access key.
pub(super) struct Key {
    pub secret: String,
    pub token: Option<String>,
    pub expires: Option<Timestamp>,
    pub principal: Principal,
}

impl Key {
    /// A new key of `principal`, temporary if it expires.
    pub fn create(principal: Principal, expires: Option<Timestamp>) -> (Self, Credentials) {
        let temporary = expires.is_some();
        let prefix = if temporary { "ASIA" } else { "AKIA" };
        let access_key_id = format!("{prefix}{}", random_text(16).to_ascii_uppercase());
        let secret = random_text(40);
        let token = temporary.then(|| random_text(200));
        let key = Self { secret: secret.clone(), token: token.clone(), expires, principal };
        (key, Credentials { access_key_id, secret_access_key: secret, session_token: token, expires })
    }
}

/// Hexadecimal digits from the operating system's random numbers.
pub(crate) fn random_text(length: usize) -> String {
    let digits = || uuid::Uuid::new_v4().simple().to_string().into_bytes();
    std::iter::repeat_with(digits).flatten().take(length).map(char::from).collect()
}
