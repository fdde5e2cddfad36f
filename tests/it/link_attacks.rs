//! Attacks on linking: who tries to be joined with somebody else's membership, or to learn,
//! undo or replay what is not theirs. Above each story stands what it meets.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::body::Body;
use azukari::{
    domain::{
        plain::Plain,
        time::{HOUR_MS, UnixMs},
    },
    host::one_time::LIFE_MS,
    line::id_token::{self, NotVerified},
    seal::one_time::OneTimeSecret,
    store::tables::Table,
};
use azukari_local::engine::line::{Dialog, DialogError};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp, unique},
    forms::Page,
    line::{Someone, redelivered},
    linking::{Browser, form, hidden, location, parameter, site_name},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use futures::future::join_all;
use http::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

const BACK: &str = "https://pages.azukari.test/simulator/member/demo/back";

/// From the chat; by LINE Login from the account; by LINE Login from the member site.
const WAYS: [&str; 3] = ["chat", "login", "site"];

/// The id of an event that no other has.
fn id(kind: &str) -> String {
    format!("{kind}{:x}", unique())
}

/// Somebody comes to the member site in one of the ways: the code that they bring.
async fn come(app: &TestApp, way: &str, browser: &Browser, someone: &Someone) -> String {
    let query = match way {
        "chat" => {
            let address = app.ask_to_link(someone, &id("EL")).await;
            return app.begin_in_chat(browser, &address).await;
        }
        "login" => String::new(),
        _ => from_site(),
    };
    let joining = app.sign_in(browser, &query, someone, &[]).await;
    let back = app.agree_to_join(browser, &joining, &[]).await;
    parameter(&back, "code").expect("a code")
}

/// As the example site sends somebody to sign in.
fn from_site() -> String {
    format!("?site=example-demo&state={:032x}&return_to={BACK}", unique())
}

/// By LINE Login up to the last step: the browser, and where it is sent.
async fn ready(app: &TestApp, someone: &Someone, member: &str) -> (Browser, String) {
    let browser = Browser::default();
    let code = come(app, "login", &browser, someone).await;
    let finish = app.vouch(member, &code).await;
    (browser, finish)
}

/// From the chat up to LINE's dialog.
async fn at_the_dialog(app: &TestApp, browser: &Browser, someone: &Someone, member: &str) -> String {
    let code = come(app, "chat", browser, someone).await;
    let finish = app.vouch(member, &code).await;
    location(&app.finish(browser, &finish).await)
}

/// What LINE would tell if somebody had confirmed a dialog with this nonce.
fn confirmed(app: &TestApp, someone: &Someone, nonce: &str) -> Value {
    let dialog = Dialog { channel: "demo".to_owned(), user: Some(someone.0.clone()), nonce: nonce.to_owned() };
    app.account_link(&dialog, &id("EA"), app.now())
}

/// Where LINE Login begins.
async fn authorize(app: &TestApp, browser: &Browser, query: &str) -> String {
    location(&browser.get(app, &format!("/link/demo/login{query}")).await)
}

/// Fails if a member is linked, or anything says that anybody is.
async fn nobody_is_linked(app: &TestApp, members: &[&str]) {
    for member in members {
        assert!(!app.linked(member).await);
    }
    assert!(app.rows_of("link").is_empty() && app.rows_of("member").is_empty());
    assert!(app.rows_of("mapping").iter().all(|row| row.get("member").is_none()));
}

#[track_caller]
fn assert_refused(page: &Page, status: u16, code: &str, what: &str) {
    assert_eq!((page.status, page.json()["code"].as_str()), (status, Some(code)), "{what}");
}

/// How often LINE was asked for this.
fn asked_line(app: &TestApp, operation: &str) -> usize {
    app.installation().line().exchanges().iter().filter(|exchange| exchange.operation == operation).count()
}

const EXCHANGE: &str = "POST /oauth2/v2.1/token";

/// Claims, signed.
fn signed(algorithm: Algorithm, kind: Option<&str>, claims: &Value, key: &EncodingKey) -> String {
    let header = Header { typ: kind.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).expect("it is signed")
}

/// The same without a signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

/// Claims with another value, or without it.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// A P-256 key: for signing, and its public half.
fn key() -> (EncodingKey, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("a key").as_ref());
    (private, pair.public_key().as_ref().to_vec())
}

/// A member site with a key of its own.
struct Shop {
    name: &'static str,
    channel: &'static str,
    key: EncodingKey,
    public: Vec<u8>,
}

impl Shop {
    fn new(name: &'static str, channel: &'static str) -> Self {
        let (key, public) = key();
        Self { name, channel, key, public }
    }

    /// Its part of `sites.toml`.
    fn block(&self, calls_per_hour: u32) -> String {
        let (name, channel, key) = (self.name, self.channel, STANDARD.encode(&self.public));
        format!(
            "[[site]]\nname = \"{name}\"\nchannel = \"{channel}\"\ntitle = {{ ja = \"店\", en = \"Shop\" }}\n\
             login_url = \"https://{name}.example/line\"\nreturn_addresses = [\"https://{name}.example/back\"]\n\
             public_key = \"{key}\"\ncalls_per_hour = {calls_per_hour}\n\n"
        )
    }

    /// Claims that hold.
    fn claims(&self, app: &TestApp, act: &str, member: Option<&str>, code: Option<&str>) -> Value {
        with(&app.site_claims(self.channel, act, member, code), "iss", json!(self.name))
    }

    fn sign(&self, claims: &Value) -> String {
        signed(Algorithm::ES256, Some("site+jwt"), claims, &self.key)
    }

    async fn call(&self, app: &TestApp, act: &str, member: Option<&str>, code: Option<&str>) -> Page {
        app.site_call(self.channel, act, &self.sign(&self.claims(app, act, member, code))).await
    }
}

