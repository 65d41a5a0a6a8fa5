//! Operating system commands of interest.
//!
//! Sources: the Program Status Protocol (OSC 7501, revision 0.4), iTerm2's and ConEmu's OSC 9, urxvt's OSC 777,
//! kitty's OSC 99, the FinalTerm marks (OSC 133, as VS Code's OSC 633), xterm's titles (OSC 0 and 2), and tmux's own
//! passthrough (`DCS tmux; …`), in which agents wrap notifications.

use super::border;
use base64::Engine;
use tmuxagent_model::ProgramState;

/// The longest title or notification that is passed on, in bytes.
const LONGEST_TEXT: usize = 4096;

/// What an operating system command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// A title.
    Title(String),
    /// The program's state.
    Program(ProgramState),
    /// ConEmu's progress (OSC 9;4): a weaker word than OSC 7501.
    Progress(ProgramState),
    /// A command ended with this exit code (OSC 133;D).
    CommandEnded(i32),
    /// A command begins (OSC 133;C).
    CommandBegins,
    /// The shell shows its prompt (OSC 133;A or B).
    Prompt,
}

/// Reads an operating system command; `None` if it is of no interest or malformed.
pub(super) fn read(content: &[u8]) -> Option<Said> {
    let text = String::from_utf8_lossy(content);
    let (code, rest) = text.split_once(';').unwrap_or((&text, ""));
    match code {
        "0" | "2" => Some(Said::Title(clean(rest))),
        "7501" => status(rest).map(Said::Program),
        "9" => numbered(rest),
        "777" => notification(rest.strip_prefix("notify;")?.splitn(2, ';')),
        "99" => kitty(rest),
        "133" | "633" => mark(rest),
        _ => None,
    }
}

/// The operating system commands within tmux's passthrough, in order.
pub(super) fn passed_through(content: &[u8]) -> Vec<Said> {
    let Some(inner) = content.strip_prefix(b"tmux;") else { return Vec::new() };
    let mut found = Vec::new();
    let mut rest = inner;
    while let Some(start) = memchr::memmem::find(rest, b"\x1b]") {
        let body = &rest[start + 2..];
        let end = memchr::memchr2(0x07, 0x1b, body).unwrap_or(body.len());
        found.extend(read(&body[..end]));
        rest = &body[end..];
    }
    found
}

/// OSC 7501: `state=S[:app=A][:kind=K][:msg=base64]…`.
fn status(fields: &str) -> Option<ProgramState> {
    let field = |name: &str| fields.split(':').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    match field("state")? {
        "idle" => Some(ProgramState::Idle),
        "working" => Some(ProgramState::Working),
        "done" => Some(ProgramState::Done),
        "blocked" => {
            Some(ProgramState::Blocked { kind: field("kind").map(clean), message: field("msg").and_then(encoded) })
        }
        "error" => Some(ProgramState::Error),
        "clear" => Some(ProgramState::Clear),
        _ => None,
    }
}

/// Base64 with or without padding.
fn encoded(text: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Some(clean(&String::from_utf8_lossy(&bytes))).filter(|text| !text.is_empty())
}

/// OSC 9: ConEmu's numbered commands, or else iTerm2's notification.
fn numbered(rest: &str) -> Option<Said> {
    let (number, more) = rest.split_once(';').unwrap_or((rest, ""));
    match number.parse::<u8>() {
        Ok(4) => match more.split(';').next()? {
            "0" => Some(Said::Progress(ProgramState::Clear)),
            "1" | "3" => Some(Said::Progress(ProgramState::Working)),
            "2" => Some(Said::Progress(ProgramState::Error)),
            _ => None,
        },
        // Sleep, message box, tab title, working folder, and so on.
        Ok(1..=12) => None,
        _ => notification(std::iter::once(rest)),
    }
}

/// OSC 99: `metadata;payload`, of which the title or body is the text.
fn kitty(rest: &str) -> Option<Said> {
    let (metadata, payload) = rest.split_once(';')?;
    let field = |name: &str| metadata.split(':').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    // Title and body come as separate sequences; only the finishing one (`d` absent or 1) is told.
    match (field("p").unwrap_or("title"), field("d").unwrap_or("1")) {
        ("title" | "body", "1") => {
            if field("e") == Some("1") {
                return notification(encoded(payload).as_deref().into_iter());
            }
            notification(std::iter::once(payload))
        }
        _ => None,
    }
}

