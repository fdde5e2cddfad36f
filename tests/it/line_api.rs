//! Every request that is sent to LINE, and every answer that the stand-in of LINE gives,
//! held against LINE's own OpenAPI (`messaging-api.yml` of line/line-openapi).
//!
//! The file is not part of this repository. It is found by `AZUKARI_LINE_OPENAPI`, or as
//! `shared/line/openapi/messaging-api.yml` in a folder above; where it is not, a subset of
//! the same shapes stands in for it, and this is said loudly.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use azukari_local::engine::line::{Answer, Exchange, Faults};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp},
    linking::location,
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

fn found() -> Option<PathBuf> {
    let named = std::env::var_os("AZUKARI_LINE_OPENAPI").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let usual = above.map(|folder| folder.join("shared/line/openapi/messaging-api.yml")).find(|path| path.is_file());
    named.or(usual)
}

/// The schemas of LINE's OpenAPI as JSON Schema.
fn schemas() -> Value {
    let subset = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/line/openapi-subset.yml");
    let path = found().unwrap_or_else(|| {
        let _ = writeln!(
            std::io::stderr(),
            "\nNOT FOUND: LINE's messaging-api.yml. Requests to LINE are held against a subset of it. Set AZUKARI_LINE_OPENAPI to hold them against all of it.\n"
        );
        subset
    });
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let document: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    as_json_schema(document["components"]["schemas"].as_object().expect("it has schemas"))
}

/// A schema with a discriminator becomes two: its own members, on which the others build,
/// and the choice among those. What is not declared is refused, so that a misspelt member
/// does not pass.
fn as_json_schema(schemas: &Map<String, Value>) -> Value {
    let mut definitions = Map::new();
    let chosen: BTreeSet<String> = schemas
        .values()
        .flat_map(|schema| schema["discriminator"]["mapping"].as_object().into_iter().flat_map(Map::values))
        .filter_map(|target| target.as_str()?.rsplit('/').next().map(str::to_owned))
        .collect();
    let basic: BTreeSet<&String> =
        schemas.iter().filter(|(_, schema)| schema.get("discriminator").is_some()).map(|(name, _)| name).collect();
    for (name, schema) in schemas {
        let mut own = schema.clone();
        adapt(&mut own, &basic);
        let Some(discriminator) = schema.get("discriminator") else {
            let strict = chosen.contains(name) || own.get("allOf").is_none();
            if strict && own["type"] == "object" && own.get("additionalProperties").is_none() {
                own["unevaluatedProperties"] = json!(false);
            }
            definitions.insert(name.clone(), own);
            continue;
        };
        let member = discriminator["propertyName"].as_str().expect("a member");
        let mapping = discriminator["mapping"].as_object().expect("a mapping");
        let kinds: Vec<&String> = mapping.keys().collect();
        let mut all = vec![json!({"required": [member], "properties": {member: {"enum": kinds}}})];
        for (kind, target) in mapping {
            let target = target.as_str().expect("a reference").replace("#/components/schemas/", "#/$defs/");
            all.push(json!({"if": {"properties": {member: {"const": kind}}}, "then": {"$ref": target}}));
        }
        own.as_object_mut().expect("an object").remove("discriminator");
        definitions.insert(format!("{name}.members"), own);
        definitions.insert(name.clone(), json!({ "allOf": all }));
    }
    Value::Object(definitions)
}

/// References lead to the definitions; what builds on a choice builds on its members.
fn adapt(value: &mut Value, basic: &BTreeSet<&String>) {
    if let Some(parts) = value.get_mut("allOf").and_then(Value::as_array_mut) {
        for part in parts {
            let name = part["$ref"].as_str().and_then(|target| target.rsplit('/').next()).map(str::to_owned);
            if let Some(name) = name.filter(|name| basic.contains(name)) {
                part["$ref"] = json!(format!("#/$defs/{name}.members"));
            }
        }
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(target) if name == "$ref" => {
                        *target = target.replace("#/components/schemas/", "#/$defs/");
                    }
                    member => adapt(member, basic),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|member| adapt(member, basic)),
        _ => {}
    }
}

fn validator(definitions: &Value, name: &str) -> Validator {
    assert!(definitions.get(name).is_some(), "LINE's OpenAPI has no {name}");
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions, "$ref": format!("#/$defs/{name}"),
    });
    jsonschema::options().should_validate_formats(true).build(&schema).expect("the schema can be used")
}

fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

