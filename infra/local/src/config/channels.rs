//! `channels/<name>.toml`: the rules for one LINE Official Account.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use azukari::domain::{consent::BeforeConsent, definition::after_block, id::ChannelName};

use crate::config::{
    Channel, Problems,
    messages::STANDARD,
    section::{At, Section, is_toml, read_toml, sorted_entries},
    term::term,
};

/// What a channel may refer to.
pub(super) struct Names<'a> {
    /// `None` if nobody knows: then nothing is called missing.
    pub(super) purposes: Option<BTreeSet<&'a str>>,
    pub(super) policies: BTreeSet<&'a str>,
    pub(super) messages: BTreeSet<&'a str>,
}

/// Reads all channels.
pub(super) fn read(folder: &Path, names: &Names<'_>, problems: &mut Problems) -> BTreeMap<String, Channel> {
    let mut channels = BTreeMap::new();
    let mut found = false;
    for entry in sorted_entries(&folder.join("channels")).iter().filter(|entry| is_toml(&entry.path())) {
        found = true;
        let file = format!("channels/{}", entry.file_name().to_string_lossy());
        let name = entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if ChannelName::parse(&name).is_err() {
            let en = "the name of a channel file must be 1 to 32 of a-z, 0-9 and -";
            problems.add(&file, 0, "チャネルのファイル名は半角のa-z、0-9、-で32文字までです", en);
        }
        if let Some(channel) = read_toml(folder, &file, problems, |top| channel(&top, names)).flatten() {
            channels.insert(name, channel);
        }
    }
    if !found {
        problems.add("channels", 0, "チャネルがありません", "there is no channel");
    }
    channels
}

fn channel(top: &Section<'_>, names: &Names<'_>) -> Option<Channel> {
    let known =
        |section: &Section<'_>, name: Option<At<String>>, among: Option<&BTreeSet<&str>>, ja: &str, en: &str| {
            let name = name?;
            if among.is_none_or(|among| among.contains(name.value.as_str())) {
                return Some(name.value);
            }
            let value = &name.value;
            section.problem(name.at, &format!("{ja}「{value}」がありません"), &format!("there is no {en} \"{value}\""));
            None
        };
    let policy = known(top, top.text("policy"), Some(&names.policies), "ポリシー", "policy");
    let before_consent = top.one_of("before_consent", &BeforeConsent::NAMES, BeforeConsent::parse);
    let after_block = match top.maybe_section("after_block") {
        Some(section) => {
            let term = term(&section);
            section.finish();
            term
        }
        None => Some(after_block()),
    };
    let messages = match top.maybe_text("messages") {
        Some(name) => known(top, Some(name), Some(&names.messages), "文面", "file of messages"),
        None => Some(STANDARD.to_owned()),
    };
    let purposes = top.section("purposes").map(|section| {
        let purpose = |key| known(&section, section.text(key), names.purposes.as_ref(), "目的", "purpose");
        let all = [purpose("message"), purpose("event"), purpose("profile"), purpose("line_contact")];
        section.finish();
        all
    });
    top.finish();
    let [message, event, profile, line_contact] = purposes?;
    Some(Channel {
        policy: policy?,
        before_consent: before_consent?,
        after_block: after_block?,
        messages: messages?,
        message: message?,
        event: event?,
        profile: profile?,
        line_contact: line_contact?,
    })
}
