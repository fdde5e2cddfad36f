//! Linking a LINE account with a member id, in all three ways, and undoing it.

use axum::body::Body;
use azukari::domain::link::CLAIM_MS;
use azukari_local::engine::line::{Answer, Faults};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp},
    forms::Page,
    linking::{Browser, form, hidden, location, parameter, path},
    witness,
};
use http::Request;
use serde_json::{Value, json};

const BACK: &str = "https://pages.azukari.test/simulator/member/demo/back";

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name]["S"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn from_the_chat_to_linked_and_back() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    assert!(!app.linked(&member).await);
    app.link_in_chat(&someone, &member).await;
    assert!(app.linked(&member).await);
    let subject = app.subject("demo", &someone).unwrap();
    // One row with the member id, sealed, kept for the purpose of the link; one look-up.
    let rows = app.rows_of("link");
    assert_eq!(rows.len(), 1);
    let purpose = app.installation().published().purposes["member"].id.clone();
    assert_eq!(text(&rows[0], "purpose"), purpose.as_str());
    assert_eq!(text(&rows[0], "shown"), app.installation().published().policies["privacy"].to_string());
    let opened = app.opened("demo", &someone, &rows[0]).await.unwrap();
    assert_eq!(opened, [("member_id".to_owned(), member.clone())].into());
    assert_eq!(app.rows_of("member").len(), 1);
    let consents = app.rows_of_person(subject).into_iter().filter(|row| text(row, "how") == "link");
    let consents: Vec<Value> = consents.collect();
    assert_eq!(consents.len(), 2, "to the link and to being reached");
    assert!(consents.iter().all(|row| text(row, "consent") == "given" && text(row, "notice").len() == 64));
    let said = app.said_to(&someone);
    assert!(said.last().unwrap().contains("連携しました") && said.last().unwrap().contains("連携解除"), "{said:?}");

    // Asked again, it says so; and in the chat it is undone with a question between.
    assert_eq!(app.hook(&[someone.text("1", NOON + 1, "ＩＤ連携")]).await, 200);
    assert!(app.said_to(&someone).last().unwrap().contains("すでに連携しています"));
    assert_eq!(app.hook(&[someone.text("2", NOON + 2, " 連携解除 ")]).await, 200);
    assert!(app.linked(&member).await);
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.postback("EU1", app.now(), "azukari:unlink")]).await, 200);
    assert!(!app.linked(&member).await, "it is undone before anything is swept");
    assert!(app.said_to(&someone).last().unwrap().contains("連携を解除しました"));
    let report = app.sweep_all().await;
    assert_eq!((report.unlinked, report.persons), (1, 0));
    assert!(app.rows_of("link").is_empty() && app.rows_of("member").is_empty() && app.rows_of("order").is_empty());
    assert!(app.subject("demo", &someone) == Some(subject), "the person stays");
    // And again.
    app.advance(1_000);
    app.link_in_chat(&someone, &member).await;
    assert!(app.linked(&member).await);
}

#[tokio::test]
async fn by_line_login_from_the_account() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    let done = app.link_by_login(&someone, &member).await;
    let back = location(&done);
    assert!(back.starts_with("https://pages.azukari.test/simulator/member/demo/line?linked=true"), "{back}");
    assert!(app.linked(&member).await);
    assert!(app.said_to(&someone).last().unwrap().contains("連携しました"));
    // The site gets a name of its own for them, and nothing of LINE's.
    let status = app.site("status", Some(&member), None).await.json();
    assert_eq!(status["subject"].as_str().unwrap().len(), 43);
    assert!(!status.to_string().contains(&someone.0));
}

