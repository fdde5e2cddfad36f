//! The business' own number of a member.
//!
//! Accepted are 1 to 64 of the letters `A`–`Z` and `a`–`z`, digits, `-`, `_` and `.`, which
//! are safe in files and addresses (RFC 3986 §2.3). Full-width forms become ASCII, and every
//! dash between digits `-`. The case is kept: there are ids in which it counts.

use super::{Part, uniform};
use crate::domain::form::given::{Fault, Given};

const LONGEST: u16 = 64;

/// How it is asked for.
pub(super) const PARTS: &[Part] =
    &[Part { example: Some(("A-1001", "A-1001")), autocomplete: Some("off"), max_length: LONGEST, ..Part::LINE }];

/// The number in ASCII.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let id = uniform::ascii(given.text());
    let is_id = !id.is_empty()
        && uniform::count(&id) <= usize::from(LONGEST)
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if is_id { Ok(Some(id)) } else { Err(not_a_member_id()) }
}

/// Its last two characters.
pub(super) fn mask(answer: &str) -> String {
    uniform::tail(answer, 2)
}

fn not_a_member_id() -> Fault {
    Fault::new(
        "not_a_member_id",
        "会員番号は、半角の英数字と「-」「_」「.」で64文字以内で入れてください。\
         空白は入れないでください（例：A-1001）。",
        "Please write your member number with letters, numbers, -, _ and . only, at most 64 of them and without \
         spaces, for example A-1001.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_accepted() {
        let long = "A1".repeat(32);
        for (typed, id) in [
            ("A-1001", "A-1001"),
            ("1", "1"),
            ("00012345", "00012345"),
            ("Ａ－１００１", "A-1001"),
            ("１２３４ー５６７８", "1234-5678"),
            ("1234−5678−9012", "1234-5678-9012"),
            ("  KAI_0001　", "KAI_0001"),
            ("member.0001", "member.0001"),
            ("abcDEF", "abcDEF"),
            ("2026-04-000123", "2026-04-000123"),
            ("TK-00-1", "TK-00-1"),
            ("-", "-"),
            ("\u{200B}A1001\u{FEFF}", "A1001"),
            (&long, &long),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())), Ok(Some(id.to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let long = "a".repeat(65);
        for typed in [
            "会員1001",
            "No.１００１号",
            "A 1001",
            "1001 1002",
            "A/1001",
            "A#1001",
            "hanako@example.com",
            "①②③",
            "Aー1001",
            "１００１、１００２",
            "A-1001😀",
            "なし",
            "1001\n1002",
            "1001\u{202E}",
            "<1001>",
            "é1001",
            "\u{200B}",
            &long,
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())).unwrap_err().code, "not_a_member_id", "{typed}");
        }
    }

    #[test]
    fn masks_keep_the_last_two_characters() {
        for (id, mask_of) in
            [("A-1001", "****01"), ("123", "*23"), ("12", "**"), ("1", "*"), ("", ""), ("会員番号", "**番号")]
        {
            assert_eq!(mask(id), mask_of, "{id}");
        }
    }
}
