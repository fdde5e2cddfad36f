//! Making what was typed uniform, as far as several kinds share it.
//!
//! Accepted is any text. [`ascii`] is for numbers and ids: full-width forms become ASCII
//! and every dash between digits becomes `-`. [`line`] is for what people write: half-width
//! kana become full-width and a separate voicing mark joins its kana. Neither normalises
//! the whole text (Unicode, UAX #15): NFC and NFKC would turn kanji of names into others,
//! U+FA19 into U+795E for one.

use std::iter::once;

use unicode_normalization::{
    UnicodeNormalization,
    char::{compose, is_combining_mark},
};

use crate::domain::form::given::Fault;

const JOINER: char = '\u{200D}';

/// A text of digits and letters: full-width forms as ASCII, every dash between digits as
/// `-`, single spaces, and none around it. Other digits, such as ④, stay.
pub(super) fn ascii(text: &str) -> String {
    let narrow: String = seen(text).chars().map(narrow).collect();
    // Between digits, people type a wave for a dash too.
    let dashed = between_digits(narrow.trim(), |c| is_dash(c) || matches!(c, '~' | '〜'));
    dashed.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text of one line as it was written: kana full-width and composed, single spaces, and
/// none around it. What cannot be seen is left out, but for the joiners of emoji.
///
/// # Errors
/// It has a line break, a control character or one that has no meaning for others.
pub(super) fn line(text: &str) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        if is_refused(c) {
            return Err(characters());
        }
        if c == JOINER {
            if before.is_some_and(is_joined) && chars.peek().is_some_and(|next| is_joined(*next)) {
                out.push(c);
            }
        } else if is_unseen(c) {
            continue;
        } else if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            push(&mut out, c);
        }
        before = Some(c);
    }
    out.truncate(out.trim_end().len());
    Ok(out)
}

/// How many characters a text has.
pub(super) fn count(text: &str) -> usize {
    text.chars().count()
}

/// A full-width form of ASCII, or the ideographic space, as ASCII; any other as it is.
pub(super) fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// A text without the characters that cannot be seen.
pub(super) fn seen(text: &str) -> String {
    text.chars().filter(|c| !is_unseen(*c)).collect()
}

/// A text in which every dash between ASCII digits is `-`. A wave, which writes ranges,
/// stays.
pub(super) fn hyphens(text: &str) -> String {
    between_digits(text, is_dash)
}

/// Whether a character is typed as a dash. The prolonged sound mark is: it is on the same
/// key in Japan.
pub(super) fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '‐'
            | '‑'
            | '‒'
            | '–'
            | '—'
            | '―'
            | '\u{2043}'
            | '−'
            | '─'
            | '━'
            | '\u{FE58}'
            | '\u{FE63}'
            | '－'
            | 'ー'
            | 'ｰ'
    )
}

/// The combining mark that a voicing mark stands for: dakuten or handakuten.
pub(super) fn voicing(c: char) -> Option<char> {
    match c {
        '\u{3099}' | '゛' | 'ﾞ' => Some('\u{3099}'),
        '\u{309A}' | '゜' | 'ﾟ' => Some('\u{309A}'),
        _ => None,
    }
}

/// Whether a character is kana, of any width.
pub(super) fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF65}'..='\u{FF9F}' | '\u{1B000}'..='\u{1B16F}')
}

/// Whether a character is kanji or is written as one, such as 々.
pub(super) fn is_kanji(c: char) -> bool {
    matches!(
        c,
        '\u{2E80}'..='\u{2FD5}'
            | '々'..='〇'
            | '〻'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFD}'
    )
}

/// Whether a character is an emoji or makes one. The signs of JIS X 0208, such as ★, are
/// none: they were in use before.
pub(super) fn is_emoji(c: char) -> bool {
    match c {
        '★' | '☆' | '♀' | '♂' | '♪' | '♭' | '♯' => false,
        JOINER | '\u{20E3}' | '\u{FE0F}' => true,
        _ => matches!(
            c,
            '\u{2300}'..='\u{23FF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}'
        ),
    }
}

/// The first character of every word, and ＊ for each of the rest. A variation selector
/// goes with its character.
pub(super) fn initials(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(initial).collect();
    words.join(" ")
}

/// The last characters, and `*` for each of the rest. A text that has no more than these
/// is hidden whole.
pub(super) fn tail(text: &str, shown: usize) -> String {
    let all = count(text);
    let hidden = if all > shown { all - shown } else { all };
    text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
}

fn initial(word: &str) -> String {
    let mut out = String::new();
    let mut hides = false;
    for c in word.chars() {
        if out.is_empty() {
            out.push(c);
        } else if !is_combining_mark(c) {
            hides = true;
            out.push('＊');
        } else if !hides {
            out.push(c);
        }
    }
    out
}

/// Adds a character: half-width kana as full-width, and a voicing mark composed with the
/// kana before it, if there is such a kana.
fn push(out: &mut String, c: char) {
    if let Some(mark) = voicing(c)
        && let Some(whole) = out.chars().next_back().and_then(|last| compose(last, mark))
    {
        out.pop();
        out.push(whole);
        return;
    }
    match c {
        'ﾞ' => out.push('゛'),
        'ﾟ' => out.push('゜'),
        '\u{FF61}'..='\u{FF9D}' => out.extend(once(c).nfkc()),
        _ => out.push(c),
    }
}

fn between_digits(text: &str, is_dash: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut behind_digit = false;
    while let Some(c) = chars.next() {
        let between = behind_digit && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if between && is_dash(c) { '-' } else { c });
        behind_digit = c.is_ascii_digit();
    }
    out
}

