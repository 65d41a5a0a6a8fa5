//! Everything for a user who is not at the desk: request files, alerts on their way, signed links.

use super::approval_files::{self, ApprovalFiles, FileNews};
use super::desk::Desk;
use super::dispatch::Fact;
use super::perform::Router;
use super::start::Facts;
use crate::clock::Clock;
use crate::config::{Loaded, QuietHours, TmuxSocket};
use crate::model::{Approval, Decider, Snapshot, Timestamp, Via};
use crate::notify::config::{Settings, Surroundings as Place, build};
use crate::notify::decide::Decide;
use crate::notify::outbox::{Delivery, Mint, Surroundings};
use crate::notify::redact::Redactor;
use crate::notify::route::{Moment, plan};
use crate::notify::words::Lang;
use crate::store::NewMessage;
use crate::web::{FileBook, Links, Server, WebState, load_or_create, serve};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How often the last key press in any tmux client is looked up, where a route asks for it.
const PRESENCE: Duration = Duration::from_secs(20);

/// What is wired together.
pub struct Away {
    /// Where alerts go.
    pub router: Router,
    delivery: Arc<Delivery>,
    _server: Option<Server>,
    _stop: DropGuard,
}

impl Away {
    /// The outbox may have something new, or a question was closed.
    pub fn wake(&self) {
        self.delivery.wake();
    }
}

