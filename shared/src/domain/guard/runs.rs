//! A text as runs of digits, joined to chains by what may stand between them.

use std::ops::Range;

use super::digits::{Script, Sign, clings, read};

/// A gap of more signs than this ends a chain.
const MAX_GAP: usize = 8;

/// Adjacent digits of one script. It is never split: a part of an identifier of
/// twenty digits is no card number.
pub(super) struct Run {
    /// The values.
    pub(super) digits: Vec<u8>,
    /// Where it stands in the text, in bytes.
    pub(super) span: Range<usize>,
    /// What stands between it and the run before: nothing where two scripts touch,
    /// `None` where a chain begins.
    pub(super) gap: Option<String>,
    /// The sign directly before it, if that is a gap.
    pub(super) lead: Option<char>,
}

/// How a single 一 between two figures reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bar {
    Dash,
    One,
}

struct Mark {
    sign: Sign,
    span: Range<usize>,
    bar: bool,
}

/// Whether a text holds at least so many digits, counting what can be one.
pub(super) fn has_digits(text: &str, least: usize) -> bool {
    let mut count = 0;
    text.chars().any(|c| {
        read(c, |sign| count += usize::from(matches!(sign, Sign::Digit(..)) || is_ring(sign)));
        count >= least
    })
}

/// The runs of a text; twice, if a 一 in it can be a dash or a one.
pub(super) fn readings(text: &str) -> Vec<Vec<Run>> {
    let mut marks = marks(text);
    fill_rings(&mut marks);
    find_bars(text, &mut marks);
    let mut readings = vec![runs(&marks, Bar::One)];
    if marks.iter().any(|mark| mark.bar) {
        readings.push(runs(&marks, Bar::Dash));
    }
    readings
}

/// The chains of a reading.
pub(super) fn chains(runs: &[Run]) -> impl Iterator<Item = &[Run]> {
    runs.chunk_by(|_, next| next.gap.is_some())
}

/// Every sequence of consecutive runs with so many digits in sum.
pub(super) fn windows(chain: &[Run], least: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..chain.len()).flat_map(move |first| {
        let mut sum = 0;
        chain[first..]
            .iter()
            .enumerate()
            .map(move |(n, run)| {
                sum += run.digits.len();
                (first..first + n + 1, sum)
            })
            .take_while(move |(_, sum)| *sum <= most)
            .filter(move |(_, sum)| *sum >= least)
            .map(|(window, _)| window)
    })
}

/// The digits of consecutive runs.
pub(super) fn digits(runs: &[Run]) -> Vec<u8> {
    runs.iter().flat_map(|run| run.digits.iter().copied()).collect()
}

/// The lengths of consecutive runs.
pub(super) fn lengths(runs: &[Run]) -> Vec<usize> {
    runs.iter().map(|run| run.digits.len()).collect()
}

/// The gaps between consecutive runs.
pub(super) fn gaps(runs: &[Run]) -> Vec<&str> {
    runs.iter().skip(1).map(|run| run.gap.as_deref().unwrap_or_default()).collect()
}

/// What separates consecutive runs, where they do not touch.
pub(super) fn separators(runs: &[Run]) -> Vec<&str> {
    gaps(runs).into_iter().filter(|gap| !gap.is_empty()).collect()
}

/// The lengths of consecutive runs, those that touch counted as one.
pub(super) fn groups(runs: &[Run]) -> Vec<usize> {
    runs.chunk_by(|_, next| next.gap.as_deref() == Some("")).map(|runs| lengths(runs).iter().sum()).collect()
}

/// The bytes from the first to the last of consecutive runs.
pub(super) fn span(runs: &[Run]) -> Range<usize> {
    let start = runs.first().map_or(0, |run| run.span.start);
    start..runs.last().map_or(start, |run| run.span.end)
}

fn marks(text: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::with_capacity(text.len());
    for (from, c) in text.char_indices() {
        let to = from + c.len_utf8();
        if clings(c)
            && let Some(last) = marks.last_mut()
            && last.span.end == from
        {
            last.span.end = to;
        }
        read(c, |sign| marks.push(Mark { sign, span: from..to, bar: false }));
    }
    marks
}

fn script(mark: Option<&Mark>) -> Option<Script> {
    match mark?.sign {
        Sign::Digit(_, script) => Some(script),
        Sign::Gap(_) | Sign::Word => None,
    }
}

