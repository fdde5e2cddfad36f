use std::collections::BTreeMap;

use azukari::domain::{
    definition::{PurposeTerms, Text},
    form::{Choice, Rules, Section, ShowIf, given::Fault},
    id::DefinitionId,
    retention::{After, Retention, Term, Then},
};

use super::*;

const SCRIPTS: Scripts<'static> = Scripts { sdk: "/sdk.js", plugin: Some("/plugin.js") };
const BOTH: [Language; 2] = [Language::Ja, Language::En];
const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;";

fn text(ja: &str, en: &str) -> Text {
    Text { ja: ja.to_owned(), en: en.to_owned() }
}

fn purpose(name: &str, required: bool, sensitive: Option<Text>) -> Purpose {
    let retention = Retention { after: After::Collected, term: Term::Days(180), then: Then::Erase };
    let title = text(&format!("{name}の<ご案内> & \"返信\""), &format!("{name}'s <news> & \"answers\""));
    let terms = PurposeTerms { id: DefinitionId::new(format!("id-{name}")), name: name.to_owned(), title, retention };
    Purpose { terms, required, sensitive }
}

fn field(kind: Kind) -> Field {
    let choice = |id: &str| Choice { id: id.to_owned(), label: text(&format!("選択{id}"), &format!("choice {id}")) };
    let chosen = matches!(kind, Kind::Choice | Kind::Choices);
    let choices = if chosen { vec![choice("a"), choice("b")] } else { Vec::new() };
    let sensitive = kind == Kind::LongText;
    Field {
        name: kind.as_str().to_owned(),
        kind,
        label: text(&format!("{}の欄", kind.as_str()), &format!("The {} question", kind.as_str())),
        help: Some(text(&format!("{}を\nご記入ください", kind.as_str()), &format!("Please\nsay {}", kind.as_str()))),
        required: kind == Kind::Name,
        purpose: Some(DefinitionId::new(if sensitive { "id-care" } else { "id-visit" })),
        sensitive,
        lookup: false,
        quick_fill: true,
        starts_retention: false,
        show_if: (kind == Kind::MemberId)
            .then(|| ShowIf { field: "choice".to_owned(), any_of: vec!["a".to_owned(), "b".to_owned()] }),
        rules: Rules { choices, earliest_days: Some(0), latest_days: Some(30), max: Some(9), ..Rules::default() },
    }
}

fn form() -> FormDefinition {
    let of = |kinds: &[Kind]| kinds.iter().map(|kind| field(*kind)).collect();
    let sensitive = text("アレルギーを「care」のために使うことに同意します", "I agree that my allergies are used");
    FormDefinition {
        name: "visit".to_owned(),
        channel: "shop".to_owned(),
        policy: "policy.1".to_owned(),
        title: text("ご来店の前に", "Before you visit"),
        description: text("準備のために\nうかがいます。", "We ask this\nto prepare."),
        business: text("茶房<あずかり>", "Sabo <Azukari>"),
        sections: vec![
            Section { title: text("あなたについて", "About you"), fields: of(&Kind::ALL[..7]) },
            Section { title: text("ご来店について", "About your visit"), fields: of(&Kind::ALL[7..]) },
        ],
        purposes: vec![purpose("visit", true, None), purpose("care", false, Some(sensitive))],
        thanks: text("ありがとうございます。", "Thank you."),
        reply: None,
        anonymous: false,
    }
}

fn filling<'a>(form: &'a FormDefinition, language: Language, sheet: &'a Sheet) -> Filling<'a> {
    Filling {
        form,
        language,
        notice: "notice-token",
        sheet,
        problems: &[],
        trouble: None,
        liff_id: "1234-abcd",
        words: "digest-of-words",
        scripts: SCRIPTS,
        liff_url: "https://liff.line.me/1234-abcd",
        today: Day::parse("2026-11-22").unwrap(),
    }
}

