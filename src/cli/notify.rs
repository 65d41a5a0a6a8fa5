//! `tmuxagent notify`: messages from scripts, a try of the channels, and the log of what was sent.

mod standard_output;

use super::connection::Connection;
use super::{CliError, Outcome, Session, Tone, exit};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use standard_output::{Place, told};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use tmuxagent_alerts::channel::Channel;
use tmuxagent_alerts::config::{ChannelConfig, Kind, Settings, Surroundings, build, channel, of};
use tmuxagent_alerts::manual::{self, Sent};
use tmuxagent_alerts::message::Form;
use tmuxagent_clock::wall;
use tmuxagent_config::Loaded;
use tmuxagent_ipc::wire::Request;
use tmuxagent_model::{ApprovalId, Urgency};
use tmuxagent_store::{OutboxRow, OutboxState, Reader};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, ago, clean, span};

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send a text: its first line is the title. Exit code 1: a channel did not take it
    Send(SendArgs),
    /// Send a real message to one channel, or to all, and explain what fails
    Test(TestArgs),
    /// Print what was sent, what waits, and what the services answered
    Log(LogArgs),
    /// Make a new key for signed links; those in people's hands hold until they expire
    RotateKey,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The channel, several times for several; the ones that alerts of this urgency go to when left out
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Read headings, lists, bold words, code and links of web addresses in the text
    #[arg(long)]
    markdown: bool,
    /// How pressing it is
    #[arg(long, value_enum, default_value = "normal", value_name = "HOW", hide_possible_values = true)]
    urgency: UrgencyChoice,
    /// The text; standard input when it is `-` or left out
    text: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The channel; all of the configuration when left out
    channel: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Only this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

/// An urgency as the flag names it: low, normal or high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UrgencyChoice {
    /// Can wait.
    Low,
    /// Worth a look.
    Normal,
    /// Pressing.
    High,
}

/// Runs one of them.
pub(super) fn run(session: &Session, command: &NotifyCommand) -> Outcome {
    match command {
        NotifyCommand::Send(args) => send(session, args),
        NotifyCommand::Test(args) => test(session, args),
        NotifyCommand::Log(args) => log(session, args),
        NotifyCommand::RotateKey => rotate_key(session),
    }
}

fn send(session: &Session, args: &SendArgs) -> Outcome {
    let urgency = match args.urgency {
        UrgencyChoice::Low => Urgency::Low,
        UrgencyChoice::Normal => Urgency::Normal,
        UrgencyChoice::High => Urgency::High,
    };
    let form = if args.markdown { Form::Markdown } else { Form::Plain };
    deliver(session, &args.channel, urgency, (&text(&args.text)?, form))
}

/// Sends a report to these channels, where none is named to those that such messages are routed to.
pub(super) fn send_report(session: &Session, channels: &[String], text: &str) -> Outcome {
    deliver(session, channels, Urgency::Normal, (text, Form::Plain))
}

fn deliver(session: &Session, names: &[String], urgency: Urgency, message: (&str, Form)) -> Outcome {
    let loaded = session.load()?;
    let settings = of(&loaded)?;
    let names = if names.is_empty() { manual::routed(&settings, urgency) } else { names.to_vec() };
    let channels = open(session, &loaded, &settings, &names)?;
    let (lang, redactor) = (session.out.lang, settings.redactor(&loaded));
    let sent = super::threads::runtime()?.block_on(manual::send(&channels, message, urgency, lang, &redactor));
    let title = message.0.trim_start().lines().next().unwrap_or_default();
    keep(&loaded, urgency, &redactor.redact(title), &redactor, &sent);
    tell(session, &loaded, &settings, sent)
}

