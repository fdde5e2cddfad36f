//! The key of the example member site of local mode, and the assertions that it signs. A
//! business' own site keeps such a key on its server, and gives its public half to those
//! who configure Azukari.

use std::{io, path::Path};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use azukari::{
    domain::{
        definition::Text,
        id::ChannelName,
        key::PUBLIC_KEY_LEN,
        site::{Site, SiteName, USUAL_CALLS_PER_HOUR},
        time::UnixMs,
    },
    host::mint::{Mint, SystemMint},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{operator_key::NoKey, secrets_file::write_private};

/// The file in the data folder with the key: PKCS#8 in PEM (RFC 7468).
const FILE: &str = "member-site.pem";

/// The type of a site's assertions.
const TYPE: &str = "site+jwt";

/// How long the assertions made here are valid.
const LIFE_S: i64 = 60;

/// The longest name of a site.
const NAME_LEN: usize = 32;

/// The key pair of the example sites.
pub struct SiteKey {
    private: EncodingKey,
    public: [u8; PUBLIC_KEY_LEN],
}

impl SiteKey {
    /// The key of one machine: made at the first start.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not a key.
    pub fn local(data_dir: &Path) -> Result<Self, NoKey> {
        let path = data_dir.join(FILE);
        if !path.exists() {
            make(&path)?;
        }
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<Self, NoKey> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NoKey::Missing(path.to_owned())),
            Err(error) => return Err(NoKey::Io(path.to_owned(), error)),
        };
        let malformed = || NoKey::Malformed(path.to_owned());
        let pem = pem::parse(text.as_bytes()).ok().filter(|pem| pem.tag() == "PRIVATE KEY").ok_or_else(malformed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pem.contents());
        let public = pair.map_err(|_| malformed())?.public_key().as_ref().try_into().map_err(|_| malformed())?;
        Ok(Self { private: EncodingKey::from_ec_der(pem.contents()), public })
    }

    /// The public half, an uncompressed P-256 point.
    pub fn public(&self) -> [u8; PUBLIC_KEY_LEN] {
        self.public
    }

    /// An assertion for one call of a site, valid for a minute.
    ///
    /// # Errors
    /// It could not be signed.
    pub fn assertion(
        &self,
        site: &SiteName,
        audience: &str,
        act: &str,
        sub: Option<&str>,
        code: Option<&str>,
        now: UnixMs,
    ) -> Result<String, NoKey> {
        let mut jti = [0; 16];
        SystemMint::new().fill(&mut jti);
        let mut claims = json!({
            "iss": site.as_str(),
            "aud": audience,
            "iat": now.seconds(),
            "exp": now.seconds() + LIFE_S,
            "jti": format!("{:032x}", u128::from_be_bytes(jti)),
            "act": act,
        });
        for (name, value) in [("sub", sub), ("code", code)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYPE.to_owned());
        jsonwebtoken::encode(&header, &claims, &self.private).map_err(|_| NoKey::Unusable)
    }
}

impl std::fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteKey")
    }
}

/// Makes a key pair and writes it to a file.
fn make(path: &Path) -> Result<(), NoKey> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| NoKey::Unusable)?;
    let der = pair.to_pkcs8v1().map_err(|_| NoKey::Unusable)?;
    let text = Zeroizing::new(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())));
    write_private(path, &text).map_err(|error| NoKey::Io(path.to_owned(), error))
}

/// The path under which the example site of a channel is.
pub fn path(channel: &str) -> String {
    format!("/simulator/member/{channel}")
}

/// The example site of a channel, with its pages at `public_url`: what a business writes
/// into its configuration about its own.
pub fn example(channel: &str, public_url: &str, public_key: [u8; PUBLIC_KEY_LEN]) -> Option<Site> {
    let name: String = format!("example-{channel}").chars().take(NAME_LEN).collect();
    let home = format!("{public_url}{}", path(channel));
    Some(Site {
        name: SiteName::parse(&name).ok()?,
        channel: ChannelName::parse(channel).ok()?,
        title: Text { ja: "会員サイトの見本".to_owned(), en: "Example member site".to_owned() },
        login_url: format!("{home}/line"),
        return_addresses: vec![format!("{home}/back")],
        public_key,
        calls_per_hour: USUAL_CALLS_PER_HOUR,
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::Value;

    use super::*;

    const AUDIENCE: &str = "http://127.0.0.1:8080/link/demo";

    /// Header and claims of an assertion whose signature holds.
    fn opened(key: &SiteKey, assertion: &str) -> (Value, Value) {
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public());
        public.verify(signed.as_bytes(), &signature).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (json(header), json(claims))
    }

    #[test]
    fn an_assertion_says_who_asks_whom_for_what() {
        let folder = tempfile::tempdir().unwrap();
        let key = SiteKey::local(folder.path()).unwrap();
        let site = SiteName::parse("example-demo").unwrap();
        let now = UnixMs::new(1_795_230_000_999);

        let link = key.assertion(&site, AUDIENCE, "link", Some("会員-0042"), Some("c0de"), now).unwrap();
        let (header, mut claims) = opened(&key, &link);
        assert_eq!(header, json!({"alg": "ES256", "typ": "site+jwt"}));
        let jti = claims["jti"].take();
        let jti = jti.as_str().unwrap();
        assert!(jti.len() == 32 && jti.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{jti}");
        let expected = json!({
            "iss": "example-demo", "aud": AUDIENCE, "iat": 1_795_230_000, "exp": 1_795_230_060, "jti": null,
            "act": "link", "sub": "会員-0042", "code": "c0de",
        });
        assert_eq!(claims, expected);

        let (_, status) = opened(&key, &key.assertion(&site, AUDIENCE, "status", Some("1"), None, now).unwrap());
        assert!(status.get("code").is_none());
        let (_, login) = opened(&key, &key.assertion(&site, AUDIENCE, "login", None, Some("c"), now).unwrap());
        assert!(login.get("sub").is_none());
        assert_ne!(status["jti"], login["jti"]);
    }

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = SiteKey::local(folder.path()).unwrap();
        assert_eq!(SiteKey::local(folder.path()).unwrap().public(), first.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(folder.path().join(FILE), "no key").unwrap();
        assert!(matches!(SiteKey::local(folder.path()), Err(NoKey::Malformed(_))));
    }

    #[test]
    fn an_example_site_has_the_addresses_of_its_pages() {
        let site = example("demo", "http://127.0.0.1:8080", [4; PUBLIC_KEY_LEN]).unwrap();
        assert_eq!(site.name.as_str(), "example-demo");
        assert_eq!(site.login_url, "http://127.0.0.1:8080/simulator/member/demo/line");
        let back = "http://127.0.0.1:8080/simulator/member/demo/back";
        assert_eq!(site.return_address(Some(back)), Some(back));
        let long = "a".repeat(32);
        assert_eq!(example(&long, "http://127.0.0.1:8080", [4; PUBLIC_KEY_LEN]).unwrap().name.as_str().len(), 32);
        assert!(example("No Channel", "http://127.0.0.1:8080", [4; PUBLIC_KEY_LEN]).is_none());
    }
}
