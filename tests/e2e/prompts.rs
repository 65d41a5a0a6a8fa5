//! Prompts for agents: taken, seen to be taken, and never an answer to a question of theirs.

use crate::support::TmuxServer;
use crate::support::watched::Watched;
use tmuxagent_model::{Event, IntentId, Outcome, PaneKey, Prompt, SkipReason};
use tmuxagent_tmux::HostMessage;

/// A program with an input line of its own: it ignores so many Enters, then says what it was given. Its letters are read
/// one by one, as agents do; `dialog` shows a question first.
const AGENT: &str = r#"
stty raw -echo
cr=$(printf '\r'); lf='
'
swallow=$1; line=
[ "$2" = screen ] && printf '\033[?1049h\033[H'
[ "$2" = dialog ] && printf 'Do you want to proceed?\r\n❯ 1. Yes\r\n  2. No\r\nEsc to cancel · Tab to amend\r\n'
[ "$2" = dialog ] || printf '❯ '
while :; do
  c=$(dd bs=1 count=1 2>/dev/null; printf x); c=${c%x}
  [ -n "$c" ] || exit
  case $c in
  "$cr")
    if [ "$swallow" -le 0 ]; then printf '\r\n● got: %s\r\n❯ ' "$line"; line=
    else swallow=$((swallow - 1)); fi ;;
  "$lf") line="$line|"; printf '\r\n  ' ;;
  *) line="$line$c"; printf '%s' "$c" ;;
  esac
done
"#;

fn agent(arguments: &str) -> TmuxServer {
    let server = TmuxServer::prepare();
    let script = server.folder().join("agent.sh");
    std::fs::write(&script, AGENT).expect("a script");
    server.start(&format!("exec sh '{}' {arguments}", script.display()));
    server
}

fn prompt(watched: &Watched, pane: &PaneKey, intent: &str, text: &str) -> Outcome {
    let intent = IntentId::new(intent);
    let prompt = Prompt { pane: pane.clone(), text: text.to_owned(), expect_command: None, needs: Default::default() };
    watched.handle.prompt(intent.clone(), prompt);
    let outcome = watched.wait_outcome(&intent);
    watched.handle.release(pane.clone());
    outcome
}

const TEXT: &str = "Fix the tests, please.\nThen say that it is done.";

#[test]
fn a_prompt_is_taken_and_what_it_leads_to_stands_behind_it() {
    for how in ["line", "screen"] {
        let server = agent(&format!("0 {how}"));
        let watched = Watched::new(&server, &["got: "]);
        let pane = watched.wait_live(&server, "main").key;
        for round in 0..3 {
            let intent = format!("I-{round}");
            assert_eq!(prompt(&watched, &pane, &intent, &format!("{TEXT} {round}")), Outcome::Done, "{how}");
            let answer = format!("done. {round}");
            watched.wait("the answer", |message| match message {
                HostMessage::Event(Event::Line(line)) if line.text.contains(&answer) => Some(()),
                _ => None,
            });
            let said = watched.messages();
            let place = |wanted: &dyn Fn(&Event) -> bool| {
                said.iter().position(|message| matches!(message, HostMessage::Event(event) if wanted(event)))
            };
            let outcome =
                place(&|event| matches!(event, Event::Outcome { intent: told, .. } if told.as_str() == intent));
            let line = place(&|event| matches!(event, Event::Line(line) if line.text.contains(&answer)));
            assert!(outcome < line, "{how}: {outcome:?} {line:?}");
        }
    }
}

#[test]
fn an_enter_that_was_swallowed_is_pressed_again() {
    for how in ["line", "screen"] {
        let server = agent(&format!("1 {how}"));
        let watched = Watched::new(&server, &["got: "]);
        let pane = watched.wait_live(&server, "main").key;
        assert_eq!(prompt(&watched, &pane, "I-1", TEXT), Outcome::Done, "{how}");
        watched.wait_line("got: ");
        assert_eq!(server.screen("main").matches("● got: Fix the tests, please.").count(), 1, "{how}");
    }
}

#[test]
fn a_prompt_that_is_never_taken_is_told() {
    let server = agent("99 screen");
    let watched = Watched::new(&server, &["got: "]);
    let pane = watched.wait_live(&server, "main").key;
    let Outcome::Unknown { error } = prompt(&watched, &pane, "I-1", TEXT) else { panic!("told as taken") };
    assert_eq!(error, "it was pasted, but the program did not take it: it stands in its input line");
}

#[test]
fn a_prompt_never_answers_a_question() {
    let server = agent("0 dialog");
    let watched = Watched::new(&server, &["got: "]);
    let pane = watched.wait_live(&server, "main").key;
    let outcome = prompt(&watched, &pane, "I-1", TEXT);
    assert_eq!(outcome, Outcome::Skipped { reason: SkipReason::Question });
    assert!(!server.screen("main").contains("Fix the tests"));
    // A person's keys may answer.
    assert_eq!(watched.type_line(&pane, "I-2", "1"), Outcome::Done);
    watched.wait_line("got: 1");
}

#[test]
fn a_program_that_reads_lines_takes_a_prompt_too() {
    let server = TmuxServer::running("exec cat");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    assert_eq!(prompt(&watched, &pane, "I-1", "look for the needle"), Outcome::Done);
    watched.wait_line("needle");
}
