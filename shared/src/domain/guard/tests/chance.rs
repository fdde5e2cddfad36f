//! Numbers written at random, and ordinary texts put together at random.

use unicode_normalization::UnicodeNormalization;

use super::{Dice, check_digit, guard, luhn};

const ROUNDS: usize = if cfg!(debug_assertions) { 1_000 } else { 20_000 };

const BRANDS: [(&str, usize); 24] = [
    ("4", 13),
    ("4", 16),
    ("4", 19),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("3528", 16),
    ("3589", 19),
    ("300", 14),
    ("305", 16),
    ("3095", 14),
    ("36", 14),
    ("39", 19),
    ("6011", 16),
    ("644", 16),
    ("65", 19),
    ("62", 16),
    ("81", 17),
    ("5018", 13),
    ("6759", 18),
    ("6763", 16),
];

/// Digits as people and keyboards write them, zero to nine.
const FIGURES: [&str; 8] = [
    "0123456789",
    "０１２３４５６７８９",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "⓿❶❷❸❹❺❻❼❽❾",
    "٠١٢٣٤٥٦٧٨٩",
    "०१२३४५६७८९",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "⁰¹²³⁴⁵⁶⁷⁸⁹",
];
const KANJI: [&str; 3] = ["〇一二三四五六七八九", "零壱弐参肆伍陸漆捌玖", "零壹貳參四五六柒八九"];

/// Throughout or not at all: by themselves they write dates, times and decimals.
const WRITERS: [&str; 6] = ["/", ".", ",", ":", "／", "、"];
const SEPARATORS: [&str; 14] = [" ", "-", "　", "－", "ー", "−", "—", "・", "_", "\n", "\r\n", "*", "→", " - "];
const MY_NUMBER_SEPARATORS: [&str; 10] = [" ", "-", "　", "－", "ー", "−", "・", "_", "\n", "\r\n"];
const MY_NUMBER_WRITERS: [&str; 3] = [",", "、", "."];

impl Dice {
    fn groups(&mut self, number: &str, most: usize) -> Vec<String> {
        let mut rest = number;
        let mut groups = Vec::new();
        while !rest.is_empty() {
            let (group, others) = rest.split_at((1 + self.below(most)).min(rest.len()));
            groups.push(group.to_owned());
            rest = others;
        }
        groups
    }

    fn even_groups(&mut self, number: &str, sizes: &[usize]) -> Vec<String> {
        let size = self.one(sizes);
        number.as_bytes().chunks(size).map(|group| String::from_utf8_lossy(group).into_owned()).collect()
    }

    /// A group in another script, now and then with something invisible inside.
    fn written(&mut self, group: &str, script: &str) -> String {
        let script: Vec<char> = script.chars().collect();
        let mut out = String::new();
        for (n, b) in group.bytes().enumerate() {
            if n > 0 && self.below(12) == 0 {
                out.push(self.one(&['\u{200B}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{AD}', '\u{FE0F}', '\u{20E3}']));
            }
            out.push(script[usize::from(b - b'0')]);
        }
        out
    }

    /// A group with every digit in a script of its own.
    fn scrambled(&mut self, group: &str) -> String {
        let scripts = [&FIGURES[..], &KANJI[..]].concat();
        group.chars().filter_map(|c| self.one(&scripts).chars().nth(c.to_digit(10)? as usize)).collect()
    }

    fn joined(&mut self, groups: &[String], separators: &[&str], mixed: bool) -> String {
        let one = self.one(separators);
        let mut out = String::new();
        for (n, group) in groups.iter().enumerate() {
            if n > 0 {
                out.push_str(if mixed { self.one(separators) } else { one });
            }
            out.push_str(group);
        }
        out
    }

    fn written_card(&mut self, number: &str) -> String {
        let groups = match self.below(4) {
            // Thirteen digits of Visa are read in one run only.
            _ if number.len() == 13 && number.starts_with('4') => vec![number.to_owned()],
            0 => vec![number.to_owned()],
            1 => self.even_groups(number, &[1, 2, 3, 4, 8]),
            _ => self.groups(number, 6),
        };
        let groups: Vec<String> = match self.below(3) {
            0 => {
                let script = self.one(&[&FIGURES[..], &KANJI[..]].concat());
                groups.iter().map(|group| self.written(group, script)).collect()
            }
            1 => groups.iter().map(|group| self.scrambled(group)).collect(),
            _ => groups
                .iter()
                .map(|group| {
                    let script = self.one(&FIGURES);
                    self.written(group, script)
                })
                .collect(),
        };
        match self.below(3) {
            0 => self.joined(&groups, &WRITERS, false),
            1 => self.joined(&groups, &SEPARATORS, false),
            _ => self.joined(&groups, &SEPARATORS, true),
        }
    }

