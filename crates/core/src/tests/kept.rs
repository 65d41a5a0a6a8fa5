//! What stays of what is over has a bound: a long life keeps no more than a short one.

use super::*;
use serde_json::Value;
use tmuxagent_model::{ApprovalId, EventLine, Millis, Note, Outcome, Verdict};

const PANES: u32 = 6;

/// Two pipelines whose first stage fails now and then.
fn policy() -> Arc<Policy> {
    let pipeline = |n: u32| {
        format!(
            "- name: p{n}
  match: {{window_name: w}}
  stages:
  - name: lint
    triggers: [{{log_regex: '^begin {n}$'}}]
    actions_on_start: [{{send_keys: 'lint'}}]
    success_when: [{{log_regex: '^passed {n}$'}}]
    fail_when: [{{log_regex: '^failed {n}$'}}]
    on_fail: [{{ask_human: {{}}}}]
    timeout: 5m
  - name: build
    triggers: [{{after_stage_success: lint}}]
    require_approval: {{expires: 30m, on_expiry: reject}}
    actions_on_start: [{{send_keys: 'build'}}]
    success_when: [{{log_regex: '^built {n}$'}}]
    timeout: 5m
"
        )
    };
    let text = format!("pipelines:\n{}", (0..2).map(pipeline).collect::<String>());
    let mut policy = load(&[Source::new("p.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"));
    policy.generation = 1;
    Arc::new(policy)
}

/// A heart that watches many panes, whose keys arrive as soon as they are written down.
struct Busy {
    room: Room,
    lines: u64,
    decisions: u32,
    answered: usize,
    asked: Option<ApprovalId>,
}

impl Busy {
    fn new() -> Self {
        let mut room = Room::with(Engine::new(policy()), Restored::default());
        (1..=PANES).for_each(|pane| room.see(pane));
        let mut busy = Self { room, lines: 0, decisions: 0, answered: 0, asked: None };
        busy.settle();
        busy
    }

    fn settle(&mut self) {
        while let Some(round) = self.room.core.finish(self.room.now) {
            let notes: Vec<_> = round.batch().events.iter().flat_map(|row| row.notes.clone()).collect();
            let lines = notes.into_iter().map(|(severity, place, note)| {
                if let Note::ApprovalAsked { approval, .. } = &note {
                    self.asked = Some(approval.clone());
                }
                self.lines += 1;
                EventLine { seq: self.lines, at: self.room.now, severity, place, note }
            });
            let lines = lines.collect();
            self.room.core.written(self.room.now, round, Committed { lines, ..Committed::default() });
            for act in self.room.core.acts() {
                match act {
                    Act::Type { intent, .. } => {
                        let ended = Event::Outcome { intent: intent.id, outcome: Outcome::Done };
                        self.room.core.take(self.room.now, Input::Ended(ended));
                    }
                    Act::Answer(_, Reply::Committed { .. }) => self.answered += 1,
                    _ => {}
                }
            }
            self.room.now = self.room.now + Millis(50);
        }
    }

    fn print(&mut self, pane: u32, text: &str) {
        self.room.print_in(pane, text);
        let position = Position::default();
        self.room.hear(1, HostMessage::Position { pane: info(pane).key, position });
        self.settle();
    }

    /// Answers what was asked last.
    fn decide(&mut self, approve: bool) {
        let approval = self.asked.take().expect("a question");
        let verdict = Verdict { approve, answer: None };
        self.room.wish(Command::Decide { approval, revision: 1, verdict });
        self.decisions += 1;
        self.settle();
    }

    /// One run, with a decision or two; some fail, and some are answered with no.
    fn run(&mut self, number: u32) {
        let (pane, n) = (1 + number % PANES, number / PANES % 2);
        self.print(pane, &format!("begin {n}"));
        if number.is_multiple_of(5) {
            self.print(pane, &format!("failed {n}"));
            self.decide(true);
        }
        self.print(pane, &format!("passed {n}"));
        self.decide(!number.is_multiple_of(3));
        self.print(pane, &format!("built {n}"));
    }

    fn until(&mut self, decisions: u32) -> usize {
        let mut number = self.decisions;
        while self.decisions < decisions {
            self.run(number);
            number += 1;
        }
        self.room.core.snapshot(self.room.now);
        self.kept()
    }

    /// How many values there are in all that the next input meets: what a checkpoint holds.
    fn kept(&mut self) -> usize {
        let core = &mut self.room.core;
        // Two checkpoints, and a MiB behind each.
        assert!(core.dump(&[]).is_some_and(|taken_in| taken_in.len() < 6 << 20));
        assert!(core.acts.is_empty() && core.early.is_empty() && core.unkept.intents().is_empty());
        core.trace.stop();
        core.begin_trace_anew();
        let dump = core.dump(&[]).expect("a checkpoint");
        values(&serde_json::from_str(dump.lines().nth(1).expect("a checkpoint")).expect("JSON"))
    }
}

/// The values in a document; rows of the state are documents in it.
fn values(of: &Value) -> usize {
    match of {
        Value::Array(all) => all.iter().map(values).sum(),
        Value::Object(all) => all.values().map(values).sum(),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object).map_or(1, |row| values(&row)),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

#[test]
fn three_thousand_decisions_leave_no_more_than_a_thousand() {
    let mut busy = Busy::new();
    let begin = busy.kept();
    let (early, late) = (busy.until(1_000), busy.until(3_000));
    assert_eq!(busy.answered, busy.decisions as usize, "each decision was written down");
    println!("values kept: {begin} at the start, {early} after 1,000 decisions, {late} after {}", busy.decisions);
    // How many of the last runs failed differs a little.
    assert!(late <= early + early / 50, "{early} → {late}");
    let view = busy.room.core.engine().view();
    assert!(view.approvals.len() <= 201, "{}", view.approvals.len());
}
