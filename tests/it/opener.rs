//! The only door: who may open what, on which record, and what stays shut.

use std::collections::BTreeSet;

use azukari::{
    domain::{
        consent::Said,
        id::{ChannelName, DefinitionId, LineUserId, SubjectId, VersionId},
        plain::Plain,
        time::{DAY_MS, HOUR_MS, UnixMs},
    },
    host::roles::Role,
    seal::{self, place::RowPlace},
    store::{
        Item, key, ledger,
        tables::Table,
        value::{ValueKind, ValueRow},
    },
};
use azukari_local::engine::wire::{Calm, Service};
use azukari_tests::{
    app::{NOON, TestApp},
    faults::faults,
    line::{Someone, order_at, some_notice},
    operators::{key as operator_key, open},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Every act, as operators who may: for the comparison of what is granted with what is
/// called.
pub(crate) async fn every_act(app: &TestApp, channel: &str, someone: &Someone) {
    assert_eq!(app.open_all(channel, someone).await["status"], "opened");
    assert!(app.ask("desk", &json!({"act": "list"})).await["arrivals"].is_array());
    assert!(app.ask("desk", &json!({"act": "requests"})).await["requests"].is_array());
    let counted = app.ask("desk", &json!({"act": "count", "form": "satisfaction"})).await;
    assert_eq!(counted["counted"]["anonymous"], true, "{counted}");
    // Somebody else: what is held of the first is not to go.
    let leaves = known(app, "b").await;
    let erase = json!({"act": "erase", "user_id": leaves.0, "channel": "kept", "reason": "request"});
    assert_eq!(app.ask("officer", &erase).await["erasure"]["status"], "ordered");
    assert!(app.ask("auditor", &json!({"act": "ledger"})).await["rows"].is_array());
}

/// Somebody in a channel that keeps, with one message.
async fn known(app: &TestApp, text: &str) -> Someone {
    let someone = app.someone();
    let id = format!("{:x}", azukari_tests::app::unique());
    assert_eq!(app.hook_to("kept", &[someone.text(&id, NOON, text)]).await, 200);
    someone
}

/// The same, and they have agreed, so that their profile is there.
async fn agreed(app: &TestApp, text: &str) -> Someone {
    let someone = known(app, text).await;
    app.agree("kept", &someone, NOON - 1).await;
    someone
}

fn texts(person: &Value) -> Vec<&str> {
    let records = person["records"].as_array().into_iter().flatten();
    records.filter_map(|record| record["fields"]["text"].as_str()).collect()
}

async fn say(app: &TestApp, channel: &str, someone: &Someone, purpose: &str, said: Said, at: i64) {
    let subject = app.subject(channel, someone).unwrap();
    let vault = app.installation().vault_as(Role::Sweeper).unwrap();
    let purpose = &app.installation().published().purposes[purpose].id;
    vault.put_consent(subject, purpose, said, &some_notice(), &order_at(at)).await.unwrap();
}

/// Rewrites a row as somebody who can only write the table, or (`tagged`) as somebody
/// who also holds the origin key.
pub(crate) async fn rewrite(app: &TestApp, row: &Value, tagged: bool, change: impl FnOnce(&mut Value)) {
    let mut row = row.clone();
    change(&mut row);
    let mut map = ledger::from_json(&row).unwrap();
    if tagged {
        map.remove("tag");
        let secrets = app.installation().secrets(Role::Sweeper);
        let origin = azukari::host::secrets::origin(&secrets).unwrap();
        map = Item::read(map).vouched(&origin).into_map();
    }
    // Past the role table, as who has got at the table itself.
    let request = json!({ "TableName": "vault", "Item": ledger::to_json(&map) });
    let request = serde_json::from_value(request).unwrap();
    app.installation().dynamodb().database().put_item(request).unwrap();
}

fn row_of(app: &TestApp, someone: &Someone, sk: &str) -> Value {
    let subject = app.subject("kept", someone).unwrap();
    app.rows_of_person(subject).into_iter().find(|row| row["sk"]["S"] == sk).unwrap()
}

#[tokio::test]
async fn only_the_asked_fields_come_back_and_the_entry_says_so() {
    let app = TestApp::new().await;
    let text = app.marker("来週の土曜");
    let someone = known(&app, &text).await;
    let answer = app.ask("desk", &open("kept", &[&someone], &["text"], Some("chat"))).await;
    let person = &answer["people"][0];
    assert_eq!(person["status"], "opened");
    let [record] = &person["records"].as_array().unwrap()[..] else { panic!("one record of this purpose") };
    assert!(record["fields"] == json!({ "text": text }), "text and nothing else");
    assert_eq!(
        (&record["kind"], &record["purpose"], &record["policy"], &record["shown"]),
        (&json!("message"), &json!("chat"), &json!("privacy.1"), &json!("none"))
    );
    assert_eq!((&record["at"], &record["due_at"]), (&json!(NOON), &json!(NOON + 180 * DAY_MS)));
    let [entry] = &app.entries()[..] else { panic!("one entry") };
    let subject = app.subject("kept", &someone).unwrap();
    assert_eq!(entry["subjects"]["S"], json!([subject.to_string()]).to_string());
    assert_eq!(entry["fields"]["S"], "[\"text\"]");
    assert_eq!(entry["purpose"]["S"], app.installation().published().purposes["chat"].id.as_str());
    assert_eq!((&entry["act"]["S"], &entry["operator"]["S"]), (&json!("open"), &json!("desk")));
    assert_eq!(entry["reason"]["S"], "inquiry");
}

#[tokio::test]
async fn a_star_is_every_field_of_every_purpose_held_and_the_entry_says_so() {
    let app = TestApp::new().await;
    let text = app.marker("全部");
    let someone = agreed(&app, &text).await;
    let person = app.open_all("kept", &someone).await;
    let kinds: BTreeSet<&str> =
        person["records"].as_array().unwrap().iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["contact", "message", "profile"]));
    assert!(person["records"][0]["fields"]["line_user_id"] == someone.0.as_str());
    let entry = &app.entries()[0];
    assert_eq!(entry["purpose"]["S"], "*");
    let fields: Vec<String> = serde_json::from_str(entry["fields"]["S"].as_str().unwrap()).unwrap();
    assert!(fields.len() > 30 && !fields.contains(&"*".to_owned()), "{fields:?}");
}

