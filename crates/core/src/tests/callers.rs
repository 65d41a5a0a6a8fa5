//! What agents ask by calls of tools.

use super::*;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{
    AgentMessage, Ancestor, Approval, ApprovalState, HookReport, HumanCall, MessageType, Millis, Verdict,
};

/// The agent in pane 1, as it is read off for a connection; or one of no pane.
fn request(room: &mut Room, connection: u64, pid: u32, request: Request) -> Ticket {
    room.tickets += 1;
    let ticket = Ticket(room.tickets);
    let via = Via::Mcp;
    let peer =
        Peer { connection, who: "mei".to_owned(), vouched: None, via, pane: None, tmux_socket: None, pid: Some(900) };
    let ancestor =
        Some(Ancestor { agent: "claude".into(), pid: 500, start: 7, waits: true, line: vec![900, 500, pid, 1] });
    room.core.ask(room.now, Asked { ticket, peer, request, origin: None, ancestor });
    ticket
}

fn question(call: &str) -> Request {
    let (call, question, detail) =
        (call.to_owned(), "Which\u{1b}[31m colour?".to_owned(), "one\n\ntwo\u{202e}".to_owned());
    let options = vec!["Red".to_owned(), String::new(), "Blue".to_owned()];
    Request::AskHuman { asks: Box::new(HumanCall { call, question, options, detail, expires: Millis::from_secs(60) }) }
}

fn asked(room: &mut Room, connection: u64, call: &str) -> Approval {
    let ticket = request(room, connection, 101, question(call));
    room.commit();
    let answers = room.answers();
    match answers.last() {
        Some((answered, Reply::Approval { approval })) if *answered == ticket => approval.as_ref().clone(),
        other => panic!("{other:?}"),
    }
}

fn state(room: &Room, call: &str) -> ApprovalState {
    room.core.engine().approval_of_call(call).unwrap().state
}

#[test]
fn a_call_asks_once_and_is_answered_with_nothing_typed() {
    let mut room = Room::new();
    let first = asked(&mut room, 5, "a");
    assert_eq!(first.question, r"claude: Which\u{1b}[31m colour?", "nothing in it acts");
    assert_eq!(first.options, ["Red", "Blue"]);
    assert_eq!((first.pane.clone(), first.evidence.len()), (info(1).key, 2), "{first:?}");
    assert_eq!(asked(&mut room, 6, "a").id, first.id, "over another connection, after a restart");
    let verdict = Verdict { approve: true, answer: Some("Blue".into()) };
    room.wish(Command::Decide { approval: first.id.clone(), revision: 1, verdict });
    room.commit();
    assert_eq!(room.typed(), []);
    let decided = asked(&mut room, 6, "a");
    assert_eq!(decided.decision.unwrap().verdict.answer.as_deref(), Some("Blue"));
}

#[test]
fn a_question_ends_with_the_last_who_waits_for_it() {
    let mut room = Room::new();
    asked(&mut room, 5, "a");
    asked(&mut room, 5, "b");
    asked(&mut room, 6, "a");
    request(&mut room, 5, 101, Request::Bye);
    room.commit();
    assert_eq!((state(&room, "a"), state(&room, "b")), (ApprovalState::Pending, ApprovalState::Superseded));
    request(&mut room, 6, 101, Request::Bye);
    room.commit();
    assert_eq!(state(&room, "a"), ApprovalState::Superseded);
    // Nobody answers in time.
    asked(&mut room, 7, "c");
    room.now = room.now + Millis::from_secs(61);
    room.core.fire(room.now);
    assert_eq!(state(&room, "c"), ApprovalState::Expired);
}

#[test]
fn whoever_is_in_no_watched_pane_or_asks_too_much_is_refused() {
    let mut room = Room::new();
    let report = HookReport { event: "Stop".into(), state: tmuxagent_model::AgentState::Done, text: String::new() };
    let message = Box::new(AgentMessage::new(MessageType::Status));
    for asks in [question("a"), Request::Say { message }, Request::Hook { report: report.clone() }] {
        request(&mut room, 5, 4711, asks);
        room.commit();
        let answers = room.answers();
        assert!(matches!(&answers[..], [(_, Reply::Error { kind: ErrorKind::NotFound, .. })]), "{answers:?}");
    }
    let message = Box::new(AgentMessage::new(MessageType::Ask));
    request(&mut room, 5, 101, Request::Say { message });
    room.commit();
    assert!(matches!(&room.answers()[..], [(_, Reply::Error { kind: ErrorKind::BadRequest, .. })]));
    request(&mut room, 5, 101, Request::Hook { report });
    assert!(
        room.core
            .acts()
            .iter()
            .any(|act| matches!(act, Act::Hook(_, pane, told) if *pane == info(1).key && told.by.pid == 500))
    );
    (0..20).for_each(|n| drop(asked(&mut room, 5, &n.to_string())));
    request(&mut room, 5, 101, question("one more"));
    room.commit();
    assert!(matches!(&room.answers()[..], [(_, Reply::Error { kind: ErrorKind::Refused, .. })]));
}

#[test]
fn a_connection_of_an_agent_decides_nothing() {
    let mut room = Room::new();
    let id = asked(&mut room, 5, "a").id;
    let verdict = Verdict { approve: true, answer: Some("Red".into()) };
    for command in [Command::Decide { approval: id, revision: 1, verdict }, Command::Unfreeze, Command::Freeze] {
        request(&mut room, 5, 101, Request::Command { command });
        assert!(matches!(&room.answers()[..], [(_, Reply::Error { kind: ErrorKind::Refused, .. })]));
    }
    room.commit();
    assert_eq!(state(&room, "a"), ApprovalState::Pending);
}
