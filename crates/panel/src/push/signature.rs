//! By what a push service knows the sender: VAPID (RFC 8292).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use std::io;
use std::path::Path;
use tmuxagent_alerts::shared_file::SharedFile;
use tmuxagent_model::Timestamp;

/// How long a signature holds; a day is the most.
const HOLDS: i64 = 12 * 3600;

/// The key of one supervisor, which browsers tie their subscription to.
pub(super) struct Signer {
    key: EcdsaKeyPair,
    /// Whom a service could write to.
    contact: String,
}

impl Signer {
    /// The key of the file, which is made at first and read only by its owner.
    pub(super) async fn open(file: &Path, public_base_url: &str) -> io::Result<Self> {
        let mut shared = SharedFile::lock(file).await?;
        if shared.is_empty()? {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            let made = made.map_err(|_| io::Error::other("there is no randomness"))?;
            shared.write(&STANDARD.encode(made.as_ref()))?;
        }
        let text: String = shared.read()?.unwrap_or_default();
        let key = STANDARD.decode(text).ok().and_then(|key| Self::of(&key, public_base_url));
        let broken = || {
            let text = format!("{} holds no key; move it away, and browsers subscribe anew", file.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        key.ok_or_else(broken)
    }

    fn of(key: &[u8], public_base_url: &str) -> Option<Self> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &SystemRandom::new()).ok()?;
        let contact = match public_base_url {
            url if url.starts_with("https://") => url.to_owned(),
            _ => "mailto:tmuxagent@example.org".to_owned(),
        };
        Some(Self { key, contact })
    }

    /// The public key, as a page hands it to its browser.
    pub(super) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.public_key())
    }

    /// The header of a request to a service of that origin.
    pub(super) fn header(&self, origin: &str, now: Timestamp) -> Option<String> {
        let head = json!({ "typ": "JWT", "alg": "ES256" });
        let claims = json!({ "aud": origin, "exp": now.0 / 1000 + HOLDS, "sub": self.contact });
        let [head, claims] = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature), self.public()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    #[tokio::test]
    async fn a_service_can_check_who_sends_and_the_key_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("push-key");
        let signer = Signer::open(&file, "https://phone.example").await.unwrap();
        let header = signer.header("https://push.example", Timestamp(1_700_000_000_000)).unwrap();
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(key).unwrap());
        key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let wanted = json!({ "aud": "https://push.example", "exp": 1_700_043_200, "sub": "https://phone.example" });
        assert_eq!(claims, wanted);
        let again = Signer::open(&file, "http://127.0.0.1:8787").await.unwrap();
        assert_eq!(again.public(), signer.public());
        assert!(again.contact.starts_with("mailto:"));
        std::fs::write(&file, "\"AAAA\"").unwrap();
        assert!(Signer::open(&file, "").await.is_err(), "a broken key is not replaced");
    }
}
