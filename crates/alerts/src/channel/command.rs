//! `command`: a program of the user's, with the message on its standard input, for example `apprise`.
//!
//! Nothing of the message stands on the command line, so nothing of it can be an option or reach a shell. Title, kind,
//! urgency, link and code are in `TMUXAGENT_*` variables. Its exit code is its answer, see [`EXITS`]; a program that does not
//! end in time is ended and started again later.

use super::answer::{Both, Then};
use super::{Channel, Receipt, SendError, joined};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::process::{ExitStatus, Stdio};
use tmuxagent_model::{Millis, Urgency};
use tmuxagent_text::Lang;
use tokio::io::AsyncWriteExt;

/// What exit codes mean: 0 is success, 75 is `EX_TEMPFAIL` of sysexits.h, 126 and 127 are the shell's (POSIX, "Exit Status
/// for Commands"); any other is a failure for good, since a program that may be tried again can say so by 75.
pub static EXITS: &[(i32, Then)] = &[
    (0, Then::Delivered),
    (75, Then::Later { seconds: 0, why: Both("it asks to be run again later", "它要求稍后重试") }),
    (
        126,
        Then::Never {
            fix: Both("what it starts can't be executed; check its rights", "它启动的程序无法执行；请检查权限"),
        },
    ),
    (
        127,
        Then::Never {
            fix: Both(
                "what it starts was not found; check `PATH` and the name",
                "它启动的程序不存在；请检查 `PATH` 与名称",
            ),
        },
    ),
];

const OTHER_EXIT: Both = Both("run the command by hand to see why", "请手动运行该命令查看原因");

/// A program with its arguments.
pub struct Command {
    program: String,
    arguments: Vec<String>,
    timeout: Millis,
}

impl Command {
    /// The program is started anew for each message and ended after `timeout`.
    #[must_use]
    pub const fn new(program: String, arguments: Vec<String>, timeout: Millis) -> Self {
        Self { program, arguments, timeout }
    }

    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let (ask, lang) = (message.ask.as_ref(), message.lang);
        let urgency = match message.urgency {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        };
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .env("TMUXAGENT_TITLE", &message.title)
            .env("TMUXAGENT_URGENCY", urgency)
            .env("TMUXAGENT_LINK", ask.and_then(|ask| ask.link.as_deref()).unwrap_or_default())
            .env("TMUXAGENT_CODE", ask.map(|ask| ask.code.as_str()).unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let what = lang.pick("can't start", "无法启动");
                let fix = lang.pick("check `command`", "请检查 `command`");
                SendError::refused(format!("{what} `{}`: {error}", self.program), fix)
            })?;
        let text = message.render(Markup::Raw, 16 * 1024);
        let input = child.stdin.take();
        let running = async {
            if let Some(mut input) = input {
                // A program that does not read its input may still succeed.
                let _ = input.write_all(text.as_bytes()).await;
                let _ = input.write_all(b"\n").await;
            }
            child.wait_with_output().await
        };
        let output = tokio::time::timeout(self.timeout.to_std(), running)
            .await
            .map_err(|_| SendError::retry(self.late(lang)))?
            .map_err(|error| SendError::retry(format!("`{}`: {error}", self.program)))?;
        self.judge(&output, lang)
    }

    fn late(&self, lang: Lang) -> String {
        let (program, timeout) = (&self.program, self.timeout);
        match lang {
            Lang::En => format!("`{program}` did not end within {timeout}"),
            Lang::Zh => format!("`{program}` 未在 {timeout} 内结束"),
        }
    }

    fn judge(&self, output: &std::process::Output, lang: Lang) -> Result<Receipt, SendError> {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = tmuxagent_text::plain::cut_bytes(&tmuxagent_text::plain::one_line(&said), 200);
        let what = ended(&self.program, output.status, &said, lang);
        let code = output.status.code();
        // A program that a signal ended has no code.
        match EXITS.iter().find(|(known, _)| Some(*known) == code).map(|(_, then)| *then) {
            Some(Then::Delivered) => Ok(Receipt::new("exit code 0")),
            Some(Then::Later { why, .. } | Then::Renew { why } | Then::Spent { why, .. }) => {
                Err(SendError::retry(joined(&what, why.pick(lang))))
            }
            Some(Then::Never { fix }) => Err(SendError::refused(what, fix.pick(lang))),
            None => Err(SendError::refused(what, OTHER_EXIT.pick(lang))),
        }
    }
}

