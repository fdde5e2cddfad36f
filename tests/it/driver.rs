//! A real browser before the page of local mode: headless Chromium, driven over WebDriver.
//!
//! `chromedriver` and Chromium are looked for on the path (or at `AZUKARI_CHROMEDRIVER`),
//! and axe-core at `AZUKARI_AXE` or where CI installs it. What is not there is said loudly
//! and its stories are skipped, unless `AZUKARI_REQUIRE_BROWSER` is set.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use azukari_local::serve;
use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use azukari_tests::app::TestApp;

/// How large the window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    /// 1280 × 860.
    Desktop,
    /// 1440 × 940: the picture of the README.
    Wide,
    /// 360 × 740, with a finger instead of a mouse.
    Phone,
}

/// The page in a browser.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
    server: JoinHandle<()>,
    /// Where the page is.
    pub(crate) url: String,
    screen: Screen,
    axe: Option<String>,
}

/// How long the page may take to come to a state before a story gives up.
const PATIENCE: Duration = Duration::from_secs(60);

fn is_required() -> bool {
    std::env::var_os("AZUKARI_REQUIRE_BROWSER").is_some_and(|value| !value.is_empty())
}

fn missing(what: &str) {
    assert!(!is_required(), "{what} is not there, and AZUKARI_REQUIRE_BROWSER asks for it");
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what} is not there; .ci/run installs it.\n");
}

fn on_the_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn axe() -> Option<String> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/ci-tools/node_modules/axe-core/axe.min.js");
    let path = std::env::var_os("AZUKARI_AXE").map_or(installed, PathBuf::from);
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        missing("axe-core");
    }
    text
}

