//! Due means gone: over the years nothing past its time is left in any table or index; and
//! of whoever is erased nothing is left, opens or comes back.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use azukari::{
    domain::{
        id::SubjectId,
        rights::Wish,
        time::{DAY_MS, UnixMs},
    },
    store::{key, tables::Table},
};
use azukari_tests::{
    app::TestApp,
    line::{Someone, redelivered},
    linking::{Browser, location, parameter},
};
use serde_json::{Value, json};

/// Everything that somebody does here: a chat, a form by which they are found, and a link.
/// What they did in the chat.
async fn life(app: &TestApp, someone: &Someone, name: &str, member: &str) -> Vec<Value> {
    let at = app.now();
    let events = vec![
        someone.follow(at - 9_000),
        app.answer(someone, at - 8_000, true),
        someone.text(&format!("{name}1"), at - 7_000, &app.marker("預けた文")),
        someone.text(&format!("{name}2"), at - 6_000, &app.marker("取り消した文")),
        someone.unsend(&format!("{name}2"), at - 5_000),
        someone.postback(&format!("EP{name}"), at - 4_000, "コース=A"),
    ];
    assert_eq!(app.hook(&events).await, 200);
    let page = app.send_form("visit", someone, app.visit(), TestApp::visit_consents()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    app.advance(1_000);
    app.link_in_chat(someone, member).await;
    app.advance(1_000);
    events
}

/// The button by which somebody has everything erased, as of now.
fn erase_all(app: &TestApp, someone: &Someone, id: &str) -> Value {
    someone.postback(id, app.now(), &Wish::Erase(UnixMs::new(app.now())).data())
}

fn due_at(row: &Value) -> Option<i64> {
    row["due_at"]["N"].as_str()?.parse().ok()
}

/// Nothing that is due is there, and nothing that will be due escapes the index.
async fn assert_nothing_past_due(app: &TestApp) {
    let now = app.now();
    for row in [Table::Vault, Table::Keys, Table::Audit].into_iter().flat_map(|table| app.rows(table)) {
        let Some(due_at) = due_at(&row) else { continue };
        assert!(due_at > now, "{} is past due", row["kind"]["S"]);
        assert!(row["due_slot"]["S"].is_string(), "no sweep will find this: {}", row["kind"]["S"]);
    }
    let report = app.installation().sweep_now(true).await.expect("a dry run begins");
    assert_eq!((report.due, report.aside), (0, 0), "the index leads to nothing: {report:?}");
}

/// Rows of the vault and of the keys that lead to somebody, or belong to them.
fn traces(app: &TestApp, subject: SubjectId) -> Vec<Value> {
    let id = subject.to_string();
    let rows = app.rows(Table::Vault).into_iter().chain(app.rows(Table::Keys));
    let is_theirs = |row: &Value| {
        let texts = row.as_object().into_iter().flatten().filter_map(|(_, value)| value["S"].as_str());
        texts.flat_map(|text| text.split('#')).any(|part| part == id)
    };
    rows.filter(is_theirs).collect()
}

/// In how many files of the data folder a text stands.
fn files_with(app: &TestApp, text: &str) -> usize {
    let search = AhoCorasick::new([text]).expect("a text to look for");
    let files = std::fs::read_dir(app.folder().join("data")).expect("the folder is there").flatten();
    files
        .filter(|file| file.path().is_file())
        .filter(|file| search.is_match(&std::fs::read(file.path()).unwrap_or_default()[..]))
        .count()
}

/// The wrapped key of somebody, as it is written.
fn wrapped_key(app: &TestApp, subject: SubjectId) -> String {
    let keys = app.rows(Table::Keys);
    let row = keys.iter().find(|row| row["pk"]["S"] == subject.to_string().as_str()).expect("they have a key");
    row["wrapped"]["B"].as_str().expect("bytes").to_owned()
}

#[tokio::test]
async fn on_no_day_anything_is_past_due_and_in_the_end_nothing_is_left_of_anybody() {
    let app = TestApp::new().await;
    let [asks, takes_back, refuses, silent] = [(); 4].map(|()| app.someone());
    for (n, someone) in [&asks, &takes_back, &refuses, &silent].into_iter().enumerate() {
        life(&app, someone, &format!("a{n}"), &format!("M-{n}")).await;
    }
    // Somebody else wants to be the member that another one is.
    let claims = app.someone();
    assert_eq!(app.hook(&[claims.follow(app.now())]).await, 200);
    app.link_by_login(&claims, "M-3").await;
    assert_eq!(app.rows_of("claim").len(), 1);
    app.advance(1_000);
    let published = app.installation().published();
    let now = UnixMs::new(app.now());
    let visit = Wish::Withdraw(published.purposes["visit"].id.clone(), now).data();
    let chat = Wish::Withdraw(published.purposes["chat"].id.clone(), now).data();
    let taken_back = [takes_back.postback("EW1", app.now(), &visit), takes_back.postback("EW2", app.now() + 1, &chat)];
    app.advance(10);
    assert_eq!(app.hook(&taken_back).await, 200);
    assert_eq!(app.hook(&[app.answer(&refuses, app.now(), false)]).await, 200);
    assert_eq!(app.hook(&[erase_all(&app, &asks, "EE1")]).await, 200);
    let [gone, refused] = [&asks, &refuses].map(|someone| app.subject("demo", someone).expect("known"));
    let partly = app.subject("demo", &takes_back).expect("known");

    for (days, hours) in [(0, 0), (0, 25), (29, 0), (2, 0), (60, 0), (90, 1), (186, 0), (366, 0), (400, 0)] {
        app.advance(days * DAY_MS + hours * 3_600_000);
        let report = app.sweep_all().await;
        assert_eq!((report.failed, report.aside), (0, 0), "{report:?}");
        assert_nothing_past_due(&app).await;
        assert!(traces(&app, gone).is_empty() && traces(&app, refused).is_empty());
        let left = app.rows_of_person(partly);
        let of_what_was_taken_back = left
            .iter()
            .filter(|row| ["message", "submission", "found_by"].iter().any(|kind| row["kind"]["S"] == *kind));
        assert_eq!(of_what_was_taken_back.count(), 0);
        crate::audit::assert_sound(&app);
    }
    let left: BTreeSet<String> = app
        .rows(Table::Vault)
        .iter()
        .filter(|row| row["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("S#")))
        .map(|row| row["kind"]["S"].to_string())
        .collect();
    assert!(left.is_empty(), "more than a year after the last contact nothing is left of anybody: {left:?}");
    for kind in ["mapping", "lookup", "member"] {
        assert!(app.rows_of(kind).is_empty(), "{kind}");
    }
}

#[tokio::test]
async fn of_whoever_is_erased_nothing_is_left_and_nothing_opens() {
    let app = TestApp::new().await;
    let (someone, other) = (app.someone(), app.someone());
    life(&app, &someone, "a", "M-1").await;
    life(&app, &other, "b", "M-2").await;
    let subject = app.subject("demo", &someone).expect("known");
    let stays = app.subject("demo", &other).expect("known");
    let pk = key::subject(subject);
    let aside: Vec<Value> = app
        .rows(Table::Vault)
        .into_iter()
        .filter(|row| row["pk"]["S"] == pk.as_str() && row.get("env").is_some())
        .collect();
    let kinds: BTreeSet<&str> = aside.iter().filter_map(|row| row["kind"]["S"].as_str()).collect();
    assert!(["subject", "message", "event", "submission", "link"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    for row in &aside {
        assert!(app.opened("demo", &someone, row).await.is_some(), "it opens before: {}", row["kind"]["S"]);
    }
    let own_key = app.key_of("demo", &someone).await.expect("they have a key");
    let other_key = app.key_of("demo", &other).await.expect("they have a key");
    let (gone, kept) = (wrapped_key(&app, subject), wrapped_key(&app, stays));
    assert!(files_with(&app, &gone) > 0, "it was there, written like this");

    assert_eq!(app.hook(&[erase_all(&app, &someone, "EE1")]).await, 200);
    assert_eq!(app.sweep_all().await.persons, 1);

    assert!(traces(&app, subject).is_empty(), "{:?}", traces(&app, subject));
    assert!(!traces(&app, stays).is_empty(), "others stay, and the search can find somebody");
    assert!(app.linked("M-2").await && !app.linked("M-1").await);
    assert_eq!(app.open_all("demo", &someone).await["status"], "not_found");
    assert_eq!(app.open_all("demo", &other).await["status"], "opened");
    // Their key is not to be had, and no other one opens what was kept aside.
    assert!(app.pair(subject, &own_key).await.is_none());
    let others = app.pair(stays, &other_key).await.expect("the other's key is there");
    for row in &aside {
        assert!(app.opened("demo", &someone, row).await.is_none());
        assert!(app.open_with(&others, "demo", &someone, row).is_none());
        assert!(app.open_with(&others, "demo", &other, row).is_none());
    }
    assert_eq!(files_with(&app, &gone), 0, "neither in the database nor in its log");
    assert!(files_with(&app, &kept) > 0, "the search can find one");
}

/// What may come late of somebody: how often each counter has counted it.
fn counted(app: &TestApp) -> [u64; 5] {
    let metrics = app.installation().metrics();
    [
        metrics.get("webhook_dropped", "older_than_erasure"),
        metrics.get("webhook_rights", "older_than_erasure"),
        metrics.get("form_refused", "notice_expired"),
        metrics.get("webhook_link", "stale"),
        metrics.get("link_joined", "stale"),
    ]
}

#[tokio::test]
async fn whatever_comes_late_of_an_erased_person_brings_nothing_back_and_is_counted() {
    let app = TestApp::new().await;
    let (linked, begun) = (app.someone(), app.someone());
    let mut events = life(&app, &linked, "a", "M-1").await;
    assert_eq!(app.hook(&[begun.follow(app.now()), app.answer(&begun, app.now() + 1, true)]).await, 200);
    app.advance(1_000);
    // Shown, confirmed at LINE, begun at LINE Login: none of it has come back by the time.
    let notice = app.notice("visit").await;
    let answers = app.visit();
    let chat = Browser::default();
    let address = app.ask_to_link(&begun, "EL1").await;
    let code = app.begin_in_chat(&chat, &address).await;
    let finish = app.vouch("M-7", &code).await;
    let dialog = app.confirm_dialog(&location(&chat.get(&app, &finish).await), &begun);
    let login = Browser::default();
    let authorize = location(&login.get(&app, "/link/demo/login").await);
    app.advance(1_000);

    let wish = erase_all(&app, &linked, "EE1");
    assert_eq!(app.hook(std::slice::from_ref(&wish)).await, 200);
    assert_eq!(app.hook(&[erase_all(&app, &begun, "EE2")]).await, 200);
    let gone = [&linked, &begun].map(|someone| app.subject("demo", someone).expect("known"));
    assert_eq!(app.sweep_all().await.persons, 2);
    events.push(wish);
    let late = [redelivered(&events), events.clone()];
    let nobody = (app.rows_of("subject").len(), app.rows_of("mapping").len(), app.rows(Table::Keys).len());
    assert_eq!((nobody.0, nobody.1), (0, 0));
    let before = counted(&app);
    assert_eq!(before, [0; 5], "nothing has come late yet");

    for events in &late {
        assert_eq!(app.hook(events).await, 200);
    }
    let body = json!({"notice": notice, "answers": answers, "consents": TestApp::visit_consents(), "step": "send"});
    for someone in [&linked, &begun] {
        let page = app.send_json("visit", Some(&app.id_token("demo", someone)), &body).await;
        assert_eq!(page.status, 409, "{}", page.text);
    }
    let told = app.account_link(&dialog, "EA1", app.now());
    assert_eq!(app.hook(&[told]).await, 200);
    let joining = location(&login.get(&app, &app.allow(&authorize, &begun, &[])).await);
    let back = app.agree_to_join(&login, &joining, &[]).await;
    let finish = app.vouch("M-7", &parameter(&back, "code").expect("a code")).await;
    assert_eq!(app.finish(&login, &finish).await.status, 400);

    // Six events of the chat, each twice; the wish, twice; two forms; a confirmed link; a
    // sign-in.
    assert_eq!(counted(&app), [12, 2, 2, 1, 1]);
    let now = (app.rows_of("subject").len(), app.rows_of("mapping").len(), app.rows(Table::Keys).len());
    assert_eq!(now, nobody, "nobody is begun by it");
    for subject in gone {
        assert!(traces(&app, subject).is_empty());
    }
    for kind in ["message", "event", "submission", "lookup", "found_by", "link", "claim", "consent", "order", "hold"] {
        assert!(app.rows_of(kind).is_empty(), "{kind}");
    }
    assert!(!app.linked("M-1").await && !app.linked("M-7").await);
    // What happens from now on begins somebody new, of whom nothing is remembered.
    app.advance(1_000);
    assert_eq!(app.hook(&[linked.follow(app.now())]).await, 200);
    assert_ne!(app.subject("demo", &linked).expect("somebody new"), gone[0]);
    assert!(app.rows_of("message").is_empty() && app.rows_of("consent").is_empty());
}
