use super::{
    tests::{CHANNEL, folder, problems},
    *,
};

/// Fields come behind it, the first at line 7.
const HEAD: &str = r#"channel = "demo"
title = { ja = "題", en = "Title" }
description = { ja = "説明", en = "Description" }
thanks = { ja = "お礼", en = "Thanks" }
[[section]]
title = { ja = "章", en = "Part" }
"#;

const TWO: &str =
    r#"choices = [{ id = "a", label = { ja = "ア", en = "A" } }, { id = "b", label = { ja = "イ", en = "B" } }]"#;

/// Six lines: `name` is the second, `kind` the third, `rest` the sixth.
fn field(name: &str, kind: &str, rest: &str) -> String {
    let label = r#"label = { ja = "問い", en = "Question" }"#;
    format!("[[section.field]]\nname = \"{name}\"\nkind = \"{kind}\"\n{label}\npurpose = \"chat\"\n{rest}\n")
}

fn form(fields: &[String]) -> String {
    format!("{HEAD}{}", fields.concat())
}

/// The usual channel with more keys, the first at line 5.
fn channel(keys: &str) -> String {
    CHANNEL.replace("[purposes]", &format!("{keys}[purposes]"))
}

fn with_liff() -> String {
    channel("liff_id = \"1234567890-AzukariA\"\n")
}

/// What is wrong with a form.
fn wrong(form: &str) -> Vec<String> {
    problems(&[("channels/demo.toml", &with_liff()), ("forms/f.toml", form)])
}

fn sound(form: &str) -> Form {
    let channel = with_liff();
    let folder = folder(&[("channels/demo.toml", &channel), ("forms/f.toml", form)]);
    let mut read = read(folder.path()).unwrap_or_else(|problems| panic!("{problems}\n{form}"));
    read.forms.remove("f").unwrap()
}

#[test]
fn the_shipped_configuration_has_four_forms() {
    let read = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config"))).unwrap();
    let names: Vec<&str> = read.forms.keys().map(String::as_str).collect();
    assert_eq!(names, ["health-check", "satisfaction", "trial-lesson", "visit"]);
    let demo = &read.channels["demo"];
    assert_eq!(demo.liff_id.as_deref(), Some("1234567890-AzukariA"));
    assert_eq!(demo.greeting_form.as_deref(), Some("trial-lesson"));
    let opened: Vec<(&str, &str)> =
        demo.keywords.iter().map(|keyword| (keyword.words[0].as_str(), keyword.form.as_str())).collect();
    let expected =
        [("体験", "trial-lesson"), ("予約", "visit"), ("問診", "health-check"), ("アンケート", "satisfaction")];
    assert_eq!(opened, expected);
    for form in read.forms.values() {
        assert_eq!((form.channel.as_str(), form.policy.as_str()), ("demo", "privacy"));
    }
    let lesson = &read.forms["trial-lesson"];
    let fields: Vec<&FormField> = lesson.sections.iter().flat_map(|section| &section.fields).collect();
    let lookups: Vec<&str> = fields.iter().filter(|field| field.lookup).map(|field| field.name.as_str()).collect();
    assert_eq!(lookups, ["phone", "email"]);
    let optional = fields.iter().filter(|field| field.purpose.as_deref() == Some("news"));
    assert!(optional.clone().count() > 0 && optional.clone().all(|field| !field.required));
    let health: Vec<&str> = read.forms["health-check"].sensitive.keys().map(String::as_str).collect();
    assert_eq!(health, ["health"]);
    assert!(read.forms["satisfaction"].anonymous);
}

