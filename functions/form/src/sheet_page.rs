//! The pages of a form: filling it in, looking it over before it is sent, and thanks.
//!
//! A page is made from the published version, so that what a person reads is what their
//! consent is kept with. Nothing is chosen or ticked that they have not chosen or ticked,
//! and what they have written stays on the page until it was taken.

use askama::Template;
use azukari::domain::{
    form::{
        Field, FormDefinition, Purpose,
        given::Given,
        kind::{Control, GENDERS, Kind, Part},
        notice,
        sheet::{self, About, Decision, Problem, Sheet},
    },
    language::Language,
    time::{DAY_MS, Day, UnixMs},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::page::STYLE;

/// The script of the pages of a form. It stands in the page itself.
pub(crate) const SCRIPT: &str = include_str!("../templates/sheet.js");

/// What a tick sends.
const TICKED: &str = "yes";

/// A form in the hands of somebody.
pub(crate) struct Filling<'a> {
    pub(crate) form: &'a FormDefinition,
    pub(crate) language: Language,
    /// What proves later which words were shown, and when: a hidden input.
    pub(crate) notice: &'a str,
    /// What has been filled in so far.
    pub(crate) sheet: &'a Sheet,
    /// What is wrong with it.
    pub(crate) problems: &'a [Problem],
    /// Why it was not taken, if that lies elsewhere.
    pub(crate) trouble: Option<Trouble>,
    pub(crate) liff_id: &'a str,
    /// The address of the LIFF SDK.
    pub(crate) sdk: &'a str,
    /// The address that opens this form in LINE.
    pub(crate) liff_url: &'a str,
    pub(crate) today: Day,
}

/// Why a form was not taken though nothing may be wrong with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// What LINE says of the person is too old.
    SignInExpired,
    /// LINE has said nothing of the person.
    SignInMissing,
    /// The notice was shown too long ago, or another version is in force.
    NoticeExpired,
    /// Too many were sent in a short time.
    TooOften,
    /// The person is being erased.
    Erasing,
    /// It cannot be stored now.
    Unavailable,
    /// It is larger than can be stored.
    TooLarge,
}

