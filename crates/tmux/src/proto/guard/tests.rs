use super::*;
use tmuxagent_model::{HostName, PaneId, ServerId};

fn nonce() -> Nonce {
    Nonce::new([1; 16])
}

fn key() -> PaneKey {
    PaneKey { host: HostName::local(), server: ServerId::new("U1"), pane: PaneId(3), pid: 42 }
}

fn token() -> Token {
    Token::new("T", [0; 8])
}

fn intent() -> IntentId {
    IntentId::new("I-7")
}

const fn block(rows: Vec<Vec<u8>>) -> Block {
    Block { rows, ended: Ended::Well }
}

/// The verdict on a skip row with these fields.
fn on_skip(fields: [&str; 8], command: Option<&str>, screen: Option<&str>) -> Verdict {
    let (key, claim) = (key(), token());
    let row = row_format(&nonce(), &[&fields[..], &[claim.as_str()]].concat());
    let rows = row.split('\n').map(|line| line.as_bytes().to_vec()).collect();
    let reply = Reply { blocks: vec![block(vec![Parser::raw_mark(&nonce()).into_bytes()]), block(rows)] };
    verdict(
        &nonce(),
        &intent(),
        &Expectation { pane: &key, claim: &claim, command, screen, questions: Questions::Respected, still: None },
        &reply,
    )
}

#[test]
fn every_reason_to_skip_is_told_apart() {
    let skipped = |reason| Verdict::Skipped(reason);
    let cases = [
        (["U2", "I-7", "42", "0", "0", "0", "0", "sh"], skipped(SkipReason::OtherServer)),
        (["U1", "I-7", "43", "0", "0", "0", "0", "sh"], Verdict::Earlier),
        (["U1", "I-6", "43", "0", "0", "0", "0", "sh"], skipped(SkipReason::OtherProcess)),
        (["U1", "", "", "1", "0", "0", "0", ""], skipped(SkipReason::Dead)),
        (["U1", "", "42", "1", "1", "0", "0", ""], skipped(SkipReason::Dead)),
        (["U1", "", "42", "0", "1", "1", "1", "sh"], skipped(SkipReason::InMode)),
        (["U1", "", "42", "0", "0", "1", "1", "sh"], skipped(SkipReason::InputOff)),
        (["U1", "", "42", "0", "0", "0", "1", "sh"], skipped(SkipReason::Synchronized)),
        (["U1", "", "42", "0", "0", "0", "0", "vim"], skipped(SkipReason::OtherCommand("vim".to_owned()))),
        (["U1", "", "42", "0", "0", "0", "0", "sh"], skipped(SkipReason::ScreenChanged)),
    ];
    for (fields, expected) in cases {
        assert_eq!(on_skip(fields, Some("sh"), Some("y/n")), expected, "{fields:?}");
    }
}

#[test]
fn whoever_lost_the_server_is_told_so_before_anything_else_but_what_was_typed() {
    let (key, claim) = (key(), token());
    let expect = Expectation {
        pane: &key,
        claim: &claim,
        command: None,
        screen: None,
        questions: Questions::Answered,
        still: None,
    };
    let on_skip = |last: &str| {
        let row = row_format(&nonce(), &["U1", last, "42", "1", "1", "1", "1", "sh", "X.1"]);
        let reply = Reply { blocks: vec![block(vec![row.into_bytes()])] };
        verdict(&nonce(), &intent(), &expect, &reply)
    };
    assert_eq!(on_skip("I-7"), Verdict::Earlier);
    assert_eq!(on_skip("X-9"), Verdict::Skipped(SkipReason::OtherSupervisor));
    let line = send_line(&nonce(), &intent(), &expect, Input::Prompt("x")).unwrap();
    assert!(
        line.contains("#{==:#{@tmuxagent_server}|#{@tmuxagent_owner}|#{pane_pid}|")
            && line.contains(",U1|T.0000000000000000|42|")
    );
}

#[test]
fn a_command_name_cannot_pretend_to_be_an_answer() {
    let forged = format!("sh\nSENT {}", "guess");
    let got = on_skip(["U1", "", "42", "0", "0", "0", "0", &forged], Some("sh"), None);
    assert_eq!(got, Verdict::Skipped(SkipReason::OtherCommand(forged)));
}

