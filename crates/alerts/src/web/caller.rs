//! Who asks: address, language, cookie, and whether a browser speaks for a page of ours.

use super::places::Seat;
use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, header};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tmuxagent_config::Network;
use tmuxagent_text::Lang;

/// The cookie that ties a form to the browser that was shown it.
pub const COOKIE: &str = "tmuxagent_page";

/// What a request tells of who sent it.
pub struct Caller {
    /// Where he is, as far as those between are trusted.
    pub address: IpAddr,
    /// What he reads.
    pub lang: Lang,
    /// What a page of ours gave his browser.
    pub cookie: Option<String>,
    /// His place among the connections.
    seat: Option<Seat>,
}

impl Caller {
    /// The caller of a request. Only what `proxies` say of others is believed.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions, proxies: &[Network]) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let cookie = text(header::COOKIE)
            .unwrap_or_default()
            .split(';')
            .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
            .filter(|value| value.len() == 22 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
            .map(str::to_owned);
        Self {
            address: address(headers, peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), proxies),
            lang: Lang::from_header(text(header::ACCEPT_LANGUAGE).unwrap_or_default()),
            cookie,
            seat: extensions.get::<Seat>().cloned(),
        }
    }

    /// He showed a genuine link or is signed in, and is not cut off while he is answered.
    pub fn keep(&self) {
        if let Some(seat) = &self.seat {
            seat.keep();
        }
    }
}

/// Whether an address is that of a named proxy.
#[must_use]
pub(crate) fn is_proxy(address: IpAddr, proxies: &[Network]) -> bool {
    proxies.iter().any(|network| network.holds(address))
}

/// The nearest address that is no named proxy. Each proxy adds its peer at the right end of `X-Forwarded-For`; what
/// stands left of an address that is not trusted is that one's own invention. `Forwarded` (RFC 7239) is not read: a proxy
/// that does not know it would pass a stranger's on.
fn address(headers: &HeaderMap, peer: IpAddr, proxies: &[Network]) -> IpAddr {
    let mut found = peer.to_canonical();
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    // Several lines are one list (RFC 9110, section 5.3).
    let words = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for word in words {
        if !is_proxy(found, proxies) {
            break;
        }
        // Who stands behind an unreadable word is not known: it counts for the proxy.
        let Some(next) = parse(word.trim()) else { break };
        found = next;
    }
    found
}

/// An address, possibly with a port as some proxies write it.
fn parse(word: &str) -> Option<IpAddr> {
    let plain = word.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let address = plain.or_else(|| word.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// What sent a form, as far as it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A browser, for a page of this server.
    Page,
    /// A program in a shell, such as `curl`.
    NoBrowser,
    /// A browser for somebody else's page, or one that does not say.
    Elsewhere,
}

impl Sender {
    /// Under `no-referrer` a form's `Origin` is `null` (Fetch standard, "append a request Origin header"), so that
    /// `Sec-Fetch-Site` counts where the browser sends it; older ones rest on the nonce and its `SameSite=Strict` cookie.
    ///
    /// A browser sends one of the two with each POST, also with one that another page leads it to. Where there is neither,
    /// nor our cookie, it is none.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap, public_origin: &str) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let named = text("origin").filter(|origin| *origin != "null");
        let host = text("host").unwrap_or_default();
        let ours = |from: &str| {
            from == public_origin
                || from.split_once("://").is_some_and(|(_, authority)| !host.is_empty() && authority == host)
        };
        let page = match (text("sec-fetch-site"), named) {
            (Some("same-origin"), named) => named.is_none_or(ours),
            (Some(_), _) => false,
            (None, Some(from)) => ours(from),
            (None, None) => text("origin") == Some("null"),
        };
        // One that can't be read was sent all the same.
        let told = ["origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "referer", "cookie"];
        match page {
            true => Self::Page,
            false if told.iter().any(|name| headers.contains_key(*name)) => Self::Elsewhere,
            false => Self::NoBrowser,
        }
    }
}

/// Whether a `Host` names this server: the public address, this machine, or an address in digits, to which no name leads.
/// Where the configuration names no public address but digits, names of one's own network are fine.
#[must_use]
pub(crate) fn is_own_name(host: &str, public_origin: &str) -> bool {
    let public = public_origin.split_once("://").map_or(public_origin, |(_, authority)| authority);
    let (name, public) = (bare(host), bare(public));
    let is_address = |name: &str| name.parse::<IpAddr>().is_ok();
    name == public || name == "localhost" || is_address(&name) || public.is_empty() || is_address(&public)
}

/// The name of an authority without its port, in lower case.
fn bare(authority: &str) -> String {
    let name = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((six, _)) => six,
        None => authority.split(':').next().unwrap_or_default(),
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// `scheme://authority` of an address.
#[must_use]
pub(crate) fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return String::new();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{}://{}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase())
}

/// The path of an address, without a slash at its end; empty where it has none.
#[must_use]
pub(crate) fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    path.find('/').map_or("", |at| &path[at..]).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies: Vec<Network> = proxies.iter().map(|text| Network::parse(text).unwrap()).collect();
        address(&headers, peer.parse().unwrap(), &proxies).to_string()
    }

    #[test]
    fn a_stranger_can_not_choose_his_address() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9", "no proxy is named");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1"], &[]), "127.0.0.1", "also on this machine");
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"], &["127.0.0.1"]), "203.0.113.9", "he is not that proxy");
        assert_eq!(seen("127.0.0.1", &["1.1.1.1, 198.51.100.1"], &["127.0.0.1"]), "198.51.100.1", "the right end");
        assert_eq!(seen("127.0.0.1", &["1.1.1.1", "198.51.100.1"], &["127.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn each_named_proxy_is_gone_through() {
        let proxies = ["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(seen("::ffff:127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.2.3"], &proxies), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1:4711"], &proxies), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["[2001:db8::7]:4711"], &proxies), "2001:db8::7");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1, nonsense"], &proxies), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["198.51.100.1,"], &proxies), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &[], &proxies), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["10.9.9.9"], &proxies), "10.9.9.9", "a proxy that asks for itself");
    }

    #[test]
    fn it_answers_to_its_own_names_only() {
        let public = "https://box.example:8443";
        for own in ["box.example:8443", "BOX.example", "box.example.", "localhost:8787", "127.0.0.1:8787", "[::1]:8787"]
        {
            assert!(is_own_name(own, public), "{own}");
        }
        for other in ["evil.example", "box.example.evil.example", "evil.example:8443", ""] {
            assert!(!is_own_name(other, public), "{other}");
        }
        assert!(is_own_name("nas.lan:8787", "http://192.168.1.5:8787"), "no name is configured");
    }

    #[test]
    fn an_address_has_an_origin_and_perhaps_a_path() {
        assert_eq!(origin("HTTPS://Box.Example:8443/agent/x"), "https://box.example:8443");
        let paths = ["https://b/agent/", "https://b/a/b", "https://b/", "https://b"].map(path);
        assert_eq!(paths, ["/agent", "/a/b", "", ""]);
    }
}
