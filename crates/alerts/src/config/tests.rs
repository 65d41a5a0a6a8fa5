use super::*;
use crate::http::ProxyChoice;
use tmuxagent_model::{AlertKind, Millis, Urgency};

fn settings(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let source = Source::new("config.yaml", text);
    let environment = Environment::from_pairs(variables.iter().copied());
    let config = tmuxagent_config::read(&source, std::path::Path::new("/etc"), &environment)
        .map_err(|found| found.to_string())?;
    read(&config, &source, &environment).map_err(|found| found.to_string())
}

const APP: &[(&str, &str)] =
    &[("WECOM_CORP_ID", "ww1"), ("WECOM_AGENT_ID", "1000002"), ("WECOM_SECRET", "s"), ("WECOM_TOPARTY", "2")];

#[test]
fn one_word_and_the_environment_are_enough() {
    let settings = settings("notify: wecom_app\n", APP).unwrap();
    assert_eq!(settings.routing.routes[0].to, ["wecom_app"]);
    let Kind::WecomApp { corp_id, agent_id, receivers, .. } = &settings.channels["wecom_app"].kind else {
        panic!("{settings:?}");
    };
    assert_eq!((corp_id.as_str(), *agent_id), ("ww1", 1_000_002));
    assert_eq!((receivers.to_user.as_str(), receivers.to_party.as_str()), ("", "2"));
}

#[test]
fn the_environment_alone_chooses_channels() {
    let variables =
        [("SENTRY_NOTIFY_CHANNEL", "wecom,serverchan"), ("WECOM_WEBHOOK", "k"), ("SENTRY_SERVERCHAN_KEY", "SCT1")];
    let settings = settings("", &variables).unwrap();
    assert_eq!(settings.channels.keys().collect::<Vec<_>>(), ["serverchan", "wecom"]);
    assert_eq!(settings.routing.routes[0].to, ["wecom", "serverchan"]);
}

