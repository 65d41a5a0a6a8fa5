//! What all pages of the web server share: whose names it answers to, what addresses may try, what is told of refusals.

use super::caller::{self, Caller, Sender};
use super::limit::Limits;
use super::refusals::Refusals;
use super::{LinkBook, Links};
use crate::decide::Decide;
use crate::token::Keyring;
use axum::http::{Extensions, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tmuxagent_config::{Network, Secret};
use tmuxagent_model::Timestamp;
use tmuxagent_text::Lang;
use tmuxagent_text::redact::Redactor;

/// How long the body of a request may take to come.
pub const BODY: Duration = Duration::from_secs(10);

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

/// What a PIN means that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// It is right, or none is asked for.
    Right,
    /// It is wrong, and may be tried again.
    Wrong,
    /// It was wrong too often.
    Locked,
}

/// What the pages need.
pub struct WebState {
    pub(super) ring: Keyring,
    pub(super) book: Arc<dyn LinkBook>,
    pub(super) decisions: Arc<dyn Decide>,
    pub(super) rules: Rules,
    /// The origin that phones see, `https://host[:port]`.
    pub(super) public_origin: String,
    /// The path that phones see before ours, without a slash at its end; mostly empty.
    pub(super) public_path: String,
    pub(super) redactor: Redactor,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// What addresses may try that is forged.
    limits: Mutex<Limits>,
    /// What of refused requests is told.
    refusals: Mutex<Refusals>,
}

impl WebState {
    /// The state of a server whose links begin with `public_base_url`. Nothing else than `decisions` decides.
    #[must_use]
    pub fn new(
        links: &Links,
        decisions: Arc<dyn Decide>,
        rules: Rules,
        redactor: Redactor,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self {
            ring: links.ring.clone(),
            book: Arc::clone(&links.book),
            decisions,
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

    /// Who sends a request.
    #[must_use]
    pub fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Caller {
        Caller::of(headers, extensions, self.proxies())
    }

    /// What sent a form, as far as it tells.
    #[must_use]
    pub fn sender(&self, headers: &HeaderMap) -> Sender {
        Sender::of(headers, &self.public_origin)
    }

    /// Who decides.
    #[must_use]
    pub fn decisions(&self) -> &Arc<dyn Decide> {
        &self.decisions
    }

    /// What takes secrets out of what is shown.
    #[must_use]
    pub const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The path that phones see before ours, without a slash at its end; mostly empty.
    #[must_use]
    pub fn public_path(&self) -> &str {
        &self.public_path
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Whether a decision takes a PIN.
    #[must_use]
    pub const fn asks_pin(&self) -> bool {
        self.rules.pin.is_some()
    }

    /// What a PIN means that was given with the link or the sign-in of that hash. Where none is asked for each is right.
    pub fn pin(&self, id_hash: [u8; 32], given: &str) -> Pin {
        let Some(pin) = &self.rules.pin else { return Pin::Right };
        let allowed = self.limits().pin_allowed(id_hash);
        if allowed && *pin == Secret::new(given) {
            return Pin::Right;
        }
        let left = if allowed { self.limits().wrong_pin(id_hash) } else { 0 };
        if left > 0 { Pin::Wrong } else { Pin::Locked }
    }

    /// The header that gives a browser a cookie which no script reads and no other site sends.
    #[must_use]
    pub fn cookie(&self, name: &str, value: &str, seconds: u64) -> String {
        let secure = if self.public_origin.starts_with("https:") { "; Secure" } else { "" };
        format!("{name}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        // A poisoned lock still holds counts that are good enough.
        self.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts a forgery, and tells the journal of it; false when there were too many of late.
    pub fn charge(&self, address: IpAddr, text: impl FnOnce() -> String) -> bool {
        let allowed = self.limits().charge(address, self.now());
        if allowed {
            self.tell(address, text);
        } else {
            self.tell_counted(false);
            self.refusals().count(address, self.now());
        }
        allowed
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Tells the journal of a refused request, as far as there were not too many of late: each is answered, and counted.
    pub fn tell(&self, address: IpAddr, text: impl FnOnce() -> String) {
        self.tell_counted(false);
        if self.refusals().tells(address, self.now()) {
            self.decisions.report(text());
        }
    }

    /// Tells how many refused requests got no line of their own, where their hour is over or nothing comes any more.
    pub(crate) fn tell_counted(&self, last: bool) {
        let untold = self.refusals().ended(self.now(), last);
        if let Some(untold) = untold {
            let (count, (address, most)) = (untold.count, untold.most);
            self.decisions.report(format!(
                "more requests to the web server were refused: {count}, of them from {address}: {most}"
            ));
        }
    }

    /// The zone in which times are told: that of this machine, since a page does not know the browser's.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        self.decisions.zone()
    }

    /// The nonce of a form: proves that the browser with that cookie was shown the page of the link, or has the sign-in, of
    /// that hash.
    #[must_use]
    pub fn nonce(&self, cookie: &str, id_hash: &[u8; 32]) -> String {
        let key = Sha256::new().chain_update(b"tmuxagent page\0").chain_update(self.ring.current.bytes()).finalize();
        let digest = Sha256::new().chain_update(key).chain_update(id_hash).chain_update(cookie.as_bytes()).finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }
}
