//! `/simulator/access/…`: what https://access.line.me does. People sign in with LINE Login,
//! and confirm that accounts are linked. Nobody stays signed in: whose LINE it is, is
//! chosen each time, or is that of the phone in whose browser the page is open.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::{RawQuery, State},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use azukari::{
    domain::definition::{ProfileItem, Text},
    host::problem::Problem,
};
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    engine::line::{Authorization, DialogError, Friend, Grant, Granted, Line, Prompt, Refused},
    serve::{
        phones::{event, tell},
        simulator::Local,
    },
};

const STYLE: &str = include_str!("../../templates/access.css");
const SCRIPT: &str = include_str!("../../simulator/access.js");

/// A browser holds every redirect after a form against `form-action`: the callback leads on
/// to the site of the business, wherever that is.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self' http: https:; frame-ancestors 'self'";

const BROKEN: Problem =
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ページを作れませんでした。", "The page could not be made.");

const UNKNOWN_CLIENT: Words = Words {
    ja: "このログインのチャネルはありません（client_id）。",
    en: "There is no such login channel (client_id).",
};
const WRONG_CALLBACK: Words = Words {
    ja: "戻り先のアドレスが登録されていません（redirect_uri）。",
    en: "The address to return to is not registered (redirect_uri).",
};
const NOBODY: Words = Words {
    ja: "どなたのLINEアカウントか、わかりませんでした。前の画面に戻って選んでください。",
    en: "Nobody was chosen. Please go back and choose whose LINE it is.",
};
const NO_TOKEN: Words = Words {
    ja: "このリンクは使えません。使用済みか、発行から10分を過ぎています。トークからもう一度お試しください。",
    en: "This link is not good any more: it was used, or is older than ten minutes. Please begin again in the chat.",
};
const WRONG_NONCE: Words = Words {
    ja: "連携のページから渡された値が正しくありません（nonce）。",
    en: "What the linking page has passed on is not right (nonce).",
};
const LINKED: Words = Words {
    ja: "手続きが済みました。この画面を閉じて、トークにお戻りください。",
    en: "Done. Close this page and go back to the chat.",
};
const NOT_LINKED: Words = Words {
    ja: "連携できませんでした。この画面を閉じて、トークからもう一度お試しください。",
    en: "The accounts could not be linked. Close this page and begin again in the chat.",
};

/// A sentence in both languages.
#[derive(Clone, Copy)]
struct Words {
    ja: &'static str,
    en: &'static str,
}

/// What the pages work with.
#[derive(Clone)]
struct Access {
    local: Local,
    /// Where the people's pages are.
    base: Arc<str>,
}

/// Signing in.
#[derive(Template)]
#[template(path = "access_sign_in.html")]
struct SignIn {
    account: Text,
    phones: Vec<Phone>,
    /// What cannot be refused.
    fixed: Vec<Item>,
    optional: Vec<Item>,
    offers_account: bool,
}

/// Confirming that accounts are linked.
#[derive(Template)]
#[template(path = "access_dialog.html")]
struct Confirm {
    account: Text,
    phones: Vec<Phone>,
}

/// The end, good or bad.
#[derive(Template)]
#[template(path = "access_end.html")]
struct End {
    title: Words,
    words: Words,
    /// For tools: `linked`, `failed` or `refused`.
    outcome: &'static str,
}

/// Something that is asked for.
struct Item {
    scope: String,
    title: Text,
}

/// A phone to choose.
struct Phone {
    user_id: String,
    name: String,
    state: Words,
    /// Whether its owner need not be asked again.
    known: bool,
    chosen: bool,
}

pub(super) fn router(local: Local, public_url: &str) -> Router {
    Router::new()
        .route("/simulator/access/oauth2/v2.1/authorize", get(sign_in).post(decide))
        .route("/simulator/access/dialog/bot/accountLink", get(dialog).post(confirm))
        .route("/simulator/access.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .route("/simulator/access.js", get(async || file("text/javascript; charset=utf-8", SCRIPT)))
        .with_state(Access { local, base: public_url.into() })
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Answers with a page. Its address goes to ourselves alone: without any, a browser would not
/// say where a form comes from.
fn page(status: StatusCode, page: &impl Template) -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::REFERRER_POLICY, "same-origin")];
    match page.render() {
        Ok(page) => (status, headers, Html(page)).into_response(),
        Err(_) => BROKEN.into_response(),
    }
}

/// Something that leads nowhere, as people are told.
fn dead_end(words: Words) -> Response {
    let title = Words { ja: "続けられません", en: "This cannot go on" };
    page(StatusCode::BAD_REQUEST, &End { title, words, outcome: "refused" })
}