// LINE confirms a link to the person whose link token it was; what it says has failed is void.
#[tokio::test]
async fn whoever_follows_somebody_elses_way_from_the_chat_is_not_joined() {
    let app = TestApp::new().await;
    let (attacker, victim, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    let victims = Browser::default();
    let address = app.ask_to_link(&attacker, &id("EL")).await;
    let code = app.begin_in_chat(&victims, &address).await;
    let finish = app.vouch(&member, &code).await;
    let dialog = app.confirm_dialog(&location(&app.finish(&victims, &finish).await), &victim);
    assert_eq!(dialog.user, None, "LINE says that it has failed");
    assert_eq!(app.hook(&[app.account_link(&dialog, &id("EA"), app.now())]).await, 200);
    for someone in [&attacker, &victim] {
        assert_eq!(app.hook(&[confirmed(&app, someone, &dialog.nonce)]).await, 200);
    }
    nobody_is_linked(&app, &[&member]).await;
    assert!(app.rows_of("claim").is_empty());
}

// The browser that took the first step takes the last: a code that was handed on joins nobody.
#[tokio::test]
async fn somebody_elses_code_does_not_join_the_member_who_brings_it() {
    for known in [false, true] {
        let app = TestApp::new().await;
        let (attacker, member) = (app.someone(), app.marker("M-1001"));
        for way in WAYS {
            let (attackers, victims) = (Browser::default(), Browser::default());
            if known {
                authorize(&app, &victims, "").await;
            }
            let code = come(&app, way, &attackers, &attacker).await;
            let finish = app.vouch(&member, &code).await;
            assert_eq!(app.finish(&victims, &finish).await.status, 403, "{way}, cookie: {known}");
            // Whoever sent it gets nothing out of it either.
            assert_eq!(app.finish(&attackers, &finish).await.status, 400, "{way}: it is used up");
        }
        assert!(app.said_to(&attacker).iter().all(|text| !text.contains("連携しました")));
        nobody_is_linked(&app, &[&member]).await;
    }
}

// A sign-in goes on where it began (`state`); elsewhere LINE is not even asked, and it is used up.
#[tokio::test]
async fn a_sign_in_does_not_go_on_in_another_browser() {
    let app = TestApp::new().await;
    let attacker = app.someone();
    let (strange, known) = (Browser::default(), Browser::default());
    authorize(&app, &known, "").await;
    for victims in [&strange, &known] {
        for query in ["", "?intent=unlink"] {
            for allowed in [true, false] {
                let attackers = Browser::default();
                let begun = authorize(&app, &attackers, query).await;
                let callback = if allowed { app.allow(&begun, &attacker, &[]) } else { app.deny(&begun) };
                let refused = victims.get(&app, &callback).await;
                assert!(refused.status == 403 && refused.headers.get("location").is_none(), "{query} {allowed}");
                assert_eq!(attackers.get(&app, &callback).await.status, 400, "{query} {allowed}: it is used up");
            }
        }
    }
    assert_eq!(asked_line(&app, EXCHANGE), 0);
    // The page that asks whether to join is one browser's, too.
    let own = Browser::default();
    let joining = app.sign_in(&own, "", &attacker, &[]).await;
    let page = own.get(&app, &joining).await;
    let (ticket, words) = (hidden(&page, "ticket"), hidden(&page, "words"));
    let fields = [("ticket", ticket.as_str()), ("words", words.as_str()), ("choice", "join")];
    for victims in [&strange, &known] {
        assert_eq!(victims.get(&app, &joining).await.status, 403);
        assert_eq!(victims.post(&app, "/link/demo/join", &fields).await.status, 403);
    }
    location(&own.post(&app, "/link/demo/join", &fields).await);
}

// A code of LINE's counts once, for the sign-in it was asked for (PKCE, `nonce`), and says who it is.
#[tokio::test]
async fn a_code_of_lines_counts_once_and_for_its_own_sign_in() {
    let app = TestApp::new().await;
    let (attacker, victim) = (app.someone(), app.someone());
    let (attackers, victims) = (Browser::default(), Browser::default());
    let callback = app.allow(&authorize(&app, &victims, "").await, &victim, &[]);
    location(&victims.get(&app, &callback).await);
    assert_eq!(victims.get(&app, &callback).await.status, 400, "replayed");
    assert_eq!(asked_line(&app, EXCHANGE), 1);
    // One that was used, and one that is another's, in a fresh sign-in.
    let others = app.allow(&authorize(&app, &attackers, "").await, &attacker, &[]);
    for from in [&callback, &others] {
        let state = parameter(&authorize(&app, &victims, "").await, "state").unwrap();
        let code = parameter(from, "code").unwrap();
        let injected = format!("/link/demo/callback?code={code}&state={state}");
        assert_eq!(victims.get(&app, &injected).await.status, 400);
    }
    // Somebody has edited what LINE is asked for.
    let edits: [fn(&str) -> String; 5] = [
        |begun| begun.replace(&parameter(begun, "nonce").unwrap(), &"0".repeat(64)),
        |begun| begun.replace(&format!("&nonce={}", parameter(begun, "nonce").unwrap()), ""),
        |begun| begun.replace(&parameter(begun, "code_challenge").unwrap(), &"0".repeat(43)),
        |begun| begun.split("&code_challenge=").next().unwrap().to_owned(),
        |begun| begun.replace("scope=openid%20profile", "scope=profile"),
    ];
    for (n, edit) in edits.into_iter().enumerate() {
        let begun = authorize(&app, &victims, "").await;
        let edited = edit(&begun);
        assert_ne!(edited, begun, "edit {n}");
        let callback = app.allow(&edited, &victim, &[]);
        assert_eq!(victims.get(&app, &callback).await.status, 400, "edit {n}");
    }
    let untouched = app.allow(&authorize(&app, &victims, "").await, &victim, &[]);
    location(&victims.get(&app, &untouched).await);
}

// What the site got a code for, and the ticket that it got for that, count once, even at one moment.
#[tokio::test]
async fn a_code_and_a_ticket_count_once() {
    for way in WAYS {
        let app = TestApp::new().await;
        let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
        let code = come(&app, way, &browser, &someone).await;
        let answers = join_all((0..4).map(|_| app.site("link", Some(&member), Some(&code)))).await;
        let (taken, others): (Vec<Page>, Vec<Page>) = answers.into_iter().partition(|page| page.status == 200);
        assert_eq!((taken.len(), others.len()), (1, 3), "{way}");
        for page in &others {
            assert_refused(page, 410, "code_unknown", way);
        }
        assert_refused(&app.site("link", Some(&member), Some(&code)).await, 410, "code_unknown", way);
        let finish = taken[0].json()["url"].as_str().unwrap().to_owned();
        let pages = join_all((0..4).map(|_| app.finish(&browser, &finish))).await;
        if way == "chat" {
            assert_eq!(pages.iter().filter(|page| page.status == 303).count(), 1, "one goes on to LINE");
        } else {
            let linked = app.said_to(&someone).iter().filter(|text| text.contains("連携しました")).count();
            assert_eq!((app.rows_of("link").len(), linked), (1, 1), "{way}");
        }
        assert_eq!(app.finish(&browser, &finish).await.status, 400, "{way}");
    }
}

// A code by which somebody is recognised signs in one session, even at one moment.
#[tokio::test]
async fn a_code_signs_in_once() {
    let app = TestApp::new().await;
    let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
    location(&app.link_by_login(&someone, &member).await);
    for _ in 0..5 {
        let query = from_site();
        let code = parameter(&app.sign_in(&browser, &query, &someone, &[]).await, "code").unwrap();
        let answers = join_all((0..4).map(|_| app.site("login", None, Some(&code)))).await;
        let (signed_in, others): (Vec<Page>, Vec<Page>) = answers.into_iter().partition(|page| page.status == 200);
        assert_eq!((signed_in.len(), others.len()), (1, 3));
        assert_eq!(signed_in[0].json()["linked"], true);
        for page in &others {
            assert_refused(page, 410, "code_unknown", "at the same moment");
        }
        assert_refused(&app.site("link", Some(&member), Some(&code)).await, 410, "code_unknown", "to link with");
    }
}

// A nonce counts once, and is answered once, however often LINE tells of it.
#[tokio::test]
async fn a_nonce_counts_once() {
    let app = TestApp::new().await;
    let (someone, other, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    let dialog = at_the_dialog(&app, &Browser::default(), &someone, &member).await;
    let dialog = app.confirm_dialog(&dialog, &someone);
    let event = app.account_link(&dialog, &id("EA"), app.now());
    assert_eq!(app.hook(std::slice::from_ref(&event)).await, 200);
    assert!(app.linked(&member).await);
    let replies = || asked_line(&app, "POST /v2/bot/message/reply");
    let (said, replied) = (app.said_to(&someone), replies());
    assert!(said.last().unwrap().contains("連携しました"));
    assert_eq!(app.hook(&redelivered(&[event])).await, 200);
    app.advance(1_000);
    assert_eq!(app.hook(&[confirmed(&app, &someone, &dialog.nonce)]).await, 200);
    assert_eq!(app.hook(&[confirmed(&app, &other, &dialog.nonce)]).await, 200);
    assert_eq!((app.said_to(&someone), replies()), (said, replied));
    let consents = app.rows_of("consent").into_iter().filter(|row| row["how"]["S"] == "link").count();
    assert_eq!((app.rows_of("link").len(), consents, app.rows_of("claim").len()), (1, 2, 0));
    // Once it is undone, it stays so.
    assert_eq!(app.hook(&[someone.postback(&id("EU"), app.now(), "azukari:unlink")]).await, 200);
    app.advance(1_000);
    assert_eq!(app.hook(&[confirmed(&app, &someone, &dialog.nonce)]).await, 200);
    assert!(!app.linked(&member).await && app.linkage(&someone).is_none());
}

// The business speaks by what its own key has signed, for this channel, this act and this moment.
#[tokio::test]
async fn what_no_site_has_said_is_not_believed() {
    let (shop, elsewhere) = (Shop::new("shop", "demo"), Shop::new("elsewhere", "kept"));
    let sites = shop.block(1_000) + &elsewhere.block(1_000);
    let app = TestApp::with_files(&[("sites.toml", sites.as_str())]).await;
    let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
    let code = come(&app, "login", &browser, &someone).await;
    let now = app.now() / 1_000;
    let claims = shop.claims(&app, "link", Some(&member), Some(&code));
    let but = |name: &str, value: Value| shop.sign(&with(&claims, name, value));
    let typed = |kind: Option<&str>| signed(Algorithm::ES256, kind, &claims, &shop.key);
    let hmac = |secret: &[u8]| signed(Algorithm::HS256, Some("site+jwt"), &claims, &EncodingKey::from_secret(secret));
    let good = shop.sign(&claims);
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let edited = URL_SAFE_NO_PAD.encode(with(&claims, "sub", json!("M-2")).to_string());
    let audience = |rest: &str| json!(format!("{PUBLIC_URL}{rest}"));
    let example = app.installation().site_key();
    let other_key = signed(Algorithm::ES256, Some("site+jwt"), &claims, &elsewhere.key);
    let examples = example.assertion(
        &azukari::domain::site::SiteName::parse("shop").unwrap(),
        &format!("{PUBLIC_URL}/link/demo"),
        "link",
        Some(&member),
        Some(&code),
        UnixMs::new(app.now()),
    );
    let typed_header = Header { typ: Some("site+jwt".to_owned()), ..Header::new(Algorithm::ES256) };
    let critical_header = Header { crit: Some(vec!["exp".to_owned()]), ..typed_header };
    let critical = jsonwebtoken::encode(&critical_header, &claims, &shop.key).unwrap();
    let table = [
        ("nothing", String::new(), "assertion_malformed"),
        ("no token", "a.b.c".to_owned(), "assertion_malformed"),
        ("two parts", format!("{header}.{payload}"), "assertion_malformed"),
        ("none", unsigned(&json!({"alg": "none", "typ": "site+jwt"}), &claims), "assertion_algorithm"),
        ("HMAC with the public key", hmac(&shop.public), "assertion_algorithm"),
        ("HMAC with its text", hmac(STANDARD.encode(&shop.public).as_bytes()), "assertion_algorithm"),
        ("unsigned", unsigned(&json!({"alg": "ES256", "typ": "site+jwt"}), &claims), "assertion_signature"),
        ("edited", format!("{header}.{edited}.{signature}"), "assertion_signature"),
        ("another site's key", other_key, "assertion_signature"),
        ("the example's key", examples.unwrap(), "assertion_signature"),
        ("no type", typed(None), "assertion_malformed"),
        ("another type", typed(Some("JWT")), "assertion_malformed"),
        ("an operator's type", typed(Some("operator+jwt")), "assertion_malformed"),
        ("with what must be understood", critical, "assertion_malformed"),
        ("a stranger", but("iss", json!("stranger")), "assertion_site"),
        ("an operator", but("iss", json!("desk")), "assertion_site"),
        ("nobody", but("iss", Value::Null), "assertion_site"),
        ("another channel's site", elsewhere.sign(&with(&claims, "iss", json!("elsewhere"))), "assertion_site"),
        ("for another channel", but("aud", audience("/link/kept")), "assertion_audience"),
        ("for no channel", but("aud", audience("")), "assertion_audience"),
        ("for a longer address", but("aud", audience("/link/demo/")), "assertion_audience"),
        ("for another installation", but("aud", json!("https://evil.example/link/demo")), "assertion_audience"),
        ("for nobody", but("aud", Value::Null), "assertion_audience"),
        ("expired", but("exp", json!(now)), "assertion_expired"),
        ("without end", but("exp", Value::Null), "assertion_malformed"),
        ("without beginning", but("iat", Value::Null), "assertion_malformed"),
        ("of a time to come", but("iat", json!(now + 31)), "assertion_not_yet"),
        ("not before then", but("nbf", json!(now + 31)), "assertion_not_yet"),
        ("for too long", but("exp", json!(now + 121)), "assertion_too_long"),
        ("of all time", but("exp", json!(i64::MAX)), "assertion_too_long"),
        ("with a short id", but("jti", json!("123456789012345")), "assertion_malformed"),
        ("with a long id", but("jti", json!("1".repeat(129))), "assertion_malformed"),
        ("without an id", but("jti", Value::Null), "assertion_malformed"),
        ("for another act", but("act", json!("status")), "assertion_act"),
        ("for no act", but("act", Value::Null), "assertion_malformed"),
    ];
    for (what, assertion, expected) in table {
        assert_refused(&app.site_call("demo", "link", &assertion).await, 401, expected, what);
    }
    // Another site of the same channel gets nothing for this one's code.
    for act in ["login", "link"] {
        assert_refused(&app.site(act, Some(&member), Some(&code)).await, 410, "code_unknown", act);
    }
    // What cannot be a member id is none, and no code leads to nothing.
    let long = "1".repeat(129);
    for bad in ["", " M-1001", "M-1001\n", "\u{3000}M-1001", long.as_str()] {
        let page = shop.call(&app, "link", Some(bad), Some(&code)).await;
        assert_refused(&page, 400, "malformed", bad);
    }
    assert_refused(&shop.call(&app, "link", None, Some(&code)).await, 400, "malformed", "no member");
    assert_refused(&shop.call(&app, "link", Some(&member), None).await, 410, "code_unknown", "no code");
    // None of them has used up the code, and the one that holds does.
    let page = app.site_call("demo", "link", &good).await;
    assert_eq!(page.status, 200, "{}", page.text);
    location(&app.finish(&browser, page.json()["url"].as_str().unwrap()).await);
    assert!(app.linked(&member).await);
    // Nobody else undoes it.
    let unlink = shop.claims(&app, "unlink", Some(&member), None);
    let forged = signed(Algorithm::ES256, Some("site+jwt"), &unlink, &elsewhere.key);
    assert_refused(&app.site_call("demo", "unlink", &forged).await, 401, "assertion_signature", "unlink");
    assert!(app.linked(&member).await);
}

// An assertion is for one act and one use; its id is its site's own.
#[tokio::test]
async fn an_assertion_is_used_once_and_for_what_it_says() {
    let (shop, elsewhere) = (Shop::new("shop", "demo"), Shop::new("elsewhere", "kept"));
    let sites = shop.block(1_000) + &elsewhere.block(1_000);
    let app = TestApp::with_files(&[("sites.toml", sites.as_str())]).await;
    let member = app.marker("M-1001");
    let acts = ["login", "link", "status", "unlink", "erase"];
    for act in acts {
        let assertion = shop.sign(&shop.claims(&app, act, Some(&member), None));
        for other in acts.into_iter().filter(|other| *other != act) {
            let page = app.site_call("demo", other, &assertion).await;
            assert_refused(&page, 401, "assertion_act", &format!("{act} at {other}"));
        }
    }
    let claims = shop.claims(&app, "status", Some(&member), None);
    let (status, again) = (shop.sign(&claims), shop.sign(&with(&claims, "sub", json!("M-2"))));
    let answers = join_all((0..8).map(|_| app.site_call("demo", "status", &status))).await;
    let (taken, others): (Vec<Page>, Vec<Page>) = answers.into_iter().partition(|page| page.status == 200);
    assert_eq!((taken.len(), others.len()), (1, 7));
    for page in &others {
        assert_refused(page, 401, "assertion_replayed", "at the same moment");
    }
    assert_refused(&app.site_call("demo", "status", &again).await, 401, "assertion_replayed", "another of its id");
    let same_id = with(&elsewhere.claims(&app, "status", Some(&member), None), "jti", claims["jti"].clone());
    assert_eq!(app.site_call("kept", "status", &elsewhere.sign(&same_id)).await.status, 200);
    // It ends by itself.
    let late = shop.sign(&shop.claims(&app, "status", Some(&member), None));
    app.advance(60_000);
    assert_refused(&app.site_call("demo", "status", &late).await, 401, "assertion_expired", "a minute later");
}

// People are sent back to an address that is on the site's list, to the letter, and nowhere else.
#[tokio::test]
async fn nobody_is_sent_where_the_business_has_not_said() {
    let app = TestApp::new().await;
    let browser = Browser::default();
    let bad = [
        String::new(),
        "//evil.example".to_owned(),
        r"/\evil.example".to_owned(),
        r"https:\\evil.example\back".to_owned(),
        "https://evil.example".to_owned(),
        "javascript:alert(1)".to_owned(),
        "data:text/html,evil".to_owned(),
        "/simulator/member/demo/back".to_owned(),
        BACK.replace("https://", "//"),
        BACK.replace("https://", "http://"),
        BACK.replace("https://", "https://evil.example@"),
        BACK.replace(".test/", ".test@evil.example/"),
        BACK.replace(".test/", ".test.evil.example/"),
        BACK.replace(".test/", ".test\u{ff0f}evil.example/"),
        BACK.replace(".test/", ".t\u{435}st/"),
        BACK.replace(".test/", ".test./"),
        BACK.replace(".test/", ".test:443/"),
        BACK.replace(".test/", ".test:8443/"),
        BACK.replace("/back", "/../demo/back"),
        BACK.replace("/back", "/%2e%2e/demo/back"),
        BACK.replace("/back", "//back"),
        BACK.replace("/demo/", "/kept/"),
        BACK.replace("https", "HTTPS"),
        BACK.replace("pages", "Pages"),
        format!("{BACK}/"),
        format!("{BACK}?next=https://evil.example"),
        format!("{BACK}#evil"),
        format!("{BACK}\0"),
        format!("{BACK}\r\nSet-Cookie: evil=1"),
        format!(" {BACK}"),
        format!("{BACK} "),
    ];
    let site = ("site", "example-demo");
    let long = "s".repeat(513);
    let mut queries: Vec<String> = Vec::new();
    for bad in bad.iter().map(String::as_str) {
        queries.extend([form(&[("return_to", bad)]), form(&[("return_to", bad), site])]);
    }
    queries.extend([
        form(&[("return_to", BACK), ("return_to", "https://evil.example")]),
        form(&[("return_to", "https://evil.example"), ("return_to", BACK)]),
        form(&[("return_to", BACK), ("site", "example-kept")]),
        form(&[("return_to", BACK), ("site", "stranger")]),
        form(&[("return_to", BACK), ("site", "../demo")]),
        form(&[("return_to", BACK), site, ("state", "")]),
        form(&[("return_to", BACK), site, ("state", "s\r\nSet-Cookie: evil=1")]),
        form(&[("return_to", BACK), site, ("state", long.as_str())]),
    ]);
    let before = app.rows(Table::Vault);
    for query in &queries {
        let page = browser.get(&app, &format!("/link/demo/login?{query}")).await;
        let headers = ["location", "set-cookie", "refresh"].map(|name| page.headers.get(name));
        assert_eq!((page.status, headers), (400, [None; 3]), "{query}");
        assert!(!page.text.contains("evil") && !page.text.contains("://"), "{query}: {}", page.text);
    }
    assert_eq!(app.rows(Table::Vault), before, "nothing was begun");
    let begun = authorize(&app, &browser, &format!("?{}", form(&[("return_to", BACK), site]))).await;
    assert!(begun.starts_with(&format!("{PUBLIC_URL}/simulator/access/oauth2/v2.1/authorize?")), "{begun}");
}

/// Id and secret of the login channel that goes with a channel.
fn login_channel(app: &TestApp, channel: &str) -> (String, String) {
    let member = |name: &str| app.installation().channel_secret(channel, name).expect("a login channel").to_owned();
    (member("login_channel_id"), member("login_channel_secret"))
}

// An ID token of web login is LINE's word to this login channel, about this sign-in, now.
#[tokio::test]
async fn an_id_token_that_was_not_made_for_this_sign_in_is_not_believed() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let (demo, kept) = (login_channel(&app, "demo"), login_channel(&app, "kept"));
    let (now, nonce) = (app.now() / 1_000, "0123456789abcdef");
    let claims = json!({
        "iss": id_token::ISSUER, "sub": someone.0, "aud": demo.0, "exp": now + 3_600, "iat": now, "nonce": nonce,
    });
    let hmac = |algorithm: Algorithm, claims: &Value, secret: &str| {
        signed(algorithm, Some("JWT"), claims, &EncodingKey::from_secret(secret.as_bytes()))
    };
    let but = |name: &str, value: Value| hmac(Algorithm::HS256, &with(&claims, name, value), &demo.1);
    let secret = Plain::new(demo.1.clone());
    let verify = |token: &str| {
        let token = Plain::new(token.to_owned());
        let verified = id_token::verify_web(&token, (demo.0.as_str(), &secret), nonce, &[], UnixMs::new(app.now()));
        verified.map(|signed_in| signed_in.user.reveal().to_owned())
    };
    let good = hmac(Algorithm::HS256, &claims, &demo.1);
    assert_eq!(verify(&good), Ok(someone.0.clone()));
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let others = URL_SAFE_NO_PAD.encode(with(&claims, "sub", json!(app.someone().0)).to_string());
    let (own_key, _) = key();
    for (what, token) in [
        ("of another channel", hmac(Algorithm::HS256, &with(&claims, "aud", json!(kept.0)), &kept.1)),
        ("for another channel", but("aud", json!(kept.0))),
        ("signed by another channel", hmac(Algorithm::HS256, &claims, &kept.1)),
        ("for nobody", but("aud", Value::Null)),
        ("of another issuer", but("iss", json!("https://access.line.me.evil.example"))),
        ("of no issuer", but("iss", Value::Null)),
        ("of another sign-in", but("nonce", json!("fedcba9876543210"))),
        ("of a sign-in without a nonce", but("nonce", Value::Null)),
        ("of nobody", but("sub", Value::Null)),
        ("of a time to come", but("iat", json!(now + 61))),
        ("without end", but("exp", Value::Null)),
        ("very long", but("name", json!("a".repeat(20_000)))),
        ("HS512", hmac(Algorithm::HS512, &claims, &demo.1)),
        ("ES256", signed(Algorithm::ES256, Some("JWT"), &claims, &own_key)),
        ("of LIFF", app.id_token("demo", &someone)),
        ("none", unsigned(&json!({"alg": "none", "typ": "JWT"}), &claims)),
        ("unsigned", format!("{header}.{payload}.")),
        ("edited", format!("{header}.{others}.{signature}")),
    ] {
        assert_eq!(verify(&token), Err(NotVerified::Invalid), "{what}");
    }
    assert_eq!(verify(&but("exp", json!(now))), Err(NotVerified::Expired));
}

// A form takes what LIFF has signed; what the login channel's secret signs is for web login alone.
#[tokio::test]
async fn an_id_token_of_web_login_does_not_send_a_form() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let (id, secret) = login_channel(&app, "demo");
    let now = app.now() / 1_000;
    let claims = json!({"iss": id_token::ISSUER, "sub": someone.0, "aud": id, "exp": now + 3_600, "iat": now});
    let certs = app.installation().line().certs().unwrap();
    let kid = certs["keys"][0]["kid"].as_str().unwrap().to_owned();
    let header = Header { kid: Some(kid), ..Header::new(Algorithm::HS256) };
    let web = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    assert_refused(&app.send_json("visit", Some(&web), &body).await, 401, "id_token_invalid", "of web login");
    assert!(app.rows_of("submission").is_empty());
    assert_eq!(app.send_json("visit", Some(&app.id_token("demo", &someone)), &body).await.status, 200);
}