#[tokio::test]
async fn what_messages_are_made_of_is_in_the_catalogue() {
    let app = TestApp::new().await;
    let events = crate::canary::everything(&app);
    let user = Someone(events[0]["source"]["userId"].as_str().unwrap().to_owned());
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let answer = app.ask("officer", &open("kept", &[&user], &["*"], None)).await;
    let person = &answer["people"][0];
    let sealed = app.rows_of_person(app.subject("kept", &user).unwrap());
    for row in sealed.iter().filter(|row| row.get("env").is_some()) {
        let all = app.opened("kept", &user, row).await.unwrap();
        let record = person["records"].as_array().unwrap().iter().find(|record| record["id"] == row["sk"]["S"]);
        let shown = record.map_or(0, |record| record["fields"].as_object().unwrap().len());
        assert_eq!(shown, all.len(), "{:?} of {}", all.keys(), row["kind"]["S"]);
    }
}

#[tokio::test]
async fn every_role_meets_every_act() {
    let app = TestApp::new().await;
    let someone = agreed(&app, "a").await;
    let chat = open("kept", &[&someone], &["text"], Some("chat"));
    let profile = open("kept", &[&someone], &["display_name"], Some("profile"));
    let every = open("kept", &[&someone], &["text"], None);
    let (list, ledger) = (json!({"act": "list"}), json!({"act": "ledger"}));
    let acts = [&chat, &profile, &every, &list, &ledger];
    let may = [
        ("officer", [true, true, true, true, true]),
        ("desk", [true, false, false, true, false]),
        ("crm", [true, false, false, false, false]),
        ("auditor", [false, false, false, false, true]),
    ];
    for (operator, expected) in may {
        for (act, expected) in acts.iter().zip(expected) {
            let before = app.entries().len();
            let answer = app.ask(operator, act).await;
            assert_eq!(answer.get("error").is_none(), expected, "{operator}: {act}");
            if !expected {
                assert_eq!(answer["error"]["code"], "not_granted");
                assert_eq!(answer["error"]["status"], 403);
            }
            assert_eq!(app.entries().len(), before + 1, "granted or not, it is an entry");
        }
    }
    let refused = app.entered().iter().filter(|entry| entry.ends_with("not_granted")).count();
    assert_eq!(refused, 3 + 4 + 4);
}

/// A token with any header and payload, signed by somebody's key or not at all.
fn token(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test]
async fn assertions_that_do_not_hold_are_refused_and_recorded() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let request = open("kept", &[&someone], &["text"], Some("chat"));
    let desk = operator_key("desk");
    let claims = || app.claims("desk", &request);
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let signed = |claims: &Value| desk.sign(claims).unwrap();
    let now = app.now() / 1_000;
    let good = signed(&claims());
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other_payload = URL_SAFE_NO_PAD.encode(with("request", json!({"act": "ledger"})).to_string());
    let es = json!({"alg": "ES256", "typ": "operator+jwt"});
    let none = json!({"alg": "none", "typ": "operator+jwt"});
    let hs = jsonwebtoken::Header { typ: Some("operator+jwt".into()), ..jsonwebtoken::Header::default() };
    // The classical swap: the public key as the secret of an HMAC.
    let hs_key = jsonwebtoken::EncodingKey::from_secret(desk.public_text().as_bytes());
    let hs = jsonwebtoken::encode(&hs, &claims(), &hs_key).unwrap();
    let untyped = {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("JWT".into());
        let swapped = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap());
        format!("{swapped}.{payload}.{signature}")
    };
    let table = [
        ("nothing", String::new(), "malformed", "?"),
        ("no token", "a.b.c".to_owned(), "malformed", "?"),
        ("two parts", format!("{header}.{payload}"), "malformed", "desk"),
        ("unsigned", token(&none, &claims(), ""), "algorithm", "desk"),
        ("no signature", token(&es, &claims(), ""), "signature", "desk"),
        ("another payload", format!("{header}.{other_payload}.{signature}"), "signature", "desk"),
        ("another's key", operator_key("officer").sign(&claims()).unwrap(), "signature", "desk"),
        ("HMAC", hs, "algorithm", "desk"),
        ("another type", untyped, "malformed", "desk"),
        ("a stranger", signed(&with("iss", json!("stranger"))), "unknown_operator", "?"),
        ("no issuer", signed(&without("iss")), "unknown_operator", "?"),
        ("another audience", signed(&with("aud", json!("azukari:other"))), "audience", "desk"),
        ("no audience", signed(&without("aud")), "audience", "desk"),
        ("expired", signed(&with("exp", json!(now))), "expired", "desk"),
        ("no expiry", signed(&without("exp")), "malformed", "desk"),
        ("of the future", signed(&with("iat", json!(now + 31))), "not_yet", "desk"),
        ("not before", signed(&with("nbf", json!(now + 31))), "not_yet", "desk"),
        ("too long", signed(&with("exp", json!(now + 301))), "too_long", "desk"),
        ("without beginning", signed(&with("iat", json!(i64::MIN))), "malformed", "desk"),
        ("of before all time", signed(&with("iat", json!(-1))), "malformed", "desk"),
        ("of the end of time", signed(&with("exp", json!(i64::MAX))), "too_long", "desk"),
        ("a short id", signed(&with("jti", json!("123456789012345"))), "malformed", "desk"),
        ("no id", signed(&without("jti")), "malformed", "desk"),
        ("too large", format!("{header}.{}.{signature}", "A".repeat(70_000)), "malformed", "?"),
    ];
    for (what, assertion, code, operator) in table {
        let before = app.entries().len();
        app.start_counting();
        let answer = app.invoke(&assertion).await;
        assert_eq!(answer["error"]["code"], code, "{what}");
        assert_eq!(answer["error"]["status"], 401, "{what}");
        assert_eq!(app.entries().len(), before + 1, "{what} is recorded");
        let entry = app.entered().pop();
        assert_eq!(entry, Some(format!("refuse {operator} {code}")), "{what}");
        let opened = app.calls().iter().any(|call| call.operation == "Decrypt");
        assert!(!opened, "{what}");
    }
    assert_eq!(app.invoke(&good).await["people"][0]["status"], "opened", "the good one is still good");
}

