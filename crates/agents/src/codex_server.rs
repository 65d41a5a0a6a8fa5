//! Codex's own server, `codex app-server`, which its screens share: what is asked of it and what it tells. JSON-RPC without
//! its `jsonrpc` field, one message a WebSocket frame; the forms come from `codex app-server generate-json-schema` (0.171.0).
//!
//! **Invariant:** a word that is not known is no state, and a request that is not understood whole is left to its dialog.

use super::VendorState;
use serde_json::{Value, json};
use tmuxagent_model::{AgentQuestionKind, AgentRequest, AgentState, AnswerRole};

/// The first version (major, minor) whose server was seen to speak so.
const SINCE: (u64, u64) = (0, 171);
/// The most bytes of a command that is compared with a dialog: no screen shows more.
const MOST: usize = 64 * 1024;
/// The name of the first call, whose answer tells the version.
const HELLO: &str = "hello";
/// What the name of a call that looks at a conversation begins with.
const LOOK: &str = "look ";

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its name for the server.
    pub id: String,
    /// The folder that it works in.
    pub folder: String,
    /// What it does; `None`: the server holds it no more, or says something that is not known.
    pub state: Option<VendorState>,
}

/// A request that waits in a conversation, with what its answer must repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerRequest {
    /// What it asks.
    pub request: AgentRequest,
    /// The decisions that it takes; none of a question.
    decisions: Vec<Value>,
    /// The question's name.
    question: Option<String>,
}

/// What the server tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Its version; empty where it does not tell one.
    Hello(String),
    /// The conversations that it holds.
    Loaded(Vec<String>),
    /// A person's conversation begins.
    Thread(Thread),
    /// A conversation that was asked about; none where it is no person's.
    Looked(String, Option<Thread>),
    /// What a conversation does from now on.
    Changed(String, Option<VendorState>),
    /// A conversation waits for an answer, by the key that its answer must have.
    Asks(String, Value, Box<ServerRequest>),
    /// A request was answered, by whomever.
    Settled(String, Value),
}

/// Whether a server of this version is spoken with.
#[must_use]
pub fn speaks(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return false };
    (major, minor) >= SINCE
}

/// What is said first; the answer tells the version.
#[must_use]
pub fn hello(own_version: &str) -> [String; 2] {
    let who = json!({ "name": "tmuxagent", "title": "tmuxagent", "version": own_version });
    let first = json!({ "clientInfo": who, "capabilities": { "experimentalApi": true } });
    [call(HELLO, "initialize", &first), json!({ "method": "initialized" }).to_string()]
}

/// Asks which conversations it holds.
#[must_use]
pub fn list() -> String {
    call("list", "thread/loaded/list", &json!({}))
}

/// Asks what a conversation is and does.
#[must_use]
pub fn look_at(thread: &str) -> String {
    call(&format!("{LOOK}{thread}"), "thread/read", &json!({ "threadId": thread, "includeTurns": false }))
}

/// Asks to be told a conversation's requests: one that waits is told again.
#[must_use]
pub fn attend(thread: &str) -> String {
    call("attend", "thread/resume", &json!({ "threadId": thread, "excludeTurns": true }))
}

/// Wants to be told no more of a conversation than its state.
#[must_use]
pub fn leave(thread: &str) -> String {
    call("leave", "thread/unsubscribe", &json!({ "threadId": thread }))
}

/// Answers a request.
#[must_use]
pub fn answer(key: &Value, result: &Value) -> String {
    json!({ "id": key, "result": result }).to_string()
}

fn call(id: &str, method: &str, parameters: &Value) -> String {
    json!({ "id": id, "method": method, "params": parameters }).to_string()
}

