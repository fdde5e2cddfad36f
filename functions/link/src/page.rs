//! Pages: their headers, and the page that says how something has ended.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use azukari::{
    domain::{language::Language, site::Site},
    host::pages::{self, STYLE},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{Link, browser::Browser, service::NoChannel, words::Trouble};

/// `Content-Security-Policy` of the pages.
#[derive(Debug)]
pub(crate) struct ContentPolicies(String);

impl ContentPolicies {
    /// Nothing but our own style, known by its digest. What is sent from a page may lead on
    /// to a site of the business, and from there to wherever its members sign in: browsers
    /// hold every redirect after a form against `form-action`. All of that is HTTPS, unless
    /// a site is under development.
    pub(crate) fn new(frame_ancestors: &str, sites: &[Site]) -> Self {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let mut addresses = sites.iter().flat_map(|site| site.return_addresses.iter().chain([&site.login_url]));
        let http = if addresses.any(|address| address.starts_with("http://")) { " http:" } else { "" };
        Self(format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'self' https:{http}; frame-ancestors {frame_ancestors}"
        ))
    }
}

/// How something has ended.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    style: &'static str,
    language: Language,
    title: &'a str,
    text: &'a str,
    /// Where to go from here: a label and an address.
    on: Option<(&'a str, &'a str)>,
}

/// Where a page leads to.
pub(crate) struct On {
    pub(crate) label: &'static str,
    pub(crate) address: String,
}

impl Link {
    /// Answers with a page. It is one person's, and kept nowhere; its address, which may hold
    /// a one-time secret, goes nowhere but its origin.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(page) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.content_policies.0.as_str()),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "strict-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (status, headers, Html(page)).into_response()
    }

    /// Sends the browser elsewhere.
    pub(crate) fn see_other(&self, address: &str, browser: Option<&Browser>) -> Response {
        let Ok(location) = HeaderValue::from_str(address) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response =
            (StatusCode::SEE_OTHER, [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")])
                .into_response();
        response.headers_mut().insert(header::LOCATION, location);
        if let Some(cookie) = browser.and_then(Browser::cookie) {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Says how something has ended.
    pub(crate) fn message(
        &self,
        status: StatusCode,
        language: Language,
        words: (&str, &str),
        on: Option<&On>,
    ) -> Response {
        let on = on.map(|on| (on.label, on.address.as_str()));
        let (title, text) = words;
        self.page(status, &Message { style: STYLE, language, title, text, on })
    }

    /// Says why something has not come about.
    pub(crate) fn trouble(&self, trouble: Trouble, language: Language, on: Option<&On>) -> Response {
        self.intake.ctx.metrics().count("link_trouble", trouble.code());
        self.message(trouble.status(), language, trouble.words(language), on)
    }

    /// The same for a channel that cannot be used.
    pub(crate) fn no_channel(&self, no_channel: &NoChannel, language: Language) -> Response {
        let trouble = match no_channel {
            NoChannel::Unknown => Trouble::NotFound,
            NoChannel::Unavailable => Trouble::Unavailable,
        };
        self.trouble(trouble, language, None)
    }
}

/// Whatever has no page.
pub(crate) async fn nowhere(State(link): State<Arc<Link>>, headers: HeaderMap) -> Response {
    link.trouble(Trouble::NotFound, pages::language(None, &headers), None)
}

/// An address with more in its query.
pub(crate) fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let mut address = address.to_owned();
    for (name, value) in pairs {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        // `+` for a space is for forms; `%20` is right everywhere.
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        address.push_str(&value.replace('+', "%20"));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::with_query;

    #[test]
    fn what_goes_into_a_query_is_escaped() {
        let address = with_query("https://a.example/b", &[("code", "0f"), ("state", "x y&z=あ")]);
        assert_eq!(address, "https://a.example/b?code=0f&state=x%20y%26z%3D%E3%81%82");
        assert_eq!(with_query("https://a.example/b?c=d", &[("e", "f")]), "https://a.example/b?c=d&e=f");
    }
}
