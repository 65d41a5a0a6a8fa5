//! `desktop`: a notification of the desktop, or a Windows toast where this Linux runs in WSL; where there is neither, a line
//! on the terminals of tmux.
//!
//! Delivered means: the notification server answered with the notification's id, or PowerShell ended with 0, or tmux showed
//! the line to a client. A bus may accept and never answer, and WSL's bridge to Windows may be dead, so each has a time limit
//! of its own, after which the next way is tried.

use super::answer::{Both, Then};
use super::local::{Attempt, End, Ends, judge};
use super::terminal::Terminal;
use super::{Channel, Receipt, SendError};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::process::Stdio;
use tmuxagent_model::{Millis, Urgency};
use tmuxagent_text::Lang;
use tmuxagent_text::escape::html;
use tokio::io::AsyncWriteExt;

const TIMEOUT: Millis = Millis::from_secs(5);

const ANOTHER: Both = Both(
    "there may be no desktop here; use another channel, such as `terminal` or `ntfy`",
    "这里可能没有桌面；请改用其他通道，如 `terminal` 或 `ntfy`",
);

/// What becomes of a notification. Whatever a desktop does not take is shown in tmux; these errors are told where nobody
/// sees it there either.
pub static ANSWERS: &Ends = &[
    (End::Taken, Then::Delivered),
    (
        End::Refused,
        Then::Never {
            fix: Both(
                "the desktop refuses it; try `notify-send test`, or use another channel, such as `terminal` or `ntfy`",
                "桌面拒绝了它；请试试 `notify-send test`，或改用其他通道，如 `terminal` 或 `ntfy`",
            ),
        },
    ),
    (End::Silent, Then::Never { fix: ANOTHER }),
    (End::Missing, Then::Never { fix: ANOTHER }),
];

/// The desktop of the user who runs this.
#[derive(Debug, Clone)]
pub struct Desktop {
    surface: Surface,
    /// Where to show what no desktop takes.
    terminal: Terminal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    Bus,
    Windows,
}

impl Desktop {
    /// The desktop that this machine has; `terminal` shows what it does not take.
    #[must_use]
    pub(crate) fn of_this_machine(terminal: Terminal) -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().to_lowercase();
        let surface = if kernel.contains("microsoft") { Surface::Windows } else { Surface::Bus };
        Self { surface, terminal }
    }

    async fn show(&self, message: &Message) -> Attempt {
        if self.surface == Surface::Windows
            && let Ok(said) = within(TIMEOUT, toast("powershell.exe", message), message.lang).await
        {
            return Ok(said);
        }
        // WSLg may have a bus with a notifier after all.
        within(TIMEOUT, bus(message), message.lang).await
    }

    /// Shows in tmux what the desktop did not take; when nobody is attached there, that stays the error.
    async fn fall_through(&self, message: &Message, error: SendError) -> Result<Receipt, SendError> {
        match self.terminal.send(message).await {
            Ok(receipt) => {
                let (none, of) =
                    (message.lang.pick("no desktop here", "这里没有桌面"), message.lang.pick("of tmux", "（tmux）"));
                Ok(Receipt::new(format!("{none}; {} {of}", receipt.answer)))
            }
            Err(_) => Err(error),
        }
    }
}

/// The end of an attempt, which may not hang.
async fn within(limit: Millis, sending: impl Future<Output = Attempt>, lang: Lang) -> Attempt {
    let late = lang.pick("the desktop did not answer within", "桌面未在时限内应答：");
    let sent = tokio::time::timeout(limit.to_std(), sending).await;
    sent.unwrap_or_else(|_| Err((End::Silent, format!("{late} {limit}"))))
}

impl Channel for Desktop {
    fn kind(&self) -> &'static str {
        "desktop"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            match judge(ANSWERS, self.show(message).await, message.lang) {
                Ok(receipt) => Ok(receipt),
                Err(error) => self.fall_through(message, error).await,
            }
        })
    }
}

/// How an error of the bus ended the attempt. One that the notification server answered bears a name of D-Bus, dotted and
/// without spaces; that nobody has the server's name bears one too.
fn end_of(error: &str) -> End {
    let name = error.split_once(':').map_or(error, |(name, _)| name);
    let named = name.contains('.') && !name.contains([' ', '/']);
    let nobody = ["ServiceUnknown", "NameHasNoOwner", ".Spawn."].iter().any(|known| name.contains(known));
    if named && !nobody { End::Refused } else { End::Missing }
}

async fn bus(message: &Message) -> Attempt {
    let urgency = match message.urgency {
        Urgency::Low => notify_rust::Urgency::Low,
        Urgency::Normal => notify_rust::Urgency::Normal,
        Urgency::High => notify_rust::Urgency::Critical,
    };
    let mut note = notify_rust::Notification::new();
    // Servers read some HTML in bodies (Desktop Notifications Specification, "Markup").
    note.appname("tmuxagent").summary(&Markup::Plain.text(&message.title)).urgency(urgency);
    note.body(&html(&message.render_body(Markup::Plain, 1000)));
    let lang = message.lang;
    let none = lang.pick("no notification", "无法显示通知");
    note.show_async().await.map_err(|error| (end_of(&error.to_string()), format!("{none}: {error}")))?;
    Ok(lang.pick("shown", "已显示").to_owned())
}

