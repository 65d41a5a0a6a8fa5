//! `tmuxagent send`.

use super::connection::Connection;
use super::control::Typing;
use super::{CliError, Outcome, Session, Tone, control, target};
use clap::{Arg, Args};
use std::io::Read;
use tmuxagent_ipc::wire::ErrorKind;
use tmuxagent_model::{Command, KeyStep, SkipReason};
use tmuxagent_text::{Lang, skip_reason};

/// The text is typed literally, then the keys are pressed, then Enter.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The pane: `%3`, `host:%3`, `session:window.pane`, or the window's name
    pane: String,
    /// The text; several words are joined by blanks, `-` reads standard input, `--` comes before words like --json
    #[arg(trailing_var_arg = true)]
    text: Vec<String>,
    /// A key by tmux's name, such as C-c, Escape, Up; may be given several times
    #[arg(short, long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Do not press Enter at the end (keys alone never do)
    #[arg(short = 'n', long)]
    no_enter: bool,
    /// Type it whoever reads: a program, a draft, a password prompt
    #[arg(long)]
    insist: bool,
}

/// The longest text typed at once, bytes; more belongs into a file.
const LONGEST: u64 = 64 * 1024;

/// Types into a pane.
pub(super) fn run(session: &Session, args: &SendArgs) -> Outcome {
    let literal = std::env::args_os().any(|argument| argument == "--");
    if let Some(option) = own_option(&args.text).filter(|_| !literal) {
        return Err(CliError::user(
            format!("`{option}` behind the text would be typed as a part of it"),
            "put options before the pane, or `--` before a text that holds such words",
        ));
    }
    let steps = steps(args)?;
    let mut connection = Connection::open(session)?;
    let snapshot = connection.snapshot_for(&session.as_shown(&args.pane))?;
    let pane = target::pane(&snapshot, &session.as_shown(&args.pane))?.info.key.clone();
    let committed = connection.command(Command::Send { pane: pane.clone(), steps, insist: args.insist })?;
    let typing = control::typing(&mut connection, &committed.value, &pane);
    if let Typing::Not(reason) = typing {
        let why = skip_reason(Lang::En, &reason);
        let text = match reason {
            SkipReason::Reader(_) => format!("nothing was typed: {why}; --insist types it all the same"),
            _ => format!("nothing was typed: {why}"),
        };
        return Err(CliError::Answer { kind: ErrorKind::Refused, text });
    }
    let code = control::tell(session, committed)?;
    if let Some(left) = typing.sentence(session.out.lang).filter(|_| !session.out.json) {
        session.out.line(&session.out.paint(Tone::Warn, &left))?;
    }
    Ok(code)
}

/// The first word behind the text's first one that is an option of this command: it was meant as one, or is meant as text.
fn own_option(words: &[String]) -> Option<&str> {
    let command = super::definition::definition();
    let send = command.find_subcommand("send");
    let known: Vec<&str> = command
        .get_arguments()
        .chain(send.iter().flat_map(|send| send.get_arguments()))
        .filter_map(Arg::get_long)
        .collect();
    let is_known = |word: &&String| {
        word.strip_prefix("--").and_then(|long| long.split('=').next()).is_some_and(|long| known.contains(&long))
    };
    words.iter().skip(1).find(is_known).map(String::as_str)
}

fn steps(args: &SendArgs) -> Result<Vec<KeyStep>, CliError> {
    let text = match &args.text[..] {
        [dash] if dash == "-" => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(LONGEST + 1).read_to_string(&mut text);
            read.map_err(|error| {
                CliError::user(format!("standard input can't be read: {error}"), "it must be UTF-8 text")
            })?;
            text.trim_end_matches('\n').to_owned()
        }
        words => words.join(" "),
    };
    if text.len() as u64 > LONGEST {
        return Err(CliError::user("the text is longer than 64 KiB", "write it to a file and send the file's name"));
    }
    if text.is_empty() && args.keys.is_empty() && args.text.is_empty() {
        return Err(CliError::user("nothing to send", "give a text, or keys with --key C-c"));
    }
    let enter = !args.no_enter && !args.text.is_empty();
    Ok(tmuxagent_policy::key_steps(Some(text), &args.keys, enter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[&str], keys: &[&str], no_enter: bool) -> Result<Vec<KeyStep>, u8> {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        steps(&SendArgs { pane: "%1".into(), text: own(text), keys: own(keys), no_enter, insist: false })
            .map_err(|error| error.code())
    }

    #[test]
    fn an_option_behind_the_text_is_told() {
        let own = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            own_option(&words).map(str::to_owned)
        };
        assert_eq!(own(&["echo", "-n", "hi"]), None);
        assert_eq!(own(&["echo", "x", "--no-enter"]).as_deref(), Some("--no-enter"));
        assert_eq!(own(&["npm", "test", "--color=always"]).as_deref(), Some("--color=always"));
        assert_eq!(own(&["npm", "test", "--watch"]), None);
    }

    #[test]
    fn text_then_keys_then_enter() {
        let (text, key) = (|t: &str| KeyStep::Text(t.into()), |k: &str| KeyStep::Key(k.into()));
        assert_eq!(of(&["npm", "test"], &[], false), Ok(vec![text("npm test"), key("Enter")]));
        assert_eq!(of(&["x"], &[], true), Ok(vec![text("x")]));
        assert_eq!(of(&[], &["C-c"], false), Ok(vec![key("C-c")]));
        assert_eq!(of(&["y"], &["Tab"], false), Ok(vec![text("y"), key("Tab"), key("Enter")]));
        // An empty text is a bare Enter, as people mean it.
        assert_eq!(of(&[""], &[], false), Ok(vec![key("Enter")]));
        assert_eq!(of(&[], &[], false), Err(2));
    }
}
