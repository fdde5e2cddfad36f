//! A phone number.
//!
//! Accepted are numbers of Japan with their area code, or with +81, and numbers of other
//! countries with `+` and their country code, of any width, with dashes, parentheses, dots
//! and spaces. Numbers of Japan are made into digits that start with 0 (`0312345678`),
//! others into the form of ITU-T E.164 (`+14155550123`).
//!
//! How many digits a number has in Japan (総務省 電気通信番号計画): 11 behind 020, 050, 060,
//! 070, 080 (thus 0800) and 090; 10 behind every other, as 0120, 0570, 0990 and area codes.

use super::{Control, Part, uniform};
use crate::domain::form::given::{Fault, Given};

/// The prefixes behind which a number has 11 digits.
const LONG_PREFIXES: [&str; 6] = ["020", "050", "060", "070", "080", "090"];

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    example: Some(("090-1234-5678", "090-1234-5678")),
    control: Control::Tel,
    autocomplete: Some("tel"),
    inputmode: Some("tel"),
    quick_fill: &["tel"],
    profile_plus: &["phone_number"],
    max_length: 30,
    ..Part::LINE
}];

/// The number as digits, or with `+` if it is not in Japan.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let typed = given.text().chars().filter(|c| !is_direction(*c)).collect::<String>();
    let typed: String = uniform::seen(&typed).chars().map(uniform::narrow).collect();
    if has_extension(&typed) {
        return Err(extension());
    }
    let is_international = typed.contains('+');
    // The (0) of +81(0)3 is dialled within the country only.
    let typed = if is_international { typed.replace("(0)", "") } else { typed };
    let mut digits = String::with_capacity(typed.len());
    let mut has_plus = false;
    for c in typed.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() && !has_plus => has_plus = true,
            '(' | ')' | '.' | '~' | '〜' => {}
            _ if uniform::is_dash(c) || c.is_whitespace() => {}
            _ => return Err(not_a_phone()),
        }
    }
    match (is_international, digits.strip_prefix("81")) {
        (false, _) => in_japan(digits).map(Some),
        (true, Some(rest)) => in_japan(format!("0{}", rest.strip_prefix('0').unwrap_or(rest))).map(Some),
        (true, None) => abroad(&digits).map(Some),
    }
}

/// Its last four digits.
pub(super) fn mask(answer: &str) -> String {
    uniform::tail(answer, 4)
}

fn in_japan(digits: String) -> Result<String, Fault> {
    // 00 and 010 call other networks and countries: no number of Japan starts so.
    if !digits.starts_with('0') || digits.starts_with("00") || digits.starts_with("010") {
        return Err(not_a_phone());
    }
    let is_long = LONG_PREFIXES.iter().any(|prefix| digits.starts_with(prefix));
    let expected = if is_long { 11 } else { 10 };
    if digits.len() == expected { Ok(digits) } else { Err(length(digits.len())) }
}

fn abroad(digits: &str) -> Result<String, Fault> {
    // No country code starts with 0.
    if digits.is_empty() || digits.starts_with('0') || is_one_digit(digits) {
        return Err(not_a_phone());
    }
    // North America: eleven digits, the country's 1 among them.
    if digits.starts_with('1') && digits.len() != 11 {
        return Err(length_abroad(digits.len()));
    }
    if (8..=15).contains(&digits.len()) { Ok(format!("+{digits}")) } else { Err(length_abroad(digits.len())) }
}

fn is_one_digit(digits: &str) -> bool {
    digits.bytes().all(|digit| digits.as_bytes().first() == Some(&digit))
}

/// Whether an extension follows: 内線, `ext.`, or `x` or `#` behind the number.
fn has_extension(typed: &str) -> bool {
    let mut behind_digit = typed.trim_start_matches(|c: char| !c.is_ascii_digit()).chars();
    typed.contains("内線")
        || typed.contains("ないせん")
        || typed.to_ascii_lowercase().contains("ext")
        || behind_digit.any(|c| matches!(c, 'x' | 'X' | '#'))
}

/// Phones put these around a number that is copied from their address book.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn not_a_phone() -> Fault {
    Fault::new(
        "not_a_phone",
        "電話番号を1つ、市外局番から数字で入れてください（例：03-1234-5678、090-1234-5678）。\
         海外の番号は「+」と国番号から入れてください（例：+1 415 555 0123）。",
        "Please write one phone number in digits, with its area code, for example 03-1234-5678 or 090-1234-5678. Start \
         numbers outside Japan with + and the country code, for example +1 415 555 0123.",
    )
}

fn length(found: usize) -> Fault {
    Fault::new(
        "phone_length",
        format!(
            "電話番号の桁数が合いません（いま{found}桁です）。携帯電話は11桁、固定電話は\
             市外局番から10桁で入れてください（例：090-1234-5678、03-1234-5678）。"
        ),
        format!(
            "This phone number has {found} digits. Please write 11 digits for a mobile phone, or 10 with the area code \
             for a landline, for example 090-1234-5678 or 03-1234-5678."
        ),
    )
}

fn length_abroad(found: usize) -> Fault {
    Fault::new(
        "phone_length",
        format!(
            "電話番号の桁数が合いません（いま{found}桁です）。国番号を含めて8桁から15桁で\
             入れてください（例：+1 415 555 0123）。"
        ),
        format!(
            "This phone number has {found} digits. Please write 8 to 15 with the country code, for example \
             +1 415 555 0123."
        ),
    )
}

