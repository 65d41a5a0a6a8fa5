//! The supervisor is killed around decisions that come through each surface: read, written down, and only then consumed.
//! A person decides once; what he was told holds, and what he was not told is found out.

use super::product::{press, wait_screen};
use super::support::loopback::{Mood, Phone, Service, links};
use super::support::room::{Room, free_address};
use super::support::telegram::Telegram;
use super::support::{PATIENCE, TmuxServer, wait_for};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Instant;
use tmuxagent_ipc::client::{ClientError, Connection, hello};
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{ApprovalId, Command, Verdict, Via};

/// More steps of one kind than follow one decision.
const MOST: u32 = 40;

/// A place that a life comes past before anybody can decide in it.
const UNBORN: &str = "start.opened";

/// In the commit of the round, between it and its answer, and behind the answer. Other rounds pass these too.
const ROUND: &[&str] = &["commit.written", "round.committed", "round.answered"];

/// The same for decisions of the supervisor's own surfaces: before the loop is asked, in the commit, between it and what
/// is consumed, and behind that.
const DESK: &[&str] = &["decision.read", "commit.written", "round.committed", "decision.settled", "decision.consumed"];

/// What a person was told of his decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is done.
    Done,
    /// It is not done.
    NotDone,
    /// Nobody knows.
    Unsure,
    /// Nothing is told: what he did stands there until it is done.
    Nothing,
}

/// A way to decide.
trait Surface {
    /// The configuration that it needs.
    fn config(&self) -> String;
    /// What a person does before the supervisor lives that will die: he has the message, or sees the request.
    fn prepare(&mut self, room: &Room, approval: &str);
    /// He says yes.
    fn decide(&mut self, room: &Room, approval: &str) -> Told;
    /// Whether nothing is left to be consumed of a decision that is done.
    fn is_consumed(&self, _: &Room, _: &str) -> bool {
        true
    }
    /// Whether nothing of the question is left where people decide, once it is closed.
    fn is_gone(&self, _: &Room, _: &str) -> bool {
        true
    }
}

/// A life that has done everything is looked at so often before it counts as one that outlived its place.
const CALM: u32 = 6;

struct Killed<S> {
    room: Room,
    surface: S,
    approved: usize,
    kills: u32,
}

impl<S: Surface> Killed<S> {
    fn new(surface: S) -> Self {
        let room = Room::gated(&surface.config(), "expires: 1h");
        Self { room, surface, approved: 0, kills: 0 }
    }

    fn everywhere(mut self, places: &[&str]) {
        assert!(self.life(UNBORN, 1), "it began");
        for place in places {
            let killed = (1..=MOST).take_while(|number| self.life(place, *number)).count();
            assert!(killed > 0, "no life comes past {place}");
            println!("{place}: killed at {killed} steps");
        }
        self.room.watch();
        assert_eq!(self.room.ran(), "build ".repeat(self.approved), "after {} kills", self.kills);
    }

    /// One decision in a life that dies at the place's n-th pass from the decision on; whether it came there.
    fn life(&mut self, place: &str, number: u32) -> bool {
        self.room.watch();
        self.room.finish_tests(&self.approved.to_string());
        let approval = self.room.wait_approval();
        self.surface.prepare(&self.room, &approval);
        self.room.kill_9();
        let decides = self.room.file("decides");
        let _ = std::fs::remove_file(&decides);
        let mut command = self.room.command(&["--headless"]);
        command.env("TMUXAGENT_DIE_AT", format!("{place}:{number}")).stderr(Stdio::null());
        if place != UNBORN {
            command.env("TMUXAGENT_DIE_FROM", &decides);
        }
        let mut child = command.spawn().expect("it starts");
        let end = Instant::now() + PATIENCE;
        // It serves, or is dead already.
        while child.try_wait().expect("a child").is_none() && !self.serves() {
            assert!(Instant::now() < end, "{place}:{number} does not begin");
        }
        std::fs::write(&decides, "").expect("writable");
        let told = self.surface.decide(&self.room, &approval);
        let mut calm = 0;
        let died = loop {
            if let Some(status) = child.try_wait().expect("a child") {
                assert_eq!(status.signal(), Some(9), "{place}:{number}");
                break true;
            }
            let is_done = self.is_done() && self.state(&approval) == "approved";
            calm = if is_done && self.surface.is_consumed(&self.room, &approval) { calm + 1 } else { 0 };
            if calm == CALM {
                break false;
            }
            assert!(Instant::now() < end, "{place}:{number} goes on and on; told {told:?}");
        };
        if died {
            self.kills += 1;
            self.room.watch();
        } else {
            self.room.supervisor = Some(child);
        }
        self.end(&approval, told, place, number);
        self.room.kill_9();
        died
    }