#[tokio::test]
async fn an_assertion_is_for_one_use() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let request = open("kept", &[&someone], &["text"], Some("chat"));
    let assertion = app.assertion("desk", &request);
    assert_eq!(app.invoke(&assertion).await["people"][0]["status"], "opened");
    let again = app.invoke(&assertion).await;
    assert_eq!((&again["error"]["code"], &again["error"]["status"]), (&json!("replayed"), &json!(401)));
    assert_eq!(app.entered(), ["open desk -", "refuse desk replayed"]);
    // The same id with another signature is the same assertion.
    let mut claims = app.claims("desk", &request);
    claims["jti"] = json!("0123456789abcdef");
    let key = operator_key("desk");
    assert!(app.invoke(&key.sign(&claims).unwrap()).await.get("error").is_none());
    assert_eq!(app.invoke(&key.sign(&claims).unwrap()).await["error"]["code"], "replayed");
    // Another operator's ids are their own.
    claims["iss"] = json!("crm");
    assert!(app.invoke(&operator_key("crm").sign(&claims).unwrap()).await.get("error").is_none());
    // At the same time, one wins.
    let assertion = app.assertion("desk", &request);
    let answers = futures::future::join_all((0..8).map(|_| app.invoke(&assertion))).await;
    assert_eq!(answers.iter().filter(|answer| answer.get("error").is_none()).count(), 1);
}

#[tokio::test]
async fn the_hourly_budget_is_kept_to_the_person() {
    let app = TestApp::new().await;
    let people = [known(&app, "a").await, known(&app, "b").await, known(&app, "c").await, known(&app, "d").await];
    let people: Vec<&Someone> = people.iter().collect();
    let ask = async |n: usize| app.ask("narrow", &open("kept", &people[..n], &["text"], Some("chat"))).await;
    let code = |answer: &Value| answer["error"]["code"].clone();
    assert_eq!(code(&ask(4).await), "budget", "four at once are more than three");
    assert_eq!(code(&ask(2).await), Value::Null);
    assert_eq!(code(&ask(2).await), "budget");
    assert_eq!(code(&ask(1).await), Value::Null, "the third fits");
    assert_eq!(code(&ask(1).await), "budget", "the fourth does not");
    assert_eq!(app.ask("desk", &open("kept", &people, &["text"], Some("chat"))).await["error"], Value::Null);
    // Used up all the same: a refused assertion is no voucher for the next hour.
    let refused = app.assertion("narrow", &open("kept", &people[..1], &["text"], Some("chat")));
    assert_eq!(code(&app.invoke(&refused).await), "budget");
    assert_eq!(code(&app.invoke(&refused).await), "replayed");
    app.advance(HOUR_MS - app.now() % HOUR_MS - 1);
    assert_eq!(code(&ask(1).await), "budget", "the last millisecond of the hour");
    app.advance(1);
    assert_eq!(code(&ask(3).await), Value::Null);
    assert_eq!(code(&ask(1).await), "budget");
    let refusals = app.entered().iter().filter(|entry| *entry == "refuse narrow budget").count();
    assert_eq!(refusals, 6, "each is recorded");
}

