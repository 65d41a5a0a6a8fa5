//! Requests in, pages out. What may decide is only: POST, from the page itself, with the page's nonce, within the limits.

use super::book::LinkBook;
use super::limit::{FORGERY, Limits};
use super::page::{self, Choice, Question};
use crate::decide::{Decide, Refusal, Unsettled};
use crate::token::{Genuine, Keyring, TokenError, admit, authenticate};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use subtle::ConstantTimeEq;
use tmuxagent_config::Secret;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{Approval, Decider, Timestamp, Verdict, Via};
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;

/// The cookie that ties a form to the browser that was shown it.
const COOKIE: &str = "tmuxagent_page";

/// What the pages need.
pub struct WebState {
    ring: Keyring,
    book: Arc<dyn LinkBook>,
    desk: Arc<dyn Decide>,
    pin: Option<Secret>,
    /// The origin that phones see, `https://host[:port]`.
    public_origin: String,
    redactor: Redactor,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    limits: Mutex<Limits>,
}

impl WebState {
    /// The state of a server whose links begin with `public_base_url`. Nothing else than `desk` decides.
    #[must_use]
    pub fn new(
        links: &super::Links,
        desk: Arc<dyn Decide>,
        pin: Option<Secret>,
        redactor: Redactor,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            ring: links.ring.clone(),
            book: Arc::clone(&links.book),
            desk,
            pin,
            public_origin: origin(&links.public_base_url),
            redactor,
            clock,
            limits: Mutex::default(),
        }
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        // A poisoned lock still holds counts that are good enough.
        self.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn charge(&self, address: IpAddr, cost: u32) -> bool {
        self.limits().charge(address, cost, (self.clock)())
    }

