//! Numbers of payment cards (PAN): 13 to 19 digits that pass Luhn and begin as an issuer's.

use std::ops::Range;

use super::{
    runs::{Run, digits, groups, span, windows},
    written::{Written, are_free},
};

/// A card number in a chain.
pub(super) struct Card {
    /// Where it stands, in bytes.
    pub(super) span: Range<usize>,
    /// Its last four digits, which may be shown (PCI DSS v4.0.1, 3.4.1).
    pub(super) last_four: [u8; 4],
    /// Whether it is grouped as card numbers are.
    pub(super) shaped: bool,
}

/// The card numbers of a chain; they may overlap.
///
/// A number in the groups that cards print, over one separator, is one even where a part
/// of it could be a date; otherwise no part may be written as something else.
pub(super) fn find(chain: &[Run], written: &[Written]) -> Vec<Card> {
    windows(chain, 13, 19).filter_map(|window| card(&chain[window.clone()], &written[window])).collect()
}

fn card(runs: &[Run], written: &[Written]) -> Option<Card> {
    let groups = groups(runs);
    let shaped = is_shaped(&groups);
    let allowed = are_free(runs, written, shaped);
    let digits = digits(runs);
    let is_card = allowed && is_number(&digits) && (digits.len() > 13 || is_short_visa(&digits, &groups));
    let last_four = *digits.last_chunk().filter(|_| is_card)?;
    Some(Card { span: span(runs), last_four, shaped })
}

/// In one, in fours, or as American Express and Diners Club (4-6-5, 4-6-4), UnionPay
/// (6-13) and short Visa numbers (4-3-3-3) are embossed.
fn is_shaped(groups: &[usize]) -> bool {
    match groups {
        [_] | [8, 8] | [4, 6, 4 | 5] | [6, 13] | [4, 3, 3, 3] => true,
        [fours @ .., last] => fours.iter().all(|len| *len == 4) && *last <= 4,
        [] => false,
    }
}

/// Whether thirteen digits are to be taken for a card.
///
/// Visa has long given out none of thirteen digits, while every bar code (GTIN-13, JAN)
/// of Japan, from 45 or 49, begins as one: a tenth of them pass Luhn. So a short Visa
/// number must stand in one or as 4-3-3-3, and must not be a valid bar code.
fn is_short_visa(digits: &[u8], groups: &[usize]) -> bool {
    digits[0] != 4 || matches!(groups, [13] | [4, 3, 3, 3]) && !is_bar_code(digits)
}

/// Whether digits begin and end as a card number does.
fn is_number(digits: &[u8]) -> bool {
    is_issued(digits) && luhn(digits)
}

/// Luhn's check (ISO/IEC 7812-1, Annex B): from the right, every second digit is
/// doubled, less 9 if that has two digits; the sum is a multiple of ten.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |d: u8| if d > 4 { 2 * d - 9 } else { 2 * d };
    let weigh = |(n, d): (usize, &u8)| u32::from(if n % 2 == 0 { *d } else { doubled(*d) });
    digits.iter().rev().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

