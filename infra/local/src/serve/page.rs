//! `/`: the simulator's page, and the files it is made of. They are served as they are
//! written: there is no build step, and nothing comes from elsewhere.

use axum::{
    Router,
    extract::Path,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use azukari::host::problem::Problem;
use http::{StatusCode, header};

const INDEX: &str = include_str!("../../simulator/index.html");

/// Scripts and styles of our own, our own data, and our own pages in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NO_FILE: Problem = Problem::new(StatusCode::NOT_FOUND, "このファイルはありません。", "There is no such file.");

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files of the page, by name.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../simulator/", $name)))),*];
    };
}

files!(
    "api.js",
    "browser.js",
    "chat.js",
    "clock.js",
    "composer.js",
    "dom.js",
    "format.js",
    "icons.js",
    "lang.js",
    "main.js",
    "menu.js",
    "message.js",
    "opening.js",
    "phone-tabs.js",
    "phone.js",
    "records.js",
    "row.js",
    "set-up.js",
    "settings.js",
    "simulator.css",
    "state.js",
    "storage.js",
    "tabs.js",
    "texts.js",
    "vault.js",
    "walk.js",
);

pub(super) fn router() -> Router {
    Router::new().route("/", get(index)).route("/assets/{file}", get(file))
}

async fn index() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(INDEX)).into_response()
}

async fn file(Path(file): Path<String>) -> Result<Response, Problem> {
    let (name, text) = FILES.iter().find(|(name, _)| *name == file).ok_or(NO_FILE)?;
    let kind = if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    Ok(([(header::CONTENT_TYPE, kind)], *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/simulator");
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut there: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        // The page itself, and the scripts that stand in for LINE's.
        there.retain(|name| name != "index.html" && name != "access.js" && !name.starts_with("liff"));
        there.sort();
        assert_eq!(there, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_on_the_page_comes_from_elsewhere_or_stands_in_its_lines() {
        assert!(!INDEX.contains("style=") && !INDEX.contains("onclick") && !INDEX.contains("<style"));
        for (name, text) in FILES.iter().chain([&("index.html", INDEX)]) {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
                assert!(!text.contains(word), "{name} uses {word}");
            }
            let elsewhere = text.split("http").skip(1).any(|rest| {
                let address = rest.trim_start_matches('s');
                address.starts_with("://") && !address.starts_with("://www.w3.org/")
            });
            assert!(!elsewhere, "{name} names an address elsewhere");
        }
    }
}
