use std::fs;

use super::*;

const PURPOSES: &str = r#"
[[purpose]]
id = "chat"
title = { ja = "チャット対応", en = "Answering in chat" }
retention = { after = "collected", days = 180 }
then = "erase"
"#;

/// The shipped one has everything that the law asks for.
pub(super) const POLICY: &str = include_str!("../../../config/policies/privacy/policy.toml");
pub(super) const MESSAGES: &str = include_str!("../../../config/messages/standard.toml");

pub(super) const CHANNEL: &str = r#"
policy = "privacy"
before_consent = "keep_24h"

[purposes]
message = "chat"
event = "chat"
profile = "chat"
line_contact = "chat"
"#;

pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let usual = [
        ("purposes.toml", PURPOSES),
        ("channels/demo.toml", CHANNEL),
        ("policies/privacy/policy.toml", POLICY),
        ("policies/privacy/ja.md", "本文"),
        ("policies/privacy/en.md", "Text"),
    ];
    for (name, text) in usual.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

pub(super) fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let problems = read(folder(files).path()).expect_err("there are problems");
    problems.iter().map(|problem| format!("{}:{}: {}", problem.file, problem.line, problem.en)).collect()
}

#[test]
fn a_good_configuration_is_read() {
    let read = read(folder(&[]).path()).unwrap();
    assert_eq!(read.channels["demo"].before_consent, BeforeConsent::Keep24h);
    assert_eq!(read.purposes["chat"].title.ja, "チャット対応");
    assert_eq!(read.policies["privacy"].body.en, "Text");
}

#[test]
fn every_problem_is_named_by_file_and_line() {
    let purposes = r#"
[[purpose]]
id = "chat"
title = { ja = "チャット対応" }
retention = { after = "never", days = 180, weeks = 3 }
then = "burn"
surprise = 1

[[purpose]]
id = "chat"
title = { ja = "", en = 5 }
retention = { after = "collected", days = 0 }
then = "erase"

[[purpose]]
id = "Other Id"
title = { ja = "他", en = "Other" }
retention = { after = "collected", days = 1, years = 1 }
then = "erase"
"#;
    let channel = r#"policy = "nothing"
before_consent = "sometimes"
[purposes]
message = "chat"
event = "what"
profile = 3
"#;
    let found = problems(&[("purposes.toml", purposes), ("channels/demo.toml", channel)]);
    let expected = [
        "channels/demo.toml:1: there is no policy \"nothing\"",
        "channels/demo.toml:2: before_consent must be one of drop, keep_24h, keep, not \"sometimes\"",
        "channels/demo.toml:3: purposes.line_contact is missing",
        "channels/demo.toml:5: there is no purpose \"what\"",
        "channels/demo.toml:6: purposes.profile must be a text",
        "purposes.toml:4: purpose.title.en is missing",
        "purposes.toml:5: purpose.retention.after must be one of collected, last_contact, unfollow, date, not \"never\"",
        "purposes.toml:5: purpose.retention.weeks is not a known key",
        "purposes.toml:6: purpose.then must be one of erase, anonymise, not \"burn\"",
        "purposes.toml:7: purpose.surprise is not a known key",
        "purposes.toml:10: the purpose \"chat\" is there twice",
        "purposes.toml:11: purpose.title.en must be a text",
        "purposes.toml:11: purpose.title.ja must not be blank",
        "purposes.toml:12: purpose.retention.days must be a whole number from 1 to 36500",
        "purposes.toml:16: purpose.id must be 1 to 40 of a-z, 0-9, - and _",
        "purposes.toml:18: retention must have exactly one of days, months, years",
    ];
    let mut missing: Vec<&&str> = expected.iter().filter(|line| !found.contains(&(**line).to_owned())).collect();
    missing.sort();
    assert!(missing.is_empty(), "not found: {missing:#?}\nfound: {found:#?}");
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn what_is_not_toml_and_what_is_not_there_is_named() {
    let found = problems(&[("purposes.toml", "[[purpose]]\nid = \nx = = 1\n"), ("policies/privacy/en.md", "  \n")]);
    assert!(found.iter().any(|line| line.starts_with("purposes.toml:2: not TOML")), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with("purposes.toml:3: not TOML")), "{found:#?}");
    assert!(found.contains(&"policies/privacy/en.md:1: there is no text".to_owned()), "{found:#?}");
    let follows = found.iter().any(|line| line.starts_with("channels/"));
    assert!(!follows, "and nothing that only follows from it: {found:#?}");
    let empty = tempfile::tempdir().unwrap();
    let found = read(empty.path()).unwrap_err().to_string();
    for part in ["purposes.toml: ", "there is no policy", "there is no channel"] {
        assert!(found.contains(part), "{found}");
    }
}