/// A request that is not in order: shown, or sent back.
fn refused(refused: &Refused) -> Response {
    match refused {
        Refused::UnknownClient => dead_end(UNKNOWN_CLIENT),
        Refused::RedirectUri => dead_end(WRONG_CALLBACK),
        Refused::Back { location, .. } => Redirect::to(location).into_response(),
    }
}

/// Members of a query or of a form, in their order.
struct Members(Vec<(String, String)>);

impl Members {
    fn read(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    fn all<'m>(&'m self, name: &'m str) -> impl Iterator<Item = &'m str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn first(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

impl Access {
    fn line(&self) -> &Line {
        self.local.installation.line()
    }

    fn wanted(&self, query: Option<&str>) -> Result<Authorization, Refused> {
        self.line().authorization(query.unwrap_or_default(), &self.base)
    }

    /// What people call the account of a channel.
    fn account(&self, channel: &str) -> Text {
        let configuration = self.local.installation.configuration();
        let policy =
            configuration.channels.get(channel).and_then(|channel| configuration.policies.get(&channel.policy));
        policy.map_or_else(
            || Text { ja: channel.to_owned(), en: channel.to_owned() },
            |policy| policy.business.name.clone(),
        )
    }

    /// The phones of every channel, for a page about one of them.
    fn phones(&self, channel: &str, known: impl Fn(&str) -> bool) -> Vec<Phone> {
        let friends = self.line().friends();
        let only_one = friends.len() == 1;
        let phone = |friend: Friend| Phone {
            state: state_of(&friend, channel),
            known: known(&friend.user_id),
            chosen: only_one,
            user_id: friend.user_id,
            name: friend.name,
        };
        friends.into_iter().map(phone).collect()
    }

    /// Whose LINE it is: one of the phones, or anybody's of whom a tool knows the id, or that
    /// of a new phone with this name.
    fn chosen(&self, form: &Members, channel: &str) -> Option<String> {
        let user_id = form.first("user_id");
        if !user_id.is_empty() {
            return Some(user_id.to_owned());
        }
        let name = form.first("name").trim();
        (1..=20).contains(&name.chars().count()).then(|| self.line().new_friend(channel, name))
    }
}

/// How somebody stands to the account of a channel.
fn state_of(friend: &Friend, channel: &str) -> Words {
    if friend.channel != channel || !friend.following {
        Words { ja: "未追加", en: "not added" }
    } else if friend.blocked {
        Words { ja: "ブロック中", en: "blocked" }
    } else {
        Words { ja: "友だち", en: "friend" }
    }
}

/// What a scope is called.
fn item(scope: &str) -> Item {
    let both = |ja: &str, en: &str| Text { ja: ja.to_owned(), en: en.to_owned() };
    let title = match scope {
        "openid" => both("ユーザー識別子", "User identifier"),
        "profile" => both("プロフィール（表示名など）", "Profile: display name and the like"),
        "email" => both("メールアドレス", "Email address"),
        other => ProfileItem::parse(other).map_or_else(|| both(other, other), ProfileItem::title),
    };
    Item { scope: scope.to_owned(), title }
}

async fn sign_in(State(access): State<Access>, RawQuery(query): RawQuery) -> Response {
    let wanted = match access.wanted(query.as_deref()) {
        Ok(wanted) => wanted,
        Err(why) => return refused(&why),
    };
    if wanted.prompt == Some(Prompt::Silent) {
        return Redirect::to(&access.line().login_required(&wanted)).into_response();
    }
    let (fixed, optional): (Vec<&String>, Vec<&String>) =
        wanted.scopes.iter().partition(|scope| ["openid", "profile"].contains(&scope.as_str()));
    let items = |scopes: Vec<&String>| -> Vec<Item> { scopes.into_iter().map(|scope| item(scope)).collect() };
    let sign_in = SignIn {
        account: access.account(&wanted.channel),
        phones: access.phones(&wanted.channel, |user_id| access.line().has_consented(&wanted, user_id)),
        fixed: items(fixed),
        optional: items(optional),
        offers_account: wanted.bot_prompt.is_some(),
    };
    page(StatusCode::OK, &sign_in)
}

async fn decide(State(access): State<Access>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let wanted = match access.wanted(query.as_deref()) {
        Ok(wanted) => wanted,
        Err(why) => return refused(&why),
    };
    let (line, form) = (access.line(), Members::read(&body));
    if form.first("decision") != "allow" {
        return Redirect::to(&line.deny(&wanted)).into_response();
    }
    let Some(user_id) = access.chosen(&form, &wanted.channel) else { return dead_end(NOBODY) };
    let scopes: BTreeSet<String> = if line.has_consented(&wanted, &user_id) {
        wanted.scopes.clone()
    } else {
        form.all("scope").map(str::to_owned).collect()
    };
    let granted = Grant { scopes, add_friend: !form.first("add_friend").is_empty() };
    let Ok(Granted { location, follows }) = line.grant(&wanted, &user_id, &granted) else { return dead_end(NOBODY) };
    if follows {
        let follow = event(&access.local, Some(user_id.as_str()), "follow", json!({"follow": {"isUnblocked": false}}));
        told(&access.local, &wanted.channel, &user_id, follow).await;
    }
    Redirect::to(&location).into_response()
}

async fn dialog(State(access): State<Access>, RawQuery(query): RawQuery) -> Response {
    let query = Members::read(query.unwrap_or_default().as_bytes());
    let Some(channel) = access.line().link_channel(query.first("linkToken")) else { return dead_end(NO_TOKEN) };
    let phones = access.phones(&channel, |_| false);
    page(StatusCode::OK, &Confirm { account: access.account(&channel), phones })
}

async fn confirm(State(access): State<Access>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let (query, form) = (Members::read(query.unwrap_or_default().as_bytes()), Members::read(&body));
    let (line, link_token) = (access.line(), query.first("linkToken"));
    let Some(channel) = line.link_channel(link_token) else { return dead_end(NO_TOKEN) };
    let Some(user_id) = access.chosen(&form, &channel) else { return dead_end(NOBODY) };
    let dialog = match line.link_dialog(link_token, query.first("nonce"), &user_id) {
        Ok(dialog) => dialog,
        Err(DialogError::Token) => return dead_end(NO_TOKEN),
        Err(DialogError::Nonce) => return dead_end(WRONG_NONCE),
    };
    let linked = dialog.user.is_some();
    let result = if linked { "ok" } else { "failed" };
    let link = json!({"link": {"result": result, "nonce": dialog.nonce}});
    let link = event(&access.local, dialog.user.as_deref(), "accountLink", link);
    told(&access.local, &dialog.channel, &user_id, link).await;
    let end = if linked {
        End { title: Words { ja: "完了しました", en: "Done" }, words: LINKED, outcome: "linked" }
    } else {
        End {
            title: Words { ja: "連携できませんでした", en: "Not linked" }, words: NOT_LINKED, outcome: "failed"
        }
    };
    page(StatusCode::OK, &end)
}

/// Tells the webhook function. LINE shows people the same, whatever it answers.
async fn told(local: &Local, channel: &str, user_id: &str, event: Value) {
    match tell(local, channel, user_id, event).await {
        Ok(200) => {}
        Ok(status) => tracing::warn!(event = "event_not_taken", status, "the webhook function has not taken the event"),
        Err(_) => tracing::warn!(event = "event_not_told", "the event could not be told"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(phones: Vec<Phone>) -> String {
        let account = Text { ja: "見本の店<b>".to_owned(), en: "Sample shop".to_owned() };
        let (fixed, optional) = (vec![item("openid")], vec![item("real_name"), item("email")]);
        SignIn { account, phones, fixed, optional, offers_account: true }.render().unwrap()
    }

    fn phone(following: bool, blocked: bool) -> Friend {
        let (user_id, name) = ("U1".to_owned(), "さくら".to_owned());
        Friend { user_id, name, channel: "demo".to_owned(), following, blocked, chat: Vec::new() }
    }

    #[test]
    fn everything_that_is_asked_for_is_named() {
        let state = Words { ja: "友だち", en: "friend" };
        let (user_id, name) = ("U1".to_owned(), "さくら".to_owned());
        let shown = render(vec![Phone { user_id, name, state, known: true, chosen: true }]);
        for text in
            ["ユーザー識別子", "お名前", "メールアドレス", "value=\"real_name\"", "さくら", "友だち", "許可する"]
        {
            assert!(shown.contains(text), "{text}");
        }
        assert!(!shown.contains("<b>"), "what was configured is text");
        assert!(!shown.contains("name=\"name\""), "there is somebody to choose");
        assert!(render(Vec::new()).contains("name=\"name\""), "a new phone can be made");
    }

    #[test]
    fn a_page_has_no_style_or_script_in_its_lines() {
        let shown = render(Vec::new());
        assert!(!shown.contains("style=") && !shown.contains("onclick") && !shown.contains("<style"));
        for word in ["innerHTML", "document.write", "eval("] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
    }

    #[test]
    fn somebody_is_a_friend_of_an_account_or_not() {
        let state = |friend: &Friend, channel: &str| state_of(friend, channel).en;
        assert_eq!(state(&phone(false, false), "demo"), "not added");
        assert_eq!(state(&phone(true, false), "demo"), "friend");
        assert_eq!(state(&phone(true, true), "demo"), "blocked");
        assert_eq!(state(&phone(true, false), "other"), "not added");
    }
}
