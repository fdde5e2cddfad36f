//! Makes vectors for `tests/data/seal`: one sealed by rustls (the product), one by the
//! `hpke` crate. The committed ones stay as they are; they prove that what was sealed
//! then still opens.
//!
//! `cargo run -p azukari-tests --example vectors -- tests/data/seal`

use azukari_tests::sealed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let fields = [
        ("type", "text"),
        ("text", "来週の土曜、体験レッスンを予約できますか？ 𠮷野家の前で😀"),
        ("empty", ""),
        ("long", &"長い文".repeat(700)),
    ];
    let mut record = sealed::unsealed("rustls", &fields);
    let by_rustls = sealed::seal(record.clone());
    record.sealed_by = "hpke".to_owned();
    record.form = "b7f2h8nq.13".to_owned();
    let by_hpke = record.seal();
    for vector in [by_rustls, by_hpke] {
        let path = format!("{folder}/{}.json", vector.sealed_by);
        std::fs::write(path, serde_json::to_string_pretty(&vector)? + "\n")?;
    }
    Ok(())
}
