//! `[link]` of a channel: how its people are joined with the member ids of the business.

use std::collections::BTreeSet;

use azukari::domain::definition::{BotPrompt, ProfileItem};

use crate::config::{
    Link,
    channels::{Allowed, Names, comparable},
    section::{At, Section},
};

/// Reads the table, which is there.
pub(super) fn read(top: &Section<'_>, names: &Names<'_>, seen: &mut BTreeSet<String>) -> Option<Link> {
    let section = top.section("link")?;
    let purpose = names.purpose(&section, "purpose", Allowed::Contact);
    let words = section.any_words("words").map(|words| comparable(&section, words, seen));
    let unlink_words = section.words("unlink_words");
    let unlink_word = unlink_words.as_ref().and_then(|words| Some(words.first()?.value.trim().to_owned()));
    let unlink_words = unlink_words.map(|words| comparable(&section, words, seen));
    let bot_prompt = if section.has_any(&["bot_prompt"]) {
        section.one_of("bot_prompt", &BotPrompt::NAMES, BotPrompt::parse)
    } else {
        None
    };
    let rich_menu = section.maybe_text("rich_menu").map(|id| rich_menu(&section, id));
    let profile_plus = section.any_words("profile_plus").map(|items| profile_plus(&section, items));
    section.finish();
    Some(Link {
        purpose: purpose?,
        words: words?,
        unlink_words: unlink_words?,
        unlink_word: unlink_word?,
        bot_prompt,
        rich_menu,
        profile_plus: profile_plus?,
    })
}

/// The id of a rich menu, as LINE writes it.
fn rich_menu(section: &Section<'_>, id: At<String>) -> String {
    let At { value, at } = id;
    let fits = value
        .strip_prefix("richmenu-")
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    if !fits {
        let en = "rich_menu must be richmenu- and 32 of 0-9 and a-f, as LINE names a rich menu";
        section.problem(at, "rich_menuは、richmenu-に続けて0-9とa-fが32文字です（LINEが付けたID）", en);
    }
    value
}

fn profile_plus(section: &Section<'_>, names: Vec<At<String>>) -> Vec<ProfileItem> {
    let mut items = Vec::with_capacity(names.len());
    for At { value, at } in names {
        match ProfileItem::parse(&value) {
            Some(item) if items.contains(&item) => {
                let en = format!("profile_plus has \"{value}\" twice");
                section.problem(at, &format!("profile_plusの「{value}」が重複しています"), &en);
            }
            Some(item) => items.push(item),
            None => {
                let all = ProfileItem::ALL.map(ProfileItem::as_str).join(", ");
                let ja = format!("profile_plusの「{value}」は使えません（使えるもの: {all}）");
                section.problem(at, &ja, &format!("profile_plus can hold {all}, not \"{value}\""));
            }
        }
    }
    items
}
