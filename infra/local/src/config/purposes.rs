//! `purposes.toml`: why something is kept, and how long.

use std::{collections::BTreeMap, path::Path};

use azukari::domain::retention::{After, Retention, Then};

use crate::config::{
    Problems, Purpose,
    section::{Section, read_toml},
    term::term,
};

const FILE: &str = "purposes.toml";
const AFTER: [&str; 4] = ["collected", "last_contact", "unfollow", "date"];
const THEN: [&str; 2] = ["erase", "anonymise"];

/// Reads all purposes. One that has a problem is there by name, so that what uses
/// it is not called wrong as well; `None` if the file cannot be read at all.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> Option<BTreeMap<String, Option<Purpose>>> {
    read_toml(folder, FILE, problems, |top| {
        let mut purposes = BTreeMap::new();
        for section in top.sections("purpose") {
            if let Some((name, purpose)) = purpose(&section, &purposes) {
                purposes.insert(name, purpose);
            }
        }
        top.finish();
        purposes
    })
}

fn purpose(section: &Section<'_>, earlier: &BTreeMap<String, Option<Purpose>>) -> Option<(String, Option<Purpose>)> {
    let id = section.text("id");
    let title = section.texts("title");
    let then = section.one_of("then", &THEN, |word| match word {
        "erase" => Some(Then::Erase),
        "anonymise" => Some(Then::Anonymise),
        _ => None,
    });
    let retention = section.section("retention").and_then(|section| retention(&section, then));
    section.finish();
    let id = id?;
    if !is_name(&id.value) {
        let en = "purpose.id must be 1 to 40 of a-z, 0-9, - and _";
        section.problem(id.at, "purpose.idは半角のa-z、0-9、-、_で40文字までです", en);
        return None;
    }
    if earlier.contains_key(&id.value) {
        let en = format!("the purpose \"{}\" is there twice", id.value);
        section.problem(id.at, &format!("目的「{}」が重複しています", id.value), &en);
    }
    Some((id.value, title.zip(retention).map(|(title, retention)| Purpose { title, retention })))
}

fn retention(section: &Section<'_>, then: Option<Then>) -> Option<Retention> {
    let after = section.one_of("after", &AFTER, |word| match word {
        "collected" => Some(After::Collected),
        "last_contact" => Some(After::LastContact),
        "unfollow" => Some(After::Unfollow),
        "date" => Some(After::Date),
        _ => None,
    });
    let term = term(section);
    section.finish();
    Some(Retention { after: after?, term: term?, then: then? })
}

fn is_name(id: &str) -> bool {
    id.len() <= 40 && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}