    fn written_my_number(&mut self, number: &str) -> String {
        let (groups, mixed) = match self.below(3) {
            0 => (vec![number.to_owned()], false),
            1 => (self.even_groups(number, &[1, 2, 3, 4, 6]), self.below(2) == 0),
            _ => (self.groups(number, 6), false),
        };
        let script = self.one(&[&FIGURES[..], &KANJI[..]].concat());
        let groups: Vec<String> = groups.iter().map(|group| self.written(group, script)).collect();
        match self.below(4) {
            0 => self.joined(&groups, &MY_NUMBER_WRITERS, false),
            _ => self.joined(&groups, &MY_NUMBER_SEPARATORS, mixed),
        }
    }

    fn word(&mut self) -> &'static str {
        self.one(&[
            "カードは",
            "番号：",
            "です。",
            "よろしくお願いします",
            "No.",
            "card: ",
            "名前は山田太郎",
            "\nよろしく\n",
            "「",
            "」",
            "→",
            "",
            " is ",
            "です\n",
            "💳",
        ])
    }

    /// What may stand beside a number: words, and things that are plainly something else.
    fn beside(&mut self) -> String {
        let words = self.word().to_owned();
        match self.below(8) {
            0 => format!("{words}、{}、", self.phone()),
            1 => format!("{words}と{}\n", self.date()),
            2 => format!("{words}と{} ", self.time()),
            _ => words,
        }
    }
}

#[test]
fn cards_written_at_random_are_found() {
    let mut dice = Dice(0x5eed_ca4d);
    let mut missed = 0;
    for _ in 0..ROUNDS {
        let (head, len) = dice.one(&BRANDS);
        let number = dice.card(head, len);
        if len == 13 && head == "4" && is_bar_code(&number) {
            continue;
        }
        let (before, after) = (dice.beside(), dice.beside());
        let written = dice.written_card(&number);
        let text = format!("{before}{written}{after}");
        let guarded = guard(&text);
        if guarded.found.is_empty() && may_be_something_else(&written) {
            missed += 1;
            continue;
        }
        assert!(!guarded.found.is_empty(), "{number} as {text:?}");
        let mask = guarded.text.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
        let shown = mask.and_then(|mask| mask.strip_prefix("****"));
        // By chance a shorter number is found inside, or twelve digits that pass as My Number.
        let few =
            shown.is_some_and(|rest| rest == "********" || rest.chars().filter(char::is_ascii_digit).count() <= 7);
        assert!(few, "{number} as {text:?} left {:?}", guarded.text);
        assert!(!guarded.text.contains(&number[..10]) && left(&guarded.text).is_none_or(|n| !number.contains(&n)));
    }
    report("cards of which a part is read as something else", missed);
}

#[test]
fn my_numbers_written_at_random_are_found() {
    let mut dice = Dice(0x5eed_1234);
    let mut missed = 0;
    for round in 0..ROUNDS {
        let number = dice.my_number();
        let (before, after) = (dice.beside(), dice.beside());
        let written = dice.written_my_number(&number);
        let named = round % 4 == 0;
        let before = if named { format!("マイナンバー、{before}") } else { before };
        let text = format!("{before}{written}{after}");
        let guarded = guard(&text);
        if guarded.found.is_empty() && may_be_something_else(&written) {
            missed += 1;
            continue;
        }
        let mask = if named { "［個人番号］" } else { "************" };
        assert_eq!(guarded.text, format!("{before}{mask}{after}"), "{number} as {text:?}");
        assert!(left(&guarded.text).is_none_or(|n| !number.contains(&n)));
    }
    report("My Numbers alone that are read as something else", missed);
}

#[test]
fn named_my_numbers_are_found_in_any_grouping() {
    let mut dice = Dice(0x5eed_4321);
    let mut missed = 0;
    for _ in 0..ROUNDS {
        let number = dice.my_number();
        let groups = dice.groups(&number, 6);
        let mixed = dice.below(2) == 0;
        let written = dice.joined(&groups, &SEPARATORS, mixed);
        let text = format!("個人番号は{written}です");
        let guarded = guard(&text);
        if guarded.found.is_empty() && may_be_something_else(&written) {
            missed += 1;
            continue;
        }
        assert_eq!(guarded.text, "個人番号は［個人番号］です", "{number} as {text:?}");
    }
    report("named My Numbers of which a part is read as something else", missed);
}

#[test]
fn ordinary_lines_stay() {
    let mut dice = Dice(0x5eed_0000);
    let mut same = 0;
    for _ in 0..ROUNDS {
        let line = dice.ordinary();
        let guarded = guard(&line);
        same += usize::from(guarded.found.is_empty());
        assert!(guard(&guarded.text).found.is_empty());
    }
    report("ordinary lines that are changed", ROUNDS - same);
}

