//! What must not be collected is found and taken out before anything is sealed: numbers
//! of payment cards (PCI DSS v4.0.1, 3.3–3.5) and My Number (個人番号; 番号法20).
//!
//! | Found | In its place |
//! |---|---|
//! | 13 to 19 digits that pass Luhn and begin as an issuer's | `****` and the last four |
//! | 12 digits with a valid check digit | `************` |
//! | the same, where the text speaks of My Number | `［個人番号］` |
//!
//! Digits are read in any script and behind anything invisible (`digits`), in groups
//! over anything that is no letter (`runs`), unless they are plainly a date, time,
//! telephone number or the like (`written`). Everything else stays byte for byte.
//! Numbers that overlap cannot be told apart and are taken out together.
//!
//! # What is not promised
//!
//! A valid last digit is no proof. One of ten numbers of twelve digits, such as those of
//! parcels, passes for a My Number, and lists of bare numbers make many numbers. Taken
//! for one are (measured on 20,000 random strings each by `rates` in the tests):
//!
//! | Text | Masked |
//! |---|---|
//! | 12 digits, in one or as 4-4-4, or three lines of 4 | 10.1 % |
//! | 13 digits | 1.0 % |
//! | 14 digits | 0.4 % |
//! | 15 digits | 0.7 % |
//! | 16 digits, in one or as 4-4-4-4 | 2.8 % |
//! | 17 or 18 digits | 0.8 % |
//! | 18 digits from 5, as ids of LINE messages | 0.02 % |
//! | 19 digits | 1.8 % |
//! | 20 digits | 0 |
//! | JAN codes (45, 49), ISBN-13 | 0 |
//! | two telephone numbers; post code and telephone number | 0 |
//! | two dates with times; stamps in file names; coordinates | 0 |
//! | six amounts with commas | 0 |
//! | six amounts without | 8.4 % |
//! | six numbers of 2 digits | 10.0 % |
//! | seven numbers of 2 digits | 0.4 % |
//! | ten numbers of 4 digits | 17.5 % |
//! | twenty answers from 1 to 5 | 31.2 % |
//! | lines of dates, times, telephone numbers, post codes and the like | 0.03 % |
//!
//! Missed are numbers spelt with letters or with words between, kanji with place value
//! (四千百), a 一 that is a dash here and a one there, pieces of a longer run, groups more
//! than eight signs apart, numbers of which a part is plainly something else
//! (`4111 1111 11 11/11 1111`), short Visa numbers that are valid bar codes or grouped
//! oddly, issuers that are not in the table, a My Number that is a moment
//! (`202604011037`) or, unnamed, stands among further groups over the same separator.
//! Pictures and files are not looked into; nor are a card's code and date of expiry, or
//! a number that is spread over several texts.

use std::{borrow::Cow, fmt, ops::Range};

mod card;
mod digits;
mod my_number;
mod named;
mod runs;
#[cfg(test)]
mod tests;
mod written;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Found {
    /// The number of a payment card.
    Card,
    /// Twelve digits with the check digit of a My Number.
    MyNumber,
    /// The same, in a text that speaks of My Number.
    MyNumberNamed,
}

impl Found {
    /// Everything that can be found.
    pub const ALL: [Self; 3] = [Self::Card, Self::MyNumber, Self::MyNumberNamed];

    /// The word in counts and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::MyNumber => "my_number",
            Self::MyNumberNamed => "my_number_named",
        }
    }
}

/// A text that may be sealed, and what was taken out of it.
pub struct Guarded<'a> {
    /// The text; borrowed if nothing was found.
    pub text: Cow<'a, str>,
    /// What was found, in order of [`Found`], once for each place that was replaced.
    pub found: Vec<Found>,
}

/// Blind: a text is personal data.
impl fmt::Debug for Guarded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("found", &self.found).finish_non_exhaustive()
    }
}

