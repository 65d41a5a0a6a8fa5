//! What `tmuxagent notify send|test|log` and `tmuxagent redact` do, without their words on the command line.

use super::channel::{Channel, Receipt, SendError};
use super::message::{Form, Message};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use tmuxagent_model::{AlertKind, Millis, Urgency};
use tmuxagent_store::{OutboxRow, Reader, StoreError};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;

/// The whole attempt of one channel, its retries included.
const LIMIT: Millis = Millis::from_secs(60);
/// What a message that can't be delivered at once is tried, for scripts that wait.
const TRIES: u32 = 3;

/// What became of a message on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The channel's name in the configuration.
    pub channel: String,
    /// Whether the service took it.
    pub ok: bool,
    /// Its answer, or what is wrong and what to do.
    pub answer: String,
}

/// Sends a text of a script to channels, at the same time, and waits for all. The script succeeded when every one is
/// [`Sent::ok`].
///
/// The first line is the title, the rest the body. As [`Form::Plain`] all of it is data: no markup in it is read.
pub async fn send(
    channels: &BTreeMap<String, Arc<dyn Channel>>,
    (text, form): (&str, Form),
    urgency: Urgency,
    lang: Lang,
    redactor: &Redactor,
) -> Vec<Sent> {
    let text = text.trim_start_matches('\n');
    let (title, body) = text.split_once('\n').unwrap_or((text, ""));
    let title = match form {
        Form::Plain => title.to_owned(),
        Form::Markdown => title.trim_start_matches(['#', ' ']).replace("**", "").replace('`', ""),
    };
    to_all(channels, Message { form, ..Message::plain(&title, body, urgency, lang, redactor) }).await
}

/// Sends a real message that says what it is.
pub async fn test(channels: &BTreeMap<String, Arc<dyn Channel>>, lang: Lang) -> Vec<Sent> {
    let message = Message {
        kind: AlertKind::System,
        urgency: Urgency::Normal,
        lang,
        title: lang.pick("tmuxagent: a test", "tmuxagent：测试消息").to_owned(),
        body: lang.pick("This channel works.", "该通道工作正常。").to_owned(),
        form: Form::Plain,
        run: None,
        ask: None,
    };
    to_all(channels, message).await
}

async fn to_all(channels: &BTreeMap<String, Arc<dyn Channel>>, message: Message) -> Vec<Sent> {
    let message = Arc::new(message);
    let mut running = tokio::task::JoinSet::new();
    for (name, channel) in channels {
        let (name, channel, message) = (name.clone(), Arc::clone(channel), Arc::clone(&message));
        running.spawn(async move {
            let sent = tokio::time::timeout(LIMIT.to_std(), patiently(channel.as_ref(), &message)).await;
            let (ok, answer) = match sent {
                Ok(Ok(receipt)) => (true, receipt.answer),
                Ok(Err(error)) => (false, error.to_string()),
                Err(_) => (false, format!("{} {LIMIT}", message.lang.pick("no end within", "未在时限内结束："))),
            };
            Sent { channel: name, ok, answer }
        });
    }
    let mut all = running.join_all().await;
    all.sort_by(|a, b| a.channel.cmp(&b.channel));
    all
}

async fn patiently(channel: &dyn Channel, message: &Message) -> Result<Receipt, SendError> {
    let mut tries = 1;
    loop {
        match channel.send(message).await {
            Err(SendError::Retry { after, .. }) if tries < TRIES && after.unwrap_or_default().0 <= 10_000 => {
                tokio::time::sleep(after.unwrap_or(Millis::from_secs(1)).to_std()).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

/// The newest messages of the outbox, newest last: what was sent and what was answered.
///
/// # Errors
/// When the database can't be read.
pub fn log(reader: &Reader, channel: Option<&str>, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
    reader.outbox_log(channel, limit)
}

/// Copies text without its secrets. A private key over many lines is found; other patterns are looked for line by line, so
/// that a stream flows.
///
/// # Errors
/// When reading or writing fails.
pub fn redact(input: &mut dyn BufRead, output: &mut dyn Write, redactor: &Redactor) -> io::Result<()> {
    const MOST: usize = 256 * 1024;
    let mut pending = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line)?;
        pending.push_str(&String::from_utf8_lossy(&line));
        let opens = pending.contains("PRIVATE KEY") && pending.contains("-----BEGIN ");
        let closes = pending.contains("-----END ");
        if read == 0 || !opens || closes || pending.len() > MOST {
            output.write_all(redactor.redact(&pending).as_bytes())?;
            output.flush()?;
            pending.clear();
        }
        if read == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::command::Command;

    fn shell(script: &str) -> Arc<dyn Channel> {
        Arc::new(Command::new("sh".into(), vec!["-c".into(), script.into()], Millis::from_secs(20)))
    }

    #[tokio::test]
    async fn every_channel_answers_for_itself() {
        let channels: BTreeMap<String, Arc<dyn Channel>> = [
            ("bad".to_owned(), shell("echo broken >&2; exit 1")),
            ("good".to_owned(), shell("read -r line; test \"$line\" = 'build done'")),
        ]
        .into();
        let sent =
            send(&channels, ("build done\nin 3s", Form::Plain), Urgency::Normal, Lang::En, &Redactor::default()).await;
        assert_eq!(
            sent.iter().map(|s| (s.channel.as_str(), s.ok)).collect::<Vec<_>>(),
            [("bad", false), ("good", true)]
        );
        assert!(sent[0].answer.contains("broken"), "{sent:?}");
    }

    #[test]
    fn a_stream_is_redacted_and_keys_of_many_lines_too() {
        let secret = ["abcdef", "ghijkl", "mnopqr"].concat();
        let key = format!("-----BEGIN {0} KEY-----\n{secret}\n{secret}\n-----END {0} KEY-----", "PRIVATE");
        let text = format!("one\nAPI_TOKEN={secret}\n{key}\nlast");
        let mut out = Vec::new();
        redact(&mut text.as_bytes(), &mut out, &Redactor::default()).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "one\nAPI_TOKEN=[redacted: secret]\n[redacted: private key]\nlast");
    }
}