#[test]
fn files_that_belong_to_nothing_are_refused() {
    let found =
        problems(&[("chanels/other.toml", CHANNEL), ("purpose.toml", PURPOSES), ("channels/Big Name.toml", CHANNEL)]);
    assert!(found.contains(&"chanels/other.toml:0: this version does not know the file".to_owned()), "{found:#?}");
    assert!(found.contains(&"purpose.toml:0: this version does not know the file".to_owned()), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with("channels/Big Name.toml:0:")), "{found:#?}");
}

#[test]
fn a_channel_may_leave_out_what_has_a_usual_value() {
    let read = read(folder(&[]).path()).unwrap();
    assert_eq!(read.channels["demo"].after_block, Term::Days(30));
    assert_eq!(read.channels["demo"].messages, "standard");
    assert!(read.wording(&read.channels["demo"]).notice.contains("・チャット対応（受け取ってから180日で消去）"));
    let own = CHANNEL.replace("[purposes]", "after_block = { months = 2 }\nmessages = \"own\"\n[purposes]");
    let files = [("channels/demo.toml", own.as_str()), ("messages/own.toml", MESSAGES)];
    let read = super::read(folder(&files).path()).unwrap();
    assert_eq!(read.channels["demo"].after_block, Term::Months(2));
    assert!(read.wording(&read.channels["demo"]).notice.contains("2か月後に"));
    let bad = CHANNEL.replace("[purposes]", "after_block = { days = 1, years = 1 }\nmessages = \"none\"\n[purposes]");
    let found = problems(&[("channels/demo.toml", &bad)]);
    assert_eq!(
        found,
        [
            "channels/demo.toml:5: after_block must have exactly one of days, months, years",
            "channels/demo.toml:6: there is no file of messages \"none\"",
        ]
    );
}

#[test]
fn without_what_the_law_wants_made_known_nothing_starts() {
    let keys = [
        ("business.name", "name = "),
        ("business.address", "address = "),
        ("business.representative", "representative = "),
        ("requests.how", "how = "),
        ("requests.fees", "fees = "),
        ("safety.place", "place = "),
        ("contact.desk", "desk = "),
    ];
    for (path, line) in keys {
        let without: String = POLICY.lines().filter(|it| !it.starts_with(line)).map(|it| format!("{it}\n")).collect();
        let found = problems(&[("policies/privacy/policy.toml", &without)]);
        assert!(found.len() == 1 && found[0].ends_with(&format!("{path} is missing")), "{path}: {found:#?}");
    }
    let blank = POLICY.replace("ja = \"いただきません。\"", "ja = \" \"");
    let found = problems(&[("policies/privacy/policy.toml", &blank)]);
    assert!(found[0].ends_with("requests.fees.ja must not be blank"), "{found:#?}");
    let found = problems(&[("policies/privacy/policy.toml", "title = { ja = \"題\", en = \"Title\" }\n")]);
    assert_eq!(found.len(), 4, "each of the four sections: {found:#?}");
}

#[test]
fn the_shipped_messages_are_sound_in_both_languages() {
    for (name, text) in [("standard", MESSAGES), ("english", include_str!("../../../config/messages/english.toml"))] {
        let channel = CHANNEL.replace("[purposes]", &format!("messages = \"{name}\"\n[purposes]"));
        let file = format!("messages/{name}.toml");
        let read = read(folder(&[("channels/demo.toml", channel.as_str()), (&file, text)]).path()).unwrap();
        let wording = read.wording(&read.channels["demo"]);
        let rest: Vec<&str> = azukari::domain::wording::variables(&wording.notice).collect();
        assert_eq!(rest, ["policy_url"], "everything else is filled in");
    }
}

