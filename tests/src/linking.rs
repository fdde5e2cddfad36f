//! The ways to a link, step by step: a browser with its cookies, LINE's screens, and the
//! member site of the business.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use axum::body::Body;
use azukari::domain::{site::SiteName, time::UnixMs};
use azukari_local::{
    engine::line::{Dialog, Grant},
    site_key,
};
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::{
    app::{PUBLIC_URL, TestApp},
    forms::Page,
    line::Someone,
};

/// A browser: what it was told to keep, it sends.
#[derive(Debug, Default)]
pub struct Browser {
    cookies: Mutex<BTreeMap<String, String>>,
    seen: Mutex<Vec<Seen>>,
}

/// An answer that a browser has had, without its body.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What it asked for: path and query.
    pub address: String,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
}

impl Browser {
    /// The cookies as they are sent.
    pub fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Every answer that it has had, the oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens an address of the functions, and follows nothing.
    pub async fn get(&self, app: &TestApp, address: &str) -> Page {
        self.send(app, Request::get(path(address)), String::new()).await
    }

    /// Sends a form of a page of the functions.
    pub async fn post(&self, app: &TestApp, address: &str, fields: &[(&str, &str)]) -> Page {
        let request = Request::post(path(address))
            .header("origin", PUBLIC_URL)
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(app, request, form(fields)).await
    }

    async fn send(&self, app: &TestApp, request: http::request::Builder, body: String) -> Page {
        let request = request.header("cookie", self.cookies()).header("accept-language", "ja");
        let request = request.body(Body::from(body)).expect("a request");
        let address = request.uri().to_string();
        let page = app.request(request).await;
        let seen = Seen { address, status: page.status, headers: page.headers.clone() };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in page.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("ASCII").split(';').next().expect("a pair");
            let (name, value) = cookie.split_once('=').expect("a pair");
            cookies.insert(name.to_owned(), value.to_owned());
        }
        page
    }
}

/// Fields as a browser sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        format!("{}={}", encoded(name), encoded(value))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// The path of an address of ours, with its query.
pub fn path(address: &str) -> &str {
    address.strip_prefix(PUBLIC_URL).unwrap_or(address)
}

/// Where a page leads to.
pub fn location(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.text.split("<main").last().unwrap_or_default());
    page.headers["location"].to_str().expect("ASCII").to_owned()
}

/// A parameter of an address.
pub fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A hidden field of a page.
pub fn hidden(page: &Page, name: &str) -> String {
    let field = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.unwrap_or_else(|| panic!("no {name} in {}", page.text)).split('"').next().expect("a value").to_owned()
}

/// The name of the example site of a channel.
pub fn site_name(channel: &str) -> SiteName {
    let site = site_key::example(channel, PUBLIC_URL, [4; 65]).expect("a site");
    site.name
}

impl TestApp {
    /// Claims of the example site that hold.
    pub fn site_claims(&self, channel: &str, act: &str, member: Option<&str>, code: Option<&str>) -> Value {
        let now = self.now() / 1_000;
        let mut claims = json!({
            "iss": site_name(channel).as_str(), "aud": format!("{PUBLIC_URL}/link/{channel}"), "iat": now, "exp": now + 60,
            "jti": format!("{:032x}", crate::app::unique()), "act": act,
        });
        if let Some(member) = member {
            claims["sub"] = json!(member);
        }
        if let Some(code) = code {
            claims["code"] = json!(code);
        }
        claims
    }

    /// An assertion of the example site.
    pub fn site_assertion(&self, channel: &str, act: &str, member: Option<&str>, code: Option<&str>) -> String {
        let audience = format!("{PUBLIC_URL}/link/{channel}");
        let now = UnixMs::new(self.now());
        let key = self.installation().site_key();
        key.assertion(&site_name(channel), &audience, act, member, code, now).expect("an assertion")
    }

    /// A call of the example site with an assertion of any kind.
    pub async fn site_call(&self, channel: &str, act: &str, assertion: &str) -> Page {
        let request = Request::post(format!("/link/{channel}/site/{act}"))
            .header("authorization", format!("Bearer {assertion}"))
            .body(Body::empty())
            .expect("a request");
        self.request(request).await
    }

