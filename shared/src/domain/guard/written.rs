//! What is plainly written as something else than a card number or My Number: dates,
//! times, telephone numbers, post codes, amounts, decimals, network addresses.
//!
//! A thing is plainly written only when it is whole: what adjoins it stands behind
//! another separator than those inside it. `12/27` in `12/27 123` is a date, in
//! `1111/12/27/34` it is not.

use super::runs::{Run, digits, gaps, lengths, separators};

/// What a run is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing that is recognised.
    Open,
    /// A date, time, post code, amount, decimal or network address.
    Other,
    /// A telephone number, or a decimal that begins with zero: no number, whatever its shape.
    Never,
}

/// What each run of a chain is part of.
pub(super) fn written(chain: &[Run]) -> Vec<Written> {
    let mut all = vec![Written::Open; chain.len()];
    let mut at = 0;
    while at < chain.len() {
        let (len, what) = at_start(chain, at).unwrap_or((1, Written::Open));
        all[at..at + len].fill(what);
        at += len;
    }
    all
}

/// Whether runs can be read as a number, none of them being written as something else.
/// In its usual shape and over one separator a number stands out from what else is read
/// into a part of it.
pub(super) fn are_free(runs: &[Run], written: &[Written], shaped: bool) -> bool {
    let separators = separators(runs);
    let stands_out = shaped && separators.iter().all(|separator| *separator == separators[0]);
    written.iter().all(|what| match what {
        Written::Open => true,
        Written::Other => stands_out,
        Written::Never => false,
    })
}

/// Whether twelve digits are a moment, as machines write it: `YYYYMMDDhhmm`.
pub(super) fn is_minute(d: &[u8]) -> bool {
    d.len() == 12
        && (1990..=2039).contains(&value(&d[..4]))
        && is_day(value(&d[4..6]), value(&d[6..8]))
        && is_time(value(&d[8..10]), value(&d[10..]))
}

/// Whether twelve digits are a moment with a short year: `YYMMDDhhmmss`.
pub(super) fn is_second(d: &[u8]) -> bool {
    d.len() == 12
        && (10..=39).contains(&value(&d[..2]))
        && is_day(value(&d[2..4]), value(&d[4..6]))
        && is_time(value(&d[6..8]), value(&d[8..10]))
        && value(&d[10..]) < 60
}

type Form = fn(&[Run]) -> bool;

/// The forms by the number of their runs, the longer ones first.
const FORMS: [(usize, Form); 12] = [
    (6, is_stamp),
    (5, is_stamp),
    (4, is_address),
    (3, is_date),
    (3, is_clock),
    (3, is_phone),
    (2, is_month_and_day),
    (2, is_clock),
    (2, is_phone),
    (2, is_decimal),
    (2, is_post_code),
    (1, is_phone_in_one),
];

fn at_start(chain: &[Run], at: usize) -> Option<(usize, Written)> {
    if let Some(len) = international(&chain[at..]) {
        return Some((len, Written::Never));
    }
    if let Some(len) = amount(&chain[at..])
        && is_whole(chain, at, len)
    {
        return Some((len, Written::Other));
    }
    let fits = |(len, form): &&(usize, Form)| chain.get(at..at + len).is_some_and(form) && is_whole(chain, at, *len);
    let (len, _) = FORMS.iter().find(fits)?;
    let runs = &chain[at..at + len];
    let fraction = is_decimal(runs) && runs[0].digits == [0];
    let never = fraction || is_phone(runs) || is_phone_in_one(runs);
    Some((*len, if never { Written::Never } else { Written::Other }))
}

/// Whether runs are not a piece of something longer: written on over a separator that is
/// also inside, or in digits of another script that touch and go on (the 三 of `10:30三名`
/// ends there).
fn is_whole(chain: &[Run], at: usize, len: usize) -> bool {
    let inside = gaps(&chain[at..at + len]);
    let (before, after) = (chain[at].gap.as_deref(), chain.get(at + len).and_then(|run| run.gap.as_deref()));
    let goes_on = |gap: Option<&str>, at_the_end: bool| match gap {
        None => false,
        Some("") => !at_the_end,
        Some(gap) => inside.contains(&gap),
    };
    !goes_on(before, false) && !goes_on(after, at + len + 1 == chain.len())
}

fn value(digits: &[u8]) -> u32 {
    digits.iter().take(9).fold(0, |value, d| value * 10 + u32::from(*d))
}

fn values(runs: &[Run]) -> Vec<u32> {
    runs.iter().map(|run| value(&run.digits)).collect()
}

fn is_year(year: u32) -> bool {
    (1900..=2099).contains(&year)
}

fn is_day(month: u32, day: u32) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Shops write 25:00 for one in the morning.
fn is_time(hour: u32, minute: u32) -> bool {
    hour < 30 && minute < 60
}

fn is_short(run: &Run) -> bool {
    run.digits.len() <= 2
}

