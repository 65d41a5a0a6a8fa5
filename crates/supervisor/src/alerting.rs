//! Everything for a user who is not at the screen: routes of alerts, and the services behind them, which a new configuration
//! replaces while the rest runs on.

use super::decisions::Decisions;
use super::services::{Change, Services};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tmuxagent_alerts::config::{ChannelConfig, Settings, Surroundings as Place};
use tmuxagent_alerts::delivery::Delivery;
use tmuxagent_alerts::route::{Moment, plan};
use tmuxagent_clock::Clock;
use tmuxagent_config::{Environment, Loaded, QuietHours, Secret, ServeConfig};
use tmuxagent_ipc::hub::Hub;
use tmuxagent_metrics::Followed;
use tmuxagent_model::{Alert, IntentId, Millis, Timestamp};
use tmuxagent_store::NewMessage;
use tmuxagent_text::Lang;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the last key press in any tmux client is looked up, where a route asks for it.
const PRESENCE: Duration = Duration::from_secs(20);

/// Decides which channels an alert goes to.
pub type Router = Arc<dyn Fn(&IntentId, &Alert, Timestamp) -> Vec<NewMessage> + Send + Sync>;

/// What stays as it is whatever the configuration says.
#[derive(Clone)]
pub struct Ground {
    /// The supervisor, as surfaces see it.
    pub decisions: Arc<Decisions>,
    /// It, as views see it.
    pub hub: Hub,
    /// What happened since the start, counted.
    pub followed: Followed,
    /// The time.
    pub clock: Clock,
    /// The language of messages, pages and request files.
    pub lang: Lang,
}

/// The delivery that runs now; none while one configuration gives way to the next.
pub type Current = Arc<Mutex<Option<Arc<Delivery>>>>;

/// What is wired together.
pub struct Alerting {
    router: Router,
    current: Current,
    ground: Ground,
    wanted: Wanted,
    changes: mpsc::UnboundedSender<Change>,
}

/// What of a configuration the services depend on.
#[derive(PartialEq)]
struct Wanted {
    settings: Settings,
    serve: Option<ServeConfig>,
    undo: Millis,
    metrics: Option<SocketAddr>,
    secret: Option<Secret>,
    quiet: Option<QuietHours>,
    approvals: PathBuf,
    environment: Environment,
    tmux: Vec<String>,
    /// When the key of the links was changed last.
    key: Option<SystemTime>,
}

impl Wanted {
    fn of(loaded: &Loaded, settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            serve: loaded.config.serve.clone(),
            undo: loaded.config.undo,
            metrics: loaded.config.metrics,
            secret: loaded.config.approval_secret.clone(),
            quiet: loaded.config.quiet_hours,
            approvals: loaded.paths.approvals.clone(),
            environment: loaded.environment.clone(),
            tmux: local_tmux(loaded),
            key: std::fs::metadata(loaded.paths.link_key()).and_then(|file| file.modified()).ok(),
        }
    }
}

impl Alerting {
    /// Begins to serve files, links and channels. What can't be set up is shown, and the rest goes on.
    pub async fn begin(loaded: Loaded, settings: Settings, ground: Ground) -> Self {
        let (change, router) = prepare(&loaded, &settings, ground.clock);
        let current = Current::default();
        let services = Services::begin(change, &ground, &current).await;
        let wanted = Wanted::of(&loaded, &settings);
        let (changes, incoming) = mpsc::unbounded_channel();
        tokio::spawn(keep(services, incoming, ground.clone(), Arc::clone(&current)));
        Self { router, current, ground, wanted, changes }
    }

    /// Goes over to another configuration, where it says something else; what is under way ends first. Whether it does.
    pub fn change(&mut self, loaded: &Loaded, settings: Settings) -> bool {
        let wanted = Wanted::of(loaded, &settings);
        if wanted == self.wanted {
            return false;
        }
        let (change, router) = prepare(loaded, &settings, self.ground.clock);
        (self.router, self.wanted) = (router, wanted);
        // The keeper lives as long as this does.
        let _ = self.changes.send(change);
        true
    }

