//! The house plan: which room may name which, and what intake may not name at all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file, without comments and without its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the source is there");
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Rooms that `crate::` paths of a file name.
fn rooms_named(code: &str) -> Vec<String> {
    let behind = code.split("crate::").skip(1);
    behind.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

/// Which rooms a room may name, itself apart.
fn arrows() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("domain", &[][..]),
        ("seal", &["domain"][..]),
        ("keys", &["domain"][..]),
        ("store", &["domain", "seal"][..]),
        ("line", &["domain"][..]),
        ("host", &["domain", "seal", "keys", "store", "line"][..]),
    ])
}

#[test]
fn rooms_name_only_what_the_arrows_allow() {
    let shared = root().join("shared/src");
    for (room, allowed) in arrows() {
        for file in sources(&shared.join(room)) {
            for named in rooms_named(&code(&file)) {
                let fits = named == room || allowed.contains(&named.as_str());
                assert!(fits, "{} names the room {named}", file.display());
            }
        }
    }
}

#[test]
fn the_store_knows_of_sealing_the_envelope_alone() {
    for file in sources(&root().join("shared/src/store")) {
        let code = code(&file);
        for rest in code.split("crate::seal::").skip(1) {
            assert!(rest.starts_with("envelope::Envelope"), "{} names more of seal", file.display());
        }
    }
}

#[test]
fn the_domain_has_no_io_clock_or_randomness() {
    for file in sources(&root().join("shared/src/domain")) {
        let code = code(&file);
        for word in ["async ", ".await", "tokio", "aws_", "std::fs", "std::env", "::now(", "rand::", "hpke", "http::"] {
            assert!(!code.contains(word), "{} uses {word}", file.display());
        }
    }
}

const INTAKE: [&str; 3] = ["webhook", "form", "link"];

#[test]
fn intake_cannot_name_what_opens() {
    for function in INTAKE {
        let folder = root().join("functions").join(function);
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("opening"), "{function} turns the opening half on");
        for word in ["aws-sdk-kms", "aws-lc-rs", "rustls", "hpke", "aws-sdk-dynamodb"] {
            assert!(!manifest.contains(word), "{function} depends on {word}");
        }
        for file in sources(&folder.join("src")) {
            let code = code(&file);
            for word in ["opening", "unwrap::unwrap", "decrypt", "WrappedKeys", "keys::pair", "seal::envelope"] {
                assert!(!code.contains(word), "{} names {word}", file.display());
            }
        }
    }
    for manifest in ["shared", "functions/locksmith", "functions/sweeper", "infra/local"] {
        let text = fs::read_to_string(root().join(manifest).join("Cargo.toml")).unwrap();
        let turned_on = text.lines().any(|line| line.contains("\"opening\"") && !line.starts_with("opening"));
        assert!(!turned_on, "{manifest} turns the opening half on");
    }
    // Nor can it name the function that does.
    for function in INTAKE {
        let manifest = fs::read_to_string(root().join("functions").join(function).join("Cargo.toml")).unwrap();
        assert!(
            !manifest.contains("azukari-opener") && !manifest.contains("lambda\""),
            "{function} can call the opener"
        );
    }
}

#[test]
fn every_function_is_known_everywhere() {
    let functions = root().join("functions");
    let template = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let local = fs::read_to_string(root().join("infra/local/Cargo.toml")).unwrap();
    let host = fs::read_to_string(root().join("tests/src/bin/lambda.rs")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for entry in fs::read_dir(functions).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let package = format!("azukari-{name}");
        assert!(template.contains(&format!("{package}/")), "{name} is not in the template");
        assert!(local.contains(&format!("{package}.workspace")), "{name} is not in local mode");
        assert!(host.contains(&format!("\"{name}\"")), "{name} is not hosted by the runtime test");
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
        let main = fs::read_to_string(entry.path().join("src/main.rs")).unwrap();
        assert!(main.lines().count() < 12, "the main of {name} is more than a door");
    }
}

#[test]
fn wire_names_of_line_stop_at_the_letter_box() {
    for folder in ["shared/src/domain", "shared/src/store", "shared/src/seal", "functions"] {
        for file in sources(&root().join(folder)) {
            let code = code(&file);
            for word in ["webhookEventId", "replyToken", "isRedelivery", "contentProvider"] {
                assert!(!code.contains(word), "{} knows LINE's {word}", file.display());
            }
        }
    }
}

#[test]
fn every_breakage_still_finds_what_it_breaks() {
    let text = fs::read_to_string(root().join("tests/breakages/breakages.toml")).unwrap();
    let all: toml::Table = text.parse().unwrap();
    let table = fs::read_to_string(root().join("tests/breakages/TABLE.md")).unwrap();
    for breakage in all["breakage"].as_array().unwrap() {
        let name = breakage["name"].as_str().unwrap();
        for edit in breakage["edit"].as_array().unwrap() {
            let source = fs::read_to_string(root().join(edit["file"].as_str().unwrap())).unwrap();
            assert_eq!(source.matches(edit["find"].as_str().unwrap()).count(), 1, "{name}");
        }
        assert!(table.contains(&format!("| {name} |")), "{name} is not in the table: run tests/breakages/run.py");
    }
}
