//! `forms/<name>.toml`: what is asked, for which purpose, and what an answer must look
//! like. A form that asks for what must not be collected is refused here, before anybody
//! fills it in.
//!
//! A part that has a problem is left out of what is read: then nothing is published.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use azukari::domain::{
    definition::Text,
    form::{Choice, Kind, Rules, ShowIf},
    retention::After,
    wording::{self, MAX_LABEL, MAX_TEXT},
};

use crate::config::{
    Channel, Form, FormField, FormSection, Problems,
    channels::{Mention, Names},
    forbidden::{asks_for_forbidden, is_forbidden_kind, is_forbidden_name},
    messages::Language,
    section::{At, Section, is_toml, read_toml, sorted_entries},
};

/// An envelope holds at most as many answers, and all may be for one purpose.
const MOST_FIELDS: usize = 60;
/// Longest names of forms, fields and choices, in bytes.
const LONGEST_NAME: usize = 40;
/// Longest answers, in characters.
const LONGEST_TEXT: u16 = 500;
const LONGEST_LONG_TEXT: u16 = 4_000;
/// Largest number, either way: an answer has at most 15 digits.
const LARGEST: i64 = 999_999_999_999_999;
/// Farthest day, either way: a hundred years.
const FARTHEST: i64 = 36_500;

/// Kinds that are chosen: they have choices, and a form without names can count them.
const CHOSEN: [Kind; 2] = [Kind::Choice, Kind::Choices];
/// Kinds by which a person can be found.
const LOOKUPS: [Kind; 3] = [Kind::Email, Kind::Phone, Kind::MemberId];

/// What a text that people read may be.
pub(super) struct Prose {
    /// In characters.
    longest: usize,
    /// Whether it may have several lines.
    lines: bool,
    /// Whether it asks for something, so that it must not ask for what is forbidden.
    asks: bool,
}

pub(super) const TITLE: Prose = Prose { longest: 60, lines: false, asks: false };
const LABEL: Prose = Prose { longest: 100, lines: false, asks: true };
// It may well say that a card number is not to be written here.
const HELP: Prose = Prose { longest: 300, lines: true, asks: false };
const CHOICE: Prose = Prose { longest: 60, lines: false, asks: false };
const BODY: Prose = Prose { longest: 1_000, lines: true, asks: false };

/// What the fields of a form are read against.
struct Reading<'a> {
    names: &'a Names<'a>,
    anonymous: bool,
    fields: usize,
    /// The fields by now, right or wrong.
    earlier: BTreeMap<String, Earlier>,
    /// The purposes of sensitive fields, and where the first of each stands.
    sensitive: BTreeMap<String, usize>,
    /// The purposes of all fields.
    purposes: BTreeSet<String>,
    /// Those of the fields whose answer starts a retention.
    started: BTreeSet<String>,
}

/// What a later field may refer to; `None` if it has a problem of its own.
struct Earlier {
    kind: Option<Kind>,
    choices: Option<BTreeSet<String>>,
}

/// Reads all forms. One that has a problem may be there by name only.
pub(super) fn read(
    folder: &Path,
    names: &Names<'_>,
    channels: &BTreeMap<String, Option<Channel>>,
    problems: &mut Problems,
) -> BTreeMap<String, Option<Form>> {
    let mut forms = BTreeMap::new();
    for entry in sorted_entries(&folder.join("forms")).iter().filter(|entry| is_toml(&entry.path())) {
        let file = format!("forms/{}", entry.file_name().to_string_lossy());
        let name = entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_name(&name, b"-") {
            let en = format!("the name of a form file must be 1 to {LONGEST_NAME} of a-z, 0-9 and -");
            let ja = format!("フォームのファイル名は半角のa-z、0-9、-で{LONGEST_NAME}文字までです");
            problems.add(&file, 0, ja, en);
        }
        let form = read_toml(folder, &file, problems, |top| form(&top, names, channels)).flatten();
        forms.insert(name, form);
    }
    forms
}