#[tokio::test]
async fn people_who_are_being_erased_are_refused_and_the_refusal_is_recorded() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app, "a").await, known(&app, "b").await);
    crate::erasure::order(&app, "kept", &someone, NOON).await;
    let both = open("kept", &[&someone, &other], &["text"], Some("chat"));
    let status = |answer: &Value, n: usize| {
        (answer["people"][n]["status"].as_str().unwrap().to_owned(), answer["people"][n]["why"].clone())
    };
    let answer = app.ask("desk", &both).await;
    assert_eq!(status(&answer, 0), ("refused".into(), json!("restricted")), "an order waits");
    assert_eq!(status(&answer, 1).0, "opened", "one person's refusal is not the other's");
    assert_eq!(app.entered(), ["open desk -", "refuse desk restricted"]);
    assert_eq!(app.sweep().await.unwrap().waiting, 1);
    assert_eq!(app.rows_of("hold").len(), 1);
    let by_id = json!({
        "act": "open", "people": [{"person": app_subject(&app, "hold")}], "fields": ["*"], "reason": "check"
    });
    assert_eq!(status(&app.ask("officer", &by_id).await, 0), ("refused".into(), json!("restricted")), "a hold lies");
    app.sweep_all().await;
    assert_eq!(status(&app.ask("officer", &by_id).await, 0).0, "not_found", "erased");
    assert!(app.entered().contains(&"refuse officer not_found".to_owned()), "that is recorded, too");
    assert_eq!(status(&app.ask("desk", &both).await, 0).0, "not_found");
}

fn app_subject(app: &TestApp, kind: &str) -> String {
    app.rows_of(kind)[0]["pk"]["S"].as_str().unwrap().trim_start_matches("S#").to_owned()
}

#[tokio::test]
async fn a_hold_that_somebody_tampered_with_still_holds_and_a_planted_order_does_not() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let subject = crate::erasure::order(&app, "kept", &someone, NOON).await;
    let order = row_of(&app, &someone, &format!("O#EO{NOON}"));
    rewrite(&app, &order, false, |row| row["event_at"]["N"] = json!("1")).await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!(person["status"], "opened", "an order without a valid tag is none");
    assert_eq!(person["bad"][format!("O#EO{NOON}")], "origin_tag", "and it is reported");
    rewrite(&app, &order, false, |row| {
        row["sk"]["S"] = json!("Z#hold");
        row["kind"]["S"] = json!("hold");
    })
    .await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")), "{subject}");
}

#[tokio::test]
async fn a_withdrawn_purpose_is_refused_and_the_others_are_not() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events = [someone.text("1", NOON, "a"), someone.postback("EP", NOON, "b")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    app.agree("kept", &someone, NOON - 1).await;
    let chat = open("kept", &[&someone], &["*"], Some("chat"));
    assert_eq!(app.ask("desk", &chat).await["people"][0]["status"], "opened");
    say(&app, "kept", &someone, "chat", Said::Withdrawn, NOON + 1).await;
    let answer = app.ask("desk", &chat).await;
    assert_eq!(answer["people"][0]["why"], "withdrawn");
    assert!(answer["people"][0]["records"].as_array().unwrap().is_empty());
    let person = app.open_all("kept", &someone).await;
    assert_eq!(person["status"], "opened");
    assert_eq!(person["withheld"], json!({"chat": "withdrawn"}));
    let purposes: BTreeSet<&str> =
        person["records"].as_array().unwrap().iter().map(|record| record["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, BTreeSet::from(["contact", "operation", "profile"]));
    let refusals = app.entered().iter().filter(|entry| entry.ends_with("withdrawn")).count();
    assert_eq!(refusals, 2, "the refusal of a part is recorded, too");
    // Somebody who can write the table takes the withdrawal away by breaking its tag.
    let row = app.rows_of("consent").into_iter().find(|row| row["consent"]["S"] == "withdrawn").unwrap();
    rewrite(&app, &row, false, |row| row["consent"]["S"] = json!("given")).await;
    assert_eq!(app.ask("desk", &chat).await["people"][0]["why"], "withdrawn");
    say(&app, "kept", &someone, "operation", Said::Refused, NOON).await;
    let operation = open("kept", &[&someone], &["*"], Some("operation"));
    assert_eq!(app.ask("crm", &operation).await["people"][0]["why"], "withdrawn");
}

#[tokio::test]
async fn who_said_no_is_not_opened() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let mapping = app.mapping("kept", &someone).unwrap();
    rewrite(&app, &mapping, true, |row| row["consent"]["S"] = json!("refused")).await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("refused")));
    assert_eq!(app.entered(), ["open officer -", "refuse officer refused"]);
}

#[tokio::test]
async fn what_is_due_is_gone_although_no_sweep_has_come() {
    let app = TestApp::new().await;
    let (agrees, silent) = (app.someone(), app.someone());
    assert_eq!(app.hook(&[agrees.text("1", NOON, "a"), silent.text("2", NOON, "b")]).await, 200);
    for purpose in ["chat", "contact"] {
        say(&app, "demo", &agrees, purpose, Said::Given, NOON + 5).await;
    }
    let status = async |someone: &Someone| {
        let answer = app.ask("desk", &open("demo", &[someone], &["text"], Some("chat"))).await;
        answer["people"][0]["status"].as_str().unwrap().to_owned()
    };
    app.advance(DAY_MS - 1);
    assert_eq!((status(&agrees).await, status(&silent).await), ("opened".into(), "opened".into()));
    app.advance(1);
    assert_eq!((status(&agrees).await, status(&silent).await), ("opened".into(), "not_found".into()));
    assert_eq!(app.open_all("demo", &silent).await["status"], "opened", "the contact itself is held a little longer");
    app.advance(DAY_MS);
    assert_eq!(app.open_all("demo", &silent).await["status"], "not_found");
    app.advance(178 * DAY_MS - 1);
    assert_eq!(status(&agrees).await, "opened");
    app.advance(1);
    assert_eq!(status(&agrees).await, "not_found");
    assert_eq!(app.rows_of("message").len(), 2, "no sweep has come");
}

