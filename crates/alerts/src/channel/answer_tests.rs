//! Every row of every table, played by a service on the loopback, in both languages; and what services really write.

use super::super::answer::{Both, Table, Then, When};
use super::super::local::Ends;
use super::super::wecom_answers::{GET_TOKEN, LONG_SEND, ROBOT, SEND, SUBSCRIBE};
use super::super::{
    bark, command, desktop, dingtalk, feishu, ntfy, serverchan, slack, stdout, telegram, terminal, webhook,
};
use super::bots::Wecom;
use super::*;

/// A call of a channel by HTTP.
struct Call {
    kind: &'static str,
    table: &'static Table,
    /// The channel, with `BASE` for the service.
    yaml: &'static str,
    /// What is answered before this call.
    before: &'static [&'static str],
    /// What is answered to the calls behind it.
    behind: &'static str,
}

const APP: &str = "wecom_app: {corp_id: c, agent_id: 1, secret: s, base_url: BASE}";
const TOKEN: &str = r#"{"errcode":0,"errmsg":"ok","access_token":"A","expires_in":7200}"#;
const SENT: &str = r#"{"errcode":0,"errmsg":"ok","msgid":"m"}"#;

const fn call(kind: &'static str, table: &'static Table, yaml: &'static str) -> Call {
    Call { kind, table, yaml, before: &[], behind: "" }
}

fn calls() -> [Call; 10] {
    [
        call("wecom", &ROBOT, "wecom: {webhook: 'BASE/x'}"),
        Call { kind: "wecom_app", table: &GET_TOKEN, yaml: APP, before: &[], behind: SENT },
        Call { kind: "wecom_app", table: &SEND, yaml: APP, before: &[TOKEN], behind: "" },
        call("serverchan", &serverchan::ANSWERS, "serverchan: {key: SCT1, base_url: BASE}"),
        call("ntfy", &ntfy::ANSWERS, "ntfy: {url: BASE, topic: t}"),
        call("telegram", &telegram::ANSWERS, "telegram: {token: T, chat_id: 5, base_url: BASE}"),
        call("slack", &slack::ANSWERS, "slack: {url: 'BASE/x'}"),
        call("feishu", &feishu::ANSWERS, "feishu: {url: 'BASE/x'}"),
        call("dingtalk", &dingtalk::ANSWERS, "dingtalk: {url: 'BASE/x'}"),
        call("bark", &bark::ANSWERS, "bark: {key: k, base_url: BASE}"),
    ]
}

/// The calls with the one whose table is the user's own.
fn all_calls() -> Vec<Call> {
    calls().into_iter().chain([call("webhook", &webhook::OWN, "webhook: {url: 'BASE/x'}")]).collect()
}

/// Puts `value` at a pointer of one or two steps.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut place = body;
    for step in pointer.split('/').skip(1) {
        place = &mut place[step];
    }
    *place = value;
}

/// An answer that a row describes.
fn sample(table: &Table, when: When) -> (u16, String) {
    let mut body = json!({"access_token": "A"});
    let mut coded = |code: i64, words: &str| {
        put(&mut body, table.code[0], code.into());
        put(&mut body, table.words[0], words.into());
    };
    match when {
        When::Code(code) => coded(code, "words of the service"),
        When::CodeSaying(code, words) => coded(code, &format!("x {words} y")),
        When::OtherCode => coded(987_654_321, "words of the service"),
        When::Says(words) => put(&mut body, table.words[0], format!("[x]{words}[5]").into()),
        When::Flag(pointer, value) => put(&mut body, pointer, value.into()),
        When::Number(pointer, value) => put(&mut body, pointer, value.into()),
        When::Text(pointer, value) => put(&mut body, pointer, value.into()),
        When::Has(pointer) => put(&mut body, pointer, "x1".into()),
        When::Word(word) => return (200, word.to_owned()),
        When::Status(status) => return (status, String::new()),
        When::SaysNo => put(&mut body, "/error", "no such hook".into()),
    }
    (200, body.to_string())
}

