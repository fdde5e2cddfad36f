//! A person's name (氏名).
//!
//! Accepted are kanji with their variants, kana, Latin and other letters, spaces, and the
//! marks of names: `・`, `＝`, apostrophe, hyphen, and a full stop behind a Latin letter.
//! The name is kept as it is written, since 髙 and 高 are two names to those who bear them
//! (Unicode, UTS #37); only its spaces, half-width kana and full-width Latin letters are
//! made uniform.

use unicode_normalization::char::is_combining_mark;

use super::{Part, uniform};
use crate::domain::form::given::{Fault, Given};

const LONGEST: u16 = 100;

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    example: Some(("山田 太郎", "Hanako Yamada")),
    autocomplete: Some("name"),
    quick_fill: &["family-name", "given-name"],
    profile_plus: &["family_name", "given_name"],
    max_length: LONGEST,
    ..Part::LINE
}];

/// The name as it is written.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let name = latin(&uniform::line(given.text())?);
    if !name.chars().any(is_own_letter) {
        return Err(not_a_name());
    }
    if uniform::count(&name) > usize::from(LONGEST) {
        return Err(too_long());
    }
    if !is_spelled(&name) || is_link(&name) {
        return Err(characters());
    }
    Ok(Some(name))
}

/// The first character of each word.
pub(super) fn mask(answer: &str) -> String {
    uniform::initials(answer)
}

/// Full-width Latin letters as ASCII, and the marks directly behind them.
fn latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let narrow = uniform::narrow(c);
        let behind_letter = out.ends_with(|last: char| last.is_ascii_alphabetic());
        let is_mark = behind_letter && matches!(narrow, '.' | '\'' | '-');
        out.push(if narrow.is_ascii_alphabetic() || is_mark { narrow } else { c });
    }
    out
}

/// Whether a character is a letter that names are written with. Letters in circles or in
/// mathematical shapes, Roman numerals and fillers that cannot be seen are not.
fn is_letter(c: char) -> bool {
    let is_shape = matches!(
        c,
        '\u{115F}'
            | '\u{1160}'
            | '\u{2100}'..='\u{218F}'
            | '\u{2460}'..='\u{24FF}'
            | '\u{3164}'
            | '\u{FFA0}'
            | '\u{1D400}'..='\u{1D7FF}'
            | '\u{1F000}'..='\u{1FFFF}'
    );
    (c.is_alphabetic() || uniform::is_kanji(c)) && !c.is_numeric() && !is_shape
}

/// Whether a character is a letter without another before it: ー and 々 are none.
fn is_own_letter(c: char) -> bool {
    is_letter(c) && !matches!(c, 'ー' | '々' | '〻' | 'ゝ' | 'ゞ' | 'ヽ' | 'ヾ')
}

fn is_spelled(name: &str) -> bool {
    let mut before = ' ';
    name.chars().all(|c| {
        let fits = is_letter(c)
            || (is_combining_mark(c) && (is_letter(before) || is_combining_mark(before)))
            || matches!(c, ' ' | '・' | '＝' | '゠' | '\'' | '’')
            || uniform::is_dash(c)
            || (c == '.' && before.is_alphabetic() && !uniform::is_kana(before) && !uniform::is_kanji(before));
        before = c;
        fits
    })
}

/// Whether it reads as `example.com`: letters on both sides of a full stop, those behind
/// it small. `J.R.R. Tolkien` and `St.John` do not.
fn is_link(name: &str) -> bool {
    let name: Vec<_> = name.chars().collect();
    let is_host = name.windows(5).any(|at| {
        at[..2].iter().all(char::is_ascii_alphabetic) && at[2] == '.' && at[3..].iter().all(char::is_ascii_lowercase)
    });
    let is_www = name.windows(4).any(|at| at.iter().collect::<String>().eq_ignore_ascii_case("www."));
    is_host || is_www
}

fn not_a_name() -> Fault {
    Fault::new(
        "not_a_name",
        "お名前を文字で入れてください（例：山田 太郎）。",
        "Please write your name in letters, for example Hanako Yamada.",
    )
}