/// Notes forms that a channel names and that are not there, or belong to another channel,
/// or have a title that is too long for a button.
pub(super) fn check_mentions(
    mentions: &[Mention],
    forms: &BTreeMap<String, Option<Form>>,
    language: impl Fn(&str) -> Option<Language>,
    problems: &mut Problems,
) {
    for Mention { channel, form: name, line, button } in mentions {
        let file = format!("channels/{channel}.toml");
        let Some(form) = forms.get(name) else {
            let en = format!("there is no form \"{name}\"");
            problems.add(&file, *line, format!("フォーム「{name}」がありません"), en);
            continue;
        };
        let Some(form) = form else { continue };
        if form.channel != *channel {
            let other = &form.channel;
            let ja = format!("フォーム「{name}」は、チャネル「{other}」のものです");
            problems.add(&file, *line, ja, format!("the form \"{name}\" belongs to the channel \"{other}\""));
        }
        let title = match language(channel) {
            Some(Language::Ja) => &form.title.ja,
            Some(Language::En) => &form.title.en,
            None => continue,
        };
        let length = title.chars().count();
        if *button && length > MAX_LABEL {
            let ja = format!("フォーム「{name}」の題は{length}文字です（ボタンになるため{MAX_LABEL}文字まで）");
            let en =
                format!("the title of the form \"{name}\" has {length} characters, at most {MAX_LABEL} for a button");
            problems.add(&file, *line, ja, en);
        }
    }
}

fn form(top: &Section<'_>, names: &Names<'_>, channels: &BTreeMap<String, Option<Channel>>) -> Option<Form> {
    let channel = top.text("channel").and_then(|name| own_channel(top, name, channels));
    let policy = if top.has_any(&["policy"]) {
        top.known(top.text("policy"), Some(&names.policies), "ポリシー", "policy")
    } else {
        channel.as_ref().map(|(_, channel)| channel.policy.clone())
    };
    let title = texts(top, "title", &TITLE);
    let description = texts(top, "description", &BODY);
    let thanks = texts(top, "thanks", &BODY);
    let anonymous = top.flag("anonymous").is_some_and(|flag| flag.value);
    let reply = reply(top, anonymous);
    let mut reading = Reading {
        names,
        anonymous,
        fields: 0,
        earlier: BTreeMap::new(),
        sensitive: BTreeMap::new(),
        purposes: BTreeSet::new(),
        started: BTreeSet::new(),
    };
    if top.has_fewer("section", 1) {
        top.problem(top.at(), "項目がありません", "there is no field");
    }
    let mut sections = Vec::new();
    for part in top.any_sections("section") {
        let title = texts(&part, "title", &TITLE);
        if part.has_fewer("field", 1) {
            part.problem(part.at(), "このsectionに項目がありません", "there is no field in this section");
        }
        let fields: Vec<FormField> =
            part.any_sections("field").iter().filter_map(|section| field(section, &mut reading)).collect();
        part.finish();
        sections.extend(title.map(|title| FormSection { title, fields }));
    }
    let sensitive = sensitive_texts(top, &reading);
    starts_are_there(top, &reading);
    top.finish();
    Some(Form {
        channel: channel?.0,
        policy: policy?,
        title: title?,
        description: description?,
        thanks: thanks?,
        reply,
        anonymous,
        sections,
        sensitive,
    })
}

fn own_channel<'a>(
    top: &Section<'_>,
    name: At<String>,
    channels: &'a BTreeMap<String, Option<Channel>>,
) -> Option<(String, &'a Channel)> {
    let At { value, at } = name;
    let Some(channel) = channels.get(&value) else {
        let en = format!("there is no channel \"{value}\"");
        top.problem(at, &format!("チャネル「{value}」がありません"), &en);
        return None;
    };
    let channel = channel.as_ref()?;
    if channel.liff_id.is_none() {
        let en = format!("the channel \"{value}\" has no liff_id, in which the form would open");
        top.problem(at, &format!("フォームを開くためのliff_idが、チャネル「{value}」にありません"), &en);
    }
    Some((value, channel))
}

