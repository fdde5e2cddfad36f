//! `messages/<name>.toml`: what an account says in the chat. The variables of every text
//! are checked when it is read, its length when it is filled in for a channel.

use std::{collections::BTreeMap, path::Path};

use azukari::domain::{
    definition::{Business, Text, block_words},
    wording::{
        self, LinkWording, MAX_ALT, MAX_LABEL, MAX_QUESTION, MAX_TEXT, MAX_URI, RightsWording, Wording, variables,
    },
};

use crate::config::{
    Channel, Messages, Problems, Purpose,
    section::{At, Section, is_toml, read_toml, sorted_entries},
};

/// The messages of a channel that names none: those that are shipped.
pub(super) const STANDARD: &str = "standard";
const SHIPPED: &str = include_str!("../../../config/messages/standard.toml");

pub use azukari::domain::language::Language;

const BUSINESS: &str = "business";
const PURPOSES: &str = "purposes";
const BEFORE_CONSENT: &str = "before_consent";
const AFTER_BLOCK: &str = "after_block";
const POLICY_URL: &str = "policy_url";
const FORM: &str = "form";
const UNLINK_WORD: &str = "unlink_word";
const PURPOSE: &str = "purpose";
const NUMBER: &str = "number";

/// Reads all messages. A file that has a problem is there by name.
pub(super) fn read(folder: &Path, problems: &mut Problems) -> BTreeMap<String, Option<Messages>> {
    let mut all = BTreeMap::new();
    for entry in sorted_entries(&folder.join("messages")).iter().filter(|entry| is_toml(&entry.path())) {
        let file = format!("messages/{}", entry.file_name().to_string_lossy());
        let name = entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        all.insert(name, read_toml(folder, &file, problems, |top| messages(&top)).flatten());
    }
    if !all.contains_key(STANDARD) {
        all.insert(STANDARD.to_owned(), crate::config::section::parse_toml(SHIPPED, |top| messages(&top)).flatten());
    }
    all
}

fn messages(top: &Section<'_>) -> Option<Messages> {
    let language = top.one_of("language", &["ja", "en"], |word| match word {
        "ja" => Some(Language::Ja),
        "en" => Some(Language::En),
        _ => None,
    });
    let notice = top.section("notice").map(|section| {
        let everything = [BUSINESS, PURPOSES, BEFORE_CONSENT, AFTER_BLOCK, POLICY_URL];
        let texts = [
            text(&section, "text", &everything, &[BUSINESS, PURPOSES, POLICY_URL], MAX_TEXT),
            text(&section, "changed", &everything, &[BUSINESS, POLICY_URL], MAX_TEXT),
            text(&section, "question", &[BUSINESS], &[], MAX_QUESTION),
            text(&section, "question_alt", &[BUSINESS], &[], MAX_ALT),
        ];
        section.finish();
        texts
    });
    let buttons = top.section("buttons").map(|section| {
        let labels = [label(&section, "agree"), label(&section, "refuse"), label(&section, "read")];
        if let [Some(agree), Some(refuse), _] = &labels
            && agree == refuse
        {
            let en = "buttons.agree and buttons.refuse must differ";
            section.problem(section.at(), "buttons.agreeとbuttons.refuseには違う文言を書いてください", en);
        }
        section.finish();
        labels
    });
    let plain = |section: &Section<'_>, key| text(section, key, &[BUSINESS, POLICY_URL], &[], MAX_TEXT);
    let answers = top.section("answers").map(|section| {
        let texts = ["agreed", "refused", "nothing_held", "not_kept"].map(|key| plain(&section, key));
        section.finish();
        texts
    });
    let cautions = top.section("cautions").map(|section| {
        let texts = ["card", "my_number"].map(|key| plain(&section, key));
        section.finish();
        texts
    });
    let forms = match top.maybe_section("forms") {
        Some(section) => {
            let texts = (text(&section, "link", &[BUSINESS, FORM], &[FORM], MAX_QUESTION), label(&section, "open"));
            section.finish();
            texts
        }
        None => {
            let (link, open) = match language {
                Some(Language::En) => ("You can fill in \"{form}\" by the button below.", "Open the form"),
                Some(Language::Ja) | None => ("「{form}」は、下のボタンからご記入いただけます。", "フォームを開く"),
            };
            (Some(link.to_owned()), Some(open.to_owned()))
        }
    };
    let link = match top.maybe_section("link") {
        Some(section) => {
            let texts = link(&section);
            section.finish();
            texts
        }
        None => Some(match language {
            Some(Language::En) => LinkWording::english(),
            Some(Language::Ja) | None => LinkWording::japanese(),
        }),
    };
    let rights = match top.maybe_section("rights") {
        Some(section) => {
            let texts = rights(&section, language.unwrap_or(Language::Ja));
            section.finish();
            texts
        }
        None => Some(match language {
            Some(Language::En) => RightsWording::english(),
            Some(Language::Ja) | None => RightsWording::japanese(),
        }),
    };
    top.finish();
    let (form_link, form_open) = forms;
    let ([notice, notice_changed, question, question_alt], [agree, refuse, read]) = (notice?, buttons?);
    let ([agreed, refused, nothing_held, not_kept], [card, my_number]) = (answers?, cautions?);
    let texts = Wording {
        notice: notice?,
        notice_changed: notice_changed?,
        question: question?,
        question_alt: question_alt?,
        agree: agree?,
        refuse: refuse?,
        read: read?,
        agreed: agreed?,
        refused: refused?,
        nothing_held: nothing_held?,
        not_kept: not_kept?,
        card: card?,
        my_number: my_number?,
        form_link: form_link?,
        form_open: form_open?,
        link: link?,
        rights: rights?,
    };
    Some(Messages { language: language?, texts })
}

