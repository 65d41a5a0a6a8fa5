use super::*;
use tmuxagent_model::AgentState;

const CLAUDE: &HookFile = &HOOK_FILES[0];
const CODEX: &HookFile = &HOOK_FILES[1];

fn program() -> Vec<String> {
    vec!["/opt/tmuxagent/bin/tmuxagent".to_owned()]
}

/// Files as people have them, each with a reason to go wrong.
const FILES: &[&str] = &[
    "",
    "{}",
    "{}\n",
    "{\n  \"model\": \"opus\"\n}\n",
    "{\n\t\"model\": \"opus\",\n\t\"env\": {\"A\": \"1\"}\n}\n",
    "{\r\n    \"model\": \"opus\"\r\n}\r\n",
    "{\"model\":\"opus\"}",
    "{\"model\":\"opus\",}",
    "\u{feff}{\n  \"a\": 1\n}\n",
    "{\n  \"a\": 1 // the last one\n  // and a word behind it\n}\n",
    "// at the top\n{\n  \"a\": \"}//{\", /* here */\n}\n",
    "{\n  \"a\": \"1\"}",
    "{\n  \"z\": 1,\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          { \"type\": \"command\", \
     \"command\": \"say done\" }\n        ]\n      }\n    ]\n  },\n  \"a\": [1, 2.5e3, null, true]\n}\n",
    "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say 'tmuxagent hook Stop'\"}]}]}}\n",
    "{\n  \"hooks\": {\n    \"Notification\": [], // none\n    \"Stop\": [{\"hooks\": []}]\n  }\n}\n",
];

#[test]
fn what_was_installed_is_taken_out_to_the_letter() {
    for file in HOOK_FILES {
        for text in FILES {
            let with = install(text, &file, &program()).unwrap();
            assert_ne!(&with, text);
            assert_eq!(installed(&with, &file, &program()), Ok(Installed::Yes), "{with}");
            assert_eq!(install(&with, &file, &program()).unwrap(), with, "a second time nothing is left to do");
            assert_eq!(commands(&with).unwrap().len(), file.events.len());
            let without = uninstall(&with).unwrap();
            let (left, expected) = if text.is_empty() { (without.trim(), "{}") } else { (without.as_str(), *text) };
            assert_eq!(left, expected, "{with}");
            assert_eq!(uninstall(text).unwrap(), *text, "where nothing is ours nothing changes");
        }
    }
}

#[test]
fn strict_json_stays_strict_json_with_all_that_was_there() {
    for text in FILES.iter().filter(|text| serde_json::from_str::<serde_json::Value>(text).is_ok()) {
        let with: serde_json::Value = serde_json::from_str(&install(text, CLAUDE, &program()).unwrap()).unwrap();
        let before: serde_json::Value = serde_json::from_str(text).unwrap();
        for (key, value) in before.as_object().unwrap().iter().filter(|(key, _)| *key != "hooks") {
            assert_eq!(&with[key], value);
        }
        for event in CLAUDE.events {
            let group = with["hooks"][event.name].as_array().unwrap().last().unwrap();
            let command = group["hooks"][0]["command"].as_str().unwrap();
            assert_eq!(command, format!("/opt/tmuxagent/bin/tmuxagent hook {} --by-tmuxagent", event.name));
            assert_eq!(group["matcher"].as_str(), event.matcher);
        }
        let own = before["hooks"]["Stop"].as_array().cloned().unwrap_or_default();
        assert_eq!(with["hooks"]["Stop"].as_array().unwrap()[..own.len()], own[..], "others keep their place");
    }
}

#[test]
fn a_file_is_written_as_it_is_written_already() {
    let tabs = install("{\n\t\"a\": 1\n}\n", CODEX, &program()).unwrap();
    assert!(tabs.starts_with("{\n\t\"a\": 1,\n\t\"hooks\": {\n\t\t\"UserPromptSubmit\": [\n\t\t\t{\n"), "{tabs}");
    let crlf = install("{\r\n    \"a\": 1\r\n}\r\n", CODEX, &program()).unwrap();
    assert!(
        !crlf.replace("\r\n", "").contains('\n') && crlf.contains("\r\n    \"hooks\": {\r\n        \"User"),
        "{crlf}"
    );
    let comments = install("{\n  \"a\": 1 // one\n}\n", CODEX, &program()).unwrap();
    assert!(comments.starts_with("{\n  \"a\": 1, // one\n  \"hooks\": {\n"), "{comments}");
}

#[test]
fn another_place_of_the_program_takes_the_place_of_the_former_one() {
    let before = install(FILES[12], CLAUDE, &["/old/tmuxagent".to_owned()]).unwrap();
    assert_eq!(installed(&before, CLAUDE, &program()), Ok(Installed::Otherwise));
    let after = install(&before, CLAUDE, &program()).unwrap();
    assert_eq!(after, install(FILES[12], CLAUDE, &program()).unwrap());
    let odd = ["/o'd place/tmuxagent".to_owned(), "--state-dir".to_owned(), "/a b".to_owned()];
    let quoted = install("{}\n", CLAUDE, &odd).unwrap();
    assert_eq!(installed(&quoted, CLAUDE, &odd), Ok(Installed::Yes), "{quoted}");
    assert_eq!(uninstall(&quoted).unwrap(), "{}\n");
    // One of them is missing.
    let fewer = HookFile { events: &CLAUDE.events[..3], ..*CLAUDE };
    let partly = install("{}\n", &fewer, &program()).unwrap();
    assert_eq!(installed(&partly, CLAUDE, &program()), Ok(Installed::Otherwise));
    assert_eq!(install(&partly, CLAUDE, &program()), install("{}\n", CLAUDE, &program()));
}

