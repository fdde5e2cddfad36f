//! A postal code and an address in Japan.
//!
//! Accepted are three parts, or one text in which the postal code stands in front or is
//! left out, and the building has a line of its own. They are made into
//! `〒123-4567 東京都千代田区丸の内1丁目2番3号`, with the building on a second line. 丁目 and 番地
//! are kept as they are written; full-width digits and Latin letters become ASCII, and every
//! dash between digits `-`.
//!
//! A postal code has seven digits (日本郵便, 郵便番号), an address starts with one of the 47
//! prefectures (地方自治法 §5, 都道府県) and names a 市, 区, 町, 村, 郡 or 島.

use super::{Part, uniform};
use crate::domain::form::given::{Fault, Given};

const POSTAL: &str = "postal_code";
const ADDRESS: &str = "address";
const BUILDING: &str = "building";

const LONGEST: u16 = 200;

/// Fewest characters behind the prefecture.
const SHORTEST: usize = 4;

const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: POSTAL,
        label: Some(("郵便番号", "Postal code")),
        example: Some(("123-4567", "123-4567")),
        autocomplete: Some("postal-code"),
        inputmode: Some("numeric"),
        quick_fill: &["postal-code"],
        profile_plus: &["address.postal_code"],
        max_length: 10,
        ..Part::LINE
    },
    Part {
        name: ADDRESS,
        label: Some(("住所（都道府県から番地まで）", "Address (in Japanese, from the prefecture to the number)")),
        example: Some(("東京都千代田区丸の内1丁目2番3号", "東京都千代田区丸の内1-2-3")),
        // `street-address` is for controls of several lines (HTML, "Autofill").
        autocomplete: Some("address-line1"),
        quick_fill: &["address-level1", "address-level2", "address-level3"],
        profile_plus: &["address.region", "address.locality", "address.street_address"],
        max_length: LONGEST,
        ..Part::LINE
    },
    Part {
        name: BUILDING,
        label: Some(("建物名・部屋番号", "Building and room")),
        example: Some(("みどりマンション 405号室", "みどりマンション 405")),
        autocomplete: Some("address-line2"),
        quick_fill: &["address-level4"],
        max_length: LONGEST,
        optional: true,
        ..Part::LINE
    },
];

/// An answer taken apart, not yet looked at but for the postal code.
struct Written {
    code: Option<String>,
    address: String,
    building: String,
}

/// The postal code and the address on one line, the building on the next.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    let has_parts = PARTS.iter().any(|part| !given.part(part.name).is_empty());
    let Written { code, address, building } = if has_parts { by_parts(given)? } else { by_lines(given.text())? };
    let address = tidy(&address, ADDRESS)?;
    let Some((_, rest)) = split_prefecture(&address) else {
        return Err(prefecture());
    };
    let length = rest.chars().filter(|c| *c != ' ').count();
    if length < SHORTEST || !rest.contains(['市', '区', '町', '村', '郡', '島']) {
        return Err(address_short());
    }
    let building = tidy(&building, BUILDING)?;
    let mut answer = code.map_or_else(String::new, |code| format!("〒{code} "));
    answer.push_str(&address);
    if !building.is_empty() {
        answer.push('\n');
        answer.push_str(&building);
    }
    Ok(Some(answer))
}

/// The prefecture and the city.
pub(super) fn mask(answer: &str) -> String {
    let line = answer.lines().next().unwrap_or_default();
    let line = match line.strip_prefix('〒') {
        Some(rest) => rest.split_once(' ').map_or("", |(_, address)| address),
        None => line,
    };
    let Some((prefecture, rest)) = split_prefecture(line) else {
        return "…".to_owned();
    };
    // The first character is part of a name: 市川市. What has a digit is no city.
    let mut behind = rest.char_indices().skip(1).take_while(|(_, c)| !c.is_ascii_digit());
    let city =
        behind.find(|(_, c)| matches!(c, '市' | '区' | '町' | '村')).map_or("", |(at, c)| &rest[..at + c.len_utf8()]);
    format!("{prefecture}{city}…")
}

fn by_parts(given: &Given) -> Result<Written, Fault> {
    let (code, address) = match (given.part(POSTAL), given.part(ADDRESS)) {
        ("", "") => return Err(missing(POSTAL)),
        ("", address) => {
            let address = uniform::seen(address);
            let (code, address) = split_code(address.trim())?;
            (code.ok_or_else(|| missing(POSTAL))?, address.to_owned())
        }
        (code, address) => {
            let code = whole_code(code)?;
            if address.is_empty() {
                return Err(missing(ADDRESS));
            }
            (code, address.to_owned())
        }
    };
    Ok(Written { code: Some(code), address, building: given.part(BUILDING).to_owned() })
}

