//! A message that only one browser can read: RFC 8291 over RFC 8188. Pure but for the fresh key and salt.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The length of a P-256 point, uncompressed.
pub(super) const POINT: usize = 65;
/// The length of a browser's secret.
pub(super) const SECRET: usize = 16;
/// The longest message: with all around it, it fits in what every push service takes.
pub(super) const LONGEST: usize = 3_000;
/// The size of a record; a message is one.
const RECORD: u32 = 4_096;

/// A number of bytes that is asked of a key derivation.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// What both ends of a message know.
pub(super) struct Agreed<'a> {
    /// What the two keys agree on.
    pub(super) shared: &'a [u8],
    /// The browser's public key.
    pub(super) browser: &'a [u8],
    /// Ours, for this message alone.
    pub(super) ours: &'a [u8],
    /// The browser's secret.
    pub(super) secret: &'a [u8],
    /// Of this message.
    pub(super) salt: [u8; 16],
}

impl Agreed<'_> {
    /// The key and the nonce of the message.
    pub(super) fn keys(&self) -> Option<([u8; 16], [u8; 12])> {
        let first = Salt::new(HKDF_SHA256, self.secret).extract(self.shared);
        let input: [u8; 32] = expand(&first, &[b"WebPush: info\0", self.browser, self.ours])?;
        let second = Salt::new(HKDF_SHA256, &self.salt).extract(&input);
        Some((expand(&second, &[b"Content-Encoding: aes128gcm\0"])?, expand(&second, &[b"Content-Encoding: nonce\0"])?))
    }

    /// The body of the request. `None` where a key is none.
    fn seal(&self, text: &[u8]) -> Option<Vec<u8>> {
        let (key, nonce) = self.keys()?;
        // The last record ends with a two (RFC 8188, section 2).
        let mut record = [text, &[2]].concat();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
        let length = u8::try_from(self.ours.len()).ok()?;
        Some([&self.salt[..], &RECORD.to_be_bytes(), &[length], self.ours, &record].concat())
    }
}

fn expand<const N: usize>(from: &Prk, info: &[&[u8]]) -> Option<[u8; N]> {
    let mut out = [0; N];
    from.expand(info, Bytes(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// Encrypts a message for a browser. `None` where its key is no point, there is no randomness, or the text is too long.
pub(super) fn seal(text: &[u8], browser: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    if text.len() > LONGEST || browser.len() != POINT || secret.len() != SECRET {
        return None;
    }
    let random = SystemRandom::new();
    let mut salt = [0; 16];
    random.fill(&mut salt).ok()?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).ok()?;
    let ours = own.compute_public_key().ok()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, browser);
    agree_ephemeral(own, &peer, |shared| Agreed { shared, browser, ours: ours.as_ref(), secret, salt }.seal(text))
        .ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_comes_out_byte_for_byte() {
        // RFC 8291, section 5 and appendix A.
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let agreed = Agreed {
            shared: &bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
            browser: &bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            ours: &bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"),
            secret: &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            salt,
        };
        let body = agreed.seal(b"When I grow up, I want to be a watermelon").unwrap();
        let wanted = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), wanted);
    }

    #[test]
    fn a_browser_reads_what_is_sealed_for_it_and_each_message_is_another() {
        let random = SystemRandom::new();
        let browser = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let point = browser.compute_public_key().unwrap();
        let secret = [7; SECRET];
        let [body, again] = [(); 2].map(|()| seal("发布？".as_bytes(), point.as_ref(), &secret).unwrap());
        assert_ne!(body, again);
        let (salt, ours, record) = (&body[..16], body[21..21 + POINT].to_vec(), body[21 + POINT..].to_vec());
        let peer = UnparsedPublicKey::new(&ECDH_P256, ours.clone());
        let text = agree_ephemeral(browser, &peer, |shared| {
            let salt = salt.try_into().unwrap();
            let agreed = Agreed { shared, browser: point.as_ref(), ours: &ours, secret: &secret, salt };
            let (key, nonce) = agreed.keys().unwrap();
            let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
            let mut record = record.clone();
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).unwrap().to_vec()
        })
        .unwrap();
        assert_eq!(text, ["发布？".as_bytes(), &[2]].concat());
        assert_eq!(seal(b"x", &[4; POINT], &secret), None, "no point of the curve");
        assert_eq!(seal(&[0; LONGEST + 1], point.as_ref(), &secret), None);
    }
}
