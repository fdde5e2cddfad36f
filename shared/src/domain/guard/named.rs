//! Whether a text speaks of My Number.

use unicode_normalization::UnicodeNormalization;

use super::digits::{is_dash, is_ignorable, is_invisible};

/// The words, as [`bare`] writes them: without prolonged sound marks, in katakana.
const WORDS: [&str; 6] = ["マイナンバ", "個人番号", "マイナカド", "通知カド", "mynumber", "individualnumber"];

/// Whether a text speaks of マイナンバー, 個人番号, マイナカード, 通知カード, my number or
/// individual number, in any width, case or kana, spaced or not.
pub(super) fn is_named(text: &str) -> bool {
    let bare = bare(text);
    WORDS.iter().any(|word| bare.contains(word))
}

/// A text in NFKC, lower case and katakana, without what cannot be seen, spaces, dashes
/// and dots. The prolonged sound mark goes with the dashes that are typed for it.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| !is_invisible(*c))
        .nfkc()
        .filter(|c| !is_ignorable(*c) && !is_dash(*c) && !c.is_whitespace() && !matches!(c, '_' | '.' | '・'))
        .flat_map(char::to_lowercase)
        .map(katakana)
        .collect()
}

fn katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_however_written() {
        for text in [
            "私のマイナンバーは",
            "ﾏｲﾅﾝﾊﾞｰ",
            "まいなんばー",
            "マイ ナンバ－",
            "マイ・ナンバー",
            "マイナンハ\u{3099}ー",
            "個人番号",
            "個\u{200B}人\n番号",
            "ﾏｲﾅｶｰﾄﾞ",
            "通知カード",
            "My Number",
            "ＭＹ　ＮＵＭＢＥＲ",
            "my-number",
            "mynumber",
            "Individual Number",
        ] {
            assert!(is_named(text), "{text}");
        }
    }

    #[test]
    fn other_words() {
        for text in
            ["", "番号", "個人の番号", "カード番号", "ナンバー", "number", "通知", "マイナス", "my phone number"]
        {
            assert!(!is_named(text), "{text}");
        }
    }
}
