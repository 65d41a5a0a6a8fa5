//! The listening socket.

use super::router::{WebState, router};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// A running server; dropping it ends it.
pub struct Server {
    /// Where it listens; the real port when 0 was asked for.
    pub address: SocketAddr,
    running: AbortOnDropHandle<io::Result<()>>,
}

impl Server {
    /// Waits until the server has ended after its token was cancelled.
    ///
    /// # Errors
    /// What ended it, if that was not the token.
    pub async fn ended(self) -> io::Result<()> {
        self.running.await.map_err(io::Error::other)?
    }
}

/// Listens at `bind` and serves until `stop` is cancelled.
///
/// # Errors
/// When the address can't be listened at: taken, or not of this machine.
pub async fn serve(bind: SocketAddr, state: Arc<WebState>, stop: CancellationToken) -> io::Result<Server> {
    let listener = TcpListener::bind(bind).await?;
    let address = listener.local_addr()?;
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let running = tokio::spawn(async move {
        let stopped = stop.clone();
        let serving = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await });
        tokio::select! {
            ended = serving => ended,
            // A phone that keeps its connection open does not keep us.
            () = async { stopped.cancelled().await; tokio::time::sleep(std::time::Duration::from_secs(2)).await } => Ok(()),
        }
    });
    Ok(Server { address, running: AbortOnDropHandle::new(running) })
}