    /// What was told holds; what was not told, or as not done, is decided again where it is open.
    fn end(&mut self, approval: &str, told: Told, place: &str, number: u32) {
        self.approved += 1;
        match told {
            Told::Done => assert_eq!(self.state(approval), "approved", "{place}:{number} lost what it told as done"),
            Told::NotDone => assert_eq!(self.state(approval), "pending", "{place}:{number} did what it denied"),
            Told::Unsure | Told::Nothing => {}
        }
        if matches!(told, Told::NotDone | Told::Unsure) && self.state(approval) == "pending" {
            let again = self.surface.decide(&self.room, approval);
            assert_eq!(again, Told::Done, "{place}:{number}: nobody dies now");
        }
        wait_for(PATIENCE, &format!("the decision, killed at {place}:{number}"), || {
            (self.state(approval) == "approved").then_some(())
        });
        self.room.wait_ran(&"build ".repeat(self.approved));
        wait_for(PATIENCE, &format!("the question's end, killed at {place}:{number}"), || {
            self.surface.is_gone(&self.room, approval).then_some(())
        });
    }

    /// Whether the pane has done all that was approved, this decision among it.
    fn is_done(&self) -> bool {
        self.room.ran() == "build ".repeat(self.approved + 1)
    }

    fn serves(&self) -> bool {
        self.room.answer(&["status", "--json"]).contains("\"live\"")
    }

    fn state(&self, approval: &str) -> String {
        let output = self.room.ask(&["approvals", approval, "--json"]);
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        value["state"].as_str().unwrap_or_default().to_owned()
    }
}

struct File;

impl Surface for File {
    fn config(&self) -> String {
        String::new()
    }

    fn prepare(&mut self, room: &Room, _: &str) {
        room.wait_request();
    }

    fn decide(&mut self, room: &Room, approval: &str) -> Told {
        let names = std::fs::read_dir(room.file("state/approvals")).expect("a folder").flatten();
        let file = names.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains(approval));
        // Once: after a crash nobody writes it again.
        std::fs::write(file.expect("a request"), "approve\n").expect("writable");
        Told::Nothing
    }

    fn is_consumed(&self, room: &Room, approval: &str) -> bool {
        let files = std::fs::read_dir(room.file("state/approvals")).expect("a folder").flatten();
        let mut of_it = files.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(approval));
        of_it.all(|path| std::fs::read_to_string(path).is_ok_and(|text| text != "approve\n"))
    }

    fn is_gone(&self, room: &Room, approval: &str) -> bool {
        let mut files = std::fs::read_dir(room.file("state/approvals")).expect("a folder").flatten();
        !files.any(|entry| entry.path().to_string_lossy().contains(approval))
    }
}

struct Button(Telegram);

impl Surface for Button {
    fn config(&self) -> String {
        format!("channels:\n  telegram: {{token: T, chat_id: 5, base_url: '{}'}}\nnotify: telegram\n", self.0.base)
    }

    fn prepare(&mut self, _: &Room, approval: &str) {
        self.0.wait_button(approval);
    }

    fn decide(&mut self, _: &Room, approval: &str) -> Told {
        self.0.press(&self.0.wait_button(approval));
        Told::Nothing
    }

    fn is_consumed(&self, _: &Room, _: &str) -> bool {
        self.0.is_quiet()
    }
}

struct Link {
    service: Service,
    link: String,
}

impl Surface for Link {
    fn config(&self) -> String {
        let hook = &self.service.base;
        let bind = free_address();
        format!(
            "channels:\n  hook: {{kind: webhook, url: '{hook}/x', spacing: 0s}}\nnotify: hook\nserve: {{bind: '{bind}'}}\n"
        )
    }

