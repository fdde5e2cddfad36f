//! A length of time in a file: exactly one of `days`, `months`, `years`.

use azukari::domain::retention::Term;

use crate::config::section::Section;

/// Reads the length; notes a problem if there is none, or more than one.
pub(super) fn term(section: &Section<'_>) -> Option<Term> {
    let terms = [
        section.number("days", 1..=36_500).map(|n| Term::Days(n.value)),
        section.number("months", 1..=1_200).map(|n| Term::Months(n.value)),
        section.number("years", 1..=100).map(|n| Term::Years(n.value)),
    ];
    let mut given = terms.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(term), None) => Some(term),
        (None, _) if section.has_any(&["days", "months", "years"]) => None,
        _ => {
            let name = section.name();
            let en = format!("{name} must have exactly one of days, months, years");
            let ja = format!("{name}にはdays、months、yearsのどれか一つを書いてください");
            section.problem(section.at(), &ja, &en);
            None
        }
    }
}
