//! What views ask. Wishes are answered after their commit, questions at once.

use super::acts::{Act, Ticket};
use super::callers::may_wish;
use super::core::Core;
use super::trace::Given;
use serde::{Deserialize, Serialize};
use tmuxagent_engine::{Answer, RefusalKind};
use tmuxagent_ipc::hub::Peer;
use tmuxagent_ipc::wire::{ErrorKind, Reply, Request};
use tmuxagent_model::{
    AgentMessage, Ancestor, Command, Event, HostName, LineEvent, LineSource, MessageType, PaneId, PaneKey, Timestamp,
    Via,
};

/// A request of a view.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// By which it is answered, once.
    pub ticket: Ticket,
    /// Who asks.
    pub peer: Peer,
    /// What.
    pub request: Request,
    /// The watched host whose tmux socket the request names.
    pub origin: Option<HostName>,
    /// The agent that started the process which asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ancestor: Option<Ancestor>,
}

impl Core {
    /// Takes in a request. What only reads what is stored, and what ends or renews the supervisor, is not for the heart.
    pub fn ask(&mut self, now: Timestamp, mut asked: Asked) {
        self.now = now;
        let view = &self.view;
        self.unkept.hide(&mut asked, |pane, insist| view.may_read_secret(pane, insist));
        self.trace.note(now, &Given::Asked(&asked));
        let Asked { ticket, peer, request, origin, ancestor } = asked;
        match request {
            Request::Command { command } => self.wish(&peer, command, ticket),
            Request::Hello { via, pane, .. } => {
                // A script in a pane only asks; a screen draws there for as long as it is connected.
                if let (Via::Key, Some(pane), Some(host)) = (via, pane.and_then(|p| p.parse().ok()), origin) {
                    self.hosts.view_runs_in(peer.connection, host, pane);
                }
                self.respond(ticket, Reply::Done);
            }
            Request::Bye => {
                self.hosts.watch_screen(peer.connection, None);
                self.hosts.view_left(peer.connection);
                self.caller_left(&peer);
                self.asker_left(peer.connection);
                self.respond(ticket, Reply::Done);
            }
            Request::WatchPane { pane } => {
                self.hosts.watch_screen(peer.connection, pane);
                self.respond(ticket, Reply::Done);
            }
            Request::Explain { target } => {
                let answer = self.explain(&target);
                self.respond(ticket, answer);
            }
            Request::Report { pane, stage, command, exit, duration_ms, .. } => {
                let report = Report { pane: &pane, host: origin, stage, command: &command, exit, duration_ms };
                let answer = self.take_report(report);
                self.answer(ticket, answer);
            }
            Request::Hook { report } => {
                let answer = self.take_hook(ancestor, report);
                self.respond(ticket, answer);
            }
            Request::Await { request, again } => {
                match ancestor.as_ref().filter(|_| again).and_then(|by| self.given_before(by)) {
                    Some(given) => self.acts.push(Act::Answer(ticket, given)),
                    None => self.await_answer(&peer, ancestor, request, ticket),
                }
            }
            Request::Say { message } => {
                let answer = self.say(ancestor.as_ref(), *message);
                self.answer(ticket, answer);
            }
            Request::AskHuman { asks } => {
                let answer = self.ask_human(&peer, ancestor, asks);
                self.answer(ticket, answer);
            }
            Request::Events { .. }
            | Request::Approval { .. }
            | Request::Dump { .. }
            | Request::ChannelsWork { .. }
            | Request::Reload
            | Request::Shutdown
            | Request::Snapshot
            | Request::Subscribe => self.respond(ticket, error(ErrorKind::BadRequest, "answered elsewhere")),
        }
    }

    fn respond(&mut self, ticket: Ticket, reply: Reply) {
        self.acts.push(Act::Answer(ticket, reply));
    }

    pub(crate) fn wish(&mut self, peer: &Peer, command: Command, ticket: Ticket) {
        if !may_wish(peer.via, &command) {
            return self.respond(ticket, error(ErrorKind::Refused, "an agent can ask and start, and never decide"));
        }
        let Some(command) = self.keep_early(peer, command, ticket) else { return };
        if let Some(refused) = self.refuse_here(&command) {
            return self.answer(ticket, refused);
        }
        match command {
            Command::Freeze => self.hosts.freeze(true),
            Command::Unfreeze => self.hosts.freeze(false),
            _ => {}
        }
        let by = peer.decider();
        let answer = self.step(&Event::Asked { command, by });
        let mut reply = committed(answer);
        if let Reply::Committed { text, .. } | Reply::Error { text, .. } = &mut reply {
            *text = self.redactor.redact(text);
        }
        self.answer(ticket, reply);
    }

    fn take_report(&mut self, report: Report<'_>) -> Reply {
        let pane = report.pane.parse::<PaneId>().ok().zip(report.host);
        let pane = pane.and_then(|(pane, host)| {
            self.view.panes().map(|live| &live.info.key).find(|key| key.host == host && key.pane == pane).cloned()
        });
        let Some(pane) = pane else {
            return error(ErrorKind::NotFound, format!("pane {} is not watched", report.pane));
        };
        // The same messages as the wrapper prints where no supervisor listens. A start is no STATUS, which could be taken
        // for the end.
        let (kind, what) = match report.exit {
            None => (MessageType::Log, "began".to_owned()),
            Some(exit) => (
                MessageType::Status,
                format!("ended with {exit} after {}", tmuxagent_model::Millis(report.duration_ms)),
            ),
        };
        let message = AgentMessage {
            stage: report.stage,
            ok: report.exit.map(|exit| exit == 0),
            summary: Some(format!("`{}` {what}", report.command)),
            exit: report.exit,
            ..AgentMessage::new(kind)
        };
        self.step(&Event::Line(Box::new(told(pane, message))));
        Reply::Done
    }
}

pub(crate) fn error(kind: ErrorKind, text: impl Into<String>) -> Reply {
    Reply::Error { kind, text: text.into() }
}

/// An answer of the engine as it stands on the wire.
#[must_use]
pub fn committed(answer: Option<Answer>) -> Reply {
    match answer {
        Some(Answer::Ok { run, intents, text }) => Reply::Committed { intents, run, text },
        Some(Answer::Refused { kind, text }) => Reply::Error { kind: refusal(kind), text },
        None => Reply::Done,
    }
}

const fn refusal(kind: RefusalKind) -> ErrorKind {
    match kind {
        RefusalKind::NotFound => ErrorKind::NotFound,
        RefusalKind::AlreadyDecided => ErrorKind::AlreadyDecided,
        RefusalKind::Stale => ErrorKind::Stale,
        RefusalKind::Refused => ErrorKind::Refused,
    }
}

/// What a wrapped command says of itself.
struct Report<'a> {
    pane: &'a str,
    host: Option<HostName>,
    stage: Option<String>,
    command: &'a str,
    exit: Option<i32>,
    duration_ms: u64,
}

/// A message that came over the socket instead of the screen.
pub(crate) fn told(pane: PaneKey, message: AgentMessage) -> LineEvent {
    LineEvent {
        unended: None,
        front: None,
        pane,
        seq: 0,
        text: message.summary.clone().unwrap_or_default(),
        source: LineSource::Stream,
        hits: Vec::new(),
        policy: 0,
        message: Some(message),
    }
}