#[tokio::test]
async fn a_due_time_that_somebody_has_put_off_is_not_believed() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let row = app.rows_of("message").pop().unwrap();
    rewrite(&app, &row, false, |row| row["due_at"]["N"] = json!("9000000000000")).await;
    let contact = row_of(&app, &someone, "-");
    rewrite(&app, &contact, false, |row| row["due_at"]["N"] = json!("9000000000000")).await;
    app.advance(180 * DAY_MS - 1);
    assert_eq!(texts(&app.open_all("kept", &someone).await), ["a"]);
    app.advance(1);
    assert!(texts(&app.open_all("kept", &someone).await).is_empty(), "its terms say that it is due");
    app.advance(366 * DAY_MS);
    assert_eq!(app.open_all("kept", &someone).await["status"], "not_found", "and so is the person");
}

#[tokio::test]
async fn a_mapping_that_leads_to_somebody_else_shows_nobody() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app, "a").await, known(&app, "b").await);
    let theirs = app.mapping("kept", &other).unwrap();
    let own = app.mapping("kept", &someone).unwrap();
    // An intruder in the intake holds the origin key and points one person at another.
    rewrite(&app, &theirs, true, |row| row["pk"] = own["pk"].clone()).await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!((&person["status"], &person["why"]), (&json!("failed"), &json!("mapping")));
    assert!(person["records"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_held_is_found_however_much_else_is_held() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let long = "長".repeat(100_000);
    for n in 0..3 {
        assert_eq!(app.hook_to("kept", &[someone.text(&format!("A{n}"), NOON, &long)]).await, 200);
    }
    assert_eq!(app.hook_to("kept", &[someone.postback("ZZ", NOON, "選んだもの")]).await, 200);
    let nobody: Vec<Someone> = (0..99).map(Someone::numbered).collect();
    let people: Vec<&Someone> = std::iter::once(&someone).chain(&nobody).collect();
    let answer = app.ask("crm", &open("kept", &people, &["data"], Some("operation"))).await;
    assert_eq!(answer["people"][0]["records"][0]["fields"]["data"], "選んだもの");
    // Everything on a page may be due or withdrawn: that is not the end.
    say(&app, "kept", &someone, "chat", Said::Withdrawn, NOON).await;
    let answer = app.ask("officer", &open("kept", &people, &["data", "text"], None)).await;
    let person = &answer["people"][0];
    assert_eq!((&person["status"], person["more"].is_string()), (&json!("opened"), true));
}

#[tokio::test]
async fn nobody_can_make_the_ledger_too_large_to_be_read() {
    let app = TestApp::new().await;
    let names: Vec<String> = (0..64).map(|n| format!("{n:064}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let nobody = Someone::numbered(1);
    for _ in 0..400 {
        let answer = app.ask("desk", &open("kept", &[&nobody], &names, Some("profile"))).await;
        assert_eq!(answer["error"]["code"], "not_granted");
    }
    let (mut request, mut entries) = (json!({"act": "ledger"}), 0);
    for page in 1.. {
        let answer = app.ask("auditor", &request).await;
        assert!(answer.to_string().len() < 5_000_000, "within what Lambda answers with");
        entries += answer["rows"].as_array().unwrap().iter().filter(|row| row["act"]["S"] == "refuse").count();
        if answer["more"].is_null() {
            assert!(page > 1);
            break;
        }
        request["after"] = answer["more"].clone();
    }
    assert_eq!(entries, 400);
}

#[tokio::test]
async fn a_bad_row_is_reported_and_the_others_open() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events: Vec<Value> =
        ["a", "b", "c", "d", "e"].iter().map(|text| someone.text(&format!("m{text}"), NOON, text)).collect();
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let other = known(&app, "another's").await;
    let (row, theirs) = (row_of(&app, &someone, "R#ma"), app.rows_of_person(app.subject("kept", &other).unwrap()));
    // Edited by who can write the table.
    rewrite(&app, &row, false, |row| row["purpose"]["S"] = json!("other")).await;
    // Edited or moved by who also holds the origin key: it does not open there.
    let chat = app.installation().published().purposes["operation"].id.to_string();
    rewrite(&app, &row_of(&app, &someone, "R#mb"), true, |row| row["purpose"]["S"] = json!(chat)).await;
    rewrite(&app, &row_of(&app, &someone, "R#mc"), true, |row| row["sk"]["S"] = json!("R#moved")).await;
    let theirs = theirs.iter().find(|row| row["kind"]["S"] == "message").unwrap();
    rewrite(&app, theirs, true, |moved| {
        moved["pk"] = row["pk"].clone();
        moved["sk"]["S"] = json!("R#theirs");
    })
    .await;
    rewrite(&app, &row_of(&app, &someone, "R#md"), true, |row| row["env"]["B"] = json!("AQEAAAAB")).await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!(person["status"], "opened");
    assert_eq!(texts(&person), ["c", "e"], "mc is still in its place, too");
    let bad = json!({
        "R#ma": "origin_tag", "R#mb": "does_not_open", "R#moved": "does_not_open", "R#theirs": "does_not_open",
        "R#md": "malformed"
    });
    assert_eq!(person["bad"], bad);
}

/// Seals a record for somebody's key as an intake function would, and stores it.
struct Sealing<'a> {
    app: &'a TestApp,
    someone: &'a Someone,
    owner: &'a Someone,
}

impl Sealing<'_> {
    async fn store(
        &self,
        sk: &str,
        kind: ValueKind,
        form: Option<VersionId>,
        purpose: &DefinitionId,
        fields: &[(&str, &str)],
    ) {
        let app = self.app;
        let channel = ChannelName::parse("kept").unwrap();
        let key = app.key_of("kept", self.someone).await.unwrap();
        let policy = app.installation().published().policies["privacy"].clone();
        let place = RowPlace {
            channel: &channel,
            subject: key.subject(),
            row: sk,
            purpose,
            policy: &policy,
            form: form.as_ref(),
        };
        let owner = app.index_key().owner(&channel, &LineUserId::parse(&self.owner.0).unwrap());
        let fields: Vec<_> = fields.iter().map(|(name, text)| (*name, Plain::text(text))).collect();
        let env = seal::seal(&key, &place, &owner, &fields).unwrap();
        let row = ValueRow {
            subject: key.subject(),
            sk: sk.to_owned(),
            kind,
            purpose: purpose.clone(),
            policy: policy.clone(),
            shown: Some(policy.to_string()),
            form,
            event_at: UnixMs::new(NOON),
            due_at: UnixMs::new(NOON + DAY_MS),
            awaiting_consent: false,
            follows: None,
            given: None,
            then: azukari::domain::retention::Then::Erase,
            edit: None,
            env,
        };
        // The sweeper's role may write every kind of row; form comes with its own.
        let vault = app.installation().vault_as(Role::Sweeper).unwrap();
        vault.put_value(row, UnixMs::new(app.now())).await.unwrap();
    }
}

