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
    time::Day,
};
use azukari::host::pages::STYLE;

use crate::sheet_words::{SayShown, Trouble, TroubleShown, counted, days, limits, says};

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
    /// Of the words on the page: consents that were ticked beside others are not brought
    /// back.
    pub(crate) words: &'a str,
    pub(crate) scripts: Scripts<'a>,
    /// The address that opens this form in LINE.
    pub(crate) liff_url: &'a str,
    pub(crate) today: Day,
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
            frame: Frame::of(form, language, &self.scripts),
            in_line: self.in_line(),
            language,
            description: language.of_text(&form.description),
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
            frame: Frame::of(form, language, &self.scripts),
            in_line: self.in_line(),
            language,
            sections,
            decisions,
            hidden,
            anonymous: form.anonymous.then(|| notice::anonymous(language)),
        };
        page.render()
    }

    fn in_line(&self) -> InLine<'_> {
        InLine {
            liff_id: self.liff_id,
            liff_url: self.liff_url,
            notice: self.notice,
            words: self.words,
            says: says(self.language),
            trouble: self.trouble.map(|trouble| trouble.shown(self.language)),
        }
    }

    fn given(&self, field: &Field) -> &Given {
        static NOTHING: Given = Given::Nothing;
        self.sheet.answers.get(&field.name).unwrap_or(&NOTHING)
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
            quick: if field.quick_fill { part.quick_fill.join(" ") } else { String::new() },
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
    scripts: &Scripts<'_>,
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
        frame: Frame::of(form, language, scripts),
        language,
        thanks: language.of_text(&form.thanks),
        already,
        kept: kept.collect(),
        anonymous: form.anonymous.then(|| notice::anonymous(language)),
    };
    page.render()
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

/// Scripts of LINE's that the pages load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scripts<'a> {
    /// Address of the LIFF SDK.
    pub(crate) sdk: &'a str,
    /// Address of the plugin that fills in from a profile, if the channel may use it.
    pub(crate) plugin: Option<&'a str>,
}

/// What every page of a form has around it.
struct Frame<'a> {
    style: &'static str,
    script: &'static str,
    scripts: Scripts<'a>,
    form: &'a str,
    channel: &'a str,
    business: &'a str,
    title: &'a str,
}

impl<'a> Frame<'a> {
    fn of(form: &'a FormDefinition, language: Language, scripts: &Scripts<'a>) -> Self {
        Self {
            style: STYLE,
            script: SCRIPT,
            scripts: *scripts,
            form: &form.name,
            channel: &form.channel,
            business: language.of_text(&form.business),
            title: language.of_text(&form.title),
        }
    }
}

/// What a page needs that is sent from within LINE.
struct InLine<'a> {
    liff_id: &'a str,
    liff_url: &'a str,
    notice: &'a str,
    words: &'a str,
    says: Vec<SayShown>,
    trouble: Option<TroubleShown>,
}

#[derive(Template)]
#[template(path = "sheet.html")]
struct FillPage<'a> {
    frame: Frame<'a>,
    in_line: InLine<'a>,
    language: Language,
    description: &'a str,
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
    frame: Frame<'a>,
    in_line: InLine<'a>,
    language: Language,
    sections: Vec<RowsShown<'a>>,
    decisions: Vec<DecisionShown<'a>>,
    hidden: Vec<HiddenShown>,
    anonymous: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "thanks.html")]
struct ThanksPage<'a> {
    frame: Frame<'a>,
    language: Language,
    thanks: &'a str,
    already: bool,
    kept: Vec<KeptShown<'a>>,
    anonymous: Option<&'static str>,
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

pub(crate) mod rights;
#[cfg(test)]
mod tests;
