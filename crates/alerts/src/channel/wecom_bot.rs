//! `wecom_bot`: the WeCom robot with a long connection: cards with buttons, no public address, no list of addresses.
//!
//! Source: developer.work.weixin.qq.com/document/path/101463. JSON frames over a websocket: `aibot_subscribe`, `ping` each
//! 30 s, `aibot_send_msg` (markdown up to 20480 bytes; cards in single chats only), `aibot_event_callback` with
//! `template_card_event`, answered by `aibot_respond_update_msg` within 5 s. One connection per robot: a new one ends the
//! old one, which is told so and must not come back.
//!
//! **Invariant:** processes of this user never end each other's connection: who holds it holds a lock on a file.

use super::answer::{Table, Verdict};
use super::wecom_answers::{LONG_SEND, SUBSCRIBE};
use super::{Channel, Receipt, SendError};
use crate::decide::Decide;
use crate::dial::dial;
use crate::http::{Answer, ProxyChoice, install_tls, trouble};
use crate::markup::Markup;
use crate::message::Message;
use crate::press::{Press, Pressed, Pressers, press};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tmuxagent_model::Millis;
use tmuxagent_text::Lang;
use tmuxagent_text::plain::cut_chars;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// The service's address.
pub const URL: &str = "wss://openws.work.weixin.qq.com";
const LIMIT: usize = 20_480;
const PING: Duration = Duration::from_secs(30);
/// Nothing heard for so long: the connection is gone.
const SILENCE: Duration = Duration::from_secs(75);
const ANSWER: Duration = Duration::from_secs(10);
/// The pause before a press that has no end yet is tried again.
const AGAIN: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Call = (Value, oneshot::Sender<Result<(), SendError>>);

/// Where a robot writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chat {
    /// The single chat with this user, who must have written to the robot once.
    User(String),
    /// A group; cards are not possible there.
    Group(String),
}

/// What a robot is.
pub struct BotConfig {
    /// The service's address.
    pub url: String,
    /// The robot's id, as its settings show it.
    pub bot_id: String,
    /// The secret of its long connection.
    pub secret: SecretString,
    /// Where it writes.
    pub chat: Chat,
    /// User ids whose presses count; the chat's user when empty.
    pub allow: Vec<String>,
    /// What the one who reads it is called; empty where that is not known.
    pub person: String,
    /// How the service is reached.
    pub proxy: ProxyChoice,
    /// The file whose lock stands for the connection.
    pub lock: PathBuf,
    /// The language of cards and answers.
    pub lang: Lang,
}

/// A robot of WeCom on its long connection, which also brings presses.
pub struct WecomBot {
    config: BotConfig,
    pressers: Pressers,
    calls: mpsc::Sender<Call>,
    /// Taken by the one listener.
    incoming: Mutex<Option<mpsc::Receiver<Call>>>,
    connected: AtomicBool,
    numbers: AtomicU64,
}

/// Why a connection ended.
enum End {
    /// We were asked to stop.
    Stopped,
    /// It broke; connect again.
    Lost(String),
    /// Another connection of the robot took over, or the service refused it.
    Final(String),
}

impl WecomBot {
    /// A robot that is not connected yet.
    #[must_use]
    pub fn new(config: BotConfig) -> Self {
        let reader = match &config.chat {
            Chat::User(user) => Some(user),
            Chat::Group(_) => None,
        };
        let ids = if config.allow.is_empty() { reader.into_iter().cloned().collect() } else { config.allow.clone() };
        // Who reads it is not who may press, where the list names another.
        let is_reader = reader.is_none_or(|user| ids == [user.as_str()]);
        let pressers = Pressers::new(ids, if is_reader { &config.person } else { "" });
        let (calls, incoming) = mpsc::channel(16);
        let incoming = Mutex::new(Some(incoming));
        Self { config, pressers, calls, incoming, connected: AtomicBool::new(false), numbers: AtomicU64::new(0) }
    }

    /// A number for frames and cards, unique also over restarts: cards of one robot need ids of their own.
    fn number(&self, what: &str) -> String {
        let count = self.numbers.fetch_add(1, Ordering::Relaxed);
        format!("{what}-{}-{}-{count}", tmuxagent_clock::wall().0, std::process::id())
    }

    fn frame(&self, command: &str, body: &Value) -> Value {
        json!({"cmd": command, "headers": {"req_id": self.number(command)}, "body": body})
    }

