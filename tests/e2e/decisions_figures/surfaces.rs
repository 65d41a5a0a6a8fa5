//! How a person decides: a word in a file, a command, a link, a key in the popup, a button in a chat.

use crate::support::loopback::{Mood, Page, Phone, Service, links};
use crate::support::room::Room;
use crate::support::telegram::Telegram;
use crate::support::{PATIENCE, TmuxServer, wait_for};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a person was told of his decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is done.
    Done,
    /// It is not done.
    NotDone,
    /// Nobody knows, or he sees no answer at all.
    Unsure,
    /// Nothing is told: what he did stands there until it is done.
    Nothing,
}

/// What is asked, and what the person will say.
pub struct Question {
    pub id: String,
    /// What the line that led to it had behind it, which stands in messages as well.
    pub words: String,
    pub yes: bool,
}

/// A way to decide.
pub trait Surface {
    fn name(&self) -> &'static str;
    /// What comes before: he has the message, or sees the question.
    fn prepare(&mut self, room: &Room, asked: &Question);
    /// He says it.
    fn decide(&mut self, room: &Room, approval: &str, yes: bool) -> Told;
    /// He is done with this question.
    fn close(&mut self, _: &Room) {}
}

const fn word(yes: bool) -> &'static str {
    if yes { "approve" } else { "reject" }
}

#[derive(Default)]
pub struct File(PathBuf);

impl Surface for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn prepare(&mut self, room: &Room, asked: &Question) {
        self.0 = wait_for(PATIENCE, "a request", || {
            let files = std::fs::read_dir(room.file("state/approvals")).ok()?.flatten().map(|entry| entry.path());
            files.into_iter().find(|path| path.to_string_lossy().contains(&asked.id))
        });
    }

    fn decide(&mut self, _: &Room, _: &str, yes: bool) -> Told {
        // Once: after a crash nobody writes it again.
        std::fs::write(&self.0, format!("{}\n", word(yes))).expect("writable");
        Told::Nothing
    }
}

pub struct CommandLine;

impl Surface for CommandLine {
    fn name(&self) -> &'static str {
        "command line"
    }

    fn prepare(&mut self, _: &Room, _: &Question) {}

    fn decide(&mut self, room: &Room, approval: &str, yes: bool) -> Told {
        let output = room.ask(&[word(yes), approval]);
        match output.status.code() {
            Some(0 | 1) => Told::Done,
            Some(3) => Told::NotDone,
            Some(7) => Told::Unsure,
            other => panic!("{other:?}: {output:?}"),
        }
    }
}

pub struct Link {
    service: Service,
    phone: Phone,
    link: String,
    page: Option<Page>,
}

impl Link {
    pub fn start() -> Self {
        Self { service: Service::start(Mood::Takes), phone: Phone::new(), link: String::new(), page: None }
    }

    pub fn base(&self) -> &str {
        &self.service.base
    }
}

impl Surface for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn prepare(&mut self, _: &Room, asked: &Question) {
        // It may have been sent more than once, since the supervisor was killed before.
        let of_it = |message: &&String| message.contains(&asked.words) && message.contains("/a/");
        self.link = wait_for(PATIENCE, "a message with a link", || {
            let taken = self.service.taken();
            let message = taken.iter().rev().find(of_it)?;
            links(message).into_iter().find(|link| link.contains("/a/"))
        });
        self.page = Some(wait_for(PATIENCE, "the link's page", || {
            self.phone.try_get(&self.link).filter(|page| page.status == 200)
        }));
    }

    fn decide(&mut self, _: &Room, _: &str, yes: bool) -> Told {
        let page = self.page.take().expect("the page was opened");
        let nonce = page.html.split("name=\"nonce\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let form = [("nonce", nonce.expect("a nonce")), ("verdict", word(yes))];
        match self.phone.try_post(&self.link, &page.cookie, &form) {
            Some(page) if page.status == 200 => Told::Done,
            Some(page) if page.html.contains("Nothing was done") => Told::NotDone,
            Some(_) | None => Told::Unsure,
        }
    }
}

/// The popup over the user's own tmux, opened by `prefix+M`.
pub struct Popup {
    desk: TmuxServer,
    is_attached: bool,
}

const POPUP: &str = "=desk:";

impl Popup {
    /// The key binding; the user attaches once he is asked.
    pub fn open(room: &Room) -> Self {
        let variables: String = room.environment().iter().map(|(name, value)| format!("{name}='{value}' ")).collect();
        let line = format!("env {variables}'{}' popup", crate::support::program());
        room.server.tmux(&["bind-key", "M", "display-popup", "-w", "90%", "-h", "90%", "-E", &line]);
        Self { desk: TmuxServer::prepare(), is_attached: false }
    }

    fn attach(&mut self, room: &Room) {
        if self.is_attached {
            return;
        }
        let attach = format!("exec env -u TMUX tmux -S '{}' attach -t proj", room.server.socket().display());
        self.desk.tmux(&["new-session", "-d", "-s", "desk", "-x", "120", "-y", "40", &attach]);
        self.desk.wait_screen(POPUP, "proj");
        self.is_attached = true;
    }

    fn press(&self, keys: &[&str]) {
        self.desk.tmux(&[&["send-keys", "-t", POPUP], keys].concat());
    }

    fn shows(&self, part: &str) -> bool {
        self.desk.screen(POPUP).contains(part)
    }

    /// Presses keys until something is shown: a question that only just appeared is not decided by a key that may have been
    /// meant for something else.
    fn press_until(&self, keys: &[&str], part: &str) {
        wait_for(PATIENCE, part, || {
            self.press(keys);
            let soon = Instant::now() + Duration::from_secs(1);
            std::iter::repeat_with(|| self.shows(part))
                .take_while(|_| Instant::now() < soon)
                .any(|is_shown| is_shown)
                .then_some(())
        });
    }
}

const fn question(yes: bool) -> &'static str {
    if yes { "approve?" } else { "reject?" }
}

impl Surface for Popup {
    fn name(&self) -> &'static str {
        "popup"
    }

    fn prepare(&mut self, room: &Room, asked: &Question) {
        self.attach(room);
        self.press_until(&["C-b", "M"], "needs approval");
        self.press_until(&[if asked.yes { "a" } else { "x" }], question(asked.yes));
    }

    fn decide(&mut self, _: &Room, _: &str, yes: bool) -> Told {
        self.press(&["y"]);
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            let screen = self.desk.screen(POPUP);
            if screen.contains("» not certain") {
                return Told::Unsure;
            }
            if screen.contains(if yes { "» approved" } else { "» rejected" }) {
                return Told::Done;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Told::Unsure
    }

    fn close(&mut self, room: &Room) {
        let clients = room.server.tmux(&["list-clients", "-F", "#{client_control_mode} #{client_name}"]);
        for client in clients.lines().filter_map(|line| line.strip_prefix("0 ")) {
            drop(room.server.try_tmux(&["display-popup", "-C", "-c", client]));
        }
    }
}

pub struct Button(Telegram);

impl Button {
    pub fn start() -> Self {
        Self(Telegram::start())
    }

    pub fn base(&self) -> &str {
        &self.0.base
    }
}

impl Surface for Button {
    fn name(&self) -> &'static str {
        "button"
    }

    fn prepare(&mut self, _: &Room, asked: &Question) {
        self.0.wait_button(&asked.id);
    }

    fn decide(&mut self, _: &Room, approval: &str, yes: bool) -> Told {
        let key = self.0.wait_button(approval);
        self.0.press(&if yes { key } else { key.replacen("yes:", "no:", 1) });
        Told::Nothing
    }
}