impl Filling<'_> {
    /// The page on which the form is filled in.
    pub(crate) fn fill(&self) -> Result<String, askama::Error> {
        let (form, language) = (self.form, self.language);
        let sections: Vec<SectionShown<'_>> = form
            .sections
            .iter()
            .map(|section| SectionShown {
                title: language.of_text(&section.title).trim(),
                fields: section.fields.iter().map(|field| self.field(field)).collect(),
            })
            .collect();
        let quick = sections.iter().flat_map(|section| &section.fields).any(FieldShown::fills_quickly);
        let page = FillPage {
            style: STYLE,
            script: SCRIPT,
            sdk: self.sdk,
            liff_id: self.liff_id,
            liff_url: self.liff_url,
            language,
            form: &form.name,
            channel: &form.channel,
            business: language.of_text(&form.business),
            title: language.of_text(&form.title),
            description: language.of_text(&form.description),
            notice: self.notice,
            words: digest(form, language),
            says: says(language),
            trouble: self.trouble.map(|trouble| trouble.shown(language)),
            counted: counted(self.problems.len(), language),
            problems: self.problems.iter().map(|problem| self.line(problem)).collect(),
            sections,
            quick,
            consents: form.purposes.iter().enumerate().map(|(at, purpose)| self.consent(at, purpose)).collect(),
            anonymous: form.anonymous.then(|| notice::anonymous(language)),
        };
        page.render()
    }

    /// The page on which it is looked over before it is sent.
    pub(crate) fn confirm(&self) -> Result<String, askama::Error> {
        let (form, language) = (self.form, self.language);
        let mut hidden = Vec::new();
        let mut sections = Vec::new();
        for section in &form.sections {
            let mut rows = Vec::new();
            for field in section.fields.iter().filter(|field| sheet::asked(form, field, self.sheet)) {
                let mut answers = Vec::new();
                for part in field.kind.parts() {
                    let values = values(self.given(field), field, part);
                    let texts = values.iter().map(|value| said(field, part, value, language));
                    let text = texts.collect::<Vec<_>>().join(language.pick("、", ", "));
                    if !text.is_empty() {
                        answers.push(AnswerShown { part: part.label.map(|(ja, en)| language.pick(ja, en)), text });
                    }
                    let name = input_name(field, part);
                    hidden.extend(values.into_iter().map(|value| HiddenShown { name: name.clone(), value }));
                }
                rows.push(RowShown { label: language.of_text(&field.label), answers });
            }
            if !rows.is_empty() {
                sections.push(RowsShown { title: language.of_text(&section.title).trim(), rows });
            }
        }
        let mut decisions = Vec::new();
        for purpose in &form.purposes {
            let (name, sensitive_name) = consent_names(purpose);
            let given = self.ticked(&name);
            let sensitive = purpose.sensitive.as_ref().map(|text| SensitiveDecisionShown {
                text: language.of_text(text),
                given: self.ticked(&sensitive_name),
            });
            let consents = [(name, given), (sensitive_name, sensitive.as_ref().is_some_and(|it| it.given))];
            for (name, _) in consents.into_iter().filter(|(_, given)| *given) {
                hidden.push(HiddenShown { name: format!("consents.{name}"), value: TICKED.to_owned() });
            }
            decisions.push(DecisionShown {
                title: language.of_text(&purpose.terms.title),
                kept: notice::kept(purpose, language),
                given,
                sensitive,
            });
        }
        let page = ConfirmPage {
            style: STYLE,
            script: SCRIPT,
            sdk: self.sdk,
            liff_id: self.liff_id,
            liff_url: self.liff_url,
            language,
            form: &form.name,
            channel: &form.channel,
            business: language.of_text(&form.business),
            title: language.of_text(&form.title),
            notice: self.notice,
            words: digest(form, language),
            says: says(language),
            trouble: self.trouble.map(|trouble| trouble.shown(language)),
            sections,
            decisions,
            hidden,
            anonymous: form.anonymous.then(|| notice::anonymous(language)),
        };
        page.render()
    }

    fn given(&self, field: &Field) -> &Given {
        self.sheet.answers.get(&field.name).unwrap_or(&Given::Nothing)
    }

    fn ticked(&self, consent: &str) -> bool {
        self.sheet.consents.get(consent).copied().unwrap_or(false)
    }

    /// What is wrong, in words, and the part that it is about.
    fn problem_with(&self, about: &About) -> Option<(&str, Option<&'static str>)> {
        let problem = self.problems.iter().find(|problem| problem.about == *about)?;
        Some((self.language.of_text(&problem.fault.text), problem.fault.part))
    }

    fn field<'f>(&'f self, field: &'f Field) -> FieldShown<'f> {
        let language = self.language;
        let parts = field.kind.parts();
        let wrong = self.problem_with(&About::Field(field.name.clone()));
        let help = field.help.as_ref().map(|text| language.of_text(text)).filter(|text| !text.trim().is_empty());
        let kept = field.purpose.as_ref().and_then(|id| self.form.purpose(id)).map(|of| notice::kept(of, language));
        let limits = limits(field, self.today, language);
        let ids = [
            wrong.map(|_| "e"),
            kept.as_ref().map(|_| "k"),
            help.map(|_| "h"),
            limits.as_ref().map(|_| "l"),
            field.sensitive.then_some("s"),
        ];
        let described = ids.into_iter().flatten().map(|kind| format!("{kind}-{}", field.name)).collect::<Vec<_>>();
        let chosen_from = |part: &Part| matches!(part.control, Control::One | Control::Many);
        let group = parts.len() > 1 || parts.iter().any(chosen_from);
        let shown = |part: &'static Part| {
            let is_wrong = wrong.is_some_and(|(_, of)| of.is_none_or(|of| of == part.name));
            let described = if group { Vec::new() } else { described.clone() };
            self.part(field, part, is_wrong, described)
        };
        FieldShown {
            name: &field.name,
            label: language.of_text(&field.label),
            required: field.required,
            sensitive: field.sensitive,
            help,
            limits,
            kept,
            wrong: wrong.map(|(text, _)| text),
            show_if: field.show_if.as_ref().map(|it| ShowIfShown { field: &it.field, any: it.any_of.join(" ") }),
            group,
            one: parts.iter().any(|part| part.control == Control::One),
            tick: parts.iter().any(|part| part.control == Control::Tick),
            described: described.join(" "),
            parts: parts.iter().map(shown).collect(),
        }
    }

    fn part<'f>(
        &'f self,
        field: &'f Field,
        part: &'static Part,
        is_wrong: bool,
        described: Vec<String>,
    ) -> PartShown<'f> {
        let language = self.language;
        let id = part_id(field, part);
        let values = values(self.given(field), field, part);
        let options = options(field, part, language);
        let options = options.into_iter().enumerate().map(|(at, (value, label))| OptionShown {
            id: format!("{id}-{at}"),
            label,
            checked: values.iter().any(|chosen| chosen == value),
            quick: quick_value(field, value),
            value,
        });
        let options: Vec<OptionShown<'_>> = options.collect();
        let value = values.first().cloned().unwrap_or_default();
        // An example would only tell how to type what is chosen from a calendar.
        let example = part.example.filter(|_| part.control != Control::Date);
        let mut described = described;
        if example.is_some() {
            described.push(format!("x-{id}"));
        }
        if is_wrong && !described.iter().any(|known| known.starts_with("e-")) {
            described.insert(0, format!("e-{}", field.name));
        }
        let (earliest, latest) = if part.control == Control::Date { days(field, self.today) } else { (None, None) };
        PartShown {
            name: input_name(field, part),
            label: part.label.map(|(ja, en)| language.pick(ja, en)),
            optional: part.optional && field.required,
            example: example.map(|(ja, en)| language.pick(ja, en)),
            kind: match part.control {
                // What is no day would not be seen in a calendar.
                Control::Date if value.is_empty() || Day::parse(&value).is_ok() => "date",
                Control::Email => "email",
                Control::Tel => "tel",
                _ => "text",
            },
            lines: part.control == Control::Lines,
            tick: part.control == Control::Tick,
            many: part.control == Control::Many,
            checked: part.control == Control::Tick && is_yes(&value),
            options,
            autocomplete: part.autocomplete.unwrap_or("off"),
            inputmode: part.inputmode,
            quick: part.quick_fill.join(" "),
            max_length: part.max_length,
            earliest: earliest.map(|day| day.to_string()),
            latest: latest.map(|day| day.to_string()),
            is_wrong,
            described: described.join(" "),
            value,
            id,
        }
    }

    fn consent<'f>(&'f self, at: usize, purpose: &'f Purpose) -> ConsentShown<'f> {
        let language = self.language;
        let (name, sensitive_name) = consent_names(purpose);
        let wrong = |about| self.problem_with(&about).map(|(text, _)| text);
        ConsentShown {
            id: format!("c-{at}"),
            agreement: notice::agreement(purpose, language),
            kept: notice::kept(purpose, language),
            required: purpose.required,
            ticked: self.ticked(&name),
            wrong: wrong(About::Consent(name.clone())),
            sensitive: purpose.sensitive.as_ref().map(|text| SensitiveShown {
                text: language.of_text(text),
                ticked: self.ticked(&sensitive_name),
                wrong: wrong(About::Sensitive(name.clone())),
                name: format!("consents.{sensitive_name}"),
            }),
            name: format!("consents.{name}"),
        }
    }

    /// A problem as the list above the form names it.
    fn line<'f>(&'f self, problem: &'f Problem) -> LineShown<'f> {
        let (form, language) = (self.form, self.language);
        let place = match &problem.about {
            About::Field(name) => form.field(name).and_then(|field| {
                let parts = field.kind.parts();
                let part = parts.iter().find(|part| Some(part.name) == problem.fault.part).or_else(|| parts.first())?;
                let first = if options(field, part, language).is_empty() { "" } else { "-0" };
                Some((format!("{}{first}", part_id(field, part)), language.of_text(&field.label)))
            }),
            About::Consent(name) | About::Sensitive(name) => {
                let at = form.purposes.iter().position(|purpose| purpose.terms.name == *name);
                let end = if matches!(problem.about, About::Sensitive(_)) { "-s" } else { "" };
                at.map(|at| (format!("c-{at}{end}"), language.of_text(&form.purposes[at].terms.title)))
            }
            About::Form => None,
        };
        let (target, label) = place.unzip();
        LineShown { target, label: label.unwrap_or_default(), text: language.of_text(&problem.fault.text) }
    }
}

