//! One of several choices.
//!
//! Accepted is the id of one of the choices of the rules, as the page sends it, and nothing
//! else: a label may be worded anew, an id stays. It becomes that id.

use super::{Control, Part};
use crate::domain::form::{
    Rules,
    given::{Fault, Given},
};

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part { control: Control::One, ..Part::LINE }];

/// The id of the choice.
pub(super) fn check(given: &Given, rules: &Rules) -> Result<Option<String>, Fault> {
    let id = given.text();
    match rules.choices.iter().find(|choice| choice.id == id) {
        Some(choice) => Ok(Some(choice.id.clone())),
        None => Err(Fault::new(
            "not_a_choice",
            "表示されている選択肢の中から1つ選んでください。",
            "Please choose one of the choices on the page.",
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
    use crate::domain::{definition::Text, form::Choice};

    /// Ids and labels.
    type Labels = &'static [(&'static str, &'static str)];

    /// Times of a booking (ご希望の時間).
    const TIMES: Labels = &[("10-00", "10:00"), ("13-30", "13:30"), ("17-00", "17:00"), ("any", "いつでも")];
    /// Days (ご希望の日).
    const DAYS: Labels = &[("sat", "土曜日"), ("sun", "日曜日"), ("2026-12-24", "12月24日（木）")];
    /// Places of a course (枠).
    const PLACES: Labels = &[("1", "第1回"), ("2", "第2回"), ("waiting_list", "キャンセル待ち")];

    /// Choices, what was given, and what becomes of it.
    const GOOD: &[(Labels, &str, &str)] = &[
        (TIMES, "10-00", "10-00"),
        (TIMES, "13-30", "13-30"),
        (TIMES, "17-00", "17-00"),
        (TIMES, "any", "any"),
        (TIMES, " any ", "any"),
        (DAYS, "sat", "sat"),
        (DAYS, "sun", "sun"),
        (DAYS, "2026-12-24", "2026-12-24"),
        (DAYS, "　sun　", "sun"),
        (PLACES, "1", "1"),
        (PLACES, "2", "2"),
        (PLACES, "waiting_list", "waiting_list"),
        (PLACES, "waiting_list\n", "waiting_list"),
    ];

    /// Choices, and what was given: none is a choice.
    const BAD: &[(Labels, &str)] = &[
        (TIMES, "10:00"),
        (TIMES, "13:30"),
        (TIMES, "いつでも"),
        (TIMES, "18-00"),
        (TIMES, "10-00,13-30"),
        (TIMES, "ANY"),
        (TIMES, "ａｎｙ"),
        (DAYS, "土曜日"),
        (DAYS, "mon"),
        (DAYS, "2026-12-25"),
        (DAYS, "12月24日（木）"),
        (PLACES, "3"),
        (PLACES, "01"),
        (PLACES, "１"),
        (PLACES, "waiting list"),
        (&[], "1"),
    ];

    fn checked(choices: &[(&str, &str)], given: &Given) -> Result<Option<String>, Fault> {
        let choice = |(id, label): &(&str, &str)| Choice {
            id: (*id).to_owned(),
            label: Text { ja: (*label).to_owned(), en: (*id).to_owned() },
        };
        check(given, &Rules { choices: choices.iter().map(choice).collect(), ..Rules::default() })
    }

    #[test]
    fn a_choice_is_kept_by_its_id() {
        for (choices, sent, id) in GOOD {
            let expected = Ok(Some((*id).to_owned()));
            assert_eq!(checked(choices, &Given::One((*sent).to_owned())), expected, "{sent}");
            assert_eq!(checked(choices, &Given::Many(vec![(*sent).to_owned()])), expected, "{sent}");
        }
    }

    #[test]
    fn what_is_no_choice_is_refused() {
        for (choices, sent) in BAD {
            let fault = checked(choices, &Given::One((*sent).to_owned())).unwrap_err();
            assert_eq!(fault.code, "not_a_choice", "{sent}");
        }
        let both = Given::Many(vec!["sat".to_owned(), "sun".to_owned()]);
        assert_eq!(checked(DAYS, &both).unwrap_err().code, "not_a_choice");
    }

    #[test]
    fn nothing_of_it_is_shown() {
        for answer in ["10-00", "", "𠮷"] {
            assert_eq!(mask(answer), "*");
        }
    }
}
