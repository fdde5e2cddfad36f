//! Whatever the rule and however the clock goes: after a sweep everything that is due is
//! gone, and nothing that is not. When something is due is worked out here once more, by
//! the calendar of Japan.

use azukari_tests::{
    app::{TestApp, unique},
    line::Someone,
};
use jiff::{Span, Timestamp, tz::TimeZone};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::retention::{purposes, with_another_rule};

const HOUR: i64 = 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Collected,
    LastContact,
    Unfollow,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    after: After,
    days: i64,
    months: i64,
    counted: bool,
}

impl Rule {
    fn in_words(self) -> String {
        let after = match self.after {
            After::Collected => "collected",
            After::LastContact => "last_contact",
            After::Unfollow => "unfollow",
        };
        let term = if self.months > 0 { format!("months = {}", self.months) } else { format!("days = {}", self.days) };
        format!("after = \"{after}\", {term}")
    }

    fn later(self, from: i64) -> i64 {
        let span = Span::new().days(if self.months > 0 { 0 } else { self.days }).months(self.months);
        tokyo(from).checked_add(span).expect("a date").timestamp().as_millisecond()
    }
}

fn tokyo(at: i64) -> jiff::Zoned {
    Timestamp::from_millisecond(at).expect("a time").to_zoned(TimeZone::fixed(jiff::tz::offset(9)))
}

fn midnight(at: i64) -> i64 {
    tokyo(at).start_of_day().expect("a day").timestamp().as_millisecond()
}

/// What happens: somebody does something, or time passes; hours may be negative.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Text(usize),
    Follow(usize),
    Unfollow(usize),
    Hours(i64),
    Sweep,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0_usize..3).prop_map(Happening::Text),
        1 => (0_usize..3).prop_map(Happening::Follow),
        1 => (0_usize..3).prop_map(Happening::Unfollow),
        4 => (1_i64..24 * 25).prop_map(Happening::Hours),
        1 => (-200_i64..-1).prop_map(Happening::Hours),
        2 => Just(Happening::Sweep),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let after = prop_oneof![Just(After::Collected), Just(After::LastContact), Just(After::Unfollow)];
    (after, 1_i64..60, 0_i64..3, any::<bool>()).prop_map(|(after, days, months, counted)| Rule {
        after,
        days,
        months,
        counted,
    })
}

#[derive(Debug, Clone, Default)]
struct Person {
    /// Times of messages that are held.
    held: Vec<(String, i64)>,
    last_contact: Option<i64>,
    /// The newest of following (`true`) and blocked, and since when.
    friend: Option<(bool, i64)>,
}

impl Person {
    fn due(&self, rule: Rule, at: i64) -> Option<i64> {
        let contact = midnight(self.last_contact.unwrap_or(at)).max(midnight(at));
        Some(match (rule.after, self.friend) {
            (After::Collected, _) => rule.later(at),
            (After::LastContact, _) | (After::Unfollow, None) => rule.later(contact),
            (After::Unfollow, Some((true, _))) => return None,
            (After::Unfollow, Some((false, since))) => rule.later(since.max(at)),
        })
    }
}

async fn try_out(rule: Rule, happenings: &[Happening]) {
    let own = purposes("chat", &rule.in_words(), if rule.counted { "anonymise" } else { "erase" });
    // Nobody is forgotten as a whole in this story.
    let own = with_another_rule(&own, "contact", "after = \"last_contact\", years = 50", "erase");
    let demo = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/channels/demo.toml"));
    let demo = demo.expect("it is shipped").replace("after_block = { days = 30 }", "after_block = { years = 50 }");
    let (rules, _) = demo.split_once("[[keyword]]").expect("it has keywords");
    let kept = rules.replace("\"keep_24h\"", "\"keep\"").replace("\ngreeting_form", "\n# greeting_form");
    let mut app = TestApp::with_files(&[("purposes.toml", &own), ("channels/kept.toml", &kept)]).await;
    let people: Vec<Someone> = (0..3).map(|_| Someone::numbered(unique())).collect();
    let mut model = vec![Person::default(); 3];
    let (mut gone, mut number) = (0_u64, 0);
    for happening in happenings.iter().copied().chain([Happening::Sweep]) {
        let now = app.now();
        number += 1;
        let event = match happening {
            Happening::Text(who) => Some((who, people[who].text(&format!("m{number}"), now, "あ"))),
            Happening::Follow(who) => Some((who, people[who].follow(now))),
            Happening::Unfollow(who) => Some((who, people[who].unfollow(now))),
            Happening::Hours(hours) => {
                app.advance(hours * HOUR);
                // As two functions would that start at different times.
                app.cold_start();
                None
            }
            Happening::Sweep => {
                let report = app.sweep().await.expect("it begins");
                assert_eq!((report.failed, report.aside), (0, 0), "{report:?}");
                for person in &mut model {
                    let before = person.held.len();
                    let own = person.clone();
                    person.held.retain(|(_, at)| own.due(rule, *at).is_none_or(|due| due > now));
                    gone += u64::try_from(before - person.held.len()).unwrap_or_default();
                }
                let mut expected: Vec<String> =
                    model.iter().flat_map(|person| person.held.iter().map(|(sk, _)| sk.clone())).collect();
                expected.sort();
                let rows = app.rows_of("message");
                let mut left: Vec<String> =
                    rows.iter().map(|row| row["sk"]["S"].as_str().unwrap_or_default().to_owned()).collect();
                left.sort();
                assert_eq!(left, expected, "{rule:?} at {now}: {model:?}");
                None
            }
        };
        let Some((who, event)) = event else { continue };
        // Two events of one person are never at the same time here.
        app.advance(1);
        assert_eq!(app.hook_to("kept", &[event]).await, 200);
        let person = &mut model[who];
        person.last_contact = Some(person.last_contact.map_or(now, |known| known.max(now)));
        match happening {
            Happening::Text(_) => person.held.push((format!("R#m{number}"), now)),
            Happening::Follow(_) | Happening::Unfollow(_) => {
                let friend = matches!(happening, Happening::Follow(_));
                if person.friend.is_none_or(|(_, since)| since < now) {
                    person.friend = Some((friend, now));
                }
            }
            Happening::Hours(_) | Happening::Sweep => {}
        }
    }
    let counted: u64 = app
        .rows_of("anonymous")
        .iter()
        .map(|row| row["n"]["N"].as_str().unwrap_or("0").parse::<u64>().unwrap_or(0))
        .sum();
    assert_eq!(counted, if rule.counted { gone } else { 0 }, "what is gone is counted, once");
}

#[test]
fn what_is_due_is_gone_and_nothing_else() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 16,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let stories = (rule(), prop::collection::vec(happening(), 4..24));
    runner
        .run(&stories, |(rule, happenings)| {
            runtime.block_on(try_out(rule, &happenings));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