/// A sheet with this in every place that takes text, and every choice made.
fn filled(form: &FormDefinition, value: &str) -> Sheet {
    let one = |part: &Part| if part.control == Control::One { "a".to_owned() } else { value.to_owned() };
    let answer = |field: &Field| match field.kind.parts() {
        [part] if part.control == Control::Many => Given::Many(vec!["a".to_owned(), value.to_owned()]),
        [part] => Given::One(one(part)),
        parts => Given::Parts(parts.iter().map(|part| (part.name.to_owned(), one(part))).collect()),
    };
    let answers = form.fields().map(|field| (field.name.clone(), answer(field))).collect();
    Sheet { answers, consents: BTreeMap::new() }
}

/// What can be read on a page.
fn readable(page: &str) -> String {
    let mut text = String::new();
    for piece in page.split('<').skip(1) {
        let shown = piece.split_once('>').map_or("", |(_, shown)| shown);
        if !piece.starts_with("style") && !piece.starts_with("script") {
            text.push_str(shown);
        }
    }
    for (escaped, plain) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        text = text.replace(escaped, plain);
    }
    text
}

/// Every tag of these elements.
fn tags<'p>(page: &'p str, names: &[&str]) -> Vec<&'p str> {
    let body = page.split_once("<body>").unwrap().1;
    let tag = |piece: &'p str| piece.split_once('>').map(|(tag, _)| tag);
    body.split('<').filter_map(tag).filter(|tag| names.contains(&tag.split(' ').next().unwrap())).collect()
}

fn attribute<'p>(tag: &'p str, name: &str) -> Option<&'p str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

fn problem(about: About, part: Option<&'static str>) -> Problem {
    let mut fault = Fault::new("code", format!("直してください：{about:?}"), format!("Mend {about:?}"));
    fault.part = part;
    Problem { about, fault }
}

#[test]
fn every_line_of_the_notice_stands_on_the_page() {
    for anonymous in [false, true] {
        let mut form = form();
        if anonymous {
            form.anonymous = true;
            form.purposes.clear();
        }
        for language in BOTH {
            let page = filling(&form, language, &Sheet::default()).fill().unwrap();
            let text = readable(&page);
            for line in notice::words(&form, language) {
                assert!(text.contains(&line), "{line} in {text}");
            }
        }
    }
}

#[test]
fn what_was_written_is_shown_and_not_obeyed() {
    let form = form();
    let mut sheet = filled(&form, HOSTILE);
    sheet.answers.insert("choice".to_owned(), Given::One("a".to_owned()));
    for language in BOTH {
        let filling = filling(&form, language, &sheet);
        for page in [filling.fill().unwrap(), filling.confirm().unwrap()] {
            assert!(!page.contains("<script>alert") && !page.contains("\"'>"), "{page}");
            assert_eq!(page.matches("<script").count(), 3);
            assert!(page.contains("&#34;&#39;&#62;&#60;script&#62;"));
        }
        let text = readable(&filling.confirm().unwrap());
        // Each typed answer, and that of many; not choices and ticks.
        assert!(text.matches(HOSTILE).count() >= 13, "{text}");
    }
}

