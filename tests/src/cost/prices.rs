//! `tests/data/prices.toml`: what AWS asks for what, and what is assumed about use.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Prices and assumptions, as the file has them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The day on which all of them were looked up.
    pub date: String,
    /// The region whose prices they are.
    pub region: String,
    /// What each thing costs.
    pub price: BTreeMap<String, Price>,
    /// What is assumed.
    pub assumed: BTreeMap<String, Assumed>,
}

/// What one thing costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The service on whose bill it stands.
    pub service: String,
    /// What is paid for.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// US dollars for `per` of them.
    pub usd: f64,
    /// How many of them.
    pub per: f64,
    /// AWS' own page of prices.
    pub source: String,
    /// How far the price was checked.
    pub checked: Checked,
}

/// How far a price was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// It agrees with a stored copy of AWS' page.
    Page,
    /// It agrees with public copies of AWS' price list for this region.
    List,
    /// It agrees with public copies of AWS' price list for other regions.
    OtherRegion,
    /// It is written from memory and was not checked.
    Memory,
}

impl Checked {
    /// Every way, the best first.
    pub const ALL: [Self; 4] = [Self::Page, Self::List, Self::OtherRegion, Self::Memory];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Page => "AWSのページの保存版と一致 / agrees with a stored copy of AWS' page",
            Self::List => {
                "AWSの価格表（この地域）の公開された写しと一致 / agrees with public copies of AWS' price list for this region"
            }
            Self::OtherRegion => {
                "ほかの地域の価格表の写しと一致。この地域は未確認 / agrees with copies of the price list for other regions; not checked for this one"
            }
            Self::Memory => "記憶によるもの。**未確認** / from memory, **not checked**",
        }
    }
}

/// Something that cannot be counted here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// How much.
    pub value: f64,
    /// Of what.
    pub ja: String,
    /// The same in English.
    pub en: String,
}

impl Prices {
    /// The file.
    pub fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/prices.toml");
        let text = std::fs::read_to_string(path).expect("the prices are there");
        toml::from_str(&text).expect("the prices are well formed")
    }

    /// US dollars for so many of something.
    pub fn usd(&self, item: &str, amount: f64) -> f64 {
        let price = self.price.get(item).unwrap_or_else(|| panic!("there is no price for {item}"));
        amount * price.usd / price.per
    }

    /// What is assumed.
    pub fn assumed(&self, name: &str) -> f64 {
        self.assumed.get(name).unwrap_or_else(|| panic!("nothing is assumed about {name}")).value
    }
}
