use azukari::domain::wording::LinkWording;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    tests::{CHANNEL, MESSAGES, POINT, POLICY, folder},
    *,
};

/// It comes behind the usual channel, at line 10.
const LINK: &str = r#"[link]
purpose = "chat"
words = ["連携", " ＩＤ連携 "]
unlink_words = [" ＩＤ解除 ", "連携解除"]
bot_prompt = "aggressive"
rich_menu = "richmenu-0123456789abcdef0123456789abcdef"
profile_plus = ["real_name", "phone"]
"#;

const SITE: &str = r#"[[site]]
name = "shop"
channel = "demo"
title = { ja = "お店", en = "Shop" }
login_url = "https://shop.example/line/login"
return_addresses = ["https://shop.example/line/back", "http://localhost:3000/back?from=line"]
public_key = "POINT"
calls_per_hour = 100
"#;

/// The key at [`POINT`] as `openssl ec -pubin -outform DER` writes it.
const DER: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";

fn linking() -> String {
    format!("{CHANNEL}{LINK}")
}

fn site() -> String {
    SITE.replace("POINT", POINT)
}

/// A text with something else in one place.
fn edited(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

fn read_files(files: &[(&str, &str)]) -> Result<Configuration, Problems> {
    read(folder(files).path())
}

/// What is wrong, in both languages.
fn named(files: &[(&str, &str)]) -> Vec<String> {
    let problems = read_files(files).expect_err("there are problems");
    problems.iter().map(ToString::to_string).collect()
}

fn named_of_channel(channel: &str) -> Vec<String> {
    named(&[("channels/demo.toml", channel)])
}

fn named_of_sites(sites: &str) -> Vec<String> {
    named(&[("channels/demo.toml", &linking()), ("sites.toml", sites)])
}

#[test]
fn the_shipped_configuration_links() {
    let read = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config"))).unwrap();
    let link = read.channels["demo"].link.as_ref().expect("the shipped channel links");
    assert_eq!((link.purpose.as_str(), link.unlink_word.as_str()), ("member", "連携解除"));
    assert_eq!((link.bot_prompt, &link.rich_menu, link.profile_plus.len()), (Some(BotPrompt::Normal), &None, 0));
    assert!(read.sites.is_empty(), "the one that is shipped is a comment");
    for (name, shipped) in [("standard", LinkWording::japanese()), ("english", LinkWording::english())] {
        assert_eq!(read.messages[name].texts.link, shipped, "the same texts with and without the file");
    }
}

#[test]
fn a_link_is_read_as_it_is_written() {
    let read = read_files(&[("channels/demo.toml", &linking())]).unwrap();
    let expected = Link {
        purpose: "chat".to_owned(),
        words: vec!["連携".to_owned(), "id連携".to_owned()],
        unlink_words: vec!["id解除".to_owned(), "連携解除".to_owned()],
        unlink_word: "ＩＤ解除".to_owned(),
        bot_prompt: Some(BotPrompt::Aggressive),
        rich_menu: Some("richmenu-0123456789abcdef0123456789abcdef".to_owned()),
        profile_plus: vec![ProfileItem::RealName, ProfileItem::Phone],
    };
    assert_eq!(read.channels["demo"].link, Some(expected));
    // People are told the word as it is written.
    let wording = read.wording(&read.channels["demo"]);
    assert!(wording.link.linked.contains("「ＩＤ解除」") && wording.link.already.contains("「ＩＤ解除」"));

    let least = format!("{CHANNEL}[link]\npurpose = \"chat\"\nwords = []\nunlink_words = [\"解除\"]\n");
    let read = read_files(&[("channels/demo.toml", &least)]).unwrap();
    let link = read.channels["demo"].link.as_ref().unwrap();
    assert!(link.words.is_empty() && link.profile_plus.is_empty());
    assert_eq!((link.bot_prompt, &link.rich_menu), (None, &None));

    let none = read_files(&[]).unwrap();
    assert_eq!(none.channels["demo"].link, None);
}

#[test]
fn every_problem_of_a_link_is_named() {
    let many = (0..21).map(|n| format!("\"w{n}\"")).collect::<Vec<_>>().join(", ");
    let (many, long) = (format!("words = [{many}]"), format!("words = [\"{}\"]", "長".repeat(41)));
    let words = "words = [\"連携\", \" ＩＤ連携 \"]";
    let unlink_words = "unlink_words = [\" ＩＤ解除 \", \"連携解除\"]";
    let whole_line = format!("{unlink_words}\n");
    let menu = "\"richmenu-0123456789abcdef0123456789abcdef\"";
    let not_a_menu = "15: rich_menuは、richmenu-に続けて0-9とa-fが32文字です（LINEが付けたID） / rich_menu must be richmenu- and 32 of 0-9 and a-f, as LINE names a rich menu";
    for (from, to, expected) in [
        ("purpose = \"chat\"\n", "", "10: link.purposeがありません / link.purpose is missing"),
        ("\"chat\"", "\"gossip\"", "11: 目的「gossip」がありません / there is no purpose \"gossip\""),
        (
            words,
            "words = \"連携\"",
            "12: link.wordsは文字列の並びで書いてください / link.words must be a list of texts",
        ),
        (words, long.as_str(), "12: キーワードは1行で、40文字までです / a word must be 1 to 40 characters on one line"),
        (words, many.as_str(), "12: キーワードは、一つの並びに20個までです / there are more than 20 words in one list"),
        (
            "\"連携\", ",
            "\"連携解除\", ",
            "13: キーワード「連携解除」がこのチャネルで重複しています / the word \"連携解除\" is there twice in this channel",
        ),
        (whole_line.as_str(), "", "10: link.unlink_wordsがありません / link.unlink_words is missing"),
        (
            unlink_words,
            "unlink_words = []",
            "13: link.unlink_wordsは空でない文字列を一つ以上書いてください / link.unlink_words must hold at least one text, none blank",
        ),
        (
            "\"aggressive\"",
            "\"loud\"",
            "14: link.bot_promptの「loud」は使えません（normal, aggressiveのどれか） / link.bot_prompt must be one of normal, aggressive, not \"loud\"",
        ),
        (menu, "\"richmenu-0123456789abcdef\"", not_a_menu),
        (menu, "\"richmenu-0123456789ABCDEF0123456789ABCDEF\"", not_a_menu),
        (menu, "\"0123456789abcdef0123456789abcdef\"", not_a_menu),
        (
            "\"phone\"",
            "\"blood_type\"",
            "16: profile_plusの「blood_type」は使えません（使えるもの: real_name, gender, birthdate, phone, address） / profile_plus can hold real_name, gender, birthdate, phone, address, not \"blood_type\"",
        ),
        (
            "\"phone\"",
            "\"real_name\"",
            "16: profile_plusの「real_name」が重複しています / profile_plus has \"real_name\" twice",
        ),
        (
            "profile_plus = ",
            "colour = 1\nprofile_plus = ",
            "16: link.colourという項目はありません / link.colour is not a known key",
        ),
    ] {
        let found = named_of_channel(&format!("{CHANNEL}{}", edited(LINK, from, to)));
        assert_eq!(found, [format!("channels/demo.toml:{expected}")], "{to}");
    }
    let found = named_of_channel(&CHANNEL.replace("[purposes]", "link = true\n[purposes]"));
    assert_eq!(found, ["channels/demo.toml:5: linkは表（テーブル）で書いてください / link must be a table"]);
}

#[test]
fn a_word_leads_to_a_form_or_to_linking_and_not_to_both() {
    let keyword = "[[keyword]]\nwords = [\"id解除\"]\nform = \"f\"\n";
    let found = named_of_channel(&format!("{}{keyword}", linking()));
    let expected = [
        "channels/demo.toml:18: キーワード「id解除」がこのチャネルで重複しています / the word \"id解除\" is there twice in this channel",
        "channels/demo.toml:19: フォーム「f」がありません / there is no form \"f\"",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_site_is_read_as_it_is_written() {
    let second = edited(&site(), "\"shop\"", "\"school\"").replace(POINT, DER);
    let second = edited(&edited(&second, "calls_per_hour = 100\n", ""), "return_addresses = ", "# ");
    let sites = format!("{}{second}", site());
    let read = read_files(&[("channels/demo.toml", &linking()), ("sites.toml", &sites)]).unwrap();
    let [shop, school] = &read.sites[..] else { panic!("two sites") };
    assert_eq!((shop.name.as_str(), shop.channel.as_str(), shop.title.en.as_str()), ("shop", "demo", "Shop"));
    assert_eq!(shop.login_url, "https://shop.example/line/login");
    assert_eq!(shop.return_addresses, ["https://shop.example/line/back", "http://localhost:3000/back?from=line"]);
    assert_eq!((STANDARD.encode(shop.public_key).as_str(), shop.calls_per_hour), (POINT, 100));
    assert_eq!((school.name.as_str(), school.return_addresses.len(), school.calls_per_hour), ("school", 0, 3_600));
    assert_eq!(school.public_key, shop.public_key, "the point of the key in DER");
}

#[test]
fn every_problem_of_a_site_is_named() {
    let key = "7: public_keyは、P-256の公開鍵のbase64です（点の65バイト、またはDERの91バイト） / public_key is not a P-256 key in base64: the point (65 bytes) or the key in DER (91 bytes)";
    let (off_curve, other_curve) = (STANDARD.encode([4_u8; 65]), DER.replacen("MFkw", "MFgw", 1));
    let long = "題".repeat(61);
    let calls = "8: site.calls_per_hourは1から1000000までの整数で書いてください / site.calls_per_hour must be a whole number from 1 to 1000000";
    for (from, to, expected) in [
        ("name = \"shop\"\n", "", "1: site.nameがありません / site.name is missing"),
        ("\"shop\"", "\"Shop\"", "2: nameは半角のa-z、0-9、-で32文字までです / name must be 1 to 32 of a-z, 0-9 and -"),
        ("\"demo\"", "\"other\"", "3: チャネル「other」がありません / there is no channel \"other\""),
        (", en = \"Shop\"", "", "4: site.title.enがありません / site.title.en is missing"),
        ("お店", long.as_str(), "4: site.title.jaは60文字までです / site.title.ja is longer than 60 characters"),
        (
            "login_url = \"https://shop.example/line/login\"\n",
            "",
            "1: site.login_urlがありません / site.login_url is missing",
        ),
        (
            "[\"https://shop.example/line/back\", ",
            "[5, ",
            "6: site.return_addressesは空でない文字列を一つ以上書いてください / site.return_addresses must hold at least one text, none blank",
        ),
        (
            "line/back",
            "line/login",
            "6: return_addresses: アドレス「https://shop.example/line/login」がこのサイトで重複しています / return_addresses: the address \"https://shop.example/line/login\" is there twice in this site",
        ),
        (POINT, "BGsX", key),
        (POINT, "-----BEGIN PUBLIC KEY-----", key),
        (POINT, off_curve.as_str(), key),
        (POINT, other_curve.as_str(), key),
        ("= 100", "= 0", calls),
        ("= 100", "= 1000001", calls),
        (
            "calls_per_hour = 100",
            "secret = \"x\"",
            "8: site.secretという項目はありません / site.secret is not a known key",
        ),
    ] {
        let found = named_of_sites(&edited(&site(), from, to));
        assert_eq!(found, [format!("sites.toml:{expected}")], "{to}");
    }
    let found = named_of_sites(&format!("{0}{0}", site()));
    let expected = "sites.toml:10: サイト「shop」が重複しています / the site \"shop\" is there twice";
    assert_eq!(found, [expected]);
    let found = named_of_sites("[[sites]]\nname = \"shop\"\n");
    assert!(found.len() == 1 && found[0].starts_with("sites.toml:1: sitesという項目はありません"), "{found:#?}");
}

#[test]
fn a_site_belongs_to_a_channel_that_links() {
    let found = named(&[("sites.toml", &site())]);
    let expected = "チャネル「demo」に[link]がありません / the channel \"demo\" has no [link]";
    assert_eq!(found, [format!("sites.toml:3: {expected}")]);
    // What only follows from a broken channel is not named.
    let broken = edited(&linking(), "[\" ＩＤ解除 \", \"連携解除\"]", "[]");
    let found = named(&[("channels/demo.toml", &broken), ("sites.toml", &site())]);
    assert!(found.len() == 1 && found[0].starts_with("channels/demo.toml:13: link.unlink_words"), "{found:#?}");
}

#[test]
fn people_are_sent_to_sound_addresses_alone() {
    const SIGNS: &str = "に書けるのは、半角の英数字とURLの記号だけです（空白や「\\」は書けません） / must be ASCII, without white space, \\ and other signs that no address has";
    const FRAGMENT: &str =
        "に、フラグメント（#から後ろ）は書けません / must have no fragment (# and what is behind it)";
    const SCHEME: &str = "は、https://で始めてください（http://は、127.0.0.1、localhost、[::1]だけです） / must begin with https:// (http:// is for 127.0.0.1, localhost and [::1])";
    const USER: &str = "に、ユーザー名は書けません / must have no user name";
    const HOST: &str = "のホスト名かポート番号が正しくありません / has no host, or a wrong host or port";
    const QUERY: &str = "のクエリに、code、state、error、linked、langは書けません（連携のときに付きます） / must not have code, state, error, linked or lang in its query: linking adds them";
    const LONG: &str = "は500文字までです / is longer than 500 characters";
    let (longest, longer) =
        (format!("https://shop.example/{}", "a".repeat(479)), format!("https://shop.example/{}", "a".repeat(480)));
    for (bad, expected) in [
        ("https://店.example/login", SIGNS),
        ("https://ѕhop.example/login", SIGNS),
        ("https://shop.example/log in", SIGNS),
        (" https://shop.example/login", SIGNS),
        ("https://shop.example/\tlogin", SIGNS),
        (r"https:\\shop.example\login", SIGNS),
        (r"https://shop.example\@evil.example/", SIGNS),
        ("https://shop.example/\"login", SIGNS),
        ("https://shop.example/login#top", FRAGMENT),
        ("https://shop.example#@evil.example/", FRAGMENT),
        ("http://shop.example/login", SCHEME),
        ("http://127.0.0.1.shop.example/login", SCHEME),
        ("http://localhost.shop.example/login", SCHEME),
        ("http://[::2]/login", SCHEME),
        ("HTTPS://shop.example/login", SCHEME),
        ("ftp://shop.example/login", SCHEME),
        ("//shop.example/login", SCHEME),
        ("/login", SCHEME),
        ("shop.example/login", SCHEME),
        ("javascript:alert(1)", SCHEME),
        ("https://shop@shop.example/login", USER),
        ("https://shop.example:443@evil.example/login", USER),
        ("http://localhost@evil.example/login", USER),
        ("https://", HOST),
        ("https:///login", HOST),
        ("https://?a=b", HOST),
        ("https://:8080/login", HOST),
        ("https://shop.example:/login", HOST),
        ("https://shop.example:0/login", HOST),
        ("https://shop.example:+80/login", HOST),
        ("https://shop.example:65536/login", HOST),
        ("https://shop.example:80:80/login", HOST),
        ("https://shop,example/login", HOST),
        ("https://[::1/login", HOST),
        ("https://[shop]/login", HOST),
        ("https://[::1]shop/login", HOST),
        ("https://shop.example/login?code=1", QUERY),
        ("https://shop.example/login?a=b&state=", QUERY),
        ("https://shop.example/login?error", QUERY),
        ("https://shop.example?%63ode=1", QUERY),
        (longer.as_str(), LONG),
    ] {
        let (ja, en) = expected.split_once(" / ").unwrap();
        let found = named_of_sites(&edited(&site(), "\"https://shop.example/line/login\"", &format!("'{bad}'")));
        assert_eq!(found, [format!("sites.toml:5: login_url{ja} / login_url {en}")], "{bad}");
        let found = named_of_sites(&edited(&site(), "\"https://shop.example/line/back\"", &format!("'{bad}'")));
        assert_eq!(found, [format!("sites.toml:6: return_addresses{ja} / return_addresses {en}")], "{bad}");
    }
    for good in [
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/line/login?from=line&codes=1",
        "https://shop.example/@member/login;a=b",
        "https://xn--fiq228c.example/login",
        "https://[2001:db8::1]:8443/login",
        "http://127.0.0.1:3000/login",
        "http://localhost/login",
        "http://[::1]:65535/login",
        longest.as_str(),
    ] {
        let sites = edited(&site(), "https://shop.example/line/login", good);
        let read = read_files(&[("channels/demo.toml", &linking()), ("sites.toml", &sites)]);
        let read = read.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(read.sites[0].login_url, good);
    }
}

/// The line of a text of the shipped messages that begins with this, from 1.
fn place(start: &str) -> usize {
    1 + MESSAGES.lines().position(|line| line.starts_with(start)).expect("it is there")
}

#[test]
fn every_problem_of_a_text_about_linking_is_named() {
    let (long, wide) = (format!("offer = \"{}\"", "長".repeat(161)), format!("unlink = \"{}\"", "長".repeat(21)));
    for (key, to, expected) in [
        (
            "linked",
            "linked = \"連携しました。\"",
            "linkedには{unlink_word}が必要です（お知らせしなければならないことです） / linked must contain {unlink_word}: people must be told",
        ),
        (
            "linked",
            "linked = \"「{unlink_word}」で解除できます。{name}さん\"",
            "linkedで{name}は使えません（使えるもの: {business} {policy_url} {unlink_word}） / linked cannot use {name}, but: {business} {policy_url} {unlink_word}",
        ),
        (
            "refused",
            "refused = \"{unlink_word}\"",
            "refusedで{unlink_word}は使えません（使えるもの: {business} {policy_url}） / refused cannot use {unlink_word}, but: {business} {policy_url}",
        ),
        (
            "offer",
            "offer = \"{policy_url}\"",
            "offerで{policy_url}は使えません（使えるもの: {business}） / offer cannot use {policy_url}, but: {business}",
        ),
        ("offer", long.as_str(), "offerは160文字までです / offer is longer than 160 characters"),
        ("unlink", wide.as_str(), "unlinkは20文字までです / unlink is longer than 20 characters"),
        ("already", "already = 5", "link.alreadyは文字列で書いてください / link.already must be a text"),
        ("unlinked", "unlinked = \" \"", "link.unlinkedは空にできません / link.unlinked must not be blank"),
    ] {
        let (before, link) = MESSAGES.split_once("[link]").expect("the section is there");
        let start = format!("{key} = ");
        let line = link.lines().find(|line| line.starts_with(&start)).expect("the text is there");
        let number = before.matches('\n').count() + 1 + link.lines().take_while(|it| *it != line).count();
        let text = format!("{before}[link]{}", edited(link, &format!("\n{line}\n"), &format!("\n{to}\n")));
        let found = named(&[("messages/standard.toml", &text)]);
        assert_eq!(found, [format!("messages/standard.toml:{number}: {expected}")]);
    }
    let without: String =
        MESSAGES.lines().filter(|line| !line.starts_with("not_linked = ")).map(|line| format!("{line}\n")).collect();
    let found = named(&[("messages/standard.toml", &without)]);
    let expected = "link.not_linkedがありません / link.not_linked is missing";
    assert_eq!(found, [format!("messages/standard.toml:{}: {expected}", place("[link]"))]);
}

#[test]
fn what_is_said_about_linking_fits_with_the_name_of_the_business() {
    let text = edited(MESSAGES, "\noffer = \"", &format!("\noffer = \"{}", "{business}".repeat(4)));
    let policy = POLICY.replace("預かりデモ（見本）", &"長い名前の事業者".repeat(5));
    let found = named(&[("messages/standard.toml", &text), ("policies/privacy/policy.toml", &policy)]);
    let length = 160 + LinkWording::japanese().offer.chars().count();
    let ja = format!("link.offerは、チャネル「demo」の内容を入れると{length}文字になります（160文字まで）");
    let en = format!("link.offer has {length} characters once filled in for \"demo\", at most 160");
    assert_eq!(found, [format!("messages/standard.toml: {ja} / {en}")]);
}

#[test]
fn messages_that_say_nothing_of_linking_get_the_shipped_texts() {
    let (before, _) = MESSAGES.split_once("[link]").expect("the section is there");
    for (language, shipped) in [("ja", LinkWording::japanese()), ("en", LinkWording::english())] {
        let text = edited(before, "language = \"ja\"", &format!("language = \"{language}\""));
        let read = read_files(&[("messages/standard.toml", &text), ("channels/demo.toml", &linking())]).unwrap();
        assert_eq!(read.messages["standard"].texts.link, shipped);
        let filled = read.wording(&read.channels["demo"]).link;
        assert_eq!(filled.linked, shipped.linked.replace("{unlink_word}", "ＩＤ解除"));
        assert_eq!(filled.offer, shipped.offer);
    }
}