impl Browser {
    /// Opens the page of an installation. `None` if there is no browser.
    pub(crate) async fn open(app: &TestApp, screen: Screen, language: &str) -> Option<Self> {
        let driver =
            std::env::var_os("AZUKARI_CHROMEDRIVER").map(PathBuf::from).or_else(|| on_the_path("chromedriver"));
        let Some(driver) = driver else {
            missing("chromedriver");
            return None;
        };
        let driver = Driver::start(&driver).await;
        let (address, server) = serve(app).await;
        let client = ClientBuilder::new(hyper_util_connector())
            .capabilities(capabilities(screen))
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await;
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                missing(&format!("a Chromium that chromedriver can start ({error})"));
                return None;
            }
        };
        let url = format!("http://{address}");
        let browser = Self { client, driver, server, url, screen, axe: axe() };
        browser.goto(&format!("/?lang={language}")).await;
        Some(browser)
    }

    /// Goes to an address of the page's own.
    pub(crate) async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.url)).await.expect("the page opens");
    }

    fn locator(name: &str) -> String {
        format!("[data-testid=\"{name}\"]")
    }

    /// Waits for an element by its name in the page.
    pub(crate) async fn wait(&self, name: &str) -> Element {
        self.wait_css(&Self::locator(name)).await
    }

    /// Waits for an element that a selector finds.
    pub(crate) async fn wait_css(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css} did not appear: {error}"))
    }

    /// Waits until a script says `true`.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let began = tokio::time::Instant::now();
        loop {
            let answer = self.client.execute(script, Vec::new()).await.unwrap_or(Value::Null);
            if answer == true {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{what} did not happen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses the first visible element of this name.
    pub(crate) async fn press(&self, name: &str) {
        self.press_css(&Self::locator(name)).await;
    }

    /// Presses the first visible element that a selector finds. Whatever is in the way at
    /// this moment, a menu that closes, has time to go.
    pub(crate) async fn press_css(&self, css: &str) {
        self.wait_css(css).await;
        let began = tokio::time::Instant::now();
        loop {
            for element in self.client.find_all(Locator::Css(css)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) && element.click().await.is_ok() {
                    return;
                }
            }
            assert!(began.elapsed() < PATIENCE, "{css} cannot be pressed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses a button of the account's by its label.
    pub(crate) async fn press_action(&self, label: &str) {
        let script = format!(
            "return [...document.querySelectorAll('[data-testid=\"action\"]')].some((b) => b.textContent.trim() === {label:?} && !b.disabled)"
        );
        self.until(&format!("the button {label}"), &script).await;
        let press = format!(
            "const all = [...document.querySelectorAll('[data-testid=\"action\"]')].filter((b) => b.textContent.trim() === {label:?}); all.at(-1).click()"
        );
        self.client.execute(&press, Vec::new()).await.expect("the button can be pressed");
    }

    /// Presses the last element of this name.
    pub(crate) async fn press_last(&self, name: &str) {
        self.wait(name).await;
        let press = format!("[...document.querySelectorAll('{}')].at(-1).click()", Self::locator(name));
        self.run(&press).await;
    }

    /// Writes into a field.
    pub(crate) async fn write(&self, name: &str, text: &str) {
        let field = self.wait(name).await;
        field.clear().await.unwrap_or_default();
        field.send_keys(text).await.expect("the field takes text");
    }

    /// On a phone, the part of the page that is to be seen.
    pub(crate) async fn show(&self, part: &str) {
        match (self.screen, part) {
            (Screen::Desktop | Screen::Wide, "phone") => {}
            _ => self.press(&format!("tab-{part}")).await,
        }
    }

    /// Waits until an element shows a text.
    pub(crate) async fn until_shown(&self, name: &str, text: &str) {
        let script = format!(
            "return [...document.querySelectorAll('[data-testid=\"{name}\"]')].some((e) => e.textContent.includes({text:?}))"
        );
        self.until(&format!("{name} showing \"{text}\""), &script).await;
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Fails if axe-core finds a serious fault of accessibility, or the page is wider than
    /// the window.
    pub(crate) async fn assert_accessible(&self, state: &str) {
        let wider =
            self.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth").await;
        assert_eq!(wider, false, "{state}: the page scrolls sideways");
        let Some(axe) = &self.axe else { return };
        self.run(&format!("{axe}; return true")).await;
        let script = "const done = arguments[arguments.length - 1]; axe.run().then((r) => done(r.violations), (e) => done([{id: String(e), impact: 'serious', nodes: []}]))";
        let found = self.client.execute_async(script, Vec::new()).await.expect("axe runs");
        let serious: Vec<String> = found
            .as_array()
            .into_iter()
            .flatten()
            .filter(|violation| violation["impact"] == "serious" || violation["impact"] == "critical")
            .map(|violation| format!("{}: {}", violation["id"], violation["nodes"][0]["html"]))
            .collect();
        assert!(serious.is_empty(), "{state}: {serious:#?}");
    }

    /// Goes on inside the frame that a selector finds, until [`Browser::leave`].
    pub(crate) async fn enter(&self, css: &str) {
        self.wait_css(css).await.enter_frame().await.expect("the frame can be entered");
    }

    /// Goes on in the page itself.
    pub(crate) async fn leave(&self) {
        self.client.enter_parent_frame().await.expect("the page is still there");
    }

    /// Types into the first element that a selector finds, after what is there is taken out.
    pub(crate) async fn type_in(&self, css: &str, text: &str) {
        let field = self.wait_css(css).await;
        field.clear().await.unwrap_or_default();
        field.send_keys(text).await.expect("the field takes text");
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn keys(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("keys are taken");
    }

    /// Presses the tab key until an element that a selector finds has the focus.
    pub(crate) async fn tab_to(&self, css: &str) {
        let reached = format!("return !!document.activeElement && document.activeElement.matches({css:?})");
        for _ in 0..120 {
            if self.run(&reached).await == true {
                return;
            }
            self.keys("\u{e004}").await;
        }
        panic!("{css} is not reached by the tab key");
    }

    /// Keeps a picture of what is to be seen in `target/screenshots`.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        let Ok(png) = self.client.screenshot().await else { return };
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(folder.join(format!("{name}.png")), png))
            .unwrap_or_default();
    }

    /// Ends the session.
    pub(crate) async fn close(self) {
        let _ = self.client.close().await;
        self.server.abort();
        drop(self.driver);
    }
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// chromedriver, and every browser that it has started: with it they end, also when a
/// story fails half-way.
struct Driver {
    port: u16,
    _process: Child,
}

impl Driver {
    async fn start(path: &Path) -> Self {
        let mut process = Command::new(path)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        while let Some(line) = lines.next_line().await.expect("it says where it listens") {
            let port = line
                .rsplit_once("started successfully on port ")
                .and_then(|(_, rest)| rest.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                // Its pipe must stay open, or it ends with the next line it writes.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self { port, _process: process };
            }
        }
        panic!("chromedriver did not say where it listens");
    }
}

impl Drop for Driver {
    /// Killed, it would leave its browsers running; asked, it ends them.
    fn drop(&mut self) {
        let Ok(mut asked) = std::net::TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let _ = asked.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = write!(asked, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let _ = std::io::Read::read(&mut asked, &mut [0; 64]);
    }
}

async fn serve(app: &TestApp) -> (SocketAddr, JoinHandle<()>) {
    let (told, ready) = tokio::sync::oneshot::channel();
    let installation = app.shared();
    let server = tokio::spawn(async move {
        let address = "127.0.0.1:0".parse().expect("an address");
        let _ = serve::serve(installation, address, |address| {
            let _ = told.send(address);
        })
        .await;
    });
    (ready.await.expect("it listens"), server)
}

fn capabilities(screen: Screen) -> serde_json::Map<String, Value> {
    let mut options = json!({
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
            "--force-prefers-reduced-motion", "--lang=ja", "--window-size=1280,860", "--hide-scrollbars",
        ]
    });
    if screen == Screen::Wide {
        options["args"].as_array_mut().expect("a list").push(json!("--window-size=1440,940"));
    }
    if screen == Screen::Phone {
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": 360, "height": 740, "pixelRatio": 2, "touch": true}});
    }
    let all = json!({"browserName": "chrome", "goog:chromeOptions": options});
    match all {
        Value::Object(all) => all,
        _ => serde_json::Map::new(),
    }
}
