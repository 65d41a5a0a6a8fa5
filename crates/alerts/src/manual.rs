//! What `tmuxagent notify send|test|log` and `tmuxagent redact` do, without their words on the command line.

use super::channel::{Channel, Receipt, SendError};
use super::config::Settings;
use super::message::{Form, Message};
use super::shared_file::SharedFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use tmuxagent_model::{Alert, AlertKind, Millis, Timestamp, Urgency};
use tmuxagent_store::{Found, OutboxRow, OutboxState, Reader, StoreError};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, sentence};

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
        Form::Markdown => super::markdown::title(title),
    };
    // A single line has its markup and links whole in the body, where services that take a title apart show it below.
    let body = if form == Form::Markdown && body.trim().is_empty() { text } else { body };
    to_all(channels, Message { form, ..Message::plain(&title, body, urgency, lang, redactor) }).await
}

/// The channels that such a note goes to; all where the routes name none for it.
#[must_use]
pub fn routed(settings: &Settings, urgency: Urgency) -> Vec<String> {
    let fits = |kinds: &[AlertKind]| kinds.is_empty() || kinds.contains(&AlertKind::Custom);
    let routes = settings.routing.routes.iter().filter(|route| fits(&route.kinds) && urgency >= route.urgency);
    let named: std::collections::BTreeSet<String> = routes.flat_map(|route| route.to.iter().cloned()).collect();
    if named.is_empty() { settings.channels.keys().cloned().collect() } else { named.into_iter().collect() }
}

/// What a message is called that only tries a channel.
#[must_use]
pub const fn test_title(lang: Lang) -> &'static str {
    lang.pick("tmuxagent: a test", "tmuxagent：测试消息")
}

/// Sends a real message that says what it is.
pub async fn test(channels: &BTreeMap<String, Arc<dyn Channel>>, lang: Lang) -> Vec<Sent> {
    let message = Message {
        kind: AlertKind::System,
        urgency: Urgency::Normal,
        lang,
        title: test_title(lang).to_owned(),
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

/// The most messages of scripts that are remembered.
const REMEMBERED: usize = 200;

/// A message that a script sent by itself. The database belongs to the supervisor, which may not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Direct {
    at: Timestamp,
    channel: String,
    ok: bool,
    urgency: Urgency,
    title: String,
    answer: String,
}

/// Writes down what became of a message that a script sent, for [`log`]. `title` and answers are without secrets.
///
/// # Errors
/// When the file can't be written.
pub async fn remember(file: &Path, now: Timestamp, urgency: Urgency, title: &str, sent: &[Sent]) -> io::Result<()> {
    let mut shared = SharedFile::lock(file).await?;
    let mut all: Vec<Direct> = shared.read()?.unwrap_or_default();
    let title: String = title.chars().take(200).collect();
    all.extend(sent.iter().map(|one| Direct {
        at: now,
        channel: one.channel.clone(),
        ok: one.ok,
        urgency,
        title: title.clone(),
        answer: one.answer.chars().take(500).collect(),
    }));
    let surplus = all.len().saturating_sub(REMEMBERED);
    all.drain(..surplus);
    shared.write(&all)
}

/// The newest messages, newest last: those of the outbox, and those that scripts sent by themselves, as they stand in
/// `file`.
///
/// # Errors
/// When the database can't be read.
pub fn log(
    reader: Option<&Reader>,
    file: &Path,
    channel: Option<&str>,
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut rows = reader.map_or(Ok(Vec::new()), |reader| reader.outbox_log(channel, limit))?;
    // Without the file nothing was sent so.
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let direct: Vec<Direct> = serde_json::from_str(&text).unwrap_or_default();
    let named = |row: &Direct| channel.is_none_or(|channel| row.channel == channel);
    rows.extend(direct.into_iter().filter(named).map(Direct::into_row));
    rows.sort_by_key(|row| row.updated_at);
    let surplus = rows.len().saturating_sub(limit as usize);
    rows.drain(..surplus);
    Ok(rows)
}

/// What a message of the log is about, as its reader's language says it. The words of a script are its own.
#[must_use]
pub fn title(row: &OutboxRow, lang: Lang) -> String {
    if row.key.is_empty() { row.alert.title.clone() } else { sentence(lang, &row.alert.title) }
}

/// Where what a message speaks of happens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Where {
    /// `host/session:window.pane`; empty where it is about no pane.
    pub place: String,
    /// Pipeline and stage, where the message has a question about them. Other titles name theirs.
    pub of: Vec<String>,
}