/// OSC 133 and 633.
fn mark(rest: &str) -> Option<Said> {
    let mut fields = rest.split(';');
    match fields.next()? {
        "A" | "B" => Some(Said::Prompt),
        "C" => Some(Said::CommandBegins),
        "D" => fields.next()?.parse().ok().map(Said::CommandEnded),
        _ => None,
    }
}

fn notification<'a>(parts: impl Iterator<Item = &'a str>) -> Option<Said> {
    let text = parts.map(clean).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    (!text.is_empty()).then_some(Said::Program(ProgramState::Notification { text }))
}

/// A text without controls, cut at 4 KiB.
fn clean(text: &str) -> String {
    border::head(text, LONGEST_TEXT).chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Option<Said> {
        Some(Said::Program(ProgramState::Notification { text: text.to_owned() }))
    }

    #[test]
    fn commands_of_interest_are_understood_and_others_ignored() {
        let blocked = |kind: Option<&str>, message: Option<&str>| {
            let (kind, message) = (kind.map(str::to_owned), message.map(str::to_owned));
            Some(Said::Program(ProgramState::Blocked { kind, message }))
        };
        let cases = [
            ("0;✳ Claude Code", Some(Said::Title("✳ Claude Code".into()))),
            ("2;a;b", Some(Said::Title("a;b".into()))),
            ("1;icon", None),
            ("7501;?", None),
            ("7501;state=idle:app=codex", Some(Said::Program(ProgramState::Idle))),
            ("7501;state=working:app=codex:progress=3", Some(Said::Program(ProgramState::Working))),
            ("7501;app=x:state=done", Some(Said::Program(ProgramState::Done))),
            ("7501;state=clear", Some(Said::Program(ProgramState::Clear))),
            ("7501;state=error", Some(Said::Program(ProgramState::Error))),
            ("7501;state=unheard", None),
            (
                "7501;state=blocked:app=claude-code:kind=permission:msg=YXBwcm92ZSBCYXNoOiB0b3VjaCB4Mg==",
                blocked(Some("permission"), Some("approve Bash: touch x2")),
            ),
            ("7501;state=blocked:msg=%%%", blocked(None, None)),
            ("9;Approval requested: touch h1.txt", note("Approval requested: touch h1.txt")),
            ("9;4;3;", Some(Said::Progress(ProgramState::Working))),
            ("9;4;1;40", Some(Said::Progress(ProgramState::Working))),
            ("9;4;0;", Some(Said::Progress(ProgramState::Clear))),
            ("9;4;2;10", Some(Said::Progress(ProgramState::Error))),
            ("9;9;/home", None),
            ("9;", None),
            ("9;12 tests failed", note("12 tests failed")),
            ("777;notify;Claude Code;needs; you", note("Claude Code: needs; you")),
            ("777;precmd", None),
            ("99;i=1:d=0:p=title;Claude Code", None),
            ("99;i=1:p=body;Claude needs your permission", note("Claude needs your permission")),
            ("99;i=1:d=1:a=focus;", None),
            ("133;A", Some(Said::Prompt)),
            ("133;D;3", Some(Said::CommandEnded(3))),
            ("133;D;0;aid=1", Some(Said::CommandEnded(0))),
            ("133;D", None),
            ("633;D;1", Some(Said::CommandEnded(1))),
            ("8;;https://example.org", None),
            ("", None),
        ];
        for (content, expected) in cases {
            assert_eq!(read(content.as_bytes()), expected, "{content}");
        }
    }

    #[test]
    fn what_tmux_passes_through_is_unwrapped() {
        assert_eq!(passed_through(b"tmux;\x1b]9;Done 1.\x07"), [note("Done 1.").unwrap()]);
        assert_eq!(passed_through(b"tmux;\x1b]9;a\x1b\\\x1b]9;b\x07").len(), 2);
        assert_eq!(passed_through(b"q#0sixel"), []);
    }

    #[test]
    fn texts_lose_their_controls_and_are_bounded() {
        assert_eq!(read(b"0;a\x01b\xc2\x9bc"), Some(Said::Title("abc".into())));
        let Some(Said::Title(title)) = read(format!("2;{}", "界".repeat(5000)).as_bytes()) else { panic!("no title") };
        assert!(title.len() <= LONGEST_TEXT && title.ends_with('界'));
    }
}