/// The page after it was sent: what is kept, how long, and how to have it erased.
/// `decisions` are those of [`sheet::check`]; `already` is whether it had been received
/// before.
pub(crate) fn thanks(
    form: &FormDefinition,
    language: Language,
    decisions: &[Decision],
    already: bool,
    sdk: &str,
) -> Result<String, askama::Error> {
    let agreed = |purpose: &&Purpose| decisions.iter().any(|it| it.purpose == purpose.terms.id && it.given);
    let kept = form.purposes.iter().filter(agreed).map(|purpose| {
        let words = purpose.terms.retention.words();
        KeptShown {
            title: language.of_text(&purpose.terms.title),
            until: match language {
                Language::Ja => format!("{}で消去します", words.ja),
                Language::En => format!("Erased {}", words.en),
            },
        }
    });
    let page = ThanksPage {
        style: STYLE,
        script: SCRIPT,
        sdk,
        language,
        form: &form.name,
        channel: &form.channel,
        business: language.of_text(&form.business),
        title: language.of_text(&form.title),
        thanks: language.of_text(&form.thanks),
        already,
        kept: kept.collect(),
        anonymous: form.anonymous.then(|| notice::anonymous(language)),
    };
    page.render()
}

impl Trouble {
    fn shown(self, language: Language) -> TroubleShown {
        let (code, title, text) = match self {
            Self::SignInExpired => (
                "sign-in-expired",
                language.pick("LINEでの確認の期限が切れました", "Your sign-in with LINE has expired"),
                language.pick(
                    "まだ送られていません。ご記入はそのままです。もう一度ボタンを押してください。くり返しこの表示が出るときは、画面を閉じて、LINEのトークから開き直してください。",
                    "It has not been sent. What you wrote is still here. Please press the button again. If you see this again, please close the page and open it again from the LINE chat.",
                ),
            ),
            Self::SignInMissing => (
                "sign-in-missing",
                language.pick("LINEでの確認ができませんでした", "LINE did not tell us who you are"),
                language.pick(
                    "まだ送られていません。ご記入はそのままです。このフォームは、LINEのトークから開くと送ることができます。",
                    "It has not been sent. What you wrote is still here. The form can be sent when it is opened from the LINE chat.",
                ),
            ),
            Self::NoticeExpired => (
                "notice-expired",
                language.pick("もう一度お読みください", "Please read this once more"),
                language.pick(
                    "まだ送られていません。開いてから時間がたったか、説明が新しくなりました。ご記入と同意の内容をもう一度お確かめのうえ、お送りください。",
                    "It has not been sent. The page was opened a long time ago, or its words have changed since. Please check your answers and what you agree to, and send it again.",
                ),
            ),
            Self::TooOften => (
                "too-often",
                language.pick("少し時間をおいてください", "Please wait a little"),
                language.pick(
                    "短い時間に何度も送られたため、いまは受け付けられません。ご記入はそのままです。しばらくしてから、もう一度お送りください。",
                    "It was sent many times in a short while, so it cannot be taken now. What you wrote is still here. Please try again in a little while.",
                ),
            ),
            Self::Erasing => (
                "erasing",
                language.pick("以前の記録を消去しているところです", "Your earlier records are being erased"),
                language.pick(
                    "消去が終わるまで、新しくお預かりすることができません。ご記入はそのままです。数分たってから、もう一度お送りください。",
                    "Nothing new can be taken until that is done. What you wrote is still here. Please send it again in a few minutes.",
                ),
            ),
            Self::Unavailable => (
                "unavailable",
                language.pick("ただいま受け付けられません", "It cannot be taken now"),
                language.pick(
                    "ご記入はそのままです。しばらくしてから、もう一度お送りください。",
                    "What you wrote is still here. Please send it again in a little while.",
                ),
            ),
            Self::TooLarge => (
                "too-large",
                language.pick("ご記入の量が多すぎます", "There is too much text"),
                language.pick(
                    "まだ送られていません。長い文章を短くしてから、もう一度お送りください。",
                    "It has not been sent. Please make the long answers shorter, and send it again.",
                ),
            ),
        };
        TroubleShown { code, title, text }
    }
}