#[test]
fn a_channel_says_who_reads_it() {
    let text = "
channels:
  phone: {kind: ntfy, url: 'https://ntfy.example.org/my-topic', person: \" mei\\n\"}
  mine: {kind: wecom_bot, bot_id: b, secret: s, user: li}
  group: {kind: wecom_bot, bot_id: b, secret: s, group: g, allow: [li]}
  one: {kind: wecom_app, corp_id: c, agent_id: 1, secret: s, to_user: wu}
  all: {kind: wecom_app, corp_id: c, agent_id: 1, secret: s}
  some: {kind: wecom_app, corp_id: c, agent_id: 1, secret: s, to_user: 'wu|li'}
";
    let settings = settings(text, &[]).unwrap();
    let person = |name: &str| settings.channels[name].person.as_str();
    assert_eq!(["phone", "mine", "group", "one", "all", "some"].map(person), ["mei", "li", "", "wu", "", ""]);
}

#[test]
fn nothing_said_is_nothing_sent() {
    assert_eq!(settings("", &[]).unwrap(), Settings::default());
}

#[test]
fn routes_reminders_and_escalation() {
    let text = "
channels:
  team: {kind: wecom, webhook: k, proxy: 'socks5://127.0.0.1:1080', mention: [me]}
  phone: {kind: ntfy, url: 'https://ntfy.example.org/my-topic'}
notify:
  routes:
    - {kinds: [approval, reminder], to: [phone], when: away}
    - {urgency: high, to: [team, terminal]}
  cool_down: 2m
  remind: {every: 10m, times: 2}
  escalate: [{after: 20m, to: team}]
  fallback: phone
";
    let settings = settings(text, &[]).unwrap();
    assert_eq!(settings.channels.keys().collect::<Vec<_>>(), ["phone", "team", "terminal"]);
    assert_eq!(settings.channels["team"].proxy, ProxyChoice::Url("socks5://127.0.0.1:1080".into()));
    let routing = &settings.routing;
    assert_eq!(
        routing.routes[0],
        Route {
            kinds: vec![AlertKind::Approval, AlertKind::Reminder],
            urgency: Urgency::Low,
            to: vec!["phone".into()],
            when: When::Away
        }
    );
    assert_eq!(routing.remind, Some(Reminders { every: Millis::from_secs(600), times: 2 }));
    assert_eq!(routing.escalate, [Escalation { after: Millis::from_secs(1200), to: vec!["team".into()] }]);
    assert_eq!((routing.cool_down, &routing.fallback), (Millis::from_secs(120), &vec!["phone".to_owned()]));
}

#[test]
fn every_kind_is_built() {
    let text = "
channels:
  wecom: {webhook: k, format: text}
  wecom_app: {corp_id: c, agent_id: 1, secret: s}
  wecom_bot: {bot_id: b, secret: s, user: me}
  serverchan: {key: SCT1, per_day: 1000}
  desktop:
  terminal: {bell: off}
  ntfy: {topic: t, token: tk}
  telegram: {token: t, chat_id: 5, allow: [5]}
  slack: {url: 'https://hooks.example/x'}
  feishu: {url: 'https://hooks.example/x', secret: s}
  dingtalk: {url: 'https://hooks.example/x'}
  bark: {key: k}
  webhook:
    url: https://hooks.example/x
    method: PUT
    headers: {Authorization: Bearer x}
    body: {text: '{{text}}', nested: [{n: 1}]}
    success: {pointer: /code, equals: 0}
  command: {command: [apprise, -c, x]}
  stdout:
";
    let settings = settings(text, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let around = Surroundings {
        state_dir: folder.path().to_owned(),
        tmux: vec!["tmux".into()],
        lang: tmuxagent_text::Lang::En,
        environment: Environment::default(),
    };
    let kinds: Vec<&str> = settings.channels.values().map(|channel| build(channel, &around).unwrap().kind()).collect();
    assert_eq!(kinds, settings.channels.keys().collect::<Vec<_>>());
    assert_eq!(kinds.len(), kinds::NAMES.len());
    assert!(!format!("{settings:?}").contains("Bearer"), "no secret in a debug text");
}

#[test]
fn mistakes_come_at_once_with_the_nearest_right_word() {
    let text = "
channels:
  team: {kind: wecm}
  wecom: {webhok: k, proxy: ftp://x}
  serverchn: {}
  wecom_bot: {bot_id: b, secret: s}
notify:
  routes: [{kinds: [aproval], to: [tem], when: now}]
  colddown: 3
";
    insta::assert_snapshot!(settings(text, &[]).unwrap_err(), @r"
    config.yaml:3:16: error[unknown-word]: `wecm` is no value of `channels.team.kind`
      |
    3 |   team: {kind: wecm}
      |                ^^^^
      = help: did you mean `wecom`?
      = help: possible: `wecom`, `wecom_app`, `wecom_bot`, `serverchan`, `desktop`, `terminal`, `ntfy`, `telegram`, `slack`, `feishu`, `dingtalk`, `bark`, `webhook`, `command`, `stdout`

    config.yaml:4:3: error[missing-key]: `channels.wecom.webhook` is needed
      |
    4 |   wecom: {webhok: k, proxy: ftp://x}
      |   ^^^^^
      = help: set it here, or WECOM_WEBHOOK in the environment or the `.env` file

    config.yaml:4:11: error[unknown-key]: unknown key `webhok` in `channels.wecom`
      |
    4 |   wecom: {webhok: k, proxy: ftp://x}
      |           ^^^^^^
      = help: did you mean `webhook`?

    config.yaml:4:29: error[bad-url]: `channels.wecom.proxy` must be `none`, `inherit` or an address
      |
    4 |   wecom: {webhok: k, proxy: ftp://x}
      |                             ^^^^^^^
      = help: the address begins with http://, https://, socks5:// or socks5h://

    config.yaml:5:3: error[unknown-name]: `serverchn` is no kind of channel
      |
    5 |   serverchn: {}
      |   ^^^^^^^^^
      = help: say `kind: serverchan`; possible: `wecom`, `wecom_app`, `wecom_bot`, `serverchan`, `desktop`, `terminal`, `ntfy`, `telegram`, `slack`, `feishu`, `dingtalk`, `bark`, `webhook`, `command`, `stdout`

    config.yaml:6:3: error[missing-key]: `channels.wecom_bot.user` is needed
      |
    6 |   wecom_bot: {bot_id: b, secret: s}
      |   ^^^^^^^^^
      = help: `user`: your user id, who has written to the robot once (buttons work); or `group`: a chat's id

    config.yaml:8:21: error[unknown-word]: `aproval` is no value of `notify.routes[0].kinds`
      |
    8 |   routes: [{kinds: [aproval], to: [tem], when: now}]
      |                     ^^^^^^^
      = help: did you mean `approval`?
      = help: possible: `approval`, `reminder`, `failure`, `success`, `custom`, `agent`, `system`

    config.yaml:8:36: error[unknown-name]: there is no channel `tem`
      |
    8 |   routes: [{kinds: [aproval], to: [tem], when: now}]
      |                                    ^^^
      = help: did you mean `team`?

    config.yaml:8:48: error[unknown-word]: `now` is no value of `notify.routes[0].when`
      |
    8 |   routes: [{kinds: [aproval], to: [tem], when: now}]
      |                                                ^^^
      = help: possible: `always`, `away`

    config.yaml:9:3: error[unknown-key]: unknown key `colddown` in `notify`
      |
    9 |   colddown: 3
      |   ^^^^^^^^
      = help: did you mean `cool_down`?
    ");
}

#[test]
fn a_webhook_says_what_success_looks_like() {
    let read = |success: &str| {
        let text = format!("channels: {{own: {{kind: webhook, url: 'https://x.example/', success: {success}}}}}\n");
        settings(&text, &[]).map(|settings| match &settings.channels["own"].kind {
            Kind::Webhook(own) => own.success.clone().unwrap(),
            other => panic!("{other:?}"),
        })
    };
    let success = read("{status: 204}").unwrap();
    assert_eq!((success.status, success.value, success.text), (vec![204], None, None));
    let success = read("{status: [200, 202], pointer: /a/b, equals: done, text: ' OK '}").unwrap();
    assert_eq!(success.status, [200, 202]);
    assert_eq!(success.value, Some(("/a/b".to_owned(), "done".into())));
    assert_eq!(success.text.as_deref(), Some("OK"));
    let mistakes = [
        ("{}", "`success` says nothing"),
        ("{text: ''}", "`success` says nothing"),
        ("{pointer: /ok}", "belong together"),
        ("{equals: 0}", "belong together"),
        ("{pointer: ok, equals: 0}", "must be a pointer such as `/code`"),
        ("{status: 99}", "must be between 100 and 599"),
        ("{satus: 200}", "did you mean `status`?"),
    ];
    for (success, words) in mistakes {
        let error = read(success).unwrap_err();
        assert!(error.contains(words), "{success}: {error}");
    }
}

#[test]
fn a_credential_in_a_header_is_ascii() {
    let read = |name: &str| {
        let headers = format!("headers: {{{name}: 'Bearer 密钥'}}");
        settings(&format!("channels: {{own: {{kind: webhook, url: 'https://x.example/', {headers}}}}}\n"), &[])
    };
    assert!(read("authorization").unwrap_err().contains("must be ASCII"));
    assert!(read("X-Tags").is_ok());
}

#[test]
fn another_key_or_address_is_another_setup_and_none_can_be_read_out() {
    let setup = |text: &str, variables: &[(&str, &str)]| {
        settings(text, variables).unwrap().channels.values().next().unwrap().setup(b"key")
    };
    let wecom = |key| setup("notify: wecom\n", &[("WECOM_WEBHOOK", key)]);
    assert_eq!(wecom("a-key"), wecom("a-key"));
    assert_ne!(wecom("a-key"), wecom("b-key"));
    assert_ne!(wecom("a-key"), setup("channels: {wecom: {proxy: inherit}}\n", &[("WECOM_WEBHOOK", "a-key")]));
    let topic = |topic: &str| setup(&format!("channels: {{ntfy: {{topic: {topic}}}}}\n"), &[]);
    assert_ne!(topic("one"), topic("two"));
    let other = settings("notify: wecom\n", &[("WECOM_WEBHOOK", "a-key")]).unwrap().channels["wecom"].setup(b"other");
    assert_ne!(wecom("a-key"), other, "only who has the key can compare");
}

#[test]
fn a_line_for_a_shell_is_no_command() {
    let read = |command: &str| settings(&format!("channels:\n  command: {{command: {command}}}\n"), &[]);
    for good in
        ["apprise", "[apprise, -c, a b]", "/opt/notify", "['/opt/My Tools/notify', x]", "[sh, -c, 'cat >> ~/log']"]
    {
        assert!(read(good).is_ok(), "{good}: {}", read(good).unwrap_err());
    }
    let said = |command: &str| {
        let said = read(command).unwrap_err();
        let help = said.lines().find_map(|line| line.trim().strip_prefix("= help: ")).unwrap().to_owned();
        assert!(said.contains("error[bad-command]: `channels.command.command` must "), "{said}");
        help
    };
    assert_eq!(said("apprise -c x"), "write `command: [apprise, -c, x]`");
    assert_eq!(said("['apprise -c x']"), "write `command: [apprise, -c, x]`");
    assert_eq!(said("\"cat >> '/tmp/my log'\""), "write `command: [sh, -c, 'cat >> ''/tmp/my log''']`");
    assert_eq!(said("\"/opt/My Tools/notify\""), "write `command: [/opt/My, Tools/notify]`");
    assert_eq!(said("$HOME_OF_MINE"), "write `command: [sh, -c, '$HOME_OF_MINE']`");
    assert_eq!(said("~/bin/notify"), "write `/home/…` in place of `~` in `~/bin/notify`");
    assert!(read("''").unwrap_err().contains("is needed"));
}