fn characters() -> Fault {
    Fault::new(
        "characters",
        "お名前に使えない文字が入っています。数字・記号・絵文字・URLを消して、\
         お名前だけを入れてください（例：山田 太郎）。",
        "There are characters that a name cannot have. Please remove numbers, symbols, emoji and links and write only \
         your name, for example Hanako Yamada.",
    )
}

fn too_long() -> Fault {
    Fault::new(
        "too_long",
        "お名前が長すぎます。100文字以内で入れてください（例：山田 太郎）。",
        "This name is too long. Please use at most 100 characters, for example Hanako Yamada.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_accepted_as_they_are_written() {
        for (typed, name) in [
            ("山田 太郎", "山田 太郎"),
            ("山田　太郎", "山田 太郎"),
            ("  山田　　花子 ", "山田 花子"),
            ("髙橋 﨑子", "髙橋 﨑子"),
            ("𠮷野 \u{FA19}子", "𠮷野 \u{FA19}子"),
            ("葛\u{E0100}城 太郎", "葛\u{E0100}城 太郎"),
            ("佐々木 一郎", "佐々木 一郎"),
            ("鶴ヶ谷 〆子", "鶴ヶ谷 〆子"),
            ("さとう ゆうき", "さとう ゆうき"),
            ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"),
            ("マリア・ルイサ", "マリア・ルイサ"),
            ("ジャン＝ポール ローラ", "ジャン＝ポール ローラ"),
            ("Ｈａｎａｋｏ　Ｙａｍａｄａ", "Hanako Yamada"),
            ("Ｊ．Ｓｍｉｔｈ", "J.Smith"),
            ("Conan O'Brien", "Conan O'Brien"),
            ("O’Neil Jean-Paul", "O’Neil Jean-Paul"),
            ("J.R.R. Tolkien", "J.R.R. Tolkien"),
            ("St.John José", "St.John José"),
            ("Nguyễn Văn An", "Nguyễn Văn An"),
            ("Jose\u{301} García", "Jose\u{301} García"),
            ("김 민수", "김 민수"),
            ("山\u{200B}田太郎", "山田太郎"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())), Ok(Some(name.to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "あ".repeat(101);
        for (typed, code) in [
            ("山田3太郎", "characters"),
            ("山田＠太郎", "characters"),
            ("山田/太郎", "characters"),
            ("<b>山田</b>", "characters"),
            ("山田#太郎", "characters"),
            ("$山田", "characters"),
            ("〒山田", "characters"),
            ("山田😀太郎", "characters"),
            ("山田（旧姓：佐藤）", "characters"),
            ("https://example.com", "characters"),
            ("www.example.co.jp", "characters"),
            ("example.com", "characters"),
            ("山田.太郎", "characters"),
            ("山田\n太郎", "characters"),
            ("山田\u{202E}太郎", "characters"),
            ("\u{E000}田", "characters"),
            ("𝓨𝓪𝓶𝓪𝓭𝓪 太郎", "characters"),
            ("ルイⅣ", "characters"),
            ("12345", "not_a_name"),
            ("090-1234-5678", "not_a_name"),
            ("・・・", "not_a_name"),
            ("ーー", "not_a_name"),
            ("。", "not_a_name"),
            ("😀", "not_a_name"),
            ("〇〇", "not_a_name"),
            ("\u{200B}", "not_a_name"),
            (&long, "too_long"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())).unwrap_err().code, code, "{typed}");
        }
    }

    #[test]
    fn a_hundred_characters_are_accepted() {
        let name = "あ".repeat(100);
        assert_eq!(check(&Given::One(name.clone())), Ok(Some(name)));
    }

    #[test]
    fn masks_keep_the_first_character_of_each_word() {
        for (name, mask_of) in [
            ("山田 太郎", "山＊ 太＊"),
            ("関 花", "関 花"),
            ("葛\u{E0100}城", "葛\u{E0100}＊"),
            ("Hanako Yamada", "H＊＊＊＊＊ Y＊＊＊＊＊"),
            ("", ""),
            (" ", ""),
            ("\u{E0100}", "\u{E0100}"),
        ] {
            assert_eq!(mask(name), mask_of, "{name}");
        }
    }
}
