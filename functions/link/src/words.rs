//! What people read before they join, and why something has not come about.

use azukari::{
    domain::{
        definition::{LinkTerms, Text},
        language::Language,
        site::Site,
    },
    host::linking::Shown,
    seal::notice::digest,
};
use http::StatusCode;

use crate::service::Linking;

/// What is said to whoever is about to join: whose account is joined with what, what is
/// kept, who learns what, and that it can be undone at any time (PLATFORM.md §2). What a
/// consent is kept with is the digest of these lines.
pub(crate) fn notice(linking: &Linking<'_>, business: &Text, site: &Site, language: Language) -> Vec<String> {
    let LinkTerms { purpose, unlink_words, .. } = linking.terms();
    let (business, site) = (language.of_text(business), language.of_text(&site.title));
    let contact = &linking.channel.definition.purposes.line_contact;
    let (title, reach) = (language.of_text(&purpose.title), language.of_text(&contact.title));
    let (term, reach_term) = (purpose.retention.words(), contact.retention.words());
    let (term, reach_term) = (language.of_text(&term), language.of_text(&reach_term));
    let word = unlink_words.first().map(String::as_str).unwrap_or_default();
    match language {
        Language::Ja => vec![
            format!("いまお使いのLINEアカウントと、「{site}」の会員IDを連携します。"),
            format!(
                "{business}が、会員IDを「{title}」のために、LINEのユーザーIDを「{reach}」のためにお預かりします。会員IDは{term}、ユーザーIDは{reach_term}で消去します。"
            ),
            format!(
                "「{site}」には、LINEのユーザーIDもLINEのお名前も渡りません。渡るのは、あなたをほかの方と見分けるための、このサイトだけの符号です。"
            ),
            format!(
                "連携はいつでも解除できます。トークで「{word}」と送るか、この画面の下の「連携を解除する」からお進みください。解除すると、連携のためにお預かりしたものを消去します。"
            ),
        ],
        Language::En => vec![
            format!("This links the LINE account you are using now with your membership at {site}."),
            format!(
                "{business} keeps your member id for \"{title}\" and your LINE user id for \"{reach}\". The member id is erased {term}, the user id {reach_term}."
            ),
            format!(
                "{site} learns neither your LINE user id nor your name in LINE. It gets a sign of its own by which it tells you from others."
            ),
            format!(
                "You can undo it at any time: send \"{word}\" in the chat, or go on from \"Undo the link\" below. What was kept for the link is then erased."
            ),
        ],
    }
}

/// What was shown, to be kept with the consent.
pub(crate) fn shown(linking: &Linking<'_>, lines: &[String], language: Language) -> Shown {
    Shown { policy: linking.channel.policy.to_string(), words: digest(lines), language }
}

/// Why something has not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no such page.
    NotFound,
    /// No site takes part.
    NoSite,
    /// Something below did not answer.
    Unavailable,
    /// It was sent by a page of somebody else.
    OtherSite,
    /// What was sent cannot be read.
    NotRead,
    /// The address to return to is not on the list.
    BadReturn,
    /// The one-time secret leads to nothing, or no more.
    Expired,
    /// It was begun in another browser.
    OtherBrowser,
    /// LINE's answer to the sign-in is not what it should be.
    NotVerified,
    /// LINE did not answer.
    LineNotReached,
    /// The person did not go on.
    Denied,
    /// LINE says that we asked wrongly.
    AskedWrongly,
    /// LINE wants the person to sign in anew.
    SignInNeeded,
    /// LINE's own error.
    LineBroken,
    /// They are joined already.
    AlreadyLinked,
    /// The member id is joined with somebody else.
    MemberTaken,
    /// The person is joined with another member id.
    OtherMember,
    /// The person is being erased.
    Erasing,
}

impl Trouble {
    /// What LINE says by an error of its sign-in (PLATFORM.md §3.1).
    pub(crate) fn of_line(error: &str) -> Self {
        match error.to_ascii_uppercase().as_str() {
            "ACCESS_DENIED" => Self::Denied,
            "INVALID_REQUEST" | "UNSUPPORTED_RESPONSE_TYPE" | "INVALID_SCOPE" => Self::AskedWrongly,
            "LOGIN_REQUIRED" | "INTERACTION_REQUIRED" => Self::SignInNeeded,
            "SERVER_ERROR" => Self::LineBroken,
            _ => Self::NotVerified,
        }
    }

