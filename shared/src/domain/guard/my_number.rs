//! My Number (個人番号): twelve digits, of which the last checks the others.

use std::ops::Range;

use super::{
    runs::{Run, digits, gaps, groups, separators, span, windows},
    written::{Written, are_free, is_minute, is_second},
};

/// A My Number in a chain.
pub(super) struct MyNumber {
    /// Where it stands, in bytes.
    pub(super) span: Range<usize>,
    /// Whether it would be found without a word that names it.
    pub(super) alone: bool,
}

/// The My Numbers of a chain; they may overlap. `named` says that the text speaks of
/// My Number, so that any grouping will do.
pub(super) fn find(chain: &[Run], written: &[Written], named: bool) -> Vec<MyNumber> {
    windows(chain, 12, 12)
        .filter(|window| is_valid(&digits(&chain[window.clone()])))
        .filter_map(|window| {
            let alone = is_alone(chain, written, &window);
            let allowed = alone || named && is_open(&chain[window.clone()], &written[window.clone()]);
            allowed.then(|| MyNumber { span: span(&chain[window]), alone })
        })
        .collect()
}

/// The check digit (検査用数字; 番号法施行令8, 平成26年総務省令85号 第5条): the eleven digits before it,
/// counted from the right, weigh 2 to 7 and then 2 to 6; with the remainder r of the sum by 11
/// it is 0 if r is at most 1, otherwise 11 less r.
fn is_valid(digits: &[u8]) -> bool {
    let [leading @ .., check] = digits else { return false };
    let weights = (2..=7).chain(2..=6);
    let sum: u32 = leading.iter().rev().zip(weights).map(|(d, weight)| u32::from(*d) * weight).sum();
    let right = match sum % 11 {
        0 | 1 => 0,
        r => 11 - r,
    };
    leading.len() == 11 && u32::from(*check) == right
}

/// Whether the runs can be read as a My Number.
fn is_open(runs: &[Run], written: &[Written]) -> bool {
    are_free(runs, written, matches!(groups(runs)[..], [12] | [4, 4, 4]))
}

/// Whether the runs are a My Number by themselves: evenly written, whole, no moment.
fn is_alone(chain: &[Run], written: &[Written], window: &Range<usize>) -> bool {
    let runs = &chain[window.clone()];
    is_open(runs, &written[window.clone()])
        && is_even(runs)
        && !is_continued(chain, written, window)
        && !is_moment(&digits(runs), &groups(runs))
}

fn is_even(runs: &[Run]) -> bool {
    let (groups, separators) = (groups(runs), separators(runs));
    let same_length = groups.iter().all(|len| *len == groups[0]);
    let same_separator = separators.iter().all(|separator| *separator == separators[0]);
    (same_length || same_separator) && separators.iter().all(|separator| separator.chars().all(is_separator))
}

/// What numbers are grouped with. Colons, slashes, wave dashes and parentheses write
/// something else.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\n' | '-' | '.' | '・' | '·' | '•' | '‧' | '∙' | '⋅' | '_' | ',' | '、')
}

/// Whether a further run follows or precedes over a separator that is also inside: then
/// the twelve digits are a piece of something longer.
fn is_continued(chain: &[Run], written: &[Written], window: &Range<usize>) -> bool {
    let inside = gaps(&chain[window.clone()]);
    let joins = |outer: usize, inner: usize, gap: usize| {
        // What is written as something else ends the number, unless it reaches into it.
        let ends = written[outer] != Written::Open && written[inner] == Written::Open;
        !ends && chain[gap].gap.as_deref().is_some_and(|gap| inside.contains(&gap))
    };
    let before = window.start > 0 && joins(window.start - 1, window.start, window.start);
    let after = window.end < chain.len() && joins(window.end, window.end - 1, window.end);
    before || after
}

/// Whether the digits are a moment: `202604011030` in any grouping, `260401-103000`.
fn is_moment(digits: &[u8], groups: &[usize]) -> bool {
    is_minute(digits) || matches!(groups, [6, 6] | [2, 2, 2, 2, 2, 2]) && is_second(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_digit(leading: &str) -> Option<u8> {
        let mut digits: Vec<u8> = leading.bytes().map(|b| b - b'0').collect();
        digits.push(0);
        (0..10).find(|check| {
            digits[11] = *check;
            is_valid(&digits)
        })
    }

    #[test]
    fn check_digits() {
        for (leading, check) in [
            ("12345678901", 8),
            ("00000000000", 0),
            ("00000000001", 9),
            ("00000000005", 1),
            ("00000000006", 0),
            ("98765432109", 3),
            ("99999999999", 6),
        ] {
            assert_eq!(check_digit(leading), Some(check), "{leading}");
        }
    }

    #[test]
    fn eleven_or_thirteen_digits_are_none() {
        assert!(!is_valid(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]));
        assert!(!is_valid(&[0; 13]) && !is_valid(&[]));
    }

    #[test]
    fn two_digits_six_places_apart_can_be_swapped_unseen() {
        let one = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 8];
        let mut other = one;
        other.swap(1, 7);
        assert!(is_valid(&one) && is_valid(&other));
    }
}