#[tokio::test]
async fn by_line_login_from_the_site_and_again_as_a_social_login() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    let browser = Browser::default();
    let query = format!("?site=example-demo&state=s-1&return_to={BACK}");
    let joining = app.sign_in(&browser, &query, &someone, &[]).await;
    let back = app.agree_to_join(&browser, &joining, &[]).await;
    assert!(back.starts_with(BACK) && parameter(&back, "state").as_deref() == Some("s-1"), "{back}");
    let code = parameter(&back, "code").unwrap();
    // Nobody knows them yet; the code is still good for one link.
    let login = app.site("login", None, Some(&code)).await;
    assert_eq!(login.json(), json!({"linked": false, "friend_added": false}));
    let finish = app.vouch(&member, &code).await;
    let done = location(&app.finish(&browser, &finish).await);
    assert_eq!(
        (parameter(&done, "linked").as_deref(), parameter(&done, "state").as_deref()),
        (Some("true"), Some("s-1"))
    );
    let subject = app.site("status", Some(&member), None).await.json()["subject"].clone();
    // The next time they are recognised without a question of ours.
    let browser = Browser::default();
    let back = app.sign_in(&browser, &query, &someone, &[]).await;
    assert!(back.starts_with(BACK), "{back}");
    let code = parameter(&back, "code").unwrap();
    let login = app.site("login", None, Some(&code)).await;
    assert_eq!(login.json(), json!({"linked": true, "subject": subject, "friend_added": false}));
    assert_eq!(app.site("login", None, Some(&code)).await.status, 410, "the code was used up");
}

#[tokio::test]
async fn the_request_to_line_is_what_line_documents() {
    let app = TestApp::new().await;
    let authorize = location(&Browser::default().get(&app, "/link/demo/login?lang=en").await);
    let of = |name: &str| parameter(&authorize, name).unwrap_or_default();
    assert!(authorize.starts_with("https://pages.azukari.test/simulator/access/oauth2/v2.1/authorize?"));
    assert_eq!(of("response_type"), "code");
    assert_eq!(of("redirect_uri"), format!("{PUBLIC_URL}/link/demo/callback"));
    assert_eq!((of("scope").as_str(), of("code_challenge_method").as_str()), ("openid profile", "S256"));
    assert_eq!((of("bot_prompt").as_str(), of("ui_locales").as_str()), ("normal", "en-US"));
    assert_eq!((of("state").len(), of("nonce").len(), of("code_challenge").len()), (64, 64, 43));
    assert!(of("state").bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let again = location(&Browser::default().get(&app, "/link/demo/login?intent=unlink").await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(parameter(&again, name), Some(of(name)), "{name}");
    }
    assert_eq!(parameter(&again, "bot_prompt"), None);
}

/// The channel `demo`, with a rich menu for linked people and all of LINE Profile+.
fn with_profile_plus() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/channels/demo.toml");
    let shipped = std::fs::read_to_string(path).unwrap();
    let more = "[link]\nrich_menu = \"richmenu-0123456789abcdef0123456789abcdef\"\n\
        profile_plus = [\"real_name\", \"gender\", \"birthdate\", \"phone\", \"address\"]\n";
    shipped.replacen("[link]\n", more, 1)
}

