//! Requests in, pages out. What may decide is only: POST, from the page itself, with the page's nonce, or from no browser;
//! within the limits.

use super::book::LinkBook;
use super::caller::{self, COOKIE, Caller, Sender};
use super::form::{Form, Mistake};
use super::limit::Limits;
use super::page::{self, Choice, Question};
use super::refusals::Refusals;
use crate::decide::{Decide, Refusal, Unsettled};
use crate::token::{Genuine, Keyring, Recipient, TokenError, admit, authenticate};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tmuxagent_config::{Network, Secret};
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{Approval, Decider, Timestamp, Via};
use tmuxagent_text::redact::Redactor;
use tmuxagent_text::{Lang, question as question_words};

/// How long the body of a request may take to come.
const BODY: Duration = Duration::from_secs(10);

/// What the configuration says of the pages.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Asked for before a decision.
    pub pin: Option<Secret>,
    /// Whose word on who asks is believed.
    pub trusted_proxies: Vec<Network>,
    /// The language in which deciders without a name are recorded.
    pub lang: Lang,
}

/// What the pages need.
pub struct WebState {
    ring: Keyring,
    book: Arc<dyn LinkBook>,
    desk: Arc<dyn Decide>,
    rules: Rules,
    /// The origin that phones see, `https://host[:port]`.
    public_origin: String,
    /// The path that phones see before ours, without a slash at its end; mostly empty.
    public_path: String,
    redactor: Redactor,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// What addresses may try that is forged.
    limits: Mutex<Limits>,
    /// What of refused requests is told.
    refusals: Mutex<Refusals>,
}

impl WebState {
    /// The state of a server whose links begin with `public_base_url`. Nothing else than `desk` decides.
    #[must_use]
    pub fn new(
        links: &super::Links,
        desk: Arc<dyn Decide>,
        rules: Rules,
        redactor: Redactor,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            ring: links.ring.clone(),
            book: Arc::clone(&links.book),
            desk,
            rules,
            public_origin: caller::origin(&links.public_base_url),
            public_path: caller::path(&links.public_base_url),
            redactor,
            clock,
            limits: Mutex::default(),
            refusals: Mutex::default(),
        }
    }

    /// Whose word on who asks is believed.
    #[must_use]
    pub fn proxies(&self) -> &[Network] {
        &self.rules.trusted_proxies
    }

    fn caller(&self, request: &Request) -> Caller {
        Caller::of(request.headers(), request.extensions(), self.proxies())
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        // A poisoned lock still holds counts that are good enough.
        self.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts a forgery; false when there were too many of late.
    fn charge(&self, address: IpAddr) -> bool {
        self.limits().charge(address, (self.clock)())
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Tells the journal of a refused request, as far as there were not too many of late: each is answered, and counted.
    fn tell(&self, address: IpAddr, text: impl FnOnce() -> String) {
        self.tell_counted(false);
        if self.refusals().tells(address, (self.clock)()) {
            self.desk.report(text());
        }
    }

    /// Tells how many refused requests got no line of their own, where their hour is over or nothing comes any more.
    pub(crate) fn tell_counted(&self, last: bool) {
        let untold = self.refusals().ended((self.clock)(), last);
        if let Some(untold) = untold {
            let (count, (address, most)) = (untold.count, untold.most);
            self.desk.report(format!(
                "more requests to the web server were refused: {count}, of them from {address}: {most}"
            ));
        }
    }

    /// The zone in which times are told: that of this machine, since a page does not know the browser's.
    fn zone(&self) -> TimeZone {
        self.desk.zone()
    }

    /// The nonce of a form: proves that the browser with that cookie was shown the page of that link.
    fn nonce(&self, cookie: &str, token: &Genuine) -> String {
        let key = Sha256::new().chain_update(b"tmuxagent page\0").chain_update(self.ring.current.bytes()).finalize();
        let digest =
            Sha256::new().chain_update(key).chain_update(token.id_hash).chain_update(cookie.as_bytes()).finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// The approval of a link that may decide it now, or the reason why not with the approval where there is one.
    async fn look_up(&self, token: Genuine) -> Result<Link, (TokenError, Option<Box<Approval>>)> {
        // A book that can't be read knows no link.
        let record = self.book.find(token.id_hash).await.ok().flatten();
        let approval = self.desk.approval(&token.claims.approval).await;
        match (admit(&token, record.as_ref(), approval.as_ref(), (self.clock)()), approval) {
            (Ok(()), Some(approval)) => Ok(Link { token, approval, to: record.map(|r| r.to).unwrap_or_default() }),
            (Ok(()), None) => Err((TokenError::Foreign, None)),
            (Err(error), approval) => Err((error, approval.map(Box::new))),
        }
    }
}

/// A link that may decide now.
struct Link {
    token: Genuine,
    approval: Approval,
    to: Recipient,
}

/// The routes. Serve it so that requests carry [`axum::extract::ConnectInfo`]; without it all count as one address.
pub fn router(state: Arc<WebState>) -> Router {
    let base = state.public_path.clone();
    let mut router = pages("");
    // Signs that mean something in a route are left alone.
    if !base.is_empty() && base.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b)) {
        // A proxy may take the path off or leave it.
        router = router.merge(pages(&base));
    }
    router
        .fallback(async || (StatusCode::NOT_FOUND, "not found"))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), own_names_only))
        .layer(axum::middleware::map_response(async |mut response: Response| {
            secure_headers(response.headers_mut());
            response
        }))
        .with_state(state)
}