/// Remembers what was sent, for `notify log`. That it can't be kept is no reason to call it unsent.
fn keep(loaded: &Loaded, urgency: Urgency, title: &str, redactor: &Redactor, sent: &[Sent]) {
    let sent: Vec<Sent> = sent.iter().map(|one| Sent { answer: redactor.redact(&one.answer), ..one.clone() }).collect();
    if loaded.paths.prepare().is_err() {
        return;
    }
    let Ok(runtime) = super::threads::runtime() else { return };
    if let Err(error) = runtime.block_on(manual::remember(&sent_file(loaded), wall(), urgency, title, &sent)) {
        tracing::debug!(%error, "what was sent is not remembered");
    }
}

/// Where messages of scripts are remembered.
fn sent_file(loaded: &Loaded) -> std::path::PathBuf {
    loaded.paths.sent()
}

fn test(session: &Session, args: &TestArgs) -> Outcome {
    let loaded = session.load()?;
    let settings = of(&loaded)?;
    let names = args.channel.clone().map_or_else(|| settings.channels.keys().cloned().collect(), |name| vec![name]);
    let channels = open(session, &loaded, &settings, &names)?;
    let lang = session.out.lang;
    let mut sent = super::threads::runtime()?.block_on(manual::test(&channels, lang));
    let mut supervisor = Connection::open(session);
    let pid = supervisor.as_ref().ok().map(|supervisor| supervisor.greeting.pid);
    let writes_here = |one: &Sent| settings.channels.get(&one.channel).is_some_and(|it| it.kind == Kind::Stdout);
    for one in sent.iter_mut().filter(|one| one.ok && writes_here(one)) {
        (one.ok, one.answer) = told(pid.map(|pid| (pid, Place::of(pid))), lang);
    }
    keep(&loaded, Urgency::Normal, manual::test_title(lang), &settings.redactor(&loaded), &sent);
    // That this command can write says nothing of what the supervisor's own output takes.
    let works = sent.iter().filter(|one| one.ok && !writes_here(one));
    let channels: Vec<String> = works.map(|one| one.channel.clone()).collect();
    if !channels.is_empty()
        && let Ok(supervisor) = &mut supervisor
        && let Err(error) = supervisor.ask(Request::ChannelsWork { channels })
    {
        // One of an earlier version finds out with its own next message.
        tracing::debug!(error = %error.text(), "the supervisor is not told that the channels work");
    }
    tell(session, &loaded, &settings, sent)
}

fn open(
    session: &Session,
    loaded: &Loaded,
    settings: &Settings,
    names: &[String],
) -> Result<BTreeMap<String, Arc<dyn Channel>>, CliError> {
    if names.is_empty() {
        return Err(CliError::user(
            "no channel is configured",
            "name one under `channels:` in the configuration, or --channel with its credentials in the environment",
        ));
    }
    let place = Surroundings::of(loaded, session.out.lang);
    let mut channels = BTreeMap::new();
    for name in names {
        let Some(config) = channel(loaded, name)? else {
            return Err(CliError::NotFound {
                text: format!("there is no channel `{}`", clean(name)),
                hint: "the configured ones are:".to_owned(),
                candidates: settings.channels.keys().cloned().collect(),
            });
        };
        let built = build(&config, &place).map_err(|error| {
            CliError::user(error.to_string(), "see the channel's `proxy`, and this machine's certificates")
        })?;
        channels.insert(name.clone(), built);
    }
    Ok(channels)
}

/// The text of the command line or of standard input.
fn text(words: &[String]) -> Result<String, CliError> {
    let given = words.join(" ");
    let text = if given.is_empty() || given == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(1024 * 1024).read_to_end(&mut bytes).map_err(CliError::internal)?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        given
    };
    if text.trim().is_empty() {
        return Err(CliError::user("there is no text to send", "give it as an argument, or on standard input"));
    }
    Ok(text)
}

