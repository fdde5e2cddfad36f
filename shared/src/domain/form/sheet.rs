//! A form as somebody has filled it in, and whether it can be taken.
//!
//! Everything that is wrong is found in one go. Nothing here is stored: what can be
//! taken comes out divided by purpose, ready to be sealed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::domain::{
    form::{
        Field, FormDefinition, Kind, Purpose,
        given::{Fault, Given},
        kind::Control,
    },
    guard::{self, Found},
    id::DefinitionId,
    plain::Plain,
    time::Day,
};

/// What somebody has filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Answers by field name.
    pub answers: BTreeMap<String, Given>,
    /// Ticks by purpose name; those of sensitive answers by `<purpose>.sensitive`.
    pub consents: BTreeMap<String, bool>,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// An answer, by the name of its field.
    Field(String),
    /// The tick beside a purpose, by its name.
    Consent(String),
    /// The tick for sensitive answers under a purpose, by its name.
    Sensitive(String),
    /// The form as a whole.
    Form,
}

/// Something that is wrong with a form that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub about: About,
    /// What is wrong.
    pub fault: Fault,
}

/// Answers that can be taken.
#[derive(Clone, PartialEq, Eq)]
pub struct Accepted {
    /// One for each purpose for which something was answered.
    pub records: Vec<Record>,
    /// What was said about each purpose of the form.
    pub decisions: Vec<Decision>,
    /// Chosen answers as `(field, choice)`: what an anonymous form counts.
    pub counted: Vec<(String, String)>,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accepted(…)")
    }
}

/// The answers for one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The purpose.
    pub purpose: Purpose,
    /// Names and answers, made uniform.
    pub answers: Vec<(String, Plain<Vec<u8>>)>,
    /// Those by which the person can be found: kind and answer.
    pub lookups: Vec<(Kind, Plain<String>)>,
    /// The day from which its retention is counted, if one was asked for and given.
    pub given: Option<Day>,
}

/// What was said about one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The purpose.
    pub purpose: DefinitionId,
    /// Whether the person agreed.
    pub given: bool,
    /// Whether they agreed to sensitive answers; `None` if none are asked for.
    pub sensitive: Option<bool>,
}