fn is_ring(sign: Sign) -> bool {
    matches!(sign, Sign::Gap('○' | '◯'))
}

/// Makes zeros of ○ and ◯ that touch digits on both sides. Elsewhere they are bullets,
/// or stand for what the writer leaves out.
fn fill_rings(marks: &mut [Mark]) {
    let mut at = 0;
    while at < marks.len() {
        let len = marks[at..].iter().take_while(|mark| is_ring(mark.sign)).count();
        let before = at.checked_sub(1).and_then(|n| script(marks.get(n)));
        if let (Some(script), Some(_)) = (before, script(marks.get(at + len))) {
            marks[at..at + len].iter_mut().for_each(|mark| mark.sign = Sign::Digit(0, script));
        }
        at += len.max(1);
    }
}

fn find_bars(text: &str, marks: &mut [Mark]) {
    for at in 1..marks.len().saturating_sub(1) {
        let between = [at - 1, at + 1].iter().all(|n| script(marks.get(*n)) == Some(Script::Figure));
        marks[at].bar = between && text[marks[at].span.clone()].starts_with(['一', '\u{2F00}']);
    }
}

fn runs(marks: &[Mark], bar: Bar) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut gap = Gap::default();
    let mut open = None;
    for (at, mark) in marks.iter().enumerate() {
        match mark.sign {
            _ if mark.bar && bar == Bar::Dash => {
                open = None;
                gap.push('-');
            }
            Sign::Digit(value, script) if open == Some(script) => {
                if let Some(run) = runs.last_mut() {
                    run.digits.push(value);
                    run.span.end = mark.span.end;
                }
            }
            Sign::Digit(value, script) => {
                open = Some(script);
                let joined = gap.take();
                let lead = at.checked_sub(1).and_then(|n| match marks[n].sign {
                    Sign::Gap(c) => Some(c),
                    Sign::Digit(..) | Sign::Word => None,
                });
                let gap = joined.filter(|_| !runs.is_empty());
                runs.push(Run { digits: vec![value], span: mark.span.clone(), gap, lead });
            }
            Sign::Gap(c) => {
                open = None;
                gap.push(c);
            }
            Sign::Word => {
                open = None;
                gap.ended = true;
            }
        }
    }
    runs
}

/// What has been read since the last digit.
#[derive(Default)]
struct Gap {
    written: String,
    len: usize,
    ended: bool,
}

impl Gap {
    /// Adds a sign; several spaces and line breaks count as one.
    fn push(&mut self, c: char) {
        self.len += 1;
        let blank = |c: char| matches!(c, ' ' | '\n');
        match self.written.chars().last() {
            Some(last) if blank(last) && blank(c) => {
                if c == '\n' {
                    self.written.pop();
                    self.written.push(c);
                }
            }
            _ => self.written.push(c),
        }
    }

    /// The gap, if it joins, and begins the next.
    fn take(&mut self) -> Option<String> {
        let gap = std::mem::take(self);
        (!gap.ended && gap.len <= MAX_GAP).then_some(gap.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        readings(text)
            .iter()
            .map(|runs| {
                runs.iter()
                    .map(|run| {
                        let digits: String = run.digits.iter().map(|d| char::from(b'0' + d)).collect();
                        format!("{}{digits}", run.gap.as_deref().unwrap_or("|"))
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn runs_and_chains() {
        for (text, runs) in [
            ("", ""),
            ("12 34", "|12 34"),
            ("12番34", "|12|34"),
            ("12ー34 \n  56", "|12-34\n56"),
            ("12-------34", "|12-------34"),
            ("12---------34", "|12|34"),
            ("5678一緒に", "|56781"),
            ("二○二六年10○", "|2026|10"),
            ("1\u{200B}2①⑩", "|12110"),
        ] {
            assert_eq!(shown(text), [runs], "{text}");
        }
    }

    #[test]
    fn a_bar_is_a_dash_or_a_one() {
        assert_eq!(shown("12一34"), ["|12134", "|12-34"]);
        let one = &readings("12一34")[0];
        assert_eq!((lengths(one), groups(one)), (vec![2, 1, 2], vec![5]));
    }

    #[test]
    fn spans_take_in_what_clings() {
        let text = "あ1️⃣2️⃣い";
        let runs = &readings(text)[0];
        assert_eq!(&text[span(runs)], "1️⃣2️⃣");
    }
}