/// A toast by PowerShell and WinRT; the texts come on standard input as XML, never on a command line.
async fn toast(program: &str, message: &Message) -> Attempt {
    const SCRIPT: &str = "$ErrorActionPreference='Stop';\
        [Console]::InputEncoding=[Text.Encoding]::UTF8;\
        $null=[Windows.UI.Notifications.ToastNotificationManager,Windows.UI.Notifications,ContentType=WindowsRuntime];\
        $null=[Windows.Data.Xml.Dom.XmlDocument,Windows.Data.Xml.Dom.XmlDocument,ContentType=WindowsRuntime];\
        $x=New-Object Windows.Data.Xml.Dom.XmlDocument;$x.LoadXml([Console]::In.ReadToEnd());\
        $id='{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe';\
        [Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($id).Show(\
        (New-Object Windows.UI.Notifications.ToastNotification $x))";
    let lang = message.lang;
    let mut child = tokio::process::Command::new(program)
        .args(["-NoProfile", "-NonInteractive", "-Command", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| (End::Missing, format!("{} {program}: {error}", lang.pick("can't start", "无法启动"))))?;
    if let Some(mut input) = child.stdin.take() {
        // A PowerShell that ended already tells by its exit code.
        let _ = input.write_all(toast_xml(message).as_bytes()).await;
    }
    let status = child.wait().await.map_err(|error| (End::Missing, format!("{program}: {error}")))?;
    if status.success() {
        Ok(lang.pick("toast shown", "已弹出通知").to_owned())
    } else {
        Err((End::Refused, format!("{program}: {status}")))
    }
}

fn toast_xml(message: &Message) -> String {
    let line = |text: &str| format!("<text>{}</text>", html(text));
    let body = message.render_body(Markup::Plain, 600);
    let action = message.ask.as_ref().and_then(|ask| ask.link.as_deref()).map_or_else(String::new, |link| {
        let label = message.lang.pick("Open", "打开");
        format!(
            "<actions><action activationType=\"protocol\" content=\"{label}\" arguments=\"{}\"/></actions>",
            html(link)
        )
    });
    format!(
        "<toast><visual><binding template=\"ToastGeneric\">{}{}</binding></visual>{action}</toast>",
        line(&message.title),
        line(&body)
    )
}

#[cfg(test)]
mod tests {
    use super::super::local::assert_meant;
    use super::super::terminal::Bell;
    use super::*;
    use crate::message::tests::message;

    #[test]
    fn a_toast_is_xml_whatever_the_text() {
        let mut message = message();
        message.title = "</text><audio src='x'/>&".into();
        let xml = toast_xml(&message);
        assert!(
            xml.starts_with("<toast>") && xml.contains("&lt;/text&gt;&lt;audio src=&#39;x&#39;/&gt;&amp;"),
            "{xml}"
        );
    }

    /// A program that a test puts in another's place.
    fn program(folder: &std::path::Path, script: &str) -> String {
        let path = folder.join("program");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    #[tokio::test]
    async fn every_end_means_what_its_table_says() {
        for (end, then) in ANSWERS {
            let folder = tempfile::tempdir().unwrap();
            let (program, limit) = match end {
                End::Taken => (program(folder.path(), "cat > /dev/null"), Millis::from_secs(60)),
                End::Refused => (program(folder.path(), "exit 1"), Millis::from_secs(60)),
                End::Silent => (program(folder.path(), "exec sleep 1000"), Millis(100)),
                End::Missing => ("/nonexistent/powershell.exe".to_owned(), Millis::from_secs(60)),
                End::Nobody => panic!("{end:?} is none of its ends"),
            };
            for lang in [Lang::En, Lang::Zh] {
                let message = Message { lang, ..message() };
                let attempt = within(limit, toast(&program, &message), lang).await;
                assert_eq!(attempt.as_ref().map_or_else(|(ended, _)| *ended, |_| End::Taken), *end);
                assert_meant(*then, lang, &judge(ANSWERS, attempt, lang));
            }
        }
    }

    #[test]
    fn an_answer_of_the_bus_is_told_from_no_bus() {
        for (error, end) in [
            ("org.freedesktop.DBus.Error.LimitsExceeded: too many notifications", End::Refused),
            ("com.example.Notifier.Error: no", End::Refused),
            ("org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable", End::Missing),
            ("org.freedesktop.DBus.Error.Spawn.ExecFailed: no such program", End::Missing),
            ("I/O error: No such file or directory (os error 2)", End::Missing),
            ("/run/user/1000/bus: not there", End::Missing),
        ] {
            assert_eq!(end_of(error), end, "{error}");
        }
    }

    #[tokio::test]
    async fn a_toast_gets_its_words_on_its_input() {
        let folder = tempfile::tempdir().unwrap();
        let got = folder.path().join("got");
        let good = program(folder.path(), &format!("cat > '{}'", got.display()));
        assert!(toast(&good, &message()).await.is_ok());
        assert_eq!(std::fs::read_to_string(&got).unwrap(), toast_xml(&message()));
    }

    #[tokio::test]
    async fn without_a_desktop_it_is_shown_in_tmux() {
        let folder = tempfile::tempdir().unwrap();
        let got = folder.path().join("got");
        let script = format!("[ $1 = list-clients ] && echo '0 /dev/null'; echo \"$*\" >> '{}'", got.display());
        let desktop = |tmux: String| Desktop { surface: Surface::Bus, terminal: Terminal::new(vec![tmux], Bell::Off) };
        let none = || judge(ANSWERS, Err((End::Missing, "no bus".to_owned())), Lang::En).unwrap_err();
        let shown = desktop(program(folder.path(), &script)).fall_through(&message(), none()).await.unwrap();
        assert_eq!(shown.answer, "no desktop here; shown to 1 client(s) of tmux");
        let came = std::fs::read_to_string(&got).unwrap();
        assert!(came.contains("display-message -c /dev/null Decide"), "{came}");
        let nobody = desktop("/nonexistent/tmux".to_owned()).fall_through(&message(), none()).await;
        assert_eq!(nobody, Err(none()), "what happened first is told");
    }
}
