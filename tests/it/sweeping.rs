//! What is due is found and erased, at a cost that follows what is due.

use azukari::{
    domain::{
        consent::{Consent, Said},
        time::{DAY_MS, HOUR_MS},
    },
    host::{deadline::Deadline, roles::Role},
    store::tables::Table,
};
use azukari_tests::{
    app::{NOON, TestApp},
    cost::{Way, cost},
    line::{order_at, some_notice},
};
use serde_json::json;

#[tokio::test]
async fn late_and_already_due_rows_are_swept() {
    let app = TestApp::new().await;
    let someone = app.someone();
    app.sweep_all().await;
    let old = [someone.text("1", NOON - 400 * DAY_MS, "a"), someone.postback("EP", NOON - 29 * DAY_MS, "b")];
    assert_eq!(app.hook_to("kept", &old).await, 200);
    let report = app.sweep().await.unwrap();
    assert_eq!((report.due, report.erased, report.persons), (1, 1, 0), "{report:?}");
    app.advance_days(1);
    let report = app.sweep().await.unwrap();
    assert_eq!((report.due, report.erased), (1, 1), "{report:?}");
    assert_eq!(app.rows_of("message").len() + app.rows_of("event").len(), 0);
}

#[tokio::test]
async fn a_sweeper_that_was_down_for_months_catches_up() {
    let app = TestApp::new().await;
    let people: Vec<_> = (0..5).map(|_| app.someone()).collect();
    for (n, someone) in people.iter().enumerate() {
        app.advance(HOUR_MS);
        assert_eq!(app.hook(&[someone.text(&n.to_string(), app.now(), "a")]).await, 200);
    }
    app.advance_days(90);
    let report = app.sweep_all().await;
    assert_eq!((report.erased, report.persons), (5, 5), "{report:?}");
    assert!(app.rows_of("subject").is_empty() && app.rows_of("message").is_empty());
}

#[tokio::test]
async fn a_clock_that_goes_back_erases_nothing_early() {
    let app = TestApp::new().await;
    let (early, late) = (app.someone(), app.someone());
    assert_eq!(app.hook_to("kept", &[early.text("1", NOON, "a")]).await, 200);
    app.advance_days(100);
    app.sweep_all().await;
    app.installation().clock().reset();
    assert_eq!(app.hook_to("kept", &[late.postback("EP", NOON, "b")]).await, 200);
    app.sweep_all().await;
    assert_eq!((app.rows_of("message").len(), app.rows_of("event").len()), (1, 1), "nothing is due yet");
    app.advance_days(30);
    app.sweep_all().await;
    assert_eq!((app.rows_of("message").len(), app.rows_of("event").len()), (1, 0), "and then on time");
    app.advance_days(150);
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty());
}

#[tokio::test]
async fn consent_that_came_meanwhile_keeps_what_waited_for_it() {
    let app = TestApp::new().await;
    let (agrees, silent) = (app.someone(), app.someone());
    assert_eq!(app.hook(&[agrees.text("1", NOON, "a"), silent.text("2", NOON, "b")]).await, 200);
    let subject = app.subject("demo", &agrees).unwrap();
    let vault = app.installation().vault_as(Role::Sweeper).unwrap();
    let published = app.installation().published();
    for purpose in ["chat", "contact"] {
        let purpose = &published.purposes[purpose].id;
        vault.put_consent(subject, purpose, Said::Given, &some_notice(), &order_at(NOON + 5)).await.unwrap();
        assert_eq!(vault.consent(subject, purpose).await.unwrap(), Consent::Given);
    }
    app.advance_days(3);
    let report = app.sweep_all().await;
    assert_eq!((report.erased, report.redated, report.persons), (1, 2, 1), "{report:?}");
    let [row] = &app.rows_of("message")[..] else { panic!("the message of who agreed") };
    assert_eq!(row["due_at"]["N"], (NOON + 180 * DAY_MS).to_string().as_str());
    assert!(app.opened("demo", &agrees, row).await.is_some(), "a re-dated row is still vouched for");
    app.advance_days(178);
    assert_eq!(app.sweep_all().await.erased, 1);
}

#[tokio::test]
async fn a_value_that_follows_the_last_contact_moves_on_with_it() {
    let purposes =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/purposes.toml")).unwrap();
    let chat = "retention = { after = \"collected\", days = 180 }";
    let purposes = purposes.replacen(chat, "retention = { after = \"last_contact\", days = 10 }", 1);
    let app = TestApp::with_files(&[("purposes.toml", &purposes)]).await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    app.advance_days(8);
    assert_eq!(app.hook_to("kept", &[someone.postback("EP", app.now(), "b")]).await, 200);
    app.advance_days(4);
    let report = app.sweep_all().await;
    assert_eq!((report.redated, report.erased), (1, 0), "{report:?}");
    let midnight = NOON - 12 * HOUR_MS;
    assert_eq!(app.rows_of("message")[0]["due_at"]["N"], (midnight + 18 * DAY_MS).to_string().as_str());
    app.advance_days(6);
    assert_eq!(app.sweep_all().await.erased, 1);
}

