//! Requests in, pages out. What may decide is only: POST, from the page itself, with the page's nonce, or from no browser;
//! within the limits.

use super::caller::{self, COOKIE, Caller, Sender};
use super::form::{Form, Mistake};
use super::page::{self, Choice, Question};
use super::stands::{Just, Stands, TAKE_BACK};
use super::state::{BODY, Pin, WebState};
use crate::decide::{Refusal, Unsettled};
use crate::token::{Genuine, Recipient, TokenError, admit, authenticate, takes_back};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tmuxagent_failpoints as failpoints;
use tmuxagent_model::{Approval, ApprovalState, Decider, Verdict, Via};
use tmuxagent_text::{Lang, message};

/// A link and what it asks about.
struct Link {
    token: Genuine,
    approval: Approval,
    to: Recipient,
    /// Whether it may take the yes to that back now.
    takes_back: bool,
}

impl WebState {
    /// A link that may decide now, or the reason why it may not, with the link where there is such an approval.
    async fn look_up(&self, token: Genuine) -> Result<Link, (TokenError, Option<Box<Link>>)> {
        // A book that can't be read knows no link.
        let record = self.book.find(token.id_hash).await.ok().flatten();
        let Some(approval) = self.decisions.approval(&token.claims.approval).await else {
            return Err((TokenError::Foreign, None));
        };
        let now = self.now();
        let admitted = admit(&token, record.as_ref(), Some(&approval), now);
        let takes_back = takes_back(&token, record.as_ref(), &approval, now);
        let link = Link { token, approval, to: record.map(|r| r.to).unwrap_or_default(), takes_back };
        match admitted {
            Ok(()) => Ok(link),
            Err(error) => Err((error, Some(Box::new(link)))),
        }
    }
}

/// The routes, with those of `beside` below the same names, limits and headers. Serve it so that requests carry
/// [`axum::extract::ConnectInfo`]; without it all count as one address.
pub fn router(state: Arc<WebState>, beside: Router) -> Router {
    let base = state.public_path.clone();
    let own = pages().with_state(Arc::clone(&state)).merge(beside);
    // Signs that mean something in a route are left alone.
    let plain = base.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%".contains(&b));
    let router = match base.as_str() {
        "" => own,
        _ if !plain => own,
        // A proxy may take the path off or leave it.
        base => own.clone().nest(base, own),
    };
    router
        .fallback(move |uri: axum::http::Uri| async move { elsewhere(&base, uri.path()) })
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), own_names_only))
        .layer(axum::middleware::map_response(async |mut response: Response| {
            secure_headers(response.headers_mut());
            response
        }))
}

/// Who opens the bare address means the panel; nothing else is here.
fn elsewhere(base: &str, path: &str) -> Response {
    match path.strip_prefix(base).unwrap_or(path) {
        "" | "/" => (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{base}/panel/"))]).into_response(),
        _ => (StatusCode::NOT_FOUND, "not found").into_response(),
    }
}

/// Refuses requests for a name that is not ours: a page of a stranger's domain, whose name he lets point here, is no page
/// of this server (DNS rebinding).
async fn own_names_only(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    // Of two names one may be checked and the other one meant; a name in the request's own line goes before both (RFC 9112, 3.2.2).
    let headers = request.headers().get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let mut named = headers.chain(request.uri().authority().map(|authority| authority.as_str()));
    // Who only asks whether it lives is told so under any name.
    if request.uri().path().ends_with("/healthz") || named.all(|host| caller::is_own_name(host, &state.public_origin)) {
        return next.run(request).await;
    }
    let lang = state.caller(request.headers(), request.extensions()).lang;
    let sentence = lang.pick("This server is known by another name.", "此服务器不使用这个名称。");
    (StatusCode::MISDIRECTED_REQUEST, axum::response::Html(page::refused(lang, sentence))).into_response()
}

fn pages() -> Router<Arc<WebState>> {
    let health = async || ([(header::CONTENT_TYPE, "application/json")], r#"{"ok":true}"#);
    Router::new()
        .route("/healthz", get(health))
        .route("/a/{token}", get(show).post(decide))
        .route("/a/{token}/{choice}", get(show_choice).post(decide_choice))
}

/// Headers of every answer. A page that brings its own rule for its contents keeps it.
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
        headers.entry("content-security-policy").or_insert(policy);
    }
}

async fn show(State(state): State<Arc<WebState>>, Path(token): Path<String>, request: Request) -> Response {
    show_page(&state, &token, Choice::None, &state.caller(request.headers(), request.extensions())).await
}

async fn show_choice(
    State(state): State<Arc<WebState>>,
    Path((token, choice)): Path<(String, String)>,
    request: Request,
) -> Response {
    let caller = state.caller(request.headers(), request.extensions());
    match choice_of(&choice) {
        Some(choice) => show_page(&state, &token, choice, &caller).await,
        None => refuse(caller.lang, TokenError::Forged, StatusCode::NOT_FOUND),
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
        Err(error) => return reject_link(state, caller, error, None, Just::Opened),
    };
    caller.keep();
    match state.look_up(token).await {
        Ok(link) => question(state, caller, &link, choice, None),
        Err((error, link)) => reject_link(state, caller, error, link.as_deref(), Just::Opened),
    }
}

