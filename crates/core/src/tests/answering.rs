//! Hooks that wait for the answer to a dialog.

use super::*;
use tmuxagent_model::{
    AgentAnswer, AgentQuestion, AgentQuestionKind, AgentRequest, AgentSeen, AgentState, Ancestor, AnswerRole, Approval,
    ApprovalState, Front, RequestNews, Verdict,
};

fn question(words: &str) -> AgentQuestion {
    let answer = |label: &str, key: &str, role| AgentAnswer {
        label: label.to_owned(),
        description: String::new(),
        keys: vec![key.to_owned()],
        highlighted: key == "1",
        role,
    };
    AgentQuestion {
        kind: AgentQuestionKind::Command,
        text: words.to_owned(),
        detail: words.to_owned(),
        again: None,
        reason: None,
        place: None,
        answers: vec![
            answer("Yes", "1", AnswerRole::Once),
            answer("Yes, always", "2", AnswerRole::Lasting),
            answer("No", "3", AnswerRole::Decline),
        ],
        cancel: None,
        whole: true,
        fingerprint: format!("f {words}"),
    }
}

/// The hook of the agent in pane 1 waits; the name of its request.
fn wait(room: &mut Room, connection: u64, waits: bool) -> (Ticket, Option<String>) {
    wait_once_more(room, connection, waits, false)
}

fn wait_once_more(room: &mut Room, connection: u64, waits: bool, again: bool) -> (Ticket, Option<String>) {
    room.tickets += 1;
    let ticket = Ticket(room.tickets);
    let peer = Peer {
        connection,
        who: "mei".into(),
        vouched: None,
        via: Via::Hook,
        pane: None,
        tmux_socket: None,
        pid: Some(900),
    };
    let ancestor = Some(Ancestor { agent: "claude".into(), pid: 500, start: 7, waits, line: vec![900, 500, 101, 1] });
    let (kind, words) = (AgentQuestionKind::Command, vec!["touch x".to_owned()]);
    let asked = AgentRequest { kind, words, place: None, options: Vec::new(), thread: None };
    let request = Request::Await { request: asked, again };
    room.core.ask(room.now, Asked { ticket, peer, request, origin: None, ancestor });
    let told = news(room).into_iter().find_map(|news| match news {
        RequestNews::Waits(waiting) => Some(waiting.id),
        RequestNews::Over { .. } => None,
    });
    (ticket, told)
}

/// What the collector is told of requests; who is answered is kept for [`Room::answers`].
fn news(room: &mut Room) -> Vec<RequestNews> {
    let acts = room.core.acts();
    let told = acts.iter().filter_map(|act| match act {
        Act::Request(_, pane, news) if *pane == info(1).key => Some(news.as_ref().clone()),
        _ => None,
    });
    let told = told.collect();
    room.core.acts.extend(acts.into_iter().filter(|act| !matches!(act, Act::Request(..))));
    told
}

fn show(room: &mut Room, words: Option<&str>, request: Option<&str>) {
    let front = Some(Front { pid: 500, born: 7, name: "claude".into() });
    let (pane, agent) = (info(1).key, "claude".to_owned());
    let (question, request) = (words.map(|words| Box::new(question(words))), request.map(str::to_owned));
    room.hear(1, HostMessage::Event(Event::Dialog { pane, agent, front, question, request }));
    room.commit();
}

fn open(room: &Room) -> Vec<Approval> {
    let all = room.core.engine().view().approvals;
    all.into_iter().filter(|approval| approval.state == ApprovalState::Pending).collect()
}

fn decide(room: &mut Room, label: &str) {
    let approval = open(room).remove(0);
    let verdict = Verdict { approve: label != "No", answer: Some(label.to_owned()) };
    room.wish(Command::Decide { approval: approval.id, revision: 1, verdict });
}

/// What a request was answered since the last look, and how much was typed.
fn came_of(room: &mut Room, ticket: Ticket) -> (Option<Reply>, usize) {
    let acts = room.core.acts();
    let typed = acts.iter().filter(|act| matches!(act, Act::Type { .. })).count();
    let answer = acts.into_iter().find_map(|act| match act {
        Act::Answer(to, reply) if to == ticket => Some(reply),
        _ => None,
    });
    (answer, typed)
}

fn given(room: &mut Room, ticket: Ticket) -> Option<Reply> {
    came_of(room, ticket).0
}

