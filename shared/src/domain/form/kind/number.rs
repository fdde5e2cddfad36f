//! A number.
//!
//! Accepted are digits, full-width too, with a sign, with commas between thousands and with
//! as many digits behind the decimal point as the rules allow. Units are refused: `3名`
//! belongs under a label that says 名. It becomes digits without commas, leading zeros or
//! zeros at the end of a fraction: `1234.5`. It is compared exactly, never as a float.

use super::{Part, uniform};
use crate::domain::form::{
    Rules,
    given::{Fault, Given},
};

/// Most digits: what a spreadsheet keeps exactly.
const MAX_DIGITS: usize = 15;

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part { inputmode: Some("numeric"), max_length: 30, ..Part::LINE }];

/// The number in plain digits.
pub(super) fn check(given: &Given, rules: &Rules) -> Result<Option<String>, Fault> {
    let written = uniform::ascii(given.text());
    let (negative, unsigned) = signed(&written);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(not_a_number()),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    let whole = without_commas(whole).ok_or_else(not_a_number)?;
    if !all_digits(&whole) || !(fraction.is_empty() || all_digits(fraction)) {
        return Err(not_a_number());
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(rules.decimals) {
        return Err(decimals(rules.decimals));
    }
    if whole.len() + fraction.len() > MAX_DIGITS {
        return Err(Fault::new(
            "too_large",
            format!("{MAX_DIGITS}桁以内の数字で入力してください。"),
            format!("Please enter at most {MAX_DIGITS} digits."),
        ));
    }

    // Both sides are counted in units of the last digit; 15 digits and the 19 of a limit
    // with 15 more are far inside 128 bits.
    let unit = (0..fraction.len()).fold(1_i128, |unit, _| unit * 10);
    let digits = whole.bytes().chain(fraction.bytes());
    let size = digits.fold(0_i128, |size, digit| size * 10 + i128::from(digit - b'0'));
    let value = if negative { -size } else { size };
    if let Some(min) = rules.min
        && value < i128::from(min) * unit
    {
        return Err(Fault::new(
            "too_small",
            format!("{min}以上の数字を入力してください。"),
            format!("Please enter {min} or more."),
        ));
    }
    if let Some(max) = rules.max
        && value > i128::from(max) * unit
    {
        return Err(Fault::new(
            "too_large",
            format!("{max}以下の数字を入力してください。"),
            format!("Please enter {max} or less."),
        ));
    }

    let sign = if value < 0 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Ok(Some(format!("{sign}{whole}{point}{fraction}")))
}

/// A star for each digit.
pub(super) fn mask(answer: &str) -> String {
    answer.chars().filter(char::is_ascii_digit).map(|_| '*').collect()
}

/// Whether it is negative, and what stands behind the sign. A keyboard for Japanese has
/// several dashes that look like a minus.
fn signed(written: &str) -> (bool, &str) {
    if let Some(rest) = written.strip_prefix('+') {
        return (false, rest);
    }
    match written.strip_prefix(['-', '−', '‐', '–', 'ー']) {
        Some(rest) => (true, rest),
        None => (false, written),
    }
}

/// The digits without commas, if these stand where thousands end.
fn without_commas(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    for group in groups {
        if first.is_empty() || first.len() > 3 || group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn not_a_number() -> Fault {
    Fault::new(
        "not_a_number",
        "「1」「25」のように、数字だけで入力してください。「名」や「円」などの単位は付けないでください。",
        "Please enter digits only, such as 1 or 25, without a unit.",
    )
}

fn decimals(most: u8) -> Fault {
    if most == 0 {
        return Fault::new(
            "decimals",
            "小数点を使わずに、「25」のように入力してください。",
            "Please enter a whole number, such as 25.",
        );
    }
    Fault::new(
        "decimals",
        format!("小数点より下は{most}桁までで入力してください。"),
        format!("Please enter at most {most} {} behind the decimal point.", if most == 1 { "digit" } else { "digits" }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decimals, what was typed, and what becomes of it.
    const GOOD: &[(u8, &str, &str)] = &[
        (0, "3", "3"),
        (0, "12", "12"),
        (0, "０", "0"),
        (0, "１２", "12"),
        (0, "007", "7"),
        (0, "1,234", "1234"),
        (0, "１，２３４", "1234"),
        (0, "12,345,678", "12345678"),
        (0, "+5", "5"),
        (0, "＋５", "5"),
        (0, "-5", "-5"),
        (0, "－５", "-5"),
        (0, "−5", "-5"),
        (0, "-0", "0"),
        (0, "-000", "0"),
        (0, "3.0", "3"),
        (0, "　４　", "4"),
        (0, "999999999999999", "999999999999999"),
        (0, "000000000000000000001", "1"),
        (1, "36.5", "36.5"),
        (1, "３６．５", "36.5"),
        (2, "0.50", "0.5"),
        (2, "-0.00", "0"),
        (2, "-0.05", "-0.05"),
        (2, "1,234.56", "1234.56"),
        (15, "0.000000000000001", "0.000000000000001"),
    ];

    /// Decimals, what was typed, and the fault.
    const BAD: &[(u8, &str, &str)] = &[
        (0, "3名", "not_a_number"),
        (0, "1万", "not_a_number"),
        (0, "¥1,000", "not_a_number"),
        (0, "三", "not_a_number"),
        (0, "１人", "not_a_number"),
        (0, "12,34", "not_a_number"),
        (0, "1,2345", "not_a_number"),
        (0, "1234,567", "not_a_number"),
        (0, ",123", "not_a_number"),
        (0, "1,", "not_a_number"),
        (0, "1,,234", "not_a_number"),
        (0, "1 2", "not_a_number"),
        (0, "1-2", "not_a_number"),
        (0, "2〜3", "not_a_number"),
        (0, "--1", "not_a_number"),
        (0, "+-1", "not_a_number"),
        (0, "-", "not_a_number"),
        (0, "+", "not_a_number"),
        (0, "1e3", "not_a_number"),
        (0, "0x10", "not_a_number"),
        (0, "NaN", "not_a_number"),
        (0, "なし", "not_a_number"),
        (1, ".5", "not_a_number"),
        (1, "5.", "not_a_number"),
        (1, "1.2.3", "not_a_number"),
        (3, "1.234,567", "not_a_number"),
        (0, "3.5", "decimals"),
        (1, "36.55", "decimals"),
        (2, "-0.005", "decimals"),
        (0, "1000000000000000", "too_large"),
        (0, "-1,000,000,000,000,000", "too_large"),
        (2, "99999999999999.99", "too_large"),
        (16, "0.0000000000000001", "too_large"),
    ];

    /// Smallest, largest, decimals, what was typed, and what comes of it.
    type Limited = (Option<i64>, Option<i64>, u8, &'static str, Result<&'static str, &'static str>);

    const LIMITED: &[Limited] = &[
        (Some(1), Some(8), 0, "1", Ok("1")),
        (Some(1), Some(8), 0, "８", Ok("8")),
        (Some(1), Some(8), 0, "0", Err("too_small")),
        (Some(1), Some(8), 0, "-1", Err("too_small")),
        (Some(1), Some(8), 0, "9", Err("too_large")),
        (Some(35), Some(42), 1, "42.0", Ok("42")),
        (Some(35), Some(42), 1, "42.1", Err("too_large")),
        (Some(35), Some(42), 1, "34.9", Err("too_small")),
        (Some(-10), Some(-5), 1, "-10.1", Err("too_small")),
        (Some(-10), Some(-5), 1, "-4.9", Err("too_large")),
        (Some(-10), Some(-5), 1, "-5", Ok("-5")),
        (Some(0), None, 0, "-0", Ok("0")),
        (Some(i64::MIN), Some(i64::MAX), 15, "0.123456789012345", Ok("0.123456789012345")),
        (Some(i64::MAX), None, 15, "0.123456789012345", Err("too_small")),
        (None, Some(i64::MIN), 15, "-0.123456789012345", Err("too_large")),
        (None, Some(99_999_999_999_999), 1, "99999999999999.1", Err("too_large")),
    ];

    fn checked(typed: &str, rules: &Rules) -> Result<Option<String>, Fault> {
        check(&Given::One(typed.to_owned()), rules)
    }

    #[test]
    fn numbers_are_made_uniform() {
        for (decimals, typed, number) in GOOD {
            let rules = Rules { decimals: *decimals, ..Rules::default() };
            assert_eq!(checked(typed, &rules), Ok(Some((*number).to_owned())), "{typed}");
            assert_eq!(checked(number, &rules), Ok(Some((*number).to_owned())), "{typed} again");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (decimals, typed, code) in BAD {
            let rules = Rules { decimals: *decimals, ..Rules::default() };
            assert_eq!(checked(typed, &rules).unwrap_err().code, *code, "{typed}");
        }
        let several = Given::Many(vec!["1".to_owned(), "2".to_owned()]);
        assert_eq!(check(&several, &Rules::default()).unwrap_err().code, "not_a_number");
    }

    #[test]
    fn limits_are_compared_exactly() {
        for (min, max, decimals, typed, expected) in LIMITED {
            let rules = Rules { min: *min, max: *max, decimals: *decimals, ..Rules::default() };
            let result = checked(typed, &rules).map_err(|fault| fault.code);
            assert_eq!(result, expected.map(|number| Some(number.to_owned())), "{typed}");
        }
    }

    #[test]
    fn a_fault_names_the_limit() {
        let rules = Rules { min: Some(1), max: Some(8), ..Rules::default() };
        assert_eq!(checked("0", &rules).unwrap_err().text.ja, "1以上の数字を入力してください。");
        assert_eq!(checked("9", &rules).unwrap_err().text.en, "Please enter 8 or less.");
    }

    #[test]
    fn only_the_number_of_digits_is_shown() {
        for (answer, masked) in [("1234", "****"), ("-12.5", "***"), ("0", "*"), ("", ""), ("𠮷１", "")] {
            assert_eq!(mask(answer), masked);
        }
    }
}
