//! Operating system commands of interest.
//!
//! Sources: the Program Status Protocol (OSC 7501, revision 0.4), iTerm2's and ConEmu's OSC 9, urxvt's OSC 777,
//! kitty's OSC 99, the FinalTerm marks (OSC 133, as VS Code's OSC 633), xterm's titles (OSC 0 and 2), and tmux's own
//! passthrough (`DCS tmux; …`), in which agents wrap notifications.

use super::border;
use super::integration::{Mark, Said as Shell};
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
    /// The shell told of its prompt or its command (OSC 133, 633).
    Shell(Mark),
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

/// OSC 133 and 633: a letter and fields. Ours hold `ta=KEY`, kitty's and those of fish 4 the command as
/// `cmdline_url=…`, VS Code's in a mark of its own (`E`).
fn mark(rest: &str) -> Option<Said> {
    let (letter, rest) = rest.split_once(';').unwrap_or((rest, ""));
    let field = |name: &str| rest.split(';').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let said = match letter {
        // A prompt of a line that goes on.
        "A" | "P" if field("k") == Some("s") => return None,
        "A" => Shell::PromptBegins,
        "P" if matches!(field("k"), Some("i")) => Shell::PromptBegins,
        "B" => Shell::PromptEnds,
        "E" => Shell::Line(unescaped(rest.split(';').next().unwrap_or_default(), '\\', "x")),
        "C" => Shell::CommandBegins { line: field("cmdline_url").and_then(one_line) },
        "D" => Shell::CommandEnds { exit: rest.split(';').next().and_then(|code| code.parse().ok()) },
        _ => return None,
    };
    Some(Said::Shell(Mark { said, key: field("ta").map(|key| border::head(key, LONGEST_KEY).to_owned()) }))
}

/// The line of a command, percent-encoded; of several lines and of one that is longer than is kept the screen tells more.
fn one_line(encoded: &str) -> Option<String> {
    let is_control = |digits: &[u8]| matches!(digits, [b'%', b'0' | b'1', ..] | [b'%', b'7', b'F' | b'f']);
    let whole = encoded.len() <= LONGEST_TEXT && !encoded.as_bytes().windows(3).any(is_control);
    Some(unescaped(encoded, '%', "")).filter(|line| whole && !line.is_empty())
}

/// The longest key of a mark, bytes.
const LONGEST_KEY: usize = 80;

/// A text in which bytes are written as two hexadecimal digits behind a sign.
fn unescaped(text: &str, sign: char, letter: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once(sign) {
        bytes.extend_from_slice(plain.as_bytes());
        let digits = escape.strip_prefix(letter).and_then(|rest| Some((rest.get(..2)?, rest.get(2..)?)));
        match digits.and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest))) {
            Some((byte, behind)) => {
                bytes.push(byte);
                rest = behind;
            }
            None => {
                bytes.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                // Behind a backslash stands itself.
                rest = escape.strip_prefix(sign).unwrap_or(escape);
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    clean(&String::from_utf8_lossy(&bytes))
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

    fn shell(said: Shell, key: Option<&str>) -> Option<Said> {
        Some(Said::Shell(Mark { said, key: key.map(str::to_owned) }))
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
            ("133;A", shell(Shell::PromptBegins, None)),
            ("133;A;k=s", None),
            ("133;P;k=i", shell(Shell::PromptBegins, None)),
            ("133;P;k=r", None),
            ("133;A;cl=m;ta=f00", shell(Shell::PromptBegins, Some("f00"))),
            ("133;B", shell(Shell::PromptEnds, None)),
            ("133;C;", shell(Shell::CommandBegins { line: None }, None)),
            ("133;C;ta=f00.2", shell(Shell::CommandBegins { line: None }, Some("f00.2"))),
            (
                "133;C;cmdline_url=npm%20test%3b%zz",
                shell(Shell::CommandBegins { line: Some("npm test;%zz".into()) }, None),
            ),
            ("133;C;cmdline_url=", shell(Shell::CommandBegins { line: None }, None)),
            ("133;C;cmdline_url=make%0Arm%20x;ta=f00.2", shell(Shell::CommandBegins { line: None }, Some("f00.2"))),
            (
                "133;C;cmdline_url=echo%20%E7%BB%A7;ta=f00.2",
                shell(Shell::CommandBegins { line: Some("echo 继".into()) }, Some("f00.2")),
            ),
            ("633;E;a\\x3bb\\\\c;nonce", shell(Shell::Line("a;b\\c".into()), None)),
            ("133;D;3", shell(Shell::CommandEnds { exit: Some(3) }, None)),
            ("133;D;0;aid=1;ta=f00.2", shell(Shell::CommandEnds { exit: Some(0) }, Some("f00.2"))),
            ("133;D", shell(Shell::CommandEnds { exit: None }, None)),
            ("133;D;;err=x", shell(Shell::CommandEnds { exit: None }, None)),
            ("633;D;1", shell(Shell::CommandEnds { exit: Some(1) }, None)),
            ("633;P;Cwd=/home", None),
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
        let long = format!("133;C;cmdline_url={};ta=f00.2", "a".repeat(LONGEST_TEXT + 1));
        assert_eq!(read(long.as_bytes()), shell(Shell::CommandBegins { line: None }, Some("f00.2")), "a part is none");
    }
}
