//! Why something was not done, in the reader's language: the engine stores a reason in English within its question, and
//! whoever reads Chinese reads all of it in Chinese.

use regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_engine::Engine;
use tmuxagent_model::{
    Approval, ApprovalState, Command, Decider, Effect, Event, Front, HostName, Outcome, PaneFacts, PaneId, PaneInfo,
    PaneKey, PaneReader, Reads, ServerId, SkipReason, Timestamp, Via,
};
use tmuxagent_policy::{Source, load};
use tmuxagent_text::{Lang, question, sentence};

const POLICY: &str = r"
pipelines:
- name: ci
  match: {window_name: w}
  stages:
  - name: test
    triggers: [manual]
    actions_on_start: [{run: make}]
    success_when: [{exit_code: 0}]
    timeout: 30s
";

/// The question that follows when the stage's command comes to this end.
fn asked(outcome: Outcome) -> Option<Approval> {
    let mut policy = load(&[Source::new("p.yaml", POLICY)]).expect("a policy");
    policy.generation = 1;
    let hash = policy.hash.clone();
    let mut engine = Engine::new(Arc::new(policy));
    let pane = PaneKey { host: HostName::local(), server: ServerId::new("s"), pane: PaneId(1), pid: 7 };
    let facts = PaneFacts { window: "w".to_owned(), command: "bash".to_owned(), ..PaneFacts::default() };
    let command = Command::Start {
        pane: pane.clone(),
        pipeline: "ci".to_owned(),
        stage: None,
        inputs: tmuxagent_model::Variables::new(),
    };
    let by = Decider::named("ann", Via::Cli);
    let mut sent = None;
    for event in [
        Event::PolicyLoaded { hash },
        Event::PaneSeen { info: Box::new(PaneInfo::new(pane, facts)) },
        Event::Asked { command, by },
    ] {
        let step = engine.step(Timestamp(1_772_438_400_000), &event);
        sent = step.intents.into_iter().find(|intent| matches!(intent.effect, Effect::Send(_))).or(sent);
    }
    let intent = sent.expect("something to type").id;
    engine.step(Timestamp(1_772_438_401_000), &Event::Outcome { intent, outcome });
    engine.view().approvals.into_iter().find(|approval| approval.state == ApprovalState::Pending)
}

/// English words of the machine in a text; what stands in backticks, and the names of the policy language, are names.
fn english(text: &str) -> Option<String> {
    let names = Regex::new(r"`[^`]*`|actions_on_start|start_pipeline|C-c|--\w+").expect("a pattern");
    let words = Regex::new(r"[A-Za-z][a-z']+ [A-Za-z']*[a-z][A-Za-z']*").expect("a pattern");
    words.find(&names.replace_all(text, "…")).map(|found| found.as_str().to_owned())
}

fn reader(reads: Reads) -> PaneReader {
    let front = Some(Front { pid: 9, born: 1, name: "vim".to_owned() });
    PaneReader { reads, front, ..PaneReader::default() }
}

/// Each reader once; a new one does not compile before it stands here.
fn readers() -> Vec<PaneReader> {
    use Reads as R;
    let first = R::Shell;
    match first {
        R::Shell | R::Draft | R::Command | R::Line | R::Key | R::Password | R::Screen | R::Agent | R::AgentWorks => {}
        R::AgentAsks | R::Nested | R::Mode | R::Dead | R::Unknown => {}
    }
    let all = [
        first,
        R::Draft,
        R::Command,
        R::Line,
        R::Key,
        R::Password,
        R::Screen,
        R::Agent,
        R::AgentWorks,
        R::AgentAsks,
        R::Nested,
        R::Mode,
        R::Dead,
        R::Unknown,
    ];
    let nameless = all.clone().into_iter().map(|reads| PaneReader { reads, ..PaneReader::default() });
    all.clone().into_iter().map(reader).chain(nameless).collect()
}