#[tokio::test]
async fn a_record_sealed_for_somebody_else_is_found_when_it_is_opened() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app, "own").await, app.someone());
    let chat = app.installation().published().purposes["chat"].id.clone();
    let sealing = Sealing { app: &app, someone: &someone, owner: &other };
    sealing.store("R#mixed", ValueKind::Message, None, &chat, &[("text", "somebody else's words")]).await;
    let person = app.open_all("kept", &someone).await;
    assert_eq!(texts(&person), ["own"]);
    assert_eq!(person["bad"], json!({"R#mixed": "other_owner"}));
}

#[tokio::test]
async fn submissions_are_listed_and_opened_by_their_own_id() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let chat = app.installation().published().purposes["chat"].id.clone();
    let profile = app.installation().published().purposes["profile"].id.clone();
    let form = Some(VersionId { id: DefinitionId::new("f0rm"), version: 3 });
    let name = app.marker("花子");
    let sealing = Sealing { app: &app, someone: &someone, owner: &someone };
    for (id, purpose) in [("01AB", &chat), ("01AB", &profile), ("02CD", &chat)] {
        let sk = key::submission(id, purpose);
        sealing.store(&sk, ValueKind::Submission, form.clone(), purpose, &[("guardian", &name), ("age", "9")]).await;
    }
    let listed = app.ask("desk", &json!({"act": "list", "kind": "submission", "since": "2026-11-21"})).await;
    assert_eq!(listed["arrivals"].as_array().unwrap().len(), 2, "one for each submission");
    let subject = app.subject("kept", &someone).unwrap();
    let id = format!("{subject}-01AB");
    assert!(listed["arrivals"].as_array().unwrap().iter().any(|arrival| arrival["submission"] == id.as_str()));
    let ask = |fields: Value| json!({"act": "open", "people": [{"submission": id}], "fields": fields, "purpose": "chat", "reason": "booking"});
    let answer = app.ask("desk", &ask(json!(["*"]))).await;
    let records = answer["people"][0]["records"].as_array().unwrap();
    assert_eq!(records.len(), 1, "of this submission and this purpose, without the chat");
    assert!(records[0]["fields"] == json!({"guardian": name, "age": "9"}));
    assert_eq!(records[0]["shown"], "privacy.1");
    let answer = app.ask("desk", &ask(json!(["age"]))).await;
    assert!(answer["people"][0]["records"][0]["fields"] == json!({"age": "9"}));
    let fields: Vec<String> = serde_json::from_str(app.entries()[1]["fields"]["S"].as_str().unwrap()).unwrap();
    assert!(fields.contains(&"answers:*".to_owned()), "{fields:?}");
}

