//! Kinds of answers. Each has a file of its own: how it is asked for on the page, how
//! what was typed is made uniform, what is not accepted, and how it is shown when only a
//! hint is wanted.

mod address;
mod agreement;
mod birthday;
mod choice;
mod choices;
mod date;
mod email;
mod gender;
mod kana;
mod long_text;
mod member_id;
mod name;
mod number;
mod phone;
mod text;
mod uniform;

pub use gender::CHOICES as GENDERS;
use serde::{Deserialize, Serialize};

use crate::domain::{
    form::{
        Rules,
        given::{Fault, Given},
    },
    time::Day,
};

/// What kind of answer a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's name.
    Name,
    /// A person's name in kana.
    Kana,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A postal code and an address.
    Address,
    /// A birthday.
    Birthday,
    /// Gender.
    Gender,
    /// A short text.
    Text,
    /// A long text.
    LongText,
    /// A number.
    Number,
    /// A date.
    Date,
    /// One of several choices.
    Choice,
    /// Any of several choices.
    Choices,
    /// A statement to agree to.
    Agreement,
    /// The business' own number of a member.
    MemberId,
}

/// How a part of an answer is typed or chosen on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// A line of text.
    Line,
    /// Lines of text.
    Lines,
    /// An e-mail address.
    Email,
    /// A phone number.
    Tel,
    /// A date.
    Date,
    /// One of the choices.
    One,
    /// Any of the choices.
    Many,
    /// A tick.
    Tick,
}

/// A part of an answer as the page asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its name behind the field's; empty if it is the only one.
    pub name: &'static str,
    /// Its own label in Japanese and English, if the field has several parts.
    pub label: Option<(&'static str, &'static str)>,
    /// An example in Japanese and English.
    pub example: Option<(&'static str, &'static str)>,
    /// How it is typed or chosen.
    pub control: Control,
    /// The HTML attribute `autocomplete` (HTML, "Autofill").
    pub autocomplete: Option<&'static str>,
    /// The HTML attribute `inputmode`.
    pub inputmode: Option<&'static str>,
    /// Keys of LINE's Common Profile Quick-fill that fill it in, joined in this order.
    pub quick_fill: &'static [&'static str],
    /// Claims of LINE Profile+ that fill it in, joined in this order.
    pub profile_plus: &'static [&'static str],
    /// Most characters that can be typed.
    pub max_length: u16,
    /// Whether it may stay empty though the field is required.
    pub optional: bool,
}

impl Part {
    /// A part that is the only one, typed as a line.
    const LINE: Self = Self {
        name: "",
        label: None,
        example: None,
        control: Control::Line,
        autocomplete: None,
        inputmode: None,
        quick_fill: &[],
        profile_plus: &[],
        max_length: 100,
        optional: false,
    };
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Name,
        Self::Kana,
        Self::Email,
        Self::Phone,
        Self::Address,
        Self::Birthday,
        Self::Gender,
        Self::Text,
        Self::LongText,
        Self::Number,
        Self::Date,
        Self::Choice,
        Self::Choices,
        Self::Agreement,
        Self::MemberId,
    ];

    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kana => "kana",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::Birthday => "birthday",
            Self::Gender => "gender",
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::Agreement => "agreement",
            Self::MemberId => "member_id",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How it is asked for, part by part.
    pub fn parts(self) -> &'static [Part] {
        match self {
            Self::Name => name::PARTS,
            Self::Kana => kana::PARTS,
            Self::Email => email::PARTS,
            Self::Phone => phone::PARTS,
            Self::Address => address::PARTS,
            Self::Birthday => birthday::PARTS,
            Self::Gender => gender::PARTS,
            Self::Text => text::PARTS,
            Self::LongText => long_text::PARTS,
            Self::Number => number::PARTS,
            Self::Date => date::PARTS,
            Self::Choice => choice::PARTS,
            Self::Choices => choices::PARTS,
            Self::Agreement => agreement::PARTS,
            Self::MemberId => member_id::PARTS,
        }
    }

    /// The answer as it is sealed, made uniform; `None` if nothing was given.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, given: &Given, rules: &Rules, today: Day) -> Result<Option<String>, Fault> {
        if given.is_empty() {
            return Ok(None);
        }
        match self {
            Self::Name => name::check(given),
            Self::Kana => kana::check(given),
            Self::Email => email::check(given),
            Self::Phone => phone::check(given),
            Self::Address => address::check(given),
            Self::Birthday => birthday::check(given, today),
            Self::Gender => gender::check(given),
            Self::Text => text::check(given, rules),
            Self::LongText => long_text::check(given, rules),
            Self::Number => number::check(given, rules),
            Self::Date => date::check(given, rules, today),
            Self::Choice => choice::check(given, rules),
            Self::Choices => choices::check(given, rules),
            Self::Agreement => agreement::check(given),
            Self::MemberId => member_id::check(given),
        }
    }

    /// An answer as [`Kind::check`] made it, with most of it hidden: for lists in which a
    /// hint is enough.
    pub fn mask(self, answer: &str) -> String {
        match self {
            Self::Name => name::mask(answer),
            Self::Kana => kana::mask(answer),
            Self::Email => email::mask(answer),
            Self::Phone => phone::mask(answer),
            Self::Address => address::mask(answer),
            Self::Birthday => birthday::mask(answer),
            Self::Gender => gender::mask(answer),
            Self::Text => text::mask(answer),
            Self::LongText => long_text::mask(answer),
            Self::Number => number::mask(answer),
            Self::Date => date::mask(answer),
            Self::Choice => choice::mask(answer),
            Self::Choices => choices::mask(answer),
            Self::Agreement => agreement::mask(answer),
            Self::MemberId => member_id::mask(answer),
        }
    }
}
