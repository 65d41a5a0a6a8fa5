//! What an agent's permission hook asks, and how its answer is written (seen with Claude Code 2.1.332; the form of the answer
//! is documented).

use serde::Deserialize;
use serde_json::{Value, json};
use tmuxagent_model::{AgentQuestionKind, AgentRequest, AnswerRole};

/// The event whose hook may answer.
const EVENT: &str = "PermissionRequest";
/// The most bytes of what is compared with a dialog: no screen shows more.
const MOST: usize = 64 * 1024;
/// What the agent is told where a person said no.
const REFUSED: &str = "The user declined this.";

/// A request, with what its answer must repeat.
#[derive(Debug, Clone, PartialEq)]
pub struct HookRequest {
    /// What it asks.
    pub request: AgentRequest,
    /// The questions that it asks in the agent's own words, as they came.
    questions: Option<Value>,
}

#[derive(Deserialize)]
struct Input {
    hook_event_name: String,
    tool_name: String,
    tool_input: Value,
}

/// The request of a permission hook; `None` where that is no request, or none whose dialog could be known again.
#[must_use]
pub fn read_request(input: &[u8]) -> Option<HookRequest> {
    let input: Input = serde_json::from_slice(input).ok().filter(|input: &Input| input.hook_event_name == EVENT)?;
    let text = |key: &str| input.tool_input.get(key).and_then(Value::as_str);
    let request = |kind, words: Vec<String>, place: Option<&str>| AgentRequest {
        kind,
        words,
        place: place.map(str::to_owned),
        options: Vec::new(),
        thread: None,
    };
    let lines = |keys: &[&str]| {
        let texts = keys.iter().filter_map(|key| text(key));
        texts.flat_map(str::lines).map(str::to_owned).filter(|line| !line.trim().is_empty()).collect()
    };
    let (request, questions) = match input.tool_name.as_str() {
        "Bash" => (request(AgentQuestionKind::Command, vec![text("command")?.to_owned()], None), None),
        "Write" => (request(AgentQuestionKind::Edit, lines(&["content"]), Some(text("file_path")?)), None),
        // Its dialog shows rows of both in the order of a comparison.
        "Edit" => (request(AgentQuestionKind::Edit, lines(&["new_string"]), Some(text("file_path")?)), None),
        "AskUserQuestion" => (question(&input.tool_input)?, Some(input.tool_input.clone())),
        name => (request(AgentQuestionKind::Other, tool(name, &input.tool_input)?, None), None),
    };
    let length: usize = request.words.iter().map(String::len).sum();
    (!request.words.is_empty() && length <= MOST).then_some(HookRequest { request, questions })
}

/// One question with one answer to choose; others are answered by keys.
fn question(input: &Value) -> Option<AgentRequest> {
    let [question] = input.get("questions")?.as_array()?.as_slice() else { return None };
    if question.get("multiSelect").and_then(Value::as_bool).unwrap_or(false) {
        return None;
    }
    let labels = question.get("options")?.as_array()?.iter();
    Some(AgentRequest {
        kind: AgentQuestionKind::Question,
        words: vec![question.get("question")?.as_str()?.to_owned()],
        place: None,
        options: labels.map(|option| Some(option.get("label")?.as_str()?.to_owned())).collect::<Option<_>>()?,
        thread: None,
    })
}

/// A tool of another program (`mcp__SERVER__TOOL`): both names, and all that it is given as its dialog shows it.
fn tool(name: &str, input: &Value) -> Option<Vec<String>> {
    let (server, tool) = name.strip_prefix("mcp__")?.split_once("__")?;
    let given = input.as_object()?.iter().map(|(key, value)| match value {
        Value::String(text) if text.contains('\n') => format!("{key}:\n{text}"),
        value => format!("{key}: {value}"),
    });
    Some([server.to_owned(), tool.to_owned()].into_iter().chain(given).collect())
}