    /// What the site that somebody goes back to is told of a sign-in that led nowhere
    /// (RFC 6749 §4.1.2.1).
    pub(crate) fn for_site(self) -> &'static str {
        match self {
            Self::Denied => "access_denied",
            Self::Unavailable | Self::LineNotReached => "temporarily_unavailable",
            _ => "server_error",
        }
    }

    /// In one word, for counters.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NoSite => "no_site",
            Self::Unavailable => "unavailable",
            Self::OtherSite => "other_site",
            Self::NotRead => "not_read",
            Self::BadReturn => "bad_return",
            Self::Expired => "expired",
            Self::OtherBrowser => "other_browser",
            Self::NotVerified => "not_verified",
            Self::LineNotReached => "line_not_reached",
            Self::Denied => "denied",
            Self::AskedWrongly => "asked_wrongly",
            Self::SignInNeeded => "sign_in_needed",
            Self::LineBroken => "line_broken",
            Self::AlreadyLinked => "already_linked",
            Self::MemberTaken => "member_taken",
            Self::OtherMember => "other_member",
            Self::Erasing => "erasing",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoSite => StatusCode::NOT_FOUND,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::OtherSite | Self::OtherBrowser => StatusCode::FORBIDDEN,
            Self::NotRead | Self::BadReturn | Self::Expired | Self::NotVerified | Self::AskedWrongly => {
                StatusCode::BAD_REQUEST
            }
            // Nothing went wrong: they changed their mind, or are to try again.
            Self::Denied | Self::SignInNeeded | Self::AlreadyLinked => StatusCode::OK,
            Self::LineNotReached | Self::LineBroken => StatusCode::BAD_GATEWAY,
            Self::MemberTaken | Self::OtherMember | Self::Erasing => StatusCode::CONFLICT,
        }
    }

    /// Title and text.
    pub(crate) fn words(self, language: Language) -> (&'static str, &'static str) {
        let ((ja_title, ja), (en_title, en)) = self.both();
        (language.pick(ja_title, en_title), language.pick(ja, en))
    }

    fn both(self) -> ((&'static str, &'static str), (&'static str, &'static str)) {
        match self {
            Self::NotFound => (
                (
                    "ページが見つかりません",
                    "アドレスをお確かめください。LINEのトークに届いたボタンからもう一度お開きいただけます。",
                ),
                (
                    "There is no such page",
                    "Please check the address, or open it again from the button in the LINE chat.",
                ),
            ),
            Self::NoSite => (
                (
                    "まだ連携できません",
                    "連携できる会員サイトが、まだ登録されていません。お店の準備ができるまでお待ちください。",
                ),
                ("Not possible yet", "No member site has been set up yet. Please come back later."),
            ),
            Self::Unavailable => (
                ("ただいま手続きできません", "しばらくしてから、もう一度お試しください。連携は変わっていません。"),
                ("Not possible now", "Please try again in a little while. Nothing has been changed."),
            ),
            Self::OtherSite => (
                (
                    "ほかのサイトからは進めません",
                    "安全のため、手続きを止めました。LINEのトークか会員サイトから、はじめからお試しください。",
                ),
                (
                    "Not from another site",
                    "To be safe, nothing was done. Please begin again in the LINE chat or at the member site.",
                ),
            ),
            Self::NotRead => (
                ("手続きを続けられません", "送られた内容を読み取れませんでした。はじめからお試しください。"),
                ("It cannot go on", "What was sent could not be read. Please begin again."),
            ),
            Self::BadReturn => (
                (
                    "手続きを始められません",
                    "戻り先のアドレスか、サイトの指定が、登録されているものと違います。会員サイトを運営する方にお知らせください。",
                ),
                (
                    "It cannot begin",
                    "The address to return to, or the site, is not one that is registered. Please tell whoever runs the member site.",
                ),
            ),
            Self::Expired => (
                (
                    "この手続きは、もう使えません",
                    "もう済んでいるか、始めてから10分たっています。連携できているかどうかは、会員サイトでご確認ください。まだのときは、LINEのトークか会員サイトから、はじめからお試しください。",
                ),
                (
                    "This cannot be used any more",
                    "It is done already, or was begun more than 10 minutes ago. The member site shows whether you are linked. If not, please begin again in the LINE chat or at the member site.",
                ),
            ),
            Self::OtherBrowser => (
                (
                    "別のブラウザーで始まった手続きです",
                    "安全のため、始めたときと同じブラウザーでだけ続けられます。だれかから届いたリンクを開かれた場合は、そのまま閉じてください。何も連携していません。ご自分で始められた場合は、Cookieを使えるようにして、はじめからお試しください。",
                ),
                (
                    "This was begun in another browser",
                    "To be safe, it can only go on in the browser in which it was begun. If somebody sent you this link, just close it: nothing was linked. If you began it yourself, please allow cookies and begin again.",
                ),
            ),
            Self::NotVerified => (
                (
                    "LINEログインを確かめられませんでした",
                    "LINEからの返答が、この手続きのものではありませんでした。はじめからお試しください。",
                ),
                (
                    "The LINE sign-in could not be verified",
                    "LINE's answer does not belong to this. Please begin again.",
                ),
            ),
            Self::LineNotReached => (
                ("LINEにつながりませんでした", "しばらくしてから、はじめからお試しください。連携は変わっていません。"),
                ("LINE could not be reached", "Please begin again in a little while. Nothing has been changed."),
            ),
            Self::Denied => (
                (
                    "LINEログインをやめました",
                    "何も連携していません。続けたくなったときは、いつでもはじめからお試しいただけます。",
                ),
                ("You stopped the LINE sign-in", "Nothing was linked. You can begin again whenever you like."),
            ),
            Self::AskedWrongly => (
                (
                    "LINEログインを始められませんでした",
                    "お店の設定に誤りがあるようです。お手数ですが、お店にお知らせください。何も連携していません。",
                ),
                (
                    "The LINE sign-in could not begin",
                    "Something seems to be set up wrongly on our side. Please tell us. Nothing was linked.",
                ),
            ),
            Self::SignInNeeded => (
                (
                    "LINEへのログインが必要です",
                    "LINEにログインしてから、もう一度お試しください。何も連携していません。",
                ),
                ("Please sign in to LINE", "Sign in to LINE and try again. Nothing was linked."),
            ),
            Self::LineBroken => (
                (
                    "LINEで問題が起きています",
                    "LINEの側で処理できませんでした。しばらくしてから、はじめからお試しください。何も連携していません。",
                ),
                (
                    "Something went wrong at LINE",
                    "LINE could not do it. Please begin again in a little while. Nothing was linked.",
                ),
            ),
            Self::AlreadyLinked => (
                (
                    "すでに連携しています",
                    "このLINEアカウントは、会員IDと連携しています。解除したいときは、LINEのトークか、下のボタンからお進みください。",
                ),
                (
                    "Linked already",
                    "This LINE account is linked with a membership. To undo it, go on from the LINE chat or by the button below.",
                ),
            ),
            Self::MemberTaken => (
                (
                    "連携できませんでした",
                    "この会員IDは、すでに別のLINEアカウントと連携しています。お心当たりがないときは、お店にお知らせください。お店の担当者にも、確かめるための記録が残ります。",
                ),
                (
                    "Not linked",
                    "This membership is linked with another LINE account. If that surprises you, please tell us. It is noted for our staff to look into.",
                ),
            ),
            Self::OtherMember => (
                (
                    "連携できませんでした",
                    "このLINEアカウントは、すでに別の会員IDと連携しています。先にその連携を解除してから、もう一度お試しください。",
                ),
                (
                    "Not linked",
                    "This LINE account is linked with another membership. Undo that link first, and try again.",
                ),
            ),
            Self::Erasing => (
                (
                    "ただいま連携できません",
                    "お預かりしたものを消去しているところです。数分たってから、はじめからお試しください。",
                ),
                ("Not possible now", "What we hold of you is being erased. Please begin again in a few minutes."),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_lines_sign_in_has_its_words() {
        for (error, expected) in [
            ("ACCESS_DENIED", Trouble::Denied),
            ("access_denied", Trouble::Denied),
            ("INVALID_REQUEST", Trouble::AskedWrongly),
            ("UNSUPPORTED_RESPONSE_TYPE", Trouble::AskedWrongly),
            ("INVALID_SCOPE", Trouble::AskedWrongly),
            ("SERVER_ERROR", Trouble::LineBroken),
            ("LOGIN_REQUIRED", Trouble::SignInNeeded),
            ("INTERACTION_REQUIRED", Trouble::SignInNeeded),
            ("SOMETHING_NEW", Trouble::NotVerified),
        ] {
            assert_eq!(Trouble::of_line(error), expected, "{error}");
        }
    }
}