/// What the script says, by the names of `data-say-…`.
fn says(language: Language) -> Vec<SayShown> {
    let say = |key, ja, en| SayShown { key, text: language.pick(ja, en) };
    vec![
        say(
            "wait",
            "LINEとの接続を準備しています。そのままお待ちください。",
            "Getting ready with LINE. Please wait a moment.",
        ),
        say(
            "checking",
            "確認の画面を開いています。そのままお待ちください。",
            "Opening the next page. Please wait a moment.",
        ),
        say("sending", "送信しています。そのままお待ちください。", "Sending. Please wait a moment."),
        say(
            "outside",
            "LINEの中で開くと送ることができます。上の「LINEで開く」を押してください。",
            "This can be sent when it is open inside LINE. Please use “Open in LINE” above.",
        ),
        say(
            "restored",
            "ページを読み込み直しました。ご記入はそのままです。お確かめのうえ、もう一度ボタンを押してください。",
            "The page was loaded again. What you wrote is still here. Please check it and press the button again.",
        ),
        say(
            "agree-again",
            "同意のチェックは、説明をお読みのうえ、もう一度お願いします。",
            "Please read what you agree to, and tick it again.",
        ),
        say(
            "filled",
            "入力しました：{fields}。内容をお確かめください。",
            "Filled in: {fields}. Please check what it says.",
        ),
        say("filled-kept", "ご記入のままにしました：{fields}。", "Left as you wrote it: {fields}."),
        say(
            "filled-left",
            "空欄のままです：{fields}。お手数ですが、ご記入ください。",
            "Still empty: {fields}. Please fill it in yourself.",
        ),
        say(
            "filled-nothing",
            "LINEから入力できる情報はありませんでした。お手数ですが、ご記入ください。",
            "LINE had nothing to fill in. Please fill it in yourself.",
        ),
        say(
            "filled-failed",
            "LINEのプロフィールを読み取れませんでした。お手数ですが、ご記入ください。",
            "Your LINE profile could not be read. Please fill it in yourself.",
        ),
    ]
}