#[tokio::test]
async fn what_line_knows_is_kept_item_by_item_and_only_where_it_was_ticked() {
    let channel = with_profile_plus();
    let app = TestApp::with_files(&[("channels/demo.toml", channel.as_str())]).await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    let (name, phone, town) = (app.marker("山田"), "+819012345678", app.marker("中央区"));
    app.installation().line().set_profile_plus(
        &someone.0,
        json!({
            "family_name": name, "given_name": "花子", "phone_number": phone, "gender": "female",
            "address": {"postal_code": "1040061", "region": "東京都", "locality": town, "country": "JP"},
        }),
    );
    let browser = Browser::default();
    // The birthday is absent, and the gender was not allowed to be told.
    let joining = app.sign_in(&browser, "", &someone, &["real_name", "phone", "address", "birthdate"]).await;
    let page = browser.get(&app, &joining).await;
    for (item, offered) in
        [("real_name", true), ("phone", true), ("address", true), ("gender", false), ("birthdate", false)]
    {
        assert_eq!(page.text.contains(&format!("name=\"item.{item}\"")), offered, "{item}");
    }
    assert!(!page.text.contains("yes\" checked"), "nothing is ticked by itself");
    let back = app.agree_to_join(&browser, &joining, &["real_name", "address", "gender"]).await;
    let finish = app.vouch(&member, &parameter(&back, "code").unwrap()).await;
    location(&app.finish(&browser, &finish).await);
    let opened = app.opened("demo", &someone, &app.rows_of("link")[0]).await.unwrap();
    let names: Vec<&str> = opened.keys().map(String::as_str).collect();
    assert_eq!(names, ["country", "family_name", "given_name", "locality", "member_id", "postal_code", "region"]);
    // The menu of linked people is shown, and taken away with the link.
    let line = app.shared();
    let menu = || line.line().rich_menu("demo", &someone.0);
    assert_eq!(menu().as_deref(), Some("richmenu-0123456789abcdef0123456789abcdef"));
    app.advance(1_000);
    let unlinked = app.site("unlink", Some(&member), None).await;
    assert_eq!(unlinked.json(), json!({"status": "unlinked"}));
    let before = app.said_to(&someone).len();
    assert!(menu().is_some(), "the business does not know whose menu it is");
    assert_eq!(app.said_to(&someone).len(), before, "nobody is told");
    assert_eq!(app.hook(&[someone.text("1", app.now(), "こんにちは")]).await, 200);
    assert!(menu().is_none(), "the next contact sees to it");
}

#[tokio::test]
async fn on_our_page_a_link_is_undone_and_line_is_told() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    location(&app.link_by_login(&someone, &member).await);
    app.advance(1_000);
    let browser = Browser::default();
    let about = browser.get(&app, "/link/demo/unlink").await;
    assert!(about.text.contains("LINEヤフー株式会社") && about.text.contains("連携解除"), "{}", about.text);
    let parting = app.sign_in(&browser, "?intent=unlink", &someone, &[]).await;
    let page = browser.get(&app, &parting).await;
    assert!(app.linked(&member).await, "looking undoes nothing");
    let ticket = hidden(&page, "ticket");
    let done = browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await;
    assert!(done.status == 200 && done.text.contains("LINEヤフー株式会社に知らせました"), "{}", done.text);
    assert!(!app.linked(&member).await);
    assert!(app.said_to(&someone).last().unwrap().contains("連携を解除しました"));
    let operations: Vec<String> = app.installation().line().exchanges().into_iter().map(|it| it.operation).collect();
    assert!(operations.contains(&"POST /user/v1/deauthorize".to_owned()), "{operations:?}");
    // Used up.
    let again = browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await;
    assert_eq!(again.status, 400);
    assert_eq!(app.sweep_all().await.unlinked, 1);
    assert!(app.rows_of("link").is_empty() && app.rows_of("member").is_empty());
}

#[tokio::test]
async fn who_has_no_link_can_still_end_what_they_have_allowed_in_line() {
    let app = TestApp::new().await;
    let (someone, browser) = (app.someone(), Browser::default());
    let parting = app.sign_in(&browser, "?intent=unlink", &someone, &[]).await;
    let page = browser.get(&app, &parting).await;
    assert!(page.status == 200 && page.text.contains("いま連携している会員IDはありません"), "{}", page.text);
    let ticket = hidden(&page, "ticket");
    let done = browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await;
    assert!(done.status == 200 && done.text.contains("<h1>連携している会員IDはありません</h1>"), "{}", done.text);
    assert!(done.text.contains("LINEヤフー株式会社に知らせました"), "{}", done.text);
    let asked = app.installation().line().exchanges();
    assert_eq!(asked.iter().filter(|it| it.operation == "POST /user/v1/deauthorize").count(), 1);
    assert!(app.said_to(&someone).is_empty() && app.subject("demo", &someone).is_none());
}

/// The error that the button of a page takes back to the site.
fn error_of(page: &Page) -> Option<&str> {
    page.text.split("error=").nth(1)?.split(['&', '"']).next()
}

