//! Compare-and-send: exactly once, and never into the wrong program.

use crate::support::watched::{Watched, keys};
use crate::support::{PATIENCE, TmuxServer, wait_for};
use tmuxagent_model::{
    Effect, Event, IntentId, KeyStep, Outcome, PaneId, PaneKey, Prompt, SendKeys, ServerId, SkipReason,
};
use tmuxagent_tmux::HostMessage;

/// All outcomes of an intent.
fn outcomes(watched: &Watched, intent: &IntentId) -> Vec<Outcome> {
    let told = watched.messages().into_iter().filter_map(|message| match message {
        HostMessage::Event(Event::Outcome { intent: told, outcome }) if told == *intent => Some(outcome),
        _ => None,
    });
    told.collect()
}

/// Sends with conditions and gives the outcome.
fn send(watched: &Watched, intent: &str, send: SendKeys) -> Outcome {
    let (intent, pane) = (IntentId::new(intent), send.pane.clone());
    watched.handle.send(intent.clone(), send);
    let outcome = watched.wait_outcome(&intent);
    watched.handle.release(pane);
    outcome
}

const fn skipped(reason: SkipReason) -> Outcome {
    Outcome::Skipped { reason }
}

#[test]
fn an_intent_that_is_sent_again_and_again_is_typed_once() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let file = server.folder().join("typed");
    let text = format!("echo x >> {}", file.display());
    let rounds = 20;
    for round in 0..rounds {
        let intent = IntentId::new(format!("I-{round}"));
        for again in 0..5 {
            if again % 2 == 0 {
                watched.handle.send(intent.clone(), keys(&pane, &text));
            } else {
                watched.handle.settle(intent.clone(), &Effect::Send(keys(&pane, &text)));
            }
        }
        for told in 1..=5 {
            wait_for(PATIENCE, "an outcome", || (outcomes(&watched, &intent).len() == told).then_some(()));
            watched.handle.release(pane.clone());
        }
        assert_eq!(outcomes(&watched, &intent), vec![Outcome::Done; 5]);
    }
    assert_eq!(watched.type_line(&pane, "last", "echo the nee''dle"), Outcome::Done);
    watched.wait_line("needle");
    assert_eq!(std::fs::read_to_string(&file).expect("what was typed").lines().count(), rounds);
}

#[test]
fn the_next_send_waits_until_the_last_outcome_is_committed() {
    let server = TmuxServer::running("");
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let (first, second) = (IntentId::new("A"), IntentId::new("B"));
    watched.handle.send(first.clone(), keys(&pane, "echo one"));
    watched.handle.send(second.clone(), keys(&pane, "echo two"));
    watched.wait_outcome(&first);
    wait_for(PATIENCE, "the first answer", || server.screen("main").contains("\none\n").then_some(()));
    assert_eq!(server.tmux(&["show-options", "-p", "-v", "-t", "main", "@tmuxagent_last"]), "A");
    assert!(outcomes(&watched, &second).is_empty());
    watched.handle.release(pane);
    assert_eq!(watched.wait_outcome(&second), Outcome::Done);
}

