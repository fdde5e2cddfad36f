//! Envelopes: what opens them, what does not, and that another library agrees.

use azukari::{
    domain::{id::SubjectId, plain::Plain},
    seal::{
        self, SealError,
        envelope::{Envelope, MAX_FIELDS},
        opening,
        place::RowPlace,
    },
    store::tables::Table,
};
use azukari_tests::{
    app::{NOON, TestApp},
    independent::{Vector, hex, unhex},
    sealed::{self, OwnedPlace, open, unsealed},
};
use proptest::prelude::*;

const FIELDS: [(&str, &str); 3] = [("type", "text"), ("text", "こんにちは"), ("note", "")];

fn committed(name: &str) -> Vector {
    let path = format!("{}/data/seal/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vector is there")).expect("it is one")
}

#[test]
fn committed_vectors_open_with_both_libraries() {
    for name in ["rustls", "hpke"] {
        let vector = committed(name);
        assert_eq!(vector.sealed_by, name);
        assert_eq!(open(&vector).as_ref(), Ok(&vector.fields), "{name} with rustls");
        assert_eq!(vector.open().as_ref(), Some(&vector.fields), "{name} with hpke");
        let place = OwnedPlace::of(&vector);
        let names = std::iter::once("#head").chain(vector.fields.iter().map(|(name, _)| name.as_str()));
        let aad: Vec<String> = names.map(|name| hex(&place.as_place().aad(name))).collect();
        assert_eq!(aad, vector.aad, "the AAD has not changed");
        let parsed = Envelope::parse(&vector.envelope_bytes()).expect("the layout has not changed");
        assert_eq!(parsed.to_bytes(), vector.envelope_bytes());
        assert_eq!((parsed.key_version(), parsed.fields().len()), (1, 5));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_one_library_seals_the_other_opens(texts in prop::collection::vec(".{0,200}", 0..6)) {
        let names = ["a", "b", "c", "d", "e", "f"];
        let fields: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let by_product = sealed::seal(unsealed("rustls", &fields));
        prop_assert_eq!(by_product.open(), Some(by_product.fields.clone()));
        let by_other = unsealed("hpke", &fields).seal();
        prop_assert_eq!(open(&by_other), Ok(by_other.fields.clone()));
    }

    #[test]
    fn no_changed_byte_opens(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let mut vector = committed("rustls");
        let mut bytes = vector.envelope_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        vector.envelope = STANDARD.encode(bytes);
        prop_assert!(open(&vector).is_err(), "byte {} bit {}", at, bit);
    }
}

#[test]
fn a_record_opens_in_its_own_place_only() {
    let good = sealed::seal(unsealed("rustls", &FIELDS));
    assert!(open(&good).is_ok());
    type Change = fn(&mut Vector);
    let moved: [(&str, Change); 9] = [
        ("channel", |v| v.channel = "other".into()),
        ("person", |v| v.subject = hex(&[9; 16])),
        ("row", |v| v.row = "R#2".into()),
        ("purpose", |v| v.purpose = "other".into()),
        ("policy version", |v| v.policy = "x9d3rt5a.3".into()),
        ("form version", |v| v.form = "f.1".into()),
        ("key", |v| v.secret = Vector::fresh_pair().0),
        ("owner", |v| v.owner = hex(&[1; 32])),
        ("index key", |v| v.owner_key = hex(&[1; 8])),
    ];
    for (what, change) in moved {
        let mut vector = good.clone();
        change(&mut vector);
        assert!(open(&vector).is_err(), "moved to another {what}");
    }
}

#[test]
fn a_field_moved_to_another_name_or_position_does_not_open() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let vector = sealed::seal(unsealed("rustls", &FIELDS));
    let bytes = vector.envelope_bytes();
    // Fields 1 and 3 have the same size: their cipher texts change places.
    let field = 4 + 80;
    let (one, three) = (72 + field, 72 + 3 * field);
    assert_eq!(bytes.len(), 72 + 4 * field);
    let mut swapped = bytes.clone();
    swapped[one..one + field].copy_from_slice(&bytes[three..three + field]);
    swapped[three..three + field].copy_from_slice(&bytes[one..one + field]);
    let swapped = Vector { envelope: STANDARD.encode(&swapped), ..vector.clone() };
    assert!(open(&swapped).is_err());
    // A field left out, with the count set right.
    let mut shorter = bytes[..three].to_vec();
    shorter[71] = 3;
    let shorter = Vector { envelope: STANDARD.encode(&shorter), ..vector };
    assert!(open(&shorter).is_err());
}

