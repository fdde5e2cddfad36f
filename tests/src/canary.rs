//! Canaries: rare values that go in as personal data, and must not be found in
//! anything that is left behind, in any encoding.

use aho_corasick::AhoCorasick;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Rare values to look for.
#[derive(Debug, Default, Clone)]
pub struct Canaries(Vec<String>);

impl Canaries {
    /// Watches a value.
    pub fn watch(&mut self, value: &str) {
        self.0.push(value.to_owned());
    }

    /// Where a value is found, and how it is written there.
    pub fn find_in(&self, sources: &[(String, Vec<u8>)]) -> Vec<String> {
        let mut patterns = Vec::new();
        let mut names = Vec::new();
        for value in &self.0 {
            for (encoding, bytes) in encodings(value) {
                names.push(format!("{value} as {encoding}"));
                patterns.push(bytes);
            }
        }
        let search = AhoCorasick::new(&patterns).expect("the patterns are small");
        let mut found = Vec::new();
        for (source, bytes) in sources {
            for hit in search.find_overlapping_iter(bytes) {
                found.push(format!("{} in {source}", names[hit.pattern().as_usize()]));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Every way in which a value could be written down.
pub fn encodings(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf8 = value.as_bytes().to_vec();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| value.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let hex = |upper: bool| -> Vec<u8> {
        utf8.iter()
            .flat_map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }.into_bytes())
            .collect()
    };
    let percent = |upper: bool| -> Vec<u8> {
        let escape = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        utf8.iter()
            .flat_map(|byte| if byte.is_ascii_alphanumeric() { vec![*byte] } else { escape(*byte).into_bytes() })
            .collect()
    };
    let json = |upper: bool| -> Vec<u8> {
        let escape = |unit: u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        value
            .encode_utf16()
            .flat_map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii_graphic() || byte == b' ' => vec![byte],
                _ => escape(unit).into_bytes(),
            })
            .collect()
    };
    let mut all = vec![
        ("UTF-16 LE", utf16(u16::to_le_bytes)),
        ("UTF-16 BE", utf16(u16::to_be_bytes)),
        ("hex", hex(false)),
        ("HEX", hex(true)),
        ("percent", percent(false)),
        ("PERCENT", percent(true)),
        ("JSON escapes", json(false)),
        ("JSON ESCAPES", json(true)),
    ];
    for alignment in 0..3 {
        let shifted = [&vec![0; alignment][..], &utf8].concat();
        // The characters that are made of the value's bits alone.
        let (first, last) = ((alignment * 8).div_ceil(6), shifted.len() * 8 / 6);
        all.push(("base64", STANDARD_NO_PAD.encode(&shifted).as_bytes()[first..last].to_vec()));
        all.push(("base64url", URL_SAFE_NO_PAD.encode(&shifted).as_bytes()[first..last].to_vec()));
    }
    if let Some(id) = value.strip_prefix('U').filter(|id| id.len() == 32) {
        let raw = (0..16).filter_map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).ok()).collect();
        all.push(("raw LINE user id", raw));
    }
    all.push(("UTF-8", utf8));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_found() {
        let mut canaries = Canaries::default();
        canaries.watch("金糸雀0f9c8b7a");
        for (encoding, bytes) in encodings("金糸雀0f9c8b7a") {
            let source = ("a file".to_owned(), [b"\x01\x02 some ".to_vec(), bytes, b" text".to_vec()].concat());
            assert!(!canaries.find_in(&[source]).is_empty(), "{encoding}");
        }
        for alignment in 0..9 {
            let text = format!("{}金糸雀0f9c8b7a, and more", "x".repeat(alignment));
            let source = ("a blob".to_owned(), STANDARD_NO_PAD.encode(text).into_bytes());
            assert!(!canaries.find_in(&[source]).is_empty(), "alignment {alignment}");
        }
        assert!(canaries.find_in(&[("nothing".to_owned(), b"0f9c8b7".to_vec())]).is_empty());
    }
}