fn tell(session: &Session, loaded: &Loaded, settings: &Settings, sent: Vec<Sent>) -> Outcome {
    let redactor = settings.redactor(loaded);
    let sent: Vec<Sent> = sent.into_iter().map(|one| Sent { answer: redactor.redact(&one.answer), ..one }).collect();
    let out = &session.out;
    if out.json {
        out.json(&sent)?;
    } else {
        for one in &sent {
            let (tone, mark) = if one.ok { (Tone::Good, "ok") } else { (Tone::Bad, "XX") };
            let kind = settings.channels.get(&one.channel).map_or("", |config: &ChannelConfig| config.kind.name());
            let kind = if kind.is_empty() || kind == one.channel { String::new() } else { format!(" ({kind})") };
            out.line(&format!(
                "{} {}{kind}: {}",
                out.paint(tone, mark),
                clean(&one.channel),
                clean(&out.words(&one.answer))
            ))?;
        }
    }
    Ok(if sent.iter().all(|one| one.ok) { exit::OK } else { exit::NEGATIVE })
}

fn log(session: &Session, args: &LogArgs) -> Outcome {
    let loaded = session.load()?;
    let database = &loaded.paths.database;
    let open = || Reader::open(database);
    let reader = database.exists().then(open).transpose();
    let reader = reader.map_err(|error| CliError::User(tmuxagent_config::Problem::plain(error.to_string())))?;
    let rows = manual::log(reader.as_ref(), &sent_file(&loaded), args.channel.as_deref(), args.limit);
    let rows = rows.map_err(CliError::internal)?;
    let redactor = of(&loaded)?.redactor(&loaded);
    let title = |row: &OutboxRow, lang| redactor.redact(&manual::title(row, lang));
    let place = |row: &OutboxRow| manual::place(reader.as_ref(), &row.alert);
    let out = &session.out;
    if out.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let at = place(row);
                json!({
                    "channel": row.channel, "state": state(Lang::En, row.state), "kind": row.alert.kind,
                    "urgency": row.alert.urgency, "title": title(row, Lang::En), "approval": row.alert.approval,
                    "run": row.alert.run, "place": redactor.redact(&at.place), "pipeline": at.of.first(), "stage": at.of.get(1),
                    "attempts": row.attempts, "answer": row.answer, "next_at": row.next_at,
                    "created_at": row.created_at, "updated_at": row.updated_at,
                })
            })
            .collect();
        out.json(&rows)?;
        return Ok(exit::OK);
    }
    let now = wall();
    let zh = out.lang == Lang::Zh;
    let tried = |row: &OutboxRow| {
        let waits = row.state == OutboxState::Waiting;
        let due = waits.then(|| if row.next_at > now { span(out.lang, row.next_at.since(now)) } else { String::new() });
        match (out.lang, due.as_deref()) {
            (_, None) => row.attempts.to_string(),
            (Lang::En, Some("")) => format!("{}, due now", row.attempts),
            (Lang::Zh, Some("")) => format!("{}，现在到期", row.attempts),
            (Lang::En, Some(span)) => format!("{}, next in {span}", row.attempts),
            (Lang::Zh, Some(span)) => format!("{}，{span}后再试", row.attempts),
        }
    };
    let cells = |row: &OutboxRow| {
        let tone = match row.state {
            OutboxState::Sent => Tone::Good,
            OutboxState::Failed => Tone::Bad,
            OutboxState::Waiting => Tone::Warn,
            OutboxState::Merged | OutboxState::Cancelled => Tone::Dim,
        };
        vec![
            (Tone::Dim, ago(out.lang, now, row.updated_at)),
            (Tone::Plain, clean(&row.channel)),
            (tone, state(out.lang, row.state).to_owned()),
            (Tone::Dim, tried(row)),
            (Tone::Plain, clean(&about(&title(row, out.lang), &redactor, &place(row), row.alert.approval.as_ref()))),
            (Tone::Dim, clean(&out.words(&row.answer))),
        ]
    };
    let heads = if zh {
        ["时间", "通道", "状态", "次数", "内容", "应答"]
    } else {
        ["WHEN", "CHANNEL", "STATE", "TRIES", "MESSAGE", "ANSWER"]
    };
    let rows: Vec<_> = rows.iter().map(cells).collect();
    if rows.is_empty() {
        let none = out.lang.pick(
            "nothing was sent yet: `tmuxagent notify test` tries every channel",
            "尚未发送任何消息：`tmuxagent notify test` 会试发到每个通道",
        );
        return out.line(none).map(|()| exit::OK);
    }
    out.table(&heads, &rows)?;
    Ok(exit::OK)
}