/// What is said in the chat once the form was sent. There are no variables in it.
fn reply(top: &Section<'_>, anonymous: bool) -> Option<String> {
    let At { value, at } = top.maybe_text("reply")?;
    if anonymous {
        let en = "an anonymous form is not answered in the chat: reply must go";
        top.problem(at, "無記名のフォームには、replyを書けません", en);
    }
    if wording::units(&value) > MAX_TEXT {
        let en = format!("reply is longer than {MAX_TEXT} characters");
        top.problem(at, &format!("replyは{MAX_TEXT}文字までです"), &en);
    }
    if value.contains(['{', '}']) {
        top.problem(at, "replyに波かっこは使えません", "reply cannot have braces");
    }
    if has_controls(&value, true) {
        top.problem(at, "replyに制御文字があります", "reply has control characters");
    }
    Some(value.trim().to_owned())
}

fn field(section: &Section<'_>, form: &mut Reading<'_>) -> Option<FormField> {
    form.fields += 1;
    if form.fields == MOST_FIELDS + 1 {
        let en = format!("the form has more than {MOST_FIELDS} fields");
        section.problem(section.at(), &format!("一つのフォームの項目は{MOST_FIELDS}個までです"), &en);
    }
    let name = section.text("name").map(|name| field_name(section, name, form));
    let kind = section.text("kind").and_then(|word| kind(section, &word, form.anonymous));
    let label = texts(section, "label", &LABEL);
    let help = if section.has_any(&["help"]) { texts(section, "help", &HELP) } else { None };
    let required = section.flag("required").is_some_and(|flag| flag.value);
    let sensitive = section.flag("sensitive").filter(|flag| flag.value);
    let purpose = purpose(section, sensitive.as_ref(), form);
    let lookup = lookup(section, kind, form.anonymous);
    let quick_fill = section.flag("quick_fill").is_none_or(|flag| flag.value);
    let show_if = show_if(section, &form.earlier);
    let rules = rules(section, kind);
    let starts_retention = starts_retention(section, kind, purpose.as_deref(), rules.as_ref(), form);
    section.finish();
    if let Some(name) = &name {
        let rules = rules.as_ref().filter(|_| kind.is_some());
        let choices = rules.map(|rules| rules.choices.iter().map(|choice| choice.id.clone()).collect());
        form.earlier.insert(name.clone(), Earlier { kind, choices });
    }
    Some(FormField {
        name: name?,
        kind: kind?,
        label: label?,
        help,
        required,
        purpose,
        sensitive: sensitive.is_some(),
        lookup,
        quick_fill,
        starts_retention,
        show_if,
        rules: rules?,
    })
}

/// Names of what is sent beside the answers.
const RESERVED: [&str; 6] = ["notice", "id_token", "step", "lang", "answers", "consents"];

fn field_name(section: &Section<'_>, name: At<String>, form: &Reading<'_>) -> String {
    let At { value, at } = name;
    if !is_name(&value, b"_") || !value.starts_with(|c: char| c.is_ascii_lowercase()) {
        let en = format!("name must be 1 to {LONGEST_NAME} of a-z, 0-9 and _, and begin with a letter");
        let ja = format!("nameは半角のa-z、0-9、_で{LONGEST_NAME}文字までです（先頭は英字）");
        section.problem(at, &ja, &en);
    }
    if form.earlier.contains_key(&value) {
        let en = format!("the field \"{value}\" is there twice");
        section.problem(at, &format!("項目「{value}」が重複しています"), &en);
    }
    if RESERVED.contains(&value.as_str()) {
        let en = format!("the name \"{value}\" stands for something else in a form");
        section.problem(at, &format!("name「{value}」は、フォームの別の値に使われています"), &en);
    }
    if is_forbidden_name(&value) {
        forbidden(section, at, &format!("name「{value}」"), &format!("name \"{value}\""));
    }
    value
}

