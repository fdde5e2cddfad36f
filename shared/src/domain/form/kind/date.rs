//! A date.
//!
//! The page has a picker, but a date can be typed, pasted or filled in as well. Accepted
//! are `2026-12-24`, `2026/12/24`, `2026.12.24`, `20261224`, `2026年12月24日` and the
//! same in the Japanese calendar: `令和8年12月24日`, `R8.12.24`, `R081224`, `令和元年5月1日`;
//! full-width too. It becomes `2026-12-24`. Years have four digits, those of an era one or
//! two; kanji numerals and days outside their era are refused.

use jiff::{
    Span,
    civil::{self, Date},
};

use super::{Control, Part, uniform};
use crate::domain::{
    form::{
        Rules,
        given::{Fault, Given},
    },
    time::Day,
};

/// How it is asked for.
pub(super) const PARTS: &[Part] =
    &[Part {
        example: Some(("2026年12月24日", "2026-12-24")), control: Control::Date, max_length: 30, ..Part::LINE
    }];

/// The date as `2026-12-24`.
pub(super) fn check(given: &Given, rules: &Rules, today: Day) -> Result<Option<String>, Fault> {
    let date = read(given.text())?;
    if !(1900..=2100).contains(&date.year()) {
        return Err(Fault::new(
            "not_a_date",
            "1900年から2100年までの日付を、「2026年12月24日」のように入力してください。",
            "Please enter a date from 1900 to 2100, such as 2026-12-24.",
        ));
    }
    if let Some(days) = rules.earliest_days {
        let first = counted(today, days);
        if date < first {
            return Err(Fault::new(
                "too_early",
                format!("{}以降の日付を入力してください。", in_japanese(first)),
                format!("Please enter {first} or a later date."),
            ));
        }
    }
    if let Some(days) = rules.latest_days {
        let last = counted(today, days);
        if date > last {
            return Err(Fault::new(
                "too_late",
                format!("{}までの日付を入力してください。", in_japanese(last)),
                format!("Please enter {last} or an earlier date."),
            ));
        }
    }
    Ok(Some(date.to_string()))
}

/// The date as it is: a date of a booking says little about a person.
pub(super) fn mask(answer: &str) -> String {
    answer.to_owned()
}

/// Reads a date as people write it, in either calendar. A date that no era had is refused
/// even if it could be counted on: it is a slip more often than not.
pub(super) fn read(text: &str) -> Result<Date, Fault> {
    let written = tight(&uniform::ascii(text)).to_ascii_uppercase();
    let named = |era: &'static Era| Some((era, era.names.iter().find_map(|name| written.strip_prefix(*name))?));
    let Some((era, rest)) = ERAS.iter().find_map(named) else {
        return western(&written).ok_or_else(not_a_date);
    };
    let date = japanese(era, rest).ok_or_else(not_a_date)?;
    if (era.first..=era.last).contains(&date) { Ok(date) } else { Err(outside_its_era()) }
}

/// A day of the rules as a date that can be counted from.
pub(super) fn on_calendar(day: Day) -> Date {
    // A day prints what is parsed here; the other branch only saves a panic.
    day.to_string().parse().unwrap_or(Date::MIN)
}

/// An era: how it is written, and its days.
struct Era {
    /// Its names, a longer one before a shorter one that it starts with.
    names: [&'static str; 4],
    /// The year before its first.
    before: i16,
    /// Its first day.
    first: Date,
    /// Its last day.
    last: Date,
}

/// The eras since 1868. The day on which an era changed is counted to the new one alone.
static ERAS: [Era; 5] = [
    Era { names: ["令和", "㋿", "令", "R"], before: 2018, first: civil::date(2019, 5, 1), last: Date::MAX },
    Era {
        names: ["平成", "㍻", "平", "H"],
        before: 1988,
        first: civil::date(1989, 1, 8),
        last: civil::date(2019, 4, 30),
    },
    Era {
        names: ["昭和", "㍼", "昭", "S"],
        before: 1925,
        first: civil::date(1926, 12, 25),
        last: civil::date(1989, 1, 7),
    },
    Era {
        names: ["大正", "㍽", "大", "T"],
        before: 1911,
        first: civil::date(1912, 7, 30),
        last: civil::date(1926, 12, 24),
    },
    Era {
        names: ["明治", "㍾", "明", "M"],
        before: 1867,
        first: civil::date(1868, 1, 25),
        last: civil::date(1912, 7, 29),
    },
];

/// A date with a year of four digits.
fn western(written: &str) -> Option<Date> {
    let [year, month, day] = three(written, 4)?;
    if year.len() != 4 {
        return None;
    }
    on(number(year, 4)?, month, day)
}

/// A date behind the name of its era, which may not have had that day.
fn japanese(era: &Era, rest: &str) -> Option<Date> {
    let [year, month, day] = three(rest, 2)?;
    let year = if year == "元" { 1 } else { number(year, 2)? };
    if year == 0 {
        return None;
    }
    on(era.before + year, month, day)
}

/// Year, month and day as they stand beside each other. `year_digits` is how long the year
/// is if nothing stands between them.
fn three(text: &str, year_digits: usize) -> Option<[&str; 3]> {
    if let Some((year, rest)) = text.split_once('年') {
        let (month, day) = rest.split_once('月')?;
        return Some([year, month, day.strip_suffix('日').unwrap_or(day)]);
    }
    if text.len() == year_digits + 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let (year, rest) = text.split_at(year_digits);
        let (month, day) = rest.split_at(2);
        return Some([year, month, day]);
    }
    let between = text.chars().find(|c| matches!(c, '-' | '/' | '.' | ' ' | '・' | '･'))?;
    let mut numbers = text.split(between);
    let three = [numbers.next()?, numbers.next()?, numbers.next()?];
    numbers.next().is_none().then_some(three)
}