    async fn connect(&self) -> Result<Socket, String> {
        install_tls();
        let url = Url::parse(&self.config.url).map_err(|error| error.to_string())?;
        let host = url.host_str().ok_or("the address has no host")?;
        let port = url.port_or_known_default().ok_or("the address has no port")?;
        let connecting = async {
            let told = |error: std::io::Error| trouble::sentence(&error, true, self.config.lang);
            let stream = dial(&self.config.proxy, host, port).await.map_err(told)?;
            let (socket, _) = tokio_tungstenite::client_async_tls(self.config.url.as_str(), stream)
                .await
                .map_err(|error| error.to_string())?;
            Ok(socket)
        };
        tokio::time::timeout(ANSWER, connecting).await.map_err(|_| "no answer in time".to_owned())?
    }

    /// Connects and subscribes.
    async fn subscribe(&self) -> Result<Socket, End> {
        let mut socket = self.connect().await.map_err(End::Lost)?;
        let body = json!({"bot_id": self.config.bot_id, "secret": self.config.secret.expose_secret()});
        let frame = self.frame("aibot_subscribe", &body);
        match self.call(&mut socket, &frame, &SUBSCRIBE).await {
            Ok(()) => Ok(socket),
            Err(error @ SendError::Refused { .. }) => Err(End::Final(error.to_string())),
            Err(error) => Err(End::Lost(error.to_string())),
        }
    }

    /// The error of a connection that did not come about.
    fn not_connected(&self, end: End) -> SendError {
        match end {
            End::Final(text) => {
                let fix = self.config.lang.pick("check `bot_id` and `secret`", "请检查 `bot_id` 与 `secret`");
                SendError::refused(text, fix)
            }
            End::Lost(text) => SendError::retry(text),
            End::Stopped => SendError::retry("stopped"),
        }
    }

    /// The frames that a message is made of: the whole text, and a card with buttons where it asks.
    fn frames(&self, message: &Message) -> Vec<Value> {
        let (chat, kind) = match &self.config.chat {
            Chat::User(user) => (user, 1),
            Chat::Group(group) => (group, 2),
        };
        let text = message.render(Markup::Markdown, LIMIT);
        let markdown = json!({"chatid": chat, "chat_type": kind, "msgtype": "markdown", "markdown": {"content": text}});
        let mut frames = vec![self.frame("aibot_send_msg", &markdown)];
        if let (Some(card), 1) = (self.card(message), kind) {
            let body = json!({"chatid": chat, "chat_type": kind, "msgtype": "template_card", "template_card": card});
            frames.push(self.frame("aibot_send_msg", &body));
        }
        frames
    }

    fn card(&self, message: &Message) -> Option<Value> {
        let ask = message.ask.as_ref().filter(|ask| ask.takes_buttons(&self.pressers))?;
        let lang = message.lang;
        let button = |label: &str, style: u8, approve: bool| {
            let press = Press { approval: ask.approval.clone(), revision: ask.revision, approve };
            json!({"text": label, "style": style, "key": press.key()})
        };
        let plain = |text: &str, most: usize| cut_chars(&Markup::Plain.text(text), most);
        Some(json!({
            "card_type": "button_interaction",
            "main_title": {"title": plain(&ask.question, 26), "desc": plain(&ask.place, 30)},
            "sub_title_text": plain(&ask.command.shown, 112),
            "horizontal_content_list": [{"keyname": lang.pick("Code", "校验码"), "value": ask.code}],
            "button_list": [
                button(lang.pick("Approve", "批准"), 1, true),
                button(lang.pick("Reject", "拒绝"), 3, false),
            ],
            "task_id": self.number("card"),
        }))
    }

    /// Sends by a connection of its own, for a process without a listener.
    async fn send_once(&self, message: &Message) -> Result<Receipt, SendError> {
        let _held = self.hold().await?;
        let mut socket = match self.subscribe().await {
            Ok(socket) => socket,
            Err(end) => return Err(self.not_connected(end)),
        };
        for frame in self.frames(message) {
            self.call(&mut socket, &frame, &LONG_SEND).await?;
        }
        // What was sent has been answered; how the connection ends does not matter.
        let _ = socket.close(None).await;
        Ok(Receipt::new("errcode 0"))
    }

    /// Sends a frame and waits for its answer on a connection that nobody else uses.
    async fn call(&self, socket: &mut Socket, frame: &Value, table: &Table) -> Result<(), SendError> {
        let lang = self.config.lang;
        let lost = |error: tokio_tungstenite::tungstenite::Error| SendError::retry(error.to_string());
        let calling = async {
            socket.send(Frame::text(frame.to_string())).await.map_err(lost)?;
            while let Some(answer) = socket.next().await {
                if let Frame::Text(text) = answer.map_err(lost)? {
                    let answer: Value = serde_json::from_str(text.as_str()).unwrap_or_default();
                    if request_id(&answer) == request_id(frame) {
                        return table.check(&answer_of(&answer), lang);
                    }
                }
            }
            Err(SendError::retry(lang.pick("the service closed the connection", "服务端关闭了连接")))
        };
        let late = SendError::retry(lang.pick("no answer in time", "未在时限内应答"));
        tokio::time::timeout(ANSWER, calling).await.unwrap_or(Err(late))
    }

