//! The services of one configuration for a user who is away: request files, signed links, channels.

use super::alerting::{Current, Ground};
use super::approval_files::ApprovalFiles;
use super::approval_watch::Desktop;
use super::decisions::Decisions;
use super::descriptors;
use super::dispatch::Fact;
use super::start::Facts;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tmuxagent_alerts::channel::Channel;
use tmuxagent_alerts::config::{Settings, Surroundings as Place, build};
use tmuxagent_alerts::decide::Decide;
use tmuxagent_alerts::delivery::{Delivery, Mint, Surroundings};
use tmuxagent_alerts::http::ProxyChoice;
use tmuxagent_alerts::manual;
use tmuxagent_alerts::route::Moment;
use tmuxagent_alerts::token::Recipient;
use tmuxagent_alerts::web::{FileBook, Links, Rules, Server, WebState, load_or_create, serve};
use tmuxagent_clock::Clock;
use tmuxagent_config::Loaded;
use tmuxagent_metrics::Metrics;
use tmuxagent_model::{Approval, Decider, Snapshot, Timestamp, Trouble, Via};
use tmuxagent_panel::people::People;
use tmuxagent_panel::push::Push;
use tmuxagent_panel::{Letter, Panel, PanelState, Post, Routes, routes};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// How long what is under way may take to end before the next configuration begins without waiting for it.
const END: Duration = Duration::from_secs(4);

/// A configuration to be gone over to.
pub struct Change {
    pub(super) loaded: Loaded,
    pub(super) settings: Settings,
    /// This moment, for routes.
    pub(super) moment: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// Ends everything of it.
    pub(super) stop: CancellationToken,
}

/// See the module. Ends when dropped.
pub struct Services {
    server: Option<Server>,
    running: TaskTracker,
    stop: DropGuard,
}

/// The pause before an address that is taken is tried again.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

impl Services {
    /// Begins to serve. What can't be set up is shown, and the rest goes on.
    pub(super) async fn begin(change: Change, ground: &Ground, current: &Current) -> Self {
        let Change { loaded, settings, moment, stop } = change;
        let Ground { decisions, clock, lang, .. } = ground.clone();
        let (facts, running) = (decisions.facts.clone(), TaskTracker::new());
        let redactor = settings.redactor(&loaded);
        serve_files(&loaded, ground, redactor.clone(), &stop, &running).await;
        let links = links(&loaded, &facts, clock.now()).await;
        let place = Place::of(&loaded, lang);
        let (mut channels, mut off) = (BTreeMap::new(), BTreeMap::new());
        let setups = setups(&settings, &loaded);
        for (name, config) in &settings.channels {
            match build(config, &place) {
                Ok(channel) => drop(channels.insert(name.clone(), channel)),
                Err(error) => {
                    problem(&facts, &format!("channel {name}"), Some(error.to_string().into())).await;
                    off.insert(name.clone(), error.to_string());
                }
            }
        }
        let server = match &links {
            Some(links) => {
                let post = post(&loaded, &settings, channels.clone(), ground, redactor.clone());
                let web = Web { links, redactor: redactor.clone(), post };
                serve_links(&loaded, web, ground, &stop, &running).await
            }
            None => None,
        };
        serve_metrics(&loaded, ground, &stop, &running).await;
        let around = Surroundings {
            decisions: Arc::clone(&decisions) as Arc<dyn Decide>,
            mint: mint(links, readers(&settings), clock),
            readers: readers(&settings),
            moment,
            trouble: trouble(facts),
            redactor,
            lang,
            off,
            setups,
        };
        let delivery = Delivery::new(decisions.store.clone(), channels, settings.routing, around);
        running.spawn(Arc::clone(&delivery).run(stop.clone()));
        running.spawn(wake_when_decided(decisions, Arc::clone(&delivery), stop.clone()));
        *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(delivery);
        Self { server, running, stop: stop.drop_guard() }
    }

    /// Ends, after what is under way.
    pub(super) async fn end(self) {
        let Self { server, running, stop } = self;
        drop(stop);
        running.close();
        let ended = async {
            running.wait().await;
            if let Some(server) = server {
                // How it ended does not matter: its port is free.
                let _ = server.ended().await;
            }
        };
        // What does not end in time has been told to, and begins nothing new.
        let _ = tokio::time::timeout(END, ended).await;
    }
}

/// Reminders of a question end with it.
async fn wake_when_decided(decisions: Arc<Decisions>, delivery: Arc<Delivery>, stop: CancellationToken) {
    let mut snapshots = decisions.snapshots.clone();
    let mut open = BTreeSet::new();
    while let Some(Ok(())) = stop.run_until_cancelled(snapshots.changed()).await {
        let now: BTreeSet<_> =
            pending(&snapshots.borrow_and_update()).into_iter().map(|approval| approval.id).collect();
        if now != open {
            open = now;
            delivery.wake();
        }
    }
}