// Of a member who is not linked a site learns that, and not why: it cannot tell who ever was.
#[tokio::test]
async fn members_who_are_not_linked_are_all_alike() {
    let app = TestApp::new().await;
    let [unknown, begun, swept, erased, unlinked] =
        ["unknown", "begun", "swept", "erased", "unlinked"].map(|what| app.marker(what));
    let linked = app.marker("linked");
    let (gone, holder) = (app.someone(), app.someone());
    location(&app.link_by_login(&gone, &erased).await);
    app.advance(1_000);
    crate::erasure::erase(&app, "demo", &gone, app.now()).await;
    for (member, sweep) in [(&swept, true), (&unlinked, false)] {
        location(&app.link_by_login(&app.someone(), member).await);
        app.advance(1_000);
        assert_eq!(app.site("unlink", Some(member), None).await.json(), json!({"status": "unlinked"}));
        if sweep {
            app.sweep_all().await;
        }
    }
    ready(&app, &app.someone(), &begun).await;
    location(&app.link_by_login(&holder, &linked).await);
    for act in ["status", "unlink"] {
        let first = app.site(act, Some(&unknown), None).await;
        for (what, member) in [("begun", &begun), ("swept", &swept), ("erased", &erased), ("unlinked", &unlinked)] {
            let page = app.site(act, Some(member), None).await;
            assert_eq!((page.status, &page.text, &page.headers), (200, &first.text, &first.headers), "{act} {what}");
        }
    }
    let status = app.site("status", Some(&linked), None).await.json();
    assert!(status["linked"] == true && status["subject"].is_string(), "{status}");
    assert_eq!(app.site("status", Some(&unknown), None).await.json(), json!({"linked": false}));
}