/// The digest of the words on the page: consents that were ticked beside other words are
/// not brought back.
fn digest(form: &FormDefinition, language: Language) -> String {
    STANDARD.encode(Sha256::digest(notice::words(form, language).join("\n")))
}

fn counted(problems: usize, language: Language) -> String {
    match (language, problems) {
        (Language::Ja, count) => format!("{count}か所、お確かめください"),
        (Language::En, 1) => "Please check one place".to_owned(),
        (Language::En, count) => format!("Please check {count} places"),
    }
}

/// The names under which a purpose is ticked, for all and for sensitive answers.
fn consent_names(purpose: &Purpose) -> (String, String) {
    let name = purpose.terms.name.clone();
    let sensitive = format!("{name}.sensitive");
    (name, sensitive)
}

fn input_name(field: &Field, part: &Part) -> String {
    if part.name.is_empty() { field.name.clone() } else { format!("{}.{}", field.name, part.name) }
}

fn part_id(field: &Field, part: &Part) -> String {
    if part.name.is_empty() { format!("f-{}", field.name) } else { format!("f-{}-{}", field.name, part.name) }
}

/// What has been given for a part, without what is empty.
fn values(given: &Given, field: &Field, part: &Part) -> Vec<String> {
    let several = field.kind.parts().len() > 1;
    let values = match given {
        Given::Many(values) if part.control == Control::Many => values.clone(),
        given if part.control == Control::Many => given.text().split(',').map(str::to_owned).collect(),
        given if several => vec![given.part(part.name).to_owned()],
        given => vec![given.text().to_owned()],
    };
    values.into_iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// What can be chosen for a part, as `(id, label)`.
fn options<'a>(field: &'a Field, part: &Part, language: Language) -> Vec<(&'a str, &'a str)> {
    match part.control {
        Control::One if field.kind == Kind::Gender => {
            GENDERS.into_iter().map(|(id, ja, en)| (id, language.pick(ja, en))).collect()
        }
        Control::One | Control::Many => {
            field.rules.choices.iter().map(|choice| (choice.id.as_str(), language.of_text(&choice.label))).collect()
        }
        Control::Line | Control::Lines | Control::Email | Control::Tel | Control::Date | Control::Tick => Vec::new(),
    }
}

