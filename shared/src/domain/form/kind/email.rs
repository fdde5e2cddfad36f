//! An e-mail address.
//!
//! Accepted is what RFC 5322 calls an addr-spec, in ASCII, without quotes, at a domain with
//! a dot, so that the page's own control can type it (HTML, "valid e-mail address").
//! Full-width forms become ASCII and the domain becomes small; what stands before `@` is
//! kept, since RFC 5321 §2.4 leaves its case to the server.
//!
//! Until 2009, carriers in Japan gave out addresses with several dots in a row, or one
//! before `@`, against RFC 5322. People still have them: at these domains they are accepted.

use email_address::{EmailAddress, Options};

use super::{Control, Part, uniform};
use crate::domain::form::given::{Fault, Given};

/// RFC 5321 §4.5.3.1.3, without the angle brackets.
const LONGEST: u16 = 254;

/// RFC 5321 §4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;

/// The carriers that gave out addresses with dots against the RFC.
const CARRIERS: [&str; 4] = ["docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp", "vodafone.ne.jp"];

const OPTIONS: Options = Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };

/// How it is asked for.
pub(super) const PARTS: &[Part] = &[Part {
    example: Some(("hanako@example.com", "hanako@example.com")),
    control: Control::Email,
    autocomplete: Some("email"),
    inputmode: Some("email"),
    quick_fill: &["email"],
    profile_plus: &["email"],
    max_length: LONGEST,
    ..Part::LINE
}];

/// The address, its domain in small letters.
pub(super) fn check(given: &Given) -> Result<Option<String>, Fault> {
    // Not `uniform::ascii`: it changes waves between digits, which are allowed here.
    let text: String = uniform::seen(given.text()).chars().map(uniform::narrow).collect();
    let text = text.trim();
    if uniform::count(text) > usize::from(LONGEST) {
        return Err(too_long());
    }
    if !text.is_ascii() {
        return Err(japanese());
    }
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        return Err(space());
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err(no_at());
    };
    if domain.contains('@') {
        return Err(two_ats());
    }
    if !domain.contains('.') {
        return Err(no_dot());
    }
    let domain = domain.to_ascii_lowercase();
    if !is_host(&domain) || !is_address(local, &domain) {
        return Err(general());
    }
    Ok(Some(format!("{local}@{domain}")))
}