// Guessing at member ids has an end each hour; a site's hour is its own, and nobody else uses it up.
#[tokio::test]
async fn a_site_that_guesses_is_stopped_and_no_other() {
    let (shop, stranger) = (Shop::new("shop", "demo"), Shop::new("shop", "demo"));
    let app = TestApp::with_files(&[("sites.toml", shop.block(3).as_str())]).await;
    let status = async |n: usize| shop.call(&app, "status", Some(&format!("M-{n}")), None).await;
    for n in 0..5 {
        let forged = stranger.call(&app, "status", Some("M-1"), None).await;
        assert_refused(&forged, 401, "assertion_signature", &format!("{n}"));
    }
    for n in 0..3 {
        assert_eq!(status(n).await.status, 200, "{n}");
    }
    assert_refused(&status(3).await, 429, "too_often", "the fourth");
    assert_eq!(app.site("status", Some("M-3"), None).await.status, 200, "another site of the channel");
    app.advance(HOUR_MS - 1);
    assert_refused(&status(4).await, 429, "too_often", "the same hour");
    app.advance(1);
    assert_eq!(status(5).await.status, 200);
}

// A member id is joined with one person, and a person with one member id, however close they come.
#[tokio::test]
async fn of_two_browsers_at_one_moment_one_is_linked() {
    let app = TestApp::new().await;
    for round in 0..10 {
        app.installation().refill().await.unwrap();
        let member = app.marker("M-1001");
        let (one, two) = (app.someone(), app.someone());
        let (ones, first) = ready(&app, &one, &member).await;
        let (twos, second) = ready(&app, &two, &member).await;
        let (a, b) = tokio::join!(app.finish(&ones, &first), app.finish(&twos, &second));
        assert_one(&[a, b]);
        assert_eq!([&one, &two].map(|one| app.linkage(one).is_some()).iter().filter(|linked| **linked).count(), 1);
        let counts = ["link", "member", "claim"].map(|kind| app.rows_of(kind).len());
        assert_eq!(counts, [round + 1; 3], "round {round}");
        assert!(app.linked(&member).await);
    }
    let app = TestApp::new().await;
    for round in 0..10 {
        app.installation().refill().await.unwrap();
        let members = [app.marker("M-1001"), app.marker("M-1002")];
        let someone = app.someone();
        let (ones, first) = ready(&app, &someone, &members[0]).await;
        let (twos, second) = ready(&app, &someone, &members[1]).await;
        let (a, b) = tokio::join!(app.finish(&ones, &first), app.finish(&twos, &second));
        assert_one(&[a, b]);
        let linked = [app.linked(&members[0]).await, app.linked(&members[1]).await];
        assert_ne!(linked[0], linked[1], "round {round}");
        let counts = ["link", "member", "claim"].map(|kind| app.rows_of(kind).len());
        assert_eq!(counts, [round + 1; 3], "round {round}");
    }
}