fn extension() -> Fault {
    Fault::new(
        "phone_extension",
        "内線番号は入れず、電話番号だけを入れてください（例：03-1234-5678）。\
         内線番号は、備考などほかの欄にお書きください。",
        "Please leave out the extension and write only the phone number, for example 03-1234-5678. You can write the \
         extension in another field, such as one for remarks.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(typed: &str) -> Fault {
        check(&Given::One(typed.to_owned())).unwrap_err()
    }

    #[test]
    fn numbers_are_accepted() {
        for (typed, phone) in [
            ("03-1234-5678", "0312345678"),
            ("０３（１２３４）５６７８", "0312345678"),
            ("0312345678", "0312345678"),
            ("(03)1234-5678", "0312345678"),
            ("03)1234-5678", "0312345678"),
            ("03.1234.5678", "0312345678"),
            ("０３ー１２３４ー５６７８", "0312345678"),
            ("03−1234‐5678", "0312345678"),
            ("０３～１２３４～５６７８", "0312345678"),
            ("090 1234 5678", "09012345678"),
            ("０９０　１２３４　５６７８", "09012345678"),
            ("\u{202D}090-1234-5678\u{202C}", "09012345678"),
            ("060-1234-5678", "06012345678"),
            ("070-1234-5678", "07012345678"),
            ("050-1234-5678", "05012345678"),
            ("020-1234-5678", "02012345678"),
            ("0800-123-4567", "08001234567"),
            ("0120-123-456", "0120123456"),
            ("0570-012-345", "0570012345"),
            ("0990-512-345", "0990512345"),
            ("045-123-4567", "0451234567"),
            ("04992-1-2345", "0499212345"),
            ("+81 3-1234-5678", "0312345678"),
            ("＋８１（０）３－１２３４－５６７８", "0312345678"),
            ("+81(0)3-1234-5678", "0312345678"),
            ("+81 (0)90 1234 5678", "09012345678"),
            ("(+81) 090-1234-5678", "09012345678"),
            ("+1 (415) 555-0123", "+14155550123"),
            ("+82 10-1234-5678", "+821012345678"),
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+86 138 0013 8000", "+8613800138000"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())), Ok(Some(phone.to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for (typed, code) in [
            ("TEL 03-1234-5678", "not_a_phone"),
            ("電話03-1234-5678", "not_a_phone"),
            ("☎03-1234-5678", "not_a_phone"),
            ("81-3-1234-5678", "not_a_phone"),
            ("1234-5678", "not_a_phone"),
            ("312345678", "not_a_phone"),
            ("0000000000", "not_a_phone"),
            ("000-0000-0000", "not_a_phone"),
            ("00-1234-5678", "not_a_phone"),
            ("010-1234-5678", "not_a_phone"),
            ("010-1-415-555-0123", "not_a_phone"),
            ("+81 00 1234 5678", "not_a_phone"),
            ("+11111111111", "not_a_phone"),
            ("+0312345678", "not_a_phone"),
            ("++14155550123", "not_a_phone"),
            ("03+12345678", "not_a_phone"),
            ("+", "not_a_phone"),
            ("なし", "not_a_phone"),
            ("-", "not_a_phone"),
            ("〇三-一二三四-五六七八", "not_a_phone"),
            ("⓪③-1234-5678", "not_a_phone"),
            ("03-1234-5678 / 090-1234-5678", "not_a_phone"),
            ("hanako@example.com", "not_a_phone"),
            ("0", "phone_length"),
            ("03-1234-567", "phone_length"),
            ("03-1234-56789", "phone_length"),
            ("090-1234-567", "phone_length"),
            ("0120-123-4567", "phone_length"),
            ("0800-123-456", "phone_length"),
            ("+81 90-1234-567", "phone_length"),
            ("+1 415 55", "phone_length"),
            ("+1234567890123456", "phone_length"),
            ("03-1234-5678 090-1234-5678", "phone_length"),
            ("03-1234-5678 内線123", "phone_extension"),
            ("03-1234-5678（内線 12）", "phone_extension"),
            ("03-1234-5678 ext. 12", "phone_extension"),
            ("03-1234-5678 Ｅｘｔ１２", "phone_extension"),
            ("03-1234-5678x12", "phone_extension"),
            ("03-1234-5678#12", "phone_extension"),
        ] {
            assert_eq!(refused(typed).code, code, "{typed}");
        }
    }

    #[test]
    fn faults_tell_how_many_digits_there_are() {
        let fault = refused("+81 90-1234-567");
        assert!(fault.text.ja.contains("10桁"), "{}", fault.text.ja);
        assert!(fault.text.en.contains("has 10 digits"), "{}", fault.text.en);
        assert!(refused("+1 415 55").text.en.contains("has 6 digits"));
    }

    #[test]
    fn masks_keep_the_last_four_digits() {
        for (phone, mask_of) in [
            ("0312345678", "******5678"),
            ("09012345678", "*******5678"),
            ("+14155550123", "********0123"),
            ("1234", "****"),
            ("", ""),
            ("電話", "**"),
        ] {
            assert_eq!(mask(phone), mask_of, "{phone}");
        }
    }
}