#[test]
fn every_state_of_the_pane_that_forbids_typing_is_named() {
    let server = TmuxServer::running("cat");
    server.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let plain = || keys(&pane, "x");

    server.tmux(&["copy-mode", "-t", "main"]);
    assert_eq!(send(&watched, "mode", plain()), skipped(SkipReason::InMode));
    server.tmux(&["send-keys", "-t", "main", "-X", "cancel"]);
    server.tmux(&["select-pane", "-d", "-t", "main"]);
    assert_eq!(send(&watched, "input", plain()), skipped(SkipReason::InputOff));
    server.tmux(&["select-pane", "-e", "-t", "main"]);
    server.tmux(&["set-option", "-w", "-t", "main", "synchronize-panes", "on"]);
    assert_eq!(send(&watched, "sync", plain()), skipped(SkipReason::Synchronized));
    server.tmux(&["set-option", "-w", "-t", "main", "synchronize-panes", "off"]);

    let command = SendKeys { expect_command: Some("vim".to_owned()), ..plain() };
    assert_eq!(send(&watched, "command", command), skipped(SkipReason::OtherCommand("cat".to_owned())));
    let command = SendKeys { expect_command: Some("cat".to_owned()), ..plain() };
    assert_eq!(send(&watched, "command-2", command), Outcome::Done);
    let screen = |pattern: &str| SendKeys { expect_screen: Some(pattern.to_owned()), ..plain() };
    assert_eq!(send(&watched, "screen", screen("^Do you, #\\{1\\}")), skipped(SkipReason::ScreenChanged));
    let question = "Do you, #{1}";
    assert_eq!(watched.type_line(&pane, "ask", question), Outcome::Done);
    wait_for(PATIENCE, "the question", || server.screen("main").contains(question).then_some(()));
    assert_eq!(send(&watched, "screen-2", screen("^Do you, #\\{1\\}")), Outcome::Done);

    let server_2 = PaneKey { server: ServerId::new("another"), ..pane.clone() };
    assert_eq!(send(&watched, "server", keys(&server_2, "x")), skipped(SkipReason::OtherServer));
    let process = PaneKey { pid: 1, ..pane.clone() };
    assert_eq!(send(&watched, "process", keys(&process, "x")), skipped(SkipReason::OtherProcess));
    let nowhere = PaneKey { pane: PaneId(99), ..pane.clone() };
    assert_eq!(send(&watched, "pane", keys(&nowhere, "x")), skipped(SkipReason::OtherProcess));
    let unknown = IntentId::new("settled");
    watched.handle.settle(unknown.clone(), &Effect::Send(keys(&nowhere, "x")));
    assert!(matches!(watched.wait_outcome(&unknown), Outcome::Unknown { .. }), "nobody can know");

    let misspelt = SendKeys { steps: vec![KeyStep::Key("Entr".to_owned())], ..plain() };
    assert!(matches!(send(&watched, "key", misspelt), Outcome::Failed { error } if error.contains("`Entr`")));
    let end = SendKeys { steps: vec![KeyStep::Key("C-d".to_owned())], ..plain() };
    server.tmux(&["send-keys", "-t", "main", "Enter"]);
    assert_eq!(send(&watched, "end", end), Outcome::Done);
    let dead = || (server.tmux(&["display-message", "-p", "-t", "main", "#{pane_dead}"]) == "1").then_some(());
    wait_for(PATIENCE, "the pane's end", dead);
    assert_eq!(send(&watched, "dead", plain()), skipped(SkipReason::Dead));
    let prompt = Prompt { pane: pane.clone(), text: "x".to_owned(), expect_command: None, needs: Default::default() };
    let intent = IntentId::new("prompt-dead");
    watched.handle.prompt(intent.clone(), prompt);
    assert_eq!(watched.wait_outcome(&intent), skipped(SkipReason::Dead));
    assert!(server.is_running(), "pasting into a dead pane would have ended it");
}

#[test]
fn every_text_arrives_byte_for_byte() {
    let server = TmuxServer::prepare();
    let file = server.folder().join("out");
    server.start(&format!("stty raw -echo; printf ready; exec cat > {}", file.display()));
    wait_for(PATIENCE, "the program", || server.screen("main").contains("ready").then_some(()));
    let watched = Watched::new(&server, &["needle"]);
    let pane = watched.wait_live(&server, "main").key;
    let long = "0123456789abcdef~#{x};".repeat(2000);
    let texts = [
        "~/x",
        "-l --",
        ";",
        "#{pane_id} #(date)",
        "$HOME `ls` \\",
        "中文 👩‍👩‍👧 e\u{301}",
        "tab\there\nline\rcr\u{1b}[A",
        "%% %H",
        &long,
    ];
    let mut expected = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let steps = vec![KeyStep::Text((*text).to_owned())];
        let what = SendKeys {
            pane: pane.clone(),
            steps,
            expect_command: None,
            expect_screen: None,
            needs: Default::default(),
            shells: Vec::new(),
        };
        assert_eq!(send(&watched, &format!("T-{number}"), what), Outcome::Done);
        expected.extend_from_slice(text.as_bytes());
    }
    let prompt = "first line\nsecond #{line}\n";
    let intent = IntentId::new("prompt");
    watched.handle.prompt(
        intent.clone(),
        Prompt { pane, text: prompt.to_owned(), expect_command: None, needs: Default::default() },
    );
    // The program shows nothing of it, so nobody can say that it was taken.
    assert!(matches!(watched.wait_outcome(&intent), Outcome::Unknown { .. }));
    expected.extend_from_slice(prompt.as_bytes());
    expected.push(b'\r');
    wait_for(PATIENCE, "all bytes", || (std::fs::read(&file).ok()?.len() >= expected.len()).then_some(()));
    assert_eq!(std::fs::read(&file).expect("the file").escape_ascii().to_string(), expected.escape_ascii().to_string());
}