/// An answer in words: the label of what was chosen, or what was typed.
fn said(field: &Field, part: &Part, value: &str, language: Language) -> String {
    let chosen = options(field, part, language).into_iter().find(|(id, _)| *id == value);
    match (chosen, part.control) {
        (Some((_, label)), _) => label.to_owned(),
        (None, Control::Tick) if is_yes(value) => language.pick("はい", "Yes").to_owned(),
        (None, _) => value.to_owned(),
    }
}

fn is_yes(value: &str) -> bool {
    value == TICKED
}

/// The code of a gender in LINE's Common Profile (`sex-enum`).
fn quick_value(field: &Field, id: &str) -> Option<u8> {
    (field.kind == Kind::Gender).then_some(match id {
        "male" => 0,
        "female" => 1,
        "other" => 2,
        _ => 3,
    })
}

/// The first and the last day that a date may be.
fn days(field: &Field, today: Day) -> (Option<Day>, Option<Day>) {
    // Days before 1970 are left to the check: a time of ours cannot say them.
    let counted = |days: i32| {
        let at = today.start().get() + i64::from(days) * DAY_MS;
        (at >= 0).then(|| UnixMs::new(at).tokyo_day())
    };
    (field.rules.earliest_days.and_then(counted), field.rules.latest_days.and_then(counted))
}

/// The limits of an answer, in words.
fn limits(field: &Field, today: Day, language: Language) -> Option<String> {
    let rules = &field.rules;
    let (ja, en) = match field.kind {
        Kind::Text | Kind::LongText => {
            let most = rules.max_length?;
            (format!("{most}文字まで"), format!("At most {most} characters"))
        }
        Kind::Number => match (rules.min, rules.max) {
            (Some(min), Some(max)) => (format!("{min}から{max}まで"), format!("From {min} to {max}")),
            (Some(min), None) => (format!("{min}以上"), format!("{min} or more")),
            (None, Some(max)) => (format!("{max}以下"), format!("{max} or less")),
            (None, None) => return None,
        },
        Kind::Choices => match (rules.min, rules.max) {
            (Some(min), Some(max)) if min == max => (format!("{min}個選んでください"), format!("Choose {min}")),
            (Some(min), Some(max)) => {
                (format!("{min}個から{max}個まで選べます"), format!("Choose from {min} to {max}"))
            }
            (Some(min), None) => (format!("{min}個以上選んでください"), format!("Choose at least {min}")),
            (None, Some(max)) => (format!("{max}個まで選べます"), format!("Choose at most {max}")),
            (None, None) => ("いくつでも選べます".to_owned(), "Choose as many as you like".to_owned()),
        },
        Kind::Date => match days(field, today) {
            (Some(first), Some(last)) => {
                (format!("{}から{}まで", in_japanese(first), in_japanese(last)), format!("From {first} to {last}"))
            }
            (Some(first), None) => (format!("{}から", in_japanese(first)), format!("{first} or later")),
            (None, Some(last)) => (format!("{}まで", in_japanese(last)), format!("{last} or earlier")),
            (None, None) => return None,
        },
        _ => return None,
    };
    Some(match language {
        Language::Ja => ja,
        Language::En => en,
    })
}

