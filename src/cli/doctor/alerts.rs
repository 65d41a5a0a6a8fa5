//! The channels: credentials that look wrong, programs that are not there, links that phones can't open; with `--online`
//! whether each service is reached and knows the credentials, without sending anything.

use super::{Finding, Scene, find_program};
use crate::config::ServeConfig;
use crate::notify::config::{ChannelConfig, Kind, Settings, Surroundings, build, of};
use crate::notify::dial::dial;
use crate::notify::http::ProxyChoice;
use crate::notify::words::Lang;
use std::time::Duration;

/// How long one service may take.
const LIMIT: Duration = Duration::from_secs(8);

/// What is configured to alert somebody.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let settings = match of(loaded) {
        Ok(settings) => settings,
        Err(problem) => return super::settings::problems(&problem),
    };
    if settings.channels.is_empty() {
        return vec![unused(scene).unwrap_or_else(|| {
            Finding::ok("alerts", "no channel is configured: nobody is told away from the screen")
        })];
    }
    let mut found: Vec<Finding> = settings.channels.values().map(|channel| credentials(scene, channel)).collect();
    found.extend(links(loaded.config.serve.as_ref()));
    if scene.online {
        found.extend(online(scene, &settings));
    }
    found
}

/// Credentials in the environment that no channel uses.
fn unused(scene: &Scene) -> Option<Finding> {
    let known = [("WECOM_WEBHOOK", "wecom"), ("WECOM_CORP_ID", "wecom_app"), ("SENTRY_SERVERCHAN_KEY", "serverchan")];
    let (variable, channel) =
        known.into_iter().find(|(variable, _)| scene.environment.non_empty(variable).is_some())?;
    Some(Finding::warning(
        "alerts",
        format!("{variable} is set, but no channel is configured: nobody is told away from the screen"),
        format!("write `notify: {channel}` into config.yaml, or set SENTRY_NOTIFY_CHANNEL={channel}"),
    ))
}

/// Whether a channel's credentials have the form that its service gives out.
fn credentials(scene: &Scene, channel: &ChannelConfig) -> Finding {
    let (name, kind) = (&channel.name, channel.kind.name());
    let shown = if name == kind { name.clone() } else { format!("{name} ({kind})") };
    match doubt(scene, &channel.kind) {
        None => {
            let fix = if scene.online { "" } else { "; `tmuxagent doctor --online` asks the service" };
            Finding::ok("alerts", format!("{shown}: complete{fix}"))
        }
        Some((text, fix)) => Finding::warning("alerts", format!("{shown}: {text}"), fix),
    }
}

/// What looks wrong, and what to do. Nothing is said of services at addresses of the user's own.
fn doubt(scene: &Scene, kind: &Kind) -> Option<(&'static str, String)> {
    let fix = |text: &str| text.to_owned();
    match kind {
        Kind::Wecom { webhook, base_url: None, .. } if !is_robot(webhook.expose()) => Some((
            "this is no address or key of a group robot",
            fix("copy the robot's whole webhook address again: it ends in `key=` and 36 letters, digits and dashes"),
        )),
        Kind::WecomApp { corp_id, base_url: None, .. } if !(corp_id.starts_with("ww") || corp_id.starts_with("wx")) => {
            Some(("the corp id has not its usual form", fix("it begins with `ww` and stands under My Company")))
        }
        Kind::WecomApp { secret, base_url: None, .. } if secret.expose().len() != 43 => Some((
            "the secret has not its usual length of 43 signs",
            fix("copy the secret of this application again; WeCom shows it in the chat with its team"),
        )),
        Kind::Serverchan { key, base_url: None, .. }
            if !["SCT", "sctp"].iter().any(|p| key.expose().starts_with(p)) =>
        {
            Some(("the key has not its usual form", fix("a SendKey begins with `SCT` or `sctp`; copy it again")))
        }
        Kind::Telegram { token, base_url: None, .. } if !is_bot_token(token.expose()) => Some((
            "the token has not its usual form",
            fix("BotFather's tokens are a number, a colon and 35 signs; copy it again"),
        )),
        Kind::Slack { url } if !url.expose().contains("/services/") && url.expose().contains("slack.com") => {
            Some(("this is no incoming webhook", fix("its address contains `/services/`; copy it again")))
        }
        Kind::Dingtalk { url, .. } if !url.expose().contains("access_token=") => Some((
            "the address lacks the robot's token",
            fix("it ends in `access_token=` and the token; copy it again"),
        )),
        Kind::Ntfy { server, topic, token: None } if server.contains("//ntfy.sh") && topic.expose().len() < 12 => {
            Some((
                "whoever guesses this short topic reads your alerts",
                fix("choose a long random topic, or a server of your own with a token"),
            ))
        }
        Kind::Command { program, .. } if find_program(&scene.environment, program).is_none() => {
            Some(("its program is not there", format!("install `{program}`, or write its whole path")))
        }
        Kind::Wecom { .. }
        | Kind::WecomApp { .. }
        | Kind::WecomBot { .. }
        | Kind::Serverchan { .. }
        | Kind::Desktop
        | Kind::Terminal { .. }
        | Kind::Ntfy { .. }
        | Kind::Telegram { .. }
        | Kind::Slack { .. }
        | Kind::Feishu { .. }
        | Kind::Dingtalk { .. }
        | Kind::Bark { .. }
        | Kind::Webhook(_)
        | Kind::Command { .. }
        | Kind::Stdout => None,
    }
}