    /// Takes the lock that stands for the robot's one connection.
    async fn hold(&self) -> Result<std::fs::File, SendError> {
        let (path, lang) = (self.config.lock.clone(), self.config.lang);
        let taken = tokio::task::spawn_blocking(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            file.try_lock().map_err(std::io::Error::from)?;
            Ok::<_, std::io::Error>(file)
        });
        match taken.await {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Err(SendError::refused(
                lang.pick("another process holds this robot's connection", "该机器人的连接正被另一进程占用"),
                lang.pick(
                    "a robot has one connection at a time, and the running supervisor holds it: end it first, or send to \
                     another channel",
                    "一个机器人同时只能有一个连接，正在运行的监督进程占用着它：请先结束它，或改用其他通道",
                ),
            )),
            Ok(Err(error)) => {
                let what = lang.pick("can't lock", "无法锁定");
                Err(SendError::retry(format!("{what} {}: {error}", self.config.lock.display())))
            }
            Err(error) => Err(SendError::retry(error.to_string())),
        }
    }

    async fn listen_until(self: Arc<Self>, decisions: Arc<dyn Decide>, stop: CancellationToken) {
        let taken = self.incoming.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(mut incoming) = taken else {
            return;
        };
        let _held = match self.hold().await {
            Ok(held) => held,
            Err(error) => return decisions.report(format!("wecom_bot: {error}")),
        };
        let mut failures: u32 = 0;
        loop {
            let end = tokio::select! {
                () = stop.cancelled() => End::Stopped,
                end = self.session(&decisions, &mut incoming, &stop, &mut failures) => end,
            };
            self.connected.store(false, Ordering::Release);
            let why = match end {
                End::Stopped => return,
                End::Final(why) => return decisions.report(format!("wecom_bot is off until the next start: {why}")),
                End::Lost(why) => why,
            };
            if failures == 0 {
                decisions.report(format!("wecom_bot lost its connection and connects again: {why}"));
            }
            failures = failures.saturating_add(1);
            let pause = Duration::from_millis((1000 << failures.min(6)) + jitter());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One connection, from subscribing to its end.
    async fn session(
        self: &Arc<Self>,
        decisions: &Arc<dyn Decide>,
        incoming: &mut mpsc::Receiver<Call>,
        stop: &CancellationToken,
        failures: &mut u32,
    ) -> End {
        let mut socket = match self.subscribe().await {
            Ok(socket) => socket,
            Err(end) => return end,
        };
        self.connected.store(true, Ordering::Release);
        *failures = 0;
        let (replies, mut ready) = mpsc::channel::<Value>(16);
        let mut waiting: HashMap<String, oneshot::Sender<Result<(), SendError>>> = HashMap::new();
        let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
        let mut heard = tokio::time::Instant::now();
        loop {
            let out = tokio::select! {
                () = stop.cancelled() => {
                    let _ = socket.close(None).await;
                    return End::Stopped;
                }
                Some((frame, answer)) = incoming.recv() => {
                    waiting.retain(|_, waiter| !waiter.is_closed());
                    waiting.insert(request_id(&frame), answer);
                    frame
                }
                Some(reply) = ready.recv() => reply,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return End::Lost("nothing was heard any more".to_owned());
                    }
                    json!({"cmd": "ping", "headers": {"req_id": self.number("ping")}})
                }
                frame = socket.next() => {
                    heard = tokio::time::Instant::now();
                    let frame = match frame {
                        Some(Ok(Frame::Text(text))) => serde_json::from_str::<Value>(text.as_str()).unwrap_or_default(),
                        Some(Ok(Frame::Close(_))) | None => return End::Lost("the service closed it".to_owned()),
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => return End::Lost(error.to_string()),
                    };
                    if let Some(waiter) = waiting.remove(&request_id(&frame)) {
                        let verdict = LONG_SEND.judge(&answer_of(&frame), self.config.lang);
                        let gone = match &verdict {
                            Verdict::Renew(error) => Some(End::Lost(error.to_string())),
                            Verdict::Delivered | Verdict::Failed(_) => None,
                        };
                        // Nobody waits any more when its time was over.
                        let _ = waiter.send(verdict.result());
                        if let Some(end) = gone {
                            return end;
                        }
                    } else if let Some(end) = self.heard(&frame, decisions, &replies) {
                        return end;
                    }
                    continue;
                }
            };
            if let Err(error) = socket.send(Frame::text(out.to_string())).await {
                return End::Lost(error.to_string());
            }
        }
    }

    /// An event of the service. A press is decided beside the connection, which goes on meanwhile; its card is changed once
    /// it is settled. A press that the service calls back twice is settled twice, the same way.
    fn heard(
        self: &Arc<Self>,
        frame: &Value,
        decisions: &Arc<dyn Decide>,
        replies: &mpsc::Sender<Value>,
    ) -> Option<End> {
        if frame.get("cmd").and_then(Value::as_str) != Some("aibot_event_callback") {
            return None;
        }
        let text = |pointer: &str| frame.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        match text("/body/event/eventtype").as_str() {
            "disconnected_event" => {
                return Some(End::Final("another program connected as this robot".to_owned()));
            }
            "template_card_event" => {}
            _ => return None,
        }
        let (robot, decisions, replies) = (Arc::clone(self), Arc::clone(decisions), replies.clone());
        let request = request_id(frame);
        let (key, card) = ("/body/event/template_card_event/event_key", "/body/event/template_card_event/task_id");
        let (key, card, who) = (text(key), text(card), text("/body/from/userid"));
        tokio::spawn(async move {
            let reply = loop {
                match press(decisions.as_ref(), &key, (&who, ""), &robot.pressers, robot.config.lang).await {
                    Ok(Pressed::Decided(sentence) | Pressed::Over(sentence)) => break over(&request, &card, &sentence),
                    // The card stays as it is; the service asks for no answer.
                    Ok(Pressed::Ignored(_)) => return,
                    // So does it here, for another press, when the connection ends before this one is settled.
                    Err(_) if replies.is_closed() => return,
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            };
            // A connection that ended meanwhile can't show it; the decision stands.
            let _ = replies.send(reply).await;
        });
        None
    }
}

