//! A statement to agree to.
//!
//! Accepted is what a tick box sends: `yes`, `true`, `on` and `1` become `yes`; `no`,
//! `false`, `off` and `0` are no answer, as a box left empty is. Words in Japanese are
//! refused: to agree is to tick, not to write something that reads like it.

use super::{Control, Part, uniform};
use crate::domain::form::given::{Fault, Given};

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part { control: Control::Tick, ..Part::LINE }];

/// `yes`, or nothing if the box was left empty.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    match uniform::ascii(given.text()).to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(Some("yes".to_owned())),
        "no" | "false" | "off" | "0" => Ok(None),
        _ => Err(Fault::new(
            "not_a_choice",
            "同意いただける場合は、チェックを入れてください。",
            "If you agree, please tick the box.",
        )),
    }
}

/// Nothing of it.
pub(super) fn mask(_answer: &str) -> String {
    "*".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was given, and what becomes of it.
    const GOOD: &[(&str, Option<&str>)] = &[
        ("yes", Some("yes")),
        ("true", Some("yes")),
        ("on", Some("yes")),
        ("1", Some("yes")),
        ("Yes", Some("yes")),
        ("TRUE", Some("yes")),
        ("On", Some("yes")),
        (" on ", Some("yes")),
        ("　yes　", Some("yes")),
        ("１", Some("yes")),
        ("ｙｅｓ", Some("yes")),
        ("no", None),
        ("false", None),
        ("off", None),
        ("0", None),
        ("No", None),
        ("FALSE", None),
        ("０", None),
    ];

    /// What was given: it says neither.
    const BAD: &[&str] = &[
        "はい",
        "いいえ",
        "同意する",
        "同意します",
        "同意しない",
        "✓",
        "レ",
        "○",
        "y",
        "n",
        "2",
        "-1",
        "01",
        "ok",
        "yes,no",
        "not yes",
        "null",
        "undefined",
    ];

    #[test]
    fn a_tick_is_a_yes() {
        for (sent, expected) in GOOD {
            assert_eq!(check(&Given::One((*sent).to_owned())), Ok(expected.map(str::to_owned)), "{sent}");
        }
    }

    #[test]
    fn what_says_neither_is_refused() {
        for sent in BAD {
            assert_eq!(check(&Given::One((*sent).to_owned())).unwrap_err().code, "not_a_choice", "{sent}");
        }
        let both = Given::Many(vec!["yes".to_owned(), "no".to_owned()]);
        assert_eq!(check(&both).unwrap_err().code, "not_a_choice");
    }

    #[test]
    fn nothing_of_it_is_shown() {
        for answer in ["yes", "", "𠮷"] {
            assert_eq!(mask(answer), "*");
        }
    }
}