#[tokio::test]
async fn why_a_sign_in_led_nowhere_is_told_to_the_site_in_a_word_of_oauth() {
    let app = TestApp::new().await;
    let (someone, browser) = (app.someone(), Browser::default());
    let login = format!("/link/demo/login?site=example-demo&state=s-1&return_to={BACK}");
    for (error, status, told) in [
        ("ACCESS_DENIED", 200, "access_denied"),
        ("SERVER_ERROR", 502, "server_error"),
        ("INVALID_REQUEST", 400, "server_error"),
        ("LOGIN_REQUIRED", 200, "server_error"),
        ("SOMETHING_NEW", 400, "server_error"),
    ] {
        let begun = location(&browser.get(&app, &login).await);
        let state = parameter(&begun, "state").unwrap();
        let page = browser.get(&app, &format!("/link/demo/callback?error={error}&state={state}")).await;
        assert_eq!((page.status, error_of(&page)), (status, Some(told)), "{error}");
        assert!(page.text.contains(&format!("{BACK}?error=")) && page.text.contains("state=s-1"), "{}", page.text);
    }
    for (answer, status, told, words) in [
        (Answer::BadRequest, 400, "server_error", "LINEログインを確かめられませんでした"),
        (Answer::Unauthorized, 503, "temporarily_unavailable", "ただいま手続きできません"),
        (Answer::TooManyRequests, 502, "temporarily_unavailable", "LINEにつながりませんでした"),
        (Answer::InternalError, 502, "temporarily_unavailable", "LINEにつながりませんでした"),
    ] {
        let callback = app.allow(&location(&browser.get(&app, &login).await), &someone, &[]);
        app.installation().line().set_faults(Faults { token: answer, ..Faults::default() });
        let page = browser.get(&app, &callback).await;
        app.installation().line().set_faults(Faults::default());
        assert_eq!((page.status, error_of(&page)), (status, Some(told)), "{answer:?}");
        assert!(page.text.contains(words), "{answer:?}: {}", page.text);
    }
    // That the login channel is set up wrongly is for whoever runs this.
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    let line = said.lines().find(|line| line.contains("LINE refused the login channel's id or secret"));
    assert!(line.is_some_and(|line| line.contains("ERROR") && line.contains("demo")), "{line:?}");
}

#[tokio::test]
async fn who_reads_english_is_told_in_english_that_a_ticket_leads_nowhere() {
    let app = TestApp::new().await;
    let ticket = "0".repeat(64);
    let fields = form(&[("ticket", ticket.as_str()), ("words", ""), ("choice", "join")]);
    let request = Request::post("/link/demo/join")
        .header("origin", PUBLIC_URL)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept-language", "en");
    let page = app.request(request.body(Body::from(fields)).unwrap()).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("<html lang=\"en\">"), "{}", page.text);
    assert!(page.text.contains("This cannot be used any more"), "{}", page.text);
}

#[tokio::test]
async fn a_form_that_is_too_long_is_not_read() {
    let app = TestApp::new().await;
    let browser = Browser::default();
    let room = azukari_link::MAX_BODY - "ticket=".len();
    for (length, words) in [(room, "この手続きは、もう使えません"), (room + 1, "送られた内容を読み取れませんでした")]
    {
        let ticket = "0".repeat(length);
        let page = browser.post(&app, "/link/demo/unlink", &[("ticket", ticket.as_str())]).await;
        assert!(page.status == 400 && page.text.contains(words), "{length}: {}", page.text);
    }
}