#[test]
fn a_form_is_read_as_it_is_written() {
    let written = form(&[
        field("who", "choices", &format!("{TWO}\nmin = 1\nmax = 2")),
        field("note", "text", "max_length = 500\nrequired = true\nshow_if = { field = \"who\", any_of = [\"b\"] }"),
        field("weight", "number", "min = -5\nmax = 200\ndecimals = 2"),
        field("day", "date", "earliest_days = -30\nlatest_days = 60"),
        field("member", "member_id", "lookup = true\nhelp = { ja = \"\"\"\n一行目\n二行目\n\"\"\", en = \"Help\" }"),
    ]);
    let form = sound(&written);
    assert_eq!((form.channel.as_str(), form.policy.as_str(), form.anonymous), ("demo", "privacy", false));
    assert_eq!((form.title.ja.as_str(), form.reply, form.sensitive.len()), ("題", None, 0));
    let [who, note, weight, day, member] = &form.sections[0].fields[..] else { panic!("five fields") };
    let ids: Vec<&str> = who.rules.choices.iter().map(|choice| choice.id.as_str()).collect();
    assert_eq!((who.kind, ids, who.rules.min, who.rules.max), (Kind::Choices, vec!["a", "b"], Some(1), Some(2)));
    assert_eq!(note.show_if, Some(ShowIf { field: "who".to_owned(), any_of: vec!["b".to_owned()] }));
    assert!(note.required && !who.required && note.rules.max_length == Some(500));
    assert_eq!((weight.rules.min, weight.rules.max, weight.rules.decimals), (Some(-5), Some(200), 2));
    assert_eq!((day.rules.earliest_days, day.rules.latest_days), (Some(-30), Some(60)));
    assert!(member.lookup && member.purpose.as_deref() == Some("chat"));
    assert_eq!(member.help.as_ref().map(|help| help.ja.as_str()), Some("一行目\n二行目"));
}

#[test]
fn every_problem_of_the_head_is_named() {
    let long = "題".repeat(61);
    let head = format!(
        r#"channel = "other"
policy = "none"
title = {{ ja = "{long}", en = "T" }}
description = {{ ja = "説\u0007明", en = "D" }}
thanks = {{ ja = "お礼", en = "" }}
reply = "{{name}}さん"
colour = "red"
anonymous = "yes"
"#
    );
    let expected = [
        "forms/f.toml:1: there is no channel \"other\"",
        "forms/f.toml:1: there is no field",
        "forms/f.toml:2: there is no policy \"none\"",
        "forms/f.toml:3: title.ja is longer than 60 characters",
        "forms/f.toml:4: description.ja has control characters",
        "forms/f.toml:5: thanks.en must not be blank",
        "forms/f.toml:6: reply cannot have braces",
        "forms/f.toml:7: colour is not a known key",
        "forms/f.toml:8: anonymous must be true or false",
    ];
    let mut found = wrong(&head);
    found.sort();
    assert_eq!(found, expected);
    let long = "あ".repeat(5_001);
    let found = wrong(&format!("reply = \"{long}\"\n{}", form(&[field("a", "name", "")])));
    assert_eq!(found, ["forms/f.toml:1: reply is longer than 5000 characters"]);
    let found = problems(&[("channels/demo.toml", &with_liff()), ("forms/Big Name.toml", "channel = 5\n")]);
    let name = "forms/Big Name.toml:0: the name of a form file must be 1 to 40 of a-z, 0-9 and -";
    assert!(found.contains(&name.to_owned()), "{found:#?}");
}