/// About linking. Whoever has linked must be told how to undo it.
fn link(section: &Section<'_>) -> Option<LinkWording> {
    let question = |key| text(section, key, &[BUSINESS], &[], MAX_QUESTION);
    let plain = |key| text(section, key, &[BUSINESS, POLICY_URL], &[], MAX_TEXT);
    let told = |key, required: &[&str]| text(section, key, &[BUSINESS, POLICY_URL, UNLINK_WORD], required, MAX_TEXT);
    let [offer, unlink_question] = ["offer", "unlink_question"].map(question);
    let [open, unlink] = ["open", "unlink"].map(|key| label(section, key));
    let (linked, already) = (told("linked", &[UNLINK_WORD]), told("already", &[]));
    let [unavailable, refused, expired, unlinked, not_linked] =
        ["unavailable", "refused", "expired", "unlinked", "not_linked"].map(plain);
    Some(LinkWording {
        offer: offer?,
        open: open?,
        unavailable: unavailable?,
        linked: linked?,
        already: already?,
        refused: refused?,
        expired: expired?,
        unlink_question: unlink_question?,
        unlink: unlink?,
        unlinked: unlinked?,
        not_linked: not_linked?,
    })
}

/// About what people can ask of what is held.
fn rights(section: &Section<'_>, language: Language) -> Option<RightsWording> {
    let question = |key| text(section, key, &[BUSINESS], &[], MAX_QUESTION);
    let plain = |key| text(section, key, &[BUSINESS, POLICY_URL], &[], MAX_TEXT);
    let [erase_question, erasing, refused] = ["erase_question", "erasing", "refused"].map(question);
    let [erase, keep, receipt] = ["erase", "keep", "receipt"].map(|key| label(section, key));
    let [kept, nothing_held, purposes] = ["kept", "nothing_held", "purposes"].map(plain);
    let [erase_all, withdraw] = ["erase_all", "withdraw"].map(|key| label(section, key));
    let withdraw_number = text(section, "withdraw_number", &[NUMBER], &[NUMBER], MAX_LABEL);
    let withdraw_question = text(section, "withdraw_question", &[BUSINESS, PURPOSE], &[PURPOSE], MAX_QUESTION);
    let withdrawn = text(section, "withdrawn", &[BUSINESS, PURPOSE, POLICY_URL], &[PURPOSE], MAX_TEXT);
    // Messages of an earlier day know nothing of the page.
    let usual = match language {
        Language::Ja => RightsWording::japanese(),
        Language::En => RightsWording::english(),
    };
    let page = if section.has_any(&["page"]) {
        text(section, "page", &[BUSINESS], &[], MAX_QUESTION)
    } else {
        Some(usual.page)
    };
    let page_open = if section.has_any(&["page_open"]) { label(section, "page_open") } else { Some(usual.page_open) };
    if let (Some(erase), Some(keep)) = (&erase, &keep)
        && erase == keep
    {
        let en = "rights.erase and rights.keep must differ";
        section.problem(section.at(), "rights.eraseとrights.keepには違う文言を書いてください", en);
    }
    Some(RightsWording {
        erase_question: erase_question?,
        erase: erase?,
        keep: keep?,
        erasing: erasing?,
        refused: refused?,
        receipt: receipt?,
        kept: kept?,
        nothing_held: nothing_held?,
        language,
        purposes: purposes?,
        withdraw_number: withdraw_number?,
        erase_all: erase_all?,
        withdraw_question: withdraw_question?,
        withdraw: withdraw?,
        withdrawn: withdrawn?,
        page: page?,
        page_open: page_open?,
    })
}