fn kind(section: &Section<'_>, word: &At<String>, anonymous: bool) -> Option<Kind> {
    let At { value, at } = word;
    let Some(kind) = Kind::parse(value) else {
        if is_forbidden_kind(value) {
            forbidden(section, *at, &format!("kind「{value}」"), &format!("kind \"{value}\""));
        } else {
            let all = words(&Kind::ALL);
            let ja = format!("kindの「{value}」は使えません（{all}のどれか）");
            section.problem(*at, &ja, &format!("kind must be one of {all}, not \"{value}\""));
        }
        return None;
    };
    if anonymous && !CHOSEN.contains(&kind) {
        let (chosen, kind) = (words(&CHOSEN), kind.as_str());
        let ja = format!("無記名のフォームで使える種類は{chosen}だけです（この項目は{kind}）");
        section.problem(*at, &ja, &format!("an anonymous form can ask for {chosen}, not for {kind}"));
    }
    Some(kind)
}

/// What the answer is kept for: a purpose that exists, or none in an anonymous form.
fn purpose(section: &Section<'_>, sensitive: Option<&At<bool>>, form: &mut Reading<'_>) -> Option<String> {
    if form.anonymous {
        if let Some(at) = section.place("purpose") {
            let en = "an anonymous form keeps no answer: purpose must go";
            section.problem(at, "無記名のフォームは回答を保存しないため、purposeを書けません", en);
        }
        if let Some(flag) = sensitive {
            let en = "an anonymous form cannot have sensitive fields";
            section.problem(flag.at, "無記名のフォームでは、要配慮個人情報（sensitive）をたずねられません", en);
        }
        return None;
    }
    let purpose = section.known(section.text("purpose"), form.names.purposes.as_ref(), "目的", "purpose")?;
    if let Some(flag) = sensitive {
        form.sensitive.entry(purpose.clone()).or_insert(flag.at);
    }
    form.purposes.insert(purpose.clone());
    Some(purpose)
}

/// Whether the retention of its purpose is counted from the answer: only of a day, of one
/// that has an end, and only where the purpose says so.
fn starts_retention(
    section: &Section<'_>,
    kind: Option<Kind>,
    purpose: Option<&str>,
    rules: Option<&Rules>,
    form: &mut Reading<'_>,
) -> bool {
    let Some(flag) = section.flag("starts_retention").filter(|flag| flag.value) else { return false };
    let (Some(kind), Some(purpose)) = (kind, purpose) else { return true };
    if kind != Kind::Date {
        let ja = format!("starts_retentionはdateの項目だけに書けます（この項目は{}）", kind.as_str());
        section.problem(flag.at, &ja, &format!("starts_retention belongs to date, not to {}", kind.as_str()));
    } else if rules.is_some_and(|rules| rules.latest_days.is_none()) {
        let ja = "starts_retentionの項目には、latest_daysが要ります（いつまでも消去されない日付を防ぎます）";
        section.problem(flag.at, ja, "a field with starts_retention needs latest_days: nothing may be kept for ever");
    }
    if form.names.retentions.get(purpose).is_some_and(|rule| rule.after != After::Date) {
        let ja = format!("目的「{purpose}」の保存期間は、日付から数えません（after = \"date\"ではありません）");
        let en = format!("the retention of the purpose \"{purpose}\" is not counted from a day (after = \"date\")");
        section.problem(flag.at, &ja, &en);
    }
    if !form.started.insert(purpose.to_owned()) {
        let ja = format!("目的「{purpose}」のstarts_retentionが二つあります");
        section.problem(flag.at, &ja, &format!("there are two fields with starts_retention for \"{purpose}\""));
    }
    true
}