/// One text: the address is its first line, and the rest the building.
fn by_lines(text: &str) -> Result<Written, Fault> {
    let text = uniform::seen(text);
    let (code, rest) = split_code(text.trim())?;
    let mut lines = rest.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(address) = lines.next() else {
        return Err(missing(ADDRESS));
    };
    let address = address.to_owned();
    Ok(Written { code, address, building: lines.collect::<Vec<_>>().join(" ") })
}

fn whole_code(text: &str) -> Result<String, Fault> {
    let text = uniform::seen(text);
    match split_code(text.trim())? {
        (Some(code), "") => Ok(code),
        _ => Err(postal_code()),
    }
}

/// The postal code in front of a text, and what follows it. `None` if the text starts with
/// neither 〒 nor a digit.
fn split_code(text: &str) -> Result<(Option<String>, &str), Fault> {
    let bare = text.strip_prefix('〒').map(str::trim_start);
    if bare.is_none() && !text.starts_with(|c| uniform::narrow(c).is_ascii_digit()) {
        return Ok((None, text));
    }
    let bare = bare.unwrap_or(text);
    let mut digits = String::new();
    let mut end = bare.len();
    for (at, c) in bare.char_indices() {
        let narrow = uniform::narrow(c);
        if narrow.is_ascii_digit() {
            digits.push(narrow);
        } else if digits.len() != 3 || !(narrow == ' ' || uniform::is_dash(c)) {
            end = at;
            break;
        }
    }
    if digits.len() != 7 || digits == "0000000" {
        return Err(postal_code());
    }
    digits.insert(3, '-');
    Ok((Some(digits), bare[end..].trim_start()))
}

fn split_prefecture(address: &str) -> Option<(&'static str, &str)> {
    PREFECTURES.into_iter().find_map(|prefecture| Some((prefecture, address.strip_prefix(prefecture)?)))
}

fn tidy(text: &str, part: &'static str) -> Result<String, Fault> {
    let line = uniform::line(text).map_err(|fault| fault.of_part(part))?;
    let narrow: String = line
        .chars()
        .map(|c| {
            let narrow = uniform::narrow(c);
            if narrow.is_ascii_alphanumeric() { narrow } else { c }
        })
        .collect();
    let tidy = uniform::hyphens(&narrow);
    if uniform::count(&tidy) > usize::from(LONGEST) {
        return Err(too_long(part));
    }
    if tidy.contains(uniform::is_emoji) || is_link(&tidy) {
        return Err(characters(part));
    }
    Ok(tidy)
}

fn is_link(text: &str) -> bool {
    let text: String = text.chars().map(|c| uniform::narrow(c).to_ascii_lowercase()).collect();
    text.contains("://") || text.contains("www.")
}

fn postal_code() -> Fault {
    Fault::new(
        "postal_code",
        "郵便番号は7桁の数字で入れてください（例：123-4567）。",
        "Please write the postal code with seven digits, for example 123-4567.",
    )
    .of_part(POSTAL)
}

fn prefecture() -> Fault {
    Fault::new(
        "prefecture",
        "住所は都道府県から入れてください（例：東京都千代田区丸の内1-2-3）。",
        "Please write the address in Japanese, starting with the prefecture, for example 東京都千代田区丸の内1-2-3.",
    )
    .of_part(ADDRESS)
}

fn address_short() -> Fault {
    Fault::new(
        "address_short",
        "住所が途中までのようです。市区町村と番地まで入れてください（例：東京都千代田区丸の内1-2-3）。",
        "This address seems to be incomplete. Please write it down to the city and number, for example \
         東京都千代田区丸の内1-2-3.",
    )
    .of_part(ADDRESS)
}

fn missing(part: &'static str) -> Fault {
    let (ja, en) = match part {
        POSTAL => {
            ("郵便番号も入れてください（例：123-4567）。", "Please write the postal code too, for example 123-4567.")
        }
        _ => (
            "住所も入れてください（例：東京都千代田区丸の内1-2-3）。",
            "Please write the address too, for example 東京都千代田区丸の内1-2-3.",
        ),
    };
    Fault::new("missing_part", ja, en).of_part(part)
}

fn too_long(part: &'static str) -> Fault {
    Fault::new(
        "too_long",
        "長すぎます。200文字以内で入れてください（例：東京都千代田区丸の内1-2-3）。",
        "This is too long. Please use at most 200 characters, for example 東京都千代田区丸の内1-2-3.",
    )
    .of_part(part)
}