    fn prepare(&mut self, _: &Room, _: &str) {
        // Links of earlier questions are used.
        self.link = wait_for(PATIENCE, "a message with a link", || {
            let message = self.service.taken().pop()?;
            let link = links(&message).into_iter().find(|link| link.contains("/a/"))?;
            (Phone::new().try_get(&link)?.status == 200).then_some(link)
        });
    }

    fn decide(&mut self, _: &Room, _: &str) -> Told {
        let phone = Phone::new();
        let Some(page) = phone.try_get(&self.link) else { return Told::NotDone };
        if page.status != 200 {
            return Told::NotDone;
        }
        let nonce = page.html.split("name=\"nonce\" value=\"").nth(1).expect("a nonce").split('"').next().expect("it");
        match phone.try_post(&self.link, &page.cookie, &[("nonce", nonce), ("verdict", "approve")]) {
            Some(page) if page.status == 200 => Told::Done,
            Some(page) if page.html.contains("Nothing was done") => Told::NotDone,
            Some(_) | None => Told::Unsure,
        }
    }
}

struct CommandLine;

impl Surface for CommandLine {
    fn config(&self) -> String {
        String::new()
    }

    fn prepare(&mut self, _: &Room, _: &str) {}

    fn decide(&mut self, room: &Room, approval: &str) -> Told {
        let output = room.ask(&["approve", approval]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => Told::Done,
            Some(3) => Told::NotDone,
            Some(7) => {
                assert!(said.contains(&format!("`tmuxagent approvals {approval}` tells")), "{said}");
                Told::Unsure
            }
            other => panic!("{other:?}: {said}"),
        }
    }
}

/// A view, as the screen and the popup are one.
struct View;

impl Surface for View {
    fn config(&self) -> String {
        String::new()
    }

    fn prepare(&mut self, _: &Room, _: &str) {}

    fn decide(&mut self, room: &Room, approval: &str) -> Told {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let verdict = Verdict { approve: true, answer: None };
        let command = Command::Decide { approval: ApprovalId::new(approval), revision: 1, verdict };
        let socket = room.state.join("supervisor.sock");
        runtime.block_on(async {
            let opened = Connection::open(&socket, hello(Via::Popup, None, None)).await;
            let Ok(mut connection) = opened else { return Told::NotDone };
            match connection.request(Request::Command { command }).await {
                Ok(Reply::Committed { .. }) => Told::Done,
                Ok(Reply::Uncertain { .. }) | Err(ClientError::Unanswered) => Told::Unsure,
                Ok(Reply::Error { kind: ErrorKind::Ending, .. }) | Err(_) => Told::NotDone,
                Ok(other) => panic!("{other:?}"),
            }
        })
    }
}

#[test]
fn killed_around_a_decision_by_file() {
    Killed::new(File).everywhere(DESK);
}

#[test]
fn killed_around_a_decision_by_a_button() {
    Killed::new(Button(Telegram::start())).everywhere(DESK);
}

#[test]
fn killed_around_a_decision_by_a_link() {
    let service = Service::start(Mood::Takes);
    Killed::new(Link { service, link: String::new() }).everywhere(DESK);
}

#[test]
fn killed_around_a_decision_on_the_command_line() {
    Killed::new(CommandLine).everywhere(ROUND);
}

#[test]
fn killed_around_a_decision_in_a_view() {
    Killed::new(View).everywhere(ROUND);
}

/// What a person at a screen sees when the supervisor dies before it answers him.
#[test]
fn a_screen_whose_supervisor_dies_says_that_it_is_not_certain() {
    let mut room = Room::gated("", "expires: 1h");
    room.watch();
    room.finish_tests("");
    let approval = room.wait_approval();
    let desk = TmuxServer::prepare();
    room.terminal(&desk, "view", "");
    wait_screen(&desk, "view", "needs approval");
    wait_for(PATIENCE, "the confirmation", || {
        press(&desk, "view", &["a"]);
        let open = || desk.screen("=desk:view").contains("approve?").then_some(());
        let soon = Instant::now() + std::time::Duration::from_secs(1);
        std::iter::repeat_with(open).take_while(|_| Instant::now() < soon).flatten().next()
    });
    let pid = room.supervisor().expect("it runs");
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it runs");
    press(&desk, "view", &["y"]);
    // The question is gone from the screen once the yes is on its way.
    wait_for(PATIENCE, "the yes", || (!desk.screen("=desk:view").contains("approve?")).then_some(()));
    room.kill_9();
    wait_screen(&desk, "view", "not certain: the supervisor ended before it answered");
    room.watch();
    let output = room.ask(&["approve", &approval]);
    assert_eq!(output.status.code(), Some(0), "it is open: {output:?}");
    room.wait_ran("build ");
}

