//! Posts JSON to an address that is secret.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, StatusCode, Url};

use super::failure;
use crate::sdk::Answer;
use crate::verdict::{self, Verdict};

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(10);
/// More of an answer is not read: it is a word, or a small object.
const ANSWER_LIMIT: usize = 16 * 1024;

/// What was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: String,
}

/// Its clients are built when there is something to post, for all CA certificates of the system are read then, and only the
/// notifier posts. Where that fails (as in a container without CA certificates), it is tried again with the next post.
#[derive(Debug, Default)]
pub(super) struct Http {
    any: OnceLock<Client>,
    /// For receivers on this machine: a proxy of the environment could not reach them, and nothing is encrypted.
    local: OnceLock<Client>,
}

impl Http {
    /// Posts; any status is an answer.
    pub(super) async fn post(
        &self,
        operation: &'static str,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> Answer<Answered> {
        let Some((url, is_local)) = address(url) else {
            let what = "the secret holds no URL that begins with https:// (http:// only on 127.0.0.1)";
            return Err(failure(operation, Verdict::Denied, what));
        };
        let client = if is_local {
            built(&self.local, client().no_proxy().tls_certs_only([]))
        } else {
            built(&self.any, client())
        };
        let client = client.map_err(|e| failure(operation, Verdict::Permanent, verdict::words(&e)))?;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let sent = client.post(url).headers(headers).header(CONTENT_TYPE, json).body(body).send().await;
        let mut answer = sent.map_err(|e| {
            let verdict = if e.is_builder() { Verdict::Denied } else { Verdict::Transient };
            // Whoever has the URL can post; it must not reach a log.
            failure(operation, verdict, verdict::words(&e.without_url()))
        })?;
        let wish = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(verdict::seconds);
        let mut read = Vec::new();
        // What is not to be read says as much as an empty answer.
        while let Ok(Some(chunk)) = answer.chunk().await {
            read.extend_from_slice(&chunk);
            if read.len() > ANSWER_LIMIT {
                break;
            }
        }
        let body = String::from_utf8_lossy(&read).into_owned();
        Ok(Answered { status: answer.status(), retry_after: wish, body })
    }
}

fn client() -> ClientBuilder {
    // A redirect would carry message and credentials to an address that nobody has put into the secret.
    Client::builder().timeout(LIMIT).redirect(Policy::none())
}

fn built(kept: &OnceLock<Client>, how: ClientBuilder) -> reqwest::Result<&Client> {
    if let Some(client) = kept.get() {
        return Ok(client);
    }
    let client = how.build()?;
    Ok(kept.get_or_init(|| client))
}

/// The address, and whether it is on this machine; `None` for one at which anybody on the way could listen.
fn address(url: &str) -> Option<(Url, bool)> {
    let url = Url::parse(url).ok()?;
    let is_local = url.scheme() == "http" && url.host_str() == Some("127.0.0.1");
    (is_local || url.scheme() == "https").then_some((url, is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_posts_nothing_reads_no_certificates_and_one_that_posts_to_this_machine_neither() {
        let http = Http::default();
        assert!(http.any.get().is_none() && http.local.get().is_none());
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failed = http.post("post", &format!("http://{nobody}/x"), HeaderMap::new(), "{}".into()).await;
        assert_eq!(failed.unwrap_err().verdict, Verdict::Transient);
        assert!(http.any.get().is_none() && http.local.get().is_some());
    }

    #[test]
    fn a_client_that_cannot_be_built_now_is_built_later_and_kept() {
        let kept = OnceLock::new();
        let broken = || client().user_agent("\n");
        built(&kept, broken()).unwrap_err();
        built(&kept, client()).unwrap();
        built(&kept, broken()).unwrap();
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_encryption() {
        let allowed = |url| address(url).map(|(_, is_local)| is_local);
        assert_eq!(allowed("https://hooks.example.com/x"), Some(false));
        assert_eq!(allowed("http://127.0.0.1:8080/x"), Some(true));
        for refused in
            ["http://hooks.example.com/x", "http://127.0.0.1:80@example.com/", "ftp://127.0.0.1", "x"]
        {
            assert_eq!(allowed(refused), None, "{refused}");
        }
    }
}