#[test]
fn every_problem_of_a_field_is_named() {
    let (too_many, too_few) = (format!("{TWO}\nmax = 3"), format!("{TWO}\nmin = -1"));
    for (kind, rest, expected) in [
        ("colour", "", "9: kind must be one of name, kana, email, phone, address, "),
        ("card", "", "9: card numbers and My Number must not be collected (kind \"card\")"),
        ("Credit-Card", "", "9: card numbers and My Number must not be collected (kind \"Credit-Card\")"),
        ("card_number", "", "9: card numbers and My Number must not be collected (kind \"card_number\")"),
        ("cvv", "", "9: card numbers and My Number must not be collected (kind \"cvv\")"),
        ("my_number", "", "9: card numbers and My Number must not be collected (kind \"my_number\")"),
        ("mynumber", "", "9: card numbers and My Number must not be collected (kind \"mynumber\")"),
        ("name", "colour = 1", "12: section.field.colour is not a known key"),
        ("name", "required = 1", "12: section.field.required must be true or false"),
        ("name", "lookup = true", "12: lookup belongs to email, phone, member_id, not to name"),
        ("name", "sensitive = true", "12: sensitive fields need a consent of their own: there is no [[sensitive]]"),
        ("email", "max_length = 5", "12: max_length belongs to text, long_text, not to email"),
        ("text", "max_length = 501", "12: section.field.max_length must be a whole number from 1 to 500"),
        ("long_text", "max_length = 4001", "12: section.field.max_length must be a whole number from 1 to 4000"),
        ("text", "min = 1", "12: min belongs to number, choices, not to text"),
        ("date", "max = 1", "12: max belongs to number, choices, not to date"),
        ("number", "min = 5\nmax = 2", "12: min is larger than max"),
        ("number", "min = 1.5", "12: section.field.min must be a whole number from -"),
        ("number", "decimals = 7", "12: section.field.decimals must be a whole number from 0 to 6"),
        ("text", "decimals = 1", "12: decimals belongs to number, not to text"),
        ("date", "earliest_days = 3\nlatest_days = -3", "12: earliest_days is larger than latest_days"),
        ("birthday", "latest_days = 0", "12: latest_days belongs to date, not to birthday"),
        ("text", "choices = []", "12: choices belongs to choice, choices, not to text"),
        ("choice", "", "7: choices must hold at least 2 choices"),
        ("choices", "choices = []", "12: choices must hold at least 2 choices"),
        ("choices", too_many.as_str(), "13: max counts choices: from 1 to 2"),
        ("choices", too_few.as_str(), "13: min counts choices: from 0 to 2"),
        ("text", "show_if = { field = \"who\", any_of = [\"a\"] }", "12: show_if: no field \"who\" comes before"),
        ("text", "show_if = { field = \"q\", any_of = [\"a\"] }", "12: show_if: no field \"q\" comes before"),
        ("text", "show_if = true", "12: section.field.show_if must be a table"),
    ] {
        let found = wrong(&form(&[field("q", kind, rest)]));
        let named = found.len() == 1 && found[0].starts_with(&format!("forms/f.toml:{expected}"));
        assert!(named, "{kind}, {rest}: {found:#?}");
    }
}

#[test]
fn every_problem_of_a_choice_is_named() {
    let long = "長".repeat(61);
    let choices = format!(
        r#"choices = [
    {{ id = "a", label = {{ ja = "ア", en = "A" }} }},
    {{ id = "a", label = {{ ja = "イ", en = "B" }} }},
    {{ id = "B c", label = {{ ja = "ウ", en = "C" }} }},
    {{ id = "d", label = {{ ja = "{long}", en = "D" }} }},
    {{ id = "e", label = {{ ja = "オ" }}, colour = 1 }},
]"#
    );
    let mut found = wrong(&form(&[field("q", "choice", &choices)]));
    found.sort();
    let expected = [
        "forms/f.toml:14: the choice \"a\" is there twice",
        "forms/f.toml:15: id must be 1 to 40 of a-z, 0-9, _ and -",
        "forms/f.toml:16: section.field.choices.label.ja is longer than 60 characters",
        "forms/f.toml:17: section.field.choices.colour is not a known key",
        "forms/f.toml:17: section.field.choices.label.en is missing",
    ];
    assert_eq!(found, expected);
    let one = r#"choices = [{ id = "a", label = { ja = "ア", en = "A" } }]"#;
    let found = wrong(&form(&[field("q", "choice", one)]));
    assert_eq!(found, ["forms/f.toml:12: choices must hold at least 2 choices"]);
}

#[test]
fn fields_refer_to_earlier_choices() {
    let note = |condition: &str| field("note", "text", &format!("show_if = {{ {condition} }}"));
    let missing = note("field = \"who\", any_of = [\"a\", \"c\"]");
    let found = wrong(&form(&[field("who", "choice", TWO), missing]));
    assert_eq!(found, ["forms/f.toml:18: show_if: the field \"who\" has no choice \"c\""]);
    let found = wrong(&form(&[field("who", "text", ""), note("field = \"who\", any_of = [\"a\"]")]));
    let expected = "forms/f.toml:18: show_if: the field \"who\" is a text, and must be one of choice, choices";
    assert_eq!(found, [expected]);
    let found = wrong(&form(&[note("field = \"who\", any_of = [\"a\"]"), field("who", "choice", TWO)]));
    assert_eq!(found, ["forms/f.toml:12: show_if: no field \"who\" comes before this one"]);
    // What only follows from another problem is not named.
    let found = wrong(&form(&[field("who", "chioce", ""), note("field = \"who\", any_of = [\"a\"]")]));
    assert!(found.len() == 1 && found[0].starts_with("forms/f.toml:9: kind must be"), "{found:#?}");
}