/// Decides whether a form that was filled in on `today` can be taken.
///
/// # Errors
/// Everything that is wrong, in the order of the form.
pub fn check(form: &FormDefinition, sheet: &Sheet, today: Day) -> Result<Accepted, Vec<Problem>> {
    let mut problems = strangers(form, sheet);
    let mut answers: Vec<(&Field, String)> = Vec::new();
    // What somebody has tried to answer.
    let mut attempted: BTreeSet<&str> = BTreeSet::new();
    for field in form.fields().filter(|field| asked(form, field, sheet)) {
        let about = || About::Field(field.name.clone());
        match answer(field, sheet, today) {
            Ok(Some(answer)) => {
                attempted.insert(&field.name);
                answers.push((field, answer));
            }
            Ok(None) if field.required => problems.push(Problem { about: about(), fault: missing(field) }),
            Ok(None) => {}
            Err(fault) => {
                attempted.insert(&field.name);
                problems.push(Problem { about: about(), fault });
            }
        }
    }
    let mut decisions = Vec::with_capacity(form.purposes.len());
    for purpose in &form.purposes {
        decisions.push(decide(form, purpose, sheet, &attempted, &mut problems));
    }
    if attempted.is_empty() && problems.is_empty() {
        let fault = Fault::new("nothing", "一つ以上、ご記入ください。", "Please answer at least one question.");
        problems.push(Problem { about: About::Form, fault });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let records = form.purposes.iter().filter_map(|purpose| record(purpose, &answers)).collect();
    let counted = answers.iter().flat_map(|(field, answer)| {
        answer.split(',').map(|choice| (field.name.clone(), choice.to_owned())).collect::<Vec<_>>()
    });
    let counted = if form.anonymous { counted.collect() } else { Vec::new() };
    Ok(Accepted { records, decisions, counted })
}

/// Whether a field is asked of somebody who has filled in the form like this.
pub fn asked(form: &FormDefinition, field: &Field, sheet: &Sheet) -> bool {
    let Some(condition) = &field.show_if else { return true };
    let Some(earlier) = form.field(&condition.field) else { return false };
    let chosen = sheet.answers.get(&condition.field).map(Given::choices).unwrap_or_default();
    asked(form, earlier, sheet) && chosen.iter().any(|choice| condition.any_of.iter().any(|any| any == choice))
}

fn answer(field: &Field, sheet: &Sheet, today: Day) -> Result<Option<String>, Fault> {
    let Some(given) = sheet.answers.get(&field.name) else { return Ok(None) };
    let known = |part: &String| field.kind.parts().iter().any(|known| !known.name.is_empty() && known.name == part);
    let strange = match given {
        Given::Parts(parts) => !parts.keys().all(known),
        Given::Ticked(_) => field.kind != Kind::Agreement,
        Given::Nothing | Given::One(_) | Given::Many(_) => false,
    };
    if strange {
        return Err(unknown());
    }
    let answer = field.kind.check(given, &field.rules, today)?;
    match answer.as_deref().map(guard::guard).filter(|guarded| !guarded.found.is_empty()) {
        Some(guarded) => Err(refused(&guarded.found)),
        None => Ok(answer),
    }
}

/// What must not be collected is refused, so that the person can take it out themselves.
fn refused(found: &[Found]) -> Fault {
    if found.contains(&Found::Card) {
        let en = "This looks like a card number. We do not take card numbers: please remove it.";
        Fault::new(
            "card",
            "カード番号と思われる数字があります。カード番号はお預かりできませんので、消してください。",
            en,
        )
    } else {
        let en = "This looks like a My Number. We do not take it: please remove it.";
        let ja = "マイナンバーと思われる12桁の数字があります。マイナンバーはお預かりできませんので、消してください。";
        Fault::new("my_number", ja, en)
    }
}

fn missing(field: &Field) -> Fault {
    match field.kind.parts().first().map(|part| part.control) {
        Some(Control::One | Control::Many) => Fault::new("missing", "選んでください。", "Please choose."),
        Some(Control::Tick) => Fault::new("missing", "チェックを入れてください。", "Please tick this."),
        _ => Fault::new("missing", "ご記入ください。", "Please fill this in."),
    }
}

/// What belongs to no field or purpose of the form: it must not vanish unseen.
fn strangers(form: &FormDefinition, sheet: &Sheet) -> Vec<Problem> {
    // Enough to see what is wrong: an answer must not become many times what was sent.
    const MOST: usize = 20;
    let strange = |about| Problem { about, fault: unknown() };
    let fields = sheet.answers.keys().filter(|name| form.field(name).is_none());
    let known = |name: &str| {
        form.purposes.iter().any(|purpose| match name.strip_suffix(".sensitive") {
            Some(name) => purpose.terms.name == name && purpose.sensitive.is_some(),
            None => purpose.terms.name == name,
        })
    };
    let consents = sheet.consents.keys().filter(|name| !known(name));
    fields
        .map(|name| strange(About::Field(name.clone())))
        .chain(consents.map(|name| strange(About::Consent(name.clone()))))
        .take(MOST)
        .collect()
}

fn unknown() -> Fault {
    let en = "This is not part of the form. Please open the form again.";
    Fault::new("unknown", "このフォームにない項目です。フォームを開き直してください。", en)
}

/// The same sheet with what can be taken made uniform: what somebody looks over is what
/// will be kept. Choices and ticks stay as they are, and so does what has several parts.
pub fn uniform(form: &FormDefinition, sheet: &Sheet, today: Day) -> Sheet {
    let mut sheet = sheet.clone();
    for field in form.fields() {
        let typed =
            field.kind.parts().iter().all(|part| {
                part.name.is_empty() && !matches!(part.control, Control::One | Control::Many | Control::Tick)
            });
        let Some(given) = sheet.answers.get(&field.name).filter(|_| typed) else { continue };
        if let Ok(Some(answer)) = field.kind.check(given, &field.rules, today) {
            sheet.answers.insert(field.name.clone(), Given::One(answer));
        }
    }
    sheet
}

fn decide(
    form: &FormDefinition,
    purpose: &Purpose,
    sheet: &Sheet,
    attempted: &BTreeSet<&str>,
    problems: &mut Vec<Problem>,
) -> Decision {
    let name = &purpose.terms.name;
    let ticked = |key: &str| sheet.consents.get(key).copied().unwrap_or(false);
    let given = ticked(name);
    let under = |sensitive_only: bool| {
        form.fields().any(|field| {
            field.purpose.as_ref() == Some(&purpose.terms.id)
                && (field.sensitive || !sensitive_only)
                && attempted.contains(field.name.as_str())
        })
    };
    let title = &purpose.terms.title;
    if !given && (purpose.required || under(false)) {
        let fault = if purpose.required {
            Fault::new(
                "consent",
                format!("「{}」のために使うことに同意いただけないと、このフォームは送れません。", title.ja),
                format!("This form cannot be sent unless you agree that it is used for: {}.", title.en),
            )
        } else {
            Fault::new(
                "consent",
                format!(
                    "「{}」のための項目にご記入があります。同意のチェックを入れるか、記入を消してください。",
                    title.ja
                ),
                format!("You have answered questions that are for: {}. Agree to it, or clear the answers.", title.en),
            )
        };
        problems.push(Problem { about: About::Consent(name.clone()), fault });
    }
    let sensitive = purpose.sensitive.is_some().then(|| ticked(&format!("{name}.sensitive")));
    if sensitive == Some(false) && under(true) {
        let en = "You have answered sensitive questions. Agree to it here, or clear the answers.";
        let ja = "配慮の要る項目にご記入があります。こちらの同意にもチェックを入れるか、記入を消してください。";
        let fault = Fault::new("sensitive_consent", ja, en);
        problems.push(Problem { about: About::Sensitive(name.clone()), fault });
    }
    Decision { purpose: purpose.terms.id.clone(), given, sensitive }
}

fn record(purpose: &Purpose, answers: &[(&Field, String)]) -> Option<Record> {
    let of_it: Vec<&(&Field, String)> =
        answers.iter().filter(|(field, _)| field.purpose.as_ref() == Some(&purpose.terms.id)).collect();
    if of_it.is_empty() {
        return None;
    }
    let lookups = of_it.iter().filter(|(field, _)| field.lookup);
    let given = of_it.iter().find(|(field, _)| field.starts_retention).and_then(|(_, day)| Day::parse(day).ok());
    Some(Record {
        purpose: purpose.clone(),
        given,
        lookups: lookups.map(|(field, answer)| (field.kind, Plain::new(answer.clone()))).collect(),
        answers: of_it.iter().map(|(field, answer)| (field.name.clone(), Plain::text(answer))).collect(),
    })
}
