//! Messages to browsers that are not open (Web Push): a question, and that it was handled elsewhere.
//!
//! - `seal`: what is encrypted for one browser. `signature`: who sends it. `book`: which browsers want to be told.
//! - `told`: what is told, by the difference of two pictures.
//!
//! **Invariants:** a push service sees no word of a message. Only who may decide a question is told of it, as long as the
//! sign-in holds by which the browser subscribed. Nothing is sent to an address that is not a push service's.

mod book;
mod seal;
mod signature;
mod told;

use super::answer::{json_text, own_document, refused};
use super::gate::Visit;
use super::people::{Member, People, Role};
use super::routes::Panel;
use super::wishes::{Opened, done};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use book::{Book, Subscription};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use signature::Signer;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tmuxagent_alerts::channel::SendError;
use tmuxagent_alerts::http::{ProxyChoice, TIMEOUT, call, client};
use tmuxagent_alerts::web::WebState;
use tmuxagent_ipc::hub::Hub;
use tmuxagent_text::Lang;
use tokio_util::sync::CancellationToken;
use told::{Told, told};

/// How long a service keeps a message for a browser that is off, seconds.
const KEPT: u32 = 86_400;
/// The pauses before a message is sent again that a service did not take.
const AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// What a browser says of its subscription (`PushSubscription.toJSON`).
#[derive(Deserialize)]
pub(crate) struct Wish {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Which browser is not to be told any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaving {
    endpoint: String,
}

/// See the module.
pub struct Push {
    signer: Signer,
    book: Book,
    client: reqwest::Client,
    /// The origin of an address that messages may go to.
    origin: fn(&str) -> Option<String>,
    /// Those whose service refused the last message; each is told of once.
    refused: Mutex<BTreeSet<String>>,
}

impl Push {
    /// Opens the key and the list of browsers in that folder.
    ///
    /// # Errors
    /// When the key can't be read or made, or no client can be made.
    pub async fn open(folder: &Path, public_base_url: &str, proxy: &ProxyChoice) -> io::Result<Self> {
        Ok(Self {
            signer: Signer::open(&folder.join("push-key"), public_base_url).await?,
            book: Book::new(folder.join("push.json")),
            client: client(proxy, TIMEOUT).map_err(io::Error::other)?,
            origin: book::origin,
            refused: Mutex::default(),
        })
    }

    /// Tells browsers what happens, until `stop`.
    pub async fn run(self: Arc<Self>, web: Arc<WebState>, people: People, hub: Hub, stop: CancellationToken) {
        let mut snapshots = hub.snapshots.clone();
        let first = snapshots.wait_for(|snapshot| snapshot.generation > 0);
        let Some(Ok(first)) = stop.run_until_cancelled(first).await.map(|first| first.map(|it| Arc::clone(&it))) else {
            return;
        };
        let mut before = told::known(&first, hub.clock.now());
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            let news = told(&mut before, &snapshot);
            if !news.is_empty() && stop.run_until_cancelled(self.tell(&web, &people, &news)).await.is_none() {
                return;
            }
            if !matches!(stop.run_until_cancelled(snapshots.changed()).await, Some(Ok(()))) {
                return;
            }
        }
    }

    /// Tells all browsers that these concern, side by side; each gets them in their order.
    async fn tell(&self, web: &WebState, people: &People, news: &[Told]) {
        let (Ok(all), Ok(known)) = (self.book.list().await, people.list(web.now()).await) else { return };
        let each = all.iter().map(|to| {
            let role = known.get(&to.name).map(|person| person.role);
            async move {
                let Some((role, hash)) = role.zip(to.hash()) else { return self.forget(to).await };
                let member = Member { name: to.name.clone(), role, hash, until: web.now() };
                if !people.still(&member, web.now()).await.unwrap_or(true) {
                    return self.forget(to).await;
                }
                for told in news.iter().filter(|told| role >= Role::Decide && told.approval.is_for(&to.name)) {
                    self.send(web, to, told).await;
                }
            }
        });
        join_all(each).await;
    }

    async fn forget(&self, gone: &Subscription) {
        // It is looked at again with the next message.
        let _ = self.book.remove(&gone.endpoint).await;
    }

