//! What somebody has given as an answer, and what is wrong with it.

use std::{collections::BTreeMap, fmt};

use zeroize::Zeroize;

use crate::domain::definition::Text;

/// An answer as it was sent: not yet looked at. It is wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Given {
    /// Nothing: left empty, or not sent.
    #[default]
    Nothing,
    /// One text.
    One(String),
    /// Several: of a multiple choice.
    Many(Vec<String>),
    /// Part by part.
    Parts(BTreeMap<String, String>),
    /// A tick, or none.
    Ticked(bool),
}

impl Given {
    /// The text of a kind that has one part, without the white space around it. Several
    /// texts are taken as one only if there is no more than one.
    pub fn text(&self) -> &str {
        match self {
            Self::One(text) => text.trim(),
            Self::Many(texts) if texts.len() == 1 => texts[0].trim(),
            Self::Ticked(true) => "yes",
            Self::Ticked(false) => "no",
            Self::Nothing | Self::Many(_) | Self::Parts(_) => "",
        }
    }

    /// A part by its name, without the white space around it.
    pub fn part(&self, name: &str) -> &str {
        match self {
            Self::Parts(parts) => parts.get(name).map_or("", |text| text.trim()),
            Self::Nothing | Self::One(_) | Self::Many(_) | Self::Ticked(_) => "",
        }
    }

    /// The choices that were made: several values, or one with commas between them.
    pub fn choices(&self) -> Vec<&str> {
        let all: Vec<&str> = match self {
            Self::Many(choices) => choices.iter().map(|choice| choice.trim()).collect(),
            one => one.text().split(',').map(str::trim).collect(),
        };
        all.into_iter().filter(|choice| !choice.is_empty()).collect()
    }

    /// Whether there is nothing but white space.
    pub fn is_empty(&self) -> bool {
        let blank = |text: &String| text.trim().is_empty();
        match self {
            Self::Nothing => true,
            Self::Ticked(ticked) => !ticked,
            Self::One(text) => blank(text),
            Self::Many(texts) => texts.iter().all(blank),
            Self::Parts(parts) => parts.values().all(blank),
        }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        match self {
            Self::One(text) => text.zeroize(),
            Self::Many(texts) => texts.zeroize(),
            Self::Parts(parts) => parts.values_mut().for_each(Zeroize::zeroize),
            Self::Nothing | Self::Ticked(_) => {}
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

/// What is wrong with an answer. It never holds the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A word for programs: `a-z` and `_`.
    pub code: &'static str,
    /// What to do about it, for the person.
    pub text: Text,
    /// The part that it is about, if the answer has several.
    pub part: Option<&'static str>,
}

impl Fault {
    /// A fault with its texts.
    pub fn new(code: &'static str, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, text: Text { ja: ja.into(), en: en.into() }, part: None }
    }

    /// The same, about one part.
    pub fn of_part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }
}