/// A text, its variables, and the longest it may be before they are filled in.
fn text(section: &Section<'_>, key: &'static str, known: &[&str], required: &[&str], longest: usize) -> Option<String> {
    let At { value, at } = section.text(key)?;
    let mut good = true;
    for name in variables(&value).filter(|name| !known.contains(name)) {
        good = false;
        let ja = format!("{key}で{{{name}}}は使えません（使えるもの: {}）", braced(known));
        section.problem(at, &ja, &format!("{key} cannot use {{{name}}}, but: {}", braced(known)));
    }
    for name in required.iter().filter(|name| !variables(&value).any(|used| used == **name)) {
        good = false;
        let en = format!("{key} must contain {{{name}}}: people must be told");
        section.problem(at, &format!("{key}には{{{name}}}が必要です（お知らせしなければならないことです）"), &en);
    }
    if let Some(sign) = stray_brace(&value) {
        good = false;
        let ja = format!("{key}に、対にならない「{sign}」があります（変数は半角の {{ }} で書きます）");
        section.problem(at, &ja, &format!("{key} has a \"{sign}\" that belongs to no variable"));
    }
    if value.chars().any(|c| c.is_control() && c != '\n') {
        good = false;
        section.problem(at, &format!("{key}に制御文字があります"), &format!("{key} has control characters"));
    }
    if wording::units(&value) > longest {
        good = false;
        let en = format!("{key} is longer than {longest} characters");
        section.problem(at, &format!("{key}は{longest}文字までです"), &en);
    }
    good.then(|| value.trim().to_owned())
}

fn label(section: &Section<'_>, key: &'static str) -> Option<String> {
    let At { value, at } = section.text(key)?;
    if value.chars().count() > MAX_LABEL {
        let en = format!("{key} is longer than {MAX_LABEL} characters");
        section.problem(at, &format!("{key}は{MAX_LABEL}文字までです"), &en);
        return None;
    }
    if value.chars().any(|c| c.is_control() || matches!(c, '{' | '}' | '｛' | '｝')) {
        let ja = format!("{key}に、波かっこや制御文字は使えません");
        section.problem(at, &ja, &format!("{key} cannot have braces or control characters"));
        return None;
    }
    Some(value.trim().to_owned())
}

/// A brace that is not part of `{…}` on one line, or a full-width one: a variable that was
/// mistyped would be sent as it stands.
fn stray_brace(text: &str) -> Option<char> {
    let mut open = false;
    for c in text.chars() {
        match c {
            '｛' | '｝' => return Some(c),
            '{' if open => return Some(c),
            '{' => open = true,
            '}' if !open => return Some(c),
            '}' => open = false,
            '\n' if open => return Some('{'),
            _ => {}
        }
    }
    open.then_some('{')
}

fn braced(names: &[&str]) -> String {
    names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(" ")
}