/// A day as it is written in Japanese.
fn in_japanese(day: Day) -> String {
    let day = day.to_string();
    let mut numbers = day.splitn(3, '-').map(|number| number.trim_start_matches('0'));
    let mut next = || numbers.next().unwrap_or_default();
    format!("{}年{}月{}日", next(), next(), next())
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct FillPage<'a> {
    style: &'static str,
    script: &'static str,
    sdk: &'a str,
    liff_id: &'a str,
    liff_url: &'a str,
    language: Language,
    form: &'a str,
    channel: &'a str,
    business: &'a str,
    title: &'a str,
    description: &'a str,
    notice: &'a str,
    words: String,
    says: Vec<SayShown>,
    trouble: Option<TroubleShown>,
    counted: String,
    problems: Vec<LineShown<'a>>,
    sections: Vec<SectionShown<'a>>,
    /// Whether something can be filled in from the LINE profile.
    quick: bool,
    consents: Vec<ConsentShown<'a>>,
    anonymous: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    style: &'static str,
    script: &'static str,
    sdk: &'a str,
    liff_id: &'a str,
    liff_url: &'a str,
    language: Language,
    form: &'a str,
    channel: &'a str,
    business: &'a str,
    title: &'a str,
    notice: &'a str,
    words: String,
    says: Vec<SayShown>,
    trouble: Option<TroubleShown>,
    sections: Vec<RowsShown<'a>>,
    decisions: Vec<DecisionShown<'a>>,
    hidden: Vec<HiddenShown>,
    anonymous: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct ThanksPage<'a> {
    style: &'static str,
    script: &'static str,
    sdk: &'a str,
    language: Language,
    form: &'a str,
    channel: &'a str,
    business: &'a str,
    title: &'a str,
    thanks: &'a str,
    already: bool,
    kept: Vec<KeptShown<'a>>,
    anonymous: Option<&'static str>,
}

struct SayShown {
    key: &'static str,
    text: &'static str,
}

struct TroubleShown {
    code: &'static str,
    title: &'static str,
    text: &'static str,
}

struct LineShown<'a> {
    /// The id of what it is about, if that is on the page.
    target: Option<String>,
    label: &'a str,
    text: &'a str,
}

struct SectionShown<'a> {
    title: &'a str,
    fields: Vec<FieldShown<'a>>,
}

struct FieldShown<'a> {
    name: &'a str,
    label: &'a str,
    required: bool,
    sensitive: bool,
    help: Option<&'a str>,
    limits: Option<String>,
    kept: Option<String>,
    wrong: Option<&'a str>,
    show_if: Option<ShowIfShown<'a>>,
    /// Whether it has several inputs.
    group: bool,
    /// Whether one of several choices is made.
    one: bool,
    /// Whether its only input is a tick, which bears its label.
    tick: bool,
    described: String,
    parts: Vec<PartShown<'a>>,
}

impl FieldShown<'_> {
    fn fills_quickly(&self) -> bool {
        self.parts.iter().any(|part| !part.quick.is_empty())
    }
}

struct ShowIfShown<'a> {
    field: &'a str,
    any: String,
}

struct PartShown<'a> {
    id: String,
    name: String,
    label: Option<&'static str>,
    optional: bool,
    example: Option<&'static str>,
    /// The type of its input.
    kind: &'static str,
    lines: bool,
    tick: bool,
    many: bool,
    checked: bool,
    value: String,
    options: Vec<OptionShown<'a>>,
    autocomplete: &'static str,
    inputmode: Option<&'static str>,
    /// Keys of LINE's Common Profile, with a space between them.
    quick: String,
    max_length: u16,
    earliest: Option<String>,
    latest: Option<String>,
    is_wrong: bool,
    described: String,
}

