//! A function that is started with a setting missing or malformed does not start: one line
//! names everything that is wrong, and no value of it.

use std::collections::BTreeMap;

use azukari::host::{
    aws,
    roles::{Role, permissions},
    settings,
};
use azukari_tests::{
    app::TestApp,
    runtime::{
        Function,
        cloud::{Cloud, SECRET_WITHOUT_VALUE, Transport},
    },
};
use serde_json::Value;

use crate::runtime::program;

/// Values that do not fit a setting. Every one may have been pasted with a line break.
fn malformed(name: &str) -> Vec<&'static str> {
    let own: &[&str] = match name {
        settings::ENROL_PUBLIC_KEY => &["no base64", "bm9uZQ=="],
        settings::POOL_TARGET => &["0", "-1", "many"],
        settings::LINE_API | settings::LINE_ACCESS | settings::PUBLIC_URL => &["pages.example", "https:pages.example"],
        settings::LIFF_URL | settings::LIFF_SDK | settings::LIFF_PLUGIN => &["ftp://pages.example", "/sdk.js"],
        settings::FRAME_ANCESTORS => &["'none'; script-src *"],
        settings::WRAP_KEY | settings::ENROL_KEY | settings::EVIDENCE_KEY | settings::INDEX_KEY => {
            &["x", "arn:aws:kms:local:000000000000:alias/wrap"]
        }
        _ => &[],
    };
    own.iter().copied().chain(["pasted\nwith a break", " "]).collect()
}

/// Variables of Lambda's own, with values that do not fit.
const OF_LAMBDA: [(&str, &str); 6] = [
    (aws::REGION, "no region"),
    (aws::ACCESS_KEY_ID, ""),
    (aws::SECRET_ACCESS_KEY, ""),
    ("AWS_ENDPOINT_URL", "dynamodb.example"),
    ("AWS_ENDPOINT_URL_KMS", "kms.example"),
    (aws::CA_BUNDLE, "/nowhere/authorities.pem"),
];

/// Starts a function, which ends: the problem that its one line of log names.
async fn problem(role: Role, environment: BTreeMap<String, String>, what: &str) -> String {
    let ended = Function::start(&program(role), environment).await.ended().await;
    assert!(!ended.status.success(), "{role:?} starts: {what}");
    assert_eq!(ended.errors, "", "{role:?}: {what}: nothing beside the log");
    let lines: Vec<&str> = ended.log.lines().collect();
    let [line] = lines.as_slice() else { panic!("{role:?}: {what}: one line, not {}", ended.log) };
    let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{role:?}: {what}: a line of JSON: {line}"));
    assert_eq!(line["level"], "ERROR", "{line}");
    line["error"].as_str().unwrap_or_else(|| panic!("{role:?}: {what}: it says why: {line}")).to_owned()
}

async fn refuses_what_does_not_fit(role: Role) {
    let app = TestApp::new().await;
    let cloud = Cloud::of(&app, role, Transport::Plain).await;
    let good = cloud.environment();
    app.start_counting();
    for name in settings::of(role) {
        let mut without = good.clone();
        without.remove(*name).expect("the tests know a value for it");
        let said = problem(role, without, name).await;
        assert!(said.contains(&format!("{name} is missing")), "{said}");
        for value in malformed(name) {
            let mut with = good.clone();
            with.insert((*name).to_owned(), value.to_owned());
            let said = problem(role, with, &format!("{name}={value}")).await;
            assert!(said.contains(name), "{name}={value}: {said}");
            assert!(value.trim().len() < 3 || !said.contains(value), "{name}: the value is repeated: {said}");
            let others = settings::of(role).iter().filter(|other| *other != name && said.contains(*other));
            assert_eq!(others.count(), 0, "{name}={value} alone is wrong: {said}");
        }
    }
    for (name, value) in OF_LAMBDA {
        let mut with = good.clone();
        with.insert(name.to_owned(), value.to_owned());
        let said = problem(role, with, name).await;
        assert!(said.contains(name) && (value.is_empty() || !said.contains(value)), "{name}: {said}");
    }
    let said = problem(role, BTreeMap::new(), "an empty environment").await;
    for name in settings::of(role).iter().chain(&[aws::REGION, aws::ACCESS_KEY_ID, aws::SECRET_ACCESS_KEY]) {
        assert!(said.contains(name), "{name} is named with all others: {said}");
    }
    assert_eq!(cloud.fetched(), 0, "nobody was asked for anything");
    assert!(app.calls().is_empty());
}

#[tokio::test]
async fn the_webhook_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Webhook).await;
}

#[tokio::test]
async fn the_form_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Form).await;
}

#[tokio::test]
async fn the_link_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Link).await;
}

#[tokio::test]
async fn the_locksmith_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Locksmith).await;
}

#[tokio::test]
async fn the_sweeper_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Sweeper).await;
}

#[tokio::test]
async fn the_opener_function_refuses_what_does_not_fit() {
    refuses_what_does_not_fit(Role::Opener).await;
}

/// The template makes secrets without a value, and `azukari bootstrap` fills them: until then
/// no function that reads one starts.
#[tokio::test]
async fn a_function_whose_secret_has_no_value_yet_does_not_start_and_says_so() {
    let app = TestApp::new().await;
    let readers: Vec<Role> = Role::ALL.into_iter().filter(|role| permissions(*role).secret).collect();
    assert_eq!(readers, [Role::Webhook, Role::Form, Role::Link, Role::Sweeper, Role::Opener]);
    for role in readers {
        let cloud = Cloud::of(&app, role, Transport::Plain).await;
        let mut environment = cloud.environment();
        environment.insert(settings::SECRET.to_owned(), SECRET_WITHOUT_VALUE.to_owned());
        app.start_counting();
        let said = problem(role, environment, "no value").await;
        assert_eq!(
            said, "the secret is not complete: there is no such secret, or it has no value yet (azukari bootstrap)",
            "{role:?}"
        );
        assert_eq!(cloud.fetched(), 0, "{role:?}");
        assert!(app.calls().is_empty(), "{role:?} called somebody");
    }
}