/// Each purpose that is counted from a day has a field that asks for it.
fn starts_are_there(top: &Section<'_>, form: &Reading<'_>) {
    for purpose in form.purposes.difference(&form.started) {
        if form.names.retentions.get(purpose.as_str()).is_some_and(|rule| rule.after == After::Date) {
            let ja =
                format!("目的「{purpose}」は日付から数えます。その日付の項目にstarts_retention = trueを書いてください");
            let en = format!(
                "the purpose \"{purpose}\" counts from a day: the date field that asks for it needs starts_retention = true"
            );
            top.problem(top.at(), &ja, &en);
        }
    }
}

fn lookup(section: &Section<'_>, kind: Option<Kind>, anonymous: bool) -> bool {
    let Some(flag) = section.flag("lookup").filter(|flag| flag.value) else { return false };
    if anonymous {
        let en = "nobody can be found by an anonymous form: lookup must go";
        section.problem(flag.at, "無記名のフォームには、lookupを書けません", en);
    } else if let Some(kind) = kind.filter(|kind| !LOOKUPS.contains(kind)) {
        let (kinds, kind) = (words(&LOOKUPS), kind.as_str());
        let ja = format!("lookupは{kinds}の項目だけに書けます（この項目は{kind}）");
        section.problem(flag.at, &ja, &format!("lookup belongs to {kinds}, not to {kind}"));
    }
    true
}

fn show_if(section: &Section<'_>, earlier: &BTreeMap<String, Earlier>) -> Option<ShowIf> {
    let condition = section.maybe_section("show_if")?;
    let (field, any_of) = (condition.text("field"), condition.words("any_of"));
    condition.finish();
    let (field, any_of) = (field?, any_of?);
    let name = field.value;
    let Some(it) = earlier.get(&name) else {
        let en = format!("show_if: no field \"{name}\" comes before this one");
        section.problem(field.at, &format!("show_if: この項目より前に、項目「{name}」がありません"), &en);
        return None;
    };
    if let Some(kind) = it.kind.filter(|kind| !CHOSEN.contains(kind)) {
        let (chosen, kind) = (words(&CHOSEN), kind.as_str());
        let ja = format!("show_if: 項目「{name}」は{kind}です（使えるもの：{chosen}）");
        let en = format!("show_if: the field \"{name}\" is a {kind}, and must be one of {chosen}");
        section.problem(field.at, &ja, &en);
        return None;
    }
    if let Some(choices) = &it.choices {
        for At { value, at } in any_of.iter().filter(|choice| !choices.contains(&choice.value)) {
            let en = format!("show_if: the field \"{name}\" has no choice \"{value}\"");
            section.problem(*at, &format!("show_if: 項目「{name}」に選択肢「{value}」がありません"), &en);
        }
    }
    Some(ShowIf { field: name, any_of: any_of.into_iter().map(|choice| choice.value).collect() })
}

