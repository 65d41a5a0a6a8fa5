//! `command`: a program of the user's, with the message on its standard input, for example `apprise`.
//!
//! Nothing of the message stands on the command line, so nothing of it can be an option or reach a shell. Title, kind,
//! urgency, link and code are in `TMUXAGENT_*` variables.

use super::{Channel, Receipt, SendError};
use crate::markup::Markup;
use crate::message::Message;
use futures_util::future::BoxFuture;
use std::process::Stdio;
use tmuxagent_model::{Millis, Urgency};
use tokio::io::AsyncWriteExt;

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
        let ask = message.ask.as_ref();
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
                SendError::refused(format!("can't start `{}`: {error}", self.program), "check `command`")
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
            .map_err(|_| SendError::retry(format!("`{}` did not end within {}", self.program, self.timeout)))?
            .map_err(|error| SendError::retry(format!("can't wait for `{}`: {error}", self.program)))?;
        if output.status.success() {
            return Ok(Receipt::new("exit code 0"));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = tmuxagent_text::plain::cut_bytes(&tmuxagent_text::plain::one_line(&said), 200);
        let what = format!("`{}` ended with {}: {said}", self.program, output.status);
        match output.status.code() {
            // sysexits.h: EX_TEMPFAIL.
            Some(75) => Err(SendError::retry(what)),
            _ => Err(SendError::refused(what, "run the command by hand to see why")),
        }
    }
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

    #[tokio::test]
    async fn failures_are_told_apart() {
        assert!(
            matches!(run("echo no >&2; exit 3", Millis(10_000)).await, Err(SendError::Refused { what, .. }) if what.contains("no"))
        );
        assert!(matches!(run("exit 75", Millis(10_000)).await, Err(SendError::Retry { .. })));
        assert!(matches!(run("sleep 600", Millis(100)).await, Err(SendError::Retry { .. })));
        let missing = Command::new("/nonexistent".into(), vec![], Millis(1000)).send(&message()).await;
        assert!(matches!(missing, Err(SendError::Refused { .. })));
    }
}