/// The page of a question as it stands, with a sentence about what was sent and decides nothing.
fn again(state: &WebState, caller: &Caller, link: &Link, warning: &str) -> Response {
    match link.approval.state {
        ApprovalState::Pending => question(state, caller, link, Choice::None, Some(warning)),
        _ => stands(state, caller, link, Just::Refused(warning), StatusCode::FORBIDDEN),
    }
}

/// The page of a question that is closed, with a form where its yes can be taken back.
fn stands(state: &WebState, caller: &Caller, link: &Link, just: Just<'_>, status: StatusCode) -> Response {
    let by = decider(&link.to, caller.address, state.rules.lang);
    let offered = link.takes_back && link.approval.is_for_decider(&by);
    let cookie = offered.then(|| caller.cookie.clone().or_else(random_cookie)).flatten();
    let nonce = cookie.as_deref().map(|cookie| state.nonce(cookie, &link.token.id_hash));
    let html = Stands {
        approval: &link.approval,
        lang: caller.lang,
        zone: &state.zone(),
        now: state.now(),
        just,
        nonce: nonce.as_deref(),
        asks_pin: state.asks_pin(),
        redactor: &state.redactor,
    }
    .html();
    let mut response = (status, axum::response::Html(html)).into_response();
    let set = cookie.and_then(|cookie| HeaderValue::from_str(&state.cookie(COOKIE, &cookie, 86_400)).ok());
    if let Some(set) = set {
        response.headers_mut().insert(header::SET_COOKIE, set);
    }
    response
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
        nonce: &state.nonce(&cookie, &link.token.id_hash),
        asks_pin: state.rules.pin.is_some(),
        by: &decider(&link.to, caller.address, state.rules.lang),
        warning,
        redactor: &state.redactor,
    }
    .html();
    // Without a path it goes back to where the browser saw this page (RFC 6265, section 5.1.4), whatever a proxy before
    // us makes of paths.
    let set = state.cookie(COOKIE, &cookie, 86_400);
    let status = if warning.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    (status, [(header::SET_COOKIE, set)], axum::response::Html(html)).into_response()
}

/// A fresh value of [`COOKIE`]; `None` where there is no randomness.
pub fn random_cookie() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The page for a link that is not accepted, and the journal's line about it. `just` is what came of it.
fn reject_link(state: &WebState, caller: &Caller, error: TokenError, link: Option<&Link>, just: Just<'_>) -> Response {
    let about = link.map(|link| format!(" for approval {}", link.approval.id)).unwrap_or_default();
    // Whoever comes back while the yes can be taken back is expected.
    if let (Some(link), Just::Opened) = (link.filter(|link| link.takes_back), just) {
        return stands(state, caller, link, just, StatusCode::OK);
    }
    let told = || format!("a link{about} was opened from {} and refused: {error}", caller.address);
    let status = match error {
        // Only this is counted: whoever has a genuine link shares his address with others, who must not lock him out.
        TokenError::Forged if !state.charge(caller.address, told) => return too_many(caller.lang),
        TokenError::Forged => StatusCode::FORBIDDEN,
        TokenError::Foreign => StatusCode::NOT_FOUND,
        TokenError::Expired | TokenError::Used | TokenError::Undecided | TokenError::Revoked | TokenError::Locked => {
            StatusCode::GONE
        }
    };
    if error != TokenError::Forged {
        state.tell(caller.address, told);
    }
    match link.filter(|link| error != TokenError::Foreign && link.approval.state != ApprovalState::Pending) {
        Some(link) => stands(state, caller, link, just, status),
        None => refuse(caller.lang, error, status),
    }
}

fn refuse(lang: Lang, error: TokenError, status: StatusCode) -> Response {
    (status, axum::response::Html(page::refused(lang, page::sentence(lang, error)))).into_response()
}