/// One of a thousand may be read wrongly.
fn report(name: &str, count: usize) {
    super::rates::report(name, ROUNDS, count as f64 / ROUNDS as f64);
    assert!(count <= 3 + ROUNDS / 1_000, "{name}: {count}");
}

/// Digits of every script, separators, invisible signs and words in no order.
const ANYTHING: &str = "0123456789４１１１〇一二三四五六七八九⑩⑴½🔟○◯-ー一 　\n./:,()+*~…\u{200B}\u{FE0F}\u{20E3}\u{301}aあ漢円💳マイナンバー";

#[test]
fn anything_guarded_is_free_of_numbers() {
    let alphabet: Vec<char> = ANYTHING.chars().collect();
    let mut dice = Dice(0x5eed_ffff);
    let mut found = 0;
    for round in 0..ROUNDS {
        // Mostly digits, so that numbers come about.
        let kinds = if round % 2 == 0 { alphabet.len() } else { 24 };
        let text: String = (0..60).map(|_| dice.one(&alphabet[..kinds])).collect();
        let once = guard(&text);
        assert!(guard(&once.text).found.is_empty(), "{text:?}");
        assert_eq!(once.found.is_empty(), once.text == text, "{text:?}");
        found += once.found.len();
    }
    assert!(found > ROUNDS / 100, "{found}");
}

impl Dice {
    /// A line of an ordinary message.
    fn ordinary(&mut self) -> String {
        let parts = 1 + self.below(5);
        let mut line = String::new();
        for _ in 0..parts {
            let part = match self.below(9) {
                0 => self.phone(),
                1 => self.date(),
                2 => format!("{}-{}", self.time(), self.time()),
                3 => format!("{} {}", self.date(), self.time()),
                4 => format!("{},{}円", 1 + self.below(99), self.digits(3)),
                5 => format!("〒{}-{}", self.digits(3), self.digits(4)),
                6 => format!("{}-{}-{}", 1 + self.below(9), 1 + self.below(30), 1 + self.below(30)),
                7 => format!("{}名", 1 + self.below(20)),
                _ => self.digits(7),
            };
            line.push_str(&part);
            line.push_str(self.one(&[" ", "\n", "、", "です。", "に", "から", "/", "　"]));
        }
        line
    }
}

/// What the product may take for an address, a moment, a decimal, an amount or a telephone number.
fn may_be_something_else(written: &str) -> bool {
    let plain = plain(written);
    let groups: Vec<&str> = plain.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let digits = groups.concat();
    let year = |text: &&str| text.starts_with("19") || text.starts_with("20");
    let moment = year(&digits.as_str()) || groups.iter().any(year) || groups.len() == 6;
    let address = groups.len() == 4 && groups.iter().all(|group| group.parse().is_ok_and(|n: u32| n < 256));
    let phone = groups.iter().any(|group| group.starts_with('0'));
    let seconds = groups.len() == 2 && groups[0].len() == 6;
    moment || address || phone || seconds
}

/// An independent look: the first number that is left, if any.
fn left(text: &str) -> Option<String> {
    let plain = plain(text);
    for stretch in plain.split(|c: char| c.is_alphabetic()) {
        let groups: Vec<&str> =
            stretch.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
        for first in 0..groups.len() {
            for last in first..groups.len() {
                let number = groups[first..=last].concat();
                let card = (13..=19).contains(&number.len())
                    && luhn(&number)
                    && BRANDS.iter().any(|(head, len)| number.starts_with(head) && number.len() == *len);
                let my_number = number.len() == 12 && number.ends_with(&check_digit(&number[..11]).to_string());
                if card || my_number {
                    return Some(number);
                }
            }
        }
    }
    None
}

/// Everything in ASCII digits, without what cannot be seen and without line breaks.
fn plain(text: &str) -> String {
    let digit = |c: char| {
        let at = |script: &&str| script.chars().position(|d| d == c);
        FIGURES.iter().chain(&KANJI).find_map(at).and_then(|n| char::from_digit(u32::try_from(n).unwrap(), 10))
    };
    let mapped: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    mapped
        .nfkc()
        .filter(|c| !"\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{AD}\u{FE0F}\u{20E3}".contains(*c))
        .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c })
        .map(|c| if c == 'ー' { '-' } else { c })
        .collect()
}

fn is_bar_code(number: &str) -> bool {
    let sum: u32 = number.bytes().zip([1, 3].into_iter().cycle()).map(|(b, weight)| u32::from(b - b'0') * weight).sum();
    sum.is_multiple_of(10)
}