#[tokio::test]
async fn a_swapped_key_opens_nothing() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app, "a").await, known(&app, "b").await);
    let (mapping, theirs) = (app.mapping("kept", &someone).unwrap(), app.mapping("kept", &other).unwrap());
    let why = async || {
        let by_id = json!({"act": "open", "people": [{"person": app.subject("kept", &someone).unwrap().to_string()}], "fields": ["*"], "reason": "check"});
        let answer = app.ask("officer", &by_id).await;
        (answer["people"][0]["status"].clone(), answer["people"][0]["why"].clone())
    };
    rewrite(&app, &mapping, false, |row| row["public_key"] = theirs["public_key"].clone()).await;
    assert_eq!(why().await, (json!("failed"), json!("mapping")));
    rewrite(&app, &mapping, true, |row| row["public_key"] = theirs["public_key"].clone()).await;
    assert_eq!(why().await, (json!("failed"), json!("key_row")));
    rewrite(&app, &mapping, true, |_| {}).await;
    let subject = app.subject("kept", &someone).unwrap().to_string();
    let other_key = app.rows(Table::Keys).into_iter().find(|row| row["pk"]["S"] != subject.as_str()).unwrap();
    let mut swapped = other_key.clone();
    swapped["pk"]["S"] = json!(subject);
    let request = json!({"TableName": "keys", "Item": swapped});
    app.installation().dynamodb().database().put_item(serde_json::from_value(request).unwrap()).unwrap();
    assert_eq!(why().await, (json!("failed"), json!("wrapped_key")));
}

#[tokio::test]
async fn opening_100_people_costs_100_decrypts_4_signatures_and_4_entries() {
    let app = TestApp::new().await;
    let mut people = Vec::new();
    for _ in 0..5 {
        app.installation().refill().await.unwrap();
        let some: Vec<Someone> = (0..20).map(|_| app.someone()).collect();
        let events: Vec<Value> = some.iter().map(|one| one.text(&format!("m{}", &one.0[20..]), NOON, "a")).collect();
        assert_eq!(app.hook_to("kept", &events).await, 200);
        people.extend(some);
    }
    let by_id: Vec<Value> =
        people.iter().map(|one| json!({"person": app.subject("kept", one).unwrap().to_string()})).collect();
    let by_user: Vec<&Someone> = people.iter().collect();
    let by_id = json!({"act": "open", "people": by_id, "fields": ["text"], "purpose": "chat", "reason": "delivery"});
    let by_user = open("kept", &by_user, &["text"], Some("chat"));
    for request in [by_id, by_user] {
        let before = app.entries().len();
        app.start_counting();
        let answer = app.ask("officer", &request).await;
        assert!(answer["people"].as_array().unwrap().iter().all(|person| person["status"] == "opened"));
        assert_eq!(app.entries().len() - before, 4);
        let count = |service, operation: &str| app.operations(service).iter().filter(|name| *name == operation).count();
        assert_eq!((count(Service::Kms, "Decrypt"), count(Service::Kms, "Sign")), (100, 4));
        assert_eq!(app.operations(Service::Kms).len(), 104);
        // Of each person all rows in one query, the mapping, the wrapped key.
        assert_eq!(count(Service::DynamoDb, "Query"), 100);
        assert_eq!(count(Service::DynamoDb, "GetItem"), 200);
        // Assertion and budget in one transaction; the first entry of a chain in another.
        let first = usize::from(before == 0);
        assert_eq!(count(Service::DynamoDb, "TransactWriteItems"), 1 + first);
        assert_eq!(count(Service::DynamoDb, "PutItem"), 4 - first);
        assert_eq!(app.operations(Service::DynamoDb).len(), 305);
    }
    let many = json!({"act": "open", "people": vec![json!({"person": "0".repeat(32)}); 101], "fields": ["*"], "reason": "check"});
    assert_eq!(app.ask("officer", &many).await["error"]["status"], 400);
}

#[tokio::test]
async fn nothing_is_opened_before_its_entry() {
    let app = TestApp::new().await;
    let people: Vec<Someone> = vec![known(&app, "a").await, known(&app, "b").await];
    app.start_counting();
    let request = open("kept", &people.iter().collect::<Vec<_>>(), &["*"], None);
    assert_eq!(app.ask("officer", &request).await["error"], Value::Null);
    let calls = app.calls();
    let entry = calls.iter().position(|call| call.touches.iter().any(|touch| touch.target == "audit")).unwrap();
    let reads: Vec<usize> = (0..calls.len())
        .filter(|n| {
            let call = &calls[*n];
            call.operation == "Decrypt"
                || call.touches.iter().any(|touch| touch.partition == "S#" || touch.target == "keys")
        })
        .collect();
    assert!(reads.len() >= 6 && reads.iter().all(|read| *read > entry), "{entry} before {reads:?}");
}

#[tokio::test]
async fn a_crash_or_a_fault_at_any_call_leaves_an_entry_without_answer_and_never_an_answer_without_entry() {
    let clean = {
        let app = TestApp::new().await;
        let people = [known(&app, "a").await, known(&app, "b").await];
        app.start_counting();
        app.ask("officer", &open("kept", &[&people[0], &people[1]], &["*"], None)).await;
        app.calls()
    };
    assert!(clean.len() > 8);
    let mut unanswered = 0;
    for call in &clean {
        for fault in faults(call) {
            let mut app = TestApp::new().await;
            let people = [known(&app, "a").await, known(&app, "b").await];
            let request = open("kept", &[&people[0], &people[1]], &["*"], None);
            app.start_counting();
            app.weather(fault);
            let installation = app.shared();
            let answer = tokio::select! {
                answer = app.ask("officer", &request) => Some(answer),
                () = installation.wires().death() => None,
            };
            app.weather(Calm);
            let shown = answer.as_ref().map_or(0, |answer| answer.to_string().matches("\"text\":").count());
            let entries = app.entries();
            let named: BTreeSet<String> = entries
                .iter()
                .filter(|entry| entry["act"]["S"] == "open")
                .flat_map(|entry| {
                    serde_json::from_str::<Vec<String>>(entry["subjects"]["S"].as_str().unwrap()).unwrap()
                })
                .collect();
            assert!(shown == 0 || named.len() == 2, "{fault:?} at {call:?}");
            unanswered += usize::from(shown == 0 && !entries.is_empty());
            if let Some(answer) = &answer {
                let error = answer["error"]["status"].as_u64();
                assert!(error.is_none() || error == Some(503), "{fault:?} at {call:?}: {error:?}");
            }
            // Whatever has happened, the next assertion opens, and every chain is sound.
            if answer.is_none() {
                app.cold_start();
            }
            let again = app.ask("officer", &request).await;
            assert_eq!(again.to_string().matches("\"text\":").count(), 2, "{fault:?} at {call:?}");
            crate::audit::assert_sound(&app);
        }
    }
    assert!(unanswered > 5, "{unanswered}");
}