/// Refuses requests for a name that is not ours: a page of a stranger's domain, whose name he lets point here, is no page
/// of this server (DNS rebinding).
async fn own_names_only(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match named {
        // Who only asks whether it lives is told so under any name.
        Some(host)
            if !request.uri().path().ends_with("/healthz") && !caller::is_own_name(host, &state.public_origin) =>
        {
            let lang = state.caller(&request).lang;
            let sentence = lang.pick("This server is known by another name.", "此服务器不使用这个名称。");
            (StatusCode::MISDIRECTED_REQUEST, axum::response::Html(page::refused(lang, sentence))).into_response()
        }
        Some(_) | None => next.run(request).await,
    }
}

/// The routes below a path.
fn pages(base: &str) -> Router<Arc<WebState>> {
    let health = async || ([(header::CONTENT_TYPE, "application/json")], r#"{"ok":true}"#);
    Router::new()
        .route(&format!("{base}/healthz"), get(health))
        .route(&format!("{base}/a/{{token}}"), get(show).post(decide))
        .route(&format!("{base}/a/{{token}}/{{choice}}"), get(show_choice).post(decide_choice))
}

/// Headers of every answer.
fn secure_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let style = STANDARD.encode(Sha256::digest(page::STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert("content-security-policy", policy);
    }
}

async fn show(State(state): State<Arc<WebState>>, Path(token): Path<String>, request: Request) -> Response {
    show_page(&state, &token, Choice::None, &state.caller(&request)).await
}

async fn show_choice(
    State(state): State<Arc<WebState>>,
    Path((token, choice)): Path<(String, String)>,
    request: Request,
) -> Response {
    let caller = state.caller(&request);
    match choice_of(&choice) {
        Some(choice) => show_page(&state, &token, choice, &caller).await,
        None => refuse(caller.lang, TokenError::Forged, StatusCode::NOT_FOUND, None),
    }
}

fn choice_of(word: &str) -> Option<Choice> {
    match word {
        "approve" => Some(Choice::Approve),
        "reject" => Some(Choice::Reject),
        _ => None,
    }
}

async fn show_page(state: &WebState, text: &str, choice: Choice, caller: &Caller) -> Response {
    let token = match authenticate(&state.ring, text) {
        Ok(token) => token,
        Err(error) => return reject_link(state, caller, error, None),
    };
    caller.keep();
    match state.look_up(token).await {
        Ok(link) => question(state, caller, &link, choice, None),
        Err((error, approval)) => reject_link(state, caller, error, approval.as_deref()),
    }
}

/// The page of the question, with its cookie and nonce.
fn question(state: &WebState, caller: &Caller, link: &Link, choice: Choice, warning: Option<&str>) -> Response {
    let Some(cookie) = caller.cookie.clone().or_else(random_cookie) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no randomness").into_response();
    };
    let html = Question {
        approval: &link.approval,
        lang: caller.lang,
        zone: &state.zone(),
        choice,
        nonce: &state.nonce(&cookie, &link.token),
        asks_pin: state.rules.pin.is_some(),
        who: &who(&link.to, caller.address, state.rules.lang),
        warning,
        redactor: &state.redactor,
    }
    .html();
    let secure = if state.public_origin.starts_with("https:") { "; Secure" } else { "" };
    // Without a path it goes back to where the browser saw this page (RFC 6265, section 5.1.4), whatever a proxy before
    // us makes of paths.
    let set = format!("{COOKIE}={cookie}; Max-Age=86400; HttpOnly; SameSite=Strict{secure}");
    let status = if warning.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    (status, [(header::SET_COOKIE, set)], axum::response::Html(html)).into_response()
}