    async fn send(&self, web: &WebState, to: &Subscription, told: &Told) {
        let text = told.text(to.language(), &web.zone(), web.redactor());
        let (Some(origin), Some((key, secret))) = ((self.origin)(&to.endpoint), to.keys()) else { return };
        let body = seal::seal(text.as_bytes(), &key, &secret);
        let (Some(body), Some(sender)) = (body, self.signer.header(&origin, web.now())) else { return };
        // A later message about the same question takes the place of one that still waits.
        let topic = URL_SAFE_NO_PAD.encode(Sha256::digest(told.approval.id.to_string()));
        let mut pauses = AGAIN.iter();
        let answer = loop {
            let request = self
                .client
                .post(&to.endpoint)
                .header("content-encoding", "aes128gcm")
                .header("content-type", "application/octet-stream")
                .header("ttl", KEPT)
                .header("urgency", if told.is_question() { "high" } else { "normal" })
                .header("topic", &topic[..32])
                .header("authorization", &sender)
                .body(body.clone());
            let answer = call(request, Lang::En).await;
            let again = match &answer {
                Ok(answer) => answer.status == 429 || answer.status >= 500,
                Err(error) => matches!(error, SendError::Retry { .. }),
            };
            match pauses.next().filter(|_| again) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => break answer,
            }
        };
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.refused().remove(&to.endpoint);
            }
            // The browser has withdrawn it (RFC 8030, section 7.3).
            Ok(answer) if matches!(answer.status, 404 | 410) => self.forget(to).await,
            Ok(answer) => self.report(web, to, &answer.sentence()),
            Err(error) => self.report(web, to, &error.to_string()),
        }
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, web: &WebState, to: &Subscription, why: &str) {
        if self.refused().insert(to.endpoint.clone()) {
            web.decisions().report(format!("a browser of {} can't be told: {why}", to.name));
        }
    }
}

fn off(lang: Lang) -> Response {
    let (en, zh) = ("Browsers can't be told now: see the journal.", "现在无法通知浏览器，请查看日志。");
    refused(StatusCode::SERVICE_UNAVAILABLE, lang, en, zh)
}

/// The key that a browser subscribes with.
pub(crate) async fn key(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let Visit { caller, .. } = panel.enter(request.headers(), request.extensions()).await?;
    caller.keep();
    let push = panel.push.as_ref().ok_or_else(|| off(caller.lang))?;
    Ok(json_text(StatusCode::OK, own_document(json!({ "key": push.signer.public() }))))
}

/// A browser wants to be told.
pub(crate) async fn subscribe(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Wish>(Role::Decide, request).await?;
    let lang = visit.caller.lang;
    let push = panel.push.as_ref().ok_or_else(|| off(lang))?;
    let known = (push.origin)(&body.endpoint);
    let fits = known.and_then(|_| Subscription::of(&body, &visit.member, lang, panel.web.now()));
    let subscription = fits.ok_or_else(|| {
        let (en, zh) = ("This is no subscription at a known push service.", "这不是已知推送服务的订阅。");
        refused(StatusCode::UNPROCESSABLE_ENTITY, lang, en, zh)
    })?;
    push.book.add(subscription).await.map_err(|error| unkept(&panel, &visit, &error))?;
    Ok(done(lang.pick("This browser is told of questions.", "此浏览器会收到提问通知。")))
}

/// A browser wants to be told nothing more.
pub(crate) async fn leave(State(panel): State<Arc<Panel>>, request: Request) -> Result<Response, Response> {
    let Opened { visit, body } = panel.open::<Leaving>(Role::View, request).await?;
    let lang = visit.caller.lang;
    let push = panel.push.as_ref().ok_or_else(|| off(lang))?;
    push.book.remove(&body.endpoint).await.map_err(|error| unkept(&panel, &visit, &error))?;
    Ok(done(lang.pick("This browser is told nothing more.", "此浏览器不再收到通知。")))
}

fn unkept(panel: &Panel, visit: &Visit, error: &io::Error) -> Response {
    panel.web.tell(visit.caller.address, || format!("the list of browsers can't be written: {error}"));
    let (en, zh) = ("Nothing was done; try again later.", "未执行任何操作，请稍后再试。");
    refused(StatusCode::SERVICE_UNAVAILABLE, visit.caller.lang, en, zh)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One whose messages may go to this machine alone.
    pub(crate) async fn local(folder: &Path) -> Push {
        fn loopback(endpoint: &str) -> Option<String> {
            let (host, _) = endpoint.strip_prefix("http://")?.split_once('/')?;
            host.starts_with("127.0.0.1:").then(|| format!("http://{host}"))
        }
        let push = Push::open(folder, "https://phone.example", &ProxyChoice::Direct).await.unwrap();
        Push { origin: loopback, ..push }
    }
}