#[test]
fn nothing_is_ticked_or_chosen_by_itself() {
    let form = form();
    let ticked = |sheet: &Sheet| {
        let page = filling(&form, Language::Ja, sheet).fill().unwrap();
        let tags = tags(&page, &["input"]);
        let ticked = tags.into_iter().filter(|tag| tag.contains(" checked"));
        ticked.map(|tag| attribute(tag, "name").unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut sheet = Sheet::default();
    assert!(ticked(&sheet).is_empty());
    sheet.consents.insert("visit".to_owned(), false);
    sheet.consents.insert("care.sensitive".to_owned(), true);
    sheet.answers.insert("choices".to_owned(), Given::One("b".to_owned()));
    sheet.answers.insert("agreement".to_owned(), Given::One("yes".to_owned()));
    assert_eq!(ticked(&sheet), ["choices", "agreement", "consents.care.sensitive"]);
}

#[test]
fn every_input_has_a_label_and_an_id_of_its_own() {
    let form = form();
    for language in BOTH {
        let page = filling(&form, language, &Sheet::default()).fill().unwrap();
        let inputs = tags(&page, &["input", "textarea"]);
        let inputs = inputs.into_iter().filter(|tag| attribute(tag, "type") != Some("hidden"));
        let inputs: Vec<&str> = inputs.map(|tag| attribute(tag, "id").unwrap()).collect();
        assert!(inputs.len() > Kind::ALL.len() + 3);
        for id in inputs {
            assert_eq!(page.matches(&format!("for=\"{id}\"")).count(), 1, "{id}");
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        }
    }
}

#[test]
fn every_problem_stands_where_it_is_described() {
    let form = form();
    let mut problems: Vec<Problem> =
        form.fields().map(|field| problem(About::Field(field.name.clone()), None)).collect();
    problems.push(problem(About::Consent("care".to_owned()), None));
    problems.push(problem(About::Sensitive("care".to_owned()), None));
    problems.push(problem(About::Form, None));
    problems.push(problem(About::Field("<stranger>".to_owned()), None));
    let sheet = Sheet::default();
    for language in BOTH {
        let page = Filling { problems: &problems, ..filling(&form, language, &sheet) }.fill().unwrap();
        let described: Vec<&str> = tags(&page, &["input", "textarea", "fieldset"])
            .into_iter()
            .filter_map(|tag| attribute(tag, "aria-describedby"))
            .flat_map(|ids| ids.split(' '))
            .collect();
        for id in &described {
            assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
        }
        let text = readable(&page);
        for problem in &problems {
            let message = language.of_text(&problem.fault.text);
            let (id, times) = match &problem.about {
                About::Field(name) if form.field(name).is_some() => (format!("e-{name}"), 2),
                About::Consent(_) => ("e-c-1".to_owned(), 2),
                About::Sensitive(_) => ("e-c-1-s".to_owned(), 2),
                About::Field(_) | About::Form => (String::new(), 1),
            };
            assert_eq!(text.matches(message).count(), times, "{message}");
            assert!(times == 1 || described.contains(&id.as_str()), "{id}");
        }
        for link in tags(&page, &["a"]).into_iter().filter_map(|tag| attribute(tag, "href")?.strip_prefix('#')) {
            assert!(page.contains(&format!(" id=\"{link}\"")), "{link}");
        }
    }
}

#[test]
fn a_problem_with_a_part_marks_that_part() {
    let form = form();
    let problems = [problem(About::Field("address".to_owned()), Some("postal_code"))];
    let sheet = Sheet::default();
    let page = Filling { problems: &problems, ..filling(&form, Language::Ja, &sheet) }.fill().unwrap();
    let wrong: Vec<&str> = tags(&page, &["input"]).into_iter().filter(|tag| tag.contains("aria-invalid")).collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!(attribute(wrong[0], "id"), Some("f-address-postal_code"));
}

#[test]
fn what_is_sent_is_what_is_shown() {
    let form = form();
    let mut sheet = filled(&form, "2026-12-24");
    sheet.answers.insert("choices".to_owned(), Given::Many(vec!["a".to_owned(), "b".to_owned()]));
    sheet.answers.insert("choice".to_owned(), Given::One("b".to_owned()));
    sheet.answers.insert("gender".to_owned(), Given::One("no_answer".to_owned()));
    sheet.consents.insert("visit".to_owned(), true);
    sheet.consents.insert("care".to_owned(), false);
    let page = filling(&form, Language::Ja, &sheet).confirm().unwrap();
    let text = readable(&page);
    for shown in ["選択a、選択b", "答えない", "同意します", "同意しません", "member_idの欄"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let sent: Vec<(&str, &str)> = tags(&page, &["input"])
        .into_iter()
        .map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap()))
        .collect();
    for input in [
        ("notice", "notice-token"),
        ("id_token", ""),
        ("lang", "ja"),
        ("choices", "a"),
        ("choices", "b"),
        ("gender", "no_answer"),
        ("address.building", "2026-12-24"),
        ("consents.visit", "yes"),
    ] {
        assert!(sent.contains(&input), "{input:?}");
    }
    assert!(!sent.iter().any(|(name, _)| name.starts_with("consents.care")));
    sheet.answers.remove("choice");
    let page = filling(&form, Language::Ja, &sheet).confirm().unwrap();
    assert!(!page.contains("member_id"), "a field that is not asked is neither shown nor sent");
}

#[test]
fn limits_of_a_date_are_days() {
    let form = form();
    let page = filling(&form, Language::Ja, &Sheet::default()).fill().unwrap();
    let tags = tags(&page, &["input"]);
    let date = tags.iter().find(|tag| attribute(tag, "id") == Some("f-date")).unwrap();
    assert_eq!(attribute(date, "type"), Some("date"));
    assert_eq!((attribute(date, "min"), attribute(date, "max")), (Some("2026-11-22"), Some("2026-12-22")));
    assert!(readable(&page).contains("2026年11月22日から2026年12月22日まで"));
    let mut sheet = Sheet::default();
    sheet.answers.insert("date".to_owned(), Given::One("12/24".to_owned()));
    let page = filling(&form, Language::Ja, &sheet).fill().unwrap();
    assert!(page.contains("<input type=\"text\" id=\"f-date\" name=\"date\" value=\"12/24\""));
}

#[test]
fn every_trouble_is_told_on_both_pages() {
    let form = form();
    let sheet = Sheet::default();
    for trouble in [
        Trouble::SignInExpired,
        Trouble::SignInMissing,
        Trouble::NoticeExpired,
        Trouble::TooOften,
        Trouble::Erasing,
        Trouble::Unavailable,
        Trouble::TooLarge,
    ] {
        for language in BOTH {
            let filling = Filling { trouble: Some(trouble), ..filling(&form, language, &sheet) };
            let shown = trouble.shown(language);
            for page in [filling.fill().unwrap(), filling.confirm().unwrap()] {
                assert!(readable(&page).contains(shown.text));
                assert!(page.contains(&format!("data-trouble=\"{}\"", shown.code)));
            }
        }
    }
}

#[test]
fn thanks_tell_how_long_what_was_agreed_to_is_kept() {
    let form = form();
    let decision = |name: &str, given| Decision { purpose: DefinitionId::new(name), given, sensitive: None };
    let decisions = [decision("id-visit", true), decision("id-care", false)];
    let page = thanks(&form, Language::Ja, &decisions, false, &SCRIPTS).unwrap();
    let text = readable(&page);
    assert!(text.contains("ありがとうございます。") && text.contains("visitの<ご案内>"));
    assert!(text.contains("受け取ってから180日で消去します") && !text.contains("careの"));
    assert!(!text.contains("先ほど"));
    let page = thanks(&form, Language::Ja, &decisions, true, &SCRIPTS).unwrap();
    assert!(readable(&page).contains("何も保存していません"));
}

#[test]
fn the_script_does_not_end_before_its_end() {
    assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    assert!(!SCRIPT.contains("console.") && !SCRIPT.contains("localStorage"));
}

#[test]
fn pages_name_no_style_or_handler_of_their_own() {
    let form = form();
    let sheet = Sheet::default();
    let filling = filling(&form, Language::En, &sheet);
    let pages = [
        filling.fill().unwrap(),
        filling.confirm().unwrap(),
        thanks(&form, Language::En, &[], true, &SCRIPTS).unwrap(),
    ];
    for page in pages {
        let body = page.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
        assert!(!body.contains(" style=") && !body.contains(" onclick") && !body.contains(" onsubmit"));
    }
}