    /// A call of the example site.
    pub async fn site(&self, act: &str, member: Option<&str>, code: Option<&str>) -> Page {
        self.site_call("demo", act, &self.site_assertion("demo", act, member, code)).await
    }

    /// Whether a member is linked, as the site is told.
    pub async fn linked(&self, member: &str) -> bool {
        let page = self.site("status", Some(member), None).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.json()["linked"].as_bool().expect("a word")
    }

    /// They ask for the way to link in the chat; the address of the button.
    pub async fn ask_to_link(&self, someone: &Someone, id: &str) -> String {
        let before = self.installation().line().sent().len();
        assert_eq!(self.hook(&[someone.postback(id, self.now(), "azukari:link")]).await, 200);
        self.way_to_link(before).expect("a way to link was shown")
    }

    /// The way to link that was shown since so much was sent.
    pub fn way_to_link(&self, before: usize) -> Option<String> {
        let sent = self.installation().line().sent();
        let actions = sent[before..]
            .iter()
            .flat_map(|sent| &sent.messages)
            .flat_map(|message| message["template"]["actions"].as_array().cloned().unwrap_or_default());
        let mut addresses = actions.filter_map(|action| action["uri"].as_str().map(str::to_owned));
        addresses.find(|uri| uri.contains("linkToken="))
    }

    /// From the button in the chat to the member site: the code that is brought there.
    pub async fn begin_in_chat(&self, browser: &Browser, address: &str) -> String {
        self.begin_in_chat_of("demo", browser, address).await
    }

    /// The same in a channel.
    pub async fn begin_in_chat_of(&self, channel: &str, browser: &Browser, address: &str) -> String {
        let page = browser.get(self, address).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (token, site, words) = (hidden(&page, "linkToken"), hidden(&page, "site"), hidden(&page, "words"));
        let fields = [("linkToken", token.as_str()), ("site", &site), ("words", &words), ("lang", "ja")];
        let at_site = location(&browser.post(self, &format!("/link/{channel}/begin"), &fields).await);
        parameter(&at_site, "code").expect("a code")
    }

    /// The business vouches for a member: where the browser is sent to.
    pub async fn vouch(&self, member: &str, code: &str) -> String {
        let page = self.site("link", Some(member), Some(code)).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.json()["url"].as_str().expect("an address").to_owned()
    }

    /// The same in a channel; `None` if the code was not good any more.
    pub async fn vouch_in(&self, channel: &str, member: &str, code: &str) -> Option<String> {
        let assertion = self.site_assertion(channel, "link", Some(member), Some(code));
        let page = self.site_call(channel, "link", &assertion).await;
        (page.status == 200).then(|| page.json()["url"].as_str().expect("an address").to_owned())
    }

    /// Somebody confirms LINE's dialog: what LINE makes of it.
    pub fn confirm_dialog(&self, dialog: &str, someone: &Someone) -> Dialog {
        let (token, nonce) =
            (parameter(dialog, "linkToken").expect("a token"), parameter(dialog, "nonce").expect("a nonce"));
        self.installation().line().link_dialog(&token, &nonce, &someone.0).expect("the token is good")
    }

    /// The event that LINE tells then.
    pub fn account_link(&self, dialog: &Dialog, id: &str, at: i64) -> Value {
        let link = |result: &str| json!({"link": {"result": result, "nonce": dialog.nonce}});
        match &dialog.user {
            Some(user) => {
                let mut more = link("ok");
                more["replyToken"] = json!("r");
                Someone(user.clone()).event("accountLink", id, at, more)
            }
            None => {
                let mut event = Someone::numbered(0).event("accountLink", id, at, link("failed"));
                event.as_object_mut().expect("an object").remove("source");
                event
            }
        }
    }

    /// The whole way from the chat.
    pub async fn link_in_chat(&self, someone: &Someone, member: &str) {
        let browser = Browser::default();
        let address = self.ask_to_link(someone, &format!("EL{:x}", crate::app::unique())).await;
        let code = self.begin_in_chat(&browser, &address).await;
        let finish = self.vouch(member, &code).await;
        let dialog = self.confirm_dialog(&location(&browser.get(self, &finish).await), someone);
        let event = self.account_link(&dialog, &format!("EA{:x}", crate::app::unique()), self.now());
        assert_eq!(self.hook(&[event]).await, 200);
    }

