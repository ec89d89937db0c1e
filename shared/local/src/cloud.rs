//! The local cloud as a program starts and stops it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::faults::Faults;
use crate::{Clock, World, http};

/// A running cloud: a world, and the loopback port that speaks for it. Dropping it closes the port.
#[derive(Debug)]
pub struct LocalCloud {
    world: Arc<World>,
    address: SocketAddr,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl LocalCloud {
    /// Starts an empty cloud on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(clock: Clock, faults: Faults) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let world = World::new(clock, faults);
        let stop = CancellationToken::new();
        tokio::spawn(expire(Arc::clone(&world), stop.clone()));
        let server = tokio::spawn(http::serve(Arc::clone(&world), listener, stop.clone()));
        Ok(Self { world, address, stop, server: Some(server) })
    }

    /// What exists in the cloud.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The endpoint of every service: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes the port, lets calls in progress finish for a second, and returns when all is closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // A server that panicked is stopped as well.
            let _ = server.await;
        }
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Removes table items whose time to live is over: each ten simulated minutes, which AWS may take days for,
/// and not more often than a large table can bear.
async fn expire(world: Arc<World>, stop: CancellationToken) {
    let pause = world.clock.real_duration(Duration::from_mins(10)).max(Duration::from_secs(30));
    while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let world = Arc::clone(&world);
        // Its failure is the sweep's own; the next one tries again.
        let _ = tokio::task::spawn_blocking(move || world.dynamo.expire_items()).await;
    }
}
