//! Gender.
//!
//! One of [`CHOICES`] is chosen. Accepted are their ids and labels, the everyday 男 and 女,
//! the numbers of LINE's Quick-fill (`sex-enum`: 0 male, 1 female, 2 other, 3 no answer) and
//! the words of LINE Profile+ (`male`, `female`). It becomes the id.

use super::{Control, Part, uniform};
use crate::domain::form::given::{Fault, Given};

/// What can be chosen: id, Japanese label, English label.
pub const CHOICES: [(&str, &str, &str); 4] = [
    ("female", "女性", "Female"),
    ("male", "男性", "Male"),
    ("other", "そのほか", "Other"),
    ("no_answer", "答えない", "Prefer not to say"),
];

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    control: Control::One,
    autocomplete: Some("sex"),
    quick_fill: &["sex-enum"],
    profile_plus: &["gender"],
    ..Part::LINE
}];

/// The id of the choice.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let said = uniform::ascii(given.text()).to_ascii_lowercase();
    let id = match said.as_str() {
        "0" | "男" => "male",
        "1" | "女" => "female",
        "2" | "その他" => "other",
        "3" | "回答しない" => "no_answer",
        said => {
            let meant = |(id, ja, en): &(&str, &str, &str)| said == *id || said == *ja || said.eq_ignore_ascii_case(en);
            CHOICES.into_iter().find(meant).ok_or_else(not_a_choice)?.0
        }
    };
    Ok(Some(id.to_owned()))
}

/// Nothing of it.
pub(super) fn mask(_answer: &str) -> String {
    "*".to_owned()
}

fn not_a_choice() -> Fault {
    Fault::new(
        "not_a_choice",
        "「女性」「男性」「そのほか」「答えない」の中から1つ選んでください。",
        "Please choose one of: Female, Male, Other, Prefer not to say.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was given, and what becomes of it.
    const GOOD: &[(&str, &str)] = &[
        ("female", "female"),
        ("male", "male"),
        ("other", "other"),
        ("no_answer", "no_answer"),
        ("女性", "female"),
        ("男性", "male"),
        ("そのほか", "other"),
        ("答えない", "no_answer"),
        ("Female", "female"),
        ("MALE", "male"),
        ("Other", "other"),
        ("Prefer not to say", "no_answer"),
        ("0", "male"),
        ("1", "female"),
        ("2", "other"),
        ("3", "no_answer"),
        ("１", "female"),
        ("女", "female"),
        ("男", "male"),
        ("その他", "other"),
        ("回答しない", "no_answer"),
        ("　女性　", "female"),
        ("ｍａｌｅ", "male"),
    ];

    /// What was given: none is a choice.
    const BAD: &[&str] = &[
        "4",
        "-1",
        "00",
        "01",
        "1.0",
        "f",
        "m",
        "woman",
        "おんな",
        "オトコ",
        "女性、男性",
        "female,male",
        "no answer",
        "yes",
        "null",
        "未選択",
        "選択してください",
        "男女",
        "不明",
    ];

    #[test]
    fn choices_are_made_uniform() {
        for (said, id) in GOOD {
            assert_eq!(check(&Given::One((*said).to_owned())), Ok(Some((*id).to_owned())), "{said}");
        }
    }

    #[test]
    fn what_is_no_choice_is_refused() {
        for said in BAD {
            assert_eq!(check(&Given::One((*said).to_owned())).unwrap_err().code, "not_a_choice", "{said}");
        }
        let both = Given::Many(vec!["female".to_owned(), "male".to_owned()]);
        assert_eq!(check(&both).unwrap_err().code, "not_a_choice");
    }

    #[test]
    fn the_fault_names_every_choice() {
        let text = not_a_choice().text;
        for (_, ja, en) in CHOICES {
            assert!(text.ja.contains(ja) && text.en.contains(en), "{en}");
        }
    }

    #[test]
    fn nothing_of_it_is_shown() {
        for answer in ["female", "no_answer", "", "𠮷"] {
            assert_eq!(mask(answer), "*");
        }
    }
}