#[test]
fn fields_have_a_name_a_label_and_a_purpose() {
    let long = "a".repeat(41);
    for (name, expected) in [
        ("1st", "8: name must be 1 to 40 of a-z, 0-9 and _, and begin with a letter"),
        ("Name", "8: name must be 1 to 40 of a-z, 0-9 and _, and begin with a letter"),
        ("a-b", "8: name must be 1 to 40 of a-z, 0-9 and _, and begin with a letter"),
        (long.as_str(), "8: name must be 1 to 40 of a-z, 0-9 and _, and begin with a letter"),
        ("", "8: section.field.name must not be blank"),
    ] {
        assert_eq!(wrong(&form(&[field(name, "text", "")])), [format!("forms/f.toml:{expected}")], "{name}");
    }
    let found = wrong(&form(&[field("q", "text", ""), field("q", "name", "")]));
    assert_eq!(found, ["forms/f.toml:14: the field \"q\" is there twice"]);
    let found = wrong(&form(&[field("q", "text", "").replace("purpose = \"chat\"\n", "")]));
    assert_eq!(found, ["forms/f.toml:7: section.field.purpose is missing"]);
    let found = wrong(&form(&[field("q", "text", "").replace("\"chat\"", "\"gossip\"")]));
    assert_eq!(found, ["forms/f.toml:11: there is no purpose \"gossip\""]);
    let found = wrong(&form(&[field("q", "text", "").replace("問い", &"問".repeat(101))]));
    assert_eq!(found, ["forms/f.toml:10: section.field.label.ja is longer than 100 characters"]);
    let help = format!("help = {{ ja = \"助け\", en = \"{}\" }}", "h".repeat(301));
    let found = wrong(&form(&[field("q", "text", &help)]));
    assert_eq!(found, ["forms/f.toml:12: section.field.help.en is longer than 300 characters"]);
}

#[test]
fn a_form_has_some_fields_and_not_too_many() {
    assert_eq!(wrong(HEAD), ["forms/f.toml:5: there is no field in this section"]);
    let many = |count: usize| -> Vec<String> { (0..count).map(|n| field(&format!("q{n}"), "text", "")).collect() };
    assert_eq!(sound(&form(&many(60))).sections[0].fields.len(), 60);
    let found = wrong(&form(&many(62)));
    assert_eq!(found, ["forms/f.toml:367: the form has more than 60 fields"]);
}

#[test]
fn names_of_card_numbers_and_my_number_are_refused() {
    for name in [
        "card_no",
        "cardnumber",
        "my_card_number",
        "credit_card",
        "creditcard",
        "cvc",
        "cvv2",
        "security_code",
        "my_number",
        "mynumber",
        "kojin_bango",
        "individual_number",
    ] {
        let found = wrong(&form(&[field(name, "text", "")]));
        let expected = format!("forms/f.toml:8: card numbers and My Number must not be collected (name \"{name}\")");
        assert_eq!(found, [expected]);
    }
    for name in ["member_card_number", "point_card_no", "academy_number", "card_notes", "postcard", "phone_number"] {
        sound(&form(&[field(name, "text", "")]));
    }
}

