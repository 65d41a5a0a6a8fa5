//! The page of an invitation. Opening it changes nothing, since chat programs fetch links: a press of its button signs in.

use super::gate;
use super::people::{Member, Role};
use super::routes::Panel;
use axum::extract::{Form, FromRequest as _, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tmuxagent_alerts::web::page::{document, refused, shown};
use tmuxagent_alerts::web::{BODY, COOKIE, Caller, Sender, random_cookie, too_many};
use tmuxagent_text::{Lang, local};

/// What the address of the page says.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    token: String,
}

/// What the page's form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed {
    token: String,
    #[serde(default)]
    nonce: String,
}

/// The page with its button.
pub(crate) async fn show(
    State(panel): State<Arc<Panel>>,
    Query(Asked { token }): Query<Asked>,
    request: Request,
) -> Response {
    let caller = panel.web.caller(request.headers(), request.extensions());
    match panel.people.invited(&token, panel.web.now()).await {
        Ok(Some(member)) => button(&panel, &caller, &token, &member, StatusCode::OK),
        Ok(None) => unknown(&panel, &caller),
        Err(error) => unreadable(&panel, &caller, &error),
    }
}

fn button(panel: &Panel, caller: &Caller, token: &str, member: &Member, status: StatusCode) -> Response {
    let Some(cookie) = caller.cookie.clone().or_else(random_cookie) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "no randomness").into_response();
    };
    let lang = caller.lang;
    let head = lang.pick("Sign in", "登录");
    let fact = |label: &str, value: &str| format!("<dt>{label}</dt><dd>{}</dd>", shown(value));
    let facts = [
        fact(lang.pick("Name", "姓名"), &member.name),
        fact(lang.pick("May", "权限"), role_words(lang, member.role)),
        fact(lang.pick("Invitation until", "邀请有效至"), &local(&panel.web.zone(), member.until)),
    ];
    let body = format!(
        "<h1>{head}</h1><dl>{}</dl><form method=\"post\" autocomplete=\"off\">\
         <input type=\"hidden\" name=\"nonce\" value=\"{}\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <div class=\"buttons\"><button type=\"submit\" class=\"approve\" id=\"join\">{}</button></div></form>\
         <p class=\"note\">{}</p>",
        facts.concat(),
        panel.web.nonce(&cookie, &member.hash),
        shown(token),
        lang.pick("Sign in on this device", "在此设备上登录"),
        lang.pick(
            "This link works once. What you decide is recorded under this name.",
            "此链接只能使用一次。您的决定会以此姓名记录。"
        ),
    );
    let set = panel.web.cookie(COOKIE, &cookie, 86_400);
    (status, [(header::SET_COOKIE, set)], Html(document(lang, head, &body))).into_response()
}

/// What a role may do, for people.
#[must_use]
pub(crate) const fn role_words(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::View => lang.pick("see everything", "查看"),
        Role::Decide => lang.pick("see everything and decide", "查看和审批"),
        Role::Admin => lang.pick(
            "see everything, decide, run stages again, and type into panes",
            "查看、审批、重跑阶段和在窗格中输入",
        ),
    }
}

/// The button was pressed.
pub(crate) async fn press(State(panel): State<Arc<Panel>>, request: Request) -> Response {
    let caller = panel.web.caller(request.headers(), request.extensions());
    let sender = panel.web.sender(request.headers());
    let form = tokio::time::timeout(BODY, Form::<Pressed>::from_request(request, &())).await;
    let Ok(Ok(Form(form))) = form else {
        let text = caller.lang.pick("The form was not complete. Open the link again.", "表单不完整，请重新打开链接。");
        return (StatusCode::BAD_REQUEST, Html(refused(caller.lang, text))).into_response();
    };
    let member = match panel.people.invited(&form.token, panel.web.now()).await {
        Ok(Some(member)) => member,
        Ok(None) => return unknown(&panel, &caller),
        Err(error) => return unreadable(&panel, &caller, &error),
    };
    let nonce_holds = || {
        let expected = caller.cookie.as_deref().map(|cookie| panel.web.nonce(cookie, &member.hash));
        expected.is_some_and(|nonce| nonce.as_bytes().ct_eq(form.nonce.as_bytes()).into())
    };
    let accepted = match sender {
        Sender::Page => nonce_holds(),
        // No browser sends it, so nobody was led to send it.
        Sender::NoBrowser => true,
        Sender::Elsewhere => false,
    };
    if !accepted {
        // Led here from elsewhere, a browser would be signed in as somebody else.
        return button(&panel, &caller, &form.token, &member, StatusCode::FORBIDDEN);
    }
    match panel.people.join(&form.token, panel.web.now()).await {
        Ok(Some((member, token))) => signed_in(&panel, &caller, &member, &token),
        Ok(None) => unknown(&panel, &caller),
        Err(error) => unreadable(&panel, &caller, &error),
    }
}

fn signed_in(panel: &Panel, caller: &Caller, member: &Member, token: &str) -> Response {
    let (name, address) = (&member.name, caller.address);
    panel.web.decisions().report(format!("{name} signed in to the panel from {address}"));
    let seconds = member.until.since(panel.web.now()).0 / 1000;
    let path = panel.web.public_path();
    // Of all that is served, whether or not a proxy takes its path off: the browser knows the page by the whole one.
    let whole = if path.is_empty() { "/" } else { path };
    let set = format!("{}; Path={whole}", panel.web.cookie(gate::COOKIE, token, seconds));
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, set), (header::LOCATION, format!("{path}/panel/"))]).into_response()
}

fn unknown(panel: &Panel, caller: &Caller) -> Response {
    let (lang, address) = (caller.lang, caller.address);
    if !panel.web.charge(address, || format!("an invitation that does not hold was opened from {address}")) {
        return too_many(lang);
    }
    let text = lang.pick(
        "This invitation was used, taken back, or is too old. Ask for a new one.",
        "此邀请已使用、已撤销或已过期，请索取新的邀请。",
    );
    (StatusCode::GONE, Html(refused(lang, text))).into_response()
}

fn unreadable(panel: &Panel, caller: &Caller, error: &std::io::Error) -> Response {
    panel.web.tell(caller.address, || format!("the panel's people can't be read: {error}"));
    let text = caller.lang.pick("Nobody can be let in now.", "现在无法登录。");
    (StatusCode::SERVICE_UNAVAILABLE, Html(refused(caller.lang, text))).into_response()
}