/// What a message says, with where that is and the question's identity: many ask the same words.
fn about(title: &str, redactor: &Redactor, at: &manual::Where, asks: Option<&ApprovalId>) -> String {
    let place = Some(format!("@ {}", redactor.redact(&at.place))).filter(|_| !at.place.is_empty());
    let place: Vec<String> = Some(at.of.join(" / ")).filter(|of| !of.is_empty()).into_iter().chain(place).collect();
    let id = asks.map(|id| id.as_str().to_owned());
    let facts: Vec<String> = Some(place.join(" ")).filter(|place| !place.is_empty()).into_iter().chain(id).collect();
    if facts.is_empty() { title.to_owned() } else { format!("{title} ({})", facts.join(", ")) }
}

const fn state(lang: Lang, state: OutboxState) -> &'static str {
    match (lang, state) {
        (Lang::En, OutboxState::Waiting) => "waiting",
        (Lang::En, OutboxState::Sent) => "sent",
        (Lang::En, OutboxState::Failed) => "failed",
        (Lang::En, OutboxState::Merged) => "merged",
        (Lang::En, OutboxState::Cancelled) => "cancelled",
        (Lang::Zh, OutboxState::Waiting) => "等待",
        (Lang::Zh, OutboxState::Sent) => "已发送",
        (Lang::Zh, OutboxState::Failed) => "失败",
        (Lang::Zh, OutboxState::Merged) => "已合并",
        (Lang::Zh, OutboxState::Cancelled) => "已取消",
    }
}

fn rotate_key(session: &Session) -> Outcome {
    let loaded = session.load()?;
    loaded.paths.prepare()?;
    let file = loaded.paths.link_key();
    super::threads::runtime()?.block_on(tmuxagent_alerts::web::rotate(&file, wall())).map_err(|error| {
        CliError::user(format!("the key of links can't be changed: {error}"), "see `tmuxagent doctor`")
    })?;
    // A supervisor that does not run reads the new key when it starts.
    let told = match Connection::open(session) {
        Ok(mut connection) => connection.ask(Request::Reload).map(|_| true)?,
        Err(CliError::NoSupervisor { .. }) => false,
        Err(error) => return Err(error),
    };
    let out = &session.out;
    if out.json {
        out.json(&json!({ "key": file, "reloaded": told }))?;
    } else {
        out.say(&format!("{}: a new key; links of those before hold until they expire", super::output::shown(&file)))?;
    }
    if loaded.config.approval_secret.is_some() {
        out.warn("APPROVAL_SECRET is set and signs new links; change it there");
    }
    Ok(exit::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_questions_of_the_same_words_are_told_apart() {
        let told = |place: &str, of: &[&str], asks: Option<&str>| {
            let at = manual::Where { place: place.to_owned(), of: of.iter().map(|it| (*it).to_owned()).collect() };
            about("Run it again?", &Redactor::default(), &at, asks.map(ApprovalId::new).as_ref())
        };
        assert_eq!(
            told("nas/work:ci.0 %3", &["shop", "test"], Some("01JA")),
            "Run it again? (shop / test @ nas/work:ci.0 %3, 01JA)"
        );
        assert_eq!(told("work:ci.0 %3", &[], None), "Run it again? (@ work:ci.0 %3)");
        assert_eq!(told("", &[], Some("01JA")), "Run it again? (01JA)");
        assert_eq!(told("", &[], None), "Run it again?");
    }
}