    /// The channels that there are now.
    pub const fn channels(&self) -> &BTreeMap<String, ChannelConfig> {
        &self.wanted.settings.channels
    }

    /// Where alerts go.
    pub fn router(&self) -> Router {
        Arc::clone(&self.router)
    }

    /// These channels took a message that another process sent.
    pub fn works(&self, channels: Vec<String>) {
        if let Some(delivery) = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            tokio::spawn(async move {
                for name in channels {
                    delivery.works(&name).await;
                }
            });
        }
    }

    /// The outbox may have something new, or a question was closed.
    pub fn wake(&self) {
        if let Some(delivery) = self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            delivery.wake();
        }
    }
}

/// Keeps the services of the newest configuration; the old ones end before the new ones begin, since both may want one
/// port, one robot's connection or one folder.
async fn keep(mut services: Services, mut changes: mpsc::UnboundedReceiver<Change>, ground: Ground, current: Current) {
    while let Some(mut change) = changes.recv().await {
        while let Ok(newer) = changes.try_recv() {
            change = newer;
        }
        current.lock().unwrap_or_else(PoisonError::into_inner).take();
        services.end().await;
        services = Services::begin(change, &ground, &current).await;
    }
}

fn prepare(loaded: &Loaded, settings: &Settings, clock: Clock) -> (Change, Router) {
    let stop = CancellationToken::new();
    let presence = watch_presence(loaded, settings, stop.clone());
    let moment: Arc<dyn Fn() -> Moment + Send + Sync> = Arc::new(move || moment(clock, &presence));
    let router = router(settings.clone(), loaded.config.quiet_hours, Arc::clone(&moment));
    (Change { loaded: loaded.clone(), settings: settings.clone(), moment, stop }, router)
}

fn router(settings: Settings, quiet: Option<QuietHours>, moment: Arc<dyn Fn() -> Moment + Send + Sync>) -> Router {
    Arc::new(move |intent, alert, _| {
        let planned = plan(alert, intent.as_str(), &settings.routing, quiet, moment());
        planned
            .into_iter()
            .map(|message| NewMessage {
                channel: message.channel,
                key: message.key,
                alert: alert.clone(),
                not_before: message.not_before,
            })
            .collect()
    })
}

fn moment(clock: Clock, presence: &AtomicI64) -> Moment {
    let now = clock.now();
    let zoned = jiff::Timestamp::from_millisecond(now.0).map(|at| at.to_zoned(jiff::tz::TimeZone::system()));
    let minute = zoned.map_or(0, |at| i32::from(at.hour()) * 60 + i32::from(at.minute()));
    let seen = presence.load(Ordering::Relaxed);
    Moment { now, minute: u16::try_from(minute).unwrap_or(0), last_activity: (seen > 0).then_some(Timestamp(seen)) }
}

/// Looks up the last key press in any client of this machine's server, only where a route depends on it.
fn watch_presence(loaded: &Loaded, settings: &Settings, stop: CancellationToken) -> Arc<AtomicI64> {
    let seen = Arc::new(AtomicI64::new(0));
    let asked = settings.routing.routes.iter().any(|route| route.when == tmuxagent_alerts::config::When::Away);
    if asked {
        let (argv, seen) = (local_tmux(loaded), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                seen.store(last_key(&argv).await.unwrap_or(0), Ordering::Relaxed);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(PRESENCE) => {}
                }
            }
        });
    }
    seen
}

/// `#{client_activity}` of the clients with a terminal, in milliseconds; control clients are programs.
async fn last_key(argv: &[String]) -> Option<i64> {
    let (program, arguments) = argv.split_first()?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).args(["list-clients", "-F", "#{client_control_mode} #{client_activity}"]);
    let output = command.stdin(std::process::Stdio::null()).output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = text.lines().filter_map(|line| line.strip_prefix("0 ")?.trim().parse::<i64>().ok());
    seconds.max().map(|seconds| seconds.saturating_mul(1000))
}

fn local_tmux(loaded: &Loaded) -> Vec<String> {
    Place::of(loaded, Lang::default()).tmux
}
