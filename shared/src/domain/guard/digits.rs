//! How one character reads: as digits, as something between digits, or as a word.
//!
//! NFKC maps most digits; the tables here hold those it leaves alone. Letters that
//! merely look like digits (`O`, `l`, `Ⅳ`) and kanji numerals with place value (十百千)
//! are words.

use std::iter::once;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The two kinds of digits, which do not lengthen each other's runs: the 一 of
/// `5678一緒に` is not a fifth digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Every digit but kanji.
    Figure,
    /// 〇一二三 and their formal shapes.
    Kanji,
}

/// What a character stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A digit and its value.
    Digit(u8, Script),
    /// Something that may stand between the digits of one number. Every dash is `-`,
    /// every space ` `, every line break `\n`.
    Gap(char),
    /// A letter, kana or kanji: no number goes on behind it.
    Word,
}

/// Hands the signs of a character to `each`: none for what cannot be seen, several
/// for ⑩ and ⑴.
pub(super) fn read(c: char, mut each: impl FnMut(Sign)) {
    match c {
        _ if c.is_ascii() => each(single(c)),
        // Kana and kanji, the bulk of a text, need no tables of NFKC.
        'ぁ'..='ゖ' | 'ァ'..='ヿ' | '一'..='\u{9FFF}' => each(single(c)),
        _ if is_ignorable(c) => {}
        _ => match enclosed(c) {
            Some(number) => {
                if number >= 10 {
                    each(Sign::Digit(number / 10, Script::Figure));
                }
                each(Sign::Digit(number % 10, Script::Figure));
            }
            None => once(c).nfkc().filter(|c| !is_ignorable(*c)).for_each(|c| each(single(c))),
        },
    }
}

/// Whether a character adds to the one before it, so that both are taken out together.
pub(super) fn clings(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{E0000}'..='\u{E0FFF}')
        || is_combining_mark(c)
}

/// Whether a character vanishes: Default_Ignorable_Code_Point (Unicode,
/// `DerivedCoreProperties.txt`), tags and combining marks, of which U+20E3 makes keycaps.
pub(super) fn is_ignorable(c: char) -> bool {
    is_invisible(c) || is_combining_mark(c)
}

/// The ignorable characters that are no combining marks.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a character is typed as a dash. Included are the prolonged sound mark, box
/// drawings and ➖, but not the wave dash, which writes ranges.
pub(super) fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{AF}' | '\u{2D7}' | '\u{58A}' | '\u{5BE}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{207B}'
                | '\u{208B}'
                | '\u{2212}'
                | '\u{23AF}'
                | '\u{23E4}'
                | '\u{2500}'
                | '\u{2501}'
                | '\u{2796}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{30A0}'
                | 'ー'
                | 'ｰ'
                | '\u{31D0}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
    )
}

fn single(c: char) -> Sign {
    if let Some(value) = decimal(c) {
        Sign::Digit(value, Script::Figure)
    } else if let Some(value) = kanji(c) {
        Sign::Digit(value, Script::Kanji)
    } else if is_dash(c) {
        Sign::Gap('-')
    } else {
        match c {
            '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Sign::Gap('\n'),
            '\u{2044}' | '\u{2215}' | '\u{29F8}' => Sign::Gap('/'),
            '\u{2236}' => Sign::Gap(':'),
            _ if c.is_whitespace() => Sign::Gap(' '),
            _ if c.is_alphanumeric() => Sign::Word,
            _ => Sign::Gap(c),
        }
    }
}

/// The zeros of the blocks of decimal digits (general category Nd) that NFKC does not
/// map to ASCII; one to nine follow each.
const ZEROS: [u32; 70] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0,
    0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1E140, 0x1E2F0,
    0x1E4F0, 0x1E5F1, 0x1E950, 0x1D7CE, 0x1FBF0,
];

fn decimal(c: char) -> Option<u8> {
    if let Some(value) = c.to_digit(10) {
        return u8::try_from(value).ok();
    }
    let code = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    u8::try_from(code - zero).ok()
}

