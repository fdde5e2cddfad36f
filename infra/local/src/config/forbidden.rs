//! What a form must not ask for: numbers of payment cards (PCI DSS v4.0.1, 3.3) and My
//! Number (番号法 §20), told by the name, the kind or the label of a field. Numbers of the
//! shop's own cards may be asked for.

use unicode_normalization::UnicodeNormalization;

/// Parts of names that stand for what must not be collected.
const FORBIDDEN_NAMES: [&str; 16] = [
    "card_no",
    "cardno",
    "card_num",
    "cardnum",
    "credit_card",
    "creditcard",
    "cvc",
    "cvv",
    "security_code",
    "securitycode",
    "my_number",
    "mynumber",
    "kojin_bango",
    "kojinbango",
    "individual_number",
    "individualnumber",
];
/// Cards of the shop's own, whose numbers may be asked for, as names have them.
const OWN_NAMES: [&str; 6] =
    ["member_card", "members_card", "membership_card", "point_card", "points_card", "stamp_card"];

/// Whether the name of a field stands for what must not be collected.
pub(super) fn is_forbidden_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let name = OWN_NAMES.iter().fold(name.to_owned(), |name, own| name.replace(*own, "own"));
    FORBIDDEN_NAMES.iter().any(|word| {
        name.match_indices(*word).any(|(at, _)| {
            let (before, after) = (&name[..at], &name[at + word.len()..]);
            // academy_number is no My Number, and card_notes are no card number.
            let longer = (word.starts_with("my") && before.ends_with(is_letter))
                || (word.ends_with("no") && after.starts_with(is_letter));
            !longer
        })
    })
}

/// Whether an unknown kind was meant to ask for what must not be collected.
pub(super) fn is_forbidden_kind(word: &str) -> bool {
    let word = word.to_lowercase().replace(['-', ' '], "_");
    word == "card" || is_forbidden_name(&word)
}

/// What must not be collected, as [`bare`] writes it.
const FORBIDDEN_WORDS: [&str; 5] = ["セキュリティコド", "マイナンバ", "マイナカド", "個人番号", "通知カド"];
/// What makes a card the number of one, behind `カード`.
const NUMBERS: [&str; 4] = ["番号", "ノ番号", "ナンバ", "no"];
/// Cards of the shop's own, whose numbers may be asked for, before `カード`.
const OWN_WORDS: [&str; 8] = ["会員", "会員証", "メンバ", "メンバズ", "メンバシップ", "ポイント", "スタンプ", "診察"];

/// The same in English: beginnings of words that follow each other.
const FORBIDDEN_ENGLISH: [&str; 6] = ["creditcard", "cvc", "cvv", "securitycode", "mynumber", "individualnumber"];
const OWN_ENGLISH: [&str; 7] = ["member", "members", "membership", "point", "points", "stamp", "loyalty"];

/// Whether a text speaks of the number of a payment card or of My Number, in any width,
/// case or kana, spaced or not.
pub(super) fn asks_for_forbidden(text: &str) -> bool {
    let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
    asks_in_japanese(&bare(&lower)) || asks_in_english(&lower)
}

/// A text in katakana, without prolonged sound marks and what is neither letter nor digit.
fn bare(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric() && *c != 'ー');
    kept.map(|c| match c {
        'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        _ => c,
    })
    .collect()
}

fn asks_in_japanese(text: &str) -> bool {
    let card = text.match_indices("カド").any(|(at, card)| {
        let (before, after) = (&text[..at], &text[at + card.len()..]);
        NUMBERS.iter().any(|number| after.starts_with(*number)) && !OWN_WORDS.iter().any(|own| before.ends_with(*own))
    });
    card || FORBIDDEN_WORDS.iter().any(|word| text.contains(*word))
}

fn asks_in_english(text: &str) -> bool {
    let text = text.replace(['\'', '’'], "");
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    (0..words.len()).any(|at| {
        let behind = words[at..].concat();
        let own = at > 0 && OWN_ENGLISH.contains(&words[at - 1]);
        // A "no" in the middle of a sentence is no number.
        let card = behind.starts_with("cardnumber") || behind == "cardno";
        (card && !own) || FORBIDDEN_ENGLISH.iter().any(|word| behind.starts_with(*word))
    })
}
