//! `terminal`: tmux's message line, a bell, and OSC 9 (iTerm2, WezTerm and others) on the terminals of attached clients.
//!
//! The escape goes straight to `#{client_tty}`: what a pane prints reaches the terminal only with `allow-passthrough`,
//! which is the user's choice. Text is stripped of control characters first, so it can't end the escape.
//!
//! Delivered means: tmux put the line on the screen of at least one client. What one terminal makes of the escape nobody
//! tells, so it counts for nothing. Nobody attached is a matter of time.

use super::answer::{Both, Then};
use super::local::{Attempt, End, Ends, judge};
use super::{Channel, Receipt, SendError};
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use tmuxagent_model::{Millis, Urgency};
use tmuxagent_text::Lang;
use tmuxagent_text::plain::{cut_chars, one_line};

const TIMEOUT: Millis = Millis::from_secs(3);

/// What becomes of a line that tmux is to show.
pub static ANSWERS: &Ends = &[
    (End::Taken, Then::Delivered),
    (End::Nobody, Then::Later { seconds: 0, why: Both("nobody is attached to tmux", "没有人连接着 tmux") }),
    (End::Silent, Then::Later { seconds: 0, why: Both("tmux did not answer", "tmux 没有应答") }),
    (End::Refused, Then::Later { seconds: 0, why: Both("tmux may not run now", "tmux 可能没有运行") }),
    (End::Missing, Then::Never { fix: Both("set `tmux_bin`", "请设置 `tmux_bin`") }),
];

/// The clients of one tmux server on this machine.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// The program with the arguments that choose the server: `["tmux", "-L", "work"]`.
    tmux: Vec<String>,
    bell: Bell,
    /// How long one step may take.
    limit: Millis,
}

/// Whether the terminal's bell rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bell {
    /// For what is pressing.
    #[default]
    Urgent,
    /// The terminal stays silent.
    Off,
}

impl Terminal {
    /// The clients of the server that `tmux` with these arguments talks to.
    #[must_use]
    pub const fn new(tmux: Vec<String>, bell: Bell) -> Self {
        Self { tmux, bell, limit: TIMEOUT }
    }

    async fn run(&self, arguments: &[&str], lang: Lang) -> Attempt {
        let cannot = lang.pick("can't start", "无法启动");
        let (program, first) = self.tmux.split_first().ok_or_else(|| (End::Missing, format!("{cannot} tmux")))?;
        let running = tokio::process::Command::new(program)
            .args(first)
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(self.limit.to_std(), running)
            .await
            .map_err(|_| (End::Silent, String::new()))?
            .map_err(|error| (End::Missing, format!("{cannot} {program}: {error}")))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err((End::Refused, one_line(&String::from_utf8_lossy(&output.stderr))))
        }
    }

    async fn deliver(&self, message: &Message) -> Attempt {
        let lang = message.lang;
        let clients = self.run(&["list-clients", "-F", "#{client_control_mode} #{client_tty}"], lang).await?;
        let ttys: Vec<String> = clients
            .lines()
            .filter_map(|line| line.strip_prefix("0 "))
            .filter(|tty| tty.starts_with("/dev/"))
            .map(str::to_owned)
            .collect();
        let nobody = (End::Nobody, String::new());
        if ttys.is_empty() {
            return Err(nobody);
        }
        let text = shown(message);
        let mut seen = 0;
        let mut failed = nobody;
        for tty in &ttys {
            // `-l` is not known before 3.4; doubling is, and formats are expanded either way.
            let literal = text.replace('#', "##");
            // One client may leave meanwhile; the message is not shown to the others again for that.
            match self.run(&["display-message", "-c", tty, &literal], lang).await {
                Ok(_) => seen += 1,
                Err(error) => {
                    failed = error;
                    continue;
                }
            }
            let escape = self.escape(message, &text);
            let tty = tty.clone();
            let writing = tokio::task::spawn_blocking(move || write_tty(&tty, escape.as_bytes()));
            // A terminal that takes nothing (flow control) has the message in its message line.
            let _ = tokio::time::timeout(self.limit.to_std(), writing).await;
        }
        match (seen, lang) {
            (0, _) => Err(failed),
            (seen, Lang::En) => Ok(format!("shown to {seen} client(s)")),
            (seen, Lang::Zh) => Ok(format!("已显示给 {seen} 个客户端")),
        }
    }

    fn escape(&self, message: &Message, text: &str) -> String {
        let bell = if self.bell == Bell::Urgent && message.urgency == Urgency::High { "\x07" } else { "" };
        format!("\x1b]9;{text}\x1b\\{bell}")
    }
}

/// One line without control characters, short enough for a message line.
fn shown(message: &Message) -> String {
    let code = message.ask.as_ref().map(|ask| format!(" [{}]", ask.code)).unwrap_or_default();
    let body =
        message.ask.as_ref().map_or_else(|| message.body.lines().next().unwrap_or_default(), |ask| &ask.question);
    let text = if body.is_empty() { message.title.clone() } else { format!("{} — {body}", message.title) };
    // strftime of `display-message` would read `%`.
    format!("{}{code}", cut_chars(&one_line(&text), 160)).replace('%', "％")
}