/// Asserts that a call ended as a row says, in words of that language.
fn assert_ended(what: &str, lang: Lang, then: Then, ended: &Result<Receipt, SendError>) {
    let says = |text: &str, words: Both| text.contains(&words.pick(lang).replace("{address}", ""));
    let right = match (then, ended) {
        (Then::Delivered, Ok(_)) => true,
        (Then::Later { seconds, why }, Err(SendError::Retry { what, after })) => {
            says(what, why) && after.unwrap_or_default() == Millis::from_secs(seconds)
        }
        (Then::Renew { why }, Err(SendError::Retry { what, .. })) => says(what, why),
        (Then::Spent { why, .. }, Err(SendError::Exhausted { what, pause })) => {
            says(what, why) && pause.0 <= 86_400_000
        }
        (Then::Never { fix }, Err(SendError::Refused { fix: told, .. })) => says(told, fix),
        _ => false,
    };
    assert!(right, "{what} in {lang:?}: {then:?}, but: {ended:?}");
}

/// A call's service with its channel in each language; both live for many answers, since a client is dear to make.
struct Room {
    call: Call,
    service: Service,
    folder: tempfile::TempDir,
    english: Arc<dyn Channel>,
    chinese: Arc<dyn Channel>,
}

impl Room {
    async fn of(call: Call) -> Self {
        let service = Service::saying(vec![]).await;
        let folder = tempfile::tempdir().unwrap();
        let yaml = call.yaml.replace("BASE", &service.base);
        let channel = |lang| channel_in(&yaml, folder.path(), lang);
        let (english, chinese) = (channel(Lang::En), channel(Lang::Zh));
        Self { call, service, folder, english, chinese }
    }

    /// How a message ends when the call is answered so, without what was kept of earlier messages.
    async fn ends(&self, answers: &[(u16, String)], lang: Lang) -> Result<Receipt, SendError> {
        for file in std::fs::read_dir(self.folder.path()).unwrap().flatten() {
            std::fs::remove_file(file.path()).unwrap();
        }
        let before = self.call.before.iter().map(|body| (200, (*body).to_owned()));
        let answers = before.chain(answers.iter().cloned()).map(|(status, body)| (status, "text/plain", body));
        *self.service.answers.lock().unwrap() = answers.collect();
        self.service.came.lock().unwrap().clear();
        let message = crate::message::Message { lang, ..message() };
        let channel = match lang {
            Lang::En => &self.english,
            Lang::Zh => &self.chinese,
        };
        channel.send(&message).await
    }
}

#[tokio::test]
async fn every_documented_answer_means_what_its_table_says() {
    let mut tried = 0;
    for call in all_calls() {
        let room = Room::of(call).await;
        let call = &room.call;
        for row in call.table.rows.iter().copied().flatten() {
            for lang in [Lang::En, Lang::Zh] {
                let answer = sample(call.table, row.when);
                let behind = if call.behind.is_empty() { answer.clone() } else { (200, call.behind.to_owned()) };
                let answers = match row.then {
                    // Asked for once more, and then refused again.
                    Then::Renew { .. } => vec![answer.clone(), (200, TOKEN.to_owned()), answer],
                    _ => vec![answer, behind],
                };
                let ended = room.ends(&answers, lang).await;
                assert_ended(&format!("{} {:?}", call.kind, row.when), lang, row.then, &ended);
                tried += 1;
            }
        }
    }
    assert!(tried > 250, "{tried}");
}

