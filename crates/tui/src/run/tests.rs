//! The loop: losses, floods, coalesced pictures, jumps. Time is paused; nothing sleeps.

use super::*;
use crate::keymap::Key;
use crate::sample::{NOW, Sample};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tmuxagent_ipc::wire::{Request, RequestFrame};
use tmuxagent_model::Snapshot;
use tokio::sync::mpsc;

/// What was drawn, and what was done to the terminal.
#[derive(Debug, Default)]
struct Seen {
    pictures: Vec<String>,
    deeds: Vec<String>,
}

struct Paper {
    terminal: Terminal<TestBackend>,
    seen: Arc<Mutex<Seen>>,
}

impl Paper {
    fn note(&self, deed: &str) -> io::Result<()> {
        self.seen.lock().unwrap().deeds.push(deed.to_owned());
        Ok(())
    }
}

impl Canvas for Paper {
    fn size(&self) -> io::Result<(u16, u16)> {
        Ok((80, 24))
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(model, frame)).unwrap();
        let picture = self.terminal.backend().to_string();
        self.seen.lock().unwrap().pictures.push(picture);
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.note("clear")
    }

    fn mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        self.note(&format!("{mouse:?}"))
    }

    fn stop(&mut self) -> io::Result<()> {
        self.note("stop")
    }

    fn resume(&mut self) -> io::Result<()> {
        self.note("resume")
    }

    fn source(&self) -> io::Result<Source> {
        Ok(Source::Closed)
    }
}

/// A supervisor's end of a link.
struct Far {
    frames: mpsc::Sender<ServerFrame>,
    requests: mpsc::Receiver<RequestFrame>,
}

impl Far {
    fn pair() -> (Link, Self) {
        let (to_view, frames) = mpsc::channel(256);
        let (requests, to_send) = mpsc::channel(64);
        (Link { frames, requests }, Self { frames: to_view, requests: to_send })
    }

    async fn show(&self, snapshot: Snapshot) {
        self.frames.send(ServerFrame::Snapshot { snapshot: Box::new(snapshot) }).await.unwrap();
    }

    async fn request(&mut self) -> Request {
        tokio::time::timeout(Duration::from_secs(60), self.requests.recv()).await.unwrap().unwrap().request
    }
}

/// A running screen in the hands of a test.
struct Stage {
    keys: mpsc::Sender<Msg>,
    seen: Arc<Mutex<Seen>>,
    screen: tokio::task::JoinHandle<Result<Exit, UiError>>,
}

type Plan = VecDeque<Result<Link, ConnectError>>;

impl Stage {
    /// Runs a screen whose attempts to connect go as planned, and are in vain afterwards.
    fn set(role: Role, plan: Plan, jump: Result<(), String>) -> Self {
        let (keys, queue) = mpsc::channel(64);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let paper = seen.clone();
        let began = Instant::now();
        let plan = Arc::new(Mutex::new(plan));
        let screen = tokio::spawn(async move {
            let mut paper = Paper { terminal: Terminal::new(TestBackend::new(80, 24)).unwrap(), seen: paper };
            let options = Options {
                setup: Setup { role, ..Setup::default() },
                jump: Box::new(move |_| {
                    let result = jump.clone();
                    Box::pin(async move { result })
                }),
                now: Box::new(move || NOW + Millis(u64::try_from(began.elapsed().as_millis()).unwrap())),
                wall: Box::new(move || NOW + Millis(u64::try_from(began.elapsed().as_millis()).unwrap())),
            };
            let connect = move || {
                let next = plan.lock().unwrap().pop_front();
                std::future::ready(next.unwrap_or_else(|| Err(ConnectError::Gone("no supervisor runs".to_owned()))))
            };
            run_on(&mut paper, Source::Queue(queue), None, connect, options).await
        });
        Self { keys, seen, screen }
    }

    async fn press(&self, keys: &str) {
        for name in keys.split_whitespace() {
            let key: Key = name.parse().unwrap();
            self.keys.send(Msg::Key(key.to_event())).await.unwrap();
        }
    }

