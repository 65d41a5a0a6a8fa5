//! A link that a test can spoil: a TCP proxy that delays, throttles, cuts and swallows.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the link is at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    /// Each chunk arrives so much later.
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
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if forecast.borrow().refuse {
                    continue;
                }
                let link = Link { forecast: forecast.clone(), cuts: cuts.clone() };
                tokio::spawn(link.carry(near, SocketAddr::from(([127, 0, 0, 1], target))));
            }
        });
        Self { port, weather, cut, runtime: Some(runtime) }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Changes the weather for connections old and new.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
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
}

impl Link {
    async fn carry(mut self, near: TcpStream, target: SocketAddr) {
        self.cuts.mark_unchanged();
        let Ok(far) = TcpStream::connect(target).await else { return };
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        let lost = |weather: &Weather| weather.swallow == Swallow::All;
        let there = pass(near_in, far_out, self.forecast.clone(), lost);
        let lost = |weather: &Weather| weather.swallow != Swallow::Nothing;
        let back = pass(far_in, near_out, self.forecast, lost);
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
) {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut chunk).await else { return };
        let weather = *forecast.borrow_and_update();
        if !weather.delay.is_zero() {
            tokio::time::sleep(weather.delay).await;
        }
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        if let Some(millis) = (bytes * 1000).checked_div(weather.rate) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        // What is swallowed is late, not lost: TCP would send it again as well.
        if forecast.wait_for(|weather| !lost(weather)).await.is_err() || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