#[test]
fn every_problem_of_a_message_is_named() {
    let text = MESSAGES
        .replace("{business}です。ご連絡", "{shop}です。ご連絡")
        .replacen("\n{purposes}\n", "\n", 1)
        .replace("agree = \"同意する\"", "agree = \"とてもとてもとてもとてもとても長いボタンの名前\"")
        .replace("question_alt = ", "colour = \"red\"\nquestion_alt = ")
        .replacen("nothing_held = ", "nothing_held = 5 # ", 1);
    let found = problems(&[("messages/standard.toml", &text)]);
    for part in [
        "text cannot use {shop}, but: {business} {purposes} {before_consent} {after_block} {policy_url}",
        "text must contain {business}: people must be told",
        "text must contain {purposes}: people must be told",
        "agree is longer than 20 characters",
        "notice.colour is not a known key",
        "answers.nothing_held must be a text",
    ] {
        assert!(found.iter().any(|line| line.ends_with(part)), "{part} in {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
    // What fits as it is written, and not with the name of the business in it.
    let text = MESSAGES.replace("question = \"", &format!("question = \"{}", "{business}".repeat(4)));
    let policy = POLICY.replace("預かりデモ（見本）", &"長い名前の事業者".repeat(5));
    let found = problems(&[("messages/standard.toml", &text), ("policies/privacy/policy.toml", &policy)]);
    assert!(found.iter().any(|line| line.contains("messages/standard.toml:0: notice.question has ")), "{found:#?}");
}

/// The base point of P-256: a public key like any other.
pub(super) const POINT: &str =
    "BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=";

#[test]
fn operators_and_systems_are_read() {
    let operators = format!(
        r#"
[[operator]]
id = "desk"
role = "staff"
purposes = ["chat"]
public_key = "{POINT}"

[[operator]]
id = "officer"
role = "privacy_officer"
public_key = "{POINT}"
people_per_hour = 5

[[system]]
id = "crm"
purposes = ["chat"]
public_key = "{POINT}"
"#
    );
    let read = read(folder(&[("operators.toml", &operators)]).path()).unwrap();
    let roles: Vec<(&str, &str, u32)> =
        read.operators.iter().map(|it| (it.id.as_str(), it.role.as_str(), it.budget)).collect();
    assert_eq!(roles, [("desk", "staff", 60), ("officer", "privacy_officer", 5), ("crm", "system", 600)]);
}

#[test]
fn every_problem_of_an_operator_is_named() {
    let operators = format!(
        r#"
[[operator]]
id = "Desk"
role = "boss"
public_key = "{POINT}"
[[operator]]
id = "local"
role = "auditor"
public_key = "BGsX"
[[operator]]
id = "desk"
role = "staff"
purposes = ["chat", "gossip"]
public_key = "{POINT}"
[[system]]
id = "desk"
role = "staff"
purposes = []
public_key = "{POINT}"
"#
    );
    let problems = problems(&[("operators.toml", &operators)]);
    let parts = [
        ":3: id must be 1 to 32",
        ":4: operator.role must be one of staff, privacy_officer, auditor",
        ":7: the id \"local\" belongs to local mode",
        ":9: public_key is not",
        ":13: there is no purpose \"gossip\"",
        ":16: the id \"desk\" is there twice",
        ":17: system.role is not a known key",
        ":18: system.purposes must hold at least one text",
    ];
    for part in parts {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part} in {problems:#?}");
    }
    assert_eq!(problems.len(), parts.len(), "{problems:#?}");
}

#[test]
fn what_people_would_read_wrongly_is_refused() {
    let edited = |from: &str, to: &str| {
        assert!(MESSAGES.contains(from), "{from}");
        problems(&[("messages/standard.toml", &MESSAGES.replacen(from, to, 1))]).join("\n")
    };
    for (from, to, expected) in [
        ("refuse = \"同意しない\"", "refuse = \"同意する\"", "must differ"),
        ("agree = \"同意する\"", "agree = \"{business}\"", "agree cannot have braces"),
        ("read = \"取扱いを読む\"", "read = \"取扱い\\u0007\"", "read cannot have braces or control"),
        ("くわしくは {policy_url}", "くわしくは {policy_url} {", "text has a \"{\""),
        ("くわしくは {policy_url}", "くわしくは {policy_url} ｛business｝", "text has a \"｛\""),
    ] {
        let found = edited(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
    let long = "あ".repeat(40_000);
    let found = problems(&[("policies/privacy/ja.md", &long)]);
    assert_eq!(found, ["policies/privacy/ja.md:1: the text has 120000 bytes, at most 100000"]);
}
