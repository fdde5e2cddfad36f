//! Each channel at LINE: the token works and is its own, webhooks come to us, and the secret
//! is the one that LINE signs with.
//!
//! LINE tells no one its channel secrets. Whether ours is right is found by having LINE send
//! a webhook without events (`POST /v2/bot/channel/webhook/test`, 60 an hour): the function
//! answers 401 to a signature under another secret.

use azukari::{
    domain::plain::Plain,
    host::{roles::Role, secrets::channel_members, settings},
    line::client::LINE_API,
};
use serde_json::{Value, json};

use crate::stage::{
    doctor::{Report, Said, Stage, bootstrap_again, said, start_anew},
    entries::{ACCESS_TOKEN, BOT_USER_ID, Entry, HOLDERS},
    http::{self, Answer, Body},
};

/// A channel, with what the secrets say of it.
struct Channel<'a> {
    stage: &'a Stage<'a>,
    name: &'a str,
    line: &'a str,
    token: Option<Plain<String>>,
}

pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    let line = stage.functions.find(Role::Webhook, settings::LINE_API).unwrap_or(LINE_API);
    for name in &stage.channels {
        let token = value(stage, Role::Webhook, name, ACCESS_TOKEN);
        let channel = Channel { stage, name, line, token };
        if channel.bot(report).await {
            channel.webhook(report).await;
        }
        channel.login(report).await;
        channel.liff(report);
        channel.pages(report).await;
        report.unsure(
            channel.id("redelivery"),
            said(
                "Webhookの再送がオンかどうかは、LINEのAPIからは読めません。",
                "whether webhook redelivery is on cannot be read from LINE's API.",
            ),
            said(
                "LINE Developersコンソールの「Messaging API設定」で、「Webhookの再送」をオンにする",
                "turn \"Webhook redelivery\" on under \"Messaging API\" in the LINE Developers console",
            ),
        );
    }
}

fn value(stage: &Stage<'_>, role: Role, channel: &str, member: &'static str) -> Option<Plain<String>> {
    let stored = stage.secrets.get(&role)?;
    let entry = Entry::Channel(channel.to_owned(), member);
    entry.value(&stored.text).map(|value| Plain::new(value.to_owned()))
}

