//! From a channel's configuration to the channel.

use super::kinds::{ChannelConfig, Kind};
use super::own::{BodyConfig, WebhookConfig};
use crate::channel::webhook::{Body, OWN, Spec, Webhook};
use crate::channel::wecom_app::Credentials;
use crate::channel::wecom_bot::BotConfig;
use crate::channel::{
    Channel, bark, command, desktop, dingtalk, feishu, ntfy, serverchan, slack, stdout, telegram, terminal, wecom,
    wecom_app, wecom_bot,
};
use crate::http::{ProxyChoice, client};
use reqwest::{Client, Method};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tmuxagent_config::{Environment, Loaded, Secret, TmuxSocket};
use tmuxagent_text::Lang;

/// What channels need of the place where they run.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The folder for tokens, counts and locks; private to the user.
    pub state_dir: PathBuf,
    /// `tmux` with the arguments that choose this machine's watched server, for `terminal`.
    pub tmux: Vec<String>,
    /// The language of buttons.
    pub lang: Lang,
    /// For `proxy: inherit`.
    pub environment: Environment,
}

impl Surroundings {
    /// The proxy that a choice leads to, for connections that are no HTTP requests.
    #[must_use]
    pub fn resolve(&self, proxy: &ProxyChoice) -> ProxyChoice {
        resolved(proxy, &self.environment)
    }

    /// The place that a configuration describes.
    #[must_use]
    pub fn of(loaded: &Loaded, lang: Lang) -> Self {
        let local = loaded.config.hosts.iter().find(|host| host.ssh.is_none());
        let bin = local.map_or_else(|| "tmux".to_owned(), |host| host.tmux.bin.clone());
        let socket = local.map_or_else(TmuxSocket::default, |host| host.tmux.socket.clone());
        let tmux = std::iter::once(bin).chain(socket.arguments()).collect();
        let (state_dir, environment) = (loaded.paths.state_dir.clone(), loaded.environment.clone());
        Self { state_dir, tmux, lang, environment }
    }
}

/// Why a channel can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel `{name}`: {why}")]
pub struct BuildError {
    /// The channel's name in the configuration.
    pub name: String,
    /// What is in the way, and the way out.
    pub why: String,
}

/// Builds a channel. Nothing is sent or connected.
///
/// # Errors
/// When no HTTP client can be made, for example for want of certificates.
pub fn build(config: &ChannelConfig, around: &Surroundings) -> Result<Arc<dyn Channel>, BuildError> {
    let http = || {
        client(&config.proxy, config.timeout)
            .map_err(|error| BuildError { name: config.name.clone(), why: error.without_url().to_string() })
    };
    let secret = |secret: &Secret| SecretString::from(secret.expose());
    let file = |kind: &str, identity: &str| state_file(&around.state_dir, kind, identity);
    Ok(match &config.kind {
        Kind::Wecom { webhook, base_url, format, mention } => {
            let base_url = base_url.as_deref().unwrap_or(wecom::BASE_URL);
            Arc::new(wecom::Wecom::new(http()?, base_url, webhook.expose(), *format, mention.clone()))
        }
        Kind::WecomApp { corp_id, agent_id, secret: key, receivers, format, base_url } => {
            let base_url = base_url.as_deref().unwrap_or(wecom::BASE_URL);
            let credentials = Credentials { corp_id: corp_id.clone(), agent_id: *agent_id, secret: secret(key) };
            let cache = file("wecom-token", &format!("{base_url} {corp_id} {agent_id}"));
            let (receivers, lang) = (receivers.clone(), around.lang);
            Arc::new(wecom_app::WecomApp::new(http()?, base_url, credentials, receivers, *format, cache, lang))
        }
        Kind::WecomBot { bot_id, secret: key, chat, allow, url } => Arc::new(wecom_bot::WecomBot::new(BotConfig {
            url: url.clone().unwrap_or_else(|| wecom_bot::URL.to_owned()),
            bot_id: bot_id.clone(),
            secret: secret(key),
            chat: chat.clone(),
            allow: allow.clone(),
            person: config.person.clone(),
            proxy: resolved(&config.proxy, &around.environment),
            lock: file("wecom-bot", bot_id),
            lang: around.lang,
        })),
        Kind::Serverchan { key, per_day, base_url } => {
            let count = file("serverchan", key.expose());
            Arc::new(serverchan::ServerChan::new(http()?, base_url.as_deref(), key.expose(), *per_day, count))
        }
        Kind::Desktop => {
            let terminal = terminal::Terminal::new(around.tmux.clone(), terminal::Bell::default());
            Arc::new(desktop::Desktop::of_this_machine(terminal))
        }
        Kind::Terminal { bell } => Arc::new(terminal::Terminal::new(around.tmux.clone(), *bell)),
        Kind::Ntfy { server, topic, token } => {
            webhook(http()?, ntfy::channel(server, topic.expose(), token.as_ref().map(Secret::expose)))
        }
        Kind::Telegram { token, chat_id, allow, base_url } => {
            let base_url = base_url.as_deref().unwrap_or(telegram::BASE_URL);
            let pressers = (allow.clone(), config.person.as_str());
            Arc::new(telegram::Telegram::new(http()?, base_url, token.expose(), chat_id, pressers, around.lang))
        }
        Kind::Slack { url } => webhook(http()?, slack::channel(url.expose())),
        Kind::Feishu { url, secret } => {
            webhook(http()?, feishu::channel(url.expose(), secret.as_ref().map(Secret::expose)))
        }
        Kind::Dingtalk { url, secret } => {
            webhook(http()?, dingtalk::channel(url.expose(), secret.as_ref().map(Secret::expose)))
        }
        Kind::Bark { key, base_url } => webhook(http()?, bark::channel(base_url, key.expose())),
        Kind::Webhook(own) => webhook(http()?, own_spec(own)),
        Kind::Command { program, arguments } => {
            Arc::new(command::Command::new(program.clone(), arguments.clone(), config.timeout))
        }
        Kind::Stdout => Arc::new(stdout::Stdout),
    })
}

fn webhook(client: Client, spec: Spec) -> Arc<dyn Channel> {
    Arc::new(Webhook::new(client, spec))
}

fn own_spec(own: &WebhookConfig) -> Spec {
    let headers = own.headers.iter().map(|(name, value)| (name.clone(), SecretString::from(value.expose())));
    Spec {
        kind: "webhook",
        method: Method::from_bytes(own.method.as_bytes()).unwrap_or(Method::POST),
        url: SecretString::from(own.url.expose()),
        headers: headers.collect(),
        body: match &own.body {
            BodyConfig::Text(text) => Body::Text(text.clone()),
            BodyConfig::Json(value) => Body::Json(value.clone()),
        },
        markup: own.markup,
        limit: own.limit,
        answers: &OWN,
        success: own.success.clone(),
        sign: None,
        spacing: own.spacing,
    }
}

/// A file of a channel; its name tells nothing of the secret that it belongs to.
fn state_file(folder: &Path, kind: &str, identity: &str) -> PathBuf {
    let digest = Sha256::new().chain_update(b"tmuxagent channel\0").chain_update(identity).finalize();
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("{kind}-{name}.json"))
}

/// `inherit` as the proxy that the environment names for `https`.
fn resolved(proxy: &ProxyChoice, environment: &Environment) -> ProxyChoice {
    match proxy {
        ProxyChoice::Inherit => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
            .iter()
            .find_map(|name| environment.non_empty(name))
            .map_or(ProxyChoice::Direct, |url| ProxyChoice::Url(url.to_owned())),
        other => other.clone(),
    }
}