/// Reads one message; `None` where it says nothing of interest.
#[must_use]
pub fn read(text: &str) -> Option<Said> {
    let message: Value = serde_json::from_str(text).ok()?;
    let Some(method) = message.get("method").and_then(Value::as_str) else { return reply(&message) };
    let about = message.get("params")?;
    let thread = || about.get("threadId").and_then(Value::as_str).map(str::to_owned);
    match method {
        "thread/started" => thread_of(about.get("thread")?).map(Said::Thread),
        "thread/status/changed" => Some(Said::Changed(thread()?, state(about.get("status")?))),
        "thread/closed" | "thread/deleted" => Some(Said::Changed(thread()?, None)),
        "serverRequest/resolved" => Some(Said::Settled(thread()?, about.get("requestId")?.clone())),
        "item/commandExecution/requestApproval" => {
            Some(Said::Asks(thread()?, message.get("id")?.clone(), Box::new(command(about)?)))
        }
        "item/tool/requestUserInput" => {
            Some(Said::Asks(thread()?, message.get("id")?.clone(), Box::new(question(about)?)))
        }
        _ => None,
    }
}

fn reply(message: &Value) -> Option<Said> {
    match message.get("id")?.as_str()? {
        HELLO => {
            // `NAME/VERSION (system) …`; a refusal tells none.
            let agent = message.pointer("/result/userAgent").and_then(Value::as_str).unwrap_or_default();
            let version = agent.split_once('/').map_or("", |(_, rest)| rest.split(' ').next().unwrap_or_default());
            Some(Said::Hello(version.to_owned()))
        }
        "list" => {
            let all = message.pointer("/result/data")?.as_array()?.iter();
            Some(Said::Loaded(all.filter_map(|id| Some(id.as_str()?.to_owned())).collect()))
        }
        other => {
            let thread = message.pointer("/result/thread").and_then(thread_of);
            Some(Said::Looked(other.strip_prefix(LOOK)?.to_owned(), thread))
        }
    }
}

/// A person's own conversation: not one that finds a title, nor one that another conversation began.
fn thread_of(thread: &Value) -> Option<Thread> {
    let text = |key: &str| thread.get(key).and_then(Value::as_str);
    let own = text("threadSource").is_none_or(|source| source == "user") && text("parentThreadId").is_none();
    let passing = thread.get("ephemeral").and_then(Value::as_bool).unwrap_or(false);
    (own && !passing).then_some(())?;
    let (id, folder) = (text("id")?.to_owned(), text("cwd")?.to_owned());
    Some(Thread { id, folder, state: state(thread.get("status")?) })
}

fn state(status: &Value) -> Option<VendorState> {
    let flags = status.get("activeFlags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let flags: Vec<&str> = flags.iter().filter_map(Value::as_str).collect();
    state_of(status.get("type")?.as_str()?, &flags)
}

fn state_of(kind: &str, flags: &[&str]) -> Option<VendorState> {
    let state = match (kind, flags) {
        ("idle", _) => AgentState::Idle,
        ("systemError", _) => AgentState::Error,
        ("active", flags) if flags.contains(&"waitingOnApproval") => AgentState::NeedsApproval,
        ("active", flags) if flags.contains(&"waitingOnUserInput") => AgentState::NeedsAnswer,
        ("active", []) => AgentState::Working,
        _ => return None,
    };
    let text = std::iter::once(kind).chain(flags.iter().copied()).collect::<Vec<_>>().join(" ");
    Some(VendorState { state, rule: "app-server thread/status".to_owned(), text, changed: None })
}

/// A command that is to be allowed. What it may reach in the network is another question, with another dialog.
fn command(about: &Value) -> Option<ServerRequest> {
    let network = about.get("networkApprovalContext").is_some_and(|context| !context.is_null());
    let text = about.get("command")?.as_str().filter(|text| !network && !text.is_empty() && text.len() <= MOST)?;
    let decisions = about.get("availableDecisions").and_then(Value::as_array).cloned();
    let thread = about.get("threadId").and_then(Value::as_str).map(str::to_owned);
    let (kind, words) = (AgentQuestionKind::Command, vec![script(text).unwrap_or_else(|| text.to_owned())]);
    let request = AgentRequest { kind, words, place: None, options: Vec::new(), thread };
    Some(ServerRequest { request, decisions: decisions.unwrap_or_default(), question: None })
}

/// One question with answers to choose from; others are answered by keys.
fn question(about: &Value) -> Option<ServerRequest> {
    let [question] = about.get("questions")?.as_array()?.as_slice() else { return None };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let options: Option<Vec<String>> =
        question.get("options")?.as_array()?.iter().map(|option| text(option, "label")).collect();
    let request = AgentRequest {
        kind: AgentQuestionKind::Question,
        words: vec![text(question, "question")?],
        place: None,
        options: options?,
        thread: text(about, "threadId"),
    };
    Some(ServerRequest { request, decisions: Vec::new(), question: Some(text(question, "id")?) })
}

/// What a shell is given to run, as the dialog shows it: `/bin/bash -lc 'touch x'` is shown as `touch x`.
fn script(command: &str) -> Option<String> {
    let (shell, rest) = command.split_once(' ')?;
    let name = shell.rsplit('/').next()?;
    matches!(name, "bash" | "zsh" | "sh").then_some(())?;
    one_word(rest.strip_prefix("-lc ").or_else(|| rest.strip_prefix("-c "))?)
}

/// A text that is one word of a shell, without its quotes.
fn one_word(text: &str) -> Option<String> {
    let mut word = String::new();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\'' => loop {
                match signs.next()? {
                    '\'' => break,
                    inner => word.push(inner),
                }
            },
            '"' => loop {
                match signs.next()? {
                    '"' => break,
                    '\\' => match signs.next()? {
                        escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                        other => word.extend(['\\', other]),
                    },
                    inner => word.push(inner),
                }
            },
            '\\' => word.push(signs.next()?),
            ' ' | '\t' | '\n' => return None,
            plain => word.push(plain),
        }
    }
    Some(word)
}