impl Channel<'_> {
    fn id(&self, what: &str) -> String {
        format!("channel.{}.{what}", self.name)
    }

    /// Calls LINE as the bot. What cannot be told is told of.
    async fn call(&self, method: &str, path: &str, body: Body, id: &str, report: &mut Report) -> Option<Answer> {
        self.call_as(self.token.as_ref(), method, path, body, id, report).await
    }

    async fn call_as(
        &self,
        token: Option<&Plain<String>>,
        method: &str,
        path: &str,
        body: Body,
        id: &str,
        report: &mut Report,
    ) -> Option<Answer> {
        let url = format!("{}{path}", self.line);
        let again = || said("しばらくしてもう一度確かめる", "look again in a while");
        match http::call(&self.stage.cloud.http, method, &url, token, body).await {
            Err(_) => report.unread(id, said("LINEから応答がありません。", "LINE did not answer."), again()),
            Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                let status = answer.status;
                report.unread(id, said(format!("LINEの応答: {status}"), format!("LINE answered {status}")), again());
            }
            Ok(answer) => return Some(answer),
        }
        None
    }

    /// How to put another value into the secrets, and have the functions go by it.
    fn replace(&self, member: &str, ja: &str, en: &str) -> Said {
        let stack = &self.stage.cloud.stack;
        let entry = format!("channel.{}.{member}", self.name);
        let command = format!("azukari bootstrap --stage {stack} --channel-secrets FILE --replace {entry}");
        let holders: Vec<Role> = HOLDERS.into_iter().filter(|role| channel_members(*role).contains(&member)).collect();
        let anew = start_anew(self.stage.cloud, &holders);
        said(
            format!("{ja}をファイルの{entry}に書き、{command} のあと、{}", anew.ja),
            format!("write {en} into the file as {entry}, run {command}, and then {}", anew.en),
        )
    }

    /// What a check needs is in a secret that could not be read: told of there, and here, so
    /// that nobody takes the channel for right.
    fn not_known(&self, what: &str, role: Role, report: &mut Report) {
        let secret = format!("secret.{}", role.as_str());
        report.unread(
            self.id(what),
            said(
                format!("{secret}が読めないので、確かめられません。"),
                format!("could not be checked, as {secret} was not read."),
            ),
            said(format!("{secret}の行を見る"), format!("see the line {secret}")),
        );
    }

    /// Whether the token works, and is the one of this bot.
    async fn bot(&self, report: &mut Report) -> bool {
        let id = self.id("access_token");
        if self.token.is_none() {
            if !self.stage.secrets.contains_key(&Role::Webhook) {
                self.not_known(ACCESS_TOKEN, Role::Webhook, report);
            }
            // Otherwise told of with the secrets.
            return false;
        }
        let Some(answer) = self.call("GET", "/v2/bot/info", Body::Empty, &id, report).await else { return false };
        if answer.status != 200 {
            let status = answer.status;
            let what = said(
                format!("チャネルアクセストークンが使えません（LINEの応答: {status}）"),
                format!("the channel access token does not work: LINE answered {status}"),
            );
            let fix = self.replace(
                "access_token",
                "コンソールの「Messaging API設定」で発行したチャネルアクセストークン（長期）",
                "a long-lived channel access token, issued under \"Messaging API\" in the console,",
            );
            report.wrong(id, what, fix);
            return false;
        }
        let ours = value(self.stage, Role::Webhook, self.name, BOT_USER_ID);
        let same = ours.is_some() && answer.body["userId"].as_str() == ours.as_ref().map(|ours| ours.reveal().as_str());
        report.holds(
            same,
            id,
            said("アクセストークンはこのボットのものか", "the access token works and is of this bot"),
            self.replace(
                ACCESS_TOKEN,
                "どちらのチャネルが正しいかを確かめ、このチャネルのアクセストークン",
                "the access token of the right channel (find out which is right; its bot is asked of LINE)",
            ),
        );
        same
    }

    /// Where LINE sends webhooks, whether it does, and what comes of it.
    async fn webhook(&self, report: &mut Report) {
        let base = self.stage.functions.find(Role::Webhook, settings::PUBLIC_URL);
        // Told of with the functions.
        let Some(base) = base.filter(|base| base.starts_with("https://")) else { return };
        let ours = format!("{}/webhook/{}", base.trim_end_matches('/'), self.name);
        let id = self.id("webhook_url");
        if let Some(answer) = self.call("GET", "/v2/bot/channel/webhook/endpoint", Body::Empty, &id, report).await {
            self.endpoint(&answer, &ours, id, report);
        }
        let (id, body) = (self.id("webhook_test"), Body::Json(json!({ "endpoint": ours })));
        if let Some(answer) = self.call("POST", "/v2/bot/channel/webhook/test", body, &id, report).await {
            self.tested(&answer, &ours, id, report);
        }
    }

    fn endpoint(&self, answer: &Answer, ours: &str, id: String, report: &mut Report) {
        let fix = said(
            format!("LINE Developersコンソールの「Messaging API設定」で、Webhook URLを {ours} にする"),
            format!("set the webhook URL under \"Messaging API\" in the LINE Developers console to {ours}"),
        );
        let there = answer.body["endpoint"].as_str().filter(|_| answer.status == 200);
        match there {
            Some(there) if there == ours => {
                report.ok(id, said(format!("Webhook URL: {ours}"), format!("webhook URL: {ours}")));
            }
            // The address of the API works beside a domain of one's own.
            Some(there) if is_of_an_api(there, self.name) => report.unsure(
                id,
                said("Webhook URLはAPI Gatewayのアドレスです。", "the webhook URL is an address of API Gateway."),
                said("出力WebhookUrlと同じであることを確かめる", "make sure that it is the output WebhookUrl"),
            ),
            Some(_) => {
                let what = said("Webhook URLがここではありません。", "the webhook URL is somewhere else.");
                report.wrong(id, what, fix);
            }
            None => return report.wrong(id, said("Webhook URLがありません。", "there is no webhook URL."), fix),
        }
        report.holds(
            answer.body["active"] == Value::Bool(true),
            self.id("webhook_active"),
            said("Webhookの利用", "use of the webhook"),
            said(
                "LINE Developersコンソールの「Messaging API設定」で、「Webhookの利用」をオンにする",
                "turn \"Use webhook\" on under \"Messaging API\" in the LINE Developers console",
            ),
        );
    }

    fn tested(&self, answer: &Answer, ours: &str, id: String, report: &mut Report) {
        let Some(status) = answer.body["statusCode"].as_i64().filter(|_| answer.status == 200) else {
            let status = answer.status;
            let what = said(format!("LINEの応答: {status}"), format!("LINE answered {status}"));
            return report.unread(
                id,
                what,
                said("コンソールの「検証」ボタンで確かめる", "use the Verify button of the console"),
            );
        };
        let what = said(
            format!("LINEが{ours}にWebhookを送り、{status}が返りました。"),
            format!("LINE sent a webhook to {ours} and was answered {status}."),
        );
        let fix = match status {
            200 => return report.ok(id, what),
            401 => self.replace(
                "channel_secret",
                "コンソールの「チャネル基本設定」のチャネルシークレット",
                "the channel secret of \"Basic settings\" in the console",
            ),
            400 | 404 => {
                let Said { ja, en } = bootstrap_again(&self.stage.cloud.stack);
                let anew = start_anew(self.stage.cloud, &[Role::Webhook]);
                said(
                    format!("{ja} そのあと、関数はシークレットを始動のときに読むので、{}", anew.ja),
                    format!("{en}; then, as functions read their secrets when they start, {}", anew.en),
                )
            }
            ..=0 => said(
                "ドメイン、証明書、API Gatewayを確かめる（ブラウザで /policy/チャネル名 が開くか）",
                "check domain, certificate and API Gateway: does /policy/<channel> open in a browser?",
            ),
            _ => said(
                format!("{}-webhookのログを見る", self.stage.cloud.stack),
                format!("see the log of {}-webhook", self.stage.cloud.stack),
            ),
        };
        report.wrong(id, what, fix);
    }

    /// Whether the secret of the login channel is right: it gives a token that lives for a
    /// quarter of an hour, and is dropped.
    async fn login(&self, report: &mut Report) {
        if !self.stage.secrets.contains_key(&Role::Link) {
            return self.not_known("login_channel", Role::Link, report);
        }
        let value = |member| value(self.stage, Role::Link, self.name, member);
        let (Some(login), Some(secret)) = (value("login_channel_id"), value("login_channel_secret")) else { return };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", login.reveal())
            .append_pair("client_secret", secret.reveal())
            .finish();
        let id = self.id("login_channel");
        let Some(answer) = self.call_as(None, "POST", "/oauth2/v3/token", Body::Form(form), &id, report).await else {
            return;
        };
        report.holds(
            answer.status == 200,
            id,
            said("LINEログインのチャネルIDとシークレット", "id and secret of the LINE Login channel"),
            self.replace(
                "login_channel_secret",
                "LINEログインのチャネルの「チャネル基本設定」のチャネルシークレット",
                "the channel secret of \"Basic settings\" of the LINE Login channel",
            ),
        );
    }

    /// The id of a LIFF app begins with the id of the channel that it belongs to.
    fn liff(&self, report: &mut Report) {
        let configured = self.stage.configuration.and_then(|configuration| configuration.channels.get(self.name));
        let Some(liff) = configured.and_then(|channel| channel.liff_id.as_deref()) else { return };
        let Some(login) = value(self.stage, Role::Form, self.name, "login_channel_id") else { return };
        let id = self.id("liff");
        if liff.strip_prefix(login.reveal().as_str()).is_some_and(|rest| rest.starts_with('-')) {
            return report.ok(
                id,
                said("LIFFアプリはこのLINEログインのチャネルのものです。", "the LIFF app is of this login channel."),
            );
        }
        report.unsure(
            id,
            said(
                "liff_idは、このLINEログインのチャネルのものではないようです。",
                "liff_id does not seem to be of this login channel.",
            ),
            said(
                format!(
                    "channels/{}.tomlのliff_idに、LINE Developersコンソールの「LIFF」タブのIDを書いて公開する",
                    self.name
                ),
                format!(
                    "write the id of the \"LIFF\" tab of the console into channels/{}.toml as liff_id, and publish",
                    self.name
                ),
            ),
        );
    }

    /// Whether people find the policy.
    async fn pages(&self, report: &mut Report) {
        let base = self.stage.functions.find(Role::Form, settings::PUBLIC_URL);
        let Some(base) = base.filter(|base| base.starts_with("https://")) else { return };
        let url = format!("{}/policy/{}", base.trim_end_matches('/'), self.name);
        let (id, fix) = (
            self.id("policy_page"),
            said(
                format!("{}-formのログと、ドメイン、証明書を確かめる", self.stage.cloud.stack),
                format!("see the log of {}-form, and check domain and certificate", self.stage.cloud.stack),
            ),
        );
        match http::call(&self.stage.cloud.http, "GET", &url, None, Body::Empty).await {
            Err(_) => report.wrong(id, said(format!("{url}につながりません。"), format!("{url} is not reached.")), fix),
            Ok(answer) => {
                let status = answer.status;
                let what = said(format!("{url}: {status}"), format!("{url} answers {status}"));
                report.holds(status == 200, id, what, fix);
            }
        }
    }
}

/// Whether an address is that of a channel's webhook at some API of API Gateway.
fn is_of_an_api(url: &str, channel: &str) -> bool {
    let rest = url.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    rest.is_some_and(|(host, path)| {
        host.contains(".execute-api.") && host.ends_with(".amazonaws.com") && path == format!("webhook/{channel}")
    })
}

#[cfg(test)]
mod tests {
    use super::is_of_an_api;

    #[test]
    fn an_address_of_an_api() {
        assert!(is_of_an_api("https://a1b2.execute-api.ap-northeast-1.amazonaws.com/webhook/demo", "demo"));
        for other in [
            "https://a1b2.execute-api.ap-northeast-1.amazonaws.com/webhook/other",
            "https://example.com/webhook/demo",
            "http://a1b2.execute-api.ap-northeast-1.amazonaws.com/webhook/demo",
        ] {
            assert!(!is_of_an_api(other, "demo"), "{other}");
        }
    }
}
