//! What each kind of channel is told.

use super::own::WebhookConfig;
use crate::channel::terminal::Bell;
use crate::channel::wecom::Format;
use crate::channel::wecom_app::Receivers;
use crate::channel::wecom_bot::Chat;
use crate::http::{ProxyChoice, TIMEOUT};
use tmuxagent_config::{Environment, Secret};
use tmuxagent_model::Millis;
use tmuxagent_text::plain::{cut_chars, one_line};
use tmuxagent_yaml::{Fields, Node, Place, Reader};

/// A channel as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelConfig {
    /// By it routes name the channel.
    pub name: String,
    /// The service behind it, with what it needs.
    pub kind: Kind,
    /// Who reads it, as decisions by its links are recorded; empty when nobody says.
    pub person: String,
    /// How the service is reached.
    pub proxy: ProxyChoice,
    /// The time limit of one request.
    pub timeout: Millis,
}

impl ChannelConfig {
    /// The names that are vouched for of whoever decides by it: who reads it, and those whose presses count.
    pub fn deciders(&self) -> impl Iterator<Item = &str> {
        let pressers = match &self.kind {
            Kind::Telegram { allow, .. } | Kind::WecomBot { allow, .. } => allow.as_slice(),
            _ => &[],
        };
        std::iter::once(&self.person).chain(pressers).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A service with what it needs. An absent `base_url` is the service's own.
#[expect(missing_docs, reason = "the variants and fields are named by the words of the configuration")]
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Wecom {
        webhook: Secret,
        base_url: Option<String>,
        format: Format,
        mention: Vec<String>,
    },
    WecomApp {
        corp_id: String,
        agent_id: u64,
        secret: Secret,
        receivers: Receivers,
        format: Option<Format>,
        base_url: Option<String>,
    },
    WecomBot {
        bot_id: String,
        secret: Secret,
        chat: Chat,
        allow: Vec<String>,
        url: Option<String>,
    },
    Serverchan {
        key: Secret,
        per_day: u32,
        base_url: Option<String>,
    },
    Desktop,
    Terminal {
        bell: Bell,
    },
    Ntfy {
        server: String,
        topic: Secret,
        token: Option<Secret>,
    },
    Telegram {
        token: Secret,
        chat_id: String,
        allow: Vec<String>,
        base_url: Option<String>,
    },
    Slack {
        url: Secret,
    },
    Feishu {
        url: Secret,
        secret: Option<Secret>,
    },
    Dingtalk {
        url: Secret,
        secret: Option<Secret>,
    },
    Bark {
        key: Secret,
        base_url: String,
    },
    Webhook(Box<WebhookConfig>),
    Command {
        program: String,
        arguments: Vec<String>,
    },
    Stdout,
}

impl Kind {
    /// The service, as the configuration names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Wecom { .. } => "wecom",
            Self::WecomApp { .. } => "wecom_app",
            Self::WecomBot { .. } => "wecom_bot",
            Self::Serverchan { .. } => "serverchan",
            Self::Desktop => "desktop",
            Self::Terminal { .. } => "terminal",
            Self::Ntfy { .. } => "ntfy",
            Self::Telegram { .. } => "telegram",
            Self::Slack { .. } => "slack",
            Self::Feishu { .. } => "feishu",
            Self::Dingtalk { .. } => "dingtalk",
            Self::Bark { .. } => "bark",
            Self::Webhook(_) => "webhook",
            Self::Command { .. } => "command",
            Self::Stdout => "stdout",
        }
    }

    /// Who reads it, where the service is told one person to send to.
    fn only_reader(&self) -> &str {
        match self {
            Self::WecomBot { chat: Chat::User(user), .. } => user,
            Self::WecomApp { receivers, .. } => {
                let others = !receivers.to_party.is_empty() || !receivers.to_tag.is_empty();
                let one = !others && receivers.to_user != "@all" && !receivers.to_user.contains('|');
                if one { &receivers.to_user } else { "" }
            }
            _ => "",
        }
    }

    /// Host and port of its service; `None` for what is on this machine.
    #[must_use]
    pub fn address(&self) -> Option<(String, u16)> {
        use crate::channel::{serverchan, telegram, wecom, wecom_bot};
        let own = |base: &Option<String>, default: &str| base.clone().unwrap_or_else(|| default.to_owned());
        let url = match self {
            Self::Wecom { webhook, .. } if webhook.expose().trim().starts_with("http") => webhook.expose().to_owned(),
            Self::Wecom { base_url, .. } | Self::WecomApp { base_url, .. } => own(base_url, wecom::BASE_URL),
            Self::WecomBot { url, .. } => own(url, wecom_bot::URL),
            Self::Serverchan { key, base_url, .. } => serverchan::address(base_url.as_deref(), key.expose()),
            Self::Ntfy { server, .. } => server.clone(),
            Self::Telegram { base_url, .. } => own(base_url, telegram::BASE_URL),
            Self::Slack { url } | Self::Feishu { url, .. } | Self::Dingtalk { url, .. } => url.expose().to_owned(),
            Self::Bark { base_url, .. } => base_url.clone(),
            Self::Webhook(own) => own.url.expose().to_owned(),
            Self::Desktop | Self::Terminal { .. } | Self::Command { .. } | Self::Stdout => return None,
        };
        let url = reqwest::Url::parse(url.trim()).ok()?;
        Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
    }

    /// Its credentials. A topic of ntfy is none: it may be an ordinary word.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Wecom { webhook, .. } => vec![webhook],
            Self::WecomApp { secret, .. } | Self::WecomBot { secret, .. } => vec![secret],
            Self::Serverchan { key, .. } | Self::Bark { key, .. } => vec![key],
            Self::Ntfy { token, .. } => token.iter().collect(),
            Self::Telegram { token, .. } => vec![token],
            Self::Slack { url } => vec![url],
            Self::Feishu { url, secret } | Self::Dingtalk { url, secret } => {
                std::iter::once(url).chain(secret).collect()
            }
            Self::Webhook(own) => std::iter::once(&own.url).chain(own.headers.iter().map(|(_, value)| value)).collect(),
            Self::Desktop | Self::Terminal { .. } | Self::Command { .. } | Self::Stdout => Vec::new(),
        }
    }
}