fn random_cookie() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The page for a link that is not accepted, and the journal's line about it.
fn reject_link(state: &WebState, caller: &Caller, error: TokenError, approval: Option<&Approval>) -> Response {
    let status = match error {
        // Only this is counted: whoever has a genuine link shares his address with others, who must not lock him out.
        TokenError::Forged if !state.charge(caller.address) => {
            state.tell_counted(false);
            state.refusals().count(caller.address, (state.clock)());
            return too_many(caller.lang);
        }
        TokenError::Forged => StatusCode::FORBIDDEN,
        TokenError::Foreign => StatusCode::NOT_FOUND,
        TokenError::Expired | TokenError::Used | TokenError::Undecided | TokenError::Revoked | TokenError::Locked => {
            StatusCode::GONE
        }
    };
    let about = approval.map(|approval| format!(" for approval {}", approval.id)).unwrap_or_default();
    state.tell(caller.address, || format!("a link{about} was opened from {} and refused: {error}", caller.address));
    let decision = approval.and_then(|approval| approval.decision.clone());
    let decided = decision
        .filter(|_| error == TokenError::Used)
        .map(|decision| Refusal::decided(decision, state.zone()).sentence(caller.lang));
    refuse(caller.lang, error, status, decided.as_deref())
}

fn refuse(lang: Lang, error: TokenError, status: StatusCode, sentence: Option<&str>) -> Response {
    let sentence = sentence.unwrap_or_else(|| page::sentence(lang, error));
    (status, axum::response::Html(page::refused(lang, sentence))).into_response()
}

fn too_many(lang: Lang) -> Response {
    let sentence = lang.pick("Too many requests. Try again in a minute.", "请求过于频繁，请一分钟后再试。");
    let page = axum::response::Html(page::refused(lang, sentence));
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")], page).into_response()
}

async fn decide(State(state): State<Arc<WebState>>, Path(token): Path<String>, request: Request) -> Response {
    submit(&state, &token, request).await
}

async fn decide_choice(
    State(state): State<Arc<WebState>>,
    Path((token, _choice)): Path<(String, String)>,
    request: Request,
) -> Response {
    submit(&state, &token, request).await
}

async fn submit(state: &WebState, text: &str, request: Request) -> Response {
    let caller = state.caller(&request);
    let lang = caller.lang;
    // Before the body: who has no link has nothing to say.
    let token = match authenticate(&state.ring, text) {
        Ok(token) => token,
        Err(error) => return reject_link(state, &caller, error, None),
    };
    let sender = Sender::of(request.headers(), &state.public_origin);
    let form = tokio::time::timeout(BODY, axum::Form::<Form>::from_request(request, &())).await;
    caller.keep();
    let link = match state.look_up(token).await {
        Ok(found) => found,
        Err((error, approval)) => return reject_link(state, &caller, error, approval.as_deref()),
    };
    let (token, approval) = (&link.token, &link.approval);
    let form = match form {
        Ok(Ok(axum::Form(form))) => form,
        Ok(Err(_)) => return bad_form(lang, StatusCode::BAD_REQUEST),
        Err(_) => return bad_form(lang, StatusCode::REQUEST_TIMEOUT),
    };
    let nonce_holds = || {
        let expected = caller.cookie.as_deref().map(|cookie| state.nonce(cookie, token));
        expected.is_some_and(|nonce| nonce.as_bytes().ct_eq(form.nonce.as_bytes()).into())
    };
    let accepted = match sender {
        Sender::Page => nonce_holds(),
        // No browser sends it, so nobody was led to send it: the link itself is the right to decide.
        Sender::NoBrowser => true,
        Sender::Elsewhere => false,
    };
    if !accepted {
        state.tell(caller.address, || {
            let (id, address) = (&approval.id, caller.address);
            format!("a decision of approval {id} from {address} was refused: it did not come from the page")
        });
        let warning = lang.pick("Please press the button once more.", "请再按一次按钮。");
        return question(state, &caller, &link, Choice::None, Some(warning));
    }
    let verdict = match form.verdict(approval, lang) {
        Ok(verdict) => verdict,
        Err(Mistake::Written(warning)) => return question(state, &caller, &link, Choice::None, Some(&warning)),
        Err(Mistake::Incomplete) => return bad_form(lang, StatusCode::BAD_REQUEST),
    };
    if let Some(refused) = check_pin(state, &caller, &link, &form.pin).await {
        return refused;
    }
    let by = Decider { who: who(&link.to, caller.address, state.rules.lang), via: Via::Link };
    let mut told = verdict.clone();
    // The word of a yes is no answer.
    told.answer = told.answer.filter(|_| approval.confirm.is_none());
    let settled = match state.desk.decide(&approval.id, token.claims.revision, verdict, by).await {
        Ok(settled) => settled,
        Err(unsettled) => return unsure(lang, &unsettled),
    };
    // The approval's own state keeps the link from being used again, also where the book can't be written.
    if let Err(error) = state.book.spend(token.id_hash, &settled).await {
        state.tell(caller.address, || format!("the book of links can't be written: {error}"));
    }
    failpoints::at("decision.consumed");
    match settled.end() {
        Ok(()) => {
            told.answer = told.answer.map(|answer| state.redactor.redact(&answer));
            let question = state.redactor.redact(&question_words(lang, approval));
            axum::response::Html(page::decided(lang, &told, &question)).into_response()
        }
        Err(refusal) => {
            let status = match refusal {
                Refusal::Decided(_) | Refusal::Closed | Refusal::Stale => StatusCode::GONE,
                Refusal::Unknown => StatusCode::NOT_FOUND,
                // As things stand: it is for somebody else.
                Refusal::Other(_) => StatusCode::CONFLICT,
            };
            (status, axum::response::Html(page::refused(lang, &refusal.sentence(lang)))).into_response()
        }
    }
}

