//! Pages with opaque tokens, of the lists of DRS and of Service Quotas.

use serde_json::{Value, json};

use super::dice::hash;
use super::refusal::invalid;
use super::request::Request;
use crate::call::Refusal;

/// Items on a page when the caller does not say.
const DEFAULT: usize = 200;

/// Which part of a list is asked for. A token names the last key that was shown, so that a page neither
/// repeats nor leaves out what stays in the list while others come and go.
pub(crate) struct Page {
    limit: usize,
    after: Option<String>,
    scope: String,
}

impl Page {
    /// Reads `maxResults` (1 to `most`) and `nextToken`, which is good for the same operation and filters only.
    pub(super) fn read(request: &Request, most: usize) -> Result<Self, Refusal> {
        let wrong = || invalid("maxResults", &format!("maxResults must be from 1 to {most}"));
        let limit = match request.body.get("maxResults").filter(|value| !value.is_null()) {
            None => DEFAULT.min(most),
            Some(value) => {
                let limit = value.as_u64().and_then(|limit| usize::try_from(limit).ok());
                limit.filter(|limit| (1..=most).contains(limit)).ok_or_else(wrong)?
            }
        };
        let mut asked = request.body.clone();
        if let Some(members) = asked.as_object_mut() {
            members.retain(|name, _| name != "nextToken" && name != "maxResults");
        }
        let scope = format!("{}/{}/{}/{asked}", request.account, request.region, request.operation);
        let token = request.body.get("nextToken").filter(|token| !token.is_null());
        let read = |token: &Value| {
            let key = token.as_str().and_then(|token| key_of(token, &scope));
            key.ok_or_else(|| invalid("nextToken", "invalid nextToken"))
        };
        let after = token.map(read).transpose()?;
        Ok(Self { limit, after, scope })
    }

    /// A page of at most `limit` items behind a token, which must be of the same `scope`.
    pub(crate) fn behind(limit: usize, token: Option<&str>, scope: String) -> Option<Self> {
        let after = match token {
            Some(token) => Some(key_of(token, &scope)?),
            None => None,
        };
        Some(Self { limit, after, scope })
    }

    /// The page of `items` as DRS answers it.
    pub(super) fn of<T>(
        &self,
        member: &str,
        items: impl IntoIterator<Item = (String, T)>,
        show: impl Fn(T) -> Value,
    ) -> Value {
        let (shown, token) = self.cut(items, show);
        let mut page = json!({ member: shown });
        if let Some(token) = token {
            page["nextToken"] = json!(token);
        }
        page
    }

    /// The page of `items`, which are keyed and in the order of their keys, and the token of the next one. Only
    /// what is on the page is shown.
    pub(crate) fn cut<T>(
        &self,
        items: impl IntoIterator<Item = (String, T)>,
        show: impl Fn(T) -> Value,
    ) -> (Vec<Value>, Option<String>) {
        let mut rest =
            items.into_iter().skip_while(|(key, _)| self.after.as_ref().is_some_and(|after| key <= after));
        let mut shown = Vec::new();
        let mut last = String::new();
        for (key, item) in rest.by_ref().take(self.limit) {
            shown.push(show(item));
            last = key;
        }
        let token = rest.next().map(|_| self.token(&last));
        (shown, token)
    }

    fn token(&self, key: &str) -> String {
        let sum = format!("{:016x}", hash(&format!("{}{key}", self.scope)));
        key.bytes().fold(sum, |token, byte| format!("{token}{byte:02x}"))
    }
}

fn key_of(token: &str, scope: &str) -> Option<String> {
    let (sum, digits) = token.split_at_checked(16)?;
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let key = String::from_utf8(pairs.collect::<Option<Vec<u8>>>()?).ok()?;
    (format!("{:016x}", hash(&format!("{scope}{key}"))) == sum).then_some(key)
}
