//! Forms: what is asked, for which purpose, and what an answer must look like.
//!
//! A published form version carries everything that was on the page, so that what a
//! person was shown can be told years later, word for word.

pub mod given;
pub mod kind;
pub mod notice;
pub mod sheet;

use serde::{Deserialize, Serialize};

use crate::domain::{
    definition::{PurposeTerms, Text},
    id::DefinitionId,
};
pub use kind::Kind;

/// A form version as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormDefinition {
    /// The name of its file and in its address.
    pub name: String,
    /// The channel whose people fill it in.
    pub channel: String,
    /// The policy version under which it asks, as `id.n`.
    pub policy: String,
    /// Its title.
    pub title: Text,
    /// What it is for, in a sentence or two.
    pub description: Text,
    /// Who asks: the name of the business.
    pub business: Text,
    /// Its parts, in order.
    pub sections: Vec<Section>,
    /// The purposes it asks for, in the order in which they are first met; the last is
    /// that of the LINE account itself. Empty for an anonymous form.
    pub purposes: Vec<Purpose>,
    /// What the page says after it was sent.
    pub thanks: Text,
    /// What the account says in the chat after it was sent: nothing personal.
    #[serde(default)]
    pub reply: Option<String>,
    /// Whether no answer is stored: each adds to counters.
    #[serde(default)]
    pub anonymous: bool,
}

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading.
    pub title: Text,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A purpose that a form asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Its terms.
    pub terms: PurposeTerms,
    /// Whether the form cannot be sent without it: a required field, or the LINE account,
    /// is kept for it.
    pub required: bool,
    /// What the person agrees to for the sensitive fields under it (要配慮個人情報, 個人情報
    /// 保護法 §20(2)). `None` if there are none.
    #[serde(default)]
    pub sensitive: Option<Text>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in answers and envelopes.
    pub name: String,
    /// What kind of answer it takes.
    pub kind: Kind,
    /// What is asked.
    pub label: Text,
    /// What helps to answer.
    #[serde(default)]
    pub help: Option<Text>,
    /// Whether it must be answered, where it is shown.
    pub required: bool,
    /// What the answer is kept for. `None` in an anonymous form.
    #[serde(default)]
    pub purpose: Option<DefinitionId>,
    /// Whether the answer is 要配慮個人情報.
    #[serde(default)]
    pub sensitive: bool,
    /// Whether the person can be found by it.
    #[serde(default)]
    pub lookup: bool,
    /// Whether it is about the person themselves, so that it can be filled in from their
    /// LINE profile.
    #[serde(default = "yes")]
    pub quick_fill: bool,
    /// Whether the retention of everything for its purpose is counted from the day that is
    /// answered.
    #[serde(default)]
    pub starts_retention: bool,
    /// It is asked only after this answer.
    #[serde(default)]
    pub show_if: Option<ShowIf>,
    /// The limits of an answer.
    #[serde(default)]
    pub rules: Rules,
}

const fn yes() -> bool {
    true
}

/// A field is asked only after certain answers to an earlier choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowIf {
    /// The earlier field.
    pub field: String,
    /// The choices after which it is asked.
    pub any_of: Vec<String>,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is sealed: 1 to 40 of `a-z`, `0-9`, `_` and `-`.
    pub id: String,
    /// What people read.
    pub label: Text,
}

/// The limits of an answer. Which of them count is said by the kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// Longest text, in characters.
    pub max_length: Option<u16>,
    /// Smallest number, or fewest choices.
    pub min: Option<i64>,
    /// Largest number, or most choices.
    pub max: Option<i64>,
    /// Digits behind the decimal point: 0 unless given.
    pub decimals: u8,
    /// First day, counted from today (negative: earlier).
    pub earliest_days: Option<i32>,
    /// Last day, counted from today (negative: earlier).
    pub latest_days: Option<i32>,
}

impl FormDefinition {
    /// Every field, in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// A field by its name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().find(|field| field.name == name)
    }

    /// A purpose by its id.
    pub fn purpose(&self, id: &DefinitionId) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.terms.id == *id)
    }
}