    /// Somebody allows what LINE's consent screen asks for: where LINE sends the browser.
    pub fn allow(&self, authorize: &str, someone: &Someone, scopes: &[&str]) -> String {
        let query = authorize.split_once('?').expect("a query").1;
        let line = self.installation().line();
        let wanted = line.authorization(query, PUBLIC_URL).expect("the request is in order");
        let scopes: BTreeSet<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        line.grant(&wanted, &someone.0, &Grant { scopes, add_friend: false }).expect("a code").location
    }

    /// Somebody does not allow it.
    pub fn deny(&self, authorize: &str) -> String {
        let query = authorize.split_once('?').expect("a query").1;
        let line = self.installation().line();
        line.deny(&line.authorization(query, PUBLIC_URL).expect("the request is in order"))
    }

    /// By LINE Login to our page, where joining is agreed to: the page.
    pub async fn sign_in(&self, browser: &Browser, query: &str, someone: &Someone, scopes: &[&str]) -> String {
        let authorize = location(&browser.get(self, &format!("/link/demo/login{query}")).await);
        let callback = self.allow(&authorize, someone, scopes);
        location(&browser.get(self, &callback).await)
    }

    /// They agree to join on our page: where the browser is sent to, with a code.
    pub async fn agree_to_join(&self, browser: &Browser, joining: &str, items: &[&str]) -> String {
        let page = browser.get(self, joining).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (ticket, words) = (hidden(&page, "ticket"), hidden(&page, "words"));
        let items: Vec<String> = items.iter().map(|item| format!("item.{item}")).collect();
        let mut fields = vec![("ticket", ticket.as_str()), ("words", words.as_str()), ("choice", "join")];
        fields.extend(items.iter().map(|item| (item.as_str(), "yes")));
        location(&browser.post(self, "/link/demo/join", &fields).await)
    }

    /// The same in a channel, with nothing else to be kept.
    pub async fn agree_to_join_in(&self, channel: &str, browser: &Browser, joining: &str) -> String {
        let page = browser.get(self, joining).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (ticket, words) = (hidden(&page, "ticket"), hidden(&page, "words"));
        let fields = [("ticket", ticket.as_str()), ("words", words.as_str()), ("choice", "join")];
        location(&browser.post(self, &format!("/link/{channel}/join"), &fields).await)
    }

    /// The last step: LINE's dialog, or the page that is asked once more and answered with yes.
    pub async fn finish(&self, browser: &Browser, finish: &str) -> Page {
        let page = browser.get(self, finish).await;
        if page.status != 200 {
            return page;
        }
        self.finish_with(browser, finish, &hidden(&page, "ticket")).await
    }

    /// The answer to that page.
    pub async fn finish_with(&self, browser: &Browser, finish: &str, ticket: &str) -> Page {
        let action = path(finish).split('?').next().unwrap_or_default().to_owned();
        browser.post(self, &action, &[("ticket", ticket), ("choice", "link")]).await
    }

    /// The whole way by LINE Login.
    pub async fn link_by_login(&self, someone: &Someone, member: &str) -> Page {
        let browser = Browser::default();
        let joining = self.sign_in(&browser, "", someone, &[]).await;
        let back = self.agree_to_join(&browser, &joining, &[]).await;
        let finish = self.vouch(member, &parameter(&back, "code").expect("a code")).await;
        self.finish(&browser, &finish).await
    }

    /// What the account has said in the chat with somebody, text by text.
    pub fn said_to(&self, someone: &Someone) -> Vec<String> {
        let sent = self.installation().line().sent();
        let messages = sent.into_iter().filter(|sent| sent.to == someone.0).flat_map(|sent| sent.messages);
        let text =
            |message: &Value| message["text"].as_str().or(message["template"]["text"].as_str()).map(str::to_owned);
        messages.filter_map(|message| text(&message)).collect()
    }

    /// What the mapping of somebody says about a link: the digest of the member id.
    pub fn linkage(&self, someone: &Someone) -> Option<String> {
        self.mapping("demo", someone)?["member"]["S"].as_str().map(str::to_owned)
    }
}