/// Reports of the delivery become problems on the screen. Called from its loops, so it may not wait.
fn trouble(facts: Facts) -> tmuxagent_alerts::delivery::Trouble {
    Arc::new(move |channel: &str, text: Option<String>| {
        let (facts, part) = (facts.clone(), format!("channel {channel}"));
        tokio::spawn(async move { problem(&facts, &part, text.map(Trouble::from)).await });
    })
}

async fn problem(facts: &Facts, part: &str, text: Option<Trouble>) {
    // A supervisor that ends shows nothing any more.
    let _ = facts.send(Fact::Problem(part.to_owned(), text)).await;
}

/// Who reads each channel, as far as the configuration says.
fn readers(settings: &Settings) -> BTreeMap<String, String> {
    settings.channels.iter().map(|(name, channel)| (name.clone(), channel.person.clone())).collect()
}

/// What stands for each channel's configuration, without telling it to who reads the database.
fn setups(settings: &Settings, loaded: &Loaded) -> BTreeMap<String, String> {
    // The start has read it. Without it a mended channel may be taken for the same.
    let secret = super::identities::of(&loaded.paths.state_dir).unwrap_or_default();
    let key: Vec<u8> = secret.iter().flat_map(|half| half.to_be_bytes()).collect();
    settings.channels.iter().map(|(name, channel)| (name.clone(), channel.setup(&key))).collect()
}

fn mint(links: Option<Links>, readers: BTreeMap<String, String>, clock: Clock) -> Mint {
    Arc::new(move |approval: Approval, channel: String| {
        let (links, person) = (links.clone(), readers.get(&channel).cloned().unwrap_or_default());
        Box::pin(async move { links?.mint(&approval, Recipient { channel, person }, clock.now()).await.ok() })
    })
}

/// Keeps a request file for each open approval, and takes what people write into them.
async fn serve_files(
    loaded: &Loaded,
    ground: &Ground,
    redactor: Redactor,
    stop: &CancellationToken,
    running: &TaskTracker,
) {
    let (decisions, lang) = (Arc::clone(&ground.decisions), ground.lang);
    let files = match ApprovalFiles::open(&loaded.paths.approvals, lang, redactor) {
        Ok(files) => files.decided_by(&decisions.user),
        Err(error) => return problem(&decisions.facts, "approval files", Some(error.to_string().into())).await,
    };
    // The folder lets only its owner write, who is the user of this process.
    let by = Decider::named(decisions.user.to_string(), Via::File);
    let mut snapshots = decisions.snapshots.clone();
    let desktop = Desktop::new(files, decisions as Arc<dyn Decide>, by, lang);
    let (stop, follow) = (stop.clone(), running.clone());
    running.spawn(async move {
        // Before the first picture nobody knows what is open, and a word in a file would count as late.
        let first = snapshots.wait_for(|snapshot| snapshot.generation > 0);
        let Some(first) = stop.run_until_cancelled(first).await.and_then(Result::ok).map(|shown| pending(&shown))
        else {
            return;
        };
        let (open_in, open) = watch::channel(first);
        follow.spawn(desktop.run(open, stop.clone()));
        while let Some(Ok(())) = stop.run_until_cancelled(snapshots.changed()).await {
            let pending = pending(&snapshots.borrow_and_update());
            open_in.send_if_modified(|known| std::mem::replace(known, pending.clone()) != pending);
        }
    });
}

fn pending(snapshot: &Snapshot) -> Vec<Approval> {
    let open = |approval: &&Approval| approval.state == tmuxagent_model::ApprovalState::Pending;
    snapshot.approvals.iter().filter(open).cloned().collect()
}

async fn links(loaded: &Loaded, facts: &Facts, now: Timestamp) -> Option<Links> {
    let config = loaded.config.serve.as_ref()?;
    let file = loaded.paths.link_key();
    let secret = loaded.config.approval_secret.as_ref().map(|secret| secret.expose().to_owned());
    match load_or_create(&file, secret.as_deref(), now).await {
        Ok(ring) => Some(Links {
            ring,
            book: Arc::new(FileBook::new(loaded.paths.state_dir.join("links.json"))),
            public_base_url: config.public_base_url.clone(),
        }),
        Err(error) => {
            problem(facts, "signed links", Some(Trouble::NoLinkKey { error: error.to_string() })).await;
            None
        }
    }
}

/// What the web server is made of, beside the ground.
struct Web<'a> {
    links: &'a Links,
    redactor: Redactor,
    post: Post,
}