/// What reads the keys of a kind; `None` when something is wrong, which was noted.
type ReadKind = fn(&Part<'_, '_, '_>) -> Option<Kind>;

/// The kinds as `kind:` names them, each with its reader. The documentation of their keys is `assets/default-config.yaml`.
const KINDS: &[(&str, ReadKind)] = &[
    ("wecom", wecom),
    ("wecom_app", wecom_app),
    ("wecom_bot", wecom_bot),
    ("serverchan", serverchan),
    ("desktop", |_| Some(Kind::Desktop)),
    ("terminal", terminal),
    ("ntfy", ntfy),
    ("telegram", telegram),
    ("slack", |part| Some(Kind::Slack { url: Secret::new(part.url("url", HTTP, &["SLACK_WEBHOOK_URL"])?) })),
    ("feishu", feishu),
    ("dingtalk", dingtalk),
    ("bark", bark),
    ("webhook", super::own::read),
    ("command", super::command::read),
    ("stdout", |_| Some(Kind::Stdout)),
];

/// The names of the kinds.
pub(crate) const NAMES: &[&str] = &{
    let mut names = [""; KINDS.len()];
    let mut n = 0;
    while n < names.len() {
        names[n] = KINDS[n].0;
        n += 1;
    }
    names
};

/// One channel being read.
pub(super) struct Part<'f, 'a, 'r> {
    pub(super) fields: &'f Fields<'a, 'r>,
    environment: &'f Environment,
    pub(super) at: Place,
}

impl Part<'_, '_, '_> {
    fn optional(&self, key: &'static str, variables: &[&str]) -> Option<String> {
        let named = self.fields.text(key).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        named.or_else(|| variables.iter().find_map(|name| self.environment.non_empty(name)).map(str::to_owned))
    }

    fn required(&self, key: &'static str, variables: &[&str]) -> Option<String> {
        let found = self.optional(key, variables);
        if found.is_none() {
            let path = self.fields.path(key);
            let text = format!("`{path}` is needed");
            match variables.first() {
                Some(name) => {
                    let help = format!("set it here, or {name} in the environment or the `.env` file");
                    self.fields.reader().error_with("missing-key", self.at, text, help);
                }
                None => self.fields.reader().error("missing-key", self.at, text),
            }
        }
        found
    }

    fn secret(&self, key: &'static str, variables: &[&str]) -> Option<Secret> {
        self.required(key, variables).map(Secret::new)
    }

    pub(super) fn url(&self, key: &'static str, schemes: &[&str], variables: &[&str]) -> Option<String> {
        let text = self.required(key, variables)?;
        self.check_url(key, schemes, &text).then_some(text)
    }

    fn optional_url(&self, key: &'static str, schemes: &[&str]) -> Option<String> {
        let text = self.optional(key, &[])?;
        self.check_url(key, schemes, &text).then_some(text)
    }

    fn check_url(&self, key: &'static str, schemes: &[&str], text: &str) -> bool {
        let good = reqwest::Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host());
        if !good {
            let path = self.fields.path(key);
            let list = schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ");
            // The value may be a secret, so it is not repeated.
            self.fields.reader().error("bad-url", self.place(key), format!("`{path}` must be an address with {list}"));
        }
        good
    }

    /// Where the key's value stands, or the channel where it comes from the environment.
    pub(super) fn place(&self, key: &'static str) -> Place {
        self.fields.get(key).map_or(self.at, |node| node.at)
    }

    fn list(&self, key: &'static str) -> Vec<String> {
        self.fields.texts(key).unwrap_or_default()
    }
}