fn rules(section: &Section<'_>, kind: Option<Kind>) -> Option<Rules> {
    let longest = if kind == Some(Kind::Text) { LONGEST_TEXT } else { LONGEST_LONG_TEXT };
    let texts = [Kind::Text, Kind::LongText];
    let max_length = limit(section, kind, "max_length", &texts, |key| section.number(key, 1..=longest));
    let counted = [Kind::Number, Kind::Choices];
    let whole = |key| limit(section, kind, key, &counted, |key| section.integer(key, -LARGEST..=LARGEST));
    let (min, max) = (whole("min"), whole("max"));
    let decimals = limit(section, kind, "decimals", &[Kind::Number], |key| section.integer(key, 0..=6));
    let day = |key| limit(section, kind, key, &[Kind::Date], |key| section.integer(key, -FARTHEST..=FARTHEST));
    let (earliest, latest) = (day("earliest_days"), day("latest_days"));
    let choices = limit(section, kind, "choices", &CHOSEN, |_| Some(choices(section, kind)));
    let choices = choices.unwrap_or(Some(Vec::new()));
    in_order(section, ("min", min.as_ref()), ("max", max.as_ref()));
    in_order(section, ("earliest_days", earliest.as_ref()), ("latest_days", latest.as_ref()));
    if let (Some(Kind::Choices), Some(choices)) = (kind, &choices) {
        let count = choices.len();
        for (key, least, given) in [("min", 0, &min), ("max", 1, &max)] {
            let Some(given) = given else { continue };
            if given.value < least || usize::try_from(given.value).is_ok_and(|given| given > count) {
                let ja = format!("{key}は選ぶ数です（{least}から、選択肢の数の{count}まで）");
                section.problem(given.at, &ja, &format!("{key} counts choices: from {least} to {count}"));
            }
        }
    }
    Some(Rules {
        choices: choices?,
        max_length: max_length.map(|it| it.value),
        min: min.map(|it| it.value),
        max: max.map(|it| it.value),
        decimals: decimals.and_then(|it| u8::try_from(it.value).ok()).unwrap_or_default(),
        earliest_days: earliest.and_then(|it| i32::try_from(it.value).ok()),
        latest_days: latest.and_then(|it| i32::try_from(it.value).ok()),
    })
}