    /// Waits until a picture holds the text.
    async fn until(&self, text: &str) {
        for _ in 0..20_000 {
            if self.seen.lock().unwrap().pictures.last().is_some_and(|picture| picture.contains(text)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no picture holds `{text}`:\n{}", self.seen.lock().unwrap().pictures.last().unwrap());
    }

    async fn end(self) -> Result<Exit, UiError> {
        tokio::time::timeout(Duration::from_secs(60), self.screen).await.unwrap().unwrap()
    }

    fn n_pictures(&self) -> usize {
        self.seen.lock().unwrap().pictures.len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_screen_subscribes_watches_and_leaves() {
    let (link, mut far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    assert_eq!(far.request().await, Request::Subscribe);
    far.show(Sample::busy().build()).await;
    stage.until("storyapp-ci").await;
    assert!(matches!(far.request().await, Request::WatchPane { pane: Some(_) }));
    stage.press("q").await;
    assert_eq!(stage.end().await.unwrap(), Exit::Quit);
}

#[tokio::test(start_paused = true)]
async fn a_lost_supervisor_is_told_and_found_again() {
    let (link, far) = Far::pair();
    let (second, mut far_again) = Far::pair();
    let plan = [Ok(link), Err(ConnectError::Gone("no supervisor runs".to_owned())), Ok(second)];
    let stage = Stage::set(Role::View, plan.into(), Ok(()));
    far.show(Sample::busy().build()).await;
    stage.until("storyapp-ci").await;
    drop(far);
    stage.until("supervisor gone, reconnecting").await;
    stage.until("no supervisor runs").await;
    stage.until("storyapp-ci").await;
    assert_eq!(far_again.request().await, Request::Subscribe);
    assert!(matches!(far_again.request().await, Request::WatchPane { pane: Some(_) }), "what was watched is again");
    far_again.show(Sample::empty().build()).await;
    stage.until("no panes are watched").await;
    stage.press("q").await;
    assert_eq!(stage.end().await.unwrap(), Exit::Quit);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_refuses_ends_the_screen() {
    let plan = [Err(ConnectError::Refused("protocol 2 is not protocol 1; restart the supervisor".to_owned()))];
    let stage = Stage::set(Role::View, plan.into(), Ok(()));
    let error = stage.end().await.unwrap_err();
    assert_eq!(error.to_string(), "protocol 2 is not protocol 1; restart the supervisor");
}

#[tokio::test(start_paused = true)]
async fn a_refused_greeting_ends_the_screen() {
    let (link, far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    let text = "this view speaks protocol 1, the supervisor 2".to_owned();
    let reply = Box::new(Reply::Error { kind: tmuxagent_ipc::wire::ErrorKind::Refused, text: text.clone() });
    far.frames.send(ServerFrame::Reply { id: 0, reply }).await.unwrap();
    assert_eq!(stage.end().await.unwrap_err().to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_of_another_version_is_told_of() {
    let (link, far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    let reply = Box::new(Reply::Hello {
        protocol: 1,
        version: "9.9.9".to_owned(),
        pid: 1,
        config: String::new(),
        started_at: NOW,
        servers: Vec::new(),
    });
    far.frames.send(ServerFrame::Reply { id: 0, reply }).await.unwrap();
    stage.until("the supervisor is version 9.9.9").await;
    stage.press("q").await;
    assert_eq!(stage.end().await.unwrap(), Exit::Quit);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_pictures_is_coalesced_and_delays_no_key() {
    let (link, far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    far.show(Sample::busy().build()).await;
    stage.until("storyapp-ci").await;
    let before = stage.n_pictures();
    let began = Instant::now();
    for generation in 2..2_002 {
        far.show(Sample::busy().with(|snapshot| snapshot.generation = generation).build()).await;
    }
    stage.press("?").await;
    stage.until("approve what is asked here").await;
    let drawn = stage.n_pictures() - before;
    let most = began.elapsed().as_millis() / super::super::frame::MIN_INTERVAL.as_millis() + 3;
    assert!(u128::try_from(drawn).unwrap() <= most, "{drawn} pictures in {:?}", began.elapsed());
    stage.press("q q").await;
    assert_eq!(stage.end().await.unwrap(), Exit::Quit);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_while_nothing_changes() {
    let (link, far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    far.show(Sample::empty().build()).await;
    stage.until("no panes are watched").await;
    let before = stage.n_pictures();
    // Ten minutes of the paused clock: they pass at once.
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(stage.n_pictures() - before <= 11, "one for each minute of the clock");
    drop(far);
    stage.press("q").await;
    assert_eq!(stage.end().await.unwrap(), Exit::Quit);
}

#[tokio::test(start_paused = true)]
async fn a_jump_ends_a_popup_and_a_failed_one_is_told() {
    for (role, jump, ends) in [
        (Role::Popup, Ok(()), true),
        (Role::View, Ok(()), false),
        (Role::Popup, Err("no client is attached".to_owned()), false),
    ] {
        let (link, far) = Far::pair();
        let stage = Stage::set(role, [Ok(link)].into(), jump.clone());
        far.show(Sample::busy().build()).await;
        stage.until("storyapp-ci").await;
        stage.press("o").await;
        if let Err(text) = jump {
            stage.until(&text).await;
        }
        if !ends {
            stage.press("q").await;
        }
        assert_eq!(stage.end().await.unwrap(), Exit::Quit, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_is_gone_ends_the_screen() {
    let stage = Stage::set(Role::View, Plan::new(), Ok(()));
    let Stage { keys, seen, screen } = stage;
    drop(keys);
    let stage = Stage { keys: mpsc::channel(1).0, seen, screen };
    assert_eq!(stage.end().await.unwrap(), Exit::TerminalGone);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_takes_nothing_is_told_of() {
    let (link, far) = Far::pair();
    let stage = Stage::set(Role::View, [Ok(link)].into(), Ok(()));
    far.show(Sample::busy().build()).await;
    stage.until("storyapp-ci").await;
    for _ in 0..80 {
        stage.press("f").await;
    }
    stage.until("the supervisor is busy").await;
    stage.press("m ctrl-l q").await;
    let seen = stage.seen.clone();
    assert_eq!(stage.end().await.unwrap(), Exit::Unanswered(Doubt::Slow), "what went out may still happen");
    assert_eq!(seen.lock().unwrap().deeds, ["Captured", "clear"]);
}

#[tokio::test(start_paused = true)]
async fn who_decides_and_leaves_at_once_has_decided() {
    for (reply, exit) in [
        (Some(Reply::Committed { intents: Vec::new(), run: None, text: String::new() }), Exit::Quit),
        (Some(Reply::Uncertain { doubt: Doubt::Slow }), Exit::Unanswered(Doubt::Slow)),
        (None, Exit::Unanswered(Doubt::Ended)),
    ] {
        let (link, mut far) = Far::pair();
        let stage = Stage::set(Role::Popup, VecDeque::from([Ok(link)]), Ok(()));
        far.show(Sample::busy().build()).await;
        assert!(matches!(far.request().await, Request::Subscribe));
        stage.press("f q").await;
        let id = loop {
            let frame = far.requests.recv().await.unwrap();
            if matches!(frame.request, Request::Command { .. }) {
                break frame.id;
            }
        };
        match reply {
            Some(reply) => far.frames.send(ServerFrame::Reply { id, reply: Box::new(reply) }).await.unwrap(),
            None => drop(far),
        }
        assert_eq!(stage.end().await.unwrap(), exit);
    }
}