pub(super) const HTTP: &[&str] = &["https", "http"];
const FORMATS: &[(&str, Format)] = &[("markdown", Format::Markdown), ("text", Format::Text)];

/// Reads one channel; `None` when something is wrong, which was noted.
pub(super) fn read(
    reader: &Reader<'_>,
    environment: &Environment,
    name: &str,
    at: Place,
    node: &Node,
) -> Option<ChannelConfig> {
    let path = format!("channels.{name}");
    let fields = reader.map(node, &path)?;
    let read = match fields.get("kind") {
        Some(node) => reader.word(node, &format!("{path}.kind"), KINDS)?,
        None => match KINDS.iter().find(|(kind, _)| *kind == name) {
            Some((_, read)) => *read,
            None => {
                let list = NAMES.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let help = match tmuxagent_yaml::nearest(name, NAMES.iter().copied()) {
                    Some(near) => format!("say `kind: {near}`; possible: {list}"),
                    None => format!("say which service it is with `kind:`; possible: {list}"),
                };
                reader.error_with("unknown-name", at, format!("`{name}` is no kind of channel"), help);
                return None;
            }
        },
    };
    let part = Part { fields: &fields, environment, at };
    let proxy = proxy(&part);
    let timeout = fields.duration("timeout").unwrap_or(TIMEOUT);
    let person = part.optional("person", &[]).map(|name| cut_chars(&one_line(&name), 60));
    let kind = read(&part);
    // Of an unknown kind or with a missing key the rest is still checked.
    fields.finish();
    let kind = kind?;
    let person = person.unwrap_or_else(|| kind.only_reader().to_owned());
    Some(ChannelConfig { name: name.to_owned(), kind, person, proxy, timeout })
}

fn wecom(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let base_url = part.optional_url("base_url", HTTP);
    let format = part.fields.word("format", FORMATS).unwrap_or_default();
    let mention = part.list("mention");
    Some(Kind::Wecom { webhook: part.secret("webhook", &["WECOM_WEBHOOK"])?, base_url, format, mention })
}