/// Takes card numbers and My Numbers out of a text. What it returns holds none: it is
/// looked through until nothing is found.
pub fn guard(text: &str) -> Guarded<'_> {
    let mut guarded = Guarded { text: Cow::Borrowed(text), found: Vec::new() };
    // Every round takes out at least nine digits, so there is a last one.
    while runs::has_digits(&guarded.text, LEAST_DIGITS) {
        let places = places(&guarded.text);
        if places.is_empty() {
            break;
        }
        guarded.text = Cow::Owned(replaced(&guarded.text, &places));
        guarded.found.extend(places.into_iter().flat_map(|place| place.found));
    }
    guarded.found.sort_unstable();
    guarded
}

/// Fewer digits are neither.
const LEAST_DIGITS: usize = 12;

/// A number as one reading has it.
enum What {
    Card { last_four: [u8; 4], shaped: bool },
    MyNumber { alone: bool },
}

struct Hit {
    span: Range<usize>,
    what: What,
}

/// What is replaced together, and by what.
struct Place {
    span: Range<usize>,
    found: Vec<Found>,
    mask: String,
}

fn replaced(text: &str, places: &[Place]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        out.push_str(&text[at..place.span.start]);
        out.push_str(&place.mask);
        at = place.span.end;
    }
    out.push_str(&text[at..]);
    out
}

fn places(text: &str) -> Vec<Place> {
    let named = named::is_named(text);
    let mut hits = plausible(hits(text, named));
    hits.sort_by_key(|hit| (hit.span.start, hit.span.end));
    let mut clusters: Vec<(Range<usize>, Vec<Hit>)> = Vec::new();
    for hit in hits {
        match clusters.last_mut() {
            Some((span, together)) if hit.span.start < span.end => {
                span.end = span.end.max(hit.span.end);
                together.push(hit);
            }
            _ => clusters.push((hit.span.clone(), vec![hit])),
        }
    }
    clusters.into_iter().map(|(span, hits)| place(span, &hits, named)).collect()
}

fn hits(text: &str, named: bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    for runs in runs::readings(text) {
        for chain in runs::chains(&runs) {
            let written = written::written(chain);
            hits.extend(card::find(chain, &written).into_iter().map(|card| {
                let card::Card { span, last_four, shaped } = card;
                Hit { span, what: What::Card { last_four, shaped } }
            }));
            hits.extend(my_number::find(chain, &written, named).into_iter().map(|number| {
                let my_number::MyNumber { span, alone } = number;
                Hit { span, what: What::MyNumber { alone } }
            }));
        }
    }
    hits
}

/// Leaves out what is most likely read into a card that is grouped as cards are: a card
/// in another grouping that holds a part of it, a My Number inside it that only a word names.
fn plausible(mut hits: Vec<Hit>) -> Vec<Hit> {
    let shaped: Vec<Range<usize>> = hits
        .iter()
        .filter(|hit| matches!(hit.what, What::Card { shaped: true, .. }))
        .map(|hit| hit.span.clone())
        .collect();
    hits.retain(|hit| match hit.what {
        What::Card { shaped: true, .. } | What::MyNumber { alone: true } => true,
        What::Card { .. } => !shaped.iter().any(|card| overlaps(card, &hit.span) && !holds(&hit.span, card)),
        What::MyNumber { .. } => !shaped.iter().any(|card| holds(card, &hit.span)),
    });
    hits
}

fn overlaps(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Numbers that overlap are replaced together. Of a My Number no digit is shown, of
/// cards the last four of the first.
fn place(span: Range<usize>, hits: &[Hit], named: bool) -> Place {
    let my_number = if named { Found::MyNumberNamed } else { Found::MyNumber };
    let mut found: Vec<Found> = hits
        .iter()
        .map(|hit| match hit.what {
            What::Card { .. } => Found::Card,
            What::MyNumber { .. } => my_number,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    let last_four = hits.iter().find_map(|hit| match hit.what {
        What::Card { last_four, .. } => Some(last_four),
        What::MyNumber { .. } => None,
    });
    let mask = match last_four {
        Some(digits) if found == [Found::Card] => shown(digits),
        _ if named => "［個人番号］".to_owned(),
        _ => "*".repeat(12),
    };
    Place { span, found, mask }
}

fn shown(last_four: [u8; 4]) -> String {
    "****".chars().chain(last_four.map(|digit| char::from(b'0' + digit))).collect()
}