fn all_gaps(runs: &[Run], one_of: &[&str]) -> bool {
    let gaps = gaps(runs);
    gaps.iter().all(|gap| one_of.contains(gap) && *gap == gaps[0])
}

/// `2026-04-01-10-30` and `2026_04_01_10_30_00`.
fn is_stamp(runs: &[Run]) -> bool {
    let v = values(runs);
    lengths(runs)[0] == 4
        && runs[1..].iter().all(is_short)
        && all_gaps(runs, &["-", "_", ".", "/", ":", " "])
        && is_year(v[0])
        && is_day(v[1], v[2])
        && is_time(v[3], v[4])
        && v.get(5).is_none_or(|second| *second < 60)
}

/// `2026/4/1`, `2026-04-01`, `2026.4.1`, `26/04/01`, `4/1/2026`.
fn is_date(runs: &[Run]) -> bool {
    let v = values(runs);
    match lengths(runs)[..] {
        [4, 1..=2, 1..=2] => all_gaps(runs, &["/", "-", "."]) && is_year(v[0]) && is_day(v[1], v[2]),
        [2, 2, 2] => all_gaps(runs, &["/"]) && is_day(v[1], v[2]),
        [1..=2, 1..=2, 4] => all_gaps(runs, &["/"]) && is_year(v[2]) && (is_day(v[0], v[1]) || is_day(v[1], v[0])),
        _ => false,
    }
}

fn is_month_and_day(runs: &[Run]) -> bool {
    let v = values(runs);
    runs.iter().all(is_short) && all_gaps(runs, &["/"]) && is_day(v[0], v[1])
}

/// `9:30` and `09:30:00`.
fn is_clock(runs: &[Run]) -> bool {
    let v = values(runs);
    is_short(&runs[0])
        && runs[1..].iter().all(|run| run.digits.len() == 2)
        && all_gaps(runs, &[":"])
        && is_time(v[0], v[1])
        && v.get(2).is_none_or(|second| *second < 60)
}

/// A Japanese number with hyphens or parentheses, in the groupings of the numbering plan
/// (電気通信番号規則; 総務省 電気通信番号計画): `03-1234-5678`, `090(1234)5678`, `(0120)123-456`.
fn is_phone(runs: &[Run]) -> bool {
    let d = digits(runs);
    let grouped = match lengths(runs)[..] {
        [2, 4, 4] | [3, 3, 4] | [4, 2, 4] | [5, 1, 4] | [4, 3, 3] => true,
        [3, 4, 4] | [3, 8] => is_mobile(&d),
        [4, 3, 4] => d.starts_with(&[0, 8, 0, 0]),
        [2, 8] | [3, 7] => true,
        [4, 6] => matches!(d[..4], [0, 1, 2, 0] | [0, 5, 7, 0]),
        _ => false,
    };
    grouped && is_domestic(&d) && has_phone_gaps(runs)
}

fn is_domestic(d: &[u8]) -> bool {
    d[0] == 0 && d[1] != 0
}

/// 090, 080, 070, 060, 050 (IP telephones) and 020 (machines).
fn is_mobile(d: &[u8]) -> bool {
    matches!(d, [0, 2 | 5..=9, 0, ..])
}

fn has_phone_gaps(runs: &[Run]) -> bool {
    let opened = runs[0].lead == Some('(');
    match gaps(runs)[..] {
        ["-"] | ["-", "-"] | ["(", ")" | ")-" | ") "] => true,
        [")" | ")-" | ") "] | [")" | ")-" | ") ", "-"] => opened,
        _ => false,
    }
}

/// Ten or eleven digits from 0, as telephone numbers are keyed in.
fn is_phone_in_one(runs: &[Run]) -> bool {
    let [run] = runs else { return false };
    let d = &run.digits;
    match d.len() {
        10 => is_domestic(d),
        11 => is_mobile(d) || d.starts_with(&[0, 8, 0, 0]),
        _ => false,
    }
}

/// The runs of a number behind `+` (ITU-T E.164): with 81 those of a Japanese number,
/// otherwise as many as make no more than thirteen digits.
fn international(runs: &[Run]) -> Option<usize> {
    let first = runs.first().filter(|run| run.lead == Some('+') && run.digits[0] != 0)?;
    let joined = runs[1..].iter().take_while(|run| is_phone_gap(run.gap.as_deref().unwrap_or("+"))).count();
    let sum = |len: usize| lengths(&runs[..len]).iter().sum::<usize>();
    let japan = first.digits.starts_with(&[8, 1]);
    let most = match japan {
        // The zero of `+81(0)90…` is one digit more.
        true if runs.get(1).is_some_and(|run| run.digits == [0]) => 13,
        true => 12,
        false => 13,
    };
    let grouped = first.digits.len() <= 3;
    let len = (1..=joined + 1).rev().find(|len| (8..=most).contains(&sum(*len)))?;
    (grouped || len == 1).then_some(len)
}

