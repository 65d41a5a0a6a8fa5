//! Marks and what they are worth; that real shells print them is tried in `tests/e2e`.

use super::*;
use crate::{Reader, tracked_command};
use tmuxagent_model::Shell;

struct Pane {
    reader: Reader,
    told: Vec<String>,
}

impl Pane {
    fn new() -> Self {
        let mut reader = Reader::new();
        reader.resize(80, 24);
        Self { reader, told: Vec::new() }
    }

    /// Prints a text in which `<X>` is a mark.
    fn prints(&mut self, text: &str) -> &mut Self {
        let bytes = text.replace('<', "\x1b]133;").replace('>', "\x07");
        let told = &mut self.told;
        self.reader.bytes(bytes.as_bytes(), &mut |reading| tell(&reading, told));
        self
    }

    fn stands(&mut self, history: u64, row: usize) {
        let told = &mut self.told;
        self.reader.stands(history, row, &mut |reading| tell(&reading, told));
    }

    fn phase(&mut self) -> ShellPhase {
        self.reader.shell().phase
    }

    fn trusted(&mut self) -> bool {
        self.reader.shell().trusted
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn tell(reading: &Reading<'_>, told: &mut Vec<String>) {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    match reading {
        Reading::ShellMarks { trusted } => told.push(format!("marks {trusted}")),
        Reading::CommandBegan { token, line, told: seen } => {
            told.push(format!("began {} {}{}", or(token), or(line), if *seen { "" } else { " untold" }));
        }
        Reading::CommandEnded { token, exit } => told.push(format!("ended {} {exit}", or(token))),
        Reading::Line { .. } | Reading::Program(_) | Reading::Title(_) | Reading::Bell | Reading::Malformed { .. } => {}
    }
}

fn running(line: &str) -> ShellPhase {
    ShellPhase::Running { token: None, line: Some(line.to_owned()) }
}

#[test]
fn marks_of_any_shell_tell_a_phase_that_is_not_trusted() {
    let mut pane = Pane::new();
    assert_eq!(pane.phase(), ShellPhase::Unknown);
    assert_eq!(pane.prints("<A>").phase(), ShellPhase::Drawing);
    let prompt = ShellPhase::Prompt { column: Some(2), text: "$".to_owned() };
    assert_eq!(pane.prints("$ <B>").phase(), prompt);
    assert_eq!(pane.prints("mak").phase(), ShellPhase::Draft { column: 2, text: "mak".to_owned() });
    assert_eq!(pane.prints("\x08\x08\x08\x1b[K").phase(), prompt);
    assert_eq!(pane.prints("make all\r\n<C>").phase(), running("make all"));
    assert_eq!(pane.prints("out\r\n<D;2>").phase(), ShellPhase::Ended { exit: Some(2) });
    assert!(!pane.trusted());
    assert_eq!(pane.told(), ["ended - 2"], "a begin without a key is a hint only");
    // fish 4 and kitty tell the line in the mark, VS Code before it.
    assert_eq!(pane.prints("<A>$ <B>x\r\n<C;cmdline_url=npm%20ci>").phase(), running("npm ci"));
    pane.prints("<D;0>\x1b]633;A\x07$ \x1b]633;B\x07y\r\n\x1b]633;E;npm\\x20t;nonce\x07\x1b]633;C\x07");
    assert_eq!(pane.phase(), running("npm t"));
    // A prompt at the right edge is no draft, nor is one of several rows.
    pane.prints("\x1b]633;D\x07<A>first\r\n❯ <B>\x1b[70C12:00\x1b[3G");
    assert_eq!(pane.phase(), ShellPhase::Prompt { column: Some(2), text: "❯".to_owned() });
}

#[test]
fn our_own_marks_are_bound_to_the_shell_and_the_command() {
    let mut pane = Pane::new();
    pane.prints("<A;ta=sh.f0.1>中 <B;ta=sh.f0>npm test\r\n<C;ta=sh.f0.1>");
    assert_eq!(pane.told(), ["marks true", "began sh.f0.1 npm test"]);
    // A program, a file, a shell inside: no key, another, a number that was, one of the future.
    pane.prints("<D;0><D;0;ta=sh.e1.1><D;0;ta=sh.f0.0><D;0;ta=sh.f0.7><A><B><A;ta=sh.e1.0><B;ta=sh.e1><B;ta=sh.f0>");
    pane.prints("<C;ta=sh.f0.1><C><A;ta=sh.f0.1>");
    assert_eq!((pane.phase(), pane.trusted(), pane.told()), (running("npm test"), true, vec![]));
    assert_eq!(pane.prints("<D;1;ta=sh.f0.1>").told(), ["ended sh.f0.1 1"]);
    assert_eq!(pane.prints("<D;0;ta=sh.f0.1>").told(), Vec::<String>::new(), "once");
    // An end that was missed: the next prompt has a later number.
    pane.prints("<A;ta=sh.f0.2>$ <B;ta=sh.f0>x\r\n<C;ta=sh.f0.2>…<A;ta=sh.f0.3>$ <B;ta=sh.f0>");
    assert_eq!(pane.phase(), ShellPhase::Prompt { column: Some(3), text: "…$".to_owned() });
}

#[test]
fn who_begins_to_read_in_the_middle_of_a_command_is_told_its_end() {
    let mut pane = Pane::new();
    assert_eq!(pane.prints("…<D;3;ta=sh.f0.7>").told(), ["marks true", "ended sh.f0.7 3"]);
    assert_eq!(pane.prints("<D;0;ta=sh.f0.7><D;0;ta=sh.f0.6>").told(), Vec::<String>::new(), "once");
    assert_eq!(pane.prints("<A;ta=sh.f0.8>$ <B;ta=sh.f0>\r\n<C;ta=sh.f0.8>").told(), ["began sh.f0.8 "]);
}

#[test]
fn a_prompt_is_found_again_where_rows_are_counted_anew() {
    let prompt = ShellPhase::Prompt { column: Some(2), text: "$".to_owned() };
    let mut pane = Pane::new();
    pane.prints("<A;ta=sh.f0.1>$ <B;ta=sh.f0>");
    pane.stands(400, 7);
    assert_eq!(pane.phase(), prompt);
    assert_eq!(pane.prints("mak").phase(), ShellPhase::Draft { column: 2, text: "mak".to_owned() });
    // What runs is not known where its end may have been missed; that is still taken where it comes.
    pane.prints("e\r\n<C;ta=sh.f0.1>");
    assert_eq!(pane.phase(), running("make"));
    pane.told();
    pane.stands(500, 7);
    assert_eq!((pane.phase(), pane.told()), (ShellPhase::Unknown, vec!["marks false".to_owned()]));
    assert_eq!(pane.prints("<D;3;ta=sh.f0.1>").told(), ["ended sh.f0.1 3"]);
    // The row of the next prompt is known, so a line behind it can be read.
    assert_eq!(pane.prints("<A;ta=sh.f0.2>$ <B;ta=sh.f0>").told(), ["marks true"]);
    // The cursor is elsewhere: neither an empty prompt nor a draft is known of.
    pane.prints("\r\nsomething that nobody told of");
    pane.stands(900, 3);
    assert_eq!((pane.phase(), pane.trusted()), (ShellPhase::Unknown, true));
    assert_eq!(pane.prints("\r\n<A;ta=sh.f0.3>$ <B;ta=sh.f0>").phase(), prompt);
}

#[test]
fn two_that_claim_to_be_the_shell_are_both_disbelieved() {
    let mut pane = Pane::new();
    pane.prints("<A;ta=sh.f0.1>$ <B;ta=sh.f0><A;ta=sh.e1.1>$ <B;ta=sh.e1>");
    assert_eq!(pane.told(), ["marks true", "marks false"]);
    pane.prints("x\r\n<C;ta=sh.e1.1><D;0;ta=sh.e1.1><C;ta=sh.f0.1><D;0;ta=sh.f0.1>");
    assert_eq!((pane.phase(), pane.trusted(), pane.told()), (ShellPhase::Unknown, false, vec![]));
}

#[test]
fn a_tracked_command_tells_its_begin_and_where_it_can_not() {
    let mut pane = Pane::new();
    let typed = format!("{}\n", tracked_command(Shell::Zsh, &"make".into(), "01-J"));
    pane.reader.typed(&typed);
    pane.prints(&format!("$ {}\r\n<C;ta=01-J>", typed.trim_end().replace(['<', '>'], "")));
    assert_eq!(pane.told(), ["began 01-J -"]);
    assert_eq!(pane.phase(), ShellPhase::Running { token: Some("01-J".to_owned()), line: None });
    // Read by captures alone.
    let mut pane = Pane::new();
    pane.prints("before");
    pane.reader.typed(&typed);
    let told = &mut pane.told;
    pane.reader.history(&["before".to_owned()], &mut |reading| tell(&reading, told));
    assert_eq!(pane.told(), ["began 01-J - untold"]);
}

#[test]
fn lines_that_are_entered_are_counted_by_their_editor() {
    let mut reader = Reader::new();
    let mut nothing = |_: Reading<'_>| {};
    reader.bytes(b"\x1b[?2004h$ ls", &mut nothing);
    assert_eq!(reader.lines_entered(), 0);
    reader.bytes(b"\x1b[?2004l\r\nfile\r\n", &mut nothing);
    assert_eq!(reader.lines_entered(), 0, "no other was begun");
    reader.bytes(b"\x1b[?2004h$ \x1b[?2004h", &mut nothing);
    assert_eq!(reader.lines_entered(), 1);
}
