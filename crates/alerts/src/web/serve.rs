//! The listening socket: one request per connection, each step of which ends in time, within a fixed number of places.
//!
//! **Invariant:** at no instant are more sockets open than there are places, and one more that is being looked at. The
//! server never takes a descriptor that a pane, the store or a command needs.

use super::caller::is_proxy;
use super::places::{Places, Seat};
use super::router::router;
use super::state::WebState;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long the head of a request may take to come.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may last, its answer included. A body has a deadline of its own.
const WHOLE: Duration = Duration::from_secs(60);
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// How often it is looked whether refused requests are to be summed up.
const TELLS: Duration = Duration::from_secs(60);
/// How long those who are being answered may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// A running server; dropping it ends it.
pub struct Server {
    /// Where it listens; the real port when 0 was asked for.
    pub address: SocketAddr,
    running: AbortOnDropHandle<()>,
}

impl Server {
    /// Waits until the server has ended after its token was cancelled.
    ///
    /// # Errors
    /// What ended it, if that was not the token.
    pub async fn ended(self) -> io::Result<()> {
        self.running.await.map_err(io::Error::other)
    }
}

/// Listens at `bind` and serves the links' pages, and those `beside` them, until `stop` is cancelled, with at most `places`
/// connections at a time.
///
/// # Errors
/// When the address can't be listened at: taken, or not of this machine.
pub async fn serve(
    bind: SocketAddr,
    state: Arc<WebState>,
    beside: axum::Router,
    places: usize,
    stop: CancellationToken,
) -> io::Result<Server> {
    let listener = TcpListener::bind(bind).await?;
    let address = listener.local_addr()?;
    let running = tokio::spawn(run(listener, state, beside, places.max(1), stop));
    Ok(Server { address, running: AbortOnDropHandle::new(running) })
}

async fn run(listener: TcpListener, state: Arc<WebState>, beside: axum::Router, most: usize, stop: CancellationToken) {
    let service = TowerToHyperService::new(router(Arc::clone(&state), beside));
    let (places, room) = (Places::new(most), Arc::new(Semaphore::new(most + 1)));
    let mut connections = JoinSet::new();
    let mut hourly = tokio::time::interval(TELLS);
    loop {
        // Held until the socket is closed: a place is free earlier, as soon as its holder was told to go.
        let next = async { (Arc::clone(&room).acquire_owned().await, listener.accept().await) };
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
            _ = hourly.tick() => {
                state.tell_counted(false);
                continue;
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                // A proxy asks for many.
                let holder = Some(peer.ip()).filter(|address| !is_proxy(*address, state.proxies()));
                // With genuine links answered on all, who comes now is sent away.
                let Some(seat) = places.take(holder) else { continue };
                let (service, stop) = (service.clone(), stop.clone());
                connections.spawn(async move {
                    attend(stream, peer, seat, service, stop).await;
                    drop(permit);
                });
            }
            // Out of descriptors, or the caller is gone already.
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection of the web server");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // The port is free at once. A phone that keeps its connection open does not keep us.
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    state.tell_counted(true);
}

/// Serves one connection: one request, one answer.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    seat: Seat,
    service: TowerToHyperService<axum::Router>,
    stop: CancellationToken,
) {
    let cut = seat.cut();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(seat.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        // A phone asks twice for one question; waiting connections would only take places.
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How it ended is the caller's affair.
        _ = connection.as_mut() => {}
        () = cut.cancelled() => {}
        () = tokio::time::sleep(WHOLE) => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