fn serverchan(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let per_day = part.fields.number("per_day", 1..=100_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(5);
    let base_url = part.optional_url("base_url", HTTP);
    Some(Kind::Serverchan { key: part.secret("key", &["SENTRY_SERVERCHAN_KEY"])?, per_day, base_url })
}

fn terminal(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let bell = part.fields.word("bell", &[("urgent", Bell::Urgent), ("off", Bell::Off)]).unwrap_or_default();
    Some(Kind::Terminal { bell })
}

fn telegram(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let (allow, base_url) = (part.list("allow"), part.optional_url("base_url", HTTP));
    let chat_id = part.required("chat_id", &["TELEGRAM_CHAT_ID"]);
    let token = part.secret("token", &["TELEGRAM_BOT_TOKEN"]);
    Some(Kind::Telegram { token: token?, chat_id: chat_id?, allow, base_url })
}

fn feishu(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let secret = part.optional("secret", &[]).map(Secret::new);
    Some(Kind::Feishu { url: Secret::new(part.url("url", HTTP, &["FEISHU_WEBHOOK"])?), secret })
}

fn dingtalk(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let secret = part.optional("secret", &[]).map(Secret::new);
    Some(Kind::Dingtalk { url: Secret::new(part.url("url", HTTP, &["DINGTALK_WEBHOOK"])?), secret })
}

fn bark(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let base_url = part.optional_url("base_url", HTTP).unwrap_or_else(|| "https://api.day.app".to_owned());
    Some(Kind::Bark { key: part.secret("key", &["BARK_KEY"])?, base_url })
}

fn wecom_app(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let receivers = Receivers {
        to_user: part.optional("to_user", &["WECOM_TOUSER"]).unwrap_or_default(),
        to_party: part.optional("to_party", &["WECOM_TOPARTY"]).unwrap_or_default(),
        to_tag: part.optional("to_tag", &["WECOM_TOTAG"]).unwrap_or_default(),
    };
    let nobody = receivers.to_user.is_empty() && receivers.to_party.is_empty() && receivers.to_tag.is_empty();
    let receivers = if nobody { Receivers::default() } else { receivers };
    let format = part.fields.word("format", FORMATS);
    let base_url = part.optional_url("base_url", HTTP);
    let corp_id = part.required("corp_id", &["WECOM_CORP_ID"]);
    let secret = part.secret("secret", &["WECOM_APP_SECRET", "WECOM_SECRET"]);
    let agent = part.required("agent_id", &["WECOM_AGENT_ID"])?;
    let Ok(agent_id) = agent.trim().parse() else {
        let text = format!("`{}` must be the application's number, such as 1000002", part.fields.path("agent_id"));
        part.fields.reader().error("bad-number", part.at, text);
        return None;
    };
    Some(Kind::WecomApp { corp_id: corp_id?, agent_id, secret: secret?, receivers, format, base_url })
}

fn wecom_bot(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let (allow, url) = (part.list("allow"), part.optional_url("url", &["wss", "ws"]));
    let bot_id = part.required("bot_id", &["WECOM_BOT_ID"]);
    let secret = part.secret("secret", &["WECOM_BOT_SECRET"]);
    let user = part.optional("user", &["WECOM_BOT_USER"]);
    let chat = match (user, part.optional("group", &[])) {
        (Some(user), None) => Chat::User(user),
        (None, Some(group)) => Chat::Group(group),
        (Some(_), Some(_)) => {
            part.fields.reader().error("twice", part.at, "`user` and `group` exclude each other".to_owned());
            return None;
        }
        (None, None) => {
            let help =
                "`user`: your user id, who has written to the robot once (buttons work); or `group`: a chat's id";
            let path = part.fields.path("user");
            part.fields.reader().error_with("missing-key", part.at, format!("`{path}` is needed"), help);
            return None;
        }
    };
    Some(Kind::WecomBot { bot_id: bot_id?, secret: secret?, chat, allow, url })
}

/// `url: https://server/topic`, or `topic` on the public server.
fn ntfy(part: &Part<'_, '_, '_>) -> Option<Kind> {
    let token = part.optional("token", &["NTFY_TOKEN"]).map(Secret::new);
    let topic = part.optional("topic", &["NTFY_TOPIC"]);
    let url = part.optional_url("url", HTTP);
    let (server, topic) = match (url, topic) {
        (Some(server), Some(topic)) => (server, topic),
        (None, Some(topic)) => ("https://ntfy.sh".to_owned(), topic),
        (Some(url), None) => {
            let (server, topic) = url.trim_end_matches('/').rsplit_once('/')?;
            (server.to_owned(), topic.to_owned())
        }
        (None, None) => (String::new(), String::new()),
    };
    if topic.is_empty() || server.ends_with(":/") || server.ends_with("//") {
        let path = part.fields.path("topic");
        let help = "for example `url: https://ntfy.sh/a-name-that-nobody-guesses`";
        part.fields.reader().error_with("missing-key", part.at, format!("`{path}` is needed"), help);
        return None;
    }
    Some(Kind::Ntfy { server, topic: Secret::new(topic), token })
}

/// `proxy: none | inherit | URL`.
fn proxy(part: &Part<'_, '_, '_>) -> ProxyChoice {
    match part.fields.text("proxy") {
        None | Some("none") => ProxyChoice::Direct,
        Some("inherit") => ProxyChoice::Inherit,
        Some(url) => {
            let schemes = ["http", "https", "socks5", "socks5h"];
            let good =
                reqwest::Url::parse(url).is_ok_and(|parsed| schemes.contains(&parsed.scheme()) && parsed.has_host());
            if !good {
                let path = part.fields.path("proxy");
                let help = "the address begins with http://, https://, socks5:// or socks5h://";
                part.fields.reader().error_with(
                    "bad-url",
                    part.place("proxy"),
                    format!("`{path}` must be `none`, `inherit` or an address"),
                    help,
                );
            }
            ProxyChoice::Url(url.to_owned())
        }
    }
}
