//! A form as it comes in over HTTP: as a browser sends it, or as JSON.

use std::collections::BTreeMap;

use azukari::domain::{
    form::{given::Given, sheet::Sheet},
    language::Language,
    plain::Plain,
};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::Value;

/// What is wanted of what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// To fill in again what was filled in.
    Edit,
    /// To look it over.
    Confirm,
    /// To send it.
    Send,
}

/// In which form the sender speaks, and is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// A browser.
    Html,
    /// A program.
    Json,
}

/// A form as it was sent: nothing of it is checked.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) notice: String,
    pub(crate) id_token: Option<Plain<String>>,
    pub(crate) step: Step,
    pub(crate) language: Option<Language>,
    pub(crate) sheet: Sheet,
}

/// A body that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRead;

const CONSENTS: &str = "consents.";
const ANSWERS: &str = "answers.";

/// The form of a body, by its type; `None` if it is neither.
pub(crate) fn speech(headers: &HeaderMap) -> Option<Speech> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => Some(Speech::Html),
        "application/json" => Some(Speech::Json),
        _ => None,
    }
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<Plain<String>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Plain::new(token.trim().to_owned()))
}

impl Sent {
    /// Reads a body.
    ///
    /// # Errors
    /// It is not one.
    pub(crate) fn read(speech: Speech, headers: &HeaderMap, body: &[u8]) -> Result<Self, NotRead> {
        let sent = match speech {
            Speech::Html => from_browser(body)?,
            Speech::Json => from_json(body)?,
        };
        Ok(sent.with_headers(headers))
    }

    /// The same with the token of a header, which speaks before a field.
    pub(crate) fn with_headers(mut self, headers: &HeaderMap) -> Self {
        let token = bearer(headers).or(self.id_token);
        self.id_token = token.filter(|token| !token.reveal().is_empty());
        self
    }
}

fn from_browser(body: &[u8]) -> Result<Sent, NotRead> {
    std::str::from_utf8(body).map_err(|_| NotRead)?;
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        values.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let mut one = |name: &str| values.remove(name).and_then(|mut all| all.pop());
    let (notice, id_token, step, lang) = (one("notice"), one("id_token"), one("step"), one("lang"));
    let step = match step.as_deref() {
        Some("edit") => Step::Edit,
        None | Some("" | "confirm") => Step::Confirm,
        Some("send") => Step::Send,
        Some(_) => return Err(NotRead),
    };
    let mut sheet = Sheet::default();
    for (name, mut all) in values {
        if let Some(purpose) = name.strip_prefix(CONSENTS) {
            let ticked = all.iter().all(|value| matches!(value.as_str(), "yes" | "true" | "on" | "1"));
            sheet.consents.insert(purpose.to_owned(), ticked);
            continue;
        }
        let name = name.strip_prefix(ANSWERS).unwrap_or(&name);
        let given = if all.len() > 1 { Given::Many(all) } else { Given::One(all.pop().unwrap_or_default()) };
        match name.split_once('.') {
            // Said twice, under two names: which of them counts?
            None if sheet.answers.contains_key(name) => return Err(NotRead),
            None => drop(sheet.answers.insert(name.to_owned(), given)),
            Some((field, part)) => {
                let parts = sheet.answers.entry(field.to_owned()).or_insert_with(|| Given::Parts(BTreeMap::new()));
                let Given::Parts(parts) = parts else { return Err(NotRead) };
                parts.insert(part.to_owned(), given.text().to_owned());
            }
        }
    }
    Ok(Sent {
        notice: notice.unwrap_or_default(),
        id_token: id_token.map(Plain::new),
        step,
        language: lang.as_deref().and_then(Language::parse),
        sheet,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    notice: String,
    #[serde(default)]
    id_token: Option<Plain<String>>,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
    #[serde(default)]
    consents: BTreeMap<String, bool>,
    #[serde(default)]
    step: Option<Step>,
    #[serde(default)]
    lang: Option<String>,
}

fn from_json(body: &[u8]) -> Result<Sent, NotRead> {
    // An array would be taken for the members in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NotRead);
    }
    let body: Body = serde_json::from_slice(body).map_err(|_| NotRead)?;
    let mut sheet = Sheet { consents: body.consents, ..Sheet::default() };
    for (name, value) in body.answers {
        sheet.answers.insert(name, given(value)?);
    }
    Ok(Sent {
        notice: body.notice,
        id_token: body.id_token,
        step: body.step.unwrap_or(Step::Confirm),
        language: body.lang.as_deref().and_then(Language::parse),
        sheet,
    })
}

fn given(value: Value) -> Result<Given, NotRead> {
    Ok(match value {
        Value::Null => Given::Nothing,
        Value::Bool(ticked) => Given::Ticked(ticked),
        Value::Object(members) => {
            let parts = members.into_iter().map(|(name, value)| Ok((name, text(value)?)));
            Given::Parts(parts.collect::<Result<_, NotRead>>()?)
        }
        Value::Array(all) => Given::Many(all.into_iter().map(text).collect::<Result<_, NotRead>>()?),
        value => Given::One(text(value)?),
    })
}

fn text(value: Value) -> Result<String, NotRead> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(NotRead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(body: &str) -> Sent {
        Sent::read(Speech::Html, &HeaderMap::new(), body.as_bytes()).unwrap()
    }

    #[test]
    fn a_browser_and_a_program_say_the_same() {
        let html = browser(
            "notice=n&id_token=t&step=send&lang=en&name=%E5%B1%B1%E7%94%B0&days=mon&days=tue&home.address=a&\
             home.postal_code=b&answers.age=7&consents.lesson=yes",
        );
        let json = br#"{"notice":"n","id_token":"t","step":"send","lang":"en","consents":{"lesson":true},
            "answers":{"name":"\u5c71\u7530","days":["mon","tue"],"home":{"address":"a","postal_code":"b"},"age":7}}"#;
        let json = Sent::read(Speech::Json, &HeaderMap::new(), json).unwrap();
        assert_eq!(html.sheet, json.sheet);
        for sent in [html, json] {
            assert_eq!((sent.notice.as_str(), sent.step, sent.language), ("n", Step::Send, Some(Language::En)));
            assert_eq!(sent.id_token.unwrap().reveal(), "t");
        }
    }

    #[test]
    fn a_header_speaks_before_a_field() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "bearer  h".parse().unwrap());
        let sent = Sent::read(Speech::Html, &headers, b"id_token=f").unwrap();
        assert_eq!(sent.id_token.unwrap().reveal(), "h");
        assert!(browser("id_token=").id_token.is_none());
        assert!(browser("consents.a=no").sheet.consents.get("a").is_some_and(|ticked| !ticked));
    }

    #[test]
    fn what_cannot_be_read_is_no_form() {
        for bad in ["[]", "{", r#"{"answers":{"a":[["b"]]}}"#, r#"{"extra":1}"#, r#"{"step":"steal"}"#] {
            assert!(Sent::read(Speech::Json, &HeaderMap::new(), bad.as_bytes()).is_err(), "{bad}");
        }
        for bad in ["step=steal", "a=1&a.b=2"] {
            assert!(Sent::read(Speech::Html, &HeaderMap::new(), bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
