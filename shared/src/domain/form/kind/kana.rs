//! A person's name in kana (フリガナ).
//!
//! Accepted are hiragana, katakana and half-width katakana with ー, ・, ゝ and ゞ (JIS X 0208
//! and JIS X 0213, as in Unicode's blocks of kana). They are made into full-width katakana
//! with one ASCII space between words, as in the family register (戸籍法 §13).

use unicode_normalization::char::compose;

use super::{Part, uniform};
use crate::domain::form::given::{Fault, Given};

const LONGEST: u16 = 100;

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    example: Some(("ヤマダ タロウ", "ヤマダ ハナコ")),
    quick_fill: &["family-name-kana", "given-name-kana"],
    profile_plus: &["family_name_pronunciation", "given_name_pronunciation"],
    max_length: LONGEST,
    ..Part::LINE
}];

/// The name in full-width katakana.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let line = uniform::line(given.text())?;
    let mut kana = String::with_capacity(line.len());
    for c in line.chars() {
        let next = match uniform::voicing(c) {
            // Not every hiragana has the voiced form that its katakana has: ワ゛ is ヷ.
            Some(mark) => kana.pop().and_then(|last| compose(last, mark)),
            None => katakana(c),
        };
        kana.push(next.ok_or_else(not_kana)?);
    }
    if kana.is_empty() || kana.starts_with('・') || kana.split(' ').any(|word| word.starts_with(is_behind_others)) {
        return Err(not_kana());
    }
    if uniform::count(&kana) > usize::from(LONGEST) {
        return Err(too_long());
    }
    Ok(Some(kana))
}

/// The first character of each word.
pub(super) fn mask(answer: &str) -> String {
    uniform::initials(answer)
}

fn katakana(c: char) -> Option<char> {
    match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(u32::from(c) + 0x60),
        'ァ'..='ヾ' | 'ㇰ'..='ㇿ' | ' ' => Some(c),
        _ => None,
    }
}

/// Whether a katakana never begins a word.
fn is_behind_others(c: char) -> bool {
    matches!(
        c,
        'ァ' | 'ィ' | 'ゥ' | 'ェ' | 'ォ' | 'ッ' | 'ャ' | 'ュ' | 'ョ' | 'ヮ' | 'ヵ' | 'ヶ' | 'ー' | 'ヽ' | 'ヾ' | 'ㇰ'
            ..='ㇿ'
    )
}

fn not_kana() -> Fault {
    Fault::new(
        "not_kana",
        "フリガナはカタカナかひらがなで入れてください（例：ヤマダ タロウ）。",
        "Please write how the name is read, in katakana or hiragana, for example ヤマダ ハナコ.",
    )
}

fn too_long() -> Fault {
    Fault::new(
        "too_long",
        "フリガナが長すぎます。100文字以内で入れてください（例：ヤマダ タロウ）。",
        "This reading is too long. Please use at most 100 characters, for example ヤマダ ハナコ.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kana_become_full_width_katakana() {
        for (typed, kana) in [
            ("ヤマダ タロウ", "ヤマダ タロウ"),
            ("やまだ　たろう", "ヤマダ タロウ"),
            ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"),
            ("ﾔﾏﾀﾞ  ﾛｰﾗ", "ヤマダ ローラ"),
            ("  さとう　　ゆうき ", "サトウ ユウキ"),
            ("ヤマタ\u{3099} ハ\u{309A}ウロ", "ヤマダ パウロ"),
            ("ヤマタ゛ハ゜", "ヤマダパ"),
            ("ゔぃくとりあ", "ヴィクトリア"),
            ("う゛ぃ", "ヴィ"),
            ("ワ゛ン わ゛ん", "ヷン ヷン"),
            ("マリア・ルイサ", "マリア・ルイサ"),
            ("ﾏﾘｱ･ﾙｲｻ", "マリア・ルイサ"),
            ("いすゞ ささゝ", "イスヾ ササヽ"),
            ("せきがはら りゅうのすけ", "セキガハラ リュウノスケ"),
            ("つるゖたに", "ツルヶタニ"),
            ("ンジャイ", "ンジャイ"),
            ("を ん", "ヲ ン"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())), Ok(Some(kana.to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_kana_is_refused() {
        let long = "ア".repeat(101);
        for (typed, code) in [
            ("山田 太郎", "not_kana"),
            ("ヤマダ 太郎", "not_kana"),
            ("Yamada Taro", "not_kana"),
            ("Ｙａｍａｄａ", "not_kana"),
            ("ヤマダ2", "not_kana"),
            ("ヤマダ２", "not_kana"),
            ("ヤマダ😀", "not_kana"),
            ("ヤマダ。", "not_kana"),
            ("ロ-ラ", "not_kana"),
            ("ー", "not_kana"),
            ("・", "not_kana"),
            ("ーヤマダ", "not_kana"),
            ("ッヤマダ", "not_kana"),
            ("ヤマダ ャスオ", "not_kana"),
            ("ヤマダ ータロウ", "not_kana"),
            ("ゞヤマ", "not_kana"),
            ("゛ヤマダ", "not_kana"),
            ("あ\u{3099}", "not_kana"),
            ("ヤマダ々", "not_kana"),
            ("ヤマダ／タロウ", "not_kana"),
            ("\u{200B}", "not_kana"),
            ("ヤマダ\nタロウ", "characters"),
            ("ヤマダ\u{202E}", "characters"),
            (&long, "too_long"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())).unwrap_err().code, code, "{typed}");
        }
    }

    #[test]
    fn masks_keep_the_first_character_of_each_word() {
        for (kana, mask_of) in [("ヤマダ タロウ", "ヤ＊＊ タ＊＊"), ("ヤマダ", "ヤ＊＊"), ("", ""), (" ", "")]
        {
            assert_eq!(mask(kana), mask_of, "{kana}");
        }
    }
}