/// The link is as good as before; opening it again tells what became of it.
fn unsure(lang: Lang, unsettled: &Unsettled) -> Response {
    let sentence = unsettled.sentence(lang);
    let page = match unsettled {
        Unsettled::NotTaken => page::refused(lang, &sentence),
        Unsettled::Doubtful(_) => page::uncertain(lang, &sentence),
    };
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], axum::response::Html(page)).into_response()
}

/// The name that a decision by link is recorded with: whose the link is, where that is known.
fn who(to: &Recipient, address: IpAddr, lang: Lang) -> String {
    if !to.person.is_empty() {
        return to.person.clone();
    }
    // The loopback names nobody: it is a tunnel or a proxy that is not named.
    let known = Some(address).filter(|address| !address.is_loopback()).map(|address| address.to_string());
    let channel = Some(&to.channel).filter(|channel| !channel.is_empty());
    let channel = channel.map(|channel| lang.pick("sent to CHANNEL", "发往 CHANNEL").replace("CHANNEL", channel));
    let details: Vec<String> = channel.into_iter().chain(known).collect();
    let name = lang.pick("somebody with the link", "持有链接的人");
    match details.as_slice() {
        [] => name.to_owned(),
        details => format!("{name} ({})", details.join(", ")),
    }
}

fn bad_form(lang: Lang, status: StatusCode) -> Response {
    let sentence = lang.pick(
        "The form was not complete. Its fields: verdict (approve or reject); option, the answer's number counted from 0, \
         where an approval has to name one; word, where a yes takes one, or the text that is answered; pin; nonce. Or open the \
         link again.",
        "表单不完整。字段：verdict（approve 或 reject）；option（从 0 数起的答案序号，批准须指明答案时必填）；word（同意须输入的词，或要回答的文本）；pin；nonce。\
         也可重新打开链接。",
    );
    (status, axum::response::Html(page::refused(lang, sentence))).into_response()
}

/// The answer to a wrong PIN; `None` when it is right or none is asked for.
async fn check_pin(state: &WebState, caller: &Caller, link: &Link, given: &str) -> Option<Response> {
    let Link { token, approval, .. } = link;
    let pin = state.rules.pin.as_ref()?;
    let allowed = state.limits().pin_allowed(token.id_hash);
    if allowed && *pin == Secret::new(given) {
        return None;
    }
    let left = if allowed { state.limits().wrong_pin(token.id_hash) } else { 0 };
    if left > 0 {
        let warning = caller.lang.pick("Wrong PIN.", "PIN 错误。");
        return Some(question(state, caller, link, Choice::None, Some(warning)));
    }
    if let Err(error) = state.book.lock_up(token.id_hash).await {
        state.tell(caller.address, || format!("the book of links can't be written: {error}"));
    }
    let told = || format!("a link for approval {} was locked after too many wrong PINs", approval.id);
    state.tell(caller.address, told);
    Some(refuse(caller.lang, TokenError::Locked, StatusCode::GONE, None))
}