struct OptionShown<'a> {
    id: String,
    value: &'a str,
    label: &'a str,
    checked: bool,
    quick: Option<u8>,
}

struct ConsentShown<'a> {
    id: String,
    name: String,
    agreement: String,
    kept: String,
    required: bool,
    ticked: bool,
    wrong: Option<&'a str>,
    sensitive: Option<SensitiveShown<'a>>,
}

struct SensitiveShown<'a> {
    name: String,
    text: &'a str,
    ticked: bool,
    wrong: Option<&'a str>,
}

struct RowsShown<'a> {
    title: &'a str,
    rows: Vec<RowShown<'a>>,
}

struct RowShown<'a> {
    label: &'a str,
    answers: Vec<AnswerShown>,
}

struct AnswerShown {
    part: Option<&'static str>,
    text: String,
}

struct DecisionShown<'a> {
    title: &'a str,
    kept: String,
    given: bool,
    sensitive: Option<SensitiveDecisionShown<'a>>,
}

struct SensitiveDecisionShown<'a> {
    text: &'a str,
    given: bool,
}

struct HiddenShown {
    name: String,
    value: String,
}

struct KeptShown<'a> {
    title: &'a str,
    until: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use azukari::domain::{
        definition::{PurposeTerms, Text},
        form::{Choice, Rules, Section, ShowIf, given::Fault},
        id::DefinitionId,
        retention::{After, Retention, Term, Then},
    };

    use super::*;

    const BOTH: [Language; 2] = [Language::Ja, Language::En];
    const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;";

    fn text(ja: &str, en: &str) -> Text {
        Text { ja: ja.to_owned(), en: en.to_owned() }
    }

    fn purpose(name: &str, required: bool, sensitive: Option<Text>) -> Purpose {
        let retention = Retention { after: After::Collected, term: Term::Days(180), then: Then::Erase };
        let title = text(&format!("{name}の<ご案内> & \"返信\""), &format!("{name}'s <news> & \"answers\""));
        let terms =
            PurposeTerms { id: DefinitionId::new(format!("id-{name}")), name: name.to_owned(), title, retention };
        Purpose { terms, required, sensitive }
    }

    fn field(kind: Kind) -> Field {
        let choice =
            |id: &str| Choice { id: id.to_owned(), label: text(&format!("選択{id}"), &format!("choice {id}")) };
        let chosen = matches!(kind, Kind::Choice | Kind::Choices);
        let choices = if chosen { vec![choice("a"), choice("b")] } else { Vec::new() };
        let sensitive = kind == Kind::LongText;
        Field {
            name: kind.as_str().to_owned(),
            kind,
            label: text(&format!("{}の欄", kind.as_str()), &format!("The {} question", kind.as_str())),
            help: Some(text(
                &format!("{}を\nご記入ください", kind.as_str()),
                &format!("Please\nsay {}", kind.as_str()),
            )),
            required: kind == Kind::Name,
            purpose: Some(DefinitionId::new(if sensitive { "id-care" } else { "id-visit" })),
            sensitive,
            lookup: false,
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
            sdk: "/sdk.js",
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
                assert_eq!(page.matches("<script").count(), 2);
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
        let page = thanks(&form, Language::Ja, &decisions, false, "/sdk.js").unwrap();
        let text = readable(&page);
        assert!(text.contains("ありがとうございます。") && text.contains("visitの<ご案内>"));
        assert!(text.contains("受け取ってから180日で消去します") && !text.contains("careの"));
        assert!(!text.contains("先ほど"));
        let page = thanks(&form, Language::Ja, &decisions, true, "/sdk.js").unwrap();
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
        let pages =
            [filling.fill().unwrap(), filling.confirm().unwrap(), thanks(&form, Language::En, &[], true, "").unwrap()];
        for page in pages {
            let body = page.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
            assert!(!body.contains(" style=") && !body.contains(" onclick") && !body.contains(" onsubmit"));
        }
    }
}