/// A number of no more than so many digits.
fn number(text: &str, most: usize) -> Option<i16> {
    let digits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The day on the calendar.
fn on(year: i16, month: &str, day: &str) -> Option<Date> {
    let month = i8::try_from(number(month, 2)?).ok()?;
    let day = i8::try_from(number(day, 2)?).ok()?;
    Date::new(year, month, day).ok()
}

/// Without spaces, but for those that keep two numbers apart.
fn tight(text: &str) -> String {
    let digit = |c: char| c.is_ascii_digit();
    let mut tight = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if tight.ends_with(digit) && word.starts_with(digit) {
            tight.push(' ');
        }
        tight.push_str(word);
    }
    tight
}

/// A day counted from today, or the end of the calendar on that side.
fn counted(today: Day, days: i32) -> Date {
    let end = if days < 0 { Date::MIN } else { Date::MAX };
    Span::new().try_days(days).and_then(|span| on_calendar(today).checked_add(span)).unwrap_or(end)
}

fn in_japanese(date: Date) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

fn not_a_date() -> Fault {
    Fault::new(
        "not_a_date",
        "カレンダーにある日付を、「1985年4月1日」「昭和60年4月1日」「1985/4/1」のように入力してください。",
        "Please enter a date that is in the calendar, such as 1985-04-01.",
    )
}