#[tokio::test]
async fn an_unsent_message_stays_a_tombstone_for_as_long_as_a_backup_could_bring_it_back() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 5, "a"), someone.unsend("1", NOON)]).await, 200);
    let report = app.sweep_all().await;
    assert_eq!((report.unsent, report.erased), (1, 0));
    let listed = app.rows(Table::Audit);
    assert!(listed.iter().any(|row| row["row"]["S"] == "R#1"), "{listed:?}");
    app.advance(35 * DAY_MS - 1);
    assert_eq!(app.sweep_all().await.erased, 0);
    app.advance(1);
    assert_eq!(app.sweep_all().await.erased, 1);
    assert!(app.rows_of("tombstone").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sweepers_at_once_do_no_harm() {
    let app = TestApp::new().await;
    let people: Vec<_> = (0..8).map(|_| app.someone()).collect();
    let events: Vec<_> =
        people.iter().enumerate().map(|(n, someone)| someone.text(&n.to_string(), NOON, "a")).collect();
    assert_eq!(app.hook(&events).await, 200);
    app.advance_days(3);
    let (mut erased, mut persons) = (0, 0);
    for _ in 0..3 {
        let (one, two) = tokio::join!(app.sweep(), app.sweep());
        for report in [one.unwrap(), two.unwrap()] {
            assert_eq!(report.failed, 0, "{report:?}");
            erased += report.erased;
            persons += report.persons;
        }
        app.advance(120_000);
    }
    assert_eq!((erased, persons), (8, 8), "each row and person counted once");
    // The slower one may place an order for who has just been erased by the other: it
    // holds nothing personal, and the next runs carry it out.
    app.sweep_all().await;
    assert!(app.rows(Table::Vault).iter().all(|row| !row["pk"]["S"].as_str().unwrap().starts_with("S#")));
    assert_eq!(app.rows(Table::Keys).len(), 16);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    app.advance_days(3);
    let before = (app.rows(Table::Vault), app.rows(Table::Keys), app.rows(Table::Audit));
    let report = app.installation().sweep_now(true).await.unwrap();
    assert_eq!((report.due, report.erased, report.persons, report.dry_run), (2, 0, 0, true));
    assert_eq!(before, (app.rows(Table::Vault), app.rows(Table::Keys), app.rows(Table::Audit)));
}

#[tokio::test]
async fn a_run_that_meets_its_deadline_leaves_the_rest_for_the_next() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    app.advance_days(3);
    let sweeper = app.installation().sweeper().unwrap();
    let report = sweeper.sweep(Deadline::within(std::time::Duration::ZERO), false).await.unwrap();
    assert_eq!((report.due, report.complete), (0, false));
    assert_eq!(app.rows_of("message").len(), 1);
    assert_eq!(app.sweep_all().await.erased, 1, "the cursor did not pass what was not read");
}

#[tokio::test]
async fn a_due_row_that_was_edited_is_erased_all_the_same() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    let mut row = app.rows_of("message")[0].clone();
    row["env"] = json!({"B": "AAAA"});
    let request = serde_json::from_value(json!({"TableName": "vault", "Item": row})).unwrap();
    app.installation().dynamodb().database().put_item(request).unwrap();
    app.advance_days(1);
    assert_eq!(app.sweep().await.unwrap().erased, 1);
}

#[tokio::test]
async fn without_a_cursor_nothing_is_guessed() {
    let app = TestApp::new().await;
    let request = json!({"TableName": "vault", "Key": {"pk": {"S": "W#sweep"}, "sk": {"S": "-"}}});
    app.installation().dynamodb().database().delete_item(serde_json::from_value(request).unwrap()).unwrap();
    assert!(matches!(app.sweep().await, Err(azukari_sweeper::SweepError::NoCursor)));
}

/// Whether a cost is the same, give or take one in twenty.
fn same(one: f64, other: f64) -> bool {
    one > 0.0 && (one - other).abs() <= one * 0.05
}

#[tokio::test]
async fn cost_per_erased_item_is_the_same_in_a_small_and_a_large_table() {
    for way in Way::ALL {
        let (small, large) = (cost(way, 60, 1_000).await, cost(way, 60, 100_000).await);
        assert!(same(small.units_each(), large.units_each()), "{}: {small:?} {large:?}", way.words());
        assert!(same(small.calls_each(), large.calls_each()), "{}: {small:?} {large:?}", way.words());
    }
}

#[tokio::test]
async fn cost_follows_what_is_erased() {
    // What a run costs by itself, and what a person costs besides their values, is not much
    // of the cost of four hundred values.
    for way in Way::ALL {
        let (some, more) = (cost(way, 100, 10).await, cost(way, 400, 10).await);
        let (fewer, many) = (some.units_each(), more.units_each());
        assert!(many > 0.0 && many <= fewer, "{}: {some:?} {more:?}", way.words());
        assert!(more.units > some.units && more.calls > some.calls, "{}: {some:?} {more:?}", way.words());
    }
}
