//! A link that a test can spoil: a TCP proxy that delays, throttles, cuts and swallows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// How the link is at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// Everything arrives so much later.
    pub delay: Duration,
    /// Bytes a second in each direction; 0: no limit.
    pub rate: u64,
    /// What arrives no more, without anybody being told.
    pub swallow: Swallow,
    /// Connections are cut as soon as they are made.
    pub refuse: bool,
}

/// Which direction is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Swallow {
    /// None.
    #[default]
    Nothing,
    /// What comes back from the host.
    Answers,
    /// Everything.
    All,
}

/// A running proxy; its connections end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    weather: watch::Sender<Weather>,
    /// Raised to cut everything that is connected.
    cut: watch::Sender<u64>,
    /// The bytes on their way to the target that were swallowed, all connections together.
    swallowed: Arc<AtomicU64>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Proxy {
    /// Listens on a port of its own and leads to `target`.
    pub fn to(target: u16) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (weather, forecast) = watch::channel(Weather::default());
        let (cut, cuts) = watch::channel(0);
        let swallowed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&swallowed);
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if forecast.borrow().refuse {
                    continue;
                }
                let swallowed = Arc::clone(&counted);
                let link = Link { forecast: forecast.clone(), cuts: cuts.clone(), swallowed };
                tokio::spawn(link.carry(near, SocketAddr::from(([127, 0, 0, 1], target))));
            }
        });
        Self { port, weather, cut, swallowed, runtime: Some(runtime) }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather for connections old and new.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// How many bytes on their way to the target were swallowed so far.
    pub fn swallowed(&self) -> u64 {
        self.swallowed.load(Ordering::SeqCst)
    }

    /// Cuts what is connected now.
    pub fn cut(&self) {
        self.cut.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Link {
    forecast: watch::Receiver<Weather>,
    cuts: watch::Receiver<u64>,
    swallowed: Arc<AtomicU64>,
}

impl Link {
    async fn carry(mut self, near: TcpStream, target: SocketAddr) {
        self.cuts.mark_unchanged();
        let Ok(far) = TcpStream::connect(target).await else { return };
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        let lost = |weather: &Weather| weather.swallow == Swallow::All;
        let there = pass(near_in, far_out, self.forecast.clone(), lost, &self.swallowed);
        let lost = |weather: &Weather| weather.swallow != Swallow::Nothing;
        // Nobody asks for those that come back.
        let unasked = AtomicU64::new(0);
        let back = pass(far_in, near_out, self.forecast, lost, &unasked);
        // Whatever ends first ends the connection: both halves are dropped.
        tokio::select! {
            () = there => {}
            () = back => {}
            _ = self.cuts.changed() => {}
        }
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut forecast: watch::Receiver<Weather>,
    lost: fn(&Weather) -> bool,
    swallowed: &AtomicU64,
) {
    // What is on the way.
    let (road, mut end) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let weather = forecast.clone();
    let depart = async move {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            let due = Instant::now() + weather.borrow().delay;
            if road.send((due, chunk[..read].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let arrive = async move {
        while let Some((due, bytes)) = end.recv().await {
            sleep_until(due).await;
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let rate = forecast.borrow_and_update().rate;
            if let Some(millis) = (length * 1000).checked_div(rate) {
                sleep(Duration::from_millis(millis)).await;
            }
            if lost(&forecast.borrow()) {
                swallowed.fetch_add(length, Ordering::SeqCst);
            }
            // What is swallowed is late, not lost: TCP would send it again as well.
            if forecast.wait_for(|weather| !lost(weather)).await.is_err() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(depart, arrive);
}
