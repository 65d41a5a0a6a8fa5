//! Requests of agents that wait for their answer beside a dialog: which of them is the one that a dialog shows.
//!
//! **Invariant:** a request is a dialog's only if the dialog shows all that the request says; of two that fit none is.

use tmuxagent_model::{AgentQuestion, AgentQuestionKind, AgentRequest, WaitingRequest};

/// The one request that asks what a dialog shows; none where none does, or several.
#[must_use]
pub fn only_request<'r>(
    requests: impl IntoIterator<Item = &'r WaitingRequest>,
    question: &AgentQuestion,
) -> Option<&'r WaitingRequest> {
    let mut fitting = requests.into_iter().filter(|waiting| is_shown(&waiting.request, question));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// Whether a dialog that is read as a whole shows a request.
#[must_use]
pub fn is_shown(request: &AgentRequest, question: &AgentQuestion) -> bool {
    if !question.whole || request.kind != question.kind || request.words.is_empty() {
        return false;
    }
    let detail = squeezed(&question.detail);
    let words: Vec<String> = request.words.iter().map(|words| squeezed(words)).collect();
    let in_order = |text: &str| {
        let mut rest = text;
        words.iter().all(|words| match rest.find(words.as_str()) {
            Some(at) => {
                rest = &rest[at + words.len()..];
                true
            }
            None => false,
        })
    };
    match request.kind {
        AgentQuestionKind::Command => words.len() == 1 && words[0] == detail,
        AgentQuestionKind::Edit => is_place(request, question) && in_order(&detail),
        AgentQuestionKind::Question => in_order(&squeezed(&question.text)) && offers(request, question),
        AgentQuestionKind::Trust | AgentQuestionKind::Login => false,
        AgentQuestionKind::Other => is_tool(&request.words, &question.text),
    }
}

/// How a text is wrapped says nothing.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A tool's dialog: its title, the tool's server and name, and between two rules all that it is given, each behind its name.
/// `words`: the server, the tool, and what it is given.
fn is_tool(words: &[String], text: &str) -> bool {
    let [server, tool, given @ ..] = words else { return false };
    let is_rule = |row: &&str| row.trim().len() >= 20 && row.trim().chars().all(|c| c == '╌');
    let name =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let mut rows = text.lines().skip(1);
    let Some(header) = rows.find(|row| !row.trim().is_empty()) else { return false };
    let rows: Vec<&str> = rows.collect();
    let (first, last) = (rows.iter().position(is_rule), rows.iter().rposition(is_rule));
    let between = match (first, last) {
        (Some(first), Some(last)) if first < last => rows[first + 1..last].join("\n"),
        _ => String::new(),
    };
    // A value of several lines stands behind a bar.
    let plain = |text: &str| squeezed(text).replace('│', "");
    let (shown, given) = (plain(&between), given.iter().map(|words| plain(words)).collect::<Vec<_>>());
    let length: usize = given.iter().map(String::len).sum();
    name(header).contains(&name(&format!("{server}{tool}")))
        && length == shown.len()
        && given.iter().all(|words| shown.contains(words.as_str()))
}

/// The dialog names the file as seen from the agent's folder.
fn is_place(request: &AgentRequest, question: &AgentQuestion) -> bool {
    let (Some(file), Some(shown)) = (&request.place, &question.place) else { return false };
    file == shown || file.strip_suffix(shown.as_str()).is_some_and(|folder| folder.ends_with('/'))
}

