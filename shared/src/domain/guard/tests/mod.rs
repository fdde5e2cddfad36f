//! The guard as a whole.

mod chance;
mod found;
mod rates;
mod stays;

use super::guard;

/// A guarded text, and what was found in it.
fn guarded(text: &str) -> (String, Vec<&'static str>) {
    let guarded = guard(text);
    (guarded.text.into_owned(), guarded.found.into_iter().map(super::Found::as_str).collect())
}

/// Seeded numbers that seem random (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }

    /// A number with a valid last digit that begins as given.
    fn card(&mut self, head: &str, len: usize) -> String {
        let body = format!("{head}{}", self.digits(len - head.len() - 1));
        (0..10).map(|last| format!("{body}{last}")).find(|number| luhn(number)).unwrap()
    }

    fn my_number(&mut self) -> String {
        let body = self.digits(11);
        format!("{body}{}", check_digit(&body))
    }

    /// A telephone number with hyphens, or now and then parentheses.
    fn phone(&mut self) -> String {
        let head = self.one(&["090", "080", "070", "050", "03", "06", "052", "0422", "0120", "0800"]);
        let digits = self.digits(8);
        let (a, b) = match head.len() {
            2 => (&digits[..4], &digits[4..]),
            3 if head.ends_with('0') => (&digits[..4], &digits[4..]),
            3 => (&digits[..3], &digits[3..7]),
            _ if head == "0422" => (&digits[..2], &digits[2..6]),
            _ if head == "0120" => (&digits[..3], &digits[3..6]),
            _ => (&digits[..3], &digits[3..7]),
        };
        if self.below(6) == 0 { format!("{head}({a}){b}") } else { format!("{head}-{a}-{b}") }
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (2000 + self.below(40), 1 + self.below(12), 1 + self.below(28));
        match self.below(5) {
            0 => format!("{year}/{month}/{day}"),
            1 => format!("{year}-{month:02}-{day:02}"),
            2 => format!("{year}.{month}.{day}"),
            3 => format!("{month}/{day}"),
            _ => format!("{year}年{month}月{day}日"),
        }
    }

    fn time(&mut self) -> String {
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        if self.below(4) == 0 { format!("{hour:02}:{minute:02}:{second:02}") } else { format!("{hour}:{minute:02}") }
    }
}

fn luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, b)| match (n % 2, u32::from(b - b'0')) {
            (0, d) => d,
            (_, d) => 2 * d / 10 + 2 * d % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Computed from the left, unlike the product.
fn check_digit(leading: &str) -> u32 {
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = leading.bytes().zip(weights).map(|(b, weight)| u32::from(b - b'0') * weight).sum();
    let left = 11 - sum % 11;
    if left > 9 { 0 } else { left }
}
