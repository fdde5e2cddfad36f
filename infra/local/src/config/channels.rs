//! `channels/<name>.toml`: the rules for one LINE Official Account.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use azukari::domain::{
    consent::BeforeConsent,
    definition::{after_block, keyword},
    id::ChannelName,
    retention::{After, Retention, Then},
    rights,
};

use crate::config::{
    Channel, Keyword, Problems, link,
    messages::STANDARD,
    section::{At, Section, is_toml, read_toml, sorted_entries},
    term::term,
};

/// What a channel may refer to.
pub(super) struct Names<'a> {
    /// `None` if nobody knows: then nothing is called missing.
    pub(super) purposes: Option<BTreeSet<&'a str>>,
    /// How long each is kept, as far as that can be read.
    pub(super) retentions: BTreeMap<&'a str, Retention>,
    pub(super) policies: BTreeSet<&'a str>,
    pub(super) messages: BTreeSet<&'a str>,
}

/// Which retention rules something can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Every one but that after a day given in a form.
    NoDate,
    /// What holds a person or a link together: it ends by time or silence, and is not counted.
    Contact,
}

impl Names<'_> {
    /// A purpose whose rule fits what it is for.
    pub(super) fn purpose(&self, section: &Section<'_>, key: &'static str, allowed: Allowed) -> Option<String> {
        let given = section.text(key);
        let at = given.as_ref().map(|given| given.at);
        let name = section.known(given, self.purposes.as_ref(), "目的", "purpose")?;
        let Some((rule, at)) = self.retentions.get(name.as_str()).zip(at) else { return Some(name) };
        if rule.after == After::Date {
            let ja = format!("目的「{name}」は、フォームの日付から数えます（after = \"date\"）。ここでは使えません");
            let en = format!("the purpose \"{name}\" counts from a day given in a form (after = \"date\"): not here");
            section.problem(at, &ja, &en);
        } else if allowed == Allowed::Contact && (rule.after == After::Unfollow || rule.then == Then::Anonymise) {
            let ja = format!("{key}の目的「{name}」には、after = \"unfollow\"とthen = \"anonymise\"を使えません");
            let en = format!(
                "the purpose \"{name}\" of {key} can have neither after = \"unfollow\" nor then = \"anonymise\""
            );
            section.problem(at, &ja, &en);
        }
        Some(name)
    }
}

/// A form that a channel names, and where: it is looked up once the forms are read.
pub(super) struct Mention {
    pub(super) channel: String,
    pub(super) form: String,
    pub(super) line: usize,
    /// Whether its title becomes the label of a button.
    pub(super) button: bool,
}

/// Most words that lead to the same, and the longest of them in characters.
const MOST_WORDS: usize = 20;
const LONGEST_WORD: usize = 40;

/// Reads all channels. One that has a problem is there by name.
pub(super) fn read(
    folder: &Path,
    names: &Names<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> BTreeMap<String, Option<Channel>> {
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
        let channel = read_toml(folder, &file, problems, |top| channel(&top, &name, names, mentions)).flatten();
        channels.insert(name, channel);
    }
    if !found {
        problems.add("channels", 0, "チャネルがありません", "there is no channel");
    }
    channels
}

fn channel(top: &Section<'_>, name: &str, names: &Names<'_>, mentions: &mut Vec<Mention>) -> Option<Channel> {
    let policy = top.known(top.text("policy"), Some(&names.policies), "ポリシー", "policy");
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
        Some(name) => top.known(Some(name), Some(&names.messages), "文面", "file of messages"),
        None => Some(STANDARD.to_owned()),
    };
    let purposes = top.section("purposes").map(|section| {
        let purpose = |key, allowed| names.purpose(&section, key, allowed);
        let all = [
            purpose("message", Allowed::NoDate),
            purpose("event", Allowed::NoDate),
            purpose("profile", Allowed::NoDate),
            purpose("line_contact", Allowed::Contact),
        ];
        section.finish();
        all
    });
    let liff_id = if top.has_any(&["liff_id"]) { liff_id(top).map(Some) } else { Some(None) };
    let mut mention = |section: &Section<'_>, form: At<String>, button: bool| {
        let line = section.line(form.at);
        mentions.push(Mention { channel: name.to_owned(), form: form.value.clone(), line, button });
        form.value
    };
    let greeting_form = top.maybe_text("greeting_form").map(|form| mention(top, form, true));
    let mut seen = BTreeSet::new();
    let link = if top.has_any(&["link"]) { link::read(top, names, &mut seen).map(Some) } else { Some(None) };
    let mut keywords = Vec::new();
    for section in top.any_sections("keyword") {
        let words = section.words("words").map(|words| comparable(&section, words, &mut seen));
        let form = section.text("form").map(|form| mention(&section, form, false));
        section.finish();
        keywords.extend(words.zip(form).map(|(words, form)| Keyword { words, form }));
    }
    let own = top.maybe_section("rights");
    let mut rights_words = |key, usual: Vec<String>| match &own {
        Some(section) if section.has_any(&[key]) => {
            section.words(key).map(|words| comparable(section, words, &mut seen))
        }
        // A word that leads to something else in this channel does.
        _ => Some(usual.into_iter().filter(|word| !seen.contains(word)).collect()),
    };
    let erase_words = rights_words("erase_words", rights::erase_words());
    let withdraw_words = rights_words("withdraw_words", rights::withdraw_words());
    let page_words = rights_words("page_words", rights::page_words());
    if let Some(section) = &own {
        section.finish();
    }
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
        liff_id: liff_id?,
        keywords,
        greeting_form,
        link: link?,
        erase_words: erase_words?,
        withdraw_words: withdraw_words?,
        page_words: page_words?,
    })
}

/// The id of a LIFF app: that of its LINE Login channel, and eight letters and digits.
fn liff_id(top: &Section<'_>) -> Option<String> {
    let At { value, at } = top.text("liff_id")?;
    let fits = value.split_once('-').is_some_and(|(login, app)| {
        let login = login.len() == 10 && login.bytes().all(|b| b.is_ascii_digit());
        login && app.len() == 8 && app.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if !fits {
        let en = "liff_id must be 10 digits, - and 8 letters or digits, as in 1234567890-AbcdEfgh";
        top.problem(at, "liff_idは、数字10桁、-、英数字8文字です（例：1234567890-AbcdEfgh）", en);
        return None;
    }
    Some(value)
}

/// The words as they are compared with what somebody writes. None may lead to two things.
pub(super) fn comparable(section: &Section<'_>, words: Vec<At<String>>, seen: &mut BTreeSet<String>) -> Vec<String> {
    if let Some(word) = words.get(MOST_WORDS) {
        let en = format!("there are more than {MOST_WORDS} words in one list");
        section.problem(word.at, &format!("キーワードは、一つの並びに{MOST_WORDS}個までです"), &en);
    }
    let mut all = Vec::with_capacity(words.len());
    for At { value, at } in words {
        let word = keyword(&value);
        if !(1..=LONGEST_WORD).contains(&word.chars().count()) || word.chars().any(char::is_control) {
            let en = format!("a word must be 1 to {LONGEST_WORD} characters on one line");
            section.problem(at, &format!("キーワードは1行で、{LONGEST_WORD}文字までです"), &en);
        } else if !seen.insert(word.clone()) {
            let en = format!("the word \"{word}\" is there twice in this channel");
            section.problem(at, &format!("キーワード「{word}」がこのチャネルで重複しています"), &en);
        }
        all.push(word);
    }
    all
}