impl HookRequest {
    /// What the hook prints for an answer; `None` where it can't be said so, and the dialog stays.
    #[must_use]
    pub fn answer(&self, role: AnswerRole, label: &str) -> Option<String> {
        let decision = match (role, &self.questions) {
            (AnswerRole::Once, None) => json!({ "behavior": "allow" }),
            // Its own "No" stops the turn too.
            (AnswerRole::Decline, None) | (AnswerRole::Cancel, _) => {
                json!({ "behavior": "deny", "message": REFUSED, "interrupt": true })
            }
            (AnswerRole::Other, Some(asked)) => {
                let question = self.request.words.first()?;
                let chosen = self.request.options.iter().find(|option| option.as_str() == label)?;
                let mut input = asked.clone();
                input.as_object_mut()?.insert("answers".to_owned(), json!({ question: chosen }));
                json!({ "behavior": "allow", "updatedInput": input })
            }
            _ => return None,
        };
        Some(json!({ "hookSpecificOutput": { "hookEventName": EVENT, "decision": decision } }).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tool: &str, input: Value) -> Option<HookRequest> {
        let input = json!({ "session_id": "x", "hook_event_name": EVENT, "tool_name": tool, "tool_input": input });
        read_request(input.to_string().as_bytes())
    }

    #[test]
    fn a_command_is_allowed_denied_or_stopped() {
        let command = asked("Bash", json!({ "command": "touch x", "description": "d" })).unwrap();
        assert_eq!(command.request.kind, AgentQuestionKind::Command);
        assert_eq!(command.request.words, ["touch x"]);
        let decision = |role| {
            let text = command.answer(role, "Yes")?;
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["hookSpecificOutput"]["hookEventName"], EVENT);
            Some(value["hookSpecificOutput"]["decision"].clone())
        };
        assert_eq!(decision(AnswerRole::Once), Some(json!({ "behavior": "allow" })));
        for refused in [AnswerRole::Decline, AnswerRole::Cancel] {
            let decision = decision(refused).unwrap();
            assert_eq!((&decision["behavior"], &decision["interrupt"]), (&json!("deny"), &json!(true)));
        }
        assert_eq!(decision(AnswerRole::Lasting), None, "what lasts is the dialog's own to say");
        assert_eq!(decision(AnswerRole::Other), None);
    }

    #[test]
    fn a_question_is_answered_by_a_label_that_it_offers() {
        let options = json!([{ "label": "Red", "description": "warm" }, { "label": "Blue" }]);
        let asks = |multi: bool| json!({ "question": "Which?", "options": options, "multiSelect": multi });
        let input = |multi: bool| json!({ "questions": [asks(multi)] });
        let question = asked("AskUserQuestion", input(false)).unwrap();
        assert_eq!(question.request.options, ["Red", "Blue"]);
        let text = question.answer(AnswerRole::Other, "Blue").unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let decision = &value["hookSpecificOutput"]["decision"];
        assert_eq!(decision["updatedInput"]["answers"], json!({ "Which?": "Blue" }));
        assert_eq!(decision["updatedInput"]["questions"], input(false)["questions"]);
        assert_eq!(question.answer(AnswerRole::Other, "Green"), None);
        assert_eq!(asked("AskUserQuestion", input(true)), None);
    }

    #[test]
    fn other_tools_are_known_by_all_that_they_are_given() {
        let tool = asked("mcp__files__write_note", json!({ "a": "one \"x\"", "b": ["two", 3], "c": "l\nm" })).unwrap();
        assert_eq!(tool.request.words, ["files", "write_note", r#"a: "one \"x\"""#, r#"b: ["two",3]"#, "c:\nl\nm"]);
        assert_eq!(asked("WebFetch", json!({ "url": "x" })), None, "its dialog is not known");
        let edit = asked("Write", json!({ "file_path": "/d/n.txt", "content": "one\n\ntwo\n" })).unwrap();
        assert_eq!((edit.request.words.len(), edit.request.place.as_deref()), (2, Some("/d/n.txt")));
        assert_eq!(asked("Write", json!({ "file_path": "/d/n.txt", "content": "" })), None);
        assert_eq!(asked("Bash", json!({ "command": "x".repeat(MOST + 1) })), None);
        assert_eq!(read_request(br#"{"hook_event_name":"Stop","tool_name":"Bash","tool_input":{}}"#), None);
        assert_eq!(read_request(b"{"), None);
    }
}
