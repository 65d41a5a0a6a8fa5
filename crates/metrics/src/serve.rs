//! Where metrics are fetched: one address, one path, few connections, each of which ends soon.

use super::exposition::{Stored, exposition};
use super::tally::Followed;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tmuxagent_ipc::hub::Hub;
use tmuxagent_store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Connections at a time; who comes then waits.
const MOST: usize = 4;
/// How long a request's head may take to come, and a connection may last.
const HEAD: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is told.
pub struct Metrics {
    /// The supervisor, as views see it.
    pub hub: Hub,
    /// What happened.
    pub followed: Followed,
    /// What is kept.
    pub store: Store,
    /// The file of recordings.
    pub recordings: PathBuf,
}

/// A running server; dropping it ends it.
pub struct Server {
    /// Where it listens; the real port when 0 was asked for.
    pub address: SocketAddr,
    running: AbortOnDropHandle<()>,
}

impl Server {
    /// Waits until the server has ended after its token was cancelled.
    pub async fn ended(self) {
        // How it ended does not matter: its port is free.
        let _ = self.running.await;
    }
}

/// Listens at `address` until `stop` is cancelled.
///
/// # Errors
/// When the address can't be listened at: taken, or not of this machine.
pub async fn serve(address: SocketAddr, metrics: Arc<Metrics>, stop: CancellationToken) -> io::Result<Server> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let running = tokio::spawn(async move {
        stop.run_until_cancelled(accept(listener, address, metrics)).await;
    });
    Ok(Server { address, running: AbortOnDropHandle::new(running) })
}

async fn accept(listener: TcpListener, address: SocketAddr, metrics: Arc<Metrics>) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = Arc::clone(&metrics);
                tokio::spawn(async move {
                    // How it ended is the caller's affair.
                    let _ = tokio::time::timeout(WHOLE, attend(stream, address, &metrics)).await;
                    drop(permit);
                });
            }
            // Out of descriptors, or the caller is gone already.
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection of the metrics");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn attend(stream: TcpStream, address: SocketAddr, metrics: &Metrics) -> hyper::Result<()> {
    let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request, address, metrics).await) });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(request: &Request<Incoming>, address: SocketAddr, metrics: &Metrics) -> Response<String> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (status, kind, text) = match (request.uri().path(), request.method()) {
        // A page of a stranger's domain, whose name he lets point here, reads nothing (DNS rebinding).
        _ if address.ip().is_loopback() && !is_here(host) => {
            (StatusCode::MISDIRECTED_REQUEST, "text/plain", String::new())
        }
        ("/metrics", &Method::GET | &Method::HEAD) => (StatusCode::OK, FORMAT, metrics.text().await),
        ("/metrics", _) => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", String::new()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "/metrics\n".to_owned()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// Whether a `Host` is this machine or an address in digits, to which no name leads.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((six, _)) => six,
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

impl Metrics {
    async fn text(&self) -> String {
        let messages = match self.store.read(|reader| reader.outbox_counts()).await {
            Ok(messages) => messages,
            // The screen says what is wrong with the database; the rest is told.
            Err(error) => {
                tracing::warn!(%error, "the kept messages can't be counted");
                Vec::new()
            }
        };
        let (database, recordings) = (size(self.store.path()), size(&self.recordings));
        let snapshot = Arc::clone(&self.hub.snapshots.borrow());
        let stored = Stored { database, recordings, messages };
        exposition(&snapshot, self.hub.clock.now(), &self.followed.now(), &stored)
    }
}

/// Bytes of a database with its log.
fn size(file: &Path) -> u64 {
    let log = PathBuf::from(format!("{}-wal", file.display()));
    [file, &log].iter().filter_map(|file| std::fs::metadata(file).ok()).map(|found| found.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_ipc::seats::Seats;
    use tmuxagent_ipc::wire::Reply;
    use tmuxagent_model::Timestamp;
    use tmuxagent_tui::sample::Sample;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::{broadcast, mpsc, watch};

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn it_is_fetched_from_this_machine_by_its_own_names() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("state.db"), Timestamp(0)).unwrap();
        let hub = Hub {
            calls: mpsc::channel(1).0,
            snapshots: watch::channel(Arc::new(Sample::busy().build())).1,
            clock: tmuxagent_clock::Clock::start(Timestamp(0)),
            screens: broadcast::channel(1).0,
            events: broadcast::channel(1).0,
            hello: watch::channel(Arc::new(Reply::Done)).1,
            user: "root".into(),
            closing: watch::channel(None).1,
            connections: Arc::default(),
            seats: Seats::default(),
        };
        let followed = super::super::follow(&hub);
        let metrics = Metrics { hub, followed, store, recordings: folder.path().join("none") };
        let stop = CancellationToken::new();
        let server = serve("127.0.0.1:0".parse().unwrap(), Arc::new(metrics), stop.clone()).await.unwrap();
        let told = ask(server.address, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(told.starts_with("HTTP/1.1 200") && told.contains("version=0.0.4"), "{told}");
        assert!(told.contains("tmuxagent_panes{state=\"needs_approval\"} 1"), "{told}");
        assert!(!told.contains("tmuxagent_database_bytes 0\n"), "{told}");
        for (request, status) in [
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
            ("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1:9108\r\nContent-Length: 0\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\nHost: [::1]:9108\r\n\r\n", "404"),
        ] {
            let told = ask(server.address, request).await;
            assert!(told.starts_with(&format!("HTTP/1.1 {status}")), "{told}");
        }
        stop.cancel();
        server.ended().await;
    }
}