/// `8-4-4-4-12` hexadecimal digits, alone or behind `key=`.
fn is_robot(webhook: &str) -> bool {
    let key = webhook.trim().rsplit_once("key=").map_or(webhook.trim(), |(_, key)| key);
    let lengths: Vec<usize> = key.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn is_bot_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(number, rest)| {
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && rest.len() >= 30
    })
}

/// Whether phones can open what messages link to.
fn links(serve: Option<&ServeConfig>) -> Option<Finding> {
    let Some(serve) = serve else {
        return Some(Finding::ok("links", "messages carry no links: `serve` is off"));
    };
    let url = reqwest::Url::parse(&serve.public_base_url).ok()?;
    let host = url.host_str().unwrap_or_default();
    let here = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    Some(if here {
        Finding::warning(
            "links",
            format!("messages link to {}, which only this machine can open", serve.public_base_url),
            "set `serve.public_base_url` (or PUBLIC_BASE_URL) to what phones see: a tunnel or proxy to it",
        )
    } else if url.scheme() == "http" {
        Finding::warning(
            "links",
            format!("{} is not encrypted: who listens on the way can decide", serve.public_base_url),
            "put a tunnel or proxy with HTTPS before it, and use its address",
        )
    } else {
        Finding::ok("links", format!("phones open {}", serve.public_base_url))
    })
}

/// Asks every service, all at once.
fn online(scene: &Scene, settings: &Settings) -> Vec<Finding> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let place = Surroundings::of(loaded, Lang::En);
    let redactor = settings.redactor(loaded);
    let found = runtime.block_on(async {
        let mut asking = tokio::task::JoinSet::new();
        for channel in settings.channels.values() {
            let (channel, place) = (channel.clone(), place.clone());
            asking.spawn(async move {
                let limited = tokio::time::timeout(LIMIT, ask(&channel, &place));
                limited.await.unwrap_or_else(|_| {
                    let text = format!("{}: no answer within {} s", channel.name, LIMIT.as_secs());
                    Some(Finding::failure("online", text, "see the channel's `proxy`, and this machine's network"))
                })
            });
        }
        asking.join_all().await
    });
    let shown = |finding: Finding| Finding { text: redactor.redact(&finding.text), ..finding };
    let mut found: Vec<Finding> = found.into_iter().flatten().map(shown).collect();
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found
}

/// What the service says to the credentials, or else whether it is reached.
async fn ask(channel: &ChannelConfig, place: &Surroundings) -> Option<Finding> {
    let name = &channel.name;
    let built = match build(channel, place) {
        Ok(built) => built,
        Err(error) => return Some(Finding::failure("online", error.to_string(), "see the channel's `proxy`")),
    };
    if let Some(answer) = built.probe().await {
        return Some(match answer {
            Ok(receipt) => Finding::ok("online", format!("{name}: {}", receipt.answer)),
            Err(error) => Finding::failure("online", format!("{name}: {error}"), "see `tmuxagent notify test`"),
        });
    }
    let (host, port) = channel.kind.address()?;
    let via = match &channel.proxy {
        ProxyChoice::Direct => "directly",
        ProxyChoice::Inherit => "as the environment's proxies say",
        ProxyChoice::Url(_) => "through its proxy",
    };
    let proxy = place.resolve(&channel.proxy);
    Some(match dial(&proxy, &host, port).await {
        Ok(_) => Finding::ok(
            "online",
            format!("{name}: {host} is reached {via}; only a real message tells more: `tmuxagent notify test {name}`"),
        ),
        Err(error) => Finding::failure(
            "online",
            format!("{name}: {host}:{port} is not reached {via}: {error}"),
            "set the channel's `proxy` to none, inherit or an address; see this machine's network",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_robot_gives_out_is_known_by_its_form() {
        let key = "0123abcd-0123-abcd-0123-0123456789ab";
        let address = format!("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}");
        assert!(is_robot(key) && is_robot(&format!(" {address}\n")));
        for wrong in ["your-robot-key", "", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", &key[1..]] {
            assert!(!is_robot(wrong), "{wrong}");
        }
        assert!(is_bot_token(&format!("123:{}", "x".repeat(35))) && !is_bot_token("x:y") && !is_bot_token("123"));
    }

    #[test]
    fn links_that_no_phone_opens_are_found() {
        let verdict = |url: &str| {
            let bind = std::net::SocketAddr::from(([127, 0, 0, 1], 8787));
            links(Some(&ServeConfig { bind, public_base_url: url.to_owned(), pin: None })).map(|f| f.verdict)
        };
        use super::super::Verdict::{Ok, Warning};
        assert_eq!(verdict("http://127.0.0.1:8787"), Some(Warning));
        assert_eq!(verdict("https://localhost"), Some(Warning));
        assert_eq!(verdict("http://box.example.org"), Some(Warning));
        assert_eq!(verdict("https://box.example.org"), Some(Ok));
    }
}
