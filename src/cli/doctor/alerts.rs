//! The channels: credentials that look wrong, programs that are not there, links that phones can't open; with `--online`
//! whether each service is reached and knows the credentials, without sending anything.

use super::{Finding, Scene, find_program};
use std::time::Duration;
use tmuxagent_alerts::config::{ChannelConfig, Kind, Settings, Surroundings, build, of};
use tmuxagent_alerts::dial::dial;
use tmuxagent_alerts::http::ProxyChoice;
use tmuxagent_config::ServeConfig;
use tmuxagent_text::Lang;

/// How long one service may take.
const LIMIT: Duration = Duration::from_secs(8);

/// What is configured to alert somebody.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    misnamed(scene).into_iter().chain(configured(scene)).collect()
}

/// A robot's address under the name that other programs give it, which nothing reads here.
fn misnamed(scene: &Scene) -> Option<Finding> {
    let set = |name| scene.environment.non_empty(name).is_some();
    if !set("WECOM_WEBHOOK_URL") || set("WECOM_WEBHOOK") {
        return None;
    }
    // A configuration may name it itself.
    let settings = scene.loaded.as_ref().and_then(|loaded| of(loaded).ok());
    let is_used = |settings: &Settings| settings.channels.values().any(|it| matches!(it.kind, Kind::Wecom { .. }));
    if settings.as_ref().is_some_and(is_used) {
        return None;
    }
    Some(Finding::warning(
        "alerts",
        said!(
            scene.lang,
            "WECOM_WEBHOOK_URL is set, which nothing reads: the name is WECOM_WEBHOOK",
            "设置了 WECOM_WEBHOOK_URL，但没有任何内容读取它：名称应为 WECOM_WEBHOOK"
        ),
        said!(
            scene.lang,
            "write WECOM_WEBHOOK=… into `.env` beside config.yaml",
            "在 config.yaml 旁的 `.env` 中写 WECOM_WEBHOOK=…"
        ),
    ))
}

fn configured(scene: &Scene) -> Vec<Finding> {
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let settings = match of(loaded) {
        Ok(settings) => settings,
        Err(problem) => return super::settings::problems(&problem, scene.lang),
    };
    if settings.channels.is_empty() {
        return vec![unused(scene).unwrap_or_else(|| {
            let text = said!(
                scene.lang,
                "no channel is configured: nobody is told away from the screen",
                "没有配置通道：不在屏幕前时无人会收到提醒"
            );
            Finding::ok("alerts", text)
        })];
    }
    let mut found: Vec<Finding> = settings.channels.values().map(|channel| credentials(scene, channel)).collect();
    found.extend(links(loaded.config.serve.as_ref(), scene.lang));
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
        said!(
            scene.lang,
            "{variable} is set, but no channel is configured: nobody is told away from the screen",
            "设置了 {variable}，但没有配置通道：不在屏幕前时无人会收到提醒"
        ),
        said!(
            scene.lang,
            "write `notify: {channel}` into config.yaml, or set SENTRY_NOTIFY_CHANNEL={channel}",
            "在 config.yaml 中写 `notify: {channel}`，或设置 SENTRY_NOTIFY_CHANNEL={channel}"
        ),
    ))
}

/// Whether a channel's credentials have the form that its service gives out.
fn credentials(scene: &Scene, channel: &ChannelConfig) -> Finding {
    let (name, kind) = (&channel.name, channel.kind.name());
    let shown = if name == kind { name.clone() } else { format!("{name} ({kind})") };
    match doubt(scene, &channel.kind) {
        None => {
            let more = if scene.online {
                ""
            } else {
                scene
                    .lang
                    .pick("; `tmuxagent doctor --online` asks the service", "；`tmuxagent doctor --online` 会询问服务")
            };
            Finding::ok("alerts", said!(scene.lang, "{shown}: complete{more}", "{shown}：完整{more}"))
        }
        Some((text, fix)) => Finding::warning("alerts", format!("{shown}: {text}"), fix),
    }
}

