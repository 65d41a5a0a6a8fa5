//! Chats with buttons: the WeCom robot's websocket and Telegram's long poll, each played by a server on the loopback.

use super::*;
use crate::decide::{Refusal, Settled, Unsettled};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tmuxagent_model::{Approval, ApprovalId, Decider, Doubt, Verdict, Via};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as Frame;

/// Decisions, of which the first is taken.
#[derive(Default)]
struct Decisions {
    decisions: Mutex<Vec<(Verdict, Decider)>>,
    reports: Mutex<Vec<String>>,
    /// How many decisions have no end yet before one is settled.
    doubts: Mutex<u32>,
}

impl Decide for Decisions {
    fn approval<'a>(&'a self, _: &'a ApprovalId) -> BoxFuture<'a, Option<Approval>> {
        Box::pin(async { Some(crate::message::tests::approval()) })
    }

    fn decide<'a>(
        &'a self,
        _: &'a ApprovalId,
        _: u32,
        verdict: Verdict,
        by: Decider,
    ) -> BoxFuture<'a, Result<Settled, Unsettled>> {
        let mut doubts = self.doubts.lock().unwrap();
        if *doubts > 0 {
            *doubts -= 1;
            return Box::pin(async { Err(Unsettled::Doubtful(Doubt::Ended)) });
        }
        let mut decisions = self.decisions.lock().unwrap();
        let first = decisions.is_empty();
        if first {
            decisions.push((verdict, by));
        }
        Box::pin(async move { Ok(Settled::new(if first { Ok(()) } else { Err(Refusal::Closed) })) })
    }

    fn report(&self, text: String) {
        self.reports.lock().unwrap().push(text);
    }
}

/// The service's side: what robots send comes out, what is put in goes to the newest connection.
pub(super) struct Wecom {
    pub(super) url: String,
    came: mpsc::Receiver<Value>,
    out: mpsc::Sender<Value>,
}

impl Wecom {
    pub(super) async fn start(errcode: i64) -> Self {
        Self::answering(errcode, errcode).await
    }

    /// Answers subscriptions with one code, messages with the other.
    pub(super) async fn answering(subscribe: i64, send: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (sender, came) = mpsc::channel(64);
        let (out, mut put) = mpsc::channel::<Value>(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                loop {
                    let reply = tokio::select! {
                        Some(frame) = put.recv() => frame,
                        frame = socket.next() => match frame {
                            Some(Ok(Frame::Text(text))) => {
                                let frame: Value = serde_json::from_str(text.as_str()).unwrap();
                                let request = frame["headers"]["req_id"].clone();
                                let errcode = if frame["cmd"] == "aibot_send_msg" { send } else { subscribe };
                                let update = frame["cmd"] == "aibot_respond_update_msg";
                                let _ = sender.send(frame).await;
                                if update { continue }
                                json!({"headers": {"req_id": request}, "errcode": errcode, "errmsg": "x"})
                            }
                            _ => break,
                        },
                    };
                    if reply["cmd"] == "close" {
                        break;
                    }
                    socket.send(Frame::text(reply.to_string())).await.unwrap();
                }
            }
        });
        Self { url, came, out }
    }

    pub(super) async fn next(&mut self, command: &str) -> Value {
        loop {
            let frame = tokio::time::timeout(Duration::from_secs(30), self.came.recv()).await.unwrap().unwrap();
            if frame["cmd"] == command {
                return frame;
            }
        }
    }

    fn robot(&self, folder: &std::path::Path) -> Arc<dyn Channel> {
        channel(&format!("wecom_bot: {{bot_id: b, secret: s, user: me, url: '{}'}}", self.url), folder)
    }

    async fn press(&self, key: &Value, who: &str, msgid: &str) {
        let event =
            json!({"eventtype": "template_card_event", "template_card_event": {"event_key": key, "task_id": "card-1"}});
        let body = json!({"msgid": msgid, "from": {"userid": who}, "msgtype": "event", "event": event});
        self.out
            .send(json!({"cmd": "aibot_event_callback", "headers": {"req_id": format!("r-{msgid}")}, "body": body}))
            .await
            .unwrap();
    }
}