impl ServerRequest {
    /// What is sent for an answer; `None` where it can't be said so, and the dialog stays.
    #[must_use]
    pub fn answer(&self, role: AnswerRole, label: &str) -> Option<Value> {
        if let Some(question) = &self.question {
            let chosen = self.request.options.iter().find(|option| option.as_str() == label)?;
            return (role == AnswerRole::Other)
                .then(|| json!({ "answers": { question.as_str(): { "answers": [chosen] } } }));
        }
        let decision = match role {
            AnswerRole::Once => "accept",
            AnswerRole::Decline => "decline",
            AnswerRole::Cancel => "cancel",
            AnswerRole::Lasting | AnswerRole::Other => return None,
        };
        let taken = self.decisions.is_empty() || self.decisions.iter().any(|known| known.as_str() == Some(decision));
        taken.then(|| json!({ "decision": decision }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_and_conversations_are_read() {
        let hello = r#"{"id":"hello","result":{"userAgent":"codex-tui/0.171.0 (Debian 12.0.0; x86_64) tmux (tmuxagent; 0.1)"}}"#;
        assert_eq!(read(hello), Some(Said::Hello("0.171.0".into())));
        assert_eq!(read(r#"{"id":"hello","error":{"code":-1}}"#), Some(Said::Hello(String::new())));
        let known = ["0.171.0", "0.172.1", "1.0.0"].map(speaks);
        assert_eq!((known, ["0.170.9", "", "x", "0"].map(speaks)), ([true; 3], [false; 4]));
        assert_eq!(
            read(r#"{"id":"list","result":{"data":["a","b"]}}"#),
            Some(Said::Loaded(vec!["a".into(), "b".into()]))
        );
        let thread = |more: &str| {
            format!(
                r#"{{"method":"thread/started","params":{{"thread":{{"id":"a","cwd":"/w","status":{{"type":"idle"}}{more}}}}}}}"#
            )
        };
        let Some(Said::Thread(found)) = read(&thread("")) else { panic!() };
        assert_eq!((found.id.as_str(), found.folder.as_str()), ("a", "/w"));
        assert_eq!(found.state.map(|said| said.state), Some(AgentState::Idle));
        assert_eq!(read(r#"{"id":"look a","error":{}}"#), Some(Said::Looked("a".into(), None)));
        for other in [r#","ephemeral":true"#, r#","threadSource":"thread_title""#, r#","parentThreadId":"p""#] {
            assert_eq!(read(&thread(other)), None, "{other}");
        }
    }

    #[test]
    fn a_state_is_told_by_known_words_alone() {
        let told = |status: &str| {
            let text = format!(r#"{{"method":"thread/status/changed","params":{{"threadId":"a","status":{status}}}}}"#);
            match read(&text) {
                Some(Said::Changed(_, said)) => said.map(|said| said.state),
                other => panic!("{other:?}"),
            }
        };
        let active = |flags: &str| told(&format!(r#"{{"type":"active","activeFlags":[{flags}]}}"#));
        assert_eq!(active(""), Some(AgentState::Working));
        assert_eq!(active(r#""waitingOnApproval""#), Some(AgentState::NeedsApproval));
        assert_eq!(active(r#""waitingOnUserInput""#), Some(AgentState::NeedsAnswer));
        assert_eq!(active(r#""pondering""#), None, "a flag of another version");
        assert_eq!(told(r#"{"type":"systemError"}"#), Some(AgentState::Error));
        assert_eq!((told(r#"{"type":"notLoaded"}"#), told("{}")), (None, None));
    }

    fn asks(command: &str, more: &str) -> Option<ServerRequest> {
        let command = serde_json::to_string(command).unwrap();
        let text = format!(
            r#"{{"id":1,"method":"item/commandExecution/requestApproval","params":{{"threadId":"a","command":{command}{more}}}}}"#
        );
        match read(&text) {
            Some(Said::Asks(_, _, request)) => Some(*request),
            _ => None,
        }
    }

    #[test]
    fn a_command_is_what_its_dialog_shows() {
        let words = |command: &str| asks(command, "").map(|asked| asked.request.words.concat());
        for (told, shown) in [
            ("/bin/bash -lc 'touch x'", "touch x"),
            ("/bin/bash -lc \"printf '%s\\\\n' a > \\$x\"", "printf '%s\\n' a > $x"),
            ("bash -lc ls", "ls"),
            ("touch 'a b'", "touch 'a b'"),
            // More than one word behind it: nothing is taken off.
            ("/bin/bash -lc 'touch x' y", "/bin/bash -lc 'touch x' y"),
            ("/bin/bash -lc 'touch x", "/bin/bash -lc 'touch x"),
            ("/usr/bin/env -c ls", "/usr/bin/env -c ls"),
        ] {
            assert_eq!(words(told).as_deref(), Some(shown), "{told}");
        }
        assert_eq!(asks("curl x", r#","networkApprovalContext":{"host":"x"}"#), None);
    }

    #[test]
    fn only_a_decision_that_it_takes_is_given() {
        let asked =
            asks("ls", r#","availableDecisions":["accept",{"acceptWithExecpolicyAmendment":{}},"cancel"]"#).unwrap();
        let decision = |role| asked.answer(role, "").map(|result| result["decision"].as_str().unwrap().to_owned());
        assert_eq!(decision(AnswerRole::Once).as_deref(), Some("accept"));
        assert_eq!(decision(AnswerRole::Cancel).as_deref(), Some("cancel"));
        assert_eq!((decision(AnswerRole::Decline), decision(AnswerRole::Lasting)), (None, None));
    }

    #[test]
    fn a_question_is_answered_by_what_it_offers() {
        let text = r#"{"id":2,"method":"item/tool/requestUserInput","params":{"threadId":"a","questions":[
            {"id":"colour","header":"C","question":"Which?","options":[{"label":"Red","description":""}]}]}}"#;
        let Some(Said::Asks(thread, key, asked)) = read(text) else { panic!() };
        assert_eq!((thread.as_str(), key), ("a", json!(2)));
        let result = asked.answer(AnswerRole::Other, "Red").unwrap();
        assert_eq!(result, json!({ "answers": { "colour": { "answers": ["Red"] } } }));
        assert_eq!(asked.answer(AnswerRole::Other, "None of the above"), None, "the dialog's own");
        assert_eq!(asked.answer(AnswerRole::Cancel, "Red"), None);
    }
}