/// What looks wrong, and what to do. Nothing is said of services at addresses of the user's own.
fn doubt(scene: &Scene, kind: &Kind) -> Option<(&'static str, String)> {
    let pick = |en, zh| scene.lang.pick(en, zh);
    let fix = |en, zh| scene.lang.pick(en, zh).to_owned();
    match kind {
        Kind::Wecom { webhook, base_url: None, .. } if !is_robot(webhook.expose()) => Some((
            pick("this is no address or key of a group robot", "这不是群机器人的地址或 key"),
            fix(
                "copy the robot's whole webhook address again: it ends in `key=` and 36 letters, digits and dashes",
                "重新复制机器人的完整 Webhook 地址：以 `key=` 和 36 个字母、数字、短横线结尾",
            ),
        )),
        Kind::WecomApp { corp_id, base_url: None, .. } if !(corp_id.starts_with("ww") || corp_id.starts_with("wx")) => {
            Some((
                pick("the corp id has not its usual form", "企业 ID 的格式不对"),
                fix("it begins with `ww` and stands under My Company", "它以 `ww` 开头，在“我的企业”页面"),
            ))
        }
        Kind::WecomApp { secret, base_url: None, .. } if secret.expose().len() != 43 => Some((
            pick("the secret has not its usual length of 43 signs", "Secret 的长度不是通常的 43 个字符"),
            fix(
                "copy the secret of this application again; WeCom shows it in the chat with its team",
                "重新复制该应用的 Secret；企业微信会在企业微信团队的会话中显示",
            ),
        )),
        Kind::Serverchan { key, base_url: None, .. }
            if !["SCT", "sctp"].iter().any(|p| key.expose().starts_with(p)) =>
        {
            Some((
                pick("the key has not its usual form", "SendKey 的格式不对"),
                fix(
                    "a SendKey begins with `SCT` or `sctp`; copy it again",
                    "SendKey 以 `SCT` 或 `sctp` 开头，请重新复制",
                ),
            ))
        }
        Kind::Telegram { token, base_url: None, .. } if !is_bot_token(token.expose()) => Some((
            pick("the token has not its usual form", "token 的格式不对"),
            fix(
                "BotFather's tokens are a number, a colon and 35 signs; copy it again",
                "BotFather 给出的 token 是数字、冒号加 35 个字符，请重新复制",
            ),
        )),
        Kind::Slack { url } if !url.expose().contains("/services/") && url.expose().contains("slack.com") => Some((
            pick("this is no incoming webhook", "这不是 incoming webhook"),
            fix("its address contains `/services/`; copy it again", "它的地址包含 `/services/`，请重新复制"),
        )),
        Kind::Dingtalk { url, .. } if !url.expose().contains("access_token=") => Some((
            pick("the address lacks the robot's token", "地址中缺少机器人的 token"),
            fix(
                "it ends in `access_token=` and the token; copy it again",
                "它以 `access_token=` 和 token 结尾，请重新复制",
            ),
        )),
        Kind::Ntfy { server, topic, token: None } if server.contains("//ntfy.sh") && topic.expose().len() < 12 => {
            Some((
                pick("whoever guesses this short topic reads your alerts", "topic 太短，猜中的人就能读到提醒"),
                fix(
                    "choose a long random topic, or a server of your own with a token",
                    "换一个长的随机 topic，或使用带 token 的自建服务器",
                ),
            ))
        }
        Kind::Command { program, .. } if find_program(&scene.environment, program).is_none() => Some((
            pick("its program is not there", "找不到它的程序"),
            said!(scene.lang, "install `{program}`, or write its whole path", "安装 `{program}`，或写出完整路径"),
        )),
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

/// Whether an address leads to the machine itself, wherever it is opened.
pub(in super::super) fn is_only_here(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default();
    let digits = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || digits.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// What makes links open elsewhere.
pub(in super::super) const fn what_phones_see(lang: Lang) -> &'static str {
    lang.pick(
        "set `serve.public_base_url` (or PUBLIC_BASE_URL) to what phones see: a tunnel or proxy to it",
        "把 `serve.public_base_url`（或 PUBLIC_BASE_URL）设为手机能访问的地址：指向它的隧道或代理",
    )
}

/// Whether phones can open what messages link to.
fn links(serve: Option<&ServeConfig>, lang: Lang) -> Option<Finding> {
    let Some(serve) = serve else {
        return Some(Finding::ok(
            "links",
            said!(lang, "messages carry no links: `serve` is off", "消息中没有链接：`serve` 未开启"),
        ));
    };
    let url = reqwest::Url::parse(&serve.public_base_url).ok()?;
    Some(if is_only_here(&serve.public_base_url) {
        let text = said!(
            lang,
            "messages link to {}, which only this machine can open",
            "消息中的链接指向 {}，只有本机能打开",
            serve.public_base_url
        );
        Finding::warning("links", text, what_phones_see(lang))
    } else if url.scheme() == "http" {
        Finding::warning(
            "links",
            said!(
                lang,
                "{} is not encrypted: who listens on the way can decide",
                "{} 没有加密：途中监听的人可以代为决定",
                serve.public_base_url
            ),
            said!(
                lang,
                "put a tunnel or proxy with HTTPS before it, and use its address",
                "在前面加一个 HTTPS 隧道或代理，并使用它的地址"
            ),
        )
    } else {
        Finding::ok("links", said!(lang, "phones open {}", "手机打开 {}", serve.public_base_url))
    })
}

/// Asks every service, all at once.
fn online(scene: &Scene, settings: &Settings) -> Vec<Finding> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let Some(loaded) = &scene.loaded else { return Vec::new() };
    let place = Surroundings::of(loaded, Lang::En);
    let redactor = settings.redactor(loaded);
    let lang = scene.lang;
    let found = runtime.block_on(async {
        let mut asking = tokio::task::JoinSet::new();
        for channel in settings.channels.values() {
            let (channel, place) = (channel.clone(), place.clone());
            asking.spawn(async move {
                let limited = tokio::time::timeout(LIMIT, ask(&channel, &place, lang));
                limited.await.unwrap_or_else(|_| {
                    let seconds = LIMIT.as_secs();
                    let text =
                        said!(lang, "{}: no answer within {seconds} s", "{}：{seconds} 秒内没有回答", channel.name);
                    let fix = said!(
                        lang,
                        "see the channel's `proxy`, and this machine's network",
                        "检查该通道的 `proxy` 和本机网络"
                    );
                    Some(Finding::failure("online", text, fix))
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
async fn ask(channel: &ChannelConfig, place: &Surroundings, lang: Lang) -> Option<Finding> {
    let name = &channel.name;
    let built = match build(channel, place) {
        Ok(built) => built,
        Err(error) => {
            let fix = said!(lang, "see the channel's `proxy`", "检查该通道的 `proxy`");
            return Some(Finding::failure("online", error.to_string(), fix));
        }
    };
    if let Some(answer) = built.probe().await {
        return Some(match answer {
            Ok(receipt) => Finding::ok("online", format!("{name}: {}", receipt.answer)),
            Err(error) => Finding::failure(
                "online",
                format!("{name}: {error}"),
                super::settings::see(lang, "tmuxagent notify test"),
            ),
        });
    }
    let (host, port) = channel.kind.address()?;
    let via = match &channel.proxy {
        ProxyChoice::Direct => lang.pick("directly", "直接"),
        ProxyChoice::Inherit => lang.pick("as the environment's proxies say", "按环境中的代理"),
        ProxyChoice::Url(_) => lang.pick("through its proxy", "经它的代理"),
    };
    let proxy = place.resolve(&channel.proxy);
    Some(match dial(&proxy, &host, port).await {
        Ok(_) => Finding::ok(
            "online",
            said!(
                lang,
                "{name}: {host} is reached {via}; only a real message tells more: `tmuxagent notify test {name}`",
                "{name}：{via}连接 {host} 成功；真实消息才能确认更多：`tmuxagent notify test {name}`"
            ),
        ),
        Err(error) => Finding::failure(
            "online",
            said!(
                lang,
                "{name}: {host}:{port} is not reached {via}: {error}",
                "{name}：{via}连接 {host}:{port} 失败：{error}"
            ),
            said!(
                lang,
                "set the channel's `proxy` to none, inherit or an address; see this machine's network",
                "把该通道的 `proxy` 设为 none、inherit 或一个地址；并检查本机网络"
            ),
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
    fn an_address_of_this_machine_alone_is_known() {
        for here in ["http://127.0.0.1:8787", "http://localhost:1", "http://[::1]:8787/x", "http://0.0.0.0:8787"] {
            assert!(is_only_here(here), "{here}");
        }
        for elsewhere in ["https://box.example.org", "http://192.168.1.2:8787", "http://localhost.example.org", ""] {
            assert!(!is_only_here(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn links_that_no_phone_opens_are_found() {
        let verdict = |url: &str| {
            let bind = std::net::SocketAddr::from(([127, 0, 0, 1], 8787));
            let public_base_url = url.to_owned();
            let serve = ServeConfig { bind, public_base_url, pin: None, trusted_proxies: Vec::new() };
            links(Some(&serve), Lang::En).map(|f| f.verdict)
        };
        use super::super::Verdict::{Ok, Warning};
        assert_eq!(verdict("http://127.0.0.1:8787"), Some(Warning));
        assert_eq!(verdict("https://localhost"), Some(Warning));
        assert_eq!(verdict("http://box.example.org"), Some(Warning));
        assert_eq!(verdict("https://box.example.org"), Some(Ok));
    }
}
