//! A fault or a crash at every single call of a link and of its end. Whoever meets one does
//! what people do: they begin again. What is left is one link, whole, or none at all.

use azukari_local::engine::wire::{Call, Calm};
use azukari_tests::{
    app::{NOON, TestApp},
    faults::{Fault, faults},
    forms::Page,
    line::{Someone, redelivered},
    linking::{Browser, hidden, parameter},
};
use serde_json::Value;

const MEMBER: &str = "M-1001";

/// Something that somebody tries, and tries again from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    LinkInChat,
    LinkByLogin,
    UnlinkInChat,
    UnlinkBySite,
    UnlinkOnOurPage,
}

fn led(page: &Page) -> Option<String> {
    (page.status == 303).then(|| page.headers["location"].to_str().expect("ASCII").to_owned())
}

impl Try {
    /// One attempt; `None` if it met an error on the way.
    async fn once(self, app: &TestApp, someone: &Someone, turn: usize) -> Option<()> {
        let browser = Browser::default();
        match self {
            Self::LinkInChat => {
                let before = app.installation().line().sent().len();
                let ask = someone.postback(&format!("EL{turn}"), app.now(), "azukari:link");
                let asked = app.hook(&[ask]).await;
                let Some(address) = (asked == 200).then(|| app.way_to_link(before))? else {
                    // LINE gave no token, or they are told that they are linked already.
                    return None;
                };
                let page = browser.get(app, &address).await;
                let page = (page.status == 200).then_some(page)?;
                let (token, site, words) = (hidden(&page, "linkToken"), hidden(&page, "site"), hidden(&page, "words"));
                let fields = [("linkToken", token.as_str()), ("site", &site), ("words", &words), ("lang", "ja")];
                let at_site = led(&browser.post(app, "/link/demo/begin", &fields).await)?;
                let finish = app.vouch_in("demo", MEMBER, &parameter(&at_site, "code")?).await?;
                let dialog = app.confirm_dialog(&led(&app.finish(&browser, &finish).await)?, someone);
                let mut event = app.account_link(&dialog, &format!("EA{turn}"), app.now());
                for _ in 0..2 {
                    if app.hook(std::slice::from_ref(&event)).await == 200 {
                        return Some(());
                    }
                    event = redelivered(&[event]).remove(0);
                }
                None
            }
            Self::LinkByLogin => {
                let authorize = led(&browser.get(app, "/link/demo/login").await)?;
                let joining = led(&browser.get(app, &app.allow(&authorize, someone, &[])).await)?;
                let page = browser.get(app, &joining).await;
                let page = (page.status == 200 && joining.contains("/joining?")).then_some(page)?;
                let (ticket, words) = (hidden(&page, "ticket"), hidden(&page, "words"));
                let fields = [("ticket", ticket.as_str()), ("words", words.as_str()), ("choice", "join")];
                let at_site = led(&browser.post(app, "/link/demo/join", &fields).await)?;
                let finish = app.vouch_in("demo", MEMBER, &parameter(&at_site, "code")?).await?;
                led(&app.finish(&browser, &finish).await).map(drop)
            }
            Self::UnlinkInChat => {
                let undo = someone.postback("EU", app.now(), "azukari:unlink");
                (app.hook(&[undo]).await == 200).then_some(())
            }
            Self::UnlinkBySite => (app.site("unlink", Some(MEMBER), None).await.status == 200).then_some(()),
            Self::UnlinkOnOurPage => {
                let authorize = led(&browser.get(app, "/link/demo/login?intent=unlink").await)?;
                let unlinking = led(&browser.get(app, &app.allow(&authorize, someone, &[])).await)?;
                let page = browser.get(app, &unlinking).await;
                let ticket = (page.status == 200).then(|| hidden(&page, "ticket"))?;
                let done = browser.post(app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await;
                (done.status == 200).then_some(())
            }
        }
    }
}

/// What is left of it: links, look-ups, orders, claims, and whether the person is joined.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    links: usize,
    led: usize,
    orders: usize,
    claims: usize,
    joined: bool,
    consents: usize,
}

fn left(app: &TestApp, someone: &Someone) -> Left {
    let whole = |kind: &str| -> Vec<Value> { app.rows_of(kind) };
    Left {
        links: whole("link").len(),
        led: whole("member").len(),
        orders: whole("order").len(),
        claims: whole("claim").len(),
        joined: app.linkage(someone).is_some(),
        consents: whole("consent").iter().filter(|row| row["how"]["S"] == "link").count(),
    }
}

/// Tries until it has come about, in this weather, and sweeps until nothing fails.
async fn tell(what: Try, sweeps: bool, fault: Option<Fault>) -> (Vec<Call>, Left) {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    let links = matches!(what, Try::LinkInChat | Try::LinkByLogin);
    if !links {
        app.link_in_chat(&someone, MEMBER).await;
        app.advance(1_000);
    }
    app.start_counting();
    if let Some(fault) = fault {
        app.weather(fault);
    }
    let mut turn = 0;
    loop {
        turn += 1;
        assert!(turn < 8, "{what:?} never came about");
        let wires = app.shared();
        let done = tokio::select! {
            done = what.once(&app, &someone, turn) => Some(done),
            () = wires.wires().death() => None,
        };
        if done.is_none() {
            app.cold_start();
        }
        if app.linkage(&someone).is_some() == links && (links || done.flatten().is_some()) {
            break;
        }
    }
    let installation = app.shared();
    for _ in 0..6 {
        if !sweeps {
            break;
        }
        let report = tokio::select! {
            report = app.sweep() => report.ok(),
            () = installation.wires().death() => None,
        };
        if report.is_some_and(|report| report.failed == 0 && report.complete) {
            break;
        }
        app.advance(1_000);
    }
    let calls = app.calls();
    app.weather(Calm);
    (calls, left(&app, &someone))
}

async fn survives_everything(what: Try, sweeps: bool) {
    let (calls, clean) = tell(what, sweeps, None).await;
    assert!(calls.len() > 2, "it makes calls");
    let of_index = |call: &Call| call.touches.iter().any(|touch| touch.target == "index/due");
    for call in calls.iter().filter(|call| !of_index(call) || call.nth % 32 == 0) {
        for fault in faults(call) {
            assert_eq!(tell(what, sweeps, Some(fault)).await.1, clean, "{fault:?} at {call:?}");
        }
    }
}

#[tokio::test]
async fn a_link_from_the_chat() {
    survives_everything(Try::LinkInChat, false).await;
}

#[tokio::test]
async fn a_link_by_line_login() {
    survives_everything(Try::LinkByLogin, false).await;
}

#[tokio::test]
async fn the_end_of_a_link_in_the_chat_and_the_sweep_after_it() {
    survives_everything(Try::UnlinkInChat, true).await;
}

#[tokio::test]
async fn the_end_of_a_link_by_the_business() {
    survives_everything(Try::UnlinkBySite, false).await;
}

#[tokio::test]
async fn the_end_of_a_link_on_our_page() {
    survives_everything(Try::UnlinkOnOurPage, false).await;
}
