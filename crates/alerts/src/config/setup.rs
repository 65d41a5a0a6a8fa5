//! What stands for a channel's configuration, where another life of the process must see whether it is another one.

use super::kinds::{ChannelConfig, Kind};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tmuxagent_config::Secret;

impl ChannelConfig {
    /// A text that is the same for the same configuration, credentials included, and tells nothing of them to who does
    /// not have `key`, which is secret and stays.
    #[must_use]
    pub fn setup(&self, key: &[u8]) -> String {
        let Ok(mut digest) = Hmac::<Sha256>::new_from_slice(key) else {
            // HMAC takes keys of every length.
            return String::new();
        };
        // Secrets are `***` there, and follow one by one.
        digest.update(format!("{:?}", self.kind).as_bytes());
        digest.update(format!("{:?}", self.proxy).as_bytes());
        digest.update(&self.timeout.0.to_be_bytes());
        let topic: Option<&Secret> = if let Kind::Ntfy { topic, .. } = &self.kind { Some(topic) } else { None };
        for secret in self.kind.secrets().into_iter().chain(topic) {
            digest.update(b"\0");
            digest.update(secret.expose().as_bytes());
        }
        digest.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