async fn serve_links(
    loaded: &Loaded,
    web: Web<'_>,
    ground: &Ground,
    stop: &CancellationToken,
    running: &TaskTracker,
) -> Option<Server> {
    let Ground { decisions, hub, clock, lang, .. } = ground.clone();
    let config = loaded.config.serve.as_ref()?;
    let (pin, trusted_proxies) = (config.pin.clone(), config.trusted_proxies.clone());
    let rules = Rules { pin, trusted_proxies, lang };
    let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(move || clock.now());
    let state = Arc::new(WebState::new(web.links, Arc::clone(&decisions) as Arc<dyn Decide>, rules, web.redactor, now));
    let people = People::new(loaded.paths.people());
    let push = push(loaded, &decisions.facts, lang).await;
    if let Some(push) = &push {
        running.spawn(Arc::clone(push).run(Arc::clone(&state), people.clone(), hub.clone(), stop.clone()));
    }
    let (store, undo, post) = (decisions.store.clone(), loaded.config.undo, web.post);
    let panel =
        routes(Panel { web: Arc::clone(&state), people, hub, store, undo, post, push, state: PanelState::default() });
    match serve(config.bind, Arc::clone(&state), panel.clone(), descriptors::web_share(), stop.clone()).await {
        Ok(server) => Some(server),
        Err(error) => {
            let trouble = Trouble::Listen { address: config.bind.to_string(), error: error.to_string() };
            problem(&decisions.facts, "web server", Some(trouble)).await;
            running.spawn(serve_later((config.bind, state, panel), decisions.facts.clone(), stop.clone()));
            None
        }
    }
}

/// Messages to browsers go where the environment says, as a browser's own would.
async fn push(loaded: &Loaded, facts: &Facts, lang: Lang) -> Option<Arc<Push>> {
    let url = &loaded.config.serve.as_ref()?.public_base_url;
    let proxy = Place::of(loaded, lang).resolve(&ProxyChoice::Inherit);
    match Push::open(&loaded.paths.state_dir, url, &proxy).await {
        Ok(push) => Some(Arc::new(push)),
        Err(error) => {
            problem(facts, "messages to browsers", Some(error.to_string().into())).await;
            None
        }
    }
}

/// Takes a script's message to these channels, and remembers it as `notify send` does.
fn post(
    loaded: &Loaded,
    settings: &Settings,
    channels: BTreeMap<String, Arc<dyn Channel>>,
    ground: &Ground,
    redactor: Redactor,
) -> Post {
    let (settings, file, channels) = (settings.clone(), loaded.paths.sent(), Arc::new(channels));
    let (lang, clock) = (ground.lang, ground.clock);
    Arc::new(move |letter: Letter| {
        let names = match &letter.channels[..] {
            [] => manual::routed(&settings, letter.urgency),
            named => named.to_vec(),
        };
        let chosen: Option<BTreeMap<_, _>> =
            names.into_iter().map(|name| channels.get(&name).map(|it| (name.clone(), Arc::clone(it)))).collect();
        let (redactor, file) = (redactor.clone(), file.clone());
        Box::pin(async move {
            let chosen = chosen.filter(|chosen| !chosen.is_empty())?;
            let message = (letter.text.as_str(), letter.form);
            let mut sent = manual::send(&chosen, message, letter.urgency, lang, &redactor).await;
            sent.iter_mut().for_each(|one| one.answer = redactor.redact(&one.answer));
            let title = redactor.redact(letter.text.lines().next().unwrap_or_default());
            if let Err(error) = manual::remember(&file, clock.now(), letter.urgency, &title, &sent).await {
                tracing::debug!(%error, "what was sent is not remembered");
            }
            Some(sent)
        })
    })
}

/// Tells metrics to who fetches them, where the configuration says so.
async fn serve_metrics(loaded: &Loaded, ground: &Ground, stop: &CancellationToken, running: &TaskTracker) {
    const PART: &str = "metrics";
    let Ground { decisions, hub, followed, .. } = ground.clone();
    let (Some(listen), store) = (loaded.config.metrics, decisions.store.clone()) else { return };
    let metrics = Arc::new(Metrics { hub, followed, store, recordings: loaded.paths.recordings() });
    let (facts, stop) = (decisions.facts.clone(), stop.clone());
    let first = tmuxagent_metrics::serve(listen, Arc::clone(&metrics), stop.clone()).await;
    if let Err(error) = &first {
        let trouble = Trouble::Listen { address: listen.to_string(), error: error.to_string() };
        problem(&facts, PART, Some(trouble)).await;
    }
    running.spawn(async move {
        let mut server = first.ok();
        while server.is_none() && stop.run_until_cancelled(tokio::time::sleep(LISTEN_AGAIN)).await.is_some() {
            server = tmuxagent_metrics::serve(listen, Arc::clone(&metrics), stop.clone()).await.ok();
            if server.is_some() {
                problem(&facts, PART, None).await;
            }
        }
        if let Some(server) = server {
            server.ended().await;
        }
    });
}

/// The address may become free: another supervisor has it until it ends.
async fn serve_later((bind, state, panel): (SocketAddr, Arc<WebState>, Routes), facts: Facts, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(LISTEN_AGAIN)).await.is_some() {
        if let Ok(server) = serve(bind, Arc::clone(&state), panel.clone(), descriptors::web_share(), stop.clone()).await
        {
            problem(&facts, "web server", None).await;
            // It ends when `stop` says so, and how does not matter: its port is free.
            let _ = server.ended().await;
            return;
        }
    }
}