#[tokio::test]
async fn what_came_in_is_listed_by_count_and_time() {
    let app = TestApp::new().await;
    let (one, two) = (app.someone(), app.someone());
    let yesterday = NOON - DAY_MS;
    let events = [one.text("1", NOON, "a"), one.text("2", NOON + 1, "b"), two.postback("E", yesterday, "c")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let list = async |more: Value| {
        let mut request = json!({"act": "list"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.ask("desk", &request).await
    };
    let kinds = |answer: &Value| -> Vec<String> {
        answer["arrivals"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
    };
    app.start_counting();
    assert_eq!(kinds(&list(json!({"kind": "message"})).await), ["message", "message"]);
    assert!(app.calls().iter().all(|call| call.operation != "Decrypt"), "nothing is opened");
    assert_eq!(kinds(&list(json!({"kind": "event"})).await).len(), 0, "that was yesterday");
    assert_eq!(kinds(&list(json!({"kind": "event", "since": "2026-11-20"})).await), ["event"]);
    let all = list(json!({"since": "2026-11-20", "limit": 2})).await;
    assert_eq!((all["arrivals"].as_array().unwrap().len(), &all["more"]), (2, &json!(true)));
    let members: BTreeSet<&String> = all["arrivals"][0].as_object().unwrap().keys().collect();
    let expected = ["at", "kind", "person", "submission"].map(str::to_owned);
    assert_eq!(members, expected.iter().collect(), "and nothing else");
    assert!(app.entered().iter().all(|entry| entry == "list desk -"));
}

#[tokio::test]
async fn a_long_history_comes_page_by_page() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let long = "長".repeat(100_000);
    for n in 0..12 {
        assert_eq!(app.hook_to("kept", &[someone.text(&format!("m{n:02}"), NOON, &long)]).await, 200);
    }
    let mut request = open("kept", &[&someone], &["text"], Some("chat"));
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let answer = app.ask("officer", &request).await;
        let person = &answer["people"][0];
        assert_eq!(person["status"], "opened");
        assert!(answer.to_string().len() < 5_000_000, "within what Lambda answers with");
        seen.extend(person["records"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        pages += 1;
        if person["more"].is_null() {
            break;
        }
        request["after"] = person["more"].clone();
    }
    assert!(pages > 1);
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted());
    assert_eq!(app.entries().len(), pages, "every page is an entry");
}

#[tokio::test]
async fn own_words_are_sealed_and_shown_to_who_may_read_the_ledger() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let words = app.marker("受付1021の確認");
    let mut request = open("kept", &[&someone], &["text"], Some("chat"));
    request["reason"] = json!(words);
    assert_eq!(app.ask("desk", &request).await["people"][0]["status"], "opened");
    let ledger = app.ask("auditor", &json!({"act": "ledger"})).await;
    let notes: Vec<&Value> = ledger["notes"].as_object().unwrap().values().collect();
    assert!(notes.len() == 1 && notes[0] == words.as_str());
    assert_eq!(app.entries()[0]["reason"]["S"], "other");
    for blank in ["", "   ", "other", "…"] {
        request["reason"] = json!(blank);
        assert_eq!(app.ask("desk", &request).await["error"]["code"], "request", "{blank:?}");
    }
}

#[tokio::test]
async fn an_unknown_purpose_or_person_is_named_as_such() {
    let app = TestApp::new().await;
    let someone = known(&app, "a").await;
    let answer = app.ask("officer", &open("kept", &[&someone], &["text"], Some("gossip"))).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("request"), &json!(400)));
    assert_eq!(app.entered(), ["refuse officer request"]);
    let nobody = Someone::numbered(7);
    let answer = app.ask("officer", &open("kept", &[&nobody, &someone], &["text"], Some("chat"))).await;
    assert_eq!(
        (&answer["people"][0]["status"], &answer["people"][1]["status"]),
        (&json!("not_found"), &json!("opened"))
    );
    let entry = app.entries().pop().unwrap();
    assert_eq!(entry["unknown"]["N"], "1");
    let stranger = SubjectId::new([7; 16]).to_string();
    let request = json!({"act": "open", "people": [{"person": stranger}], "fields": ["*"], "reason": "check"});
    assert_eq!(app.ask("officer", &request).await["people"][0]["status"], "not_found");
    // A purpose for which nothing is held of them.
    let answer = app.ask("officer", &open("kept", &[&someone], &["*"], Some("operation"))).await;
    assert_eq!(answer["people"][0]["status"], "not_found");
}