#[test]
fn hooks_of_others_in_our_group_stay() {
    let with = install("{}\n", CODEX, &program()).unwrap();
    let entry = "{\n            \"type\": \"command\",\n            \"command\": \"mine\"\n          },\n          {";
    let shared = with.replacen("[\n          {", &format!("[\n          {entry}"), 1);
    let left = uninstall(&shared).unwrap();
    let value: serde_json::Value = serde_json::from_str(&left).unwrap();
    assert_eq!(value["hooks"]["UserPromptSubmit"][0]["hooks"][0]["command"], "mine", "{left}");
    assert_eq!(value["hooks"].as_object().unwrap().len(), 1, "{left}");
}

#[test]
fn what_can_t_be_read_is_refused_with_its_place() {
    for (text, line, column, words) in [
        ("{\n  \"a\": 1\n  \"b\": 2\n}\n", 3, 3, "a comma or `}` is missing here"),
        ("{\n  \"界\": tru\n}", 2, 8, "a value is missing here"),
        ("{ \"a\": \"x }", 1, 8, "this text does not end"),
        ("[]", 1, 1, "an object in braces belongs here"),
        ("{} x", 1, 4, "nothing may follow here"),
        ("{ a: 1 }", 1, 3, "a key in quotes is missing here"),
        ("{ \"a\" 1 }", 1, 7, "a colon is missing here"),
        ("{ /* \"a\": 1 }", 1, 3, "this comment does not end"),
        ("{ \"hooks\": [] }", 1, 12, "the hooks are no object in braces"),
        ("{ \"hooks\": { \"Stop\": {} } }", 1, 22, "the hooks of an event are no list in brackets"),
        ("{ \"hooks\": {}, \"hooks\": {} }", 1, 16, "`hooks` stands here a second time"),
        ("{ \"a\": \"\\x\" }", 1, 8, "this is no text of JSON"),
    ] {
        let expected = Malformed { line, column, text: words.to_owned() };
        assert_eq!(install(text, CLAUDE, &program()), Err(expected), "{text}");
    }
    let deep = "[".repeat(100);
    assert_eq!(install(&format!("{{\"a\":{deep}"), CLAUDE, &program()).unwrap_err().text, "this is nested too deeply");
}

#[test]
fn what_only_looks_like_ours_is_not() {
    for command in [
        "tmuxagent hook Stop",
        "/x/tmuxagent hook Stop",
        "'/a b/tmuxagent' hook Stop",
        "'/o'\\''d/tmuxagent' hook Stop",
        "/x/tmuxagent-0.2 --state-dir /s hook Stop --by-tmuxagent",
        "'/a b/ta' hook Stop --by-tmuxagent",
    ] {
        let text = format!("{{\"hooks\": {{\"Stop\": [{{\"hooks\": [{{\"command\": {command:?}}}]}}]}}}}");
        assert_eq!(commands(&text).unwrap(), [command], "{text}");
    }
    for command in [
        "tmuxagent hook",
        "tmuxagent hook Stop; rm x",
        "echo tmuxagent hook Stop",
        "/x/other hook Stop",
        "'tmuxagent",
        "'",
        "",
    ] {
        let text = format!("{{\"hooks\": {{\"Stop\": [{{\"hooks\": [{{\"command\": {command:?}}}]}}]}}}}");
        assert_eq!(commands(&text).unwrap(), [""; 0], "{text}");
    }
}

#[test]
fn recorded_inputs_are_read() {
    let said = |event: &str, more: &str| {
        let input = format!(r#"{{"session_id":"x","cwd":"/d","hook_event_name":"{event}"{more}}}"#);
        read_event(event, input.as_bytes()).map(|report| (report.state, report.text))
    };
    let none = String::new();
    assert_eq!(said("UserPromptSubmit", r#","prompt":"go on""#), Some((AgentState::Working, none.clone())));
    let asks = r#","tool_name":"Bash","tool_input":{"command":"touch h1.txt"}"#;
    assert_eq!(said("PermissionRequest", asks), Some((AgentState::NeedsApproval, "Bash".to_owned())));
    let question = r#","tool_name":"AskUserQuestion","tool_input":{"questions":[]}"#;
    assert_eq!(said("PermissionRequest", question), Some((AgentState::NeedsAnswer, none.clone())));
    assert_eq!(said("Stop", r#","stop_hook_active":false"#), Some((AgentState::Done, none.clone())));
    let failed = r#","error":"unknown","last_assistant_message":"API Error: 400 stub error 400""#;
    let words = "API Error: 400 stub error 400".to_owned();
    assert_eq!(said("StopFailure", failed), Some((AgentState::Error, words)));
    assert_eq!(said("Interrupt", ""), Some((AgentState::Idle, none)));
    assert_eq!(said("PreCompact", ""), None);
    assert_eq!(read_event("Stop", br#"{"hook_event_name":"Interrupt"}"#), None);
    for wrong in ["", "{", "[]", "null", "{\"hook_event_name\":7}", "\u{0}"] {
        assert_eq!(read_event("Stop", wrong.as_bytes()), None, "{wrong}");
    }
}
