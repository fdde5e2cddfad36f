//! The signature of a webhook: base64 of HMAC-SHA256 over the exact bytes of the
//! body, under the channel secret as text (PLATFORM.md §1.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::plain::Plain;

/// Whether `signature`, the value of the header `x-line-signature`, belongs to the
/// body. The comparison takes the same time wherever the two differ.
pub fn verify(channel_secret: &Plain<String>, body: &[u8], signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    mac(channel_secret, body).verify_slice(&signature).is_ok()
}

/// The signature of a body: what LINE sends, and what the simulator puts on it.
pub fn sign(channel_secret: &Plain<String>, body: &[u8]) -> String {
    STANDARD.encode(mac(channel_secret, body).finalize().into_bytes())
}

fn mac(channel_secret: &Plain<String>, body: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(channel_secret.reveal().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_that_line_publishes() {
        let secret = Plain::new("8c570fa6dd201bb328f1c1eac23a96d8".to_owned());
        let body = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
        let signature = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=";
        assert!(verify(&secret, body, signature));
        assert_eq!(sign(&secret, body), signature);
    }

    #[test]
    fn anything_else_is_refused() {
        let secret = Plain::new("secret".to_owned());
        let good = sign(&secret, b"body");
        let cut = &good[..good.len() - 4];
        for (body, signature) in
            [(&b"body "[..], good.as_str()), (b"body", ""), (b"body", cut), (b"body", "あ"), (b"", &good)]
        {
            assert!(!verify(&secret, body, signature), "{signature}");
        }
        assert!(!verify(&Plain::new("Secret".to_owned()), b"body", &good));
    }
}