impl Messages {
    /// The texts for a channel, filled in but for the address of the policy.
    pub fn wording(&self, business: &Business, purposes: &[&Purpose], channel: &Channel) -> Wording {
        let pick = |text: &Text| match self.language {
            Language::Ja => text.ja.clone(),
            Language::En => text.en.clone(),
        };
        let purposes: Vec<String> = purposes
            .iter()
            .map(|purpose| {
                let (title, kept) = (pick(&purpose.title), pick(&purpose.retention.words()));
                match self.language {
                    Language::Ja => format!("・{title}（{kept}で消去）"),
                    Language::En => format!("- {title} (erased {kept})"),
                }
            })
            .collect();
        let mut values = vec![
            (BUSINESS, pick(&business.name)),
            (PURPOSES, purposes.join("\n")),
            (BEFORE_CONSENT, pick(&channel.before_consent.words())),
            (AFTER_BLOCK, pick(&block_words(channel.after_block))),
        ];
        values.extend(channel.link.as_ref().map(|link| (UNLINK_WORD, link.unlink_word.clone())));
        let fill = |text: &String| fill(text, &values);
        let Wording { notice, notice_changed, question, question_alt, agree, refuse, read, .. } = &self.texts;
        let Wording { agreed, refused, nothing_held, not_kept, card, my_number, link, rights, .. } = &self.texts;
        Wording {
            notice: fill(notice),
            notice_changed: fill(notice_changed),
            question: fill(question),
            question_alt: fill(question_alt),
            agree: agree.clone(),
            refuse: refuse.clone(),
            read: read.clone(),
            agreed: fill(agreed),
            refused: fill(refused),
            nothing_held: fill(nothing_held),
            not_kept: fill(not_kept),
            card: fill(card),
            my_number: fill(my_number),
            form_link: fill(&self.texts.form_link),
            form_open: self.texts.form_open.clone(),
            link: LinkWording {
                offer: fill(&link.offer),
                open: link.open.clone(),
                unavailable: fill(&link.unavailable),
                linked: fill(&link.linked),
                already: fill(&link.already),
                refused: fill(&link.refused),
                expired: fill(&link.expired),
                unlink_question: fill(&link.unlink_question),
                unlink: link.unlink.clone(),
                unlinked: fill(&link.unlinked),
                not_linked: fill(&link.not_linked),
            },
            rights: RightsWording {
                erase_question: fill(&rights.erase_question),
                erase: rights.erase.clone(),
                keep: rights.keep.clone(),
                erasing: fill(&rights.erasing),
                refused: fill(&rights.refused),
                receipt: rights.receipt.clone(),
                kept: fill(&rights.kept),
                nothing_held: fill(&rights.nothing_held),
                language: rights.language,
                purposes: fill(&rights.purposes),
                withdraw_number: rights.withdraw_number.clone(),
                erase_all: rights.erase_all.clone(),
                withdraw_question: fill(&rights.withdraw_question),
                withdraw: rights.withdraw.clone(),
                withdrawn: fill(&rights.withdrawn),
                page: fill(&rights.page),
                page_open: rights.page_open.clone(),
            },
        }
    }
}

/// Fills in variables in one pass: what a value contains is never taken for a variable.
fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        let known = behind
            .split_once('}')
            .and_then(|(name, after)| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, after)));
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = behind;
            }
        }
    }
    filled + rest
}

/// Notes texts that have become too long for LINE once they are filled in.
pub(super) fn check_lengths(name: &str, channel: &str, wording: &Wording, problems: &mut Problems) {
    let texts = [
        ("notice.text", &wording.notice, MAX_TEXT - MAX_URI),
        ("notice.changed", &wording.notice_changed, MAX_TEXT - MAX_URI),
        ("notice.question", &wording.question, MAX_QUESTION),
        ("notice.question_alt", &wording.question_alt, MAX_ALT),
        ("link.offer", &wording.link.offer, MAX_QUESTION),
        ("link.unlink_question", &wording.link.unlink_question, MAX_QUESTION),
        ("rights.erase_question", &wording.rights.erase_question, MAX_QUESTION),
        ("rights.erasing", &wording.rights.erasing, MAX_QUESTION),
        ("rights.refused", &wording.rights.refused, MAX_QUESTION),
        ("rights.page", &wording.rights.page, MAX_QUESTION),
    ];
    let plain = [
        ("link.unavailable", &wording.link.unavailable),
        ("link.linked", &wording.link.linked),
        ("link.already", &wording.link.already),
        ("link.refused", &wording.link.refused),
        ("link.expired", &wording.link.expired),
        ("link.unlinked", &wording.link.unlinked),
        ("link.not_linked", &wording.link.not_linked),
        ("rights.kept", &wording.rights.kept),
        ("rights.nothing_held", &wording.rights.nothing_held),
        ("rights.purposes", &wording.rights.purposes),
        ("rights.withdrawn", &wording.rights.withdrawn),
    ];
    let plain = plain.map(|(key, text)| {
        let address = if text.contains(wording::POLICY_URL) { MAX_URI } else { 0 };
        (key, text, MAX_TEXT - address)
    });
    for (key, text, longest) in texts.into_iter().chain(plain) {
        let length = wording::units(text);
        if length > longest {
            let file = format!("messages/{name}.toml");
            let ja =
                format!("{key}は、チャネル「{channel}」の内容を入れると{length}文字になります（{longest}文字まで）");
            let en = format!("{key} has {length} characters once filled in for \"{channel}\", at most {longest}");
            problems.add(&file, 0, ja, en);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let values = [("business", "{purposes}".to_owned()), ("purposes", "x".to_owned())];
        assert_eq!(fill("{business} {purposes} {policy_url} {", &values), "{purposes} x {policy_url} {");
    }
}