#[test]
fn a_decision_is_committed_and_then_given_to_the_waiting_hook() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    let id = id.unwrap();
    show(&mut room, Some("touch x"), Some(&id));
    decide(&mut room, "No");
    assert_eq!(given(&mut room, ticket), None, "nothing before the commit");
    let batch = room.commit().unwrap();
    assert!(batch.changes.iter().any(|change| change.body.as_deref().is_some_and(|body| body.contains(&id))));
    assert!(matches!(&news(&mut room)[..], [RequestNews::Over { answered: true, .. }]));
    assert_eq!(came_of(&mut room, ticket), (None, 0), "nothing before it is written down that it is given");
    room.commit();
    let answer = Reply::Given { role: AnswerRole::Decline, label: "No".into() };
    assert_eq!(came_of(&mut room, ticket), (Some(answer), 0));
    assert_eq!(room.typed(), []);
    assert_eq!(room.core.engine().open_intents().count(), 0, "its outcome is known");
}

#[test]
fn a_decision_that_was_not_given_before_a_crash_is_typed_after_it() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    show(&mut room, Some("touch x"), id.as_deref());
    decide(&mut room, "Yes");
    // What the first round writes down: the decision, and that it is to be given.
    let rows = room.core.engine().rows();
    room.commit();
    assert_eq!(given(&mut room, ticket), None);
    let mut room = Room::with(Engine::restore(policy(), rows).unwrap(), Restored::default());
    room.see(1);
    room.commit();
    room.commit();
    assert_eq!(came_of(&mut room, Ticket(0)).1, 1, "its dialog's key");
    assert!(open(&room).is_empty());
}

#[test]
fn a_hook_that_comes_back_for_an_answer_is_given_it_again() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    show(&mut room, Some("touch x"), id.as_deref());
    decide(&mut room, "Yes");
    room.commit();
    room.commit();
    assert!(matches!(given(&mut room, ticket), Some(Reply::Given { .. })));
    let rows = room.core.engine().rows();
    for (again, later, expect) in [(true, 1, true), (false, 1, false), (true, 61_000, false)] {
        let mut next = Room::with(Engine::restore(policy(), rows.clone()).unwrap(), Restored::default());
        next.see(1);
        next.commit();
        next.now = room.now + tmuxagent_model::Millis(later);
        let (ticket, _) = wait_once_more(&mut next, 1, true, again);
        let answer = Reply::Given { role: AnswerRole::Once, label: "Yes".into() };
        assert_eq!(given(&mut next, ticket), expect.then_some(answer), "{again} {later}");
        assert_eq!(next.typed(), []);
    }
}

#[test]
fn an_answer_that_lasts_and_one_that_nobody_waits_for_are_typed() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    show(&mut room, Some("touch x"), id.as_deref());
    decide(&mut room, "Yes, always");
    room.commit();
    assert_eq!(came_of(&mut room, ticket), (None, 1));

    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    show(&mut room, Some("touch x"), id.as_deref());
    decide(&mut room, "Yes");
    room.core.asker_left(5);
    room.commit();
    room.commit();
    assert_eq!(came_of(&mut room, ticket), (Some(Reply::Done), 1), "its hook has gone before the answer went out");
}

#[test]
fn a_hook_is_let_go_when_its_dialog_is_closed_otherwise() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, true);
    show(&mut room, Some("touch y"), None);
    assert_eq!(given(&mut room, ticket), None, "another dialog than its own");
    show(&mut room, Some("touch x"), id.as_deref());
    assert_eq!(open(&room).len(), 1);
    show(&mut room, None, None);
    assert_eq!((given(&mut room, ticket), open(&room).len()), (Some(Reply::Done), 0));
    // One that never had a dialog goes once its agent rests.
    let (ticket, _) = wait(&mut room, 6, true);
    let front = Front { pid: 500, born: 7, name: "claude".into() };
    let seen = |state| AgentSeen {
        pane: info(1).key,
        agent: "claude".into(),
        process: Some(front.clone()),
        state,
        by: String::new(),
        anew: false,
        interrupted: false,
        unproven: false,
    };
    room.hear(1, HostMessage::Event(Event::Agent(Box::new(seen(AgentState::Working)))));
    assert_eq!(given(&mut room, ticket), None);
    room.hear(1, HostMessage::Event(Event::Agent(Box::new(seen(AgentState::Done)))));
    assert_eq!(given(&mut room, ticket), Some(Reply::Done));
}

#[test]
fn an_agent_whose_dialog_would_wait_for_its_hook_is_not_kept() {
    let mut room = Room::new();
    let (ticket, id) = wait(&mut room, 5, false);
    assert_eq!((given(&mut room, ticket), id), (Some(Reply::Done), None));
}
