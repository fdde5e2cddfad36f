//! How often what is neither is taken for one: measured, and held within bounds.

use super::{Dice, guard};

const ROUNDS: usize = if cfg!(debug_assertions) { 1_000 } else { 20_000 };

#[expect(clippy::print_stderr, reason = "the figures in the documentation are read from here")]
pub(super) fn report(name: &str, rounds: usize, share: f64) {
    eprintln!("{:6.2} %  {name} (of {rounds})", share * 100.0);
}

/// Texts made by `make`, of which a share of at most `bound` may be changed.
fn masked(name: &str, bound: f64, make: impl Fn(&mut Dice) -> String) {
    let mut dice = Dice(0x5eed_7a7e);
    let changed = (0..ROUNDS).filter(|_| !guard(&make(&mut dice)).found.is_empty()).count();
    let share = changed as f64 / ROUNDS as f64;
    report(name, ROUNDS, share);
    assert!(share <= bound, "{name}: {share}");
}

fn list(dice: &mut Dice, len: usize, separator: &str, mut make: impl FnMut(&mut Dice) -> String) -> String {
    let parts: Vec<String> = (0..len).map(|_| make(dice)).collect();
    parts.join(separator)
}

fn bar_code(dice: &mut Dice, head: &str) -> String {
    let body = format!("{head}{}", dice.digits(12 - head.len()));
    let sum: usize = body.bytes().zip([1, 3].into_iter().cycle()).map(|(b, w)| usize::from(b - b'0') * w).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[test]
fn rates() {
    for (len, bound) in
        [(12, 0.11), (13, 0.02), (14, 0.02), (15, 0.02), (16, 0.05), (17, 0.02), (18, 0.02), (19, 0.05), (20, 0.0)]
    {
        masked(&format!("{len} random digits"), bound, |dice| dice.digits(len));
    }
    masked("18 digits from 5", 0.005, |dice| format!("5{}", dice.digits(17)));
    masked("JAN codes (45, 49)", 0.0, |dice| {
        let head = dice.one(&["45", "49"]);
        bar_code(dice, head)
    });
    masked("ISBN-13 (978)", 0.0, |dice| bar_code(dice, "978"));
    masked("12 digits as 4-4-4", 0.11, |dice| list(dice, 3, "-", |dice| dice.digits(4)));
    masked("16 digits as 4-4-4-4", 0.05, |dice| list(dice, 4, "-", |dice| dice.digits(4)));
    masked("three numbers of 4 digits, a line each", 0.11, |dice| list(dice, 3, "\n", |dice| dice.digits(4)));
    masked("ten numbers of 4 digits", 0.35, |dice| list(dice, 10, " ", |dice| dice.digits(4)));
    masked("pairs of telephone numbers", 0.002, |dice| {
        let separator = dice.one(&[" ", "\n", "/", ",", "、", "　", " / "]);
        list(dice, 2, separator, Dice::phone)
    });
    masked("pairs of mobile numbers in one piece", 0.002, |dice| {
        list(dice, 2, " ", |dice| format!("090{}", dice.digits(8)))
    });
    masked("postal code and number in one piece", 0.002, |dice| {
        format!("{}-{} 090{}", dice.digits(3), dice.digits(4), dice.digits(8))
    });
    masked("dates and times", 0.002, |dice| {
        let separator = dice.one(&[" ", "-", "\n", "〜", ", "]);
        format!("{} {}{separator}{} {}", dice.date(), dice.time(), dice.date(), dice.time())
    });
    masked("stamps in file names", 0.002, |dice| {
        let (date, time) = (dice.below(28) + 1, dice.below(60));
        let separator = dice.one(&["-", "_", ""]);
        format!("202604{date:02}{separator}10{time:02}")
    });
    masked("coordinates in Japan", 0.002, |dice| {
        format!("{}.{}, {}.{}", 26 + dice.below(20), dice.digits(6), 127 + dice.below(19), dice.digits(6))
    });
    masked("six amounts with commas", 0.01, |dice| {
        list(dice, 6, " ", |dice| format!("{},{}", 1 + dice.below(30), dice.digits(3)))
    });
    masked("six amounts without", 0.12, |dice| list(dice, 6, " ", |dice| (100 + dice.below(9_900)).to_string()));
    masked("six numbers of 2 digits", 0.11, |dice| list(dice, 6, " ", |dice| dice.digits(2)));
    masked("seven numbers of 2 digits", 0.05, |dice| list(dice, 7, " ", |dice| dice.digits(2)));
    masked("twenty answers from 1 to 5", 0.35, |dice| list(dice, 20, ",", |dice| (1 + dice.below(5)).to_string()));
}