fn write_tty(tty: &str, bytes: &[u8]) -> std::io::Result<()> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let mut file = std::fs::OpenOptions::new().write(true).custom_flags(flags).open(tty)?;
    if !file.metadata()?.file_type().is_char_device() {
        return Err(std::io::Error::other("not a terminal"));
    }
    file.write_all(bytes)
}

impl Channel for Terminal {
    fn kind(&self) -> &'static str {
        "terminal"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move { judge(ANSWERS, self.deliver(message).await, message.lang) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::assert_meant;
    use super::*;
    use crate::message::tests::message;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn every_end_means_what_its_table_says() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tmux");
        for (end, then) in ANSWERS {
            let script = match end {
                End::Taken => "[ $1 != list-clients ] || echo '0 /dev/null'",
                End::Nobody => "exit 0",
                End::Silent => "exec sleep 1000",
                End::Refused => "echo 'no server running' >&2; exit 1",
                End::Missing => "",
            };
            // A new file each time: one that is still open for writing can't be started.
            let _ = std::fs::remove_file(&program);
            if !script.is_empty() {
                std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            let limit = if *end == End::Silent { Millis(100) } else { Millis::from_secs(60) };
            let terminal = Terminal { limit, ..Terminal::new(vec![program.display().to_string()], Bell::Off) };
            for lang in [Lang::En, Lang::Zh] {
                assert_meant(*then, lang, &terminal.send(&Message { lang, ..message() }).await);
            }
        }
        let none = Terminal::new(Vec::new(), Bell::Off).send(&message()).await;
        assert!(matches!(none, Err(SendError::Refused { .. })), "{none:?}");
    }

    #[tokio::test]
    async fn what_stood_in_the_way_is_told_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let silent = folder.path().join("tmux");
        std::fs::write(&silent, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&silent, std::fs::Permissions::from_mode(0o755)).unwrap();
        let silent = silent.display().to_string();
        let missing = "/nonexistent/tmux".to_owned();
        for (tmux, lang, begin, end) in [
            (&silent, Lang::En, "tmux did not answer", ""),
            (&silent, Lang::Zh, "tmux 没有应答", ""),
            (&missing, Lang::En, "can't start /nonexistent/tmux: ", "; set `tmux_bin`"),
            (&missing, Lang::Zh, "无法启动 /nonexistent/tmux: ", "请设置 `tmux_bin`"),
        ] {
            let limit = if *tmux == silent { Millis(100) } else { Millis::from_secs(60) };
            let terminal = Terminal { limit, ..Terminal::new(vec![tmux.clone()], Bell::Off) };
            let said = terminal.send(&Message { lang, ..message() }).await.unwrap_err().to_string();
            assert!(said.starts_with(begin) && said.ends_with(end), "{said}");
        }
    }

    #[test]
    fn no_text_ends_the_escape() {
        let mut message = message();
        message.ask = None;
        message.title = "a\u{1b}\\\u{7}#{pane_id} %H\n\u{9c}b".into();
        let terminal = Terminal::new(vec!["tmux".into()], Bell::Urgent);
        let text = shown(&message);
        assert_eq!(terminal.escape(&message, &text), "\x1b]9;a\\#{pane_id} ％H b\x1b\\\x07");
    }

    #[tokio::test]
    async fn a_client_that_left_meanwhile_does_not_undo_what_the_others_saw() {
        let folder = tempfile::tempdir().unwrap();
        let (tmux, log) = (folder.path().join("tmux"), folder.path().join("log"));
        let script = format!(
            "#!/bin/sh\ncase $1 in list-clients) echo '0 /dev/left'; echo '0 /dev/null';; *) echo \"$3\" >> '{}';; esac\n\
             [ \"$3\" != /dev/left ] || {{ echo 'can not find client' >&2; exit 1; }}\n",
            log.display()
        );
        std::fs::write(&tmux, script).unwrap();
        std::fs::set_permissions(&tmux, std::fs::Permissions::from_mode(0o755)).unwrap();
        let terminal = Terminal::new(vec![tmux.display().to_string()], Bell::Off);
        assert_eq!(terminal.send(&message()).await, Ok(Receipt::new("shown to 1 client(s)")));
        assert_eq!(std::fs::read_to_string(log).unwrap(), "/dev/left\n/dev/null\n");
    }

    #[tokio::test]
    async fn without_a_server_it_is_tried_again() {
        let socket = format!("notify-none-{}", std::process::id());
        let tmux = ["tmux", "-L", &socket, "-f", "/dev/null"].map(str::to_owned).to_vec();
        let error = Terminal::new(tmux, Bell::Off).send(&message()).await;
        assert!(matches!(error, Err(SendError::Retry { .. })), "{error:?}");
    }
}
