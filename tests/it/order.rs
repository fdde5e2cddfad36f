//! Any order and duplication of a stream of events ends in the same rows, due dates
//! included.

use azukari::domain::time::DAY_MS;
use azukari_tests::{
    app::{NOON, TestApp, unique},
    line::{Someone, redelivered},
    opened::OpenedRow,
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

/// What one of two people does, and when, in hours before now.
#[derive(Debug, Clone)]
enum Deed {
    Follow(i64),
    Unfollow(i64),
    Text(u8),
    Edit(u8, i64),
    Unsend(u8),
    Postback(i64),
    Unknown,
}

fn deed() -> impl Strategy<Value = (usize, Deed)> {
    let hours = 0_i64..80;
    let deed = prop_oneof![
        hours.clone().prop_map(Deed::Follow),
        hours.clone().prop_map(Deed::Unfollow),
        (0_u8..4).prop_map(Deed::Text),
        (0_u8..4, hours.clone()).prop_map(|(message, at)| Deed::Edit(message, at)),
        (0_u8..4).prop_map(Deed::Unsend),
        hours.prop_map(Deed::Postback),
        Just(Deed::Unknown),
    ];
    (0_usize..2, deed)
}

fn event(people: &[Someone], number: usize, (who, deed): &(usize, Deed)) -> Value {
    let someone = &people[*who];
    let at = |hours: &i64| NOON - hours * 3_600_000 - i64::try_from(number).unwrap_or_default();
    // A message is sent once: its time follows from its number.
    let sent = |message: u8| NOON - 90 * 3_600_000 - i64::from(message);
    let id = |message: u8| format!("{who}{message}");
    match deed {
        Deed::Follow(hours) => someone.follow(at(hours)),
        Deed::Unfollow(hours) => someone.unfollow(at(hours)),
        Deed::Text(message) => someone.text(&id(*message), sent(*message), "こんにちは"),
        Deed::Edit(message, hours) => someone.edit(&id(*message), at(hours), &format!("訂正{number}")),
        Deed::Unsend(message) => someone.unsend(&id(*message), sent(*message) + 3_600_000),
        Deed::Postback(hours) => someone.postback(&format!("EP{number}"), at(hours), "data"),
        Deed::Unknown => json!({"type": "unheardOf", "source": {"type": "user", "userId": someone.0}}),
    }
}

async fn result(channel: &str, people: &[Someone], deliveries: &[Vec<Value>]) -> Vec<OpenedRow> {
    let app = TestApp::new().await;
    for delivery in deliveries {
        assert_eq!(app.hook_to(channel, delivery).await, 200);
    }
    app.everything(channel, people).await
}

#[test]
fn any_order_ends_in_the_same_rows() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let streams = (prop::collection::vec(deed(), 1..12), any::<u64>(), prop::sample::select(vec!["demo", "kept"]));
    runner
        .run(&streams, |(deeds, seed, channel)| {
            let people = [Someone::numbered(unique()), Someone::numbered(unique())];
            let events: Vec<Value> =
                deeds.iter().enumerate().map(|(number, deed)| event(&people, number, deed)).collect();
            let straight: Vec<Vec<Value>> = events.iter().map(|event| vec![event.clone()]).collect();
            let expected = runtime.block_on(result(channel, &people, &straight));
            let left = runtime.block_on(result(channel, &people, &shuffled(&events, seed)));
            prop_assert_eq!(left, expected);
            Ok(())
        })
        .unwrap();
}

/// The events in another order, some twice, in deliveries of various sizes.
fn shuffled(events: &[Value], seed: u64) -> Vec<Vec<Value>> {
    let mut state = seed | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or_default()
    };
    let mut pile: Vec<Value> = events.to_vec();
    for event in events {
        if next(3) == 0 {
            pile.extend(redelivered(std::slice::from_ref(event)));
        }
    }
    let mut deliveries = vec![Vec::new()];
    while !pile.is_empty() {
        let event = pile.swap_remove(next(pile.len()));
        if next(2) == 0 {
            deliveries.push(Vec::new());
        }
        deliveries.last_mut().expect("there is one").push(event);
    }
    deliveries.retain(|delivery| !delivery.is_empty());
    deliveries
}

#[tokio::test]
async fn the_last_contact_is_the_newest_day_whatever_came_last() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let app = TestApp::new().await;
        let someone = app.someone();
        let events = [
            someone.text("1", NOON - 2 * DAY_MS, "a"),
            someone.text("2", NOON - DAY_MS, "b"),
            someone.text("3", NOON, "c"),
        ];
        for at in order {
            assert_eq!(app.hook_to("kept", std::slice::from_ref(&events[at])).await, 200);
        }
        assert_eq!(app.mapping("kept", &someone).unwrap()["last_contact"]["S"], "2026-11-21");
        let subject = &app.rows_of("subject")[0];
        let midnight = NOON - 12 * 3_600_000;
        assert_eq!(subject["due_at"]["N"], (midnight + 365 * DAY_MS).to_string().as_str());
    }
}