/// One goes on, and the other is told that it does not.
#[track_caller]
fn assert_one(pages: &[Page; 2]) {
    let mut statuses = [pages[0].status, pages[1].status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
}

// The same where LINE tells of both at one moment.
#[tokio::test]
async fn of_two_confirmations_at_one_moment_one_is_a_link() {
    let app = TestApp::new().await;
    for round in 0..10 {
        app.installation().refill().await.unwrap();
        let (member, people) = (app.marker("M-1001"), [app.someone(), app.someone()]);
        let mut events = Vec::new();
        for someone in &people {
            let dialog = at_the_dialog(&app, &Browser::default(), someone, &member).await;
            let mut event = confirmed(&app, someone, &parameter(&dialog, "nonce").unwrap());
            event["replyToken"] = json!(id("r"));
            events.push(event);
        }
        let (first, second) = events.split_at(1);
        let (a, b) = tokio::join!(app.hook(first), app.hook(second));
        assert_eq!((a.as_u16(), b.as_u16()), (200, 200));
        let told = |words: &str| {
            let last = people.iter().filter_map(|someone| app.said_to(someone).pop());
            last.filter(|text| text.starts_with(words)).count()
        };
        assert_eq!((told("連携しました"), told("連携できませんでした")), (1, 1), "round {round}");
        assert_eq!(people.iter().filter(|someone| app.linkage(someone).is_some()).count(), 1);
        let counts = ["link", "member", "claim"].map(|kind| app.rows_of(kind).len());
        assert_eq!(counts, [round + 1; 3], "round {round}");
        assert!(app.linked(&member).await);
    }
}

// A dialog counts once at LINE, and a nonce that nobody made leads to nothing, whatever LINE says of it.
#[tokio::test]
async fn a_used_link_token_and_a_made_up_nonce_lead_nowhere() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    let dialog = at_the_dialog(&app, &Browser::default(), &someone, &member).await;
    let (token, nonce) = (parameter(&dialog, "linkToken").unwrap(), parameter(&dialog, "nonce").unwrap());
    let line = app.shared();
    assert!(line.line().link_dialog(&token, &nonce, &someone.0).is_ok());
    assert_eq!(line.line().link_dialog(&token, &nonce, &someone.0), Err(DialogError::Token));
    let digest = OneTimeSecret::parse(&nonce).unwrap().digest();
    let made_up = [
        String::new(),
        "0".repeat(10),
        "0".repeat(64),
        nonce.to_uppercase(),
        format!("{nonce}0"),
        nonce[..63].to_owned(),
        // What the row is found by, for whoever can read the table.
        digest,
    ];
    let before = app.rows(Table::Vault);
    for nonce in &made_up {
        let stranger = app.someone();
        let failed = Dialog { channel: "demo".to_owned(), user: None, nonce: nonce.clone() };
        let events = [confirmed(&app, &stranger, nonce), app.account_link(&failed, &id("EA"), app.now())];
        for event in events {
            assert_eq!(app.hook(&[event]).await, 200, "{nonce}");
        }
        assert!(app.said_to(&stranger).is_empty(), "{nonce}");
    }
    assert_eq!(app.rows(Table::Vault), before);
    nobody_is_linked(&app, &[&member]).await;
    assert_eq!(app.hook(&[confirmed(&app, &someone, &nonce)]).await, 200);
    assert!(app.linked(&member).await, "the one that was made is still good");
}

// A secret that was made for one step opens no other, and is not used up by whoever tries.
#[tokio::test]
async fn a_secret_of_one_step_is_worth_nothing_at_another() {
    let app = TestApp::new().await;
    let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
    let callback = app.allow(&authorize(&app, &browser, "").await, &someone, &[]);
    let joining = app.sign_in(&browser, "", &someone, &[]).await;
    let code = come(&app, "site", &browser, &someone).await;
    let to_finish = come(&app, "login", &browser, &someone).await;
    let finish = app.vouch(&member, &to_finish).await;
    let dialog = at_the_dialog(&app, &browser, &someone, &member).await;
    let unlinking = app.sign_in(&browser, "?intent=unlink", &someone, &[]).await;
    let secrets = [
        ("callback", parameter(&callback, "state").unwrap()),
        ("joining", parameter(&joining, "ticket").unwrap()),
        ("code", code.clone()),
        ("finish", parameter(&finish, "ticket").unwrap()),
        ("nonce", parameter(&dialog, "nonce").unwrap()),
        ("unlinking", parameter(&unlinking, "ticket").unwrap()),
    ];
    for (kind, secret) in &secrets {
        for page in ["joining", "finish", "unlinking"].into_iter().filter(|page| page != kind) {
            let page = browser.get(&app, &format!("/link/demo/{page}?ticket={secret}")).await;
            assert_eq!(page.status, 400, "{kind}");
        }
        for (path, own) in [("join", "joining"), ("unlink", "unlinking")] {
            if *kind != own {
                let fields = [("ticket", secret.as_str()), ("words", ""), ("choice", "join")];
                let page = browser.post(&app, &format!("/link/demo/{path}"), &fields).await;
                assert_eq!(page.status, 400, "{kind} at {path}");
            }
        }
        if *kind != "callback" {
            let page = browser.get(&app, &format!("/link/demo/callback?code=c&state={secret}")).await;
            assert_eq!(page.status, 400, "{kind}");
        }
        if *kind != "code" {
            for act in ["login", "link"] {
                assert_refused(&app.site(act, Some(&member), Some(secret)).await, 410, "code_unknown", kind);
            }
        }
        if *kind != "nonce" {
            assert_eq!(app.hook(&[confirmed(&app, &someone, secret)]).await, 200);
        }
    }
    nobody_is_linked(&app, &[&member]).await;
    // Each is as good as before at its own.
    location(&browser.get(&app, &callback).await);
    assert_eq!(browser.get(&app, &joining).await.status, 200);
    assert_eq!(app.site("link", Some(&member), Some(&code)).await.status, 200);
    assert_eq!(browser.get(&app, &unlinking).await.status, 200);
    assert_eq!(app.hook(&[confirmed(&app, &someone, &secrets[4].1)]).await, 200);
    assert!(app.linked(&member).await);
    location(&app.finish(&browser, &finish).await);
}

