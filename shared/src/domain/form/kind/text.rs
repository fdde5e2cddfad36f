//! A short text.
//!
//! Accepted is any line of text, emoji included, of at most `max_length` characters (100
//! unless given). Half-width kana become full-width and separated dakuten are composed;
//! kanji stay as they were typed. Line breaks and control characters are refused.

use super::{Part, uniform};
use crate::domain::form::{
    Rules,
    given::{Fault, Given},
};

/// Most characters if the rules do not say.
const MAX_LENGTH: u16 = 100;

/// How it is asked for. The rules may allow less.
pub(super) const PARTS: &[Part] = &[Part { max_length: 500, ..Part::LINE }];

/// The text, made uniform.
pub(super) fn check(given: &Given, rules: &Rules) -> Result<Option<String>, Fault> {
    let text = uniform::line(one(given)?)?;
    // Nothing was there but what cannot be seen.
    if text.is_empty() {
        return Ok(None);
    }
    within(&text, rules.max_length.unwrap_or(MAX_LENGTH))?;
    Ok(Some(text))
}

/// Its first character.
pub(super) fn mask(answer: &str) -> String {
    answer.chars().next().map(|first| format!("{first}…")).unwrap_or_default()
}

/// The only text that was given: of several, none is dropped silently.
pub(super) fn one(given: &Given) -> Result<&str, Fault> {
    let text = given.text();
    if text.is_empty() {
        return Err(Fault::new("several", "1つにまとめて入力してください。", "Please enter a single text."));
    }
    Ok(text)
}

/// Whether a text has no more than so many characters.
pub(super) fn within(text: &str, most: u16) -> Result<(), Fault> {
    let typed = uniform::count(text);
    if typed <= usize::from(most) {
        return Ok(());
    }
    Err(Fault::new(
        "too_long",
        format!("{most}文字以内で入力してください（いまは{typed}文字です）。"),
        format!("Please enter at most {most} characters (there are {typed} now)."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was typed, and what becomes of it.
    const GOOD: &[(&str, &str)] = &[
        ("窓側の席を希望します", "窓側の席を希望します"),
        ("卵、えび、かに", "卵、えび、かに"),
        ("ｱﾚﾙｷﾞｰなし", "アレルギーなし"),
        ("ﾊﾟｰﾃｨｰ", "パーティー"),
        ("か\u{3099}くせい", "がくせい"),
        ("髙橋・山﨑", "髙橋・山﨑"),
        ("𠮷野家の近く", "𠮷野家の近く"),
        ("お祝いです🎂", "お祝いです🎂"),
        ("🍣", "🍣"),
        ("会\u{200B}社の紹介", "会社の紹介"),
        ("  余白  ", "余白"),
        ("　全角の余白　", "全角の余白"),
        ("A4サイズ", "A4サイズ"),
        ("Instagramを見て", "Instagramを見て"),
        ("熱が38.5度", "熱が38.5度"),
        ("なし", "なし"),
        ("0", "0"),
        ("ヴァイオリン教室", "ヴァイオリン教室"),
    ];

    /// The limit, what was typed, and the fault.
    const BAD: &[(Option<u16>, &str, &str)] = &[
        (None, "一行目\n二行目", "characters"),
        (None, "一行目\r\n二行目", "characters"),
        (None, "一行目\r二行目", "characters"),
        (None, "あ\u{0}い", "characters"),
        (None, "あ\u{7}い", "characters"),
        (None, "あ\u{8}い", "characters"),
        (None, "あ\u{1b}[31m", "characters"),
        (None, "あ\u{7f}い", "characters"),
        (None, "あ\u{9f}い", "characters"),
        (Some(3), "窓側の席", "too_long"),
        (Some(2), "𠮷𠮷𠮷", "too_long"),
        (Some(1), "ｶﾞｷﾞ", "too_long"),
        (Some(2), "🍣🍣🍣", "too_long"),
        (Some(5), "abcdef", "too_long"),
        (Some(4), "あ い う", "too_long"),
    ];

    fn rules(max_length: Option<u16>) -> Rules {
        Rules { max_length, ..Rules::default() }
    }

    fn checked(typed: &str, max_length: Option<u16>) -> Result<Option<String>, Fault> {
        check(&Given::One(typed.to_owned()), &rules(max_length))
    }

    #[test]
    fn texts_are_made_uniform() {
        for (typed, text) in GOOD {
            assert_eq!(checked(typed, None), Ok(Some((*text).to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_short_text_is_refused() {
        for (max_length, typed, code) in BAD {
            assert_eq!(checked(typed, *max_length).unwrap_err().code, *code, "{typed:?}");
        }
    }

    #[test]
    fn the_limit_counts_what_is_kept() {
        assert_eq!(checked("ｶﾞｷﾞ", Some(2)), Ok(Some("ガギ".to_owned())));
        assert_eq!(checked(&"あ".repeat(100), None), Ok(Some("あ".repeat(100))));
        assert_eq!(checked(&"あ".repeat(500), Some(500)), Ok(Some("あ".repeat(500))));
        let fault = checked(&"あ".repeat(120), None).unwrap_err();
        assert_eq!(fault.code, "too_long");
        assert_eq!(fault.text.ja, "100文字以内で入力してください（いまは120文字です）。");
        assert_eq!(fault.text.en, "Please enter at most 100 characters (there are 120 now).");
    }

    #[test]
    fn several_texts_are_refused_and_none_is_dropped() {
        let given = Given::Many(vec!["あ".to_owned(), "い".to_owned()]);
        assert_eq!(check(&given, &rules(None)).unwrap_err().code, "several");
    }

    #[test]
    fn what_cannot_be_seen_is_nothing() {
        assert_eq!(checked("\u{200B}", None), Ok(None));
    }

    #[test]
    fn only_the_first_character_is_shown() {
        for (answer, masked) in [("窓側の席", "窓…"), ("𠮷", "𠮷…"), ("🍣と🍺", "🍣…"), ("", "")]
        {
            assert_eq!(mask(answer), masked);
        }
    }
}