/// The check digit of GTIN-13 (GS1 General Specifications): weights 1 and 3 by turns.
fn is_bar_code(digits: &[u8]) -> bool {
    let weigh = |(n, d): (usize, &u8)| u32::from(*d) * if n % 2 == 0 { 1 } else { 3 };
    digits.len() == 13 && digits.iter().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

/// A range of issuers: first and last six digits, least and most digits in all.
struct Issuer {
    from: u32,
    to: u32,
    least: usize,
    most: usize,
}

const fn issuer(from: u32, to: u32, least: usize, most: usize) -> Issuer {
    Issuer { from, to, least, most }
}

/// Issuer identification numbers (IIN, ISO/IEC 7812) by brand. The register is not public;
/// these are the ranges that processors publish:
///
/// - O: docs.oracle.com, "List of Standard U.S. Credit Card Preambles" (E66669_01, table 5-22);
/// - B: braintree/credit-card-type, `src/lib/card-types.ts`, for lengths beyond it;
/// - L: ldapwiki.com, "Issuer Identification Number";
/// - M: gist.github.com/michaelkeevildown, "Credit Card Regex Patterns".
const ISSUERS: [Issuer; 21] = [
    // Visa: 4 [O, B, L]; 13, 16 or 19 digits [L], the lengths between are left out by `is_issued`.
    issuer(400_000, 499_999, 13, 19),
    // Mastercard: 51–55 and 222100–272099 [O, B].
    issuer(510_000, 559_999, 16, 16),
    issuer(222_100, 272_099, 16, 16),
    // American Express: 34 and 37 [O, B, L].
    issuer(340_000, 349_999, 15, 15),
    issuer(370_000, 379_999, 15, 15),
    // JCB: 3528–3589 [O, B, L], to 19 digits [B].
    issuer(352_800, 358_999, 16, 19),
    // Diners Club: 300–305, 3095, 36, 38–39 [O], 14 to 19 digits [B].
    issuer(300_000, 305_999, 14, 19),
    issuer(309_500, 309_599, 14, 19),
    issuer(360_000, 369_999, 14, 19),
    issuer(380_000, 399_999, 14, 19),
    // Discover: 6011, 644–649, 65 [B, L], to 19 digits [B].
    issuer(601_100, 601_199, 16, 19),
    issuer(644_000, 659_999, 16, 19),
    // UnionPay: 62 [L] and 81 [B, which lists parts of both]; 16 to 19 digits [L].
    issuer(620_000, 629_999, 16, 19),
    issuer(810_000, 819_999, 16, 19),
    // Maestro: the published prefixes [M]; 12 digits are left out.
    issuer(501_800, 501_899, 13, 19),
    issuer(502_000, 502_099, 13, 19),
    issuer(503_800, 503_899, 13, 19),
    issuer(589_300, 589_399, 13, 19),
    issuer(630_400, 630_499, 13, 19),
    issuer(675_900, 675_999, 13, 19),
    issuer(676_100, 676_399, 13, 19),
];

fn is_issued(digits: &[u8]) -> bool {
    let Some(head) = digits.first_chunk::<6>() else { return false };
    let head = head.iter().fold(0, |head, d| head * 10 + u32::from(*d));
    let visa = digits[0] == 4;
    let fits = |issuer: &Issuer| {
        (issuer.from..=issuer.to).contains(&head) && (issuer.least..=issuer.most).contains(&digits.len())
    };
    ISSUERS.iter().any(fits) && (!visa || matches!(digits.len(), 13 | 16 | 19))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<u8> {
        text.bytes().map(|b| b - b'0').collect()
    }

    #[test]
    fn luhn_passes_one_last_digit_of_ten() {
        assert!(luhn(&values("79927398713")));
        for last in [0, 1, 2, 4, 5, 6, 7, 8, 9] {
            let mut wrong = values("79927398713");
            wrong[10] = last;
            assert!(!luhn(&wrong), "{last}");
        }
    }

    #[test]
    fn ranges_do_not_overlap() {
        for (n, one) in ISSUERS.iter().enumerate() {
            assert!((100_000..=one.to).contains(&one.from) && one.to <= 999_999);
            assert!((13..=one.most).contains(&one.least) && one.most <= 19);
            for other in &ISSUERS[n + 1..] {
                assert!(one.to < other.from || other.to < one.from, "{} and {}", one.from, other.from);
            }
        }
    }

    #[test]
    fn ranges_end_where_they_should() {
        for (head, len, issued) in [
            ("222099", 16, false),
            ("222100", 16, true),
            ("272099", 16, true),
            ("272100", 16, false),
            ("352799", 16, false),
            ("352800", 16, true),
            ("358999", 19, true),
            ("359000", 16, false),
            ("306000", 14, false),
            ("309500", 14, true),
            ("370000", 16, false),
            ("400000", 14, false),
            ("400000", 18, false),
            ("400000", 19, true),
            ("500000", 16, false),
            ("560000", 16, false),
            ("676200", 13, true),
            ("676000", 16, false),
            ("820000", 16, false),
        ] {
            let mut digits = values(head);
            digits.resize(len, 0);
            assert_eq!(is_issued(&digits), issued, "{head}, {len} digits");
        }
    }

    #[test]
    fn bar_codes_are_no_short_visa() {
        let jan = values("4901234567894");
        assert!(is_bar_code(&jan) && !is_bar_code(&values("4222222222222")));
        assert!(is_short_visa(&values("4222222222222"), &[13]));
        assert!(!is_short_visa(&values("4222222222222"), &[1, 12]));
        assert!(!is_short_visa(&jan, &[13]));
    }

    #[test]
    fn shapes() {
        for shape in
            [&[16][..], &[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4], &[8, 8], &[6, 13], &[4, 3, 3, 3]]
        {
            assert!(is_shaped(shape), "{shape:?}");
        }
        for shape in [&[4, 4, 4, 5][..], &[3, 5, 4, 4], &[6, 6, 4], &[1, 4, 4, 4, 3], &[2; 8]] {
            assert!(!is_shaped(shape), "{shape:?}");
        }
    }
}
