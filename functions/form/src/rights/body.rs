//! A wish as it comes in over HTTP: as a browser sends the form, or as JSON.

use azukari::domain::{
    form::{given::Given, sheet::Sheet},
    language::Language,
    plain::Plain,
    request::RequestKind,
};
use http::HeaderMap;
use serde::Deserialize;

use super::questions::{DETAILS, PURPOSE, STOP_DETAILS, WHAT};
use crate::sent::{NotRead, Sent, Speech, Step};

/// Reads a body. What it is about is in the sheet, under the names of the questions.
///
/// # Errors
/// It is not one.
pub(super) fn read(speech: Speech, headers: &HeaderMap, body: &[u8]) -> Result<Sent, NotRead> {
    match speech {
        Speech::Html => Sent::read(speech, headers, body),
        Speech::Json => Ok(from_json(body)?.with_headers(headers)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    notice: String,
    #[serde(default)]
    id_token: Option<Plain<String>>,
    #[serde(default)]
    what: Option<String>,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    details: Option<Plain<String>>,
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
    let Body { notice, id_token, what, purpose, details, step, lang } =
        serde_json::from_slice(body).map_err(|_| NotRead)?;
    // The page has a field of its own for each; a program says the same word for both.
    let stop = what.as_deref() == Some(RequestKind::Stop.as_str());
    let details_name = if stop { STOP_DETAILS } else { DETAILS };
    let details = details.map(|details| details.reveal().clone());
    let answers = [(WHAT, what), (PURPOSE, purpose), (details_name, details)];
    let answers = answers.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Given::One(text?))));
    Ok(Sent {
        notice,
        id_token,
        step: step.unwrap_or(Step::Confirm),
        language: lang.as_deref().and_then(Language::parse),
        sheet: Sheet { answers: answers.collect(), ..Sheet::default() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_and_a_program_say_the_same() {
        let html = b"notice=n&id_token=t&step=send&lang=en&what=stop&stop_details=a+b";
        let json = br#"{"notice":"n","id_token":"t","step":"send","lang":"en","what":"stop","details":"a b"}"#;
        let html = read(Speech::Html, &HeaderMap::new(), html).unwrap();
        let json = read(Speech::Json, &HeaderMap::new(), json).unwrap();
        assert_eq!(html.sheet, json.sheet);
        for sent in [html, json] {
            assert_eq!((sent.notice.as_str(), sent.step, sent.language), ("n", Step::Send, Some(Language::En)));
            assert_eq!(sent.id_token.unwrap().reveal(), "t");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_wish() {
        for bad in ["", "[]", "{", r#"{"answers":{}}"#, r#"{"step":"steal"}"#, r#"{"what":["erase"]}"#] {
            assert!(read(Speech::Json, &HeaderMap::new(), bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
