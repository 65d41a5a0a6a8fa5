//! What a question showed stands under what follows from it, also where the supervisor was started anew in between; and a
//! question shows nothing of an attempt that it is not about.

use super::evidence::{POLICY, World, me};
use std::sync::Arc;
use tmuxagent_engine::{Cleaner, Engine, Step};
use tmuxagent_model::{Approval, ApprovalKind, ApprovalState, Command, Event, Note, Verdict};

/// What the last lines of the failed attempt are in these tests; the first tells its cause.
const LINES: [(i64, &str); 2] = [(-2, "error: cannot find adds"), (-1, "1 warning emitted")];

/// The policy of the other tests, whose stage goes by a line alone.
fn by_a_line(on_fail: &str) -> String {
    let by_line = POLICY.replace("success_when: [{exit_code: 0}]", "success_when: [{log_regex: passed}]");
    by_line.replace("on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]", on_fail)
}

impl World {
    /// Another life goes on with the rows of this one.
    fn begins_anew(&mut self) {
        let policy = Arc::clone(self.engine.policy());
        self.engine = Engine::restore(policy, self.engine.rows()).expect("rows");
        self.engine.set_cleaner(Cleaner::new(|words| words.replace("hunter2", "[redacted]")));
    }

    fn asked(&self) -> Approval {
        let asked = self.engine.view().approvals.into_iter().find(|asked| asked.state == ApprovalState::Pending);
        asked.expect("asked")
    }

    /// A person says no to the open question, with what this life has heard of its pane.
    fn says_no(&mut self, heard: &[(i64, &str)]) -> Step {
        let verdict = Verdict { approve: false, answer: None };
        let asked = self.asked();
        let decide = Command::Decide { approval: asked.id, revision: asked.revision, verdict };
        let fact = Event::Asked { command: decide, by: me() };
        match heard {
            [] => self.step(fact),
            heard => {
                let printed = self.printed(heard);
                self.step(Event::Witnessed { fact: Box::new(fact), printed })
            }
        }
    }
}

fn said(step: &Step) -> Vec<&str> {
    let said = step.notes.iter().filter_map(|(_, _, note)| match note {
        Note::StageFailed { said, .. } => Some(said.as_str()),
        _ => None,
    });
    said.collect()
}

#[test]
fn a_no_of_a_later_life_is_told_with_the_lines_that_its_question_showed() {
    for anew in [false, true] {
        let mut world = World::with(&by_a_line("cooldown: 1s"));
        world.start();
        world.after(5);
        world.ends(0, &LINES);
        let asked = world.asked();
        assert_eq!((&asked.kind, asked.evidence.len()), (&ApprovalKind::Unclear, 2));
        world.after(60);
        if anew {
            world.begins_anew();
        }
        let heard = [(-62, LINES[0].1), (-61, LINES[1].1)];
        let step = world.says_no(if anew { &[] } else { &heard });
        assert_eq!(said(&step), ["error: cannot find adds"], "{anew}");
        let alert = world.alerts.last().expect("told");
        assert!(alert.ends_with("\nrejected: by wu via key\nerror: cannot find adds\n1 warning emitted"), "{alert}");
        let summary = world.explained()["summary"].to_string();
        assert!(summary.contains("; its output: `error: cannot find adds`"), "{summary}");
        assert_eq!(summary.matches("rejected").count(), 1, "{summary}");
    }
}

/// The next question about the attempt shows them too, and the end of it tells each once.
#[test]
fn a_question_that_follows_from_a_no_of_a_later_life_shows_the_lines_of_the_one_before() {
    let mut world = World::with(&by_a_line("on_fail: [{ask_human: {}}]"));
    world.start();
    world.after(5);
    world.ends(0, &LINES);
    world.after(60);
    world.begins_anew();
    world.says_no(&[]);
    let asked = world.asked();
    assert_eq!(asked.question, "Stage test failed (rejected: by wu via key). Run it again?");
    assert_eq!(asked.evidence, LINES.map(|(_, line)| line));
    world.begins_anew();
    world.after(5);
    world.says_no(&[]);
    let summary = world.explained()["summary"].to_string();
    assert_eq!(summary.matches("rejected").count(), 1, "{summary}");
    assert!(summary.contains("error: cannot find adds"), "{summary}");
}

/// A command that still runs may print on in the later life, in whose pane a person may have said no.
#[test]
fn what_a_later_life_hears_stands_behind_the_lines_of_the_question() {
    for (lines, cause) in [(&LINES[..], "error: cannot find adds"), (&[], "")] {
        let mut world = World::with(&by_a_line("cooldown: 1s"));
        world.start();
        world.after(5);
        let fact = Box::new(Event::Gap { pane: world.pane.clone() });
        let printed = world.printed(lines);
        world.step(Event::Witnessed { fact, printed });
        assert_eq!((world.asked().kind, world.asked().evidence.len()), (ApprovalKind::Gap, lines.len()));
        world.after(60);
        world.begins_anew();
        let step = world.says_no(&[(-1, "rejected")]);
        assert_eq!(said(&step), [cause], "what the cause says already is no output that tells it");
    }
}

#[test]
fn a_later_life_does_not_say_that_an_attempt_printed_nothing() {
    for heard in [&[][..], &[(-1, "li@vm:~/shop$")]] {
        let mut world = World::with(&by_a_line("cooldown: 1s"));
        world.start();
        world.after(5);
        world.ends(0, &[(-9, "of another")]);
        world.after(60);
        world.begins_anew();
        world.says_no(heard);
        let (summary, alert) = (world.explained()["summary"].to_string(), world.alerts.last().expect("told"));
        assert!(!summary.contains("printed nothing") && !alert.contains("printed nothing"), "{summary} {alert}");
    }
}

#[test]
fn a_question_shows_no_line_that_decided_an_earlier_attempt() {
    let fails = "fail_when: [{log_regex: '^broken'}]\n    on_fail: [{retry: {max: 1, backoff: 2s}}, {ask_human: {}}]";
    let mut world = World::with(&by_a_line(fails));
    let line = |world: &mut World, text: &str| {
        let pattern = world.engine.policy().patterns.iter().position(|pattern| pattern.regex.is_match(text));
        let line = tmuxagent_model::LineEvent {
            unended: None,
            front: None,
            pane: world.pane.clone(),
            seq: 1,
            text: text.to_owned(),
            source: tmuxagent_model::LineSource::Stream,
            hits: pattern.and_then(|at| u32::try_from(at).ok()).into_iter().collect(),
            policy: 1,
            message: None,
        };
        world.step(Event::Line(Box::new(line)));
    };
    world.start();
    world.after(3);
    line(&mut world, "broken: of the first");
    world.after(1);
    world.ends(1, &[(-1, "broken: of the first")]);
    world.due();
    world.after(3);
    line(&mut world, "broken: of the second");
    world.after(1);
    world.ends(1, &[(-7, "broken: of the first"), (-1, "broken: of the second")]);
    assert_eq!(world.asked().evidence, ["broken: of the second"]);
}