#[tokio::test]
async fn a_yes_with_a_failing_status_and_a_web_page_are_no_delivery() {
    for call in all_calls() {
        let room = Room::of(call).await;
        let (kind, table) = (room.call.kind, room.call.table);
        for row in table.rows.iter().copied().flatten().filter(|row| row.then == Then::Delivered) {
            let (_, yes) = sample(table, row.when);
            assert!(room.ends(&[(503, yes)], Lang::En).await.is_err(), "{kind} {:?}", row.when);
        }
        let page = "<!DOCTYPE html>\n<html><title>Sign in</title></html>".to_owned();
        let error = room.ends(&[(200, page)], Lang::En).await.unwrap_err();
        assert!(error.to_string().contains("answered with a web page"), "{kind}: {error}");
        assert!(error.to_string().contains("single sign-on"), "{kind}: {error}");
        let passing = kind != "webhook";
        assert_eq!(matches!(error, SendError::Retry { .. }), passing, "{kind}: {error}");
        if passing {
            assert!(room.ends(&[(200, String::new())], Lang::En).await.is_err(), "{kind}: nothing is no yes");
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_whatever_the_code() {
    let room = Room::of(Call { kind: "wecom_app", table: &SEND, yaml: APP, before: &[TOKEN], behind: "" }).await;
    for code in [40001, 40014, 41001, 42001] {
        let refused = json!({"errcode": code, "errmsg": "invalid credential"}).to_string();
        let answers = [refused, TOKEN.replace("\"A\"", "\"B\""), SENT.to_owned()].map(|body| (200, body));
        assert_eq!(room.ends(&answers, Lang::En).await, Ok(Receipt::new("msgid m")), "{code}");
        let paths: Vec<String> = room.service.came().into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 4, "{code}: {paths:?}");
        assert!(paths[3].ends_with("access_token=B"), "{code}: {paths:?}");
    }
    // Asked for a token, the same code speaks of the secret.
    let wrong = json!({"errcode": 40001, "errmsg": "invalid credential"}).to_string();
    let room = Room::of(Call { kind: "wecom_app", table: &GET_TOKEN, yaml: APP, before: &[], behind: "" }).await;
    let ended = room.ends(&[(200, wrong)], Lang::En).await;
    assert!(matches!(&ended, Err(SendError::Refused { fix, .. }) if fix.contains("secret")), "{ended:?}");
    assert_eq!(room.service.came().len(), 1);
}

#[tokio::test]
async fn the_long_connection_answers_by_its_own_tables() {
    for (table, subscribes) in [(&SUBSCRIBE, true), (&LONG_SEND, false)] {
        for row in table.rows.iter().copied().flatten() {
            let code = match row.when {
                When::Code(code) => code,
                _ => 987_654_321,
            };
            let service = if subscribes { Wecom::answering(code, 0) } else { Wecom::answering(0, code) }.await;
            let folder = tempfile::tempdir().unwrap();
            let yaml = format!("wecom_bot: {{bot_id: b, secret: s, user: me, url: '{}'}}", service.url);
            for lang in [Lang::En, Lang::Zh] {
                let ended = channel_in(&yaml, folder.path(), lang).send(&message()).await;
                let told = match (&ended, row.then) {
                    // Of a subscription only the sentence is left.
                    (Err(SendError::Retry { what, .. }), Then::Later { why, .. }) => what.contains(why.pick(lang)),
                    (Err(error @ SendError::Refused { .. }), Then::Never { fix }) => {
                        error.to_string().contains(&fix.pick(lang).replace("{address}", ""))
                    }
                    (Err(SendError::Retry { what, .. }), Then::Renew { why }) => what.contains(why.pick(lang)),
                    (Ok(_), Then::Delivered) => true,
                    _ => false,
                };
                assert!(told, "{:?} {lang:?}: {ended:?}", row.when);
            }
        }
    }
}

/// Channels that ask no service; each is played row by row beside its table.
fn local() -> [(&'static str, &'static Ends); 3] {
    [("desktop", desktop::ANSWERS), ("terminal", terminal::ANSWERS), ("stdout", stdout::ANSWERS)]
}

#[test]
fn every_kind_of_channel_has_its_table() {
    let rows = |table: &Table| table.rows.iter().copied().flatten().count();
    let mut tables: Vec<(&str, usize)> = all_calls().iter().map(|call| (call.kind, rows(call.table))).collect();
    tables.extend([("wecom_bot", rows(&SUBSCRIBE)), ("wecom_bot", rows(&LONG_SEND))]);
    tables.push(("command", command::EXITS.len()));
    tables.extend(local().iter().map(|(kind, ends)| (*kind, ends.len())));
    for kind in crate::config::NAMES {
        assert!(tables.iter().any(|(of, _)| of == kind), "{kind}");
    }
    assert!(tables.iter().all(|(kind, rows)| *rows > 1 && crate::config::NAMES.contains(kind)), "{tables:?}");
}

#[test]
fn no_end_of_a_local_channel_hides_another_and_one_is_a_yes() {
    for (kind, ends) in local() {
        for (n, (end, then)) in ends.iter().enumerate() {
            assert!(ends[..n].iter().all(|(before, _)| before != end), "{kind} {end:?} twice");
            assert_eq!(*then == Then::Delivered, n == 0, "{kind} {end:?}");
        }
    }
}

#[test]
fn no_row_hides_another() {
    for table in all_calls().iter().map(|call| call.table).chain([&SUBSCRIBE, &LONG_SEND]) {
        let rows: Vec<_> = table.rows.iter().copied().flatten().collect();
        for (n, row) in rows.iter().enumerate() {
            assert!(rows[..n].iter().all(|before| before.when != row.when), "{:?} twice", row.when);
            let texts = match row.then {
                Then::Delivered => continue,
                Then::Later { why, .. } | Then::Renew { why } | Then::Spent { why, .. } => why,
                Then::Never { fix } => fix,
            };
            assert!(!texts.0.is_empty() && texts.1.chars().any(|c| c > '\u{2e80}'), "{:?}", row.when);
        }
    }
}

/// What services wrote, letter by letter, and what it is.
#[tokio::test]
async fn what_services_write_is_read_as_it_is_meant() {
    let (json, html, text) = ("application/json", "text/html; charset=utf-8", "text/plain");
    let (slack, ntfy, own) = ("slack: {url: 'BASE/x'}", "ntfy: {url: BASE, topic: t}", "webhook: {url: 'BASE/x'}");
    let (feishu, dingtalk) = ("feishu: {url: 'BASE/x'}", "dingtalk: {url: 'BASE/x'}");
    let (chan, wecom) = ("serverchan: {key: SCT1, base_url: BASE}", "wecom: {webhook: 'BASE/x'}");
    let (bark, telegram) = ("bark: {key: k, base_url: BASE}", "telegram: {token: T, chat_id: 5, base_url: BASE}");
    let status = "webhook: {url: 'BASE/x', success: {status: [200, 204]}}";
    let starts = "webhook: {url: 'BASE/x', success: {text: OK}}";
    let both = "webhook: {url: 'BASE/x', success: {pointer: /data/code, equals: 0, status: 201}}";
    let rows: &[(&str, u16, &'static str, &str, &str)] = &[
        (slack, 200, html, "ok", "yes"),
        (slack, 200, json, r#"{"success":true}"#, "yes"),
        (slack, 200, html, "<html>SSO login</html>", "retry: web page, not Slack's answer"),
        (slack, 200, json, r#"{"ok":false,"error":"invalid_auth"}"#, "refused: check `url`"),
        (slack, 200, text, "OK, forwarded", "refused: `success:`"),
        (slack, 410, text, "channel_is_archived", "refused: archived"),
        (slack, 403, text, "invalid_token", "refused: key in the address"),
        (
            ntfy,
            200,
            json,
            r#"{"id":"xE73Iyuabi","time":1673542291,"expires":1673585491,"event":"message","topic":"t","message":"m"}"#,
            "yes",
        ),
        (ntfy, 200, html, "<html>SSO login</html>", "retry: web page, not ntfy's answer"),
        (ntfy, 200, json, "{}", "retry: not ntfy's answer"),
        (
            ntfy,
            429,
            json,
            r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached","link":"https://ntfy.sh/docs/"}"#,
            "exhausted: used up",
        ),
        (ntfy, 403, json, r#"{"code":40301,"http":403,"error":"forbidden"}"#, "refused: may not write to the topic"),
        (feishu, 200, json, r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#, "yes"),
        (feishu, 200, json, r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#, "yes"),
        (feishu, 200, json, r#"{"StatusCode":19001,"code":0,"msg":"x"}"#, "refused: webhook address"),
        (feishu, 200, json, r#"{"code":19024,"msg":"Key Words Not Found","StatusCode":0}"#, "refused: keyword"),
        (feishu, 400, json, r#"{"code":9499,"msg":"Bad Request","data":{}}"#, "refused: malformed"),
        (dingtalk, 200, json, r#"{"errcode":0,"errmsg":"ok"}"#, "yes"),
        (dingtalk, 200, json, r#"{"errcode":310000,"errmsg":"keywords not in content"}"#, "refused: security settings"),
        (
            chan,
            200,
            json,
            r#"{"code":0,"message":"","data":{"pushid":"1","readkey":"k","error":"SUCCESS","errno":0}}"#,
            "yes",
        ),
        (
            chan,
            400,
            json,
            r#"{"message":"[AUTH]超过当天的发送次数限制[5]","code":40001}"#,
            "exhausted: limit for today",
        ),
        (chan, 400, json, r#"{"message":"[INPUT]sendkey不正确","code":40001}"#, "refused: key is wrong"),
        (chan, 200, json, r#"{"errno":1024,"errmsg":"不要重复发送同样的内容"}"#, "retry: same text"),
        (wecom, 200, json, r#"{"errcode":0,"errmsg":"ok"}"#, "yes"),
        (
            wecom,
            200,
            json,
            r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1]"}"#,
            "refused: copy the address",
        ),
        (wecom, 200, json, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, "retry: 20 messages a minute"),
        (
            wecom,
            200,
            json,
            r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}"#,
            "refused: too long",
        ),
        (wecom, 511, html, "<html>hotspot</html>", "retry: HTTP 511"),
        (wecom, 200, json, "", "retry: not WeCom's answer"),
        (bark, 200, json, r#"{"code":200,"message":"success","timestamp":1700000000}"#, "yes"),
        (bark, 500, json, r#"{"code":500,"message":"push failed: BadDeviceToken"}"#, "refused: Apple does not know"),
        (bark, 200, json, r#"{"code":400,"message":"failed to get device token: k"}"#, "refused: not registered"),
        (
            telegram,
            400,
            json,
            r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat",
               "parameters":{"migrate_to_chat_id":-1001234567890}}"#,
            "refused: -1001234567890",
        ),
        (own, 204, text, "", "yes"),
        (own, 200, html, "ok", "yes"),
        (own, 202, text, "queued", "yes"),
        (own, 200, json, r#"{"id":7}"#, "yes"),
        (own, 200, html, "  \n<!-- login --><form>", "refused: web page, not the service's answer"),
        (own, 200, text, "\u{feff}<HTML><body>", "refused: success: {status: 200}"),
        (own, 200, json, r#"{"ok":false,"error":"no such hook"}"#, "refused: says no"),
        (own, 200, json, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, "refused: 93000"),
        (own, 200, json, r#"{"errcode":40001,"errmsg":"invalid credential"}"#, "refused: 40001"),
        (own, 200, json, r#"{"error":{"code":7}}"#, "refused: says no"),
        (own, 200, json, r#"{"status":"error"}"#, "refused: says no"),
        (own, 200, text, "<script>location='/login'</script>", "refused: web page"),
        (own, 200, "application/xhtml+xml", "<?xml?><html/>", "refused: web page"),
        (own, 200, html, "Please sign in first", "refused: web page"),
        (own, 200, html, "", "yes"),
        (own, 200, "text/xml", "<Response/>", "yes"),
        (own, 503, json, r#"{"error":"busy"}"#, "retry: HTTP 503"),
        (own, 500, text, "", "retry: HTTP 500"),
        (own, 302, text, "", "refused: redirects"),
        (status, 200, html, "<html>taken</html>", "yes"),
        (status, 204, text, "", "yes"),
        (status, 202, text, "", "refused: none of `success.status`"),
        (status, 503, text, "", "retry: HTTP 503"),
        (starts, 200, text, " OK id=7\n", "yes"),
        (starts, 200, text, "error: not OK", "refused: does not begin with `OK`"),
        (starts, 200, html, "<html>OK</html>", "refused: web page"),
        (both, 201, json, r#"{"data":{"code":0}}"#, "yes"),
        (both, 200, json, r#"{"data":{"code":0}}"#, "refused: none of"),
        (both, 201, json, r#"{"data":{"code":1}}"#, "refused: /data/code is not 0"),
    ];
    let service = Service::saying(vec![]).await;
    let mut channels: std::collections::BTreeMap<&str, Arc<dyn Channel>> = std::collections::BTreeMap::new();
    for (yaml, status, kind, body, expected) in rows {
        *service.answers.lock().unwrap() = VecDeque::from([(*status, *kind, (*body).to_owned())]);
        let folder = tempfile::tempdir().unwrap();
        // ServerChan keeps the day's count; the others keep nothing.
        if yaml.starts_with("serverchan") {
            channels.remove(yaml);
        }
        let open = || channel(&yaml.replace("BASE", &service.base), folder.path());
        let told = match channels.entry(yaml).or_insert_with(open).send(&message()).await {
            Ok(_) => "yes".to_owned(),
            Err(error @ SendError::Retry { .. }) => format!("retry: {error}"),
            Err(error @ SendError::Refused { .. }) => format!("refused: {error}"),
            Err(error @ SendError::Exhausted { .. }) => format!("exhausted: {error}"),
        };
        let (end, words) = expected.split_once(": ").unwrap_or((expected, ""));
        assert!(told.starts_with(end) && told.contains(words), "{yaml} {status} {body}\n  {told}, not {expected}");
    }
}

/// A page that a proxy packs although nobody asked for that: nothing of it can be read, so it is no yes of anybody.
#[tokio::test]
async fn what_comes_packed_is_no_delivery() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(async |request: Request| {
        assert_eq!(request.headers()["accept-encoding"], "identity");
        ([("content-encoding", "gzip"), ("content-type", "application/json")], [0x1f_u8, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    for call in all_calls() {
        let yaml = call.yaml.replace("BASE", &base);
        let error = channel(&yaml, folder.path()).send(&message()).await.unwrap_err();
        assert!(error.to_string().contains("nothing certain"), "{}: {error}", call.kind);
        assert_eq!(matches!(error, SendError::Refused { .. }), call.kind == "webhook", "{error}");
    }
}

#[tokio::test]
async fn markdown_of_an_application_stays_markdown() {
    use crate::message::Form;
    let of = async |format: &str, form: Form| {
        let service =
            Service::answering(&[(200, serde_json::from_str(TOKEN).unwrap()), (200, json!({"errcode": 0}))]).await;
        let folder = tempfile::tempdir().unwrap();
        let yaml = APP.replace("BASE", &service.base).replace('}', &format!("{format}}}"));
        let body = "**done**: [log](https://ci.example/7)".to_owned();
        let message = crate::message::Message { form, ask: None, body, ..message() };
        channel(&yaml, folder.path()).send(&message).await.unwrap();
        service.came()[1].1.clone()
    };
    let sent = of("", Form::Markdown).await;
    assert_eq!(sent["msgtype"], "markdown");
    let text = sent["markdown"]["content"].as_str().unwrap();
    assert!(text.contains("**done**") && text.contains("[log](https://ci.example/7)"), "{text}");
    assert_eq!(of("", Form::Plain).await["msgtype"], "text", "also seen in the WeChat plug-in");
    assert_eq!(of(", format: text", Form::Markdown).await["msgtype"], "text");
    assert_eq!(of(", format: markdown", Form::Plain).await["msgtype"], "markdown");
}

#[tokio::test]
async fn a_title_in_a_header_keeps_its_letters() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (heads, mut came) = tokio::sync::mpsc::channel(1);
    let router = axum::Router::new().fallback(async move |request: Request| {
        let head = request.headers().clone();
        heads.send(head).await.unwrap();
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!(
        "webhook: {{url: '{base}/t', headers: {{Title: '{{{{title}}}}', Priority: '{{{{urgency}}}}', Click: '{{{{link}}}}', \
         Content-Disposition: 'attachment; filename=\"{{{{title}}}}.txt\"'}}, body: '{{{{body}}}}'}}"
    );
    let title = "构建失败：第二阶段超时，请尽快处理，谢谢大家的配合与支持 ☕".to_owned();
    let message = crate::message::Message { title, ..message() };
    channel(&yaml, folder.path()).send(&message).await.unwrap();
    let head = came.recv().await.unwrap();
    let text = |name: &str| head[name].to_str().unwrap().to_owned();
    assert!(text("title").starts_with("=?UTF-8?B?5p6E5bu65aSx6LSl"), "{}", text("title"));
    assert!(text("title").split(' ').all(|word| word.len() <= 75), "{}", text("title"));
    assert_eq!((text("priority").as_str(), text("click").as_str()), ("high", LINK));
    assert!(text("content-disposition").starts_with("attachment; filename*=UTF-8''%E6%9E%84"), "{head:?}");
}
