//! `infra/COST.md` says what is really called. `AZUKARI_WRITE_COST=1` writes it anew.

use std::path::Path;

use azukari_tests::cost::{page::page, prices::Prices, stories::Stories, template::Template};

/// The variable that has the page written.
const WRITE: &str = "AZUKARI_WRITE_COST";

/// The first line that differs, of both.
fn difference(one: &str, other: &str) -> String {
    let (mut ones, mut others) = (one.lines(), other.lines());
    loop {
        match (ones.next(), others.next()) {
            (None, None) => return "the line breaks at the end".to_owned(),
            (one, other) if one == other => {}
            (one, other) => return format!("written: {one:?}\ncounted: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_page_of_costs_says_what_is_called() {
    let (prices, template) = (Prices::read(), Template::read());
    let stories = Stories::told(template.pool_target()).await;

    // What is known of a message stands in DESIGN §4: a read, a put, and nothing of KMS.
    let message = &stories.story("message").spent;
    assert_eq!((message.calls, message.reads, message.kms_calls(), message.line), (2.0, 1.0, 0.0, 0.0), "{message:?}");
    let soon = &stories.story("soon").spent;
    assert_eq!((soon.calls, soon.reads), (1.0, 0.0), "{soon:?}");
    // The row, its entry in the index of what is due, its entry in the inbox.
    assert!(soon.writes >= 3.0, "{soon:?}");
    let opening = &stories.story("opening").spent;
    assert_eq!((opening.kms["Decrypt"], opening.kms["Sign"]), (1.0, 1.0), "{opening:?}");
    let pair = &stories.story("pair").spent;
    assert_eq!((pair.kms["GenerateDataKeyPairWithoutPlaintext"], pair.kms["Sign"]), (1.0, 1.0), "{pair:?}");
    // 49 hours in two slots each, the cursor, the mark, and what is set aside.
    assert!(stories.story("quiet").spent.calls >= 100.0);

    let counted = page(&prices, &stories, &template);
    // A further call anywhere is seen on the page.
    for n in 0..stories.all.len() {
        let mut more = stories.clone();
        more.all[n].spent.calls += 1.0;
        assert_ne!(page(&prices, &more, &template), counted, "{}", more.all[n].id);
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/COST.md");
    if std::env::var_os(WRITE).is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&path, &counted).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == counted,
        "infra/COST.md is not what was counted: run this test with {WRITE}=1 and look at what has changed\n{}",
        difference(&written, &counted)
    );
}

#[test]
fn every_price_says_where_it_is_from_and_how_far_it_was_checked() {
    let prices = Prices::read();
    assert_eq!(prices.region, "ap-northeast-1");
    assert!(azukari::domain::time::Day::parse(&prices.date).is_ok(), "{}", prices.date);
    for (name, price) in &prices.price {
        assert!(price.source.starts_with("https://aws.amazon.com/") && price.source.ends_with("/pricing/"), "{name}");
        assert!(price.usd >= 0.0 && price.per >= 1.0, "{name}");
    }
}

#[test]
fn the_prices_change_the_page_and_each_is_used() {
    let source = ["bill.rs", "prices.rs"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cost").join(name);
        std::fs::read_to_string(path).expect("the source is there")
    });
    let prices = Prices::read();
    for name in prices.price.keys().chain(prices.assumed.keys()) {
        let named = format!("\"{name}\"");
        assert!(source.iter().any(|text| text.contains(&named)), "{name} stands in the file and is not used");
    }
}