#[test]
fn errors_before_and_after_the_mark_differ() {
    let (key, claim) = (key(), token());
    let expect = Expectation {
        pane: &key,
        claim: &claim,
        command: None,
        screen: None,
        questions: Questions::Answered,
        still: None,
    };
    let error = Block { rows: vec![b"no".to_vec()], ended: Ended::WithError };
    let alone = Reply { blocks: vec![error.clone()] };
    let later = Reply { blocks: vec![block(Vec::new()), error] };
    assert_eq!(verdict(&nonce(), &intent(), &expect, &alone), Verdict::Refused("no".to_owned()));
    assert_eq!(verdict(&nonce(), &intent(), &expect, &later), Verdict::Broken("no".to_owned()));
}

#[test]
fn what_cannot_be_typed_is_refused_before_anything_is_sent() {
    let (key, claim) = (key(), token());
    let expect = Expectation {
        pane: &key,
        claim: &claim,
        command: None,
        screen: None,
        questions: Questions::Answered,
        still: None,
    };
    let line = |steps: &[KeyStep]| send_line(&nonce(), &intent(), &expect, Input::Keys(steps)).map(|_| ());
    assert_eq!(line(&[]), Err(InputError::Empty));
    assert_eq!(line(&[KeyStep::Key("Entr".to_owned())]), Err(InputError::UnknownKey("Entr".to_owned())));
    assert_eq!(line(&[KeyStep::Text("x".repeat(170_000))]), Err(InputError::TooLong(170_000)));
    let bad = send_line(&nonce(), &IntentId::new("a,b"), &expect, Input::Prompt("x"));
    assert_eq!(bad, Err(InputError::BadMark("a,b".to_owned())));
}

#[test]
fn the_line_is_one_physical_line_whatever_the_text() {
    let (key, claim) = (key(), token());
    let expect = Expectation {
        pane: &key,
        claim: &claim,
        command: Some("a,b}"),
        screen: Some("^Do you, #1"),
        questions: Questions::Answered,
        still: None,
    };
    let steps = [KeyStep::Text("a\n\0b".to_owned()), KeyStep::Key("Enter".to_owned())];
    let line = send_line(&nonce(), &intent(), &expect, Input::Keys(&steps)).unwrap();
    assert!(!line.contains(['\n', '\0']), "{line}");
    assert!(line.contains(r#"send-keys -t %3 -l -- 'a'"\012" ; send-keys -t %3 -H 00 ; send-keys -t %3 -l -- 'b'"#));
    assert!(line.contains("set-option -p -t %3 @tmuxagent_last 'I-7'"));
}

#[test]
fn what_somebody_has_begun_at_a_line_editor_is_ended_first() {
    let (key, claim) = (key(), token());
    let line = |command: &str, edits: bool, steps: &[KeyStep]| {
        let still = Still { edits, command: command.to_owned(), ..Still::never() };
        let expect = Expectation {
            pane: &key,
            claim: &claim,
            command: None,
            screen: None,
            questions: Questions::Answered,
            still: Some(&still),
        };
        let line = send_line(&nonce(), &intent(), &expect, Input::Keys(steps)).unwrap();
        let typed = line.split("send-keys -t %3 -- ").skip(1).map(|keys| keys.split(" ;").next().unwrap_or_default());
        typed.map(str::to_owned).collect::<Vec<_>>()
    };
    let (text, named) = (KeyStep::Text("make".to_owned()), |name: &str| KeyStep::Key(name.to_owned()));
    let text = std::slice::from_ref(&text);
    assert_eq!(line("bash", true, text), ["0x69 BSpace 0x69 BSpace"]);
    assert_eq!(line("zsh", true, text), ["0x69 BSpace C-u 0x69 BSpace"], "it shows no number");
    assert!(line("dash", false, text).is_empty());
    let bare = [named("0x69"), named("BSpace"), text[0].clone()];
    assert_eq!(line("zsh", true, &bare)[0], "0x69 BSpace C-u 0x69 BSpace", "what is typed bare");
    assert_eq!(line("zsh", true, &[named("C-c")]).len(), 1);
}