/// The card without use, as the answer to a press.
fn over(request: &str, card: &str, sentence: &str) -> Value {
    json!({"cmd": "aibot_respond_update_msg", "headers": {"req_id": request}, "body": {
        "response_type": "update_template_card",
        "template_card": {
            "card_type": "button_interaction",
            "main_title": {"title": cut_chars(sentence, 26)},
            "sub_title_text": cut_chars(sentence, 112),
            "button_list": [{"text": "—", "style": 4, "key": "over"}],
            "task_id": card,
        },
    }})
}

fn request_id(frame: &Value) -> String {
    frame.pointer("/headers/req_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A frame in the form that tables read.
fn answer_of(frame: &Value) -> Answer {
    Answer { status: 200, retry_after: None, content_type: String::new(), text: frame.to_string(), unreadable: false }
}

/// Up to a second, so that many robots do not come back at once.
fn jitter() -> u64 {
    let mut byte = [0];
    // Without randomness there is no jitter, which is no harm.
    let _ = getrandom::fill(&mut byte);
    u64::from(byte[0]) * 4
}

impl Channel for WecomBot {
    fn kind(&self) -> &'static str {
        "wecom_bot"
    }

    fn spacing(&self) -> Millis {
        // Thirty a minute for a conversation, and a question is two frames.
        Millis::from_secs(4)
    }

    fn probe(&self) -> BoxFuture<'_, Option<Result<Receipt, SendError>>> {
        Box::pin(async {
            // Subscribing would end the connection that the supervisor holds.
            let Ok(_held) = self.hold().await else {
                let held =
                    ("the running supervisor holds the robot's connection", "运行中的监督进程占用着该机器人的连接");
                return Some(Ok(Receipt::new(self.config.lang.pick(held.0, held.1))));
            };
            Some(match self.subscribe().await {
                Ok(mut socket) => {
                    // How the connection ends does not matter.
                    let _ = socket.close(None).await;
                    Ok(Receipt::new(self.config.lang.pick("WeCom knows the robot", "企业微信认识该机器人")))
                }
                Err(end) => Err(self.not_connected(end)),
            })
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, SendError>> {
        Box::pin(async move {
            let lang = self.config.lang;
            let listens = self.incoming.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_none();
            if !listens {
                return self.send_once(message).await;
            }
            if !self.connected.load(Ordering::Acquire) {
                return Err(SendError::retry(lang.pick("the robot is not connected", "机器人尚未连接")));
            }
            for frame in self.frames(message) {
                let (answer, wait) = oneshot::channel();
                let gone = || SendError::retry(lang.pick("the connection was lost", "连接已断开"));
                self.calls.send((frame, answer)).await.map_err(|_| gone())?;
                let answered = tokio::time::timeout(ANSWER, wait).await;
                let late = |_| SendError::retry(lang.pick("no answer in time", "未在时限内应答"));
                answered.map_err(late)?.map_err(|_| gone())??;
            }
            Ok(Receipt::new("errcode 0"))
        })
    }

    fn listen(self: Arc<Self>, decisions: Arc<dyn Decide>, stop: CancellationToken) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(self.listen_until(decisions, stop)))
    }
}