/// How a program ended, and what it said of it.
fn ended(program: &str, status: ExitStatus, said: &str, lang: Lang) -> String {
    let colon = lang.pick(": ", "：");
    let ended = match (status.code(), lang) {
        (Some(code), Lang::En) => format!("`{program}` ended with exit code {code}"),
        (Some(code), Lang::Zh) => format!("`{program}` 以退出码 {code} 结束"),
        (None, _) => {
            // The standard library knows the names of signals: `signal: 9 (SIGKILL)`.
            let signal = status.to_string();
            let signal = signal.strip_prefix("signal: ").unwrap_or(&signal);
            match lang {
                Lang::En => format!("`{program}` was ended by signal {signal}"),
                Lang::Zh => format!("`{program}` 被信号 {} 终止", signal.replace("(core dumped)", "（已转储内存）")),
            }
        }
    };
    if said.is_empty() { ended } else { format!("{ended}{colon}{said}") }
}

impl Channel for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(self.deliver(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::message;

    async fn run(script: &str, timeout: Millis) -> Result<Receipt, SendError> {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Command::new("sh".to_owned(), arguments, timeout).send(&message()).await
    }

    #[tokio::test]
    async fn the_message_comes_on_standard_input() {
        let script = r#"read -r first; test "$first" = "Decide: storyapp-ci build" && test "$TMUXAGENT_CODE" = XDG4"#;
        assert_eq!(run(script, Millis(10_000)).await, Ok(Receipt::new("exit code 0")));
    }

    #[test]
    fn how_it_ended_is_told_in_the_readers_language() {
        use std::os::unix::process::ExitStatusExt as _;
        let told = |raw: i32, said: &str| {
            let output = std::process::Output {
                status: ExitStatus::from_raw(raw),
                stdout: Vec::new(),
                stderr: said.as_bytes().to_vec(),
            };
            let command = Command::new("x".to_owned(), Vec::new(), Millis(1));
            [Lang::En, Lang::Zh].map(|lang| command.judge(&output, lang).unwrap_err().to_string())
        };
        let by_hand = ["run the command by hand to see why", "请手动运行该命令查看原因"];
        for (raw, said, en, zh) in [
            (1 << 8, "", "`x` ended with exit code 1", "`x` 以退出码 1 结束"),
            (3 << 8, "no\n", "`x` ended with exit code 3: no", "`x` 以退出码 3 结束：no"),
            (9, "", "`x` was ended by signal 9 (SIGKILL)", "`x` 被信号 9 (SIGKILL) 终止"),
        ] {
            assert_eq!(told(raw, said), [format!("{en}; {}", by_hand[0]), format!("{zh}；{}", by_hand[1])]);
        }
        assert_eq!(told(75 << 8, "")[1], "`x` 以退出码 75 结束；它要求稍后重试");
    }

    #[tokio::test]
    async fn failures_are_told_apart() {
        assert!(
            matches!(run("echo no >&2; exit 3", Millis(10_000)).await, Err(SendError::Refused { what, .. }) if what.contains("no"))
        );
        for (code, then) in EXITS {
            let ended = run(&format!("exit {code}"), Millis(10_000)).await;
            match then {
                Then::Delivered => assert!(ended.is_ok(), "{code}: {ended:?}"),
                Then::Later { why, .. } => {
                    assert!(matches!(&ended, Err(SendError::Retry { what, .. }) if what.contains(why.0)), "{ended:?}");
                }
                Then::Never { fix } => {
                    assert!(matches!(&ended, Err(SendError::Refused { fix: told, .. }) if told == fix.0), "{ended:?}");
                }
                Then::Renew { .. } | Then::Spent { .. } => panic!("no program says that by its exit code"),
            }
        }
        assert!(
            matches!(run("kill -9 $$", Millis(10_000)).await, Err(SendError::Refused { .. })),
            "a signal is no yes"
        );
        assert!(matches!(run("sleep 600", Millis(100)).await, Err(SendError::Retry { .. })));
        let missing = Command::new("/nonexistent".into(), vec![], Millis(1000)).send(&message()).await;
        assert!(matches!(missing, Err(SendError::Refused { .. })));
    }
}