/// Where what a message of the log speaks of happens: of a question that asks the same, and of a run that failed or is through.
#[must_use]
pub fn place(reader: Option<&Reader>, alert: &Alert) -> Where {
    let asked = alert.approval.as_ref().and_then(|id| reader?.approval(id.as_str()).ok());
    if let Some(Found::One(asked)) = asked {
        let of = [&asked.pipeline, &asked.stage].into_iter().flatten().cloned().collect();
        return Where { place: asked.told_place(), of };
    }
    let of_run = matches!(alert.kind, AlertKind::Failure | AlertKind::Success);
    let place = super::message::place(alert).filter(|_| of_run).unwrap_or_default().to_owned();
    Where { place, of: Vec::new() }
}

impl Direct {
    /// As a message of the outbox looks that was tried once.
    fn into_row(self) -> OutboxRow {
        let state = if self.ok { OutboxState::Sent } else { OutboxState::Failed };
        OutboxRow {
            id: 0,
            channel: self.channel,
            key: String::new(),
            alert: Alert {
                kind: AlertKind::Custom,
                urgency: self.urgency,
                title: self.title,
                body: String::new(),
                approval: None,
                run: None,
                dedupe: String::new(),
                channels: Vec::new(),
            },
            state,
            attempts: 1,
            next_at: self.at,
            answer: self.answer,
            created_at: self.at,
            updated_at: self.at,
            since: self.at,
        }
    }
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

    #[tokio::test]
    async fn what_scripts_sent_is_in_the_log_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sent.json");
        assert_eq!(log(None, &file, None, 50).unwrap(), []);
        for n in 0..REMEMBERED {
            let sent = [("team", true), ("old", n % 2 == 0)];
            let sent = sent.map(|(channel, ok)| Sent { channel: channel.to_owned(), ok, answer: "ok".to_owned() });
            let at = Timestamp(i64::try_from(n).unwrap());
            remember(&file, at, Urgency::Normal, &format!("build {n}"), &sent).await.unwrap();
        }
        let rows = log(None, &file, Some("team"), 2).unwrap();
        let titles: Vec<_> = rows.iter().map(|row| (row.alert.title.as_str(), row.state)).collect();
        assert_eq!(titles, [("build 198", OutboxState::Sent), ("build 199", OutboxState::Sent)]);
        assert_eq!(log(None, &file, None, 1000).unwrap().len(), REMEMBERED);
    }

    /// Messages of the supervisor are stored in English and sent in the reader's language; a script's words are sent as they are.
    #[tokio::test]
    async fn the_log_tells_a_title_in_the_language_it_was_sent_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sent.json");
        let sent = [Sent { channel: "team".to_owned(), ok: true, answer: String::new() }];
        remember(&file, Timestamp(0), Urgency::Normal, "shop: stage test failed", &sent).await.unwrap();
        let own = log(None, &file, None, 1).unwrap().remove(0);
        let stored = OutboxRow { key: "1".to_owned(), ..own.clone() };
        assert_eq!(title(&own, Lang::Zh), "shop: stage test failed");
        assert_eq!(title(&stored, Lang::Zh), "shop：阶段 test 失败");
        assert_eq!(title(&stored, Lang::En), "shop: stage test failed");
    }

    #[test]
    fn the_log_tells_where_a_run_failed() {
        let title = "shop: stage test failed".to_owned();
        let failed = Alert {
            kind: AlertKind::Failure,
            urgency: Urgency::High,
            title: title.clone(),
            body: "nas/work:ci.0 %3\nexit code 1\nFAILED".to_owned(),
            approval: None,
            run: Some(tmuxagent_model::RunId(7)),
            dedupe: String::new(),
            channels: Vec::new(),
        };
        assert_eq!(place(None, &failed).place, "nas/work:ci.0 %3");
        let nowhere = [
            Alert { body: title, ..failed.clone() },
            Alert { run: None, ..failed.clone() },
            Alert { kind: AlertKind::Custom, ..failed },
        ];
        for alert in nowhere {
            assert_eq!(place(None, &alert), Where::default(), "{alert:?}");
        }
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
