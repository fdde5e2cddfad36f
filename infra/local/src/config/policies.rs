//! `policies/<name>/`: `policy.toml` with what the law wants to be made known, and the
//! text in `ja.md` and `en.md`.

use std::{collections::BTreeMap, path::Path};

use azukari::domain::definition::{Business, Text};

use crate::config::{
    Policy, Problems,
    section::{Section, read_text, read_toml, sorted_entries},
};

/// Longest text of a policy in one language, in bytes. A version with both is one row, and
/// a row of DynamoDB has at most 400 KB.
const LONGEST: usize = 100_000;

/// Reads all policies. One that has a problem is there by name.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> BTreeMap<String, Option<Policy>> {
    let folders = sorted_entries(&folder.join("policies"));
    let names: Vec<String> = folders
        .iter()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if names.is_empty() {
        problems.add("policies", 0, "ポリシーがありません", "there is no policy");
    }
    names.into_iter().map(|name| (name.clone(), policy(folder, &name, problems))).collect()
}

fn policy(folder: &Path, name: &str, problems: &mut Problems) -> Option<Policy> {
    let title = read_toml(folder, &format!("policies/{name}/policy.toml"), problems, |top| {
        let title = top.texts("title");
        let business = business(&top);
        top.finish();
        Some((title?, business?))
    });
    let mut body = |language: &str| {
        let file = format!("policies/{name}/{language}.md");
        let text = read_text(folder, &file, problems)?;
        if text.trim().is_empty() {
            problems.add(&file, 1, "本文がありません", "there is no text");
            return None;
        }
        if text.len() > LONGEST {
            let ja = format!("本文は{LONGEST}バイトまでです（いまは{}バイト）", text.len());
            problems.add(&file, 1, ja, format!("the text has {} bytes, at most {LONGEST}", text.len()));
            return None;
        }
        Some(text)
    };
    let (ja, en) = (body("ja"), body("en"));
    let (title, business) = title??;
    Some(Policy { title, body: Text { ja: ja?, en: en? }, business })
}

/// What the law wants to be made known (個人情報保護法 §32(1), 施行令 §10): without any of
/// it, nothing starts.
fn business(top: &Section<'_>) -> Option<Business> {
    let read = |section: &'static str, keys: &[&'static str]| -> Vec<Option<Text>> {
        let Some(section) = top.section(section) else { return vec![None; keys.len()] };
        let texts = keys.iter().map(|key| section.texts(key)).collect();
        section.finish();
        texts
    };
    let mut texts = read("business", &["name", "address", "representative"]).into_iter();
    let (name, address, representative) = (texts.next()?, texts.next()?, texts.next()?);
    let mut texts = read("requests", &["how", "fees"]).into_iter();
    let (requests, fees) = (texts.next()?, texts.next()?);
    let mut texts = read("safety", &["measures", "place"]).into_iter();
    let (safety, place) = (texts.next()?, texts.next()?);
    let contact = read("contact", &["desk"]).into_iter().next()?;
    Some(Business {
        name: name?,
        address: address?,
        representative: representative?,
        requests: requests?,
        fees: fees?,
        safety: safety?,
        place: place?,
        contact: contact?,
    })
}
