//! Which browsers want to be told, in a file of mode 0600. An address there is as good as a key: whoever has it can wake the
//! browser, so it stands in no log.

use crate::people::Member;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use tmuxagent_alerts::shared_file::SharedFile;
use tmuxagent_model::Timestamp;
use tmuxagent_text::Lang;

/// The most browsers of one person; the oldest goes.
const MOST: usize = 10;
/// The longest address.
const ADDRESS: usize = 1_000;

/// The services that browsers of today use. To no other address is anything sent: it is named by whoever subscribes, and must
/// not lead us into our own network.
const SERVICES: [&str; 5] =
    ["fcm.googleapis.com", "jmt17.google.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com"];

/// A browser that wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    /// Where its service takes messages for it.
    pub(super) endpoint: String,
    /// Its public key, base64url.
    pub(super) p256dh: String,
    /// Its secret, base64url.
    pub(super) auth: String,
    /// Whose it is.
    pub(super) name: String,
    /// SHA-256 of the sign-in that it belongs to, base64: with that it ends.
    pub(super) access: String,
    /// `zh` or `en`.
    pub(super) lang: String,
    /// Since when.
    pub(super) since: Timestamp,
}

impl Subscription {
    /// That of a browser's `PushSubscription`; `None` where a part is none.
    pub(super) fn of(wish: &super::Wish, member: &Member, lang: Lang, since: Timestamp) -> Option<Self> {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let fits = decoded(&wish.keys.p256dh)?.len() == super::seal::POINT
            && decoded(&wish.keys.auth)?.len() == super::seal::SECRET
            && wish.endpoint.len() <= ADDRESS;
        fits.then(|| Self {
            endpoint: wish.endpoint.clone(),
            p256dh: wish.keys.p256dh.trim_end_matches('=').to_owned(),
            auth: wish.keys.auth.trim_end_matches('=').to_owned(),
            name: member.name.clone(),
            access: STANDARD_NO_PAD.encode(member.hash),
            lang: lang.code().to_owned(),
            since,
        })
    }

    /// The browser's key and secret.
    pub(super) fn keys(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        Some((URL_SAFE_NO_PAD.decode(&self.p256dh).ok()?, URL_SAFE_NO_PAD.decode(&self.auth).ok()?))
    }

    /// The sign-in that it belongs to.
    pub(super) fn hash(&self) -> Option<[u8; 32]> {
        STANDARD_NO_PAD.decode(&self.access).ok()?.try_into().ok()
    }

    pub(super) fn language(&self) -> Lang {
        if self.lang == Lang::Zh.code() { Lang::Zh } else { Lang::En }
    }
}

/// `https://HOST` of an address, where it is one of a known service.
pub(super) fn origin(endpoint: &str) -> Option<String> {
    let host = endpoint.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let known =
        |service: &str| host.strip_suffix(service).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    (plain && SERVICES.iter().any(|service| known(service))).then(|| format!("https://{host}"))
}

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Book {
    file: PathBuf,
}

impl Book {
    pub(super) const fn new(file: PathBuf) -> Self {
        Self { file }
    }

    pub(super) async fn list(&self) -> io::Result<Vec<Subscription>> {
        let mut shared = SharedFile::lock(&self.file).await?;
        Ok(shared.read()?.unwrap_or_default())
    }

    /// Adds one; what the same browser said before is forgotten.
    pub(super) async fn add(&self, subscription: Subscription) -> io::Result<()> {
        self.change(|all| {
            all.retain(|one| one.endpoint != subscription.endpoint);
            let own = all.iter().filter(|one| one.name == subscription.name).count();
            if own >= MOST
                && let Some(oldest) = all.iter().position(|one| one.name == subscription.name)
            {
                all.remove(oldest);
            }
            all.push(subscription);
        })
        .await
    }

    /// Forgets the browser with this address.
    pub(super) async fn remove(&self, endpoint: &str) -> io::Result<()> {
        self.change(|all| all.retain(|one| one.endpoint != endpoint)).await
    }

    async fn change(&self, change: impl FnOnce(&mut Vec<Subscription>)) -> io::Result<()> {
        let mut shared = SharedFile::lock(&self.file).await?;
        let mut all: Vec<Subscription> = shared.read()?.unwrap_or_default();
        change(&mut all);
        shared.write(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_services_are_called() {
        let fine = ["https://fcm.googleapis.com/fcm/send/x", "https://updates.push.services.mozilla.com/wpush/v2/x"];
        assert_eq!(fine.map(|it| origin(it).is_some()), [true; 2]);
        assert_eq!(origin("https://web.push.apple.com/QGx").as_deref(), Some("https://web.push.apple.com"));
        for bad in [
            "http://fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "https://evilfcm.googleapis.com/x",
            "https://fcm.googleapis.com@evil.example/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com.evil.example/x",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
