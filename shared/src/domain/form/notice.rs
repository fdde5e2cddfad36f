//! The words of a form's notice: what a person was told before they gave anything.
//!
//! They are made from the published version alone, so that the words behind a consent
//! row can be told years later; the row holds their digest.

use crate::domain::{
    definition::Text,
    form::{FormDefinition, Purpose},
    language::Language,
};

/// Everything that the page says of the form, line by line, in one language: who asks,
/// for what, how long it is kept, and what is agreed to. The page shows each of these
/// lines.
pub fn words(form: &FormDefinition, language: Language) -> Vec<String> {
    let pick = |text: &Text| language.of_text(text).to_owned();
    let mut all = vec![pick(&form.business), pick(&form.title), pick(&form.description)];
    for section in &form.sections {
        all.push(pick(&section.title));
        for field in &section.fields {
            all.push(pick(&field.label));
            all.extend(field.help.as_ref().map(pick));
            for choice in &field.rules.choices {
                all.push(pick(&choice.label));
            }
            all.extend(field.purpose.as_ref().and_then(|id| form.purpose(id)).map(|of| kept(of, language)));
        }
    }
    for purpose in &form.purposes {
        all.push(agreement(purpose, language));
        all.push(kept(purpose, language));
        all.extend(purpose.sensitive.as_ref().map(pick));
    }
    if form.anonymous {
        all.push(anonymous(language).to_owned());
    }
    all.retain(|line| !line.trim().is_empty());
    all
}

/// What an answer is for and how long it is kept, as it stands beside a field.
pub fn kept(purpose: &Purpose, language: Language) -> String {
    let (title, kept) = (language.of_text(&purpose.terms.title), purpose.terms.retention.words());
    match language {
        Language::Ja => format!("使いみち：{title}（{}で消去）", kept.ja),
        Language::En => format!("For: {title} (erased {})", kept.en),
    }
}

/// What the tick beside a purpose says.
pub fn agreement(purpose: &Purpose, language: Language) -> String {
    let title = language.of_text(&purpose.terms.title);
    match language {
        Language::Ja => format!("「{title}」のために使うことに同意します"),
        Language::En => format!("I agree that it is used for: {title}"),
    }
}

/// What an anonymous form says of the answers.
pub fn anonymous(language: Language) -> &'static str {
    language.pick(
        "回答は人数として数えるだけで、だれの回答かは保存しません。お一人1回までにするため、回答済みの印だけを、だれか分からない形で1年間残します。",
        "Answers are only counted; whose they are is not stored. So that everybody answers once, a mark that you have answered is kept for a year, in a form that does not say who you are.",
    )
}
