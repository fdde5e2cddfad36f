//! Signing in and linking, without HTTP.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use azukari::{
    domain::time::UnixMs,
    host::{
        clock::Clock,
        mint::{Mint, SystemMint},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Dialog, DialogError, Faults, Grant, Granted, Line, LoginChannel, Refused};
use crate::{
    clock::MovableClock,
    engine::wire::{Asked, Engine},
};

const BASE: &str = "http://127.0.0.1:8080";
const CALLBACK: &str = "http://127.0.0.1:8080/link/demo/callback";
const USER: &str = "U0123456789abcdef0123456789abcdef";
const OTHER: &str = "Uffffffffffffffffffffffffffffffff";
const ID: &str = "1234567890";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const VERIFIER: &str = "abcdefghijklmnopqrstuvwxyz-0123456789.ABCDEFG~_";
const MINUTE: i64 = 60_000;

struct World {
    line: Line,
    clock: Arc<MovableClock>,
}

fn world() -> World {
    let clock = Arc::new(MovableClock::frozen(UnixMs::new(1_795_230_000_000)));
    let mint: Arc<dyn Mint> = Arc::new(SystemMint::new());
    let tokens = HashMap::from([("messaging".to_owned(), "demo".to_owned())]);
    let login = |channel: &str, id: &str, secret: &str| LoginChannel {
        channel: channel.to_owned(),
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    let logins = vec![login("demo", ID, SECRET), login("other", "1987654321", "another")];
    World { line: Line::new(Arc::clone(&clock), mint, tokens, logins), clock }
}

fn encoded(members: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish()
}

/// The members of an address' query.
fn query(address: &str) -> HashMap<String, String> {
    let (_, query) = address.split_once('?').unwrap();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// An authorization request, with members replaced, added, or (empty) taken out.
fn request(changes: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let usual = [
        ("response_type", "code"),
        ("client_id", ID),
        ("redirect_uri", CALLBACK),
        ("state", "s1"),
        ("scope", "openid profile real_name address"),
        ("nonce", "n-1"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let mut members: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).collect();
    members.extend(changes);
    encoded(&members)
}

fn scopes(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

impl World {
    fn call(&self, operation: &str, bearer: Option<&str>, body: &str) -> (u16, Value) {
        let asked = Asked {
            role: None,
            operation: operation.to_owned(),
            body: body.as_bytes().to_vec(),
            bearer: bearer.map(str::to_owned),
            retry_key: None,
        };
        let reply = self.line.answer(&asked);
        (reply.status, serde_json::from_str(&reply.body).unwrap_or_default())
    }

    fn grant(&self, changes: &[(&str, &str)], granted: &str) -> Granted {
        let wanted = self.line.authorization(&request(changes), BASE).unwrap();
        self.line.grant(&wanted, USER, &Grant { scopes: scopes(granted), add_friend: true }).unwrap()
    }

    fn code(&self) -> String {
        query(&self.grant(&[], "real_name").location)["code"].clone()
    }

    fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", ID),
            ("client_secret", SECRET),
            ("code_verifier", VERIFIER),
        ];
        let mut members: Vec<(&str, &str)> =
            usual.into_iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).collect();
        members.extend(changes);
        self.call("POST /oauth2/v2.1/token", None, &encoded(&members))
    }

    fn access_token(&self) -> String {
        let (status, tokens) = self.exchange(&self.code(), &[]);
        assert_eq!(status, 200, "{tokens}");
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    fn channel_token(&self) -> String {
        let form = encoded(&[("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)]);
        let (status, token) = self.call("POST /oauth2/v3/token", None, &form);
        assert_eq!((status, &token["expires_in"], &token["token_type"]), (200, &json!(900), &json!("Bearer")));
        token["access_token"].as_str().unwrap().to_owned()
    }

    fn link_token(&self) -> String {
        let (status, issued) = self.call(&format!("POST /v2/bot/user/{USER}/linkToken"), Some("messaging"), "");
        assert_eq!(status, 200, "{issued}");
        issued["linkToken"].as_str().unwrap().to_owned()
    }
}

fn refused(answer: (u16, Value), error: &str) {
    assert_eq!((answer.0, &answer.1["error"]), (400, &json!(error)), "{}", answer.1);
}

#[test]
fn what_is_wrong_with_a_request_goes_back_or_is_shown() {
    let world = world();
    let read = |query: &str| world.line.authorization(query, BASE);
    let wanted = read(&request(&[])).unwrap();
    assert_eq!((wanted.channel.as_str(), wanted.scopes.len()), ("demo", 4));
    let with_query = format!("{CALLBACK}?lang=en");
    assert!(read(&request(&[("redirect_uri", with_query.as_str())])).is_ok());
    assert!(read(&request(&[("code_challenge", ""), ("code_challenge_method", "")])).is_ok());
    assert!(read(&request(&[("something_new", "1"), ("ui_locales", "ja en-GB"), ("max_age", "60")])).is_ok());
    for client in ["", "1", "1987654321 "] {
        assert_eq!(read(&request(&[("client_id", client)])).unwrap_err(), Refused::UnknownClient, "{client}");
    }
    for uri in [
        "",
        "https://evil.example/link/demo/callback",
        "http://127.0.0.1:8080/link/other/callback",
        "http://127.0.0.1:8080/link/demo/callback/",
        "http://127.0.0.1:8080/link/demo/callbacks",
        "http://127.0.0.1:8080/link/demo/callback#a",
        "http://127.0.0.1:8080/link/demo/callback?a=b\r\nc",
    ] {
        assert_eq!(read(&request(&[("redirect_uri", uri)])).unwrap_err(), Refused::RedirectUri, "{uri}");
    }
    let cases: [(&str, &str, &str); 17] = [
        ("response_type", "", "INVALID_REQUEST"),
        ("response_type", "token", "UNSUPPORTED_RESPONSE_TYPE"),
        ("response_mode", "form_post", "INVALID_REQUEST"),
        ("state", "", "INVALID_REQUEST"),
        ("state", "a-b", "INVALID_REQUEST"),
        ("scope", "", "INVALID_SCOPE"),
        ("scope", "email", "INVALID_SCOPE"),
        ("scope", "profile real_name", "INVALID_SCOPE"),
        ("scope", "openid everything", "INVALID_SCOPE"),
        ("code_challenge", "short", "INVALID_REQUEST"),
        ("code_challenge", "", "INVALID_REQUEST"),
        ("code_challenge_method", "plain", "INVALID_REQUEST"),
        ("code_challenge_method", "", "INVALID_REQUEST"),
        ("prompt", "maybe", "INVALID_REQUEST"),
        ("max_age", "-1", "INVALID_REQUEST"),
        ("ui_locales", "ja,en", "INVALID_REQUEST"),
        ("bot_prompt", "loud", "INVALID_REQUEST"),
    ];
    for (name, value, expected) in cases {
        let Refused::Back { error, location } = read(&request(&[(name, value)])).unwrap_err() else {
            panic!("{name}={value} is shown");
        };
        let told = query(&location);
        assert_eq!((error, told["error"].as_str()), (expected, expected), "{name}={value}");
        assert_eq!(told.get("state").map(String::as_str), (name != "state").then_some("s1"), "{name}={value}");
        assert!(location.starts_with(CALLBACK) && !told["error_description"].is_empty());
    }
    let twice = format!("{}&nonce=n-2", request(&[]));
    assert!(matches!(read(&twice), Err(Refused::Back { error: "INVALID_REQUEST", .. })));
    let denied = query(&world.line.deny(&wanted));
    assert_eq!((denied["error"].as_str(), denied["state"].as_str()), ("ACCESS_DENIED", "s1"));
}

#[test]
fn a_code_is_good_for_tokens() {
    let world = world();
    let claims = json!({
        "family_name": "見本", "given_name": "花子", "gender": "female", "address": {"region": "東京都"},
    });
    world.line.set_profile_plus(USER, claims);
    let granted = world.grant(&[("scope", "openid profile email real_name gender")], "real_name email");
    assert_eq!((query(&granted.location)["state"].as_str(), granted.follows), ("s1", false));
    let (status, tokens) = world.exchange(&query(&granted.location)["code"], &[]);
    assert_eq!((status, &tokens["expires_in"], &tokens["token_type"]), (200, &json!(2_592_000), &json!("Bearer")));
    assert_eq!(tokens["scope"], "openid profile real_name", "email is never listed");
    assert!(tokens["refresh_token"].is_string());
    let id_token = tokens["id_token"].as_str().unwrap();
    let verify = |changes: &[(&str, &str)]| {
        let mut members = vec![("id_token", id_token), ("client_id", ID)];
        members.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        members.extend(changes);
        world.call("POST /oauth2/v2.1/verify", None, &encoded(&members))
    };
    let (status, claims) = verify(&[("nonce", "n-1"), ("user_id", USER)]);
    assert_eq!(status, 200, "{claims}");
    let now = world.clock.now().seconds();
    let expected = json!({
        "iss": "https://access.line.me", "sub": USER, "aud": ID, "exp": now + 3_600, "iat": now, "nonce": "n-1",
        "amr": ["linesso"], "name": "シミュレーターの友だち", "family_name": "見本", "given_name": "花子",
    });
    assert_eq!(claims, expected, "gender was not granted, address not asked for");
    let edited = format!("{id_token}a");
    for (changes, description) in [
        (&[("id_token", edited.as_str())][..], "Invalid IdToken."),
        (&[("client_id", "1987654321")][..], "Invalid IdToken Audience."),
        (&[("nonce", "n-2")][..], "Invalid IdToken Nonce."),
        (&[("user_id", OTHER)][..], "Invalid IdToken Subject Identifier."),
    ] {
        let (status, answer) = verify(changes);
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
        assert_eq!(answer["error_description"], description);
    }
    world.clock.advance(60 * MINUTE);
    assert_eq!(verify(&[]).1["error_description"], "IdToken expired.");
    // What LIFF hands out holds there, too.
    let liff = world.line.id_token(USER, ID).unwrap();
    assert_eq!(verify(&[("id_token", liff.as_str())]).1["sub"], USER);

    let token = tokens["access_token"].as_str().unwrap();
    let get = |path: &str| world.call(&format!("GET {path}"), Some(token), "");
    let profile = json!({"userId": USER, "displayName": "シミュレーターの友だち"});
    assert_eq!(get("/v2/profile"), (200, profile));
    assert_eq!(get("/oauth2/v2.1/userinfo").1["sub"], USER);
    assert_eq!(get("/friendship/v1/status"), (200, json!({"friendFlag": true})));
    let alive = || world.call(&format!("GET /oauth2/v2.1/verify?access_token={token}"), None, "");
    let left = 2_592_000 - 3_600;
    let expected = json!({"scope": "openid profile real_name", "client_id": ID, "expires_in": left});
    assert_eq!(alive(), (200, expected));
    let recorded = world.line.exchanges();
    assert_eq!(recorded.last().unwrap().operation, "GET /oauth2/v2.1/verify");
    assert!(!format!("{recorded:?}").contains(token));
    let form = encoded(&[("access_token", token), ("client_id", ID), ("client_secret", SECRET)]);
    assert_eq!(world.call("POST /oauth2/v2.1/revoke", None, &form).0, 200);
    refused(alive(), "invalid_request");
    assert_eq!(get("/v2/profile").0, 401);
}

#[test]
fn a_code_is_good_once_for_ten_minutes_and_where_it_was_sent() {
    let world = world();
    let code = world.code();
    assert_eq!(world.exchange(&code, &[]).0, 200);
    refused(world.exchange(&code, &[]), "invalid_grant");
    let other = "abcdefghijklmnopqrstuvwxyz-0123456789.ABCDEFG~-";
    for changes in [
        [("code_verifier", other)],
        [("code_verifier", "too-short")],
        [("code_verifier", "")],
        [("redirect_uri", "http://127.0.0.1:8080/link/demo/callback?a=b")],
    ] {
        refused(world.exchange(&world.code(), &changes), "invalid_grant");
    }
    let unproven = world.grant(&[("code_challenge", ""), ("code_challenge_method", "")], "");
    let unproven = query(&unproven.location)["code"].clone();
    refused(world.exchange(&unproven, &[]), "invalid_grant");
    let code = world.code();
    refused(world.exchange(&code, &[("client_secret", "wrong")]), "invalid_client");
    refused(world.exchange(&code, &[("client_id", "1987654321"), ("client_secret", "another")]), "invalid_grant");
    refused(world.exchange(&code, &[("grant_type", "refresh_token")]), "unsupported_grant_type");
    world.clock.advance(10 * MINUTE - 1);
    assert_eq!(world.exchange(&code, &[]).0, 200, "still good");
    let code = world.code();
    world.clock.advance(10 * MINUTE);
    refused(world.exchange(&code, &[]), "invalid_grant");
}

#[test]
fn deauthorizing_ends_the_tokens_and_what_was_agreed_to() {
    let world = world();
    let wanted = world.line.authorization(&request(&[("scope", "openid profile real_name")]), BASE).unwrap();
    assert!(!world.line.has_consented(&wanted, USER));
    let token = world.access_token();
    assert!(world.line.has_consented(&wanted, USER) && !world.line.has_consented(&wanted, OTHER));
    let more = world.line.authorization(&request(&[("scope", "openid profile phone")]), BASE).unwrap();
    assert!(!world.line.has_consented(&more, USER), "the phone number was never granted");
    let anew = request(&[("scope", "openid"), ("prompt", "consent")]);
    assert!(!world.line.has_consented(&world.line.authorization(&anew, BASE).unwrap(), USER));

    let body = json!({ "userAccessToken": token }).to_string();
    let deauthorize = |bearer: &str, body: &str| world.call("POST /user/v1/deauthorize", Some(bearer), body).0;
    let channel = world.channel_token();
    assert_eq!(deauthorize("messaging", &body), 401);
    assert_eq!(deauthorize(&channel, "{}"), 400);
    assert_eq!(deauthorize(&channel, &body), 204);
    assert_eq!(deauthorize(&channel, &body), 400, "it is dead");
    assert_eq!(world.call("GET /v2/profile", Some(&token), "").0, 401);
    assert!(!world.line.has_consented(&wanted, USER), "asked again");
    let again = json!({ "userAccessToken": world.access_token() }).to_string();
    world.clock.advance(15 * MINUTE);
    assert_eq!(deauthorize(&channel, &again), 401, "a channel token lives a quarter of an hour");
    assert_eq!(deauthorize(&world.channel_token(), &again), 204);
}

#[test]
fn an_account_is_added_if_it_was_offered_and_wanted() {
    let world = world();
    let user = world.line.new_friend("demo", "さくら");
    let grant = |changes: &[(&str, &str)], add_friend: bool| {
        let wanted = world.line.authorization(&request(changes), BASE).unwrap();
        let granted = world.line.grant(&wanted, &user, &Grant { add_friend, ..Grant::default() }).unwrap();
        (granted.follows, query(&granted.location).get("friendship_status_changed").cloned())
    };
    let offered = [("bot_prompt", "normal")];
    assert_eq!(grant(&[], true), (false, None), "it was not offered");
    assert_eq!(grant(&offered, false), (false, Some("false".to_owned())));
    assert!(!world.line.friend(&user).unwrap().following);
    assert_eq!(grant(&offered, true), (true, Some("true".to_owned())));
    assert!(world.line.friend(&user).unwrap().following);
    assert_eq!(grant(&offered, true), (false, Some("false".to_owned())), "it was added before");
    let wanted = world.line.authorization(&request(&[]), BASE).unwrap();
    assert!(world.line.grant(&wanted, "nobody", &Grant::default()).is_err());
}

#[test]
fn a_link_token_is_good_once_for_ten_minutes_and_for_one_person() {
    let world = world();
    let nonce = "0123456789";
    let dialog = |token: &str, user: &str| world.line.link_dialog(token, nonce, user);
    let done = |user: Option<&str>| Dialog {
        channel: "demo".to_owned(),
        user: user.map(str::to_owned),
        nonce: nonce.to_owned(),
    };
    let token = world.link_token();
    assert_eq!(world.line.link_channel(&token).as_deref(), Some("demo"));
    assert_eq!(world.line.link_dialog(&token, "short", USER), Err(DialogError::Nonce));
    assert_eq!(world.line.link_dialog(&token, &"n".repeat(256), USER), Err(DialogError::Nonce));
    assert_eq!(dialog(&token, USER), Ok(done(Some(USER))));
    assert_eq!(dialog(&token, USER), Err(DialogError::Token), "used");
    assert_eq!(world.line.link_channel(&token), None);
    let token = world.link_token();
    assert_eq!(dialog(&token, OTHER), Ok(done(None)), "somebody else");
    assert_eq!(dialog(&token, USER), Err(DialogError::Token), "used up by it");
    let token = world.link_token();
    world.clock.advance(10 * MINUTE);
    assert_eq!(dialog(&token, USER), Err(DialogError::Token), "too old");
    assert_eq!(dialog("never", USER), Err(DialogError::Token));
    assert_eq!(world.call("POST /v2/bot/user/U1/linkToken", Some("messaging"), "").0, 400);
    assert_eq!(world.call(&format!("POST /v2/bot/user/{USER}/linkToken"), Some("wrong"), "").0, 401);
}

#[test]
fn somebody_sees_a_rich_menu_of_their_own() {
    let world = world();
    let call = |operation: String| world.call(&operation, Some("messaging"), "");
    let own = format!("/v2/bot/user/{USER}/richmenu");
    assert_eq!(call(format!("GET {own}")).0, 404);
    assert_eq!(call(format!("POST {own}/richmenu-1")), (200, json!({})));
    assert_eq!(call(format!("GET {own}")), (200, json!({"richMenuId": "richmenu-1"})));
    assert_eq!(world.line.rich_menu("demo", USER).as_deref(), Some("richmenu-1"));
    assert_eq!(call(format!("DELETE {own}")), (200, json!({})));
    assert_eq!(world.line.rich_menu("demo", USER), None);
    assert_eq!(call("GET /v2/bot/user/U1/richmenu".to_owned()).0, 400);
}

#[test]
fn the_answers_about_linking_can_be_made_bad() {
    let world = world();
    let code = world.code();
    let token = world.access_token();
    let channel = world.channel_token();
    let bad = Answer::TooManyRequests;
    world.line.set_faults(Faults {
        token: bad,
        link_token: bad,
        deauthorize: bad,
        rich_menu: bad,
        ..Faults::default()
    });
    assert_eq!(world.exchange(&code, &[]).0, 429);
    let body = json!({ "userAccessToken": token }).to_string();
    assert_eq!(world.call("POST /user/v1/deauthorize", Some(&channel), &body).0, 429);
    for operation in ["POST /v2/bot/user/U1/linkToken", "DELETE /v2/bot/user/U1/richmenu"] {
        assert_eq!(world.call(operation, Some("messaging"), "").0, 429, "{operation}");
    }
    assert_eq!(world.call("GET /v2/profile", Some(&token), "").0, 200, "only what was named");
    world.line.set_faults(Faults::default());
    assert_eq!(world.exchange(&code, &[]).0, 200, "it took no effect");
}