/// Everything that is ever said, and every way in which LINE answers.
async fn exchanges(messages: &str) -> Vec<Exchange> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/config/channels/demo.toml");
    let channel = std::fs::read_to_string(shipped).unwrap().replace("\"standard\"", &format!("{messages:?}"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../infra/config/messages/{messages}.toml"));
    let texts = std::fs::read_to_string(file).unwrap();
    let name = format!("messages/{messages}.toml");
    let files = [("channels/demo.toml", channel.as_str()), (name.as_str(), texts.as_str())];
    let mut app = TestApp::with_files(&files).await;
    let someone = app.someone();
    let said = "カード 4111 1111 1111 1111 と 1234 5678 9018";
    assert_eq!(app.hook(&[someone.follow(NOON - 9), someone.text("1", NOON - 8, said)]).await, 200);
    app.agree("demo", &someone, NOON - 7).await;
    let mut all = app.installation().line().exchanges();
    std::fs::write(app.folder().join("config/policies/privacy/en.md"), "Changed.").unwrap();
    app.restart().await;
    assert_eq!(app.hook(&[someone.text("2", NOON - 6, "a")]).await, 200);
    assert_eq!(app.hook(&[app.answer(&someone, NOON - 5, false)]).await, 200);
    assert_eq!(app.hook(&[someone.text("3", NOON - 4, "a")]).await, 200);
    assert_eq!(app.hook(&[app.answer(&app.someone(), NOON, false)]).await, 200);
    let line = app.shared();
    let line = line.line();
    for answer in [
        Answer::BadRequest,
        Answer::Unauthorized,
        Answer::NotFound,
        Answer::Conflict,
        Answer::TooManyRequests,
        Answer::InternalError,
    ] {
        for faults in [
            Faults { reply: answer, ..Faults::default() },
            Faults { reply: Answer::BadRequest, push: answer, ..Faults::default() },
            Faults { profile: answer, ..Faults::default() },
        ] {
            let someone = app.someone();
            line.set_faults(faults);
            assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
            line.set_faults(Faults { profile: faults.profile, ..Faults::default() });
            app.agree("demo", &someone, NOON).await;
        }
    }
    // A push that is sent again under its key, as after a crash.
    all.extend(line.exchanges());
    all
}

#[tokio::test]
async fn every_request_and_every_answer_has_the_shape_of_lines_openapi() {
    let definitions = schemas();
    let schema = |name: &str| validator(&definitions, name);
    let requests = [
        ("POST /v2/bot/message/reply", schema("ReplyMessageRequest"), schema("ReplyMessageResponse")),
        ("POST /v2/bot/message/push", schema("PushMessageRequest"), schema("PushMessageResponse")),
    ];
    let (profile, error) = (schema("UserProfileResponse"), schema("ErrorResponse"));
    let mut seen = BTreeSet::new();
    for messages in ["standard", "english"] {
        for exchange in exchanges(messages).await {
            let Exchange { operation, request, retry_key, status, answer } = &exchange;
            let answer: Value = serde_json::from_str(answer).expect("an answer is JSON");
            let mut found = Vec::new();
            let success = match requests.iter().find(|(name, ..)| operation == name) {
                Some((name, request_schema, answer_schema)) => {
                    found.extend(complaints(request_schema, &serde_json::from_slice(request).expect("JSON")));
                    assert_eq!(retry_key.is_some(), name.ends_with("push"), "pushes alone carry a retry key");
                    answer_schema
                }
                None => {
                    assert!(operation.starts_with("GET /v2/bot/profile/") && request.is_empty());
                    &profile
                }
            };
            found.extend(complaints(if *status == 200 { success } else { &error }, &answer));
            assert!(
                found.is_empty(),
                "{operation} {status}: {found:#?}\n{}\n{answer}",
                String::from_utf8_lossy(request)
            );
            let call = operation.rsplit_once("/profile/").map_or(operation.as_str(), |_| "profile");
            seen.insert((call.to_owned(), *status));
        }
    }
    for call in ["POST /v2/bot/message/reply", "POST /v2/bot/message/push", "profile"] {
        for status in [200, 400, 401, 404, 409, 429, 500] {
            assert!(seen.contains(&(call.to_owned(), status)), "{call} {status} was not seen");
        }
    }
}

#[test]
fn what_does_not_have_the_shape_is_found() {
    let definitions = schemas();
    let reply = validator(&definitions, "ReplyMessageRequest");
    let text = json!({"type": "text", "text": "a"});
    assert_eq!(complaints(&reply, &json!({"replyToken": "r", "messages": [text]})), Vec::<String>::new());
    let button = json!({"type": "postback", "label": "a", "data": "b"});
    let template = |action: Value| json!({"type": "template", "altText": "a", "template": {"type": "buttons", "text": "t", "actions": [action]}});
    assert_eq!(complaints(&reply, &json!({"replyToken": "r", "messages": [template(button)]})), Vec::<String>::new());
    for bad in [
        json!({"messages": [text]}),
        json!({"replyToken": "r", "messages": []}),
        json!({"replyToken": "r", "messages": [text], "surplus": 1}),
        json!({"replyToken": "r", "messages": [{"type": "text"}]}),
        json!({"replyToken": "r", "messages": [{"type": "text", "text": "a", "colour": "red"}]}),
        json!({"replyToken": "r", "messages": [{"type": "hologram", "text": "a"}]}),
        json!({"replyToken": "r", "messages": [template(json!({"type": "postback", "label": "a", "datum": "b"}))]}),
        json!({"replyToken": "r", "messages": [{"type": "text", "text": "a", "quickReply": {"items": [{"type": "action", "action": {"type": "none"}}]}}]}),
    ] {
        assert!(!reply.is_valid(&bad), "{bad}");
    }
}

/// Names and values of a form, sorted by name.
fn fields(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Linking in all ways, and undoing it: what is not in LINE's OpenAPI is held against what
/// LINE documents of LINE Login v2.1 (PLATFORM.md §3.2).
#[tokio::test]
async fn every_request_of_linking_has_the_shape_that_line_documents() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/config/channels/demo.toml");
    let menu = "[link]\nrich_menu = \"richmenu-0123456789abcdef0123456789abcdef\"\n";
    let channel = std::fs::read_to_string(shipped).unwrap().replacen("[link]\n", menu, 1);
    let app = TestApp::with_files(&[("channels/demo.toml", channel.as_str())]).await;
    let (one, other) = (app.someone(), app.someone());
    app.link_in_chat(&one, "M-1").await;
    location(&app.link_by_login(&other, "M-2").await);
    app.advance(1_000);
    assert_eq!(app.hook(&[one.postback("EU1", app.now(), "azukari:unlink")]).await, 200);
    let browser = azukari_tests::linking::Browser::default();
    let parting = app.sign_in(&browser, "?intent=unlink", &other, &[]).await;
    let ticket = azukari_tests::linking::hidden(&browser.get(&app, &parting).await, "ticket");
    assert_eq!(browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await.status, 200);

    let definitions = schemas();
    let schema = |name: &str| validator(&definitions, name);
    let requests = BTreeMap::from([("reply", schema("ReplyMessageRequest")), ("push", schema("PushMessageRequest"))]);
    let link_token = schema("IssueLinkTokenResponse");
    let login = |member: &str| app.installation().channel_secret("demo", member).unwrap_or_default().to_owned();
    let (id, secret) = (login("login_channel_id"), login("login_channel_secret"));
    let mut seen = BTreeSet::new();
    for exchange in app.installation().line().exchanges() {
        let Exchange { operation, request, status, answer, .. } = &exchange;
        let json = || serde_json::from_str::<Value>(answer).expect("an answer is JSON");
        assert!((200..300).contains(status), "{operation} {status}");
        let own = operation.split(' ').nth(1).unwrap_or_default().strip_prefix("/v2/bot/user/");
        let call = match own.and_then(|path| path.split_once('/')) {
            Some((user, "linkToken")) => {
                assert!(user == one.0 && request.is_empty());
                assert_eq!(complaints(&link_token, &json()), Vec::<String>::new());
                "link token"
            }
            Some((_, "richmenu")) => {
                assert!(operation.starts_with("DELETE ") && request.is_empty());
                "menu away"
            }
            Some((_, rest)) => {
                assert!(operation.starts_with("POST ") && rest.starts_with("richmenu/richmenu-") && request.is_empty());
                "menu"
            }
            None => operation.as_str(),
        };
        match call {
            "POST /oauth2/v2.1/token" => {
                let sent = fields(request);
                let names: Vec<&str> = sent.keys().map(String::as_str).collect();
                let all = ["client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"];
                assert_eq!(names, all);
                assert_eq!((sent["grant_type"].as_str(), &sent["client_id"]), ("authorization_code", &id));
                assert!((43..=128).contains(&sent["code_verifier"].len()) && sent["client_secret"] == secret);
                assert_eq!(sent["redirect_uri"], format!("{PUBLIC_URL}/link/demo/callback"));
            }
            "POST /oauth2/v2.1/revoke" => {
                let sent = fields(request);
                let names: Vec<&str> = sent.keys().map(String::as_str).collect();
                assert_eq!(names, ["access_token", "client_id", "client_secret"]);
            }
            "POST /oauth2/v3/token" => {
                let expected =
                    [("client_id", id.as_str()), ("client_secret", &secret), ("grant_type", "client_credentials")];
                let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
                assert_eq!(fields(request), BTreeMap::from(expected));
            }
            "POST /user/v1/deauthorize" => {
                let sent: Value = serde_json::from_slice(request).expect("JSON");
                assert_eq!(
                    (sent.as_object().map(Map::len), sent["userAccessToken"].is_string(), *status),
                    (Some(1), true, 204)
                );
            }
            _ => {
                if let Some((_, schema)) = requests.iter().find(|(name, _)| call.ends_with(*name)) {
                    let sent = serde_json::from_slice(request).expect("JSON");
                    assert_eq!(complaints(schema, &sent), Vec::<String>::new(), "{call}");
                }
            }
        }
        seen.insert(call.to_owned());
    }
    let expected = [
        "link token",
        "menu",
        "menu away",
        "POST /oauth2/v2.1/revoke",
        "POST /oauth2/v2.1/token",
        "POST /oauth2/v3/token",
        "POST /user/v1/deauthorize",
        "POST /v2/bot/message/push",
        "POST /v2/bot/message/reply",
    ];
    assert_eq!(seen, expected.map(str::to_owned).into());
}