/// The number in a circle, a disc or a keycap that NFKC does not map.
fn enclosed(c: char) -> Option<u8> {
    let after = |first: char, number: u32| u8::try_from(u32::from(c) - u32::from(first) + number).ok();
    match c {
        '⓫'..='⓴' => after('⓫', 11),
        '⓵'..='⓾' => after('⓵', 1),
        '❶'..='❿' => after('❶', 1),
        '➀'..='➉' => after('➀', 1),
        '➊'..='➓' => after('➊', 1),
        '㉈'..='㉏' => after('㉈', 1).map(|tens| tens * 10),
        '⓿' | '🄋' | '🄌' => Some(0),
        '🔟' => Some(10),
        _ => None,
    }
}

/// Kanji digits, the formal shapes of deeds (大字), and the Suzhou numerals 〡–〩.
fn kanji(c: char) -> Option<u8> {
    match c {
        '〇' | '零' => Some(0),
        '一' | '壱' | '壹' | '弌' | '〡' => Some(1),
        '二' | '弐' | '貳' | '貮' | '弍' | '〢' => Some(2),
        '三' | '参' | '參' | '弎' | '〣' => Some(3),
        '四' | '肆' | '〤' => Some(4),
        '五' | '伍' | '〥' => Some(5),
        '六' | '陸' | '〦' => Some(6),
        '七' | '漆' | '柒' | '〧' => Some(7),
        '八' | '捌' | '〨' => Some(8),
        '九' | '玖' | '〩' => Some(9),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            read(c, |sign| match sign {
                Sign::Digit(value, _) => out.push(char::from(b'0' + value)),
                Sign::Gap(gap) => out.push(gap),
                Sign::Word => out.push('x'),
            });
        }
        out
    }

    #[test]
    fn digits_of_every_script() {
        for (written, read) in [
            ("0123456789", "0123456789"),
            ("０１２３４５６７８９", "0123456789"),
            ("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789"),
            ("①②③④⑤⑥⑦⑧⑨⓪", "1234567890"),
            ("⑩⑪⑳㉑㊿", "1011202150"),
            ("❶❾❿➀➈➉➊➒➓", "191019101910"),
            ("⓫⓴⓵⓽⓾⓿🄋🄌㉈㉏", "112019100001080"),
            ("𝟎𝟏𝟗𝟘𝟡𝟢𝟫𝟬𝟵𝟶𝟿🯰🯹", "0190909090909"),
            ("٠١٢٩۰۱۹०१९๐๑๙০৯", "012901901901909"),
            ("〇零一二三四五六七八九", "00123456789"),
            ("壱壹弌弐貳貮参參肆伍陸漆柒捌玖", "111222334567789"),
            ("1️⃣2️⃣0️⃣🔟", "12010"),
            ("⑴⒈🄁½", "(1)1.0,1/2"),
            ("〡〩", "19"),
        ] {
            assert_eq!(figures(written), read, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_seen_vanishes() {
        let invisible = "\u{200B}\u{200F}\u{202A}\u{202E}\u{2060}\u{2064}\u{2066}\u{2069}\u{FEFF}\u{AD}\u{34F}\u{61C}\
            \u{180E}\u{FE0F}\u{20E3}\u{E0020}\u{E01EF}\u{301}\u{3099}\u{3164}";
        assert_eq!(figures(invisible), "");
    }

    #[test]
    fn dashes_spaces_and_words() {
        for dash in "-‐‑‒–—―−－﹣﹘ーｰ─━➖⁃⁻".chars() {
            assert_eq!(figures(&dash.to_string()), "-", "{dash}");
        }
        for space in " \u{A0}\u{2003}\u{3000}\t".chars() {
            assert_eq!(figures(&space.to_string()), " ", "{space:?}");
        }
        assert_eq!(figures("\r\n\u{2028}"), "\n\n\n");
        assert_eq!(figures("：／．（）・～〜"), ":/.()・~〜");
        assert_eq!(figures("aＡ十あア漢々"), "xxxxxxx");
    }
}