/// Begins to serve files, links and channels. What can't be set up is shown, and the rest goes on.
pub async fn begin(loaded: &Loaded, settings: Settings, desk: Arc<Desk>, clock: Clock, lang: Lang) -> Away {
    let stop = CancellationToken::new();
    let facts = desk.facts.clone();
    let redactor = Redactor::default();
    let presence = watch_presence(loaded, &settings, stop.clone());
    let quiet = loaded.config.quiet_hours;
    let moment = Arc::new(move || moment(clock, &presence));
    serve_files(loaded, &desk, lang, redactor.clone(), stop.clone()).await;
    let links = links(loaded, &facts).await;
    let server = match &links {
        Some(links) => serve_links(loaded, links, &desk, redactor.clone(), clock, stop.clone()).await,
        None => None,
    };
    let place = Place {
        state_dir: loaded.paths.state_dir.clone(),
        tmux: local_tmux(loaded),
        lang,
        environment: loaded.environment.clone(),
    };
    let mut channels = BTreeMap::new();
    for (name, config) in &settings.channels {
        match build(config, &place) {
            Ok(channel) => drop(channels.insert(name.clone(), channel)),
            Err(error) => problem(&facts, &format!("channel {name}"), Some(error.to_string())).await,
        }
    }
    let around = Surroundings {
        desk: Arc::clone(&desk) as Arc<dyn Decide>,
        mint: mint(links, clock),
        moment: moment.clone(),
        trouble: trouble(facts),
        redactor,
        lang,
    };
    let delivery = Delivery::new(desk.store.clone(), channels, settings.routing.clone(), around);
    tokio::spawn(Arc::clone(&delivery).run(stop.clone()));
    let router = router(settings, quiet, moment);
    Away { router, delivery, _server: server, _stop: stop.drop_guard() }
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

/// Reports of the delivery become problems on the screen. Called from its loops, so it may not wait.
fn trouble(facts: Facts) -> crate::notify::outbox::Trouble {
    Arc::new(move |channel: &str, text: Option<String>| {
        let (facts, part) = (facts.clone(), format!("channel {channel}"));
        tokio::spawn(async move { problem(&facts, &part, text).await });
    })
}

async fn problem(facts: &Facts, part: &str, text: Option<String>) {
    // A supervisor that ends shows nothing any more.
    let _ = facts.send(Fact::Problem(part.to_owned(), text)).await;
}

fn mint(links: Option<Links>, clock: Clock) -> Mint {
    Arc::new(move |approval: Approval| {
        let links = links.clone();
        Box::pin(async move { links?.mint(&approval, clock.now()).await.ok() })
    })
}

/// Keeps a request file for each open approval, and takes what people write into them.
async fn serve_files(loaded: &Loaded, desk: &Arc<Desk>, lang: Lang, redactor: Redactor, stop: CancellationToken) {
    let files = match ApprovalFiles::open(&loaded.paths.approvals, lang, redactor) {
        Ok(files) => files,
        Err(error) => return problem(&desk.facts, "approval files", Some(error.to_string())).await,
    };
    let (open_in, open) = watch::channel(Vec::new());
    let mut snapshots = desk.snapshots.clone();
    tokio::spawn(async move {
        while snapshots.changed().await.is_ok() {
            let pending = pending(&snapshots.borrow_and_update());
            open_in.send_if_modified(|known| std::mem::replace(known, pending.clone()) != pending);
        }
    });
    let (news_in, mut news) = mpsc::channel(32);
    let (answers, answers_out) = mpsc::channel(32);
    tokio::spawn(approval_files::run(files, open, news_in, answers_out, stop));
    let desk = Arc::clone(desk);
    tokio::spawn(async move {
        while let Some(item) = news.recv().await {
            match item {
                FileNews::Decided { approval, revision, verdict } => {
                    // The folder lets only its owner write, who is the user of this process.
                    let by = Decider { who: desk.user.to_string(), via: Via::File };
                    if let Err(refusal) = desk.decide(&approval, revision, verdict, by).await {
                        desk.report(format!("a decision by file for {approval} was not taken: {refusal}"));
                        // The file may be gone with its approval.
                        let _ = answers.send((approval, refusal.sentence(lang))).await;
                    }
                }
                FileNews::Refused(text) => desk.report(text),
            }
        }
    });
}

fn pending(snapshot: &Snapshot) -> Vec<Approval> {
    let open = |approval: &&Approval| approval.state == crate::model::ApprovalState::Pending;
    snapshot.approvals.iter().filter(open).cloned().collect()
}

async fn links(loaded: &Loaded, facts: &Facts) -> Option<Links> {
    let config = loaded.config.serve.as_ref()?;
    let file = loaded.paths.state_dir.join("link-key");
    let secret = loaded.config.approval_secret.as_ref().map(|secret| secret.expose().to_owned());
    match load_or_create(&file, secret.as_deref()).await {
        Ok(ring) => Some(Links {
            ring,
            book: Arc::new(FileBook::new(loaded.paths.state_dir.join("links.json"))),
            public_base_url: config.public_base_url.clone(),
        }),
        Err(error) => {
            problem(facts, "signed links", Some(format!("no key for signed links: {error}"))).await;
            None
        }
    }
}

async fn serve_links(
    loaded: &Loaded,
    links: &Links,
    desk: &Arc<Desk>,
    redactor: Redactor,
    clock: Clock,
    stop: CancellationToken,
) -> Option<Server> {
    let config = loaded.config.serve.as_ref()?;
    let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || clock.now());
    let state = WebState::new(links, Arc::clone(desk) as Arc<dyn Decide>, config.pin.clone(), redactor, now);
    match serve(config.bind, Arc::new(state), stop).await {
        Ok(server) => Some(server),
        Err(error) => {
            let text = format!("can't listen on {}: {error}; set `serve.bind` to a free address", config.bind);
            problem(&desk.facts, "web server", Some(text)).await;
            None
        }
    }
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
    let asked = settings.routing.routes.iter().any(|route| route.when == crate::notify::config::When::Away);
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
    let local = loaded.config.hosts.iter().find(|host| host.ssh.is_none());
    let bin = local.map_or_else(|| "tmux".to_owned(), |host| host.tmux.bin.clone());
    let socket = local.map_or_else(TmuxSocket::default, |host| host.tmux.socket.clone());
    let mut argv = vec![bin];
    argv.extend(socket.arguments());
    argv
}