/// Each reason once; a new one does not compile before it stands here.
fn reasons() -> Vec<SkipReason> {
    use SkipReason as S;
    let first = S::OtherServer;
    match first {
        S::OtherServer | S::OtherSupervisor | S::OtherProcess | S::Dead | S::InMode | S::InputOff => {}
        S::Begun
        | S::Synchronized
        | S::OtherCommand(_)
        | S::ScreenChanged
        | S::Question
        | S::Reader(_)
        | S::Asker(_) => {}
        S::OtherShell(_) | S::Withdrawn | S::Unreachable(_) => {}
    }
    let mut all = vec![first, S::OtherSupervisor, S::OtherProcess, S::Dead, S::InMode, S::InputOff, S::Synchronized];
    all.extend([
        S::Begun,
        S::OtherCommand("vim".to_owned()),
        S::ScreenChanged,
        S::Question,
        S::OtherShell("fish".to_owned()),
    ]);
    all.extend(readers().into_iter().flat_map(|who| [S::Reader(Box::new(who.clone())), S::Asker(Box::new(who))]));
    all
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            found.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

/// What the sources of a crate say at a place of that form, holes filled with a name.
fn said(folders: &[&str], pattern: &str) -> Vec<String> {
    let mut texts = Vec::new();
    folders.iter().for_each(|folder| sources(Path::new(folder), &mut texts));
    let (pattern, fold) = (Regex::new(pattern).expect("a pattern"), Regex::new(r"\\\n\s*").expect("a pattern"));
    let hole = Regex::new(r"\{[^}]*\}").expect("a pattern");
    let all = texts.iter().flat_map(|text| pattern.captures_iter(text));
    let form = |form: &str| hole.replace_all(&fold.replace_all(form, ""), "nas").into_owned();
    all.map(|found| form(&found["text"])).collect()
}

#[test]
fn every_reason_is_asked_in_the_readers_language() {
    let errors = said(
        &["crates/tmux/src", "crates/supervisor/src", "crates/core/src"],
        r#"(?s)(?:Unreachable\(|\berror: )(?:format!\()?\s*"(?P<text>(?:[^"\\]|\\.)*)""#,
    );
    assert!(errors.len() > 5, "the sources are found: {errors:?}");
    let mut outcomes: Vec<Outcome> = reasons().into_iter().map(|reason| Outcome::Skipped { reason }).collect();
    for error in errors {
        outcomes.push(Outcome::Skipped { reason: SkipReason::Unreachable(error.clone()) });
        outcomes.push(Outcome::Failed { error: error.clone() });
        outcomes.push(Outcome::Unknown { error });
    }
    let mut wrong = Vec::new();
    let mut questions = 0;
    for outcome in outcomes {
        let Some(approval) = asked(outcome.clone()) else { continue };
        questions += 1;
        let shown = question(Lang::Zh, &approval);
        wrong.extend(english(&shown).map(|words| format!("{words:?} in {shown:?} ({outcome:?})")));
    }
    assert!(questions > 60, "{questions} questions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cause_of_a_failure_is_told_in_the_readers_language() {
    let mut own = said(
        &["crates/engine/src"],
        r#"(?s)Cause::own\([^,]*,\s*(?:"[a-z_ ]+"|[A-Z_]+),\s*(?:format!\()?"(?P<text>[^"]*)""#,
    );
    assert!(own.len() > 8, "the sources are found: {own:?}");
    own.extend(["it is gone", "nobody watches it any more"].map(str::to_owned));
    let skipped = reasons().into_iter().filter_map(|reason| asked(Outcome::Skipped { reason }));
    let why = |approval: Approval| {
        approval.question.strip_prefix("`make ⏎` ")?.strip_suffix(". Try again?").map(str::to_owned)
    };
    let skipped: Vec<String> = skipped.filter_map(why).collect();
    assert!(skipped.len() > 10, "{skipped:?}");
    let held: Vec<String> = readers().iter().map(|who| who.sentence("vim")).collect();
    let mut texts: Vec<String> = Vec::new();
    for cause in own.iter().chain(&skipped) {
        // An action's own words come with what kept it from being done; the rest is told of each rule of the engine's.
        let rules: &[&str] =
            if skipped.contains(cause) { &["actions_on_start"] } else { &["timeout", "policy", "pane", "interrupted"] };
        for rule in rules {
            texts.push(format!("Stage test failed ({rule}: {cause}). Run it again?"));
            texts.push(format!("failed: {rule}: {cause}"));
        }
    }
    for who in &held {
        let over = "Stage test is not done after 5s, and its command was not told to stop";
        texts.push(format!("{over}: {who}. Give it up?"));
    }
    let wrong: Vec<String> = texts
        .iter()
        .filter_map(|text| {
            let shown = sentence(Lang::Zh, text);
            english(&shown).map(|words| format!("{words:?} in {shown:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
