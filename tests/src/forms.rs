//! Forms, as a page or a program sends them.

use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{app::TestApp, line::Someone};

/// An answer with its headers. What it says is not held against the functions: a person
/// sees what they have written themselves.
#[derive(Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub text: String,
}

impl Page {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// The codes of the problems that it names, with what they are about.
    pub fn problems(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let about = |error: &Value| {
            let field = error["field"].as_str().or(error["consent"].as_str()).unwrap_or("form").to_owned();
            let part = error["part"].as_str().map(|part| format!(".{part}")).unwrap_or_default();
            format!("{field}{part}: {}", error["code"].as_str().unwrap_or_default())
        };
        errors.iter().map(about).collect()
    }
}

impl TestApp {
    /// Asks the functions for something.
    pub async fn request(&self, request: Request<Body>) -> Page {
        let response = self.router().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the body ends").to_bytes();
        Page {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// Asks for a page.
    pub async fn get(&self, path: &str) -> Page {
        self.request(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// An ID token as LIFF hands it out in a channel.
    pub fn id_token(&self, channel: &str, someone: &Someone) -> String {
        let audience = self.installation().channel_secret(channel, "login_channel_id").expect("a login channel");
        self.installation().line().id_token(&someone.0, audience).expect("a token")
    }

    /// What a form shows now, to be sent back with the answers.
    pub async fn notice(&self, form: &str) -> String {
        let page = self.get(&format!("/forms/{form}.json")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.json()["notice"].as_str().expect("a notice").to_owned()
    }

    /// Sends a body of JSON with a token.
    pub async fn send_json(&self, form: &str, token: Option<&str>, body: &Value) -> Page {
        let mut request = Request::post(format!("/forms/{form}")).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.request(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// Sends a form of the channel `demo`, as it is shown now.
    pub async fn send_form(&self, form: &str, someone: &Someone, answers: Value, consents: Value) -> Page {
        let notice = self.notice(form).await;
        let body = json!({"notice": notice, "answers": answers, "consents": consents, "step": "send"});
        self.send_json(form, Some(&self.id_token("demo", someone)), &body).await
    }

    /// Answers to `visit` that can be taken, with a name to look for.
    pub fn visit(&self) -> Value {
        json!({
            "visit_date": "2026-11-25", "visit_time": "13-15", "people": "２",
            "name": "山田　花子", "phone": "０３（１２３４）５６７８", "request": self.marker("窓側の席"),
        })
    }

    /// The consents that `visit` asks for.
    pub fn visit_consents() -> Value {
        json!({"visit": true, "contact": true})
    }
}