/// A form as a page elsewhere sends it from somebody's browser.
async fn from_elsewhere(
    app: &TestApp,
    browser: &Browser,
    path: &str,
    fields: &[(&str, &str)],
    (name, value): (&str, &str),
) -> Page {
    let request = Request::post(path)
        .header("cookie", browser.cookies())
        .header("content-type", "application/x-www-form-urlencoded")
        .header(name, value);
    app.request(request.body(Body::from(form(fields))).unwrap()).await
}

// A page of somebody else sends none of our forms, whatever it knows.
#[tokio::test]
async fn a_page_elsewhere_begins_joins_and_undoes_nothing() {
    let app = TestApp::new().await;
    let (someone, newcomer, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    location(&app.link_by_login(&someone, &member).await);
    app.advance(1_000);
    let browser = Browser::default();
    let about = browser.get(&app, &app.ask_to_link(&newcomer, &id("EL")).await).await;
    let [token, site, about_words] = ["linkToken", "site", "words"].map(|name| hidden(&about, name));
    let joining = app.sign_in(&browser, "", &newcomer, &[]).await;
    let joining = browser.get(&app, &joining).await;
    let [ticket, words] = ["ticket", "words"].map(|name| hidden(&joining, name));
    let unlinking = app.sign_in(&browser, "?intent=unlink", &someone, &[]).await;
    let unlink = hidden(&browser.get(&app, &unlinking).await, "ticket");
    let begin = [("linkToken", token.as_str()), ("site", &site), ("words", &about_words)];
    let join = [("ticket", ticket.as_str()), ("words", &words), ("choice", "join")];
    let unlink = [("ticket", unlink.as_str())];
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let forms: [(&str, Fields<'_>, u16); 3] =
        [("/link/demo/begin", &begin, 303), ("/link/demo/join", &join, 303), ("/link/demo/unlink", &unlink, 200)];
    let before = app.rows(Table::Vault);
    for (path, fields, _) in forms {
        for header in [
            ("origin", "https://evil.example"),
            ("origin", "https://pages.azukari.test.evil.example"),
            ("origin", "http://pages.azukari.test"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let page = from_elsewhere(&app, &browser, path, fields, header).await;
            let headers = ["location", "set-cookie"].map(|name| page.headers.get(name));
            assert_eq!((page.status, headers), (403, [None; 2]), "{path} {header:?}");
        }
    }
    assert_eq!(app.rows(Table::Vault), before, "nothing was begun, and nothing used up");
    assert!(app.linked(&member).await);
    for (path, fields, status) in forms {
        assert_eq!(browser.post(&app, path, fields).await.status, status, "{path}: our own page");
    }
    assert!(!app.linked(&member).await);
}

// Whatever was begun before an unlinking or an erasure does not come after it.
#[tokio::test]
async fn what_was_begun_before_the_end_is_worth_nothing_after_it() {
    for end in ["chat", "page", "business", "erasure"] {
        let app = TestApp::new().await;
        let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
        assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
        let dialog = at_the_dialog(&app, &browser, &someone, &member).await;
        let code = come(&app, "login", &browser, &someone).await;
        let to_finish = come(&app, "site", &browser, &someone).await;
        let finish = app.vouch(&member, &to_finish).await;
        let joining = app.sign_in(&browser, "", &someone, &[]).await;
        location(&app.link_by_login(&someone, &member).await);
        let recognised = parameter(&app.sign_in(&browser, &from_site(), &someone, &[]).await, "code").unwrap();
        assert!(app.linked(&member).await);
        app.advance(1_000);
        match end {
            "chat" => {
                let unlink = someone.postback(&id("EU"), app.now(), "azukari:unlink");
                assert_eq!(app.hook(&[unlink]).await, 200);
            }
            "page" => {
                let own = Browser::default();
                let unlinking = app.sign_in(&own, "?intent=unlink", &someone, &[]).await;
                let ticket = hidden(&own.get(&app, &unlinking).await, "ticket");
                assert_eq!(own.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await.status, 200);
            }
            "business" => assert_eq!(app.site("unlink", Some(&member), None).await.status, 200),
            _ => {
                crate::erasure::erase(&app, "demo", &someone, app.now()).await;
            }
        }
        // The nonce, the code, the ticket, and the agreement that was not given yet.
        let told = app.account_link(&app.confirm_dialog(&dialog, &someone), &id("EA"), app.now());
        assert_eq!(app.hook(&[told]).await, 200);
        let late = app.vouch(&member, &code).await;
        let agreed = app.agree_to_join(&browser, &joining, &[]).await;
        let agreed = app.vouch(&member, &parameter(&agreed, "code").unwrap()).await;
        for finish in [&finish, &late, &agreed] {
            assert_eq!(app.finish(&browser, finish).await.status, 400, "{end}");
        }
        // Nobody is recognised by the link that was, and nobody is joined who was not asked.
        let login = app.site("login", None, Some(&recognised)).await;
        assert_eq!((login.status, &login.json()["linked"]), (200, &json!(false)), "{end}");
        assert_refused(&app.site("link", Some(&member), Some(&recognised)).await, 410, "code_unknown", end);
        assert!(!app.linked(&member).await && app.linkage(&someone).is_none(), "{end}");
        // What is begun now counts.
        app.advance(1_000);
        location(&app.link_by_login(&someone, &member).await);
        assert!(app.linked(&member).await, "{end}");
    }
}

// Whoever has said no, and is about to be erased, is not joined on the way.
#[tokio::test]
async fn somebody_who_is_being_erased_is_not_joined() {
    let app = TestApp::new().await;
    let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    app.agree("demo", &someone, NOON).await;
    app.advance(1_000);
    assert_eq!(app.hook(&[app.answer(&someone, app.now(), false)]).await, 200);
    app.advance(1_000);
    let dialog = at_the_dialog(&app, &browser, &someone, &member).await;
    let (own, finish) = ready(&app, &someone, &member).await;
    assert_eq!(app.finish(&own, &finish).await.status, 409);
    let told = app.account_link(&app.confirm_dialog(&dialog, &someone), &id("EA"), app.now());
    assert_eq!(app.hook(&[told]).await, 200);
    nobody_is_linked(&app, &[&member]).await;
}

// What lies about is worth nothing after ten minutes, whoever finds it.
#[tokio::test]
async fn every_secret_ends_after_ten_minutes() {
    let app = TestApp::new().await;
    let (someone, holder, browser) = (app.someone(), app.someone(), Browser::default());
    let (member, held) = (app.marker("M-1001"), app.marker("M-1002"));
    location(&app.link_by_login(&holder, &held).await);
    let callback = app.allow(&authorize(&app, &browser, "").await, &someone, &[]);
    let joining = app.sign_in(&browser, "", &someone, &[]).await;
    let code = come(&app, "site", &browser, &someone).await;
    let recognised = parameter(&app.sign_in(&browser, &from_site(), &holder, &[]).await, "code").unwrap();
    let (own, finish) = ready(&app, &someone, &member).await;
    let dialog = at_the_dialog(&app, &browser, &someone, &member).await;
    let unlinking = app.sign_in(&browser, "?intent=unlink", &holder, &[]).await;
    let ticket = parameter(&unlinking, "ticket").unwrap();
    app.advance(LIFE_MS - 1);
    for page in [&joining, &unlinking] {
        assert_eq!(browser.get(&app, page).await.status, 200);
    }
    app.advance(1);
    let exchanged = asked_line(&app, EXCHANGE);
    for page in [&joining, &unlinking, &callback] {
        assert_eq!(browser.get(&app, page).await.status, 400);
    }
    assert_eq!(asked_line(&app, EXCHANGE), exchanged);
    assert_eq!(app.finish(&own, &finish).await.status, 400);
    assert_refused(&app.site("link", Some(&member), Some(&code)).await, 410, "code_unknown", "the code");
    assert_refused(&app.site("login", None, Some(&recognised)).await, 410, "code_unknown", "to be recognised");
    assert_eq!(browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await.status, 400);
    assert_eq!(app.hook(&[confirmed(&app, &someone, &parameter(&dialog, "nonce").unwrap())]).await, 200);
    assert!(!app.linked(&member).await && app.linked(&held).await);
}

/// Every secret that went through browsers, or that LINE gave or was given on the way.
fn secrets(app: &TestApp, browsers: &[Browser]) -> BTreeSet<String> {
    const NAMES: [&str; 5] = ["linkToken", "nonce", "state", "code", "ticket"];
    let mut found = BTreeSet::new();
    for browser in browsers {
        found.extend(browser.cookies().split("; ").filter_map(|cookie| Some(cookie.split_once('=')?.1.to_owned())));
        for seen in browser.seen() {
            let to = seen.headers.get("location").map(|to| to.to_str().expect("ASCII").to_owned());
            for address in [Some(seen.address), to].into_iter().flatten() {
                found.extend(NAMES.iter().filter_map(|name| parameter(&address, name)));
            }
        }
    }
    for exchange in app.installation().line().exchanges().iter().filter(|exchange| exchange.operation == EXCHANGE) {
        let sent = form_urlencoded::parse(&exchange.request);
        let sent = sent.filter(|(name, _)| ["code", "code_verifier"].contains(&&**name));
        found.extend(sent.map(|(_, value)| value.into_owned()));
        let given: Value = serde_json::from_str(&exchange.answer).expect("JSON");
        let tokens = ["access_token", "refresh_token", "id_token"].into_iter();
        found.extend(tokens.filter_map(|name| given[name].as_str().map(str::to_owned)));
    }
    found
}

/// The bytes that a secret of hexadecimal digits stands for, as a table would show them.
fn raw(secret: &str) -> Option<String> {
    let digits: Vec<char> = secret.chars().collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok());
    Some(STANDARD.encode(pairs.collect::<Option<Vec<u8>>>()?))
}

// Secrets are sealed under themselves and said to nobody; pages are kept nowhere and tell nobody their address.
#[tokio::test]
async fn no_secret_of_any_way_is_left_behind_or_told() {
    let app = TestApp::new().await;
    let browsers = [Browser::default(), Browser::default(), Browser::default()];
    for (way, browser) in WAYS.iter().zip(&browsers) {
        let (someone, member) = (app.someone(), app.marker("M-1001"));
        if *way == "chat" {
            let dialog = at_the_dialog(&app, browser, &someone, &member).await;
            let told = app.account_link(&app.confirm_dialog(&dialog, &someone), &id("EA"), app.now());
            assert_eq!(app.hook(&[told]).await, 200);
        } else {
            let code = come(&app, way, browser, &someone).await;
            let page = app.site("login", None, Some(&code)).await;
            assert_eq!(
                (page.status, &page.headers["cache-control"]),
                (200, &http::HeaderValue::from_static("no-store"))
            );
            let finish = app.vouch(&member, &code).await;
            location(&app.finish(browser, &finish).await);
        }
        assert!(app.linked(&member).await, "{way}");
        app.advance(1_000);
        let unlinking = app.sign_in(browser, "?intent=unlink", &someone, &[]).await;
        let ticket = hidden(&browser.get(&app, &unlinking).await, "ticket");
        assert_eq!(browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await.status, 200);
        // Some that are left lying about, and some that lead nowhere.
        app.sign_in(browser, "", &someone, &[]).await;
        come(&app, way, browser, &someone).await;
        let nowhere = "0".repeat(64);
        for path in ["joining?ticket=", "finish?ticket=", "unlinking?ticket=", "callback?code=c&state="] {
            assert_eq!(browser.get(&app, &format!("/link/demo/{path}{nowhere}")).await.status, 400, "{path}");
        }
        assert_eq!(browser.get(&app, "/link/nobody").await.status, 404);
        let elsewhere = Browser::default().get(&app, &app.sign_in(browser, "", &someone, &[]).await).await;
        assert_eq!((elsewhere.status, elsewhere.headers.get("set-cookie")), (403, None));
    }
    let found: BTreeSet<String> = secrets(&app, &browsers).into_iter().filter(|secret| secret.len() >= 32).collect();
    let found: Vec<String> = found.into_iter().filter(|secret| !secret.bytes().all(|byte| byte == b'0')).collect();
    assert!(found.len() > 60, "{} secrets", found.len());
    for secret in &found {
        app.watch(secret);
        if let Some(raw) = raw(secret) {
            app.watch(&raw);
        }
    }
    assert!(app.rows_of("content").len() > 6, "what is left lying about is there, sealed");
    app.assert_nothing_in_the_clear();
    for seen in browsers.iter().flat_map(Browser::seen) {
        let header = |name: &str| seen.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"));
        let what = seen.address.split('?').next().unwrap_or_default();
        let on = seen.status == 303;
        let referrer = if on { "no-referrer" } else { "strict-origin" };
        assert_eq!((header("cache-control"), header("referrer-policy")), ("no-store", referrer), "{what}");
        if !on {
            let policy = header("content-security-policy");
            let style = "default-src 'none'; style-src 'sha256-";
            for part in [style, "; base-uri 'none'; form-action 'self' https:; frame-ancestors 'self'"] {
                assert!(policy.contains(part), "{what}: {policy}");
            }
            assert!(!policy.contains("unsafe") && header("x-content-type-options") == "nosniff", "{what}");
        }
        if let Some((name, rules)) = header("set-cookie").split_once('=') {
            assert_eq!(name, azukari_link::COOKIE);
            let rules = rules.split_once("; ").map_or("", |(_, rules)| rules);
            assert!(rules.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="), "{what}: {rules}");
        }
    }
}

// What is said in one channel, or was begun there, counts there alone.
#[tokio::test]
async fn what_belongs_to_one_channel_is_worth_nothing_in_another() {
    let app = TestApp::new().await;
    let (someone, member, browser) = (app.someone(), app.marker("M-1001"), Browser::default());
    // Assertions: as they are, and addressed to the other channel by a site that is not its own.
    let status = app.site_assertion("demo", "status", Some(&member), None);
    assert_refused(&app.site_call("kept", "status", &status).await, 401, "assertion_audience", "as it is");
    let (audience, now) = (format!("{PUBLIC_URL}/link/kept"), UnixMs::new(app.now()));
    for act in ["login", "link", "status", "unlink"] {
        let example = app.installation().site_key();
        let sent = example.assertion(&site_name("demo"), &audience, act, Some(&member), Some("c"), now).unwrap();
        assert_refused(&app.site_call("kept", act, &sent).await, 401, "assertion_site", act);
    }
    let of_kept = app.site_assertion("kept", "status", Some(&member), None);
    assert_eq!(app.site_call("kept", "status", &of_kept).await.status, 200);
    assert_eq!(app.site_call("nobody", "status", &of_kept).await.status, 404);
    // What is brought by the browser.
    let callback = app.allow(&authorize(&app, &browser, "").await, &someone, &[]);
    let joining = app.sign_in(&browser, "", &someone, &[]).await;
    let unlinking = app.sign_in(&browser, "?intent=unlink", &someone, &[]).await;
    let (own, finish) = ready(&app, &someone, &member).await;
    let code = come(&app, "chat", &browser, &someone).await;
    let dialog = at_the_dialog(&app, &browser, &someone, &member).await;
    let exchanged = asked_line(&app, EXCHANGE);
    for (from, address) in [(&browser, &callback), (&browser, &joining), (&browser, &unlinking), (&own, &finish)] {
        let page = from.get(&app, &address.replace("/link/demo/", "/link/kept/")).await;
        assert_eq!((page.status, page.headers.get("location")), (400, None), "{}", path_of(address));
    }
    assert_eq!(asked_line(&app, EXCHANGE), exchanged);
    assert_eq!(app.vouch_in("kept", &member, &code).await, None);
    let login = app.site_assertion("kept", "login", None, Some(&code));
    assert_refused(&app.site_call("kept", "login", &login).await, 410, "code_unknown", "the code");
    // What LINE confirms there.
    let told = app.account_link(&app.confirm_dialog(&dialog, &someone), &id("EA"), app.now());
    assert_eq!(app.hook_to("kept", std::slice::from_ref(&told)).await, 200);
    nobody_is_linked(&app, &[&member]).await;
    assert_eq!(app.hook(&[told]).await, 200);
    assert!(app.linked(&member).await, "it is as good as before where it belongs");
    // A link of one channel is none in another.
    let of_kept = app.site_assertion("kept", "status", Some(&member), None);
    assert_eq!(app.site_call("kept", "status", &of_kept).await.json(), json!({"linked": false}));
    let of_kept = app.site_assertion("kept", "unlink", Some(&member), None);
    assert_eq!(app.site_call("kept", "unlink", &of_kept).await.status, 200);
    assert!(app.linked(&member).await);
}

fn path_of(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

// Who signs in undoes their own link, in their own browser, by a form and not by looking.
#[tokio::test]
async fn nobody_undoes_somebody_elses_link() {
    let app = TestApp::new().await;
    let (attacker, victim) = (app.someone(), app.someone());
    let (own, others) = (app.marker("M-1001"), app.marker("M-1002"));
    location(&app.link_by_login(&attacker, &own).await);
    location(&app.link_by_login(&victim, &others).await);
    app.advance(1_000);
    let (attackers, victims, strangers) = (Browser::default(), Browser::default(), Browser::default());
    let unlinking = app.sign_in(&victims, "?intent=unlink", &victim, &[]).await;
    let ticket = hidden(&victims.get(&app, &unlinking).await, "ticket");
    let fields = [("ticket", ticket.as_str())];
    app.sign_in(&attackers, "?intent=unlink", &attacker, &[]).await;
    for browser in [&attackers, &strangers] {
        assert_eq!(browser.get(&app, &unlinking).await.status, 403);
        assert_eq!(browser.post(&app, "/link/demo/unlink", &fields).await.status, 403);
    }
    // Looking, at whatever address and with whatever method, undoes nothing.
    for path in [format!("/link/demo/unlink?ticket={ticket}"), unlinking] {
        assert_eq!(victims.get(&app, &path).await.status, 200);
    }
    for method in ["PUT", "DELETE", "PATCH"] {
        let request = Request::builder().method(method).uri("/link/demo/unlink").header("cookie", victims.cookies());
        assert_eq!(app.request(request.body(Body::from(form(&fields))).unwrap()).await.status, 405, "{method}");
    }
    assert!(app.linked(&own).await && app.linked(&others).await);
    assert_eq!(asked_line(&app, "POST /user/v1/deauthorize"), 0);
    assert_eq!(victims.post(&app, "/link/demo/unlink", &fields).await.status, 200);
    assert!(app.linked(&own).await && !app.linked(&others).await);
}

// What the business has ended has ended, also what somebody had begun for that member id.
#[tokio::test]
async fn what_was_begun_for_a_member_does_not_outlive_the_business_word() {
    for held in [false, true] {
        let app = TestApp::new().await;
        let (holder, other, member) = (app.someone(), app.someone(), app.marker("M-1001"));
        if held {
            app.link_in_chat(&holder, &member).await;
            app.advance(1_000);
        }
        let browser = Browser::default();
        let code = come(&app, "login", &browser, &other).await;
        let finish = app.vouch(&member, &code).await;
        app.advance(1_000);
        assert_eq!(app.site("unlink", Some(&member), None).await.status, 200);
        app.advance(1_000);
        assert_eq!(app.finish(&browser, &finish).await.status, 400, "held: {held}");
        assert!(!app.linked(&member).await && app.linkage(&other).is_none());
        // What is begun afterwards counts.
        app.advance(1_000);
        location(&app.link_by_login(&other, &member).await);
        assert!(app.linked(&member).await);
        app.sweep_all().await;
        assert!(app.linked(&member).await);
    }
}

// Nobody is signed in at a site where they have not begun: the code could be somebody else's.
#[tokio::test]
async fn who_is_linked_and_did_not_begin_at_the_site_is_not_signed_in_there() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    let browser = Browser::default();
    // Agreed to before the link was made elsewhere, and brought to the site after it.
    let code = come(&app, "login", &browser, &someone).await;
    app.link_in_chat(&someone, &member).await;
    assert_refused(&app.site("login", None, Some(&code)).await, 410, "code_unknown", "a code without a state");
    let authorize = location(&browser.get(&app, "/link/demo/login").await);
    let back = browser.get(&app, &app.allow(&authorize, &someone, &[])).await;
    assert!(back.status == 200 && back.text.contains("すでに連携しています"), "{}", back.text);
    // Its button leads to where the link is undone.
    let undo = format!("{PUBLIC_URL}/link/demo/unlink?lang=ja");
    assert!(back.text.contains(&format!("<a class=\"button\" href=\"{undo}\">連携を解除する</a>")), "{}", back.text);
    let undo = browser.get(&app, &undo).await;
    assert!(undo.status == 200 && undo.text.contains("data-page=\"unlink\""), "{}", undo.text);
    assert!(app.linked(&member).await, "looking undoes nothing");
}

// What is sent from a page leads on over HTTPS; over HTTP only where a site is under development.
#[tokio::test]
async fn pages_lead_on_over_http_only_to_a_site_under_development() {
    let block = Shop::new("shop", "demo").block(1_000);
    for (from, to, action) in [
        ("https://shop.example", "https://shop.example", "; form-action 'self' https:; "),
        ("https://shop.example/line", "http://localhost:3000/line", "; form-action 'self' https: http:; "),
        ("https://shop.example/back", "http://127.0.0.1:3000/back", "; form-action 'self' https: http:; "),
    ] {
        let sites = block.replace(from, to);
        let app = TestApp::with_files(&[("sites.toml", sites.as_str())]).await;
        for path in ["/link/demo", "/link/nobody"] {
            let page = app.get(path).await;
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains(action), "{to} {path}: {policy}");
        }
    }
}

// Ending links has its own hour: visitors who bring codes do not use it up.
#[tokio::test]
async fn codes_that_visitors_bring_do_not_stop_a_site_from_ending_links() {
    let shop = Shop::new("shop", "demo");
    let sites = shop.block(3);
    let app = TestApp::with_files(&[("sites.toml", sites.as_str())]).await;
    let made_up = "0".repeat(64);
    let call = async |act: &str, member: Option<&str>, code: Option<&str>| {
        let claims = shop.claims(&app, act, member, code);
        app.site_call("demo", act, &shop.sign(&claims)).await
    };
    for _ in 0..3 {
        assert_eq!(call("login", None, Some(&made_up)).await.status, 410);
    }
    assert_refused(&call("login", None, Some(&made_up)).await, 429, "too_often", "the fourth");
    assert_eq!(call("unlink", Some("M-1"), None).await.status, 200);
}

#[tokio::test]
async fn what_the_business_has_ended_stays_void_whoever_is_joined_since() {
    let app = TestApp::new().await;
    let (one, two, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    let browser = Browser::default();
    let code = come(&app, "login", &browser, &one).await;
    let finish = app.vouch(&member, &code).await;
    assert_eq!(app.site("unlink", Some(&member), None).await.status, 200);
    app.advance(1_000);
    assert_eq!(app.link_by_login(&two, &member).await.status, 303);
    assert!(app.linked(&member).await);
    app.advance(1_000);
    // Their own unlinking, and what the sweeper clears away after it, changes nothing.
    assert_eq!(app.hook(&[two.postback(&id("EU"), app.now(), "azukari:unlink")]).await, 200);
    app.sweep_all().await;
    assert_eq!(app.finish(&browser, &finish).await.status, 400);
    assert!(!app.linked(&member).await && app.linkage(&one).is_none());
}
