//! Any of several choices.
//!
//! Accepted are ids of the choices of the rules: several values, or one with commas between
//! them. They become those ids in the order of the rules, each once, with commas between
//! them; the order in which they were ticked says nothing. `min` and `max` of the rules
//! count them.

use super::{Control, Part};
use crate::domain::form::{
    Rules,
    given::{Fault, Given},
};

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part { control: Control::Many, ..Part::LINE }];

/// The ids of what was chosen.
pub(super) fn check(given: &Given, rules: &Rules) -> Result<Option<String>, Fault> {
    let sent = given.choices();
    let known = |id: &&str| rules.choices.iter().any(|choice| choice.id == **id);
    if sent.is_empty() || !sent.iter().all(known) {
        return Err(Fault::new(
            "not_a_choice",
            "表示されている選択肢の中から選んでください。",
            "Please choose from the choices on the page.",
        ));
    }
    let ids = rules.choices.iter().map(|choice| choice.id.as_str());
    let chosen: Vec<&str> = ids.filter(|id| sent.contains(id)).collect();
    let count = i64::try_from(chosen.len()).unwrap_or(i64::MAX);
    if let Some(min) = rules.min
        && count < min
    {
        return Err(Fault::new(
            "too_few",
            format!("{}以上選んでください。", counted(min)),
            format!("Please choose at least {min}."),
        ));
    }
    if let Some(max) = rules.max
        && count > max
    {
        return Err(Fault::new(
            "too_many",
            format!("選べるのは{}までです。減らしてください。", counted(max)),
            format!("Please choose no more than {max}."),
        ));
    }
    Ok(Some(chosen.join(",")))
}

/// Nothing of it.
pub(super) fn mask(_answer: &str) -> String {
    "*".to_owned()
}

/// A number of things as it is said: 9つ, but 10個.
fn counted(number: i64) -> String {
    let unit = if (1..=9).contains(&number) { "つ" } else { "個" };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{definition::Text, form::Choice};

    /// Choices, their fewest and their most.
    type Case = (&'static [&'static str], Option<i64>, Option<i64>);

    /// Days (ご希望の日): at least one.
    const DAYS: Case = (&["sat", "sun", "holiday"], Some(1), None);
    /// Times (ご希望の時間): two or three.
    const TIMES: Case = (&["10-00", "11-30", "13-00", "14-30", "16-00"], Some(2), Some(3));
    /// What somebody cannot eat: any.
    const FOODS: Case = (&["egg", "milk", "wheat", "buckwheat", "peanut", "shrimp", "crab"], None, None);
    /// Places (枠): at most one.
    const PLACES: Case = (&["1", "2"], None, Some(1));

    /// Choices, what was given, and what becomes of it.
    const GOOD: &[(Case, &[&str], &str)] = &[
        (DAYS, &["sat"], "sat"),
        (DAYS, &["sun", "sat"], "sat,sun"),
        (DAYS, &["holiday", "sun", "sat"], "sat,sun,holiday"),
        (DAYS, &["sat", "sat"], "sat"),
        (DAYS, &["", "sun"], "sun"),
        (TIMES, &["10-00", "11-30"], "10-00,11-30"),
        (TIMES, &["16-00", "10-00", "13-00"], "10-00,13-00,16-00"),
        (TIMES, &["16-00", "16-00", "14-30", "13-00"], "13-00,14-30,16-00"),
        (FOODS, &["crab"], "crab"),
        (FOODS, &["crab", "egg"], "egg,crab"),
        (FOODS, &["buckwheat", "wheat"], "wheat,buckwheat"),
        (
            FOODS,
            &["egg", "milk", "wheat", "buckwheat", "peanut", "shrimp", "crab"],
            "egg,milk,wheat,buckwheat,peanut,shrimp,crab",
        ),
        (FOODS, &[" milk ", "　egg　"], "egg,milk"),
        (PLACES, &["2"], "2"),
        (PLACES, &["1", "1"], "1"),
    ];

    /// Choices, what was given, and the fault.
    const BAD: &[(Case, &[&str], &str)] = &[
        (DAYS, &["mon"], "not_a_choice"),
        (DAYS, &["sat", "mon"], "not_a_choice"),
        (DAYS, &["土曜日"], "not_a_choice"),
        (DAYS, &["SAT"], "not_a_choice"),
        (DAYS, &["satsun"], "not_a_choice"),
        (DAYS, &["sat sun"], "not_a_choice"),
        (DAYS, &["sat、sun"], "not_a_choice"),
        (DAYS, &[","], "not_a_choice"),
        (TIMES, &["10:00", "11:30"], "not_a_choice"),
        (TIMES, &["10-00"], "too_few"),
        (TIMES, &["10-00", "10-00"], "too_few"),
        (TIMES, &["10-00", "11-30", "13-00", "14-30"], "too_many"),
        (TIMES, &["10-00", "11-30", "13-00", "14-30", "16-00"], "too_many"),
        (FOODS, &["egg", "fish"], "not_a_choice"),
        (FOODS, &["ｅｇｇ"], "not_a_choice"),
        (PLACES, &["1", "2"], "too_many"),
        (PLACES, &["3"], "not_a_choice"),
        ((&[], None, None), &["1"], "not_a_choice"),
    ];

    fn rules((ids, min, max): Case) -> Rules {
        let choice =
            |id: &&str| Choice { id: (*id).to_owned(), label: Text { ja: (*id).to_owned(), en: (*id).to_owned() } };
        Rules { choices: ids.iter().map(choice).collect(), min, max, ..Rules::default() }
    }

    /// The two shapes in which the same may be sent.
    fn shapes(sent: &[&str]) -> [Given; 2] {
        [Given::Many(sent.iter().map(|id| (*id).to_owned()).collect()), Given::One(sent.join(","))]
    }

    #[test]
    fn choices_are_kept_once_and_in_the_order_of_the_rules() {
        for (case, sent, ids) in GOOD {
            for given in shapes(sent) {
                assert_eq!(check(&given, &rules(*case)), Ok(Some((*ids).to_owned())), "{sent:?}");
            }
        }
    }

    #[test]
    fn what_is_no_choice_or_not_as_many_as_asked_is_refused() {
        for (case, sent, code) in BAD {
            for given in shapes(sent) {
                assert_eq!(check(&given, &rules(*case)).unwrap_err().code, *code, "{sent:?}");
            }
        }
    }

    #[test]
    fn a_fault_names_the_limit() {
        let fault = |case, id: &str| check(&Given::One(id.to_owned()), &rules(case)).unwrap_err();
        assert_eq!(fault(TIMES, "10-00").text.ja, "2つ以上選んでください。");
        assert_eq!(fault(PLACES, "1,2").text.ja, "選べるのは1つまでです。減らしてください。");
        let twelve: Case = (DAYS.0, Some(12), None);
        assert_eq!(fault(twelve, "sat").text.ja, "12個以上選んでください。");
    }

    #[test]
    fn nothing_of_it_is_shown() {
        for answer in ["sat,sun", "", "𠮷"] {
            assert_eq!(mask(answer), "*");
        }
    }
}
