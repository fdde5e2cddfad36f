//! `policies/<name>/`: `policy.toml`, and the text in `ja.md` and `en.md`.

use std::{collections::BTreeMap, path::Path};

use azukari::domain::definition::Text;

use crate::config::{
    Policy, Problems,
    section::{read_text, read_toml, sorted_entries},
};

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
        top.finish();
        title
    });
    let mut body = |language: &str| {
        let file = format!("policies/{name}/{language}.md");
        let text = read_text(folder, &file, problems)?;
        if text.trim().is_empty() {
            problems.add(&file, 1, "本文がありません", "there is no text");
            return None;
        }
        Some(text)
    };
    let (ja, en) = (body("ja"), body("en"));
    Some(Policy { title: title??, body: Text { ja: ja?, en: en? } })
}
