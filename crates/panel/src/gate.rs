//! Who a request is of, and whether they may do what it asks.

use super::answer::refused;
use super::people::{Member, Role};
use super::routes::Panel;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::Response;
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
        match self.people.member(token, self.web.now()).await {
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
            (Carrier::Header, _) => true,
            (Carrier::Cookie, Sender::Page) => ours(),
            (Carrier::Cookie, Sender::NoBrowser | Sender::Elsewhere) => false,
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
        visit.caller.keep();
        Ok(visit)
    }

    /// What only a page that may read our answers knows.
    pub(crate) fn csrf(&self, member: &Member) -> String {
        self.web.nonce("panel", &member.hash)
    }
}

/// The token of a request: a script's in its header, or else a browser's in its cookie.
fn token(headers: &HeaderMap) -> Option<(&str, Carrier)> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let sent = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    if let Some((_, token)) = sent.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        return Some((token.trim(), Carrier::Header));
    }
    let mut pairs = text(header::COOKIE).unwrap_or_default().split(';');
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    Some((token, Carrier::Cookie))
}