/// Reads a limit. A kind that does not have it must not be given it.
fn limit<T>(
    section: &Section<'_>,
    kind: Option<Kind>,
    key: &'static str,
    kinds: &[Kind],
    read: impl FnOnce(&'static str) -> Option<T>,
) -> Option<T> {
    let Some(kind) = kind.filter(|kind| !kinds.contains(kind)) else { return read(key) };
    if let Some(at) = section.place(key) {
        let (kinds, kind) = (words(kinds), kind.as_str());
        let ja = format!("{key}は{kinds}の項目だけに書けます（この項目は{kind}）");
        section.problem(at, &ja, &format!("{key} belongs to {kinds}, not to {kind}"));
    }
    None
}

fn in_order(section: &Section<'_>, low: (&str, Option<&At<i64>>), high: (&str, Option<&At<i64>>)) {
    let ((low_key, Some(low)), (high_key, Some(high))) = (low, high) else { return };
    if low.value > high.value {
        let en = format!("{low_key} is larger than {high_key}");
        section.problem(low.at, &format!("{low_key}が{high_key}より大きくなっています"), &en);
    }
}

/// Reads the choices; `None` if one of them has a problem, or they are too few.
fn choices(section: &Section<'_>, kind: Option<Kind>) -> Option<Vec<Choice>> {
    const FEWEST: usize = 2;
    let mut sound = true;
    if kind.is_some() && section.has_fewer("choices", FEWEST) {
        sound = false;
        let at = section.place("choices").unwrap_or(section.at());
        let en = format!("choices must hold at least {FEWEST} choices");
        section.problem(at, &format!("choicesには選択肢を{FEWEST}つ以上書いてください"), &en);
    }
    let mut seen = BTreeSet::new();
    let mut choices = Vec::new();
    for entry in section.any_sections("choices") {
        let id = entry.text("id").and_then(|id| choice_id(&entry, id, &mut seen));
        let label = texts(&entry, "label", &CHOICE);
        entry.finish();
        match id.zip(label) {
            Some((id, label)) => choices.push(Choice { id, label }),
            None => sound = false,
        }
    }
    sound.then_some(choices)
}

fn choice_id(section: &Section<'_>, id: At<String>, seen: &mut BTreeSet<String>) -> Option<String> {
    let At { value, at } = id;
    if !is_name(&value, b"_-") {
        let en = format!("id must be 1 to {LONGEST_NAME} of a-z, 0-9, _ and -");
        section.problem(at, &format!("idは半角のa-z、0-9、_、-で{LONGEST_NAME}文字までです"), &en);
        return None;
    }
    if !seen.insert(value.clone()) {
        let en = format!("the choice \"{value}\" is there twice");
        section.problem(at, &format!("選択肢「{value}」が重複しています"), &en);
        return None;
    }
    Some(value)
}

/// The consents of their own that sensitive answers need (要配慮個人情報; 個人情報保護法
/// §20(2)): one for each purpose that has such fields, and no other.
fn sensitive_texts(top: &Section<'_>, form: &Reading<'_>) -> BTreeMap<String, Text> {
    let mut named = BTreeSet::new();
    let mut all = BTreeMap::new();
    for section in top.any_sections("sensitive") {
        let (purpose, text) = (section.text("purpose"), texts(&section, "text", &BODY));
        section.finish();
        if form.anonymous {
            let en = "an anonymous form asks for no consent: [[sensitive]] must go";
            section.problem(section.at(), "無記名のフォームには、[[sensitive]]を書けません", en);
            continue;
        }
        let at = purpose.as_ref().map_or(section.at(), |purpose| purpose.at);
        let Some(purpose) = section.known(purpose, form.names.purposes.as_ref(), "目的", "purpose") else { continue };
        if !named.insert(purpose.clone()) {
            let en = format!("the text for the purpose \"{purpose}\" is there twice");
            section.problem(at, &format!("目的「{purpose}」の[[sensitive]]が重複しています"), &en);
        } else if !form.sensitive.contains_key(&purpose) {
            let en = format!("no sensitive field is for the purpose \"{purpose}\"");
            section.problem(at, &format!("目的「{purpose}」には、sensitive = trueの項目がありません"), &en);
        }
        all.extend(text.map(|text| (purpose, text)));
    }
    for (purpose, at) in form.sensitive.iter().filter(|(purpose, _)| !named.contains(*purpose)) {
        let ja = format!("要配慮個人情報には別の同意が必要です。目的「{purpose}」の[[sensitive]]を書いてください");
        let en = format!("sensitive fields need a consent of their own: there is no [[sensitive]] for \"{purpose}\"");
        top.problem(*at, &ja, &en);
    }
    all
}

/// A text in Japanese and English.
pub(super) fn texts(section: &Section<'_>, key: &'static str, prose: &Prose) -> Option<Text> {
    let section = section.section(key)?;
    let (ja, en) = (text(&section, "ja", prose), text(&section, "en", prose));
    section.finish();
    Some(Text { ja: ja?, en: en? })
}

fn text(section: &Section<'_>, key: &'static str, prose: &Prose) -> Option<String> {
    let At { value, at } = section.text(key)?;
    let (value, path) = (value.trim(), section.path_of(key));
    let longest = prose.longest;
    if value.chars().count() > longest {
        let en = format!("{path} is longer than {longest} characters");
        section.problem(at, &format!("{path}は{longest}文字までです"), &en);
    }
    if has_controls(value, prose.lines) {
        section.problem(at, &format!("{path}に制御文字があります"), &format!("{path} has control characters"));
    }
    if prose.asks && asks_for_forbidden(value) {
        forbidden(section, at, &path, &path);
    }
    Some(value.to_owned())
}

fn has_controls(text: &str, lines: bool) -> bool {
    text.chars().any(|c| c.is_control() && !(lines && c == '\n'))
}

/// Whether a name is made of 1 to 40 of `a-z`, `0-9` and these.
fn is_name(name: &str, others: &[u8]) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9') || others.contains(&b))
}

/// The names of kinds in a sentence.
fn words(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// Notes that a field asks for what must not be collected: numbers of payment cards (PCI
/// DSS) and My Number (番号法 §20).
fn forbidden(section: &Section<'_>, at: usize, ja: &str, en: &str) {
    let ja = format!("クレジットカードの番号とマイナンバーは、お預かりできません（{ja}）");
    section.problem(at, &ja, &format!("card numbers and My Number must not be collected ({en})"));
}
