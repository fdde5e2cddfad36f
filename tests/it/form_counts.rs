//! Counting the answers to forms: of those that store nobody's, and of the others.

use azukari::store::tables::Table;
use azukari_tests::{app::TestApp, line::Someone};
use serde_json::{Value, json};

use crate::forms::send_visit;

#[tokio::test]
async fn an_anonymous_form_counts_and_keeps_no_answer() {
    let app = TestApp::new().await;
    let people: Vec<Someone> = (0..3).map(|_| app.someone()).collect();
    let answers = |overall: &str| json!({"overall": overall, "again": "yes", "good": ["service", "place"]});
    for (someone, overall) in people.iter().zip(["5", "5", "4"]) {
        let page = app.send_form("satisfaction", someone, answers(overall), json!({})).await;
        assert_eq!(page.json()["status"], "accepted", "{}", page.text);
    }
    let again = app.send_form("satisfaction", &people[0], answers("1"), json!({})).await;
    assert_eq!(again.json()["status"], "already_accepted");
    let counts: std::collections::BTreeMap<String, String> = app
        .rows_of("count")
        .iter()
        .map(|row| (row["sk"]["S"].as_str().unwrap().to_owned(), row["n"]["N"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("again#yes", "3"),
        ("good#place", "3"),
        ("good#service", "3"),
        ("overall#4", "1"),
        ("overall#5", "2"),
        ("total", "3"),
    ];
    assert_eq!(counts, expected.map(|(choice, n)| (choice.to_owned(), n.to_owned())).into());
    assert!(people.iter().all(|someone| app.subject("demo", someone).is_none()), "nobody is known by it");
    assert!(app.rows(Table::Vault).iter().all(|row| row.get("env").is_none()));
    let text = app.send_form("satisfaction", &app.someone(), json!({"overall": "9"}), json!({"contact": true})).await;
    assert_eq!(text.problems(), ["contact: unknown", "overall: not_a_choice", "again: missing"]);
}

#[tokio::test]
async fn everybody_at_once_is_counted_once_each() {
    let app = TestApp::new().await;
    let people: Vec<Someone> = (0..12).map(|_| app.someone()).collect();
    let sent = people.iter().map(|someone| async {
        app.send_form("satisfaction", someone, json!({"overall": "5", "again": "no"}), json!({})).await.status
    });
    assert!(futures::future::join_all(sent).await.into_iter().all(|status| status == 200));
    let total = app.rows_of("count").into_iter().find(|row| row["sk"]["S"] == "total").unwrap();
    assert_eq!(total["n"]["N"], "12");
}

#[tokio::test]
async fn counts_leave_nobody_alone() {
    let app = TestApp::new().await;
    let people: Vec<Someone> = (0..12).map(|_| app.someone()).collect();
    let count = async || app.ask("officer", &json!({"act": "count", "form": "visit"})).await["counted"].clone();
    for (n, someone) in people.iter().enumerate() {
        if n == 9 {
            let few = count().await;
            assert_eq!((&few["people"], &few["choices"]), (&Value::Null, &json!({})), "nine people");
        }
        let mut answers = app.visit();
        answers["visit_time"] = json!(if n < 11 { "13-15" } else { "17-19" });
        assert_eq!(app.send_form("visit", someone, answers, TestApp::visit_consents()).await.status, 200);
        if n == 0 {
            // Sent again by the same person, it is still one person.
            assert_eq!(send_visit(&app, someone).await.status, 200);
        }
    }
    let counted = count().await;
    assert_eq!(counted["people"], 12);
    let hidden = json!({"13-15": null, "17-19": null});
    assert_eq!(counted["choices"]["visit_time"], hidden, "one hidden number would follow from the other");
    assert!(counted["choices"].get("name").is_none(), "only choices are counted: {counted}");
    // Every person is named in the ledger before they are opened.
    let ledger = app.ask("auditor", &json!({"act": "ledger"})).await;
    let entries: Vec<&Value> =
        ledger["rows"].as_array().unwrap().iter().filter(|row| row["act"]["S"] == "count").collect();
    let subject = app.subject("demo", &people[11]).unwrap().to_string();
    assert!(entries.iter().any(|entry| entry.to_string().contains(&subject)), "{entries:?}");
    assert_eq!(app.ask("auditor", &json!({"act": "count", "form": "visit"})).await["error"]["code"], "not_granted");
    let nothing = app.ask("desk", &json!({"act": "count", "form": "nothing"})).await;
    assert_eq!(nothing["error"]["status"], 400, "{nothing}");
    let month = app.ask("officer", &json!({"act": "count", "form": "visit", "month": "2026-10"})).await;
    assert_eq!(month["counted"]["people"], Value::Null);
    // Staff count what they may open; and nobody without end.
    let staff = app.ask("desk", &json!({"act": "count", "form": "visit"})).await;
    assert_eq!(staff["error"]["code"], "not_granted", "{staff}");
    let mut asked = 0;
    while app.ask("officer", &json!({"act": "count", "form": "satisfaction"})).await.get("error").is_none() {
        asked += 1;
        assert!(asked < 30, "there is no end");
    }
}

#[tokio::test]
async fn numbers_that_hide_nothing_are_shown() {
    let app = TestApp::new().await;
    for n in 0..22 {
        let mut answers = app.visit();
        answers["visit_time"] = json!(if n < 11 { "13-15" } else { "17-19" });
        assert_eq!(app.send_form("visit", &app.someone(), answers, TestApp::visit_consents()).await.status, 200);
        app.installation().refill().await.unwrap();
    }
    let counted = app.ask("officer", &json!({"act": "count", "form": "visit"})).await["counted"].clone();
    assert_eq!(counted["people"], 22);
    assert_eq!(counted["choices"]["visit_time"], json!({"13-15": 11, "17-19": 11}));
}