/// Its first character and its domain.
pub(super) fn mask(answer: &str) -> String {
    match answer.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

fn is_address(local: &str, domain: &str) -> bool {
    let is_valid = |local: &str| EmailAddress::parse_with_options(&format!("{local}@{domain}"), OPTIONS).is_ok();
    if local.contains('"') || local.len() > LONGEST_LOCAL {
        return false;
    }
    if is_valid(local) {
        return true;
    }
    if local.starts_with('.') || !is_carrier(domain) {
        return false;
    }
    // With single dots inside it must be an address.
    let single: Vec<_> = local.split('.').filter(|atom| !atom.is_empty()).collect();
    is_valid(&single.join("."))
}

/// Whether a domain is a carrier's or below it: Vodafone's had a letter for the region.
fn is_carrier(domain: &str) -> bool {
    CARRIERS
        .iter()
        .any(|carrier| domain.strip_suffix(carrier).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Whether a domain is made of what names of hosts are made of, which is less than RFC 5322
/// allows, and does not end as an IP address does.
fn is_host(domain: &str) -> bool {
    domain.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        && domain.rsplit('.').next().is_some_and(|top| top.contains(|c: char| c.is_ascii_alphabetic()))
}

fn fault(ja: &str, en: &str) -> Fault {
    Fault::new("not_an_email", ja, en)
}

fn general() -> Fault {
    fault(
        "メールアドレスの形になっていません。もう一度ご確認のうえ、\
         入れ直してください（例：hanako@example.com）。",
        "This is not an e-mail address. Please check it and write it again, for example hanako@example.com.",
    )
}

fn no_at() -> Fault {
    fault(
        "メールアドレスに「@」がありません。「@」を入れてください（例：hanako@example.com）。",
        "There is no @ in this e-mail address. Please add it, for example hanako@example.com.",
    )
}

fn two_ats() -> Fault {
    fault(
        "メールアドレスに「@」が2つ以上あります。メールアドレスを1つだけ\
         入れてください（例：hanako@example.com）。",
        "There is more than one @. Please write one e-mail address only, for example hanako@example.com.",
    )
}

fn space() -> Fault {
    fault(
        "メールアドレスの中に空白や改行があります。空白を消してください（例：hanako@example.com）。",
        "There is a space inside this e-mail address. Please remove it, for example hanako@example.com.",
    )
}

fn no_dot() -> Fault {
    fault(
        "「@」のあとが途中で終わっているようです。「.」を含めて最後まで\
         入れてください（例：hanako@example.com）。",
        "What follows the @ has no dot. Please write the whole e-mail address, for example hanako@example.com.",
    )
}

fn japanese() -> Fault {
    fault(
        "メールアドレスに日本語などの全角文字が入っています。半角の英数字と記号で入れてください\
         （例：hanako@example.com）。",
        "There are Japanese or other special characters in this e-mail address. Please use plain letters, numbers and \
         symbols, for example hanako@example.com.",
    )
}

fn too_long() -> Fault {
    fault(
        "メールアドレスが長すぎます。254文字以内で入れてください（例：hanako@example.com）。",
        "This e-mail address is too long. Please use at most 254 characters, for example hanako@example.com.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(typed: &str) -> Fault {
        check(&Given::One(typed.to_owned())).unwrap_err()
    }

    #[test]
    fn addresses_are_accepted() {
        for (typed, email) in [
            ("hanako@example.com", "hanako@example.com"),
            ("  hanako@example.com　", "hanako@example.com"),
            ("ｈａｎａｋｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "hanako@example.com"),
            ("hanako＠example.co.jp", "hanako@example.co.jp"),
            ("Hanako.Yamada@Example.CO.JP", "Hanako.Yamada@example.co.jp"),
            ("hanako+line@gmail.com", "hanako+line@gmail.com"),
            ("hanako_y-1@i.softbank.jp", "hanako_y-1@i.softbank.jp"),
            ("1~2@example.jp", "1~2@example.jp"),
            ("-hanako-@example.jp", "-hanako-@example.jp"),
            ("hanako/taro?@docomo.ne.jp", "hanako/taro?@docomo.ne.jp"),
            ("da..me.@docomo.ne.jp", "da..me.@docomo.ne.jp"),
            ("hanako.@ezweb.ne.jp", "hanako.@ezweb.ne.jp"),
            ("hana...ko@DOCOMO.ne.jp", "hana...ko@docomo.ne.jp"),
            ("hana..ko@softbank.ne.jp", "hana..ko@softbank.ne.jp"),
            ("hana..ko@t.vodafone.ne.jp", "hana..ko@t.vodafone.ne.jp"),
            ("hanako@mail.city.minato.tokyo.jp", "hanako@mail.city.minato.tokyo.jp"),
            ("hanako@xn--wgv71a.jp", "hanako@xn--wgv71a.jp"),
            ("\u{200B}hanako@example.com\u{FEFF}", "hanako@example.com"),
        ] {
            assert_eq!(check(&Given::One(typed.to_owned())), Ok(Some(email.to_owned())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_dotted = format!("{}..@docomo.ne.jp", "a".repeat(63));
        let long = format!("a@{}.com", "a.".repeat(130));
        for typed in [
            "hanako",
            "hanako.example.com",
            "@example.com",
            "hanako@",
            "hanako@example",
            "hanako@localhost",
            "hanako@@example.com",
            "hanako@example.com,taro@example.com",
            "hana ko@example.com",
            "hanako@example.com\ntaro",
            "花子@example.com",
            "hanako@日本.jp",
            "hanako@example。com",
            "hana..ko@example.com",
            "hanako.@gmail.com",
            ".hanako@docomo.ne.jp",
            ".@docomo.ne.jp",
            "hana..ko@notdocomo.ne.jp",
            "hana..ko@docomo.ne.jp.example.com",
            "hanako@docomo..ne.jp",
            "hanako@.example.com",
            "hanako@example.com.",
            "hanako@-example.com",
            "hanako@exa_mple.com",
            "hanako@192.168.0.1",
            "hanako@[192.168.0.1]",
            "花子<hanako@example.com>",
            "<hanako@example.com>",
            "\"hanako\"@example.com",
            "hana,ko@example.com",
            "mailto:hanako@example.com",
            &long_local,
            &long_dotted,
            &long,
        ] {
            assert_eq!(refused(typed).code, "not_an_email", "{typed}");
        }
    }

    #[test]
    fn faults_say_what_is_wrong() {
        for (typed, fault) in [
            ("hanako.example.com", no_at()),
            ("hana ko@example.com", space()),
            ("hana　ko@example.com", space()),
            ("hanako@@example.com", two_ats()),
            ("hanako@example", no_dot()),
            ("hanako@", no_dot()),
            ("はなこ@example.com", japanese()),
            ("hanako@example,com.jp", general()),
        ] {
            assert_eq!(refused(typed), fault, "{typed}");
        }
    }

    #[test]
    fn masks_keep_the_first_character_and_the_domain() {
        for (email, mask_of) in [
            ("hanako@example.com", "h***@example.com"),
            ("h@example.com", "h***@example.com"),
            ("@example.com", "***@example.com"),
            ("花@例", "花***@例"),
            ("hanako", "***"),
            ("", "***"),
        ] {
            assert_eq!(mask(email), mask_of, "{email}");
        }
    }
}
