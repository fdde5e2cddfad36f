//! A long text.
//!
//! Accepted is any text of at most `max_length` characters (1000 unless given), emoji
//! included. Line breaks stay and become `\n`, tabs become spaces, spaces around a line go,
//! and no more than two empty lines follow each other. Each line is made uniform as a short
//! text is. Other control characters are refused, and so are those that turn the direction
//! of writing: with them a text reads otherwise than it is.

use super::{
    Control, Part,
    text::{self, one, within},
    uniform,
};
use crate::domain::form::{
    Rules,
    given::{Fault, Given},
};

/// Most characters if the rules do not say.
const MAX_LENGTH: u16 = 1000;

/// How many empty lines may follow each other.
const EMPTY_LINES: usize = 2;

/// How it is asked for. The rules may allow less.
pub(super) const PARTS: &[Part] = &[Part { control: Control::Lines, max_length: 4000, ..Part::LINE }];

/// The text, made uniform.
pub(super) fn check(given: &Given, rules: &Rules) -> Result<Option<String>, Fault> {
    // The last two are the line breaks of some word processors.
    let typed = one(given)?.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ");
    if typed.chars().any(|c| (c.is_control() && c != '\n') || turns(c)) {
        return Err(characters());
    }
    let mut text = String::with_capacity(typed.len());
    let mut breaks = 0;
    for line in typed.split('\n') {
        let line = line.trim_end();
        let line = if line.is_empty() { String::new() } else { uniform::line(line).map_err(|_| characters())? };
        let line = line.trim_end();
        if !line.is_empty() {
            // Empty lines count between others, not before the first or behind the last.
            if !text.is_empty() {
                text.extend(std::iter::repeat_n('\n', breaks.min(EMPTY_LINES + 1)));
            }
            text.push_str(line);
            breaks = 0;
        }
        breaks += 1;
    }
    // Nothing was there but what cannot be seen.
    if text.is_empty() {
        return Ok(None);
    }
    within(&text, rules.max_length.unwrap_or(MAX_LENGTH))?;
    Ok(Some(text))
}

/// Its first character.
pub(super) fn mask(answer: &str) -> String {
    text::mask(answer)
}

/// Whether a character turns the direction of writing: `Bidi_Control` (Unicode,
/// `PropList.txt`).
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn characters() -> Fault {
    Fault::new(
        "characters",
        "使えない文字が含まれています。貼り付けた文章は、文字を直接入力しなおしてください。",
        "There is a character that cannot be used. If the text was pasted, please type it instead.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was typed, and what becomes of it.
    const GOOD: &[(&str, &str)] = &[
        ("よろしくお願いします。", "よろしくお願いします。"),
        ("一行目\n二行目", "一行目\n二行目"),
        ("一行目\r\n二行目", "一行目\n二行目"),
        ("一行目\r二行目", "一行目\n二行目"),
        ("一行目\u{2028}二行目", "一行目\n二行目"),
        ("一行目  \n二行目　", "一行目\n二行目"),
        ("段落\n\n次の段落", "段落\n\n次の段落"),
        ("段落\n\n\n次の段落", "段落\n\n\n次の段落"),
        ("段落\n\n\n\n\n次の段落", "段落\n\n\n次の段落"),
        ("段落\n \n　\n \n\t\n次の段落", "段落\n\n\n次の段落"),
        ("\n\nはじめ\nおわり\n\n", "はじめ\nおわり"),
        ("名前\t山田", "名前 山田"),
        ("　字下げ\n　あり", "字下げ\nあり"),
        ("ｱﾚﾙｷﾞｰ\nｴﾋﾞ、ｶﾆ", "アレルギー\nエビ、カニ"),
        ("か\u{3099}くせい\nは\u{309A}ん", "がくせい\nぱん"),
        ("髙橋様\n山﨑様\n𠮷田様", "髙橋様\n山﨑様\n𠮷田様"),
        ("楽しみです🎂\n🍣🍺", "楽しみです🎂\n🍣🍺"),
        ("・卵\n・えび\n・かに", "・卵\n・えび\n・かに"),
        ("会\u{200B}社\nから", "会社\nから"),
    ];

    /// The limit, what was typed, and the fault.
    const BAD: &[(Option<u16>, &str, &str)] = &[
        (None, "あ\u{0}い", "characters"),
        (None, "一行目\n二\u{7}行目", "characters"),
        (None, "あ\u{8}い", "characters"),
        (None, "あ\u{b}い", "characters"),
        (None, "一行目\u{c}\n二行目", "characters"),
        (None, "あ\u{1b}[31m", "characters"),
        (None, "あ\u{7f}い", "characters"),
        (None, "あ\u{85}い", "characters"),
        (None, "請求書\u{202E}fdp.exe", "characters"),
        (None, "\u{202D}090-0000-0000\u{202C}", "characters"),
        (None, "あ\u{2066}い\u{2069}", "characters"),
        (None, "あ\u{200F}い", "characters"),
        (None, "あ\u{200E}い", "characters"),
        (None, "あ\u{61C}い", "characters"),
        (None, "一行目\n二行目\u{E000}", "characters"),
        (Some(3), "窓側の席", "too_long"),
        (Some(3), "あ\nいう", "too_long"),
        (Some(2), "𠮷𠮷𠮷", "too_long"),
        (Some(1), "ｶﾞｷﾞ", "too_long"),
    ];

    fn checked(typed: &str, max_length: Option<u16>) -> Result<Option<String>, Fault> {
        check(&Given::One(typed.to_owned()), &Rules { max_length, ..Rules::default() })
    }

    #[test]
    fn texts_are_made_uniform() {
        for (typed, text) in GOOD {
            assert_eq!(checked(typed, None), Ok(Some((*text).to_owned())), "{typed:?}");
            assert_eq!(checked(text, None), Ok(Some((*text).to_owned())), "{typed:?} again");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for (max_length, typed, code) in BAD {
            assert_eq!(checked(typed, *max_length).unwrap_err().code, *code, "{typed:?}");
        }
    }

    #[test]
    fn the_limit_counts_what_is_kept() {
        assert_eq!(checked("あ\r\n\r\n\r\n\r\n\r\nい", Some(5)), Ok(Some("あ\n\n\nい".to_owned())));
        assert_eq!(checked(&"あ".repeat(1000), None), Ok(Some("あ".repeat(1000))));
        assert_eq!(checked(&"あ".repeat(4000), Some(4000)), Ok(Some("あ".repeat(4000))));
        let fault = checked(&"あ".repeat(1001), None).unwrap_err();
        assert_eq!(fault.code, "too_long");
        assert_eq!(fault.text.ja, "1000文字以内で入力してください（いまは1001文字です）。");
    }

    #[test]
    fn several_texts_are_refused_and_none_is_dropped() {
        let given = Given::Many(vec!["あ".to_owned(), "い".to_owned()]);
        assert_eq!(check(&given, &Rules::default()).unwrap_err().code, "several");
    }

    #[test]
    fn what_cannot_be_seen_is_nothing() {
        assert_eq!(checked("\u{200B}\n\u{200B}", None), Ok(None));
    }

    #[test]
    fn only_the_first_character_is_shown() {
        for (answer, masked) in [("一行目\n二行目", "一…"), ("𠮷田", "𠮷…"), ("🍣", "🍣…"), ("", "")]
        {
            assert_eq!(mask(answer), masked);
        }
    }
}
