//! `desktop`: a notification of the desktop, or a Windows toast where this Linux runs in WSL.
//!
//! A bus may accept and never answer, and WSL's bridge to Windows may be dead, so both have a time limit.

use super::{Boxed, Channel, Receipt, SendError};
use crate::model::{Millis, Urgency};
use crate::notify::markup::{Markup, escape_html};
use crate::notify::message::Message;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

const TIMEOUT: Millis = Millis::from_secs(5);

/// The desktop of the user who runs this.
#[derive(Debug, Clone, Copy)]
pub struct Desktop {
    surface: Surface,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    Bus,
    Windows,
}

impl Desktop {
    /// The desktop that this machine has.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().to_lowercase();
        Self { surface: if kernel.contains("microsoft") { Surface::Windows } else { Surface::Bus } }
    }
}

impl Channel for Desktop {
    fn kind(&self) -> &'static str {
        "desktop"
    }

    fn send<'a>(&'a self, message: &'a Message) -> Boxed<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let sending = async {
                match self.surface {
                    Surface::Bus => bus(message).await,
                    Surface::Windows => match toast("powershell.exe", message).await {
                        Ok(receipt) => Ok(receipt),
                        // WSLg may have a bus with a notifier after all.
                        Err(_) => bus(message).await,
                    },
                }
            };
            tokio::time::timeout(TIMEOUT.to_std(), sending)
                .await
                .unwrap_or_else(|_| Err(unavailable(format!("the desktop did not answer within {TIMEOUT}"))))
        })
    }
}

fn unavailable(what: String) -> SendError {
    SendError::refused(what, "there may be no desktop here; use another channel, such as `terminal` or `ntfy`")
}

async fn bus(message: &Message) -> Result<Receipt, SendError> {
    let urgency = match message.urgency {
        Urgency::Low => notify_rust::Urgency::Low,
        Urgency::Normal => notify_rust::Urgency::Normal,
        Urgency::High => notify_rust::Urgency::Critical,
    };
    let mut note = notify_rust::Notification::new();
    // Servers read some HTML in bodies (Desktop Notifications Specification, "Markup").
    note.appname("tmuxagent").summary(&Markup::Plain.text(&message.title)).urgency(urgency);
    note.body(&escape_html(&message.render_body(Markup::Plain, 1000)));
    note.show_async().await.map_err(|error| unavailable(format!("no notification: {error}")))?;
    Ok(Receipt::new("shown"))
}

/// A toast by PowerShell and WinRT; the texts come on standard input as XML, never on a command line.
async fn toast(program: &str, message: &Message) -> Result<Receipt, SendError> {
    const SCRIPT: &str = "$ErrorActionPreference='Stop';\
        [Console]::InputEncoding=[Text.Encoding]::UTF8;\
        $null=[Windows.UI.Notifications.ToastNotificationManager,Windows.UI.Notifications,ContentType=WindowsRuntime];\
        $null=[Windows.Data.Xml.Dom.XmlDocument,Windows.Data.Xml.Dom.XmlDocument,ContentType=WindowsRuntime];\
        $x=New-Object Windows.Data.Xml.Dom.XmlDocument;$x.LoadXml([Console]::In.ReadToEnd());\
        $id='{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe';\
        [Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($id).Show(\
        (New-Object Windows.UI.Notifications.ToastNotification $x))";
    let mut child = tokio::process::Command::new(program)
        .args(["-NoProfile", "-NonInteractive", "-Command", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| unavailable(format!("can't start {program}: {error}")))?;
    if let Some(mut input) = child.stdin.take() {
        // A PowerShell that ended already tells by its exit code.
        let _ = input.write_all(toast_xml(message).as_bytes()).await;
    }
    let status = child.wait().await.map_err(|error| unavailable(format!("{program}: {error}")))?;
    if status.success() { Ok(Receipt::new("toast shown")) } else { Err(unavailable(format!("{program}: {status}"))) }
}

fn toast_xml(message: &Message) -> String {
    let line = |text: &str| format!("<text>{}</text>", escape_html(text));
    let body = message.render_body(Markup::Plain, 600);
    let action = message.ask.as_ref().and_then(|ask| ask.link.as_deref()).map_or_else(String::new, |link| {
        let label = message.lang.pick("Open", "打开");
        format!(
            "<actions><action activationType=\"protocol\" content=\"{label}\" arguments=\"{}\"/></actions>",
            escape_html(link)
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
    use super::*;
    use crate::notify::message::tests::message;

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

    #[tokio::test]
    async fn a_missing_powershell_is_said() {
        assert!(toast("/nonexistent/powershell.exe", &message()).await.is_err());
    }
}