/// Whether a joiner next to it may make one emoji of two.
fn is_joined(c: char) -> bool {
    !(c.is_ascii() || c.is_whitespace() || is_unseen(c) || is_kana(c) || is_kanji(c))
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..=JOINER | '\u{2060}' | '\u{FEFF}')
}

/// Control characters but the tab, which tables put between names, line breaks, bidi
/// controls, and characters without a meaning that others know.
fn is_refused(c: char) -> bool {
    let code = u32::from(c);
    (c.is_control() && c != '\t')
        || matches!(
            c,
            '\u{2028}'
                | '\u{2029}'
                | '\u{61C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{202A}'..='\u{202E}'
                | '\u{2066}'..='\u{206F}'
                | '\u{E000}'..='\u{F8FF}'
                | '\u{F0000}'..='\u{10FFFF}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FFF9}'..='\u{FFFD}'
        )
        // The last two of every plane are noncharacters.
        || code & 0xFFFE == 0xFFFE
}

fn characters() -> Fault {
    Fault::new(
        "characters",
        "使えない文字が入っています。改行や特殊な文字を消して、1行で入れ直してください\
         （使える文字の例：ひらがな、カタカナ、漢字、英数字）。",
        "There are characters that cannot be used. Please remove line breaks and special characters and write one \
         line, for example in kana, kanji, letters and numbers.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ascii() {
        for (typed, uniform) in [
            ("１２３－４５６７", "123-4567"),
            ("１２３ー４５６７", "123-4567"),
            ("123ｰ4567", "123-4567"),
            ("1‐2‑3–4—5―6−7", "1-2-3-4-5-6-7"),
            ("1~2～3〜4", "1-2-3-4"),
            ("Ａ－１００１", "A-1001"),
            ("　ＡＢＣ　　ｄｅｆ　", "ABC def"),
            ("（０３）１２３４", "(03)1234"),
            ("−5", "−5"),
            ("センター", "センター"),
            ("2ー", "2ー"),
            ("④", "④"),
            ("４", "4"),
            ("\u{FEFF}12\u{200B}34", "1234"),
            ("", ""),
        ] {
            assert_eq!(ascii(typed), uniform, "{typed}");
        }
    }

    #[test]
    fn lines_stay_as_they_are_written() {
        for text in [
            "髙橋 﨑 𠮷野家",
            "\u{FA19}谷",
            "葛\u{E0100}城",
            "辻\u{E0101} 邉\u{FE00}",
            "佐々木 〆子 ヶ丘",
            "Ａｎｎ",
            "㈱山田 ①",
            "Jose\u{301}",
            "が゛",
            "゛",
            "あ\u{3099}",
            "👨\u{200D}👩\u{200D}👧です",
            "❤\u{FE0F}\u{200D}🔥",
        ] {
            assert_eq!(line(text).unwrap(), text, "{text}");
        }
    }

    #[test]
    fn lines_are_made_uniform() {
        for (typed, uniform) in [
            ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"),
            ("ﾊﾟﾋﾟﾌﾟ･ｳﾞｧ", "パピプ・ヴァ"),
            ("ｾﾝﾀｰ｡｢｣､", "センター。「」、"),
            ("ﾜﾞ", "ヷ"),
            ("ｱﾞ", "ア゛"),
            ("ﾞ", "゛"),
            ("か\u{3099}は\u{309A}", "がぱ"),
            ("カ゛ハ゜う゛", "ガパゔ"),
            ("ゝ\u{3099}ヽ゛", "ゞヾ"),
            ("山田　太郎", "山田 太郎"),
            ("山田\u{3000} \u{A0}\t太郎", "山田 太郎"),
            ("　 山田太郎 　", "山田太郎"),
            ("山\u{200B}田\u{2060}太\u{FEFF}郎\u{AD}\u{200C}", "山田太郎"),
            ("山\u{200D}田", "山田"),
            ("a\u{200D}👩", "a👩"),
            ("👩\u{200D}", "👩"),
            ("カ\u{200B}\u{3099}", "ガ"),
            ("\u{200B}", ""),
        ] {
            assert_eq!(line(typed).unwrap(), uniform, "{typed}");
        }
    }

    #[test]
    fn lines_with_unknown_characters_are_refused() {
        for text in [
            "山田\n太郎",
            "山田\r\n太郎",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{0}b",
            "a\u{1B}b",
            "a\u{7F}b",
            "\u{202E}abc",
            "a\u{2067}b",
            "a\u{200E}b",
            "a\u{61C}b",
            "\u{E000}",
            "\u{F0001}",
            "\u{10FFFD}",
            "\u{FFFD}",
            "\u{FDD0}",
            "\u{FFFE}",
            "\u{2FFFF}",
        ] {
            assert_eq!(line(text).unwrap_err().code, "characters", "{text:?}");
        }
    }

    #[test]
    fn characters_are_counted() {
        for (text, number) in [("", 0), ("山田", 2), ("𠮷", 1), ("葛\u{E0100}", 2), ("abc", 3)] {
            assert_eq!(count(text), number);
        }
    }

    #[test]
    fn dashes_between_digits_alone_become_hyphens() {
        assert_eq!(hyphens("丸の内1ー2−3 センター2ー"), "丸の内1-2-3 センター2ー");
        assert_eq!(hyphens("1〜3階"), "1〜3階");
    }

    #[test]
    fn masks_hide_most() {
        for (text, mask) in
            [("山田 太郎", "山＊ 太＊"), ("葛\u{E0100}城", "葛\u{E0100}＊"), ("葛葛\u{E0100}", "葛＊"), ("", "")]
        {
            assert_eq!(initials(text), mask);
        }
        for (text, mask) in [("1234567", "***4567"), ("12345", "*2345"), ("1234", "****"), ("", ""), ("山", "*")] {
            assert_eq!(tail(text, 4), mask);
        }
    }
}
