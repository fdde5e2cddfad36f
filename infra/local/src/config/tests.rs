use std::fs;

use super::*;

const PURPOSES: &str = r#"
[[purpose]]
id = "chat"
title = { ja = "チャット対応", en = "Answering in chat" }
retention = { after = "collected", days = 180 }
then = "erase"
"#;

const CHANNEL: &str = r#"
policy = "privacy"
before_consent = "keep_24h"

[purposes]
message = "chat"
event = "chat"
profile = "chat"
line_contact = "chat"
"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let usual = [
        ("purposes.toml", PURPOSES),
        ("channels/demo.toml", CHANNEL),
        ("policies/privacy/policy.toml", "title = { ja = \"題\", en = \"Title\" }\n"),
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

fn problems(files: &[(&str, &str)]) -> Vec<String> {
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
        "purposes.toml:5: purpose.retention.after must be one of collected, last_contact, not \"never\"",
        "purposes.toml:5: purpose.retention.weeks is not a known key",
        "purposes.toml:6: purpose.then must be one of erase, not \"burn\"",
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

/// The base point of P-256: a public key like any other.
const POINT: &str = "BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=";

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
