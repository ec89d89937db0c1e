//! The HTTP face: one loopback port for all services.
//!
//! A request is read, its signature is checked, the caller and the operation are found, and the answer is
//! written in the dialect of the service. Which service that is says the credential scope, as on AWS.

mod answer;
mod protocol;
mod signature;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::World;
use crate::apigateway::{self, Input};
use crate::call::{Call, Refusal, Reply};
use crate::world::NO_ANSWER;
pub(crate) use signature::hex;
use signature::{Scope, SigningKeys};

/// More than the largest message, twice over for its JSON escapes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

/// How long connections may finish what they do once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// A request that is not authenticated yet. Header names are in lower case, repeated ones joined by commas.
struct Received {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Bytes,
}

/// Serves until `stop`; then lets calls in progress finish, for a second at most.
pub(crate) async fn serve(world: Arc<World>, listener: TcpListener, stop: CancellationToken) {
    let keys = Arc::new(SigningKeys::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&world), Arc::clone(&keys), stop.clone()));
                }
                // Out of file handles, or a client that has gone: neither ends the service.
                Err(error) => {
                    tracing::warn!(%error, "local cloud cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    // What is still running is a long poll; dropping the set closes its connection.
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

async fn converse(stream: TcpStream, world: Arc<World>, keys: Arc<SigningKeys>, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (world, keys) = (Arc::clone(&world), Arc::clone(&keys));
        async move { answer(&world, &keys, request).await }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection to the local cloud ended");
    }
}

/// The answer is missing on purpose; an error from the service makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("injected: no answer")]
struct NoAnswer;

async fn answer(
    world: &Arc<World>,
    keys: &SigningKeys,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let received = match receive(request).await {
        Ok(received) => received,
        Err(refusal) => return Ok(answer::refused(&world.clock, "", refusal)),
    };
    if let Some(path) = received.path.strip_prefix(apigateway::PREFIX) {
        return Ok(invoked(world, &received, path));
    }
    let (service, outcome) = match signature::verify(&world.iam, keys, &received) {
        Ok(scope) => {
            let service = scope.service.clone();
            (service, perform(world, scope, received).await)
        }
        Err(refusal) => (protocol::guess(&received).to_owned(), Err(refusal)),
    };
    match outcome {
        Ok(reply) => Ok(answer::replied(&world.clock, &service, reply)),
        Err(refusal) if refusal.code == NO_ANSWER => Err(NoAnswer),
        Err(refusal) => Ok(answer::refused(&world.clock, &service, refusal)),
    }
}

/// An API of the hub's own, which anybody may ask.
fn invoked(world: &World, received: &Received, path: &str) -> Response<Full<Bytes>> {
    let Received { method, query, headers, body, .. } = received;
    let (status, body) = world
        .apis
        .invoke(world, &apigateway::Request { method, path, input: Input { body, query, headers } });
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status.try_into().unwrap_or_default();
    response
}

async fn receive(request: Request<Incoming>) -> Result<Received, Refusal> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|error| {
        let code = if error.is::<http_body_util::LengthLimitError>() { 413 } else { 400 };
        Refusal::new(code, "RequestEntityTooLarge", format!("body is not readable: {error}"))
    })?;
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = headers.entry(name.as_str().to_owned());
        joined.and_modify(|text| *text = format!("{text},{value}")).or_insert_with(|| value.into_owned());
    }
    Ok(Received {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.to_bytes(),
    })
}

async fn perform(world: &Arc<World>, scope: Scope, received: Received) -> Result<Reply, Refusal> {
    let token = received.headers.get("x-amz-security-token").map(String::as_str);
    let principal = world.iam.authenticate(&scope.access_key, token)?;
    let operation = protocol::operation(&scope.service, &received)?;
    let call = Call {
        account: principal.account().to_owned(),
        principal,
        region: scope.region,
        service: scope.service,
        operation,
        method: received.method,
        path: received.path,
        query: received.query,
        headers: received.headers,
        body: received.body.into(),
    };
    world.perform(&call).await
}

#[cfg(test)]
mod tests;