/// A full disk: kept and tried again is neither done nor not done, on every surface that answers.
#[test]
fn on_a_full_disk_every_surface_says_that_it_is_not_certain() {
    let service = Service::start(Mood::Takes);
    let (mut surface, telegram) = (Link { service, link: String::new() }, Telegram::start());
    let both = format!(
        "channels:\n  telegram: {{token: T, chat_id: 5, base_url: '{}'}}\n{}",
        telegram.base,
        surface.config().replacen("channels:\n", "", 1).replace("notify: hook", "notify: [hook, telegram]")
    );
    let mut room = Room::gated(&both, "expires: 1h");
    // A write above the limit is to fail, as on a full disk, and not to end the process.
    let program = env!("CARGO_BIN_EXE_tmuxagent");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; exec '{program}' --headless")]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(room.environment());
    room.supervisor = Some(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"));
    room.wait_status("\"live\"");
    room.finish_tests("");
    let approval = room.wait_approval();
    surface.prepare(&room, &approval);
    let file = room.wait_request();
    let button = telegram.wait_button(&approval);
    let limit = |bytes| {
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(room.supervisor(), rustix::process::Resource::Fsize, limit).expect("a limit");
    };
    limit(Some(1));
    let told = room.ask(&["approve", &approval]);
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(7), "{said}");
    assert!(said.contains("it is kept and tried again") && !said.contains("not done"), "{said}");
    // Nobody outside sees a decision that is not written down.
    let again = room.ask(&["approve", &approval]);
    assert_eq!(again.status.code(), Some(7), "{again:?}");
    assert_eq!(surface.decide(&room, &approval), Told::Unsure);
    assert_eq!(View.decide(&room, &approval), Told::Unsure);
    telegram.press(&button);
    wait_for(PATIENCE, "a word about the press", || telegram.said().contains("not certain").then_some(()));
    std::fs::write(&file, "approve\n").expect("writable");
    room.wait_status("nothing is sent until the state can be saved");
    let state = |approval: &str| {
        let output = room.ask(&["approvals", approval, "--json"]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_default()["state"].clone()
    };
    assert_eq!((state(&approval), room.ran().as_str()), ("pending".into(), ""));
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), "approve\n", "the word stands there");
    assert!(!telegram.is_quiet(), "the press is taken once it is written down");
    limit(None);
    room.wait_ran("build ");
    wait_for(PATIENCE, "the decision", || (state(&approval) == "approved").then_some(()));
    wait_for(PATIENCE, "the press", || telegram.is_quiet().then_some(()));
    wait_for(PATIENCE, "the file's answer", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        (text.starts_with("# already approved by ann") || !file.exists()).then_some(())
    });
    assert_eq!(room.ran(), "build ");
}

/// Requests to a supervisor that is ending are turned away, or answered by what is stored, and nothing between.
#[test]
fn a_supervisor_that_ends_in_order_leaves_no_decision_in_doubt() {
    let mut room = Room::gated("", "expires: 1h");
    for round in 0..6 {
        room.watch();
        room.finish_tests(&round.to_string());
        let approval = room.wait_approval();
        let approve = room.command(&["approve", &approval]).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        // No condition is waited for: time passes on purpose, so that each round ends it at another moment of what the
        // command does, which takes some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(round * 4));
        let pid = room.supervisor().expect("it runs");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        let code = approve.expect("it runs").wait().expect("it ended").code();
        room.supervisor.take().expect("it ran").wait().expect("it ended");
        room.watch();
        let output = room.ask(&["approvals", &approval, "--json"]);
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an approval");
        let expected = match code {
            Some(0) => "approved",
            Some(3) => "pending",
            other => panic!("{other:?} in round {round}: {value}"),
        };
        assert_eq!(value["state"], expected, "round {round}");
        if expected == "pending" {
            assert_eq!(room.ask(&["approve", &approval]).status.code(), Some(0));
        }
        room.wait_ran(&"build ".repeat(usize::try_from(round).expect("small") + 1));
        room.kill_9();
    }
}