    /// The nonce of a form: proves that the browser with that cookie was shown the page of that link.
    fn nonce(&self, cookie: &str, token: &Genuine) -> String {
        let key = Sha256::new().chain_update(b"tmuxagent page\0").chain_update(self.ring.current.bytes()).finalize();
        let digest =
            Sha256::new().chain_update(key).chain_update(token.id_hash).chain_update(cookie.as_bytes()).finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// The approval of a link that may decide it now, or the reason why not with the approval where there is one.
    async fn look_up(&self, text: &str) -> Result<(Genuine, Approval), (TokenError, Option<Box<Approval>>)> {
        let token = authenticate(&self.ring, text).map_err(|error| (error, None))?;
        // A book that can't be read knows no link.
        let record = self.book.find(token.id_hash).await.ok().flatten();
        let approval = self.desk.approval(&token.claims.approval).await;
        match (admit(&token, record.as_ref(), approval.as_ref(), (self.clock)()), approval) {
            (Ok(()), Some(approval)) => Ok((token, approval)),
            (Ok(()), None) => Err((TokenError::Foreign, None)),
            (Err(error), approval) => Err((error, approval.map(Box::new))),
        }
    }
}

/// The routes. Serve it so that requests carry [`ConnectInfo`]; without it all count as one address.
pub fn router(state: Arc<WebState>) -> Router {
    Router::new()
        .route("/healthz", get(async || ([(header::CONTENT_TYPE, "application/json")], r#"{"ok":true}"#)))
        .route("/a/{token}", get(show).post(decide))
        .route("/a/{token}/{choice}", get(show_choice).post(decide_choice))
        .fallback(async || (StatusCode::NOT_FOUND, "not found"))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(axum::middleware::map_response(async |mut response: Response| {
            secure_headers(response.headers_mut());
            response
        }))
        .with_state(state)
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
    show_page(&state, &token, Choice::None, &Caller::of(request.headers(), request.extensions())).await
}

async fn show_choice(
    State(state): State<Arc<WebState>>,
    Path((token, choice)): Path<(String, String)>,
    request: Request,
) -> Response {
    let caller = Caller::of(request.headers(), request.extensions());
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
    if !state.charge(caller.address, 1) {
        return too_many(caller.lang);
    }
    match state.look_up(text).await {
        Ok((token, approval)) => question(state, caller, &token, &approval, text, choice, None),
        Err((error, approval)) => reject_link(state, caller, error, approval.as_deref()),
    }
}

/// The page of the question, with its cookie and nonce.
fn question(
    state: &WebState,
    caller: &Caller,
    token: &Genuine,
    approval: &Approval,
    text: &str,
    choice: Choice,
    warning: Option<&str>,
) -> Response {
    let Some(cookie) = caller.cookie.clone().or_else(random_cookie) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no randomness").into_response();
    };
    let html = Question {
        approval,
        lang: caller.lang,
        choice,
        // A base64url text needs no escaping in a path.
        action: &format!("/a/{text}"),
        nonce: &state.nonce(&cookie, token),
        asks_pin: state.pin.is_some(),
        warning,
        redactor: &state.redactor,
    }
    .html();
    let secure = if state.public_origin.starts_with("https:") { "; Secure" } else { "" };
    let set = format!("{COOKIE}={cookie}; Path=/a/; Max-Age=86400; HttpOnly; SameSite=Strict{secure}");
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
        TokenError::Forged => {
            state.charge(caller.address, FORGERY);
            StatusCode::FORBIDDEN
        }
        TokenError::Foreign => StatusCode::NOT_FOUND,
        TokenError::Expired | TokenError::Used | TokenError::Revoked => StatusCode::GONE,
    };
    let about = approval.map(|approval| format!(" for approval {}", approval.id)).unwrap_or_default();
    state.desk.report(format!("a link{about} was opened from {} and refused: {error}", caller.address));
    let decision = approval.and_then(|approval| approval.decision.clone());
    let decided = decision
        .filter(|_| error == TokenError::Used)
        .map(|decision| Refusal::Decided(Box::new(decision)).sentence(caller.lang));
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

/// What the form sends.
#[derive(serde::Deserialize)]
struct Form {
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    verdict: String,
    option: Option<usize>,
    #[serde(default)]
    pin: String,
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
    let caller = Caller::of(request.headers(), request.extensions());
    let lang = caller.lang;
    if !state.charge(caller.address, 1) {
        return too_many(lang);
    }
    let same_origin = is_same_origin(request.headers(), &state.public_origin);
    let form = axum::Form::<Form>::from_request(request, &()).await.ok().map(|axum::Form(form)| form);
    let (token, approval) = match state.look_up(text).await {
        Ok(found) => found,
        Err((error, approval)) => return reject_link(state, &caller, error, approval.as_deref()),
    };
    let Some(form) = form else {
        return bad_form(lang);
    };
    let nonce_holds = caller
        .cookie
        .as_deref()
        .is_some_and(|cookie| state.nonce(cookie, &token).as_bytes().ct_eq(form.nonce.as_bytes()).into());
    if !(same_origin && nonce_holds) {
        state.desk.report(format!(
            "a decision of approval {} from {} was refused: it did not come from the page",
            approval.id, caller.address
        ));
        let warning = lang.pick("Please press the button once more.", "请再按一次按钮。");
        return question(state, &caller, &token, &approval, text, Choice::None, Some(warning));
    }
    let approve = match form.verdict.as_str() {
        "approve" => true,
        "reject" => false,
        _ => return bad_form(lang),
    };
    if let Some(refused) = check_pin(state, &caller, &token, &approval, text, &form.pin).await {
        return refused;
    }
    let answer = form.option.filter(|_| approve).and_then(|index| approval.options.get(index).cloned());
    let by = Decider { who: caller.address.to_string(), via: Via::Link };
    let verdict = Verdict { approve, answer };
    let settled = match state.desk.decide(&approval.id, token.claims.revision, verdict, by).await {
        Ok(settled) => settled,
        Err(unsettled) => return unsure(lang, &unsettled),
    };
    // The approval's own state keeps the link from being used again, also where the book can't be written.
    if let Err(error) = state.book.spend(token.id_hash, &settled).await {
        state.desk.report(format!("the book of links can't be written: {error}"));
    }
    failpoints::at("decision.consumed");
    match settled.end() {
        Ok(()) => axum::response::Html(page::decided(lang, approve, &state.redactor.redact(&approval.question)))
            .into_response(),
        Err(refusal) => {
            let status = match refusal {
                Refusal::Decided(_) | Refusal::Closed | Refusal::Stale => StatusCode::GONE,
                Refusal::Unknown => StatusCode::NOT_FOUND,
                Refusal::Other(_) => StatusCode::SERVICE_UNAVAILABLE,
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

fn bad_form(lang: Lang) -> Response {
    let sentence = lang.pick("The form was not complete. Open the link again.", "表单不完整，请重新打开链接。");
    (StatusCode::BAD_REQUEST, axum::response::Html(page::refused(lang, sentence))).into_response()
}

/// The answer to a wrong PIN; `None` when it is right or none is asked for.
async fn check_pin(
    state: &WebState,
    caller: &Caller,
    token: &Genuine,
    approval: &Approval,
    text: &str,
    given: &str,
) -> Option<Response> {
    let pin = state.pin.as_ref()?;
    let allowed = state.limits().pin_allowed(token.id_hash);
    if allowed && *pin == Secret::new(given) {
        return None;
    }
    let left = if allowed { state.limits().wrong_pin(token.id_hash) } else { 0 };
    if left > 0 {
        let warning = caller.lang.pick("Wrong PIN.", "PIN 错误。");
        return Some(question(state, caller, token, approval, text, Choice::None, Some(warning)));
    }
    if let Err(error) = state.book.take_back(token.id_hash).await {
        state.desk.report(format!("the book of links can't be written: {error}"));
    }
    state.desk.report(format!("a link for approval {} was taken back after too many wrong PINs", approval.id));
    Some(refuse(caller.lang, TokenError::Revoked, StatusCode::GONE, None))
}

/// Who asks.
struct Caller {
    address: IpAddr,
    lang: Lang,
    cookie: Option<String>,
}

impl Caller {
    fn of(headers: &HeaderMap, extensions: &axum::http::Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        // Behind a tunnel or proxy on this machine every peer is the loopback; what that proxy itself added is last.
        let forwarded = headers
            .get("x-forwarded-for")
            .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
            .filter(|_| peer.to_canonical().is_loopback());
        let cookie = text(header::COOKIE)
            .unwrap_or_default()
            .split(';')
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
            .filter(|value| value.len() == 22 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
            .map(str::to_owned);
        Self {
            address: forwarded.unwrap_or(peer).to_canonical(),
            lang: Lang::from_header(text(header::ACCEPT_LANGUAGE).unwrap_or_default()),
            cookie,
        }
    }
}

/// Whether a browser says that the request comes from a page of this server.
///
/// Under `no-referrer` a form's `Origin` is `null` (Fetch standard, "append a request Origin header"), so that
/// `Sec-Fetch-Site` counts where the browser sends it; older ones rest on the nonce and its `SameSite=Strict` cookie.
fn is_same_origin(headers: &HeaderMap, public_origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text("origin").filter(|origin| *origin != "null");
    let host = text("host").unwrap_or_default();
    let ours = |from: &str| {
        from == public_origin
            || from.split_once("://").is_some_and(|(_, authority)| !host.is_empty() && authority == host)
    };
    match (text("sec-fetch-site"), named) {
        (Some("same-origin"), named) => named.is_none_or(ours),
        (Some(_), _) => false,
        (None, Some(from)) => ours(from),
        (None, None) => text("origin") == Some("null"),
    }
}

/// `scheme://authority` of an address.
fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{}://{}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase())
}
