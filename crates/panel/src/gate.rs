//! Who a request is of, and whether they may do what it asks.

use super::answer::refused;
use super::people::{Member, Role};
use super::routes::Panel;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tmuxagent_alerts::web::{Caller, Sender};

/// The cookie of a browser that is signed in.
pub(crate) const COOKIE: &str = "tmuxagent_panel";
/// What a page of ours sends back with each POST.
const CSRF: &str = "x-csrf-token";

/// By what a token came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// A browser sends it by itself, whoever led it to do so.
    Cookie,
    /// Whoever sends it has it.
    Header,
    /// A browser that was told name and token once sends them by itself, a script each time (RFC 7617).
    Basic,
}

/// The header by which a script shows its token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Somebody who came in.
pub(crate) struct Visit {
    /// Who.
    pub member: Member,
    /// From where, and in which language.
    pub caller: Caller,
    carrier: Carrier,
}

impl Panel {
    /// Lets somebody in who shows a token that holds.
    pub(crate) async fn enter(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Visit, Response> {
        let caller = self.web.caller(headers, extensions);
        let lang = caller.lang;
        let sign_in = || {
            let (en, zh) = ("Sign in by the link of an invitation.", "请用邀请链接登录。");
            refused(StatusCode::UNAUTHORIZED, lang, en, zh)
        };
        let Some((token, carrier)) = token(headers) else { return Err(sign_in()) };
        match self.people.member(&token, self.web.now()).await {
            Ok(Some(member)) => Ok(Visit { member, caller, carrier }),
            Ok(None) => {
                let address = caller.address;
                let told = || format!("somebody at {address} showed a token of the panel that does not hold");
                if self.web.charge(address, told) {
                    return Err(sign_in());
                }
                let (en, zh) = ("Too many requests. Try again in a minute.", "请求过于频繁，请一分钟后再试。");
                Err(refused(StatusCode::TOO_MANY_REQUESTS, lang, en, zh))
            }
            Err(error) => {
                self.web.tell(caller.address, || format!("the panel's people can't be read: {error}"));
                let (en, zh) = ("Nobody can be let in now.", "现在无法登录。");
                Err(refused(StatusCode::SERVICE_UNAVAILABLE, lang, en, zh))
            }
        }
    }

    /// Lets somebody in who may act as `role` and sends this by a page of ours, or from no browser.
    pub(crate) async fn enter_to_act(
        &self,
        role: Role,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Visit, Response> {
        let visit = self.enter(headers, extensions).await?;
        let lang = visit.caller.lang;
        let given = headers.get(CSRF).map(|value| value.as_bytes()).unwrap_or_default();
        let ours = || bool::from(self.csrf(&visit.member).as_bytes().ct_eq(given));
        let accepted = match (visit.carrier, self.web.sender(headers)) {
            (Carrier::Header, _) | (Carrier::Basic, Sender::NoBrowser) => true,
            (Carrier::Cookie | Carrier::Basic, Sender::Page) => ours(),
            (Carrier::Cookie, Sender::NoBrowser) | (Carrier::Cookie | Carrier::Basic, Sender::Elsewhere) => false,
        };
        if !accepted {
            let (name, address) = (visit.member.name.clone(), visit.caller.address);
            self.web.tell(address, || format!("a request of {name} from {address} did not come from the panel"));
            let (en, zh) = ("This did not come from the panel: open it anew.", "请求不是来自面板：请重新打开。");
            return Err(refused(StatusCode::FORBIDDEN, lang, en, zh));
        }
        if visit.member.role < role {
            let (en, zh) = ("Your role does not allow this.", "您的角色不允许此操作。");
            return Err(refused(StatusCode::FORBIDDEN, lang, en, zh));
        }
        if !self.pace().allows(&visit.member.name, self.web.now()) {
            let (en, zh) = ("Too many requests. Try again in a minute.", "请求过于频繁，请一分钟后再试。");
            return Err(refused(StatusCode::TOO_MANY_REQUESTS, lang, en, zh));
        }
        visit.caller.keep();
        Ok(visit)
    }

    /// What only a page that may read our answers knows.
    pub(crate) fn csrf(&self, member: &Member) -> String {
        self.web.nonce("panel", &member.hash)
    }
}

/// The token of a request: a script's in its header, or else a browser's in its cookie.
fn token(headers: &HeaderMap) -> Option<(String, Carrier)> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let sent = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    match sent {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            return Some((token.trim().to_owned(), Carrier::Header));
        }
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
            return Some((password(pair.trim())?, Carrier::Basic));
        }
        Some(_) | None => {}
    }
    let mut pairs = text(header::COOKIE).unwrap_or_default().split(';');
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    Some((token.to_owned(), Carrier::Cookie))
}

/// The token that stands for a password; whose it is it tells by itself.
fn password(pair: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(pair).ok()?).ok()?;
    text.split_once(':').map(|(_, token)| token.to_owned())
}

/// Asks a browser for name and token, for those who want that rather than an invitation, and leads it to the panel then.
pub(crate) async fn basic(State(panel): State<Arc<Panel>>, request: Request) -> Response {
    let known = panel.enter(request.headers(), request.extensions()).await;
    match known {
        Ok(_) => {
            let to = format!("{}/panel/", panel.web.public_path());
            (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
        }
        Err(mut refusal) => {
            if refusal.status() == StatusCode::UNAUTHORIZED {
                let ask = HeaderValue::from_static("Basic realm=\"tmuxagent\", charset=\"UTF-8\"");
                refusal.headers_mut().insert(header::WWW_AUTHENTICATE, ask);
            }
            refusal
        }
    }
}
