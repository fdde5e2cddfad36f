//! A fault or a crash at every single call of every story, then LINE's redelivery or
//! the next run of the schedule: what is left is what a clean run leaves.

use std::collections::BTreeMap;

use azukari::{host::roles::Role, store::tables::Table};
use azukari_local::engine::wire::{Call, Calm, Fate};
use azukari_tests::{
    app::{NOON, TestApp},
    faults::{Fault, faults},
    line::{Someone, redelivered},
    opened::OpenedRow,
};
use serde_json::{Value, json};

/// What happens: webhooks, a sweep, days that pass.
#[derive(Debug, Clone)]
enum Happening {
    Webhook(Vec<Value>),
    Days(i64),
    Sweep,
    Erase(i64),
    /// The first person sends a form, with these answers and consents.
    Form(&'static str, Value, Value),
    /// The first person takes back the consent to this purpose, at this time.
    Withdraw(&'static str, i64),
}

struct Story {
    channel: &'static str,
    people: Vec<Someone>,
    happenings: Vec<Happening>,
    /// Whether what comes by buttons is counted when it is due.
    counted: bool,
}

/// What is left: what is stored of the people, and what proves or counts what is not.
#[derive(Debug, Clone, PartialEq)]
struct Left {
    rows: Vec<OpenedRow>,
    /// Each receipt's last state and what was held; each counter and its sum.
    beside: Vec<String>,
}

/// Tells a story, with weather; every webhook is redelivered until it is taken, every
/// sweep repeated until nothing failed. Gives the number of calls it took, and what
/// is left.
async fn tell(story: &Story, fault: Option<Fault>) -> (Vec<Call>, Left) {
    let mut app = if story.counted {
        // What comes by buttons is counted when it is due.
        let counted = crate::retention::purposes("operation", "after = \"collected\", days = 1", "anonymise");
        TestApp::with_files(&[("purposes.toml", &counted)]).await
    } else {
        TestApp::new().await
    };
    for someone in &story.people {
        app.watch(&someone.0);
        let profile = json!({"displayName": app.marker("名前")[..6], "userId": someone.0});
        app.installation().line().set_profile(&someone.0, Some(profile));
    }
    app.start_counting();
    if let Some(fault) = fault {
        app.weather(fault);
    }
    for happening in &story.happenings {
        match happening {
            Happening::Days(days) => app.advance_days(*days),
            Happening::Erase(as_of) => {
                // Whoever places an order sees to it that it is placed.
                app.weather(Calm);
                crate::erasure::order(&app, story.channel, &story.people[0], *as_of).await;
                if let Some(fault) = fault {
                    app.weather(fault);
                }
            }
            Happening::Webhook(events) => deliver(&mut app, story.channel, events).await,
            Happening::Withdraw(purpose, at) => {
                let purpose = app.installation().published().purposes[*purpose].id.clone();
                let data = format!("azukari:withdraw:{purpose}:{at}");
                let events = [story.people[0].postback(&format!("W{at}"), *at, &data)];
                deliver(&mut app, story.channel, &events).await;
            }
            Happening::Sweep => sweep(&app).await,
            Happening::Form(form, answers, consents) => {
                fill_in(&mut app, form, &story.people[0], answers, consents).await;
            }
        }
    }
    let calls = app.calls();
    app.weather(Calm);
    let rows = app.everything(story.channel, &story.people).await;
    (calls, Left { rows, beside: beside(&app) })
}

/// The last state of every receipt and what it says was held, and the sums of counters.
fn beside(app: &TestApp) -> Vec<String> {
    let mut receipts: BTreeMap<String, Value> = BTreeMap::new();
    for row in app.rows(Table::Audit).into_iter().filter(|row| row["kind"]["S"] == "receipt") {
        let receipt: Value = serde_json::from_str(row["receipt"]["S"].as_str().unwrap()).unwrap();
        let id = row["pk"]["S"].as_str().unwrap().to_owned();
        // Rows come in the order of their keys: the last is the newest.
        receipts.insert(id, json!([receipt["state"], receipt["held"], receipt["ground"]]));
    }
    let mut counters: BTreeMap<String, u64> = BTreeMap::new();
    for row in app.rows_of("anonymous") {
        let n: u64 = row["n"]["N"].as_str().unwrap().parse().unwrap();
        *counters.entry(row["pk"]["S"].as_str().unwrap().to_owned()).or_default() += n;
    }
    let mut all: Vec<String> = receipts.into_values().map(|receipt| receipt.to_string()).collect();
    all.sort();
    all.extend(counters.into_iter().map(|(counter, n)| format!("{}: {n}", app.with_names(counter))));
    all
}

async fn deliver(app: &mut TestApp, channel: &str, events: &[Value]) {
    let mut events = events.to_vec();
    for _ in 0..4 {
        let wires = app.shared();
        let taken = tokio::select! {
            status = app.hook_to(channel, &events) => status == 200,
            () = wires.wires().death() => false,
        };
        if taken {
            return;
        }
        app.cold_start();
        events = redelivered(&events);
    }
    panic!("a webhook was never taken");
}

/// Opens a form and sends it until it is taken, as somebody does who sees an error: the
/// same page again, or a fresh one after the process has died before it came.
async fn fill_in(app: &mut TestApp, form: &str, someone: &Someone, answers: &Value, consents: &Value) {
    let mut notice = None;
    for _ in 0..8 {
        let wires = app.shared();
        let body = json!({"notice": notice, "answers": answers, "consents": consents, "step": "send"});
        let token = app.id_token("demo", someone);
        let shown = notice.is_some();
        let page = async {
            if shown {
                app.send_json(form, Some(&token), &body).await
            } else {
                app.get(&format!("/forms/{form}.json")).await
            }
        };
        let page = tokio::select! {
            page = page => Some(page).filter(|page| page.status == 200),
            () = wires.wires().death() => None,
        };
        match page {
            Some(_) if shown => return,
            Some(page) => notice = page.json()["notice"].as_str().map(str::to_owned),
            None => app.cold_start(),
        }
    }
    panic!("a form was never taken");
}

async fn sweep(app: &TestApp) {
    let installation = app.shared();
    for _ in 0..8 {
        let report = tokio::select! {
            report = app.sweep() => report.ok(),
            () = installation.wires().death() => None,
        };
        let done = report.is_some_and(|report| report.failed == 0 && report.complete);
        if done && app.rows_of("hold").is_empty() {
            return;
        }
        app.advance(if done { 120_000 } else { 1_000 });
    }
    panic!("a sweep never ended");
}

/// Tells the story with a fault at every call, and compares what is left. Of the slots of
/// the `due` index, which are read by the hundred and mostly empty, every sixteenth is taken.
async fn survives_everything(story: Story) {
    let (calls, clean) = tell(&story, None).await;
    assert!(calls.len() > 2, "the story makes calls");
    let of_index = |call: &Call| call.touches.iter().any(|touch| touch.target == "index/due");
    let mut turn = 0;
    for call in calls.iter().filter(|call| !of_index(call) || call.nth.is_multiple_of(16)) {
        turn += 1;
        for fault in in_turn(call, turn) {
            let (_, left) = tell(&story, Some(fault)).await;
            assert_eq!(strip_times(&left.rows), strip_times(&clean.rows), "{fault:?} at {call:?}");
            assert_eq!(left.beside, clean.beside, "{fault:?} at {call:?}");
        }
    }
}

/// The kinds of faults in turn: half of them at a call of intake, one at a call of the
/// sweeper, of which a run makes hundreds. All of them at every call with `AZUKARI_ALL_FAULTS`,
/// which takes several times as long.
fn in_turn(call: &Call, turn: usize) -> Vec<Fault> {
    let all = faults(call);
    if std::env::var_os("AZUKARI_ALL_FAULTS").is_some() {
        return all;
    }
    if call.role == Some(Role::Sweeper) {
        return vec![all[turn % all.len()]];
    }
    all.into_iter().skip(turn % 2).step_by(2).collect()
}

/// When a step of an erasure was taken depends on when it could be: such times, and
/// no others, are left out. So is which notice had been shown by then: showing it is best
/// effort, and comes later when LINE does not take it at once.
fn strip_times(rows: &[OpenedRow]) -> Vec<OpenedRow> {
    let mut rows = rows.to_vec();
    let taken_back = |row: &OpenedRow| row.clear.get("consent").is_some_and(|said| said == "withdrawn");
    rows.iter_mut()
        .filter(|row| row.kind != "consent" || taken_back(row))
        .for_each(|row| drop(row.clear.remove("shown")));
    for row in rows.iter_mut().filter(|row| row.kind == "erased" || row.clear.contains_key("listed_at")) {
        for name in ["ttl", "listed_at", "due_at", "due hour"] {
            row.clear.remove(name);
        }
    }
    rows
}

fn people(n: u128) -> Vec<Someone> {
    (0..n).map(|_| Someone::numbered(azukari_tests::app::unique())).collect()
}

#[tokio::test]
async fn a_new_person_with_a_profile() {
    let people = people(1);
    let events = vec![people[0].follow(NOON - 9), people[0].text("1", NOON - 8, "こんにちは")];
    let agrees = vec![TestApp::new().await.answer(&people[0], NOON - 7, true)];
    // A profile that could not be fetched is fetched at the next event.
    let later = vec![people[0].text("2", NOON - 6, "もう一通")];
    let happenings = vec![Happening::Webhook(events), Happening::Webhook(agrees), Happening::Webhook(later)];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn a_refusal_and_one_that_is_taken_back() {
    let people = people(2);
    let app = TestApp::new().await;
    let events = vec![people[0].text("1", NOON - 9, "一通"), people[1].text("2", NOON - 9, "一通")];
    let refuse = vec![app.answer(&people[0], NOON - 8, false), app.answer(&people[1], NOON - 8, false)];
    let agree = vec![app.answer(&people[1], NOON - 7, true)];
    let later = vec![people[1].text("3", NOON - 6, "もう一通")];
    let happenings = vec![
        Happening::Webhook(events),
        Happening::Webhook(refuse),
        Happening::Webhook(agree),
        Happening::Webhook(later),
        Happening::Sweep,
    ];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn a_known_person_on_a_new_day() {
    let people = people(2);
    let day = 86_400_000;
    let first = vec![people[0].text("1", NOON, "一日目"), people[1].text("2", NOON, "一日目")];
    let second = vec![
        people[0].text("3", NOON + day, "二日目"),
        people[0].unsend("1", NOON + day),
        people[1].unfollow(NOON + day),
    ];
    let later = vec![people[0].text("4", NOON + day, "もう一通"), people[1].text("5", NOON + day, "もう一通")];
    let happenings =
        vec![Happening::Webhook(first), Happening::Days(1), Happening::Webhook(second), Happening::Webhook(later)];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn a_sweep_of_everything_that_can_be_due() {
    let people = people(2);
    let events = vec![
        people[0].follow(NOON - 9),
        people[0].text("1", NOON - 8, "a"),
        people[0].unsend("2", NOON - 7),
        people[1].postback("EP", NOON - 6, "b"),
    ];
    let happenings = vec![Happening::Webhook(events), Happening::Sweep, Happening::Days(1), Happening::Sweep];
    survives_everything(Story { channel: "demo", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn an_erasure_and_a_new_beginning() {
    let people = people(1);
    let old = vec![people[0].text("1", NOON - 8, "a"), people[0].follow(NOON - 7)];
    let new = vec![people[0].text("1", NOON - 8, "a"), people[0].text("2", NOON - 2, "b")];
    let later = vec![people[0].text("3", NOON - 1, "c")];
    let happenings = vec![
        Happening::Webhook(old),
        Happening::Erase(NOON - 5),
        Happening::Sweep,
        Happening::Webhook(new),
        Happening::Webhook(later),
        Happening::Sweep,
    ];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn an_erasure_that_is_asked_for_in_the_chat_ends_with_its_receipt() {
    let people = people(1);
    let erase = people[0].postback("E0", NOON - 5, &format!("azukari:erase:{}", NOON - 6));
    let happenings = vec![
        Happening::Webhook(vec![people[0].text("1", NOON - 8, "a")]),
        Happening::Webhook(vec![erase]),
        Happening::Sweep,
    ];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn two_orders_of_one_person_end_together_each_with_its_receipt() {
    let people = people(1);
    let erase = |id: &str, at: i64| people[0].postback(id, at, &format!("azukari:erase:{}", NOON - 6));
    let happenings = vec![
        Happening::Webhook(vec![people[0].text("1", NOON - 8, "a")]),
        Happening::Webhook(vec![erase("E0", NOON - 5), erase("E1", NOON - 4)]),
        Happening::Sweep,
    ];
    let (_, left) =
        tell(&Story { channel: "kept", people: people.clone(), happenings: happenings.clone(), counted: false }, None)
            .await;
    let done = left.beside.iter().filter(|receipt| receipt.contains("erased")).count();
    assert_eq!(done, 2, "{:?}", left.beside);
    let up_to: Vec<_> = left.rows.iter().filter_map(|row| row.clear.get("erased_at").cloned()).collect();
    assert_eq!(up_to, [(NOON - 4).to_string()], "up to the later of the two nothing comes back");
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn a_consent_that_is_taken_back() {
    let people = people(1);
    let (before, late) = (people[0].text("1", NOON - 8, "a"), people[0].text("2", NOON - 6, "b"));
    let happenings = vec![
        Happening::Webhook(vec![before, people[0].postback("EP", NOON - 7, "x")]),
        Happening::Withdraw("chat", NOON - 5),
        Happening::Sweep,
        Happening::Webhook(vec![late, people[0].text("3", NOON - 4, "c")]),
    ];
    survives_everything(Story { channel: "kept", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn what_is_counted_when_it_is_due_is_counted_once() {
    let people = people(1);
    let events = (0..2).map(|n| people[0].postback(&format!("E{n}"), NOON, "x")).collect();
    let happenings = vec![Happening::Webhook(events), Happening::Days(1), Happening::Sweep];
    survives_everything(Story { channel: "kept", people, happenings, counted: true }).await;
}

fn visit(name: &str) -> Happening {
    let answers = json!({
        "visit_date": "2026-11-25", "visit_time": "13-15", "people": "2", "name": name, "phone": "03-1234-5678",
        "member_id": "A-1",
    });
    Happening::Form("visit", answers, TestApp::visit_consents())
}

#[tokio::test]
async fn a_form_from_somebody_new_and_another_on_the_next_day() {
    let people = people(1);
    let happenings = vec![visit("山田 花子"), Happening::Days(1), visit("山田 太郎")];
    survives_everything(Story { channel: "demo", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn a_form_of_somebody_known_and_the_erasure_that_takes_it() {
    let people = people(1);
    let message = vec![people[0].text("1", NOON, "a")];
    let refuse = vec![TestApp::new().await.answer(&people[0], NOON, false)];
    let happenings =
        vec![Happening::Webhook(message), visit("山田 花子"), Happening::Webhook(refuse), Happening::Sweep];
    survives_everything(Story { channel: "demo", people, happenings, counted: false }).await;
}

#[tokio::test]
async fn an_anonymous_answer_is_counted_once_whatever_fails() {
    let counted = async |fault: Option<Fault>| {
        let mut app = TestApp::new().await;
        let someone = app.someone();
        app.start_counting();
        if let Some(fault) = fault {
            app.weather(fault);
        }
        let answers = json!({"overall": "5", "again": "yes", "good": ["service", "place"]});
        fill_in(&mut app, "satisfaction", &someone, &answers, &json!({})).await;
        let calls = app.calls();
        app.weather(Calm);
        let mut counts: Vec<(String, String)> = app
            .rows_of("count")
            .iter()
            .map(|row| (row["sk"]["S"].as_str().unwrap().to_owned(), row["n"]["N"].as_str().unwrap().to_owned()))
            .collect();
        counts.sort();
        (calls, counts)
    };
    let (calls, clean) = counted(None).await;
    assert!(clean.iter().all(|(_, n)| n == "1") && clean.len() == 5, "{clean:?}");
    for call in calls {
        for fault in faults(&call) {
            assert_eq!(counted(Some(fault)).await.1, clean, "{fault:?} at {call:?}");
        }
    }
}

#[tokio::test]
async fn a_pool_that_is_being_filled() {
    let filled = async |fault: Option<Fault>| {
        let app = TestApp::new().await;
        let claims: Vec<Value> = (0..2).map(|n| app.someone().text(&n.to_string(), NOON, "a")).collect();
        assert_eq!(app.hook(&claims).await, 200);
        app.start_counting();
        if let Some(fault) = fault {
            app.weather(fault);
        }
        let wires = app.shared();
        tokio::select! {
            _ = app.installation().refill() => {}
            () = wires.wires().death() => {}
        }
        app.weather(Calm);
        let calls = app.calls();
        app.installation().refill().await.expect("the pool is filled");
        crate::pool::every_pooled_pair_is_whole(&app).await;
        calls
    };
    for call in filled(None).await {
        for fault in faults(&call) {
            filled(Some(fault)).await;
        }
    }
}

#[tokio::test]
async fn throttling_and_outages_are_answered_with_500_and_nothing_half_done() {
    use azukari_local::engine::wire::Service;
    use azukari_tests::faults::Down;
    for fate in [Fate::Fails, Fate::Throttled] {
        let app = TestApp::new().await;
        let someone = app.someone();
        app.weather(Down(Service::DynamoDb, fate));
        assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 500);
        app.weather(Calm);
        assert!(app.rows_of("mapping").is_empty());
        assert_eq!(app.hook(&redelivered(&[someone.text("1", NOON, "a")])).await, 200);
        assert_eq!(app.rows_of("message").len(), 1);
    }
}