#[test]
fn labels_that_ask_for_card_numbers_and_my_number_are_refused() {
    let labelled = |ja: &str, en: &str| {
        let label = format!("label = {{ ja = \"{ja}\", en = \"{en}\" }}");
        form(&[field("q", "text", "").replace(r#"label = { ja = "問い", en = "Question" }"#, &label)])
    };
    for ja in [
        "クレジットカード番号",
        "ｸﾚｼﾞｯﾄｶｰﾄﾞ番号",
        "カード 番号",
        "デビットカードの番号",
        "カードNo.",
        "会員カード番号とカード番号",
        "セキュリティコード",
        "セキュリティー コード",
        "マイナンバー（12桁）",
        "まいなんばー",
        "マイ・ナンバー",
        "個人番号",
        "通知カード",
    ] {
        let found = wrong(&labelled(ja, "Question"));
        let expected = "card numbers and My Number must not be collected (section.field.label.ja)";
        assert_eq!(found, [format!("forms/f.toml:10: {expected}")], "{ja}");
    }
    for en in [
        "Credit card",
        "Card number",
        "Your CREDIT-CARD",
        "Card No.",
        "CVV",
        "CVC2",
        "Security code",
        "My Number",
        "mynumber",
        "Ｍｙ　Ｎｕｍｂｅｒ",
        "Individual Number",
    ] {
        let found = wrong(&labelled("問い", en));
        let expected = "card numbers and My Number must not be collected (section.field.label.en)";
        assert_eq!(found, [format!("forms/f.toml:10: {expected}")], "{en}");
    }
    for (ja, en) in [
        ("会員カード番号", "Membership card number"),
        ("メンバーズカードの番号", "Member's card number"),
        ("ポイントカード番号", "Point card number"),
        ("診察券番号", "Patient number"),
        ("受験番号", "Academy number"),
        ("カードの色", "Colour of the card"),
        ("お支払い方法（カード、現金）", "Card, no cash?"),
        ("電話番号", "Phone number"),
    ] {
        sound(&labelled(ja, en));
    }
    // What helps to answer may well say that such a number is not wanted.
    let help = "help = { ja = \"カード番号は書かないでください\", en = \"No card number, please\" }";
    sound(&form(&[field("q", "text", help)]));
}

#[test]
fn sensitive_fields_have_a_consent_of_their_own() {
    const TEXT: &str = "[[sensitive]]\npurpose = \"chat\"\ntext = { ja = \"同意\", en = \"Consent\" }\n";
    let (plain, sensitive) = (field("q", "text", ""), field("q", "text", "sensitive = true"));
    let read = sound(&format!("{}{TEXT}", form(std::slice::from_ref(&sensitive))));
    assert!(read.sections[0].fields[0].sensitive);
    assert_eq!(read.sensitive["chat"].ja, "同意");
    let found = wrong(&form(&[sensitive.clone(), field("r", "text", "sensitive = true")]));
    let expected = "sensitive fields need a consent of their own: there is no [[sensitive]] for \"chat\"";
    assert_eq!(found, [format!("forms/f.toml:12: {expected}")], "once for a purpose");
    let found = wrong(&format!("{}{TEXT}", form(&[plain])));
    assert_eq!(found, ["forms/f.toml:14: no sensitive field is for the purpose \"chat\""]);
    let found = wrong(&format!("{}{TEXT}{TEXT}", form(std::slice::from_ref(&sensitive))));
    assert_eq!(found, ["forms/f.toml:17: the text for the purpose \"chat\" is there twice"]);
    let other = TEXT.replace("chat", "gossip");
    let found = wrong(&format!("{}{TEXT}{other}", form(&[sensitive])));
    assert_eq!(found, ["forms/f.toml:17: there is no purpose \"gossip\""]);
}

#[test]
fn an_anonymous_form_only_counts() {
    let head = HEAD.replace("[[section]]", "anonymous = true\nreply = \"受け付けました\"\n[[section]]");
    let answered = field("q", "email", "sensitive = true\nlookup = true");
    let text = "[[sensitive]]\npurpose = \"chat\"\ntext = { ja = \"同意\", en = \"Consent\" }\n";
    let expected = [
        "forms/f.toml:6: an anonymous form is not answered in the chat: reply must go",
        "forms/f.toml:11: an anonymous form can ask for choice, choices, not for email",
        "forms/f.toml:13: an anonymous form keeps no answer: purpose must go",
        "forms/f.toml:14: an anonymous form cannot have sensitive fields",
        "forms/f.toml:15: nobody can be found by an anonymous form: lookup must go",
        "forms/f.toml:16: an anonymous form asks for no consent: [[sensitive]] must go",
    ];
    assert_eq!(wrong(&format!("{head}{answered}{text}")), expected);
    let head = HEAD.replace("[[section]]", "anonymous = true\n[[section]]");
    let form = sound(&format!("{head}{}", field("q", "choices", TWO).replace("purpose = \"chat\"\n", "")));
    assert!(form.anonymous && form.sections[0].fields[0].purpose.is_none());
}

#[test]
fn a_form_needs_a_channel_in_which_it_opens() {
    let form = form(&[field("q", "text", "")]);
    let found = problems(&[("forms/f.toml", &form)]);
    assert_eq!(found, ["forms/f.toml:1: the channel \"demo\" has no liff_id, in which the form would open"]);
    for id in ["1234567890", "123456789-AzukariA", "1234567890-Azukari", "1234567890-Azukari!", "https://liff.line.me/"]
    {
        let channel = channel(&format!("liff_id = \"{id}\"\n"));
        let found = problems(&[("channels/demo.toml", &channel), ("forms/f.toml", &form)]);
        let expected = "liff_id must be 10 digits, - and 8 letters or digits, as in 1234567890-AbcdEfgh";
        assert_eq!(found, [format!("channels/demo.toml:5: {expected}")], "{id}");
    }
    let found = problems(&[("forms/below/f.toml", &form)]);
    assert_eq!(found, ["forms/below/f.toml:0: this version does not know the file"]);
}

#[test]
fn words_in_the_chat_open_forms() {
    let form = form(&[field("q", "text", "")]);
    let keywords = "[[keyword]]\nwords = [\" 体験 \", \"ＢＯＯＫ\", \"ﾖﾔｸ\"]\nform = \"f\"\n";
    let channel = format!("{}{keywords}", with_liff());
    let read = read(folder(&[("channels/demo.toml", &channel), ("forms/f.toml", &form)]).path()).unwrap();
    let words = ["体験", "book", "ヨヤク"].map(str::to_owned).to_vec();
    assert_eq!(read.channels["demo"].keywords, [Keyword { words, form: "f".to_owned() }]);

    let more = "[[keyword]]\nwords = [\"別\", \"Book\"]\nform = \"g\"\n";
    let found = problems(&[("channels/demo.toml", &format!("{channel}{more}")), ("forms/f.toml", &form)]);
    let expected = [
        "channels/demo.toml:15: the word \"book\" is there twice in this channel",
        "channels/demo.toml:16: there is no form \"g\"",
    ];
    assert_eq!(found, expected);

    let (many, long) = ((0..21).map(|n| format!("\"w{n}\"")).collect::<Vec<_>>().join(", "), "長".repeat(41));
    let more = format!(
        "[[keyword]]\nwords = [{many}]\nform = \"f\"\n[[keyword]]\nwords = [\"{long}\"]\nform = \"f\"\ncolour = 1\n"
    );
    let found = problems(&[("channels/demo.toml", &format!("{channel}{more}")), ("forms/f.toml", &form)]);
    let expected = [
        "channels/demo.toml:15: there are more than 20 words in one list",
        "channels/demo.toml:18: a word must be 1 to 40 characters on one line",
        "channels/demo.toml:20: keyword.colour is not a known key",
    ];
    assert_eq!(found, expected);

    let other = format!("{CHANNEL}[[keyword]]\nwords = [\"体験\"]\nform = \"f\"\n");
    let found = problems(&[("channels/demo.toml", &channel), ("channels/other.toml", &other), ("forms/f.toml", &form)]);
    assert_eq!(found, ["channels/other.toml:12: the form \"f\" belongs to the channel \"demo\""]);
}

#[test]
fn a_new_friend_is_offered_a_form_with_a_short_title() {
    let greeting = channel("liff_id = \"1234567890-AzukariA\"\ngreeting_form = \"f\"\n");
    let titled = |ja: usize, en: usize| {
        let title = format!("title = {{ ja = \"{}\", en = \"{}\" }}", "題".repeat(ja), "t".repeat(en));
        form(&[field("q", "text", "")]).replace(r#"title = { ja = "題", en = "Title" }"#, &title)
    };
    let short = titled(20, 40);
    let read = read(folder(&[("channels/demo.toml", &greeting), ("forms/f.toml", &short)]).path()).unwrap();
    assert_eq!(read.channels["demo"].greeting_form.as_deref(), Some("f"));
    let found = problems(&[("channels/demo.toml", &greeting), ("forms/f.toml", &titled(21, 5))]);
    let expected = "the title of the form \"f\" has 21 characters, at most 20 for a button";
    assert_eq!(found, [format!("channels/demo.toml:6: {expected}")]);
    let found = problems(&[("channels/demo.toml", &greeting)]);
    assert_eq!(found, ["channels/demo.toml:6: there is no form \"f\""]);
}

#[test]
fn what_only_follows_from_a_broken_channel_is_not_named() {
    let broken = with_liff().replace("keep_24h", "sometimes");
    let form = form(&[field("q", "text", "")]);
    let found = problems(&[("channels/demo.toml", &broken), ("forms/f.toml", &form)]);
    assert!(found.len() == 1 && found[0].starts_with("channels/demo.toml:3: before_consent"), "{found:#?}");
}

/// A purpose that is counted from a day, beside the usual one.
const DATED: &str = r#"
[[purpose]]
id = "chat"
title = { ja = "チャット対応", en = "Answering in chat" }
retention = { after = "collected", days = 180 }
then = "erase"
[[purpose]]
id = "lesson"
title = { ja = "体験", en = "Lesson" }
retention = { after = "date", days = 30 }
then = "anonymise"
"#;

/// What is wrong with a form whose fields are for the dated purpose.
fn wrong_dated(fields: &[String]) -> Vec<String> {
    let form = form(fields).replace("purpose = \"chat\"", "purpose = \"lesson\"");
    problems(&[("purposes.toml", DATED), ("channels/demo.toml", &with_liff()), ("forms/f.toml", &form)])
}

#[test]
fn a_purpose_that_counts_from_a_day_is_asked_for_that_day_once_and_it_has_an_end() {
    let day = |rest: &str| field("day", "date", rest);
    let good = form(&[day("starts_retention = true\nlatest_days = 90")]).replace("\"chat\"", "\"lesson\"");
    let files = [("purposes.toml", DATED), ("channels/demo.toml", &with_liff()), ("forms/f.toml", &good)];
    let read = read(folder(&files).path()).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(read.forms["f"].sections[0].fields[0].starts_retention);

    let [none] = &wrong_dated(&[day("latest_days = 90")])[..] else { panic!("one problem") };
    assert!(none.contains("the purpose \"lesson\" counts from a day"), "{none}");
    let [endless] = &wrong_dated(&[day("starts_retention = true")])[..] else { panic!("one problem") };
    assert!(endless.ends_with("needs latest_days: nothing may be kept for ever"), "{endless}");
    let [text] = &wrong_dated(&[field("day", "text", "starts_retention = true")])[..] else { panic!("one problem") };
    assert!(text.ends_with("starts_retention belongs to date, not to text"), "{text}");
    let two = [
        day("starts_retention = true\nlatest_days = 90"),
        field("other", "date", "starts_retention = true\nlatest_days = 9"),
    ];
    let [twice] = &wrong_dated(&two)[..] else { panic!("one problem") };
    assert!(twice.ends_with("there are two fields with starts_retention for \"lesson\""), "{twice}");
    let [other] = &wrong(&form(&[day("starts_retention = true\nlatest_days = 90")]))[..] else { panic!("one problem") };
    assert!(
        other.ends_with("the retention of the purpose \"chat\" is not counted from a day (after = \"date\")"),
        "{other}"
    );
}

#[test]
fn what_is_no_form_does_not_count_from_a_day_and_a_person_is_not_counted() {
    let dated = DATED.replacen("id = \"chat\"", "id = \"other\"", 1).replace("id = \"lesson\"", "id = \"chat\"");
    let found = problems(&[("purposes.toml", &dated)]);
    assert_eq!(found.len(), 4, "message, event, profile, line_contact: {found:#?}");
    assert!(found.iter().all(|line| line.contains("counts from a day given in a form")), "{found:#?}");
    for (rule, then) in [("unfollow", "erase"), ("collected", "anonymise")] {
        let purposes = DATED.replacen("after = \"collected\"", &format!("after = \"{rule}\""), 1);
        let purposes = purposes.replacen("then = \"erase\"", &format!("then = \"{then}\""), 1);
        let found = problems(&[("purposes.toml", &purposes)]);
        let [contact] = &found[..] else { panic!("line_contact alone: {found:#?}") };
        assert!(contact.contains("of line_contact can have neither"), "{contact}");
    }
}
