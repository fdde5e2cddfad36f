//! A birthday.
//!
//! It is typed, for a date picker is a long way from 1950. Accepted is what
//! [`super::date`] reads, in both calendars: `1985-04-01`, `1985/4/1`, `19850401`,
//! `1985年4月1日`, `昭和60年4月1日`, `S60.4.1`, `平成元年1月8日`; full-width too. It becomes
//! `1985-04-01`. Days to come and days more than 130 years ago are refused.

use jiff::Span;

use super::{
    Part,
    date::{on_calendar, read},
};
use crate::domain::{
    form::given::{Fault, Given},
    time::Day,
};

/// Nobody is known to have lived longer.
const OLDEST_YEARS: i64 = 130;

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    example: Some(("1985年4月1日、昭和60年4月1日", "1985-04-01")),
    autocomplete: Some("bday"),
    quick_fill: &["bday-year", "bday-month", "bday-day"],
    profile_plus: &["birthdate"],
    max_length: 30,
    ..Part::LINE
}];

/// The birthday as `1985-04-01`.
pub(super) fn check(given: &Given, today: Day) -> Result<Option<String>, Fault> {
    let date = read(given.text())?;
    let today = on_calendar(today);
    if date > today {
        return Err(Fault::new(
            "future",
            "今日より後の日付になっています。生年月日を「1985年4月1日」のように入力してください。",
            "This day is still to come. Please enter the date of birth, such as 1985-04-01.",
        ));
    }
    if date < today.saturating_sub(Span::new().years(OLDEST_YEARS)) {
        return Err(Fault::new(
            "too_long_ago",
            "130年より前の日付になっています。年をご確認のうえ、「1985年4月1日」のように入力してください。",
            "This day is more than 130 years ago. Please check the year, and enter it such as 1985-04-01.",
        ));
    }
    Ok(Some(date.to_string()))
}

/// The year alone: `1985-**-**`.
pub(super) fn mask(answer: &str) -> String {
    match answer.split_once('-') {
        Some((year, _)) if year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{year}-**-**")
        }
        _ => "****-**-**".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was typed, and what becomes of it.
    const GOOD: &[(&str, &str)] = &[
        ("1985-04-01", "1985-04-01"),
        ("1985/4/1", "1985-04-01"),
        ("1985.4.1", "1985-04-01"),
        ("19850401", "1985-04-01"),
        ("1985 04 01", "1985-04-01"),
        ("1985年4月1日", "1985-04-01"),
        ("1985年04月01日", "1985-04-01"),
        ("１９８５年４月１日", "1985-04-01"),
        ("１９８５／４／１", "1985-04-01"),
        ("昭和60年4月1日", "1985-04-01"),
        ("昭和６０年４月１日", "1985-04-01"),
        ("昭和 60年 4月 1日", "1985-04-01"),
        ("昭60.4.1", "1985-04-01"),
        ("㍼60年4月1日", "1985-04-01"),
        ("S60.4.1", "1985-04-01"),
        ("s60/4/1", "1985-04-01"),
        ("Ｓ６０．４．１", "1985-04-01"),
        ("S600401", "1985-04-01"),
        ("昭和64年1月7日", "1989-01-07"),
        ("H1.1.8", "1989-01-08"),
        ("平成元年1月8日", "1989-01-08"),
        ("平成31年4月30日", "2019-04-30"),
        ("令和元年5月1日", "2019-05-01"),
        ("R6-2-29", "2024-02-29"),
        ("令和6年2月29日", "2024-02-29"),
        ("明治30年1月1日", "1897-01-01"),
        ("明治45年7月29日", "1912-07-29"),
        ("M45.7.29", "1912-07-29"),
        ("大正元年7月30日", "1912-07-30"),
        ("T15.12.24", "1926-12-24"),
        ("昭和元年12月25日", "1926-12-25"),
        ("2000-02-29", "2000-02-29"),
        // Today, and exactly 130 years ago.
        ("2026-11-21", "2026-11-21"),
        ("1896-11-21", "1896-11-21"),
    ];

    /// What was typed, and the fault.
    const BAD: &[(&str, &str)] = &[
        ("昭和六十年四月一日", "not_a_date"),
        ("昭和六十年4月1日", "not_a_date"),
        ("昭和60年", "not_a_date"),
        ("昭和0年1月1日", "not_a_date"),
        ("85/4/1", "not_a_date"),
        ("60.4.1", "not_a_date"),
        ("4月1日", "not_a_date"),
        ("41歳", "not_a_date"),
        ("2023-02-29", "not_a_date"),
        ("平成29年2月29日", "not_a_date"),
        ("1985-13-01", "not_a_date"),
        ("1985年4月31日", "not_a_date"),
        ("198541", "not_a_date"),
        ("X60.4.1", "not_a_date"),
        ("慶応3年1月1日", "not_a_date"),
        ("ひみつ", "not_a_date"),
        ("昭和64年1月8日", "era"),
        ("昭和元年12月24日", "era"),
        ("S65.4.1", "era"),
        ("平成元年1月7日", "era"),
        ("平成31年5月1日", "era"),
        ("令和元年4月30日", "era"),
        ("大正15年12月25日", "era"),
        ("大正元年7月29日", "era"),
        ("明治45年7月30日", "era"),
        ("明治元年1月24日", "era"),
        ("2026-11-22", "future"),
        ("令和8年11月22日", "future"),
        ("2085年4月1日", "future"),
        ("1896-11-20", "too_long_ago"),
        ("明治元年1月25日", "too_long_ago"),
        ("1085-04-01", "too_long_ago"),
        ("0000-01-01", "too_long_ago"),
    ];

    fn checked(typed: &str) -> Result<Option<String>, Fault> {
        check(&Given::One(typed.to_owned()), Day::parse("2026-11-21").unwrap())
    }

    #[test]
    fn birthdays_are_made_uniform() {
        for (typed, date) in GOOD {
            assert_eq!(checked(typed), Ok(Some((*date).to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_birthday_is_refused() {
        for (typed, code) in BAD {
            let fault = checked(typed).unwrap_err();
            assert_eq!(fault.code, *code, "{typed}");
            // Shorter ones may be part of an example.
            if typed.chars().count() > 6 {
                assert!(!fault.text.ja.contains(typed) && !fault.text.en.contains(typed), "{typed}");
            }
        }
    }

    #[test]
    fn only_the_year_is_shown() {
        assert_eq!(mask("1985-04-01"), "1985-**-**");
        for other in ["", "-", "昭和60年", "19850401", "1985年-", "あ-い", "𠮷-"] {
            assert_eq!(mask(other), "****-**-**", "{other}");
        }
    }
}
