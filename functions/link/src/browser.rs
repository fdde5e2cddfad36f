//! The cookie by which one browser goes all the way: what is begun in one cannot be gone on
//! with in another (RFC 6749 §10.12). It says nothing of the person and lives for an hour.

use azukari::{host::mint::Mint, seal::one_time::OneTimeSecret};
use http::{HeaderMap, HeaderValue, header};

/// Its name. `__Host-`: set by this host over HTTPS for all of its paths, and by no
/// neighbour (RFC 6265bis §4.1.3.2).
pub const COOKIE: &str = "__Host-azukari-link";
/// How long it lives, in seconds: longer than all steps together.
const LIFE_S: u32 = 3_600;

/// A browser.
#[derive(Debug, Clone)]
pub(crate) struct Browser(OneTimeSecret);

impl Browser {
    /// The browser that sends these headers, if it has come before.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
        let mut values = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        values.find_map(OneTimeSecret::parse).map(Self)
    }

    /// The same, or a new one.
    pub(crate) fn of_or_new(headers: &HeaderMap, mint: &dyn Mint) -> Self {
        Self::of(headers).unwrap_or_else(|| Self(OneTimeSecret::new(mint.bytes())))
    }

    /// What a step is bound to.
    pub(crate) fn digest(&self) -> String {
        self.0.digest()
    }

    /// What the browser is to keep.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        let value = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFE_S}", self.0.text());
        HeaderValue::from_str(&value).ok()
    }
}

/// Whether these headers are of the browser that a step is bound to.
pub(crate) fn is(headers: &HeaderMap, digest: &str) -> bool {
    Browser::of(headers).is_some_and(|browser| browser.digest() == digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        headers
    }

    #[test]
    fn a_browser_is_known_by_its_cookie_alone() {
        let browser = Browser(OneTimeSecret::new([7; 32]));
        let cookie = browser.cookie().unwrap();
        let cookie = cookie.to_str().unwrap();
        for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"));
        let value = cookie.split(';').next().unwrap();
        assert!(is(&with(&format!("a=b; {value}; c=d")), &browser.digest()));
        for other in ["", "a=b", "__Host-azukari-link=", &format!("x{value}"), &value[..40]] {
            assert!(!is(&with(other), &browser.digest()), "{other}");
        }
        let another = Browser(OneTimeSecret::new([8; 32]));
        assert!(!is(&with(value), &another.digest()) && !is(&HeaderMap::new(), &browser.digest()));
    }
}