fn outside_its_era() -> Fault {
    Fault::new(
        "era",
        "元号と日付が合っていません。明治は45年7月29日、大正は15年12月24日、昭和は64年1月7日、\
         平成は31年4月30日までです。西暦でも入力できます（例：1985年4月1日）。",
        "This day is not in that era. You can also enter the Western year, such as 1985-04-01.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was typed, and what becomes of it.
    const GOOD: &[(&str, &str)] = &[
        ("2026-12-24", "2026-12-24"),
        ("2026/12/24", "2026-12-24"),
        ("2026/1/5", "2026-01-05"),
        ("2026.12.24", "2026-12-24"),
        ("2026. 1. 5", "2026-01-05"),
        ("20261224", "2026-12-24"),
        ("2026年12月24日", "2026-12-24"),
        ("2026年 1月 5日", "2026-01-05"),
        ("2026年1月5", "2026-01-05"),
        ("２０２６年１２月２４日", "2026-12-24"),
        ("２０２６／１２／２４", "2026-12-24"),
        ("２０２６－１２－２４", "2026-12-24"),
        ("2026 12 24", "2026-12-24"),
        ("　2026-12-24　", "2026-12-24"),
        ("令和8年12月24日", "2026-12-24"),
        ("令和 8年 12月 24日", "2026-12-24"),
        ("R8.12.24", "2026-12-24"),
        ("r8/12/24", "2026-12-24"),
        ("Ｒ８．１２．２４", "2026-12-24"),
        ("R081224", "2026-12-24"),
        ("令8・12・24", "2026-12-24"),
        ("R8･12･24", "2026-12-24"),
        ("２０２６ー１２ー２４", "2026-12-24"),
        ("㋿8年12月24日", "2026-12-24"),
        ("令和元年5月1日", "2019-05-01"),
        ("平成31年4月30日", "2019-04-30"),
        ("2028-02-29", "2028-02-29"),
        ("1900-01-01", "1900-01-01"),
        ("2100年12月31日", "2100-12-31"),
    ];

    /// What was typed, and the fault.
    const BAD: &[(&str, &str)] = &[
        ("明日", "not_a_date"),
        ("12月24日", "not_a_date"),
        ("12/24", "not_a_date"),
        ("26/12/24", "not_a_date"),
        ("2026年12月", "not_a_date"),
        ("2026-12", "not_a_date"),
        ("2026-13-01", "not_a_date"),
        ("2026-02-30", "not_a_date"),
        ("2023年2月29日", "not_a_date"),
        ("2026-00-10", "not_a_date"),
        ("2026-04-31", "not_a_date"),
        ("2026-12-24 10:00", "not_a_date"),
        ("2026-12/24", "not_a_date"),
        ("2026-12-24-1", "not_a_date"),
        ("2026年12月24日（木）", "not_a_date"),
        ("二〇二六年十二月二十四日", "not_a_date"),
        ("令和八年12月24日", "not_a_date"),
        ("令和0年5月1日", "not_a_date"),
        ("12/24/2026", "not_a_date"),
        ("Dec 24, 2026", "not_a_date"),
        ("2026124", "not_a_date"),
        ("2026-012-24", "not_a_date"),
        ("1899-12-31", "not_a_date"),
        ("2101-01-01", "not_a_date"),
        ("平成31年5月1日", "era"),
        ("令和元年4月30日", "era"),
        ("H32.1.1", "era"),
    ];

    /// Rules, what was typed, and what comes of it.
    type Limited = (Option<i32>, Option<i32>, &'static str, Result<&'static str, &'static str>);

    /// Counted from 2026-11-21.
    const LIMITED: &[Limited] = &[
        (Some(1), Some(60), "2026-11-22", Ok("2026-11-22")),
        (Some(1), Some(60), "2027年1月20日", Ok("2027-01-20")),
        (Some(1), Some(60), "2026-11-21", Err("too_early")),
        (Some(1), Some(60), "R9.1.21", Err("too_late")),
        (Some(0), None, "2026-11-21", Ok("2026-11-21")),
        (Some(0), None, "2026-11-20", Err("too_early")),
        (None, Some(0), "2026/11/21", Ok("2026-11-21")),
        (None, Some(0), "2026/11/22", Err("too_late")),
        (Some(-30), Some(-1), "2026-10-22", Ok("2026-10-22")),
        (Some(-30), Some(-1), "2026-10-21", Err("too_early")),
        (Some(-30), Some(-1), "2026-11-21", Err("too_late")),
        (Some(i32::MIN), Some(i32::MAX), "1950-01-01", Ok("1950-01-01")),
        (Some(i32::MAX), None, "2100-12-31", Err("too_early")),
        (None, Some(i32::MIN), "1900-01-01", Err("too_late")),
    ];

    fn checked(typed: &str, rules: &Rules) -> Result<Option<String>, Fault> {
        check(&Given::One(typed.to_owned()), rules, Day::parse("2026-11-21").unwrap())
    }

    #[test]
    fn dates_are_made_uniform() {
        for (typed, date) in GOOD {
            assert_eq!(checked(typed, &Rules::default()), Ok(Some((*date).to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for (typed, code) in BAD {
            let fault = checked(typed, &Rules::default()).unwrap_err();
            assert_eq!(fault.code, *code, "{typed}");
            assert!(!fault.text.ja.contains(typed) && !fault.text.en.contains(typed), "{typed}");
        }
    }

    #[test]
    fn limits_are_counted_from_today() {
        for (earliest_days, latest_days, typed, expected) in LIMITED {
            let rules = Rules { earliest_days: *earliest_days, latest_days: *latest_days, ..Rules::default() };
            let result = checked(typed, &rules).map_err(|fault| fault.code);
            assert_eq!(result, expected.map(|date| Some(date.to_owned())), "{typed}");
        }
    }

    #[test]
    fn a_fault_names_the_first_or_last_possible_day() {
        let rules = Rules { earliest_days: Some(33), latest_days: Some(60), ..Rules::default() };
        let early = checked("2026-12-01", &rules).unwrap_err();
        assert_eq!(early.text.ja, "2026年12月24日以降の日付を入力してください。");
        assert_eq!(early.text.en, "Please enter 2026-12-24 or a later date.");
        let late = checked("2027-12-01", &rules).unwrap_err();
        assert_eq!(late.text.ja, "2027年1月20日までの日付を入力してください。");
    }

    #[test]
    fn several_texts_are_no_date() {
        let given = Given::Many(vec!["2026-12-24".to_owned(), "2026-12-25".to_owned()]);
        let today = Day::parse("2026-11-21").unwrap();
        assert_eq!(check(&given, &Rules::default(), today).unwrap_err().code, "not_a_date");
    }

    #[test]
    fn a_date_is_shown_as_it_is() {
        assert_eq!(mask("2026-12-24"), "2026-12-24");
        assert_eq!(mask(""), "");
    }
}