fn characters(part: &'static str) -> Fault {
    Fault::new(
        "characters",
        "絵文字やURLは使えません。消して入れ直してください（例：東京都千代田区丸の内1-2-3）。",
        "Emoji and links cannot be used. Please remove them, for example 東京都千代田区丸の内1-2-3.",
    )
    .of_part(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(postal_code: &str, address: &str, building: &str) -> Given {
        let parts = [(POSTAL, postal_code), (ADDRESS, address), (BUILDING, building)];
        Given::Parts(parts.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    #[test]
    fn parts_are_accepted() {
        for (postal_code, address, building, answer) in [
            ("123-4567", "東京都千代田区丸の内1丁目2番3号", "", "〒123-4567 東京都千代田区丸の内1丁目2番3号"),
            ("1000005", "東京都千代田区丸の内1-9-1", "", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("１００－０００５", "東京都千代田区丸の内１－９－１", "", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("１００ー０００５", "東京都千代田区丸の内１ー９ー１", "", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("〒100 0005", "東京都　千代田区 丸の内1", "", "〒100-0005 東京都 千代田区 丸の内1"),
            (
                "530-0001",
                "大阪府大阪市北区梅田３丁目１番３号",
                "ﾉｰｽｾﾝﾀｰﾋﾞﾙ　３Ｆ",
                "〒530-0001 大阪府大阪市北区梅田3丁目1番3号\nノースセンタービル 3F",
            ),
            (
                "604-8571",
                "京都府京都市中京区寺町通御池上る上本能寺前町488番地",
                "サンプルハイツ２ー１０１",
                "〒604-8571 京都府京都市中京区寺町通御池上る上本能寺前町488番地\nサンプルハイツ2-101",
            ),
            ("060-8588", "北海道札幌市中央区北3条西6丁目", " ", "〒060-8588 北海道札幌市中央区北3条西6丁目"),
            ("044-0101", "北海道虻田郡京極町字京極527", "", "〒044-0101 北海道虻田郡京極町字京極527"),
            ("100-1211", "東京都三宅島三宅村坪田4225", "", "〒100-1211 東京都三宅島三宅村坪田4225"),
            ("272-8501", "千葉県市川市八幡1−1−1", "★荘", "〒272-8501 千葉県市川市八幡1-1-1\n★荘"),
            ("920-8203", "石川県金沢市鞍月い１〜３", "", "〒920-8203 石川県金沢市鞍月い1〜3"),
            ("891-0304", "鹿児島県指宿市東方髙田", "", "〒891-0304 鹿児島県指宿市東方髙田"),
            ("", "〒100-0005 東京都千代田区丸の内1", "3階", "〒100-0005 東京都千代田区丸の内1\n3階"),
        ] {
            let given = parts(postal_code, address, building);
            assert_eq!(check(&given), Ok(Some(answer.to_owned())), "{postal_code} {address}");
        }
    }

    #[test]
    fn one_text_is_taken_apart() {
        for (typed, answer) in [
            ("〒100-0005 東京都千代田区丸の内1-9-1", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("〒１００－０００５　東京都千代田区丸の内１－９－１", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("〒 1000005東京都千代田区丸の内1-9-1", "〒100-0005 東京都千代田区丸の内1-9-1"),
            ("100-0005東京都千代田区丸の内1", "〒100-0005 東京都千代田区丸の内1"),
            ("1000005 東京都千代田区丸の内1", "〒100-0005 東京都千代田区丸の内1"),
            ("１００ー０００５\n東京都千代田区丸の内1", "〒100-0005 東京都千代田区丸の内1"),
            ("東京都千代田区丸の内1-9-1", "東京都千代田区丸の内1-9-1"),
            ("〒100-0005\r\n東京都千代田区丸の内1\r\n本館\r\n3階", "〒100-0005 東京都千代田区丸の内1\n本館 3階"),
            ("\u{FEFF}〒100-0005 東京都千代田区丸の内1", "〒100-0005 東京都千代田区丸の内1"),
        ] {
            let once = check(&Given::One(typed.to_owned()));
            assert_eq!(once, Ok(Some(answer.to_owned())), "{typed}");
            assert_eq!(check(&Given::One(answer.to_owned())), Ok(Some(answer.to_owned())), "{answer}");
        }
    }

    #[test]
    fn parts_that_are_no_address_are_refused() {
        let long = format!("東京都千代田区{}", "丸".repeat(200));
        let fine = "東京都千代田区丸の内1-9-1";
        for (given, code, part) in [
            (parts("100-000", fine, ""), "postal_code", POSTAL),
            (parts("100-00055", fine, ""), "postal_code", POSTAL),
            (parts("1-000005", fine, ""), "postal_code", POSTAL),
            (parts("一〇〇-〇〇〇五", fine, ""), "postal_code", POSTAL),
            (parts("東京都", fine, ""), "postal_code", POSTAL),
            (parts("000-0000", fine, ""), "postal_code", POSTAL),
            (parts("100-0005 東京都", fine, ""), "postal_code", POSTAL),
            (parts("〒", fine, ""), "postal_code", POSTAL),
            (parts("", fine, ""), "missing_part", POSTAL),
            (parts("", "", "3階"), "missing_part", POSTAL),
            (parts("100-0005", "", ""), "missing_part", ADDRESS),
            (parts("100-0005", " ", "3階"), "missing_part", ADDRESS),
            (parts("100-0005", "千代田区丸の内1-9-1", ""), "prefecture", ADDRESS),
            (parts("100-0005", "東京千代田区丸の内1-9-1", ""), "prefecture", ADDRESS),
            (parts("100-0005", "1-9-1 Marunouchi, Tokyo", ""), "prefecture", ADDRESS),
            (parts("100-0005", "東京都", ""), "address_short", ADDRESS),
            (parts("100-0005", "東京都港区", ""), "address_short", ADDRESS),
            (parts("100-0005", "東京都 港区 1", ""), "address_short", ADDRESS),
            (parts("100-0005", "東京都丸の内1-9-1", ""), "address_short", ADDRESS),
            (parts("100-0005", "東京都千代田区丸の内😀1", ""), "characters", ADDRESS),
            (parts("100-0005", "東京都千代田区 https://example.com", ""), "characters", ADDRESS),
            (parts("100-0005", "東京都千代田区\n丸の内1", ""), "characters", ADDRESS),
            (parts("100-0005", fine, "本館🏠"), "characters", BUILDING),
            (parts("100-0005", fine, "ｗｗｗ．example.com"), "characters", BUILDING),
            (parts("100-0005", fine, "本館\u{202E}3階"), "characters", BUILDING),
            (parts("100-0005", &long, ""), "too_long", ADDRESS),
            (parts("100-0005", fine, &long), "too_long", BUILDING),
        ] {
            let fault = check(&given).unwrap_err();
            assert_eq!((fault.code, fault.part), (code, Some(part)), "{fault:?}");
        }
    }

    #[test]
    fn one_text_that_is_no_address_is_refused() {
        for (typed, code, part) in [
            ("〒100-000 東京都千代田区丸の内1", "postal_code", POSTAL),
            ("100-00051 東京都千代田区丸の内1", "postal_code", POSTAL),
            ("〒東京都千代田区丸の内1", "postal_code", POSTAL),
            ("1-9-1 丸の内", "postal_code", POSTAL),
            ("〒100-0005", "missing_part", ADDRESS),
            ("〒100-0005 千代田区丸の内1", "prefecture", ADDRESS),
            ("〒100-0005 東京都", "address_short", ADDRESS),
            ("なし", "prefecture", ADDRESS),
            ("\u{200B}", "missing_part", ADDRESS),
        ] {
            let fault = check(&Given::One(typed.to_owned())).unwrap_err();
            assert_eq!((fault.code, fault.part), (code, Some(part)), "{typed}");
        }
    }

    #[test]
    fn masks_end_with_the_city() {
        for (answer, mask_of) in [
            ("〒100-0005 東京都千代田区丸の内1-9-1\n本館 3階", "東京都千代田区…"),
            ("〒272-8501 千葉県市川市八幡1-1-1", "千葉県市川市…"),
            ("〒194-8520 東京都町田市森野2-2-22", "東京都町田市…"),
            ("〒530-0001 大阪府大阪市北区梅田3丁目", "大阪府大阪市…"),
            ("〒044-0101 北海道虻田郡京極町字京極527", "北海道虻田郡京極町…"),
            ("〒100-1211 東京都三宅島坪田4225\n伊豆村荘", "東京都…"),
            ("〒100-1211 東京都三宅島坪田4225 伊豆村荘", "東京都…"),
            ("東京都千代田区丸の内1", "東京都千代田区…"),
            ("東京都", "東京都…"),
            ("〒100-0005", "…"),
            ("〒", "…"),
            ("どこか", "…"),
            ("\n", "…"),
            ("", "…"),
        ] {
            assert_eq!(mask(answer), mask_of, "{answer}");
        }
    }
}