#[tokio::test]
async fn what_is_used_up_by_opening_it_is_not_opened_by_head() {
    let app = TestApp::new().await;
    let (someone, browser) = (app.someone(), Browser::default());
    let head = async |address: &str| {
        let request = Request::head(path(address)).header("cookie", browser.cookies());
        app.request(request.body(Body::empty()).unwrap()).await
    };
    let address = app.ask_to_link(&someone, "EL1").await;
    let code = app.begin_in_chat(&browser, &address).await;
    let finish = app.vouch(&app.marker("M-1001"), &code).await;
    let page = head(&finish).await;
    assert_eq!((page.status, page.headers["allow"].to_str().unwrap()), (405, "GET, POST"));
    assert!(location(&browser.get(&app, &finish).await).contains("linkToken="), "it is still good");
    let begun = location(&browser.get(&app, "/link/demo/login").await);
    let callback = app.allow(&begun, &someone, &[]);
    let page = head(&callback).await;
    assert_eq!((page.status, page.headers["allow"].to_str().unwrap()), (405, "GET"));
    assert!(location(&browser.get(&app, &callback).await).contains("/joining?"), "it is still good");
    for address in ["/link/demo", "/link/demo/unlink"] {
        assert_eq!(head(address).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn an_address_below_a_channel_that_has_no_page_says_so() {
    let app = TestApp::new().await;
    for address in ["/link/demo/", "/link/demo/begin/", "/link/demo/nothing/at/all", "/link/nobody/"] {
        let page = app.get(address).await;
        assert!(page.status == 404 && page.text.contains("ページが見つかりません"), "{address}: {}", page.text);
    }
    assert_eq!(app.get("/link/demo/begin").await.status, 405);
    assert_eq!(app.get("/link/demo").await.status, 200);
}

#[tokio::test]
async fn a_member_who_is_taken_is_refused_and_the_claim_can_be_looked_into() {
    let app = TestApp::new().await;
    let (holder, other, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    app.link_in_chat(&holder, &member).await;
    app.link_in_chat(&other, &member).await;
    assert!(app.said_to(&other).last().unwrap().contains("連携できませんでした"));
    let third = app.someone();
    let refused = app.link_by_login(&third, &member).await;
    assert!(refused.status == 409 && refused.text.contains("別のLINEアカウントと連携しています"), "{}", refused.text);
    // Of two that are begun, one is made; whoever has a member id cannot take another.
    let mut finishes = Vec::new();
    for number in ["M-1002", "M-1003"] {
        let browser = Browser::default();
        let joining = app.sign_in(&browser, "", &third, &[]).await;
        let code = parameter(&app.agree_to_join(&browser, &joining, &[]).await, "code").unwrap();
        let finish = app.vouch(&app.marker(number), &code).await;
        finishes.push((browser, finish));
    }
    location(&app.finish(&finishes[0].0, &finishes[0].1).await);
    let refused = app.finish(&finishes[1].0, &finishes[1].1).await;
    assert!(refused.status == 409 && refused.text.contains("別の会員IDと連携しています"), "{}", refused.text);
    // The holder keeps it, and nothing was written about them.
    assert!(app.linkage(&holder).is_some() && app.linkage(&other).is_none());
    let claims = app.rows_of("claim");
    assert_eq!(claims.len(), 3);
    let holder_id = app.subject("demo", &holder).unwrap().to_string();
    assert!(claims.iter().all(|row| !text(row, "pk").contains(&holder_id)));
    let opened = app
        .opened(
            "demo",
            &other,
            claims
                .iter()
                .find(|row| text(row, "pk").contains(&app.subject("demo", &other).unwrap().to_string()))
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(opened, [("member_id".to_owned(), member)].into());
    let requests = app.ask("desk", &json!({"act": "requests"})).await["requests"].clone();
    let of = |someone: &azukari_tests::line::Someone| json!(app.subject("demo", someone).unwrap().to_string());
    let listed: Vec<(Value, Value)> =
        requests.as_array().unwrap().iter().map(|it| (it["person"].clone(), it["holder"].clone())).collect();
    assert_eq!(listed.len(), 3, "{requests}");
    assert!(listed.contains(&(of(&other), of(&holder))) && listed.contains(&(of(&third), of(&holder))), "{requests}");
    assert!(requests.as_array().unwrap().iter().all(|it| it["what"] == "claim" && it["days_left"] == 14));
    assert_eq!(app.ask("auditor", &json!({"act": "requests"})).await["error"]["code"], "not_granted");
    // It is kept for a month.
    app.advance(CLAIM_MS);
    app.sweep_all().await;
    assert!(app.rows_of("claim").is_empty());
}

#[tokio::test]
async fn erasing_a_person_unlinks_them_and_they_can_link_again() {
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    app.agree("demo", &someone, NOON).await;
    app.link_in_chat(&someone, &member).await;
    let before = app.subject("demo", &someone).unwrap();
    let name = app.site("status", Some(&member), None).await.json()["subject"].clone();
    app.advance(1_000);
    assert_eq!(app.hook(&[app.answer(&someone, app.now(), false)]).await, 200);
    app.sweep().await.unwrap();
    // Restricted and unmapped: the member id leads nowhere, and is free at once.
    assert!(!app.linked(&member).await);
    let other = app.someone();
    app.advance(1_000);
    location(&app.link_by_login(&other, &member).await);
    assert_eq!(app.sweep_all().await.persons, 1);
    assert!(app.linked(&member).await, "the newer link stays");
    assert!(app.rows_of_person(before).is_empty());
    app.advance(1_000);
    assert_eq!(app.site("unlink", Some(&member), None).await.status, 200);
    app.advance(1_000);
    // Who comes again is somebody else, to the site too.
    app.link_in_chat(&someone, &member).await;
    assert_ne!(app.subject("demo", &someone).unwrap(), before);
    assert_ne!(app.site("status", Some(&member), None).await.json()["subject"], name);
}

#[tokio::test]
async fn who_links_without_a_word_in_the_chat_is_kept_as_the_page_said() {
    let app = TestApp::new().await;
    let (someone, refused, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    location(&app.link_by_login(&someone, &member).await);
    assert_eq!(app.link_by_login(&refused, &member).await.status, 409);
    app.advance_days(5);
    app.sweep_all().await;
    assert!(app.linked(&member).await && app.rows_of("claim").len() == 1);
    app.advance_days(26);
    app.sweep_all().await;
    assert!(app.linked(&member).await && app.rows_of("claim").is_empty());
}

#[tokio::test]
async fn a_link_whose_purpose_is_over_ends_and_the_person_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/purposes.toml");
    let purposes = std::fs::read_to_string(path).unwrap();
    let (before, member) = purposes.split_once("id = \"member\"").unwrap();
    let purposes = format!("{before}id = \"member\"{}", member.replacen("years = 1", "days = 3", 1));
    let app = TestApp::with_files(&[("purposes.toml", purposes.as_str())]).await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    app.agree("demo", &someone, NOON).await;
    location(&app.link_by_login(&someone, &member).await);
    // They write now and then: the purpose lasts three days from the last contact.
    for turn in 0..3 {
        app.advance_days(2);
        assert_eq!(app.hook(&[someone.text(&format!("{turn}"), app.now(), "a")]).await, 200);
        app.sweep_all().await;
    }
    assert!(app.linked(&member).await);
    app.advance_days(4);
    app.sweep_all().await;
    assert!(!app.linked(&member).await);
    assert!(app.rows_of("link").is_empty() && app.rows_of("member").is_empty());
    assert!(app.subject("demo", &someone).is_some());
    app.advance(1_000);
    // And can begin anew.
    location(&app.link_by_login(&someone, &member).await);
    assert!(app.linked(&member).await);
}

#[tokio::test]
async fn calls_of_each_way_are_counted() {
    use azukari_local::engine::wire::Service;
    let app = TestApp::new().await;
    let (someone, member) = (app.someone(), app.marker("M-1001"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    let browser = Browser::default();
    let address = app.ask_to_link(&someone, "EL1").await;
    let counts = |app: &TestApp| {
        let of = |service| app.operations(service);
        (of(Service::DynamoDb), of(Service::Kms))
    };
    let calls = |dynamodb: &[&str], kms: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        (owned(dynamodb), owned(kms))
    };
    app.start_counting();
    let code = app.begin_in_chat(&browser, &address).await;
    assert_eq!(counts(&app), calls(&["PutItem"], &[]), "to the site");
    app.start_counting();
    let finish = app.vouch(&member, &code).await;
    let vouched = ["DeleteItem", "GetItem", "PutItem", "PutItem", "TransactWriteItems"];
    assert_eq!(counts(&app), calls(&vouched, &["GenerateMac"]), "the site vouches");
    app.start_counting();
    let dialog = app.confirm_dialog(&location(&app.finish(&browser, &finish).await), &someone);
    assert_eq!(counts(&app), calls(&["DeleteItem", "GetItem"], &[]), "to LINE");
    app.start_counting();
    assert_eq!(app.hook(&[app.account_link(&dialog, "EA1", app.now())]).await, 200);
    let linked = ["GetItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(counts(&app), calls(&linked, &[]), "linked, without a key");
    app.start_counting();
    assert!(app.linked(&member).await);
    assert_eq!(counts(&app), calls(&["GetItem", "GetItem", "TransactWriteItems"], &["GenerateMac"]), "status");

    // By LINE Login, from our page to linked.
    let (other, browser) = (app.someone(), Browser::default());
    app.start_counting();
    let joining = app.sign_in(&browser, "", &other, &[]).await;
    assert_eq!(counts(&app), calls(&["DeleteItem", "GetItem", "GetItem", "PutItem", "PutItem"], &[]), "signed in");
    app.start_counting();
    let code = parameter(&app.agree_to_join(&browser, &joining, &[]).await, "code").unwrap();
    assert_eq!(counts(&app), calls(&["DeleteItem", "GetItem", "GetItem", "PutItem"], &[]), "agreed");
    app.start_counting();
    let finish = app.vouch(&app.marker("M-1002"), &code).await;
    let vouched = ["DeleteItem", "GetItem", "PutItem", "TransactWriteItems"];
    assert_eq!(counts(&app), calls(&vouched, &["GenerateMac"]), "the site vouches");
    app.start_counting();
    location(&app.finish(&browser, &finish).await);
    let linked = ["GetItem", "GetItem", "GetItem", "GetItem", "Query", "TransactWriteItems"];
    assert_eq!(counts(&app), calls(&linked, &[]), "linked, somebody new");
}

#[tokio::test]
async fn a_link_moves_with_the_person_to_a_new_index_key() {
    let mut app = TestApp::new().await;
    let (someone, other, member) = (app.someone(), app.someone(), app.marker("M-1001"));
    app.link_in_chat(&someone, &member).await;
    let path = app.folder().join("data/secrets.toml");
    let secrets = std::fs::read_to_string(&path).unwrap().replace("user_index = ", "user_index_previous = ");
    std::fs::write(&path, secrets).unwrap();
    app.restart().await;
    // As long as they have not been met anew, the member id leads to the old place.
    assert!(app.linked(&member).await);
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.text("1", app.now(), "a")]).await, 200);
    assert!(app.linked(&member).await && app.linkage(&someone).is_some());
    let refused = app.link_by_login(&other, &member).await;
    assert_eq!(refused.status, 409, "it is still theirs");
    app.advance(1_000);
    assert_eq!(app.site("unlink", Some(&member), None).await.status, 200);
    assert!(!app.linked(&member).await && app.linkage(&someone).is_none());
}

#[tokio::test]
async fn that_the_account_was_added_is_told_to_the_site() {
    let app = TestApp::new().await;
    for added in ["true", "false"] {
        let (someone, browser) = (app.someone(), Browser::default());
        let begun = browser.get(&app, &format!("/link/demo/login?site=example-demo&state=s-1&return_to={BACK}")).await;
        let callback = app.allow(&location(&begun), &someone, &[]);
        let (callback, _) = callback.split_once("&friendship_status_changed=").expect("LINE says whether it changed");
        let callback = format!("{callback}&friendship_status_changed={added}");
        let joining = location(&browser.get(&app, &callback).await);
        let code = parameter(&app.agree_to_join(&browser, &joining, &[]).await, "code").unwrap();
        let login = app.site("login", None, Some(&code)).await.json();
        assert_eq!(login, json!({"linked": false, "friend_added": added == "true"}));
    }
}