#[test]
fn only_the_asked_fields_come_back() {
    let vector = sealed::seal(unsealed("rustls", &FIELDS));
    let envelope = Envelope::parse(&vector.envelope_bytes()).unwrap();
    let secret = Plain::new(unhex(&vector.secret));
    let place = OwnedPlace::of(&vector);
    let opened = opening::open(&secret, &place.as_place(), |_| true, &envelope, |name| name == "text");
    let names: Vec<String> = opened.unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["text"]);
}

#[test]
fn what_cannot_be_sealed_is_refused_whole() {
    let vector = unsealed("rustls", &[]);
    let (key, place, owner) = (sealed::subject_key(&vector), OwnedPlace::of(&vector), sealed::owner(&vector));
    let attempt = |names: &[&str]| {
        let fields: Vec<(&str, Plain<Vec<u8>>)> = names.iter().map(|name| (*name, Plain::text("a"))).collect();
        seal::seal(&key, &place.as_place(), &owner, &fields).map(drop)
    };
    let long = "n".repeat(256);
    for names in [&["a", "a"][..], &[""], &["#head"], &[long.as_str()]] {
        assert_eq!(attempt(names), Err(SealError::FieldName), "{names:?}");
    }
    let many: Vec<String> = (0..=MAX_FIELDS).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(attempt(&many), Err(SealError::TooManyFields));
    assert_eq!(attempt(&many[..MAX_FIELDS]), Ok(()));
    let elsewhere = RowPlace { subject: SubjectId::new([1; 16]), ..place.as_place() };
    assert_eq!(seal::seal(&key, &elsewhere, &owner, &[]), Err(SealError::OtherPerson));
}

#[test]
fn a_key_row_is_vouched_for_as_it_is() {
    let subject = SubjectId::new([3; 16]);
    let public = unhex(&Vector::fresh_pair().1).try_into().unwrap();
    let (enrol, row) = sealed::vouched(subject, 1, public);
    assert!(enrol.verify(&row).is_ok());
    let other = unhex(&Vector::fresh_pair().1).try_into().unwrap();
    for edited in [
        azukari::domain::person::KeyRow { subject: SubjectId::new([4; 16]), ..row.clone() },
        azukari::domain::person::KeyRow { version: 2, ..row.clone() },
        azukari::domain::person::KeyRow { public_key: other, ..row.clone() },
        azukari::domain::person::KeyRow { wrapped_sha256: [8; 32], ..row.clone() },
        azukari::domain::person::KeyRow { signature: row.signature[1..].to_vec(), ..row.clone() },
        sealed::vouched(subject, 1, public).1,
    ] {
        assert!(enrol.verify(&edited).is_err(), "{edited:?}");
    }
}

#[test]
fn a_sealed_text_tells_its_size_bucket_and_no_more() {
    let size = |text: &str| sealed::seal(unsealed("rustls", &[("text", text)])).envelope_bytes().len();
    assert_eq!(size(""), size(&"a".repeat(60)));
    assert!(size(&"a".repeat(61)) > size(&"a".repeat(60)));
    assert_eq!(size(&"a".repeat(61)), size(&"a".repeat(124)));
}

#[tokio::test]
async fn a_stored_envelope_put_into_another_row_does_not_open() {
    let app = TestApp::new().await;
    let (one, two) = (app.someone(), app.someone());
    let events =
        [one.text("1", NOON, &app.marker("一")), one.text("2", NOON, &app.marker("二")), two.text("3", NOON, "三")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let row = |id: &str| {
        let sk = format!("R#{id}");
        app.rows(Table::Vault).into_iter().find(|row| row["sk"]["S"] == sk.as_str()).expect("the row is there")
    };
    let (first, second, theirs) = (row("1"), row("2"), row("3"));
    assert!(app.opened("kept", &one, &first).await.is_some());
    for (someone, target) in [(&one, &second), (&two, &theirs)] {
        let mut moved = target.clone();
        moved["env"] = first["env"].clone();
        assert!(app.opened("kept", someone, &moved).await.is_none());
    }
    let mut renamed = first.clone();
    renamed["purpose"] = second["policy"].clone();
    assert!(app.opened("kept", &one, &renamed).await.is_none());
    let key = app.key_of("kept", &one).await.expect("they are known");
    let secret = app.pair(key.subject(), &key).await.expect("the pair exists");
    assert!(app.open_with(&secret, "kept", &one, &first).is_some());
    assert!(app.open_with(&secret, "kept", &two, &first).is_none(), "not as somebody else's");
}
