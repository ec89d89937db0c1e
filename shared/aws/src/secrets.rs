//! Secrets by name, remembered for a short while and never shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use secrecy::SecretString;

use crate::verdict::{IoError, Neighbour, Verdict, classify};

/// How long a rotated secret may go unnoticed.
const KEEP: Duration = Duration::from_mins(5);
const OPERATION: &str = "GetSecretValue";

/// Secrets Manager. Clones share what is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    client: Client,
    held: Arc<Mutex<HashMap<String, (Instant, SecretString)>>>,
}

impl Secrets {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), held: Arc::default() }
    }

    /// The current value of a secret.
    pub(crate) async fn get(&self, name: &str) -> Result<SecretString, IoError> {
        if let Some(value) = self.remembered(name) {
            return Ok(value);
        }
        let answer = self
            .client
            .get_secret_value()
            .secret_id(name)
            .send()
            .await
            .map_err(|e| about(name, to_be_mended(classify(Neighbour::Secrets, OPERATION, &e))))?;
        let text = answer.secret_string.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let Some(text) = text else {
            let empty = IoError::new(Neighbour::Secrets, OPERATION, Verdict::Denied, "holds no text");
            return Err(about(name, empty));
        };
        let value = SecretString::from(text);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(name.to_owned(), (Instant::now(), value.clone()));
        Ok(value)
    }

    /// Has a secret read again: it did not serve.
    pub(crate) fn forget(&self, name: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Has a secret read again that was last read longer than `age` ago; answers whether it will be.
    pub(crate) fn forget_if_older(&self, name: &str, age: Duration) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = held.get(name).is_none_or(|(since, _)| since.elapsed() > age);
        if is_old {
            held.remove(name);
        }
        is_old
    }

    fn remembered(&self, name: &str) -> Option<SecretString> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(name).filter(|(since, _)| since.elapsed() < KEEP).map(|(_, value)| value.clone())
    }
}

/// A secret that is not there is mended by a person, as a lost permission is: the next try may find it.
fn to_be_mended(error: IoError) -> IoError {
    let verdict = if error.verdict == Verdict::Permanent { Verdict::Denied } else { error.verdict };
    IoError { verdict, ..error }
}

fn about(name: &str, mut error: IoError) -> IoError {
    error.message = format!("secret {name:?}: {}", error.message);
    error
}