async fn until(done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "not done");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends as soon as the robot is connected.
async fn send_when_connected(robot: &Arc<dyn Channel>) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while let Err(error) = robot.send(&message()).await {
        assert!(std::time::Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_robots_card_decides_for_those_on_the_list() {
    let mut service = Wecom::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let (robot, decisions, stop) =
        (service.robot(folder.path()), Arc::new(Decisions::default()), CancellationToken::new());
    let listening = Arc::clone(&robot).listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap();
    let listening = tokio::spawn(listening);
    let hello = service.next("aibot_subscribe").await;
    assert_eq!(hello["body"], json!({"bot_id": "b", "secret": "s"}));
    send_when_connected(&robot).await;
    let text = service.next("aibot_send_msg").await;
    assert!(text["body"]["markdown"]["content"].as_str().unwrap().contains(LINK));
    let card = service.next("aibot_send_msg").await;
    let buttons = &card["body"]["template_card"]["button_list"];
    service.press(&buttons[0]["key"], "stranger", "1").await;
    until(|| decisions.reports.lock().unwrap().iter().any(|text| text.contains("stranger"))).await;
    assert!(decisions.decisions.lock().unwrap().is_empty());
    service.press(&buttons[0]["key"], "me", "2").await;
    let update = service.next("aibot_respond_update_msg").await;
    assert_eq!(update["headers"]["req_id"], "r-2");
    assert_eq!(update["body"]["template_card"]["main_title"]["title"], "approved · me");
    assert_eq!(update["body"]["template_card"]["task_id"], "card-1");
    assert_eq!(
        *decisions.decisions.lock().unwrap(),
        [(Verdict { approve: true, answer: None }, Decider::named("me", Via::Chat))]
    );
    service.press(&buttons[1]["key"], "me", "3").await;
    let late = service.next("aibot_respond_update_msg").await;
    assert_eq!(late["body"]["template_card"]["sub_title_text"], "the question is closed");
    stop.cancel();
    listening.await.unwrap();
}

#[tokio::test]
async fn a_robot_comes_back_after_a_loss_and_stays_away_when_replaced() {
    let mut service = Wecom::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let (robot, decisions, stop) =
        (service.robot(folder.path()), Arc::new(Decisions::default()), CancellationToken::new());
    let listening = tokio::spawn(Arc::clone(&robot).listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    service.next("aibot_subscribe").await;
    service.out.send(json!({"cmd": "close"})).await.unwrap();
    service.next("aibot_subscribe").await;
    let gone = json!({"eventtype": "disconnected_event"});
    service
        .out
        .send(json!({"cmd": "aibot_event_callback", "headers": {"req_id": "z"}, "body": {"event": gone}}))
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(30), listening).await.unwrap().unwrap();
    assert!(decisions.reports.lock().unwrap().last().unwrap().contains("another program"));
}

#[tokio::test]
async fn a_robot_that_is_no_longer_subscribed_connects_again() {
    let mut service = Wecom::answering(0, 846_609).await;
    let folder = tempfile::tempdir().unwrap();
    let (robot, decisions, stop) =
        (service.robot(folder.path()), Arc::new(Decisions::default()), CancellationToken::new());
    let listening = tokio::spawn(Arc::clone(&robot).listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    service.next("aibot_subscribe").await;
    let sending = tokio::spawn(async move {
        // Until the connection stands the message is refused at once.
        loop {
            match robot.send(&message()).await {
                Err(error) if error.to_string().contains("846609") => return error,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
    let error = tokio::time::timeout(Duration::from_secs(30), sending).await.unwrap().unwrap();
    assert!(matches!(error, SendError::Retry { .. }), "{error}");
    service.next("aibot_subscribe").await;
    stop.cancel();
    listening.await.unwrap();
}

#[tokio::test]
async fn one_process_holds_a_robots_connection() {
    let mut service = Wecom::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let (robot, decisions, stop) =
        (service.robot(folder.path()), Arc::new(Decisions::default()), CancellationToken::new());
    service.robot(folder.path()).send(&message()).await.unwrap();
    service.next("aibot_subscribe").await;
    let listening = tokio::spawn(Arc::clone(&robot).listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    service.next("aibot_subscribe").await;
    let other = service.robot(folder.path()).send(&message()).await;
    assert!(matches!(&other, Err(SendError::Refused { what, .. }) if what.contains("another process")), "{other:?}");
    stop.cancel();
    listening.await.unwrap();
}

#[tokio::test]
async fn a_wrong_secret_is_final() {
    let service = Wecom::start(40001).await;
    let folder = tempfile::tempdir().unwrap();
    let error = service.robot(folder.path()).send(&message()).await.unwrap_err();
    assert!(matches!(error, SendError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_press_in_telegram_decides_for_the_chat_it_was_sent_to() {
    let query = |id: i64, chat: i64, from: i64| {
        let message = json!({"message_id": 9, "chat": {"id": chat}});
        let data = "yes:1:01J8ZQ4M3V5C2N7R9T1W6X8Y0A";
        json!({"update_id": id, "callback_query": {"id": "q", "from": {"id": from}, "message": message, "data": data}})
    };
    let ok = |result: Value| (200, json!({"ok": true, "result": result}));
    let service = Service::answering(&[
        ok(json!([query(1, 6, 5), query(2, 5, 7)])),
        ok(json!(true)),
        ok(json!([query(3, 5, 5)])),
        ok(json!(true)),
        ok(json!(true)),
        (409, json!({"ok": false, "error_code": 409, "description": "Conflict"})),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let bot = channel(
        &format!("telegram: {{token: T, chat_id: 5, person: mei, base_url: '{}'}}", service.base),
        folder.path(),
    );
    let (decisions, stop) = (Arc::new(Decisions::default()), CancellationToken::new());
    let listening = tokio::spawn(bot.listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    until(|| decisions.reports.lock().unwrap().iter().any(|text| text.contains("another program polls"))).await;
    stop.cancel();
    listening.await.unwrap();
    let who: Vec<String> = decisions.decisions.lock().unwrap().iter().map(|(_, by)| by.who.clone()).collect();
    assert_eq!(who, ["mei"], "a name, and no number");
    let reports = decisions.reports.lock().unwrap().join("\n");
    assert!(reports.contains("another chat") && reports.contains("pressed by 7"), "{reports}");
    let came = service.came();
    let methods: Vec<&str> = came.iter().map(|(path, _)| path.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        methods[..6],
        [
            "getUpdates",
            "answerCallbackQuery",
            "getUpdates",
            "answerCallbackQuery",
            "editMessageReplyMarkup",
            "getUpdates"
        ]
    );
    assert_eq!((&came[2].1["offset"], &came[5].1["offset"]), (&json!(3), &json!(4)));
}

#[tokio::test]
async fn a_press_in_telegram_is_passed_over_once_it_is_settled_and_not_before() {
    let query = |id: i64| {
        let message = json!({"message_id": 9, "chat": {"id": 5}});
        let data = "yes:1:01J8ZQ4M3V5C2N7R9T1W6X8Y0A";
        json!({"update_id": id, "callback_query": {"id": format!("q{id}"), "from": {"id": 5}, "message": message, "data": data}})
    };
    let ok = |result: Value| (200, json!({"ok": true, "result": result}));
    let service = Service::answering(&[
        ok(json!([query(7), query(8)])),
        ok(json!(true)),
        ok(json!([query(7), query(8)])),
        ok(json!(true)),
        ok(json!(true)),
        ok(json!(true)),
        ok(json!(true)),
        (409, json!({"ok": false, "error_code": 409, "description": "Conflict"})),
    ])
    .await;
    let folder = tempfile::tempdir().unwrap();
    let bot = channel(&format!("telegram: {{token: T, chat_id: 5, base_url: '{}'}}", service.base), folder.path());
    let (decisions, stop) =
        (Arc::new(Decisions { doubts: Mutex::new(1), ..Decisions::default() }), CancellationToken::new());
    let listening = tokio::spawn(bot.listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    let polls = || {
        let came = service.came().into_iter();
        came.filter(|(path, _)| path.ends_with("getUpdates"))
            .map(|(_, body)| body["offset"].clone())
            .collect::<Vec<_>>()
    };
    until(|| polls().len() >= 3).await;
    stop.cancel();
    listening.await.unwrap();
    assert_eq!(polls()[..3], [json!(0), json!(0), json!(9)], "it comes again until it is settled");
    assert_eq!(decisions.decisions.lock().unwrap().len(), 1);
    let told = service.came().into_iter().find(|(path, _)| path.ends_with("answerCallbackQuery")).unwrap().1;
    assert!(told["text"].as_str().unwrap().starts_with("not certain"), "{told}");
}

#[tokio::test]
async fn a_robots_card_is_changed_once_its_press_is_settled_and_not_before() {
    let mut service = Wecom::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let decisions = Arc::new(Decisions { doubts: Mutex::new(1), ..Decisions::default() });
    let (robot, stop) = (service.robot(folder.path()), CancellationToken::new());
    let listening = tokio::spawn(Arc::clone(&robot).listen(Arc::<Decisions>::clone(&decisions), stop.clone()).unwrap());
    service.next("aibot_subscribe").await;
    service.press(&json!("yes:1:01J8ZQ4M3V5C2N7R9T1W6X8Y0A"), "me", "2").await;
    let update = service.next("aibot_respond_update_msg").await;
    assert_eq!(update["body"]["template_card"]["main_title"]["title"], "approved · me");
    assert_eq!((*decisions.doubts.lock().unwrap(), decisions.decisions.lock().unwrap().len()), (0, 1));
    stop.cancel();
    listening.await.unwrap();
}

/// The service delivers no press again. Who dies between a press and its decision leaves the card as it is, and another
/// press of it decides in the next life.
#[tokio::test]
async fn a_press_that_died_with_its_robot_leaves_the_card_open_for_another() {
    let mut service = Wecom::start(0).await;
    let folder = tempfile::tempdir().unwrap();
    let key = json!("yes:1:01J8ZQ4M3V5C2N7R9T1W6X8Y0A");
    let first = Arc::new(Decisions { doubts: Mutex::new(u32::MAX), ..Decisions::default() });
    let listening = service.robot(folder.path()).listen(Arc::<Decisions>::clone(&first), CancellationToken::new());
    let listening = tokio::spawn(listening.unwrap());
    service.next("aibot_subscribe").await;
    service.press(&key, "me", "1").await;
    until(|| *first.doubts.lock().unwrap() < u32::MAX).await;
    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled());
    let (second, stop) = (Arc::new(Decisions::default()), CancellationToken::new());
    let listening = service.robot(folder.path()).listen(Arc::<Decisions>::clone(&second), stop.clone());
    let listening = tokio::spawn(listening.unwrap());
    service.next("aibot_subscribe").await;
    assert!(second.decisions.lock().unwrap().is_empty(), "nobody presses for him");
    service.press(&key, "me", "2").await;
    let update = service.next("aibot_respond_update_msg").await;
    assert_eq!(update["headers"]["req_id"], "r-2", "the first press changed no card");
    assert_eq!(update["body"]["template_card"]["main_title"]["title"], "approved · me");
    assert_eq!((first.decisions.lock().unwrap().len(), second.decisions.lock().unwrap().len()), (0, 1));
    stop.cancel();
    listening.await.unwrap();
}