/// The offered answers are the dialog's first ones; it may add some of its own.
fn offers(request: &AgentRequest, question: &AgentQuestion) -> bool {
    let shown = question.answers.iter().map(|answer| squeezed(&answer.label));
    let offered: Vec<String> = request.options.iter().map(|option| squeezed(option)).collect();
    !offered.is_empty() && shown.take(offered.len()).eq(offered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tmuxagent_model::{AgentAnswer, Ancestor, AnswerRole};

    fn question(kind: AgentQuestionKind, detail: &str) -> AgentQuestion {
        let answer = |label: &str| AgentAnswer {
            label: label.to_owned(),
            description: String::new(),
            keys: Vec::new(),
            highlighted: false,
            role: AnswerRole::Other,
        };
        AgentQuestion {
            kind,
            text: detail.to_owned(),
            detail: detail.to_owned(),
            again: None,
            reason: None,
            place: Some("notes.txt".to_owned()),
            answers: ["Red", "Dark blue", "Type something."].map(answer).to_vec(),
            cancel: None,
            whole: true,
            fingerprint: detail.to_owned(),
        }
    }

    fn request(kind: AgentQuestionKind, words: &[&str]) -> AgentRequest {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let options = ["Red", "Dark blue"].map(str::to_owned).to_vec();
        AgentRequest { kind, words, place: Some("/home/x/notes.txt".to_owned()), options, thread: None }
    }

    #[test]
    fn a_command_is_all_that_is_shown() {
        let command = |words: &str| request(AgentQuestionKind::Command, &[words]);
        let shown = question(AgentQuestionKind::Command, "printf '%s\\n' one\ntwo > long.txt");
        assert!(is_shown(&command("printf '%s\\n' one two > long.txt"), &shown));
        for other in ["printf '%s\\n' one two > long.txt; rm x", "printf", ""] {
            assert!(!is_shown(&command(other), &shown), "{other}");
        }
        let half = AgentQuestion { whole: false, ..shown.clone() };
        assert!(!is_shown(&command("printf '%s\\n' one two > long.txt"), &half));
        assert!(!is_shown(&request(AgentQuestionKind::Other, &["printf"]), &shown), "another tool");
    }

    #[test]
    fn an_edit_is_shown_with_its_file_and_all_its_rows() {
        let shown = question(AgentQuestionKind::Edit, "  1 first line\n  2 second line");
        assert!(is_shown(&request(AgentQuestionKind::Edit, &["first line", "second line"]), &shown));
        assert!(!is_shown(&request(AgentQuestionKind::Edit, &["second line", "first line"]), &shown));
        assert!(!is_shown(&request(AgentQuestionKind::Edit, &["first line", "third line"]), &shown));
        let elsewhere =
            AgentRequest { place: Some("/x/mynotes.txt".into()), ..request(AgentQuestionKind::Edit, &["first"]) };
        assert!(!is_shown(&elsewhere, &shown));
    }

    #[test]
    fn a_question_is_shown_with_what_it_offers() {
        let shown = question(AgentQuestionKind::Question, "Which colour\nshall I use?");
        let asks = request(AgentQuestionKind::Question, &["Which colour shall I use?"]);
        assert!(is_shown(&asks, &shown));
        assert!(!is_shown(&AgentRequest { options: vec!["Red".into(), "Blue".into()], ..asks.clone() }, &shown));
        assert!(!is_shown(&AgentRequest { options: Vec::new(), ..asks }, &shown));
    }

    #[test]
    fn a_tool_is_shown_with_its_name_and_all_that_it_is_given() {
        let rule = "╌".repeat(40);
        let text = |name: &str, given: &str| {
            format!(
                "Tool use\n\n notes — {name} Tool: (MCP)\n{rule}\n{given}\n{rule}\n About it:\n │ Reads.\n\nDo you?"
            )
        };
        let shown = |text: String| AgentQuestion { text, ..question(AgentQuestionKind::Other, "x") };
        let request = request(AgentQuestionKind::Other, &["notes", "read_pane", "pane: \"%7\"", "lines: 12"]);
        assert!(is_shown(&request, &shown(text("Read Pane", " pane: \"%7\"\n lines: 12"))));
        for (name, given) in [
            ("Kill Pane", " pane: \"%7\"\n lines: 12"),
            ("Read Pane", " pane: \"%7\"\n lines: 12\n more: 1"),
            ("Read Pane", " pane: \"%7\"\n lines: 13"),
            ("Read Pane", " pane: \"%7\""),
        ] {
            assert!(!is_shown(&request, &shown(text(name, given))), "{name} {given}");
        }
        let none = shown("Tool use\n\n notes — List Panes Tool: (MCP)\n\n About it:\n │ Lists.".to_owned());
        assert!(is_shown(&self::request(AgentQuestionKind::Other, &["notes", "list_panes"]), &none));
        let lines = AgentRequest { words: ["n", "t", "q:\none\ntwo"].map(str::to_owned).to_vec(), ..request };
        let shown = shown(format!("Tool use\n n - t (MCP)\n{rule}\n q:\n   │ one\n   │ two\n{rule}\n"));
        assert!(is_shown(&lines, &shown));
    }

    #[test]
    fn of_two_that_ask_the_same_none_is_it() {
        let by = Ancestor { agent: "claude".into(), pid: 1, start: 1, waits: true, line: vec![1] };
        let waiting = |id: &str, words: &str| WaitingRequest {
            id: id.to_owned(),
            by: by.clone(),
            request: request(AgentQuestionKind::Command, &[words]),
        };
        let shown = question(AgentQuestionKind::Command, "touch x");
        let found = |all: &[WaitingRequest]| only_request(all, &shown).map(|found| found.id.clone());
        assert_eq!(found(&[waiting("a", "touch x"), waiting("b", "touch y")]), Some("a".to_owned()));
        assert_eq!(found(&[waiting("a", "touch x"), waiting("b", "touch  x")]), None);
        assert_eq!(found(&[waiting("b", "touch y")]), None);
    }
}