/// The page for who tried too much.
pub fn too_many(lang: Lang) -> Response {
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
    let caller = state.caller(request.headers(), request.extensions());
    let lang = caller.lang;
    // Before the body: who has no link has nothing to say.
    let token = match authenticate(&state.ring, text) {
        Ok(token) => token,
        Err(error) => return reject_link(state, &caller, error, None, Just::Opened),
    };
    let sender = state.sender(request.headers());
    let form = tokio::time::timeout(BODY, axum::Form::<Form>::from_request(request, &())).await;
    caller.keep();
    let takes_back = matches!(&form, Ok(Ok(axum::Form(form))) if form.verdict == TAKE_BACK);
    let link = match state.look_up(token).await {
        Ok(found) => found,
        Err((_, Some(link))) if takes_back && link.takes_back => *link,
        Err((error, link)) => {
            return reject_link(state, &caller, error, link.as_deref(), Just::Refused(late(lang, takes_back)));
        }
    };
    let (token, approval) = (&link.token, &link.approval);
    // Before anything that it has to say: what it takes is asked of those who may decide.
    let by = decider(&link.to, caller.address, state.rules.lang);
    if !approval.is_for_decider(&by) {
        state.tell(caller.address, || {
            let (id, address) = (&approval.id, caller.address);
            format!("a decision of approval {id} from {address} was refused: it is for others")
        });
        let mut page = match approval.state {
            // It begins with who may.
            ApprovalState::Pending => question(state, &caller, &link, Choice::None, None),
            _ => again(state, &caller, &link, &message(lang, &approval.not_for(&by.who))),
        };
        *page.status_mut() = StatusCode::FORBIDDEN;
        return page;
    }
    let form = match form {
        Ok(Ok(axum::Form(form))) => form,
        Ok(Err(_)) => return bad_form(lang, StatusCode::BAD_REQUEST),
        Err(_) => return bad_form(lang, StatusCode::REQUEST_TIMEOUT),
    };
    let nonce_holds = || {
        let expected = caller.cookie.as_deref().map(|cookie| state.nonce(cookie, &token.id_hash));
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
        return again(state, &caller, &link, lang.pick("Please press the button once more.", "请再按一次按钮。"));
    }
    let verdict = match approval.state {
        ApprovalState::Pending => form.verdict(approval, lang),
        _ => Ok(Verdict { approve: false, answer: None }),
    };
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(Mistake::Written(warning)) => return question(state, &caller, &link, Choice::None, Some(&warning)),
        Err(Mistake::Incomplete) => return bad_form(lang, StatusCode::BAD_REQUEST),
    };
    if let Some(refused) = check_pin(state, &caller, &link, &form.pin).await {
        return refused;
    }
    let settled = match state.decisions.decide(&approval.id, token.claims.revision, verdict.clone(), by).await {
        Ok(settled) => settled,
        Err(unsettled) => return unsure(lang, &unsettled),
    };
    // The approval's own state keeps the link from being used again, also where the book can't be written.
    if let Err(error) = state.book.spend(token.id_hash, &settled).await {
        state.tell(caller.address, || format!("the book of links can't be written: {error}"));
    }
    failpoints::at("decision.consumed");
    // How it stands now: who was first, and whether a yes can be taken back.
    let now = state.look_up(link.token.clone()).await.err().and_then(|(_, now)| now);
    let now = now.filter(|now| now.approval.state != ApprovalState::Pending);
    match settled.end() {
        Ok(()) => {
            let just = if takes_back { Just::TakenBack } else { Just::Decided(&verdict) };
            stands(state, &caller, now.as_deref().unwrap_or(&link), just, StatusCode::OK)
        }
        Err(refusal) => {
            let status = match refusal {
                Refusal::Decided(_) | Refusal::Closed | Refusal::Stale => StatusCode::GONE,
                Refusal::Unknown => StatusCode::NOT_FOUND,
                // As things stand: it is for somebody else.
                Refusal::Other(_) => StatusCode::CONFLICT,
            };
            match (refusal, now) {
                (Refusal::Decided(_) | Refusal::Closed, Some(now)) => {
                    stands(state, &caller, &now, Just::Refused(late(lang, takes_back)), status)
                }
                _ => (status, axum::response::Html(page::refused(lang, &refusal.sentence(lang)))).into_response(),
            }
        }
    }
}

/// What is said to somebody who decides what is decided, or takes back what is done.
const fn late(lang: Lang, takes_back: bool) -> &'static str {
    if takes_back {
        return lang.pick("It can't be taken back any more.", "已不能撤回。");
    }
    lang.pick("What you sent came too late, and changed nothing.", "您的决定来得太迟，没有改变任何事。")
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

/// Who decides by a link: whose it is, where the configuration says that; else nobody vouches for any name.
fn decider(to: &Recipient, address: IpAddr, lang: Lang) -> Decider {
    if !to.person.is_empty() {
        return Decider::named(to.person.clone(), Via::Link);
    }
    // The loopback names nobody: it is a tunnel or a proxy that is not named.
    let known = Some(address).filter(|address| !address.is_loopback()).map(|address| address.to_string());
    let channel = Some(&to.channel).filter(|channel| !channel.is_empty());
    let channel = channel.map(|channel| lang.pick("sent to CHANNEL", "发往 CHANNEL").replace("CHANNEL", channel));
    let details: Vec<String> = channel.into_iter().chain(known).collect();
    let name = lang.pick("somebody with the link", "持有链接的人");
    let who = match details.as_slice() {
        [] => name.to_owned(),
        details => format!("{name} ({})", details.join(", ")),
    };
    Decider::called(who, Via::Link, Vec::new())
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
    match state.pin(token.id_hash, given) {
        Pin::Right => return None,
        Pin::Wrong => {
            let warning = caller.lang.pick("Wrong PIN.", "PIN 错误。");
            return Some(again(state, caller, link, warning));
        }
        Pin::Locked => {}
    }
    if let Err(error) = state.book.lock_up(token.id_hash).await {
        state.tell(caller.address, || format!("the book of links can't be written: {error}"));
    }
    let told = || format!("a link for approval {} was locked after too many wrong PINs", approval.id);
    state.tell(caller.address, told);
    Some(refuse(caller.lang, TokenError::Locked, StatusCode::GONE))
}