fn is_phone_gap(gap: &str) -> bool {
    !gap.is_empty() && gap.chars().all(|c| matches!(c, ' ' | '-' | '(' | ')' | '.'))
}

/// The runs of `1,280` and `123,456,789`. Twelve digits in groups of three are more
/// than an amount in a message.
fn amount(runs: &[Run]) -> Option<usize> {
    let head = &runs.first()?.digits;
    let groups = runs[1..].iter().take_while(|run| run.gap.as_deref() == Some(",") && run.digits.len() == 3).count();
    (head.len() <= 3 && head[0] != 0 && (1..=2).contains(&groups)).then_some(1 + groups)
}

/// `35.681236`. Behind a dot that numbers an item, twelve digits can be a My Number.
fn is_decimal(runs: &[Run]) -> bool {
    let [head, tail] = runs else { return false };
    let zero = head.digits == [0];
    all_gaps(runs, &["."]) && (zero || head.digits.len() <= 3 && head.digits[0] != 0 && tail.digits.len() != 12)
}

/// `〒100-0001`.
fn is_post_code(runs: &[Run]) -> bool {
    runs[0].lead == Some('〒') && lengths(runs) == [3, 4] && all_gaps(runs, &["-"])
}

/// `192.168.0.1`.
fn is_address(runs: &[Run]) -> bool {
    let octet = |run: &Run| match run.digits[..] {
        [_] => true,
        [0, ..] => false,
        _ => run.digits.len() <= 3 && value(&run.digits) <= 255,
    };
    all_gaps(runs, &["."]) && runs.iter().all(octet)
}

#[cfg(test)]
mod tests {
    use super::super::runs::{chains, readings};
    use super::*;

    /// The digits of the runs that are written as something else.
    fn others(text: &str) -> Vec<String> {
        let runs = readings(text).remove(0);
        let mut others = Vec::new();
        for chain in chains(&runs) {
            for (run, what) in chain.iter().zip(written(chain)) {
                if what != Written::Open {
                    others.push(run.digits.iter().map(|d| char::from(b'0' + d)).collect());
                }
            }
        }
        others
    }

    #[test]
    fn what_is_written_as_something_else() {
        for (text, other) in [
            ("2026/4/1", "2026 4 1"),
            ("2026-04-01 10:30:00", "2026 04 01 10 30 00"),
            ("2026-04-01-10-30", "2026 04 01 10 30"),
            ("2026-04-01 - 2026-04-30", "2026 04 01 2026 04 30"),
            ("26/04/01", "26 04 01"),
            ("4/1/2026", "4 1 2026"),
            ("11/22 10:30-11:30", "11 22 10 30 11 30"),
            ("12/27 123", "12 27"),
            ("10:30三名", "10 30"),
            ("090-1234-5678 080-1234-5678", "090 1234 5678 080 1234 5678"),
            ("03-1234-5678,0120-123-456", "03 1234 5678 0120 123 456"),
            ("03(1234)5678/(0120)123-456", "03 1234 5678 0120 123 456"),
            ("（090）1234－5678", "090 1234 5678"),
            ("+81-90-1234-5678 +81(0)3 1234 5678", "81 90 1234 5678 81 0 3 1234 5678"),
            ("+819012345678", "819012345678"),
            ("+44 20 7946 0958", "44 20 7946 0958"),
            ("3 09012345678", "09012345678"),
            ("1,280 980 12,800", "1 280 12 800"),
            ("35.681236, 139.767125", "35 681236 139 767125"),
            ("0.123456789018", "0 123456789018"),
            ("〒100-0001 1-2-3", "100 0001"),
            ("192.168.100.200:8080", "192 168 100 200"),
        ] {
            assert_eq!(others(text).join(" "), other, "{text}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            "13/27",
            "2/30",
            "10:30三4",
            "1899/1/1",
            "30:00",
            "9:60",
            "1111/12/27/34",
            "12/27/34/5",
            "090-1234-5678-90",
            "190-1234-5678",
            "00-1234-5678",
            "1234.5678.9018",
            "1.123456789018",
            "1234,567",
            "123,456,789,018",
            "256.1.1.1",
            "01.02.03.04",
            "+1234 5678 9018",
            "+4111 1111 1111 1111",
            "4111-1111-1111-1111",
        ] {
            assert_eq!(others(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn moments() {
        assert!(is_minute(&[2, 0, 2, 6, 0, 4, 0, 1, 1, 0, 3, 0]));
        assert!(!is_minute(&[2, 0, 2, 6, 1, 3, 0, 1, 1, 0, 3, 0]));
        assert!(is_second(&[2, 6, 0, 4, 0, 1, 1, 0, 3, 0, 5, 9]));
        assert!(!is_second(&[4, 6, 0, 4, 0, 1, 1, 0, 3, 0, 5, 9]));
    }
}
