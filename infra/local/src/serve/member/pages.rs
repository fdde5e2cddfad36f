//! The pages of a site, and what they say.

use askama::Template;
use azukari::domain::definition::Text;

use super::sessions::Notice;

/// A text in both languages: the pages show them one below the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) ja: &'a str,
    pub(super) en: &'a str,
}

pub(super) const fn words<'a>(ja: &'a str, en: &'a str) -> Words<'a> {
    Words { ja, en }
}

/// What every page of a site has.
pub(super) struct Frame<'a> {
    /// The name of the site.
    pub(super) title: &'a Text,
    /// The path of the site, without a slash at its end.
    pub(super) home: &'a str,
    /// What its forms send along.
    pub(super) csrf: &'a str,
}

/// The forms by which one signs in or up, and what was wrong with them.
#[derive(Default)]
pub(super) struct Doors<'a> {
    pub(super) sign_in_id: &'a str,
    pub(super) sign_up_id: &'a str,
    pub(super) problems: Vec<Wrong>,
}

/// Something wrong with a form.
pub(super) struct Wrong {
    /// The id of the input.
    pub(super) input: &'static str,
    pub(super) text: Words<'static>,
}

impl Doors<'_> {
    pub(super) fn find_fault(&mut self, input: &'static str, text: Words<'static>) {
        self.problems.push(Wrong { input, text });
    }

    fn wrong(&self, input: &str) -> bool {
        self.problems.iter().any(|wrong| wrong.input == input)
    }
}

/// The first page, for somebody who is not signed in.
#[derive(Template)]
#[template(path = "member_welcome.html")]
pub(super) struct Welcome<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) doors: &'a Doors<'a>,
}

/// The first page, for a member.
#[derive(Template)]
#[template(path = "member_home.html")]
pub(super) struct Home<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) notice: Option<Words<'static>>,
    pub(super) member: &'a str,
    pub(super) standing: LinkStanding,
}

/// What the site knows about a member's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkStanding {
    Linked,
    NotLinked,
    /// The function `link` did not tell.
    Unknown,
}

impl LinkStanding {
    fn is_linked(self) -> bool {
        self == Self::Linked
    }

    fn is_known(self) -> bool {
        self != Self::Unknown
    }

    fn words(self) -> Words<'static> {
        match self {
            Self::Linked => words("連携しています", "Linked"),
            Self::NotLinked => words("連携していません", "Not linked"),
            Self::Unknown => words("いまは確かめられません", "Cannot be looked up now"),
        }
    }
}

/// Whether a member means to leave.
#[derive(Template)]
#[template(path = "member_leave.html")]
pub(super) struct Leave<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) member: &'a str,
}

/// A member has left.
#[derive(Template)]
#[template(path = "member_left.html")]
pub(super) struct Left<'a> {
    pub(super) frame: Frame<'a>,
    /// Where the receipt of the erasure is; `None` if they were not linked.
    pub(super) receipt: Option<&'a str>,
}

/// Where people come from LINE: who is to be linked?
#[derive(Template)]
#[template(path = "member_line.html")]
pub(super) struct Line<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) notice: Option<Words<'static>>,
    /// Who is signed in.
    pub(super) member: Option<&'a str>,
    pub(super) doors: &'a Doors<'a>,
}

/// A page that says something.
#[derive(Template)]
#[template(path = "member_note.html")]
pub(super) struct Note<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) said: Said<'a>,
    /// Of a problem: what it is, for programs.
    pub(super) code: &'a str,
    /// Whether the same step may be tried again.
    pub(super) again: bool,
}

/// What a page says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) title: Words<'a>,
    pub(super) text: Words<'a>,
    /// What one can do now.
    pub(super) next: Words<'a>,
}

const BEGIN_AGAIN: Words<'static> = words(
    "LINEのトークのボタンか、会員サイトの「LINEでログイン」から、もう一度はじめてください。",
    "Please begin again, from the button in the LINE chat or with the LINE button of the member site.",
);

/// A form was sent that does not belong to the session.
pub(super) const NOT_THIS_SESSION: Said<'static> = Said {
    title: words("もう一度お願いします", "Once more, please"),
    text: words(
        "ページを開いてから時間がたったか、別の画面でログインし直しています。何も変えていません。",
        "The page is too old, or you have signed in again elsewhere. Nothing was changed.",
    ),
    next: words(
        "会員サイトのはじめのページから、やり直してください。",
        "Please go on from the first page of the site.",
    ),
};

/// Somebody came back from LINE without having been sent there by this session.
pub(super) const NOT_BEGUN_HERE: Said<'static> = Said {
    title: words("ログインも連携もしていません", "Nobody was signed in or linked"),
    text: words(
        "LINEから戻ってきましたが、このブラウザーではじめた手続きだと確かめられませんでした（stateが一致しません）。",
        "You came from LINE, but what you came with does not belong to this browser (the state is another).",
    ),
    next: BEGIN_AGAIN,
};

/// How a linking has ended that brings this error back.
pub(super) fn ended(error: &str) -> Said<'static> {
    let text = match error {
        "access_denied" => return NOT_DONE,
        "member_taken" => {
            words("この会員IDは、別のLINEと連携しています。", "This member id is linked with another LINE account.")
        }
        "other_member" => {
            words("このLINEは、別の会員IDと連携しています。", "This LINE account is linked with another member id.")
        }
        "temporarily_unavailable" => words(
            "いまはLINEでログインできません。何も変わっていません。",
            "Signing in with LINE is not possible now. Nothing was changed.",
        ),
        "server_error" => words(
            "LINEでのログインを終えられませんでした。何も変わっていません。",
            "Signing in with LINE has not come to its end. Nothing was changed.",
        ),
        _ => words("連携は終わっていません。", "The linking has not come to its end."),
    };
    Said { title: REFUSED, text, next: after(error) }
}

/// The person did not agree at LINE.
const NOT_DONE: Said<'static> = Said {
    title: words("連携しませんでした", "Not linked"),
    text: words(
        "LINEの画面で取り消したか、同意しませんでした。何も変わっていません。",
        "It was cancelled in LINE, or not agreed to. Nothing was changed.",
    ),
    next: words("いつでも、もう一度はじめられます。", "You may begin again at any time."),
};

/// There is no code to link with.
pub(super) const NO_CODE: Said<'static> = Said {
    title: words("連携の手続きは、はじまっていません", "No linking is under way"),
    text: words(
        "LINEから来て10分を過ぎたか、手続きがもう済んでいます。",
        "More than 10 minutes have passed since you came from LINE, or it was done already.",
    ),
    next: BEGIN_AGAIN,
};

/// Signed in as a member, came with the LINE account of another.
pub(super) const ANOTHER_MEMBERS: Said<'static> = Said {
    title: words("このLINEは、別の会員IDと連携しています", "This LINE account is linked with another member id"),
    text: words(
        "いまログインしている会員IDとは連携していません。何も変えていません。",
        "It is not linked with the member who is signed in. Nothing was changed.",
    ),
    next: words(
        "いちどログアウトして「LINEでログイン」を押すと、連携している会員IDに入れます。",
        "Sign out and sign in with LINE to get to the member id it is linked with.",
    ),
};

/// Linked, and this site does not know with whom.
pub(super) const UNKNOWN_HERE: Said<'static> = Said {
    title: words("このサイトでは、どなたのLINEか分かりません", "This site does not know whose LINE account this is"),
    text: words(
        "このLINEは会員IDと連携していますが、その会員がサイトの記録にありません。見本のサイトは会員をメモリだけに置くので、止めるとなくなります。",
        "The LINE account is linked, but the site has no record of the member. The example site keeps members in memory: they are gone when it stops.",
    ),
    next: words(
        "会員IDとパスワードでログインするか、同じ会員IDで登録し直してください。連携はトークからも解除できます。",
        "Sign in with member id and password, or sign up with the same id again. The link can be undone in the chat, too.",
    ),
};

/// The browser was to be sent to another server.
pub(super) const ELSEWHERE: Said<'static> = Said {
    title: words("続けられませんでした", "It could not go on"),
    text: words(
        "返ってきた行き先が、このサーバーのものではありません。開かずに止めました。",
        "The address in the answer is not one of this server. It was not opened.",
    ),
    next: BEGIN_AGAIN,
};

/// The title of every page about a refusal.
pub(super) const REFUSED: Words<'static> = words("手続きできませんでした", "It could not be done");

/// What one can do after a refusal.
pub(super) fn after(code: &str) -> Words<'static> {
    match code {
        "member_taken" => words(
            "この会員IDと連携しているLINEがお手元にあれば、そのトークで解除できます。この会員IDでログインして「LINEとの連携を解除する」を押しても解除できます。",
            "Undo the link in the chat of the LINE account that it is linked with, or sign in as this member and undo it there.",
        ),
        "other_member" => words(
            "先に、LINEのトークか、連携している会員IDのページで、連携を解除してください。",
            "First undo the link: in the LINE chat, or on the page of the member it is linked with.",
        ),
        "erasing" => {
            words("消去が終わってから、もう一度はじめてください。", "Please begin again once the erasure has ended.")
        }
        "too_often" | "unavailable" | "temporarily_unavailable" => {
            words("しばらくしてから、もう一度お試しください。", "Please try again in a little while.")
        }
        code if code.starts_with("assertion_") => words(
            "サイトの署名が受け取られませんでした。サイトを運用する方は、鍵、時計、登録した設定をお確かめください。",
            "The signature of the site was not taken. Whoever runs the site: check its key, its clock and how it is configured.",
        ),
        _ => BEGIN_AGAIN,
    }
}

/// What has just been done.
pub(super) fn told(notice: Notice) -> Words<'static> {
    match notice {
        Notice::SignedUp => words("会員登録をしました。", "You are a member now."),
        Notice::SignedIn => words("ログインしました。", "You are signed in."),
        Notice::SignedInWithLine => words("LINEでログインしました。", "You are signed in with LINE."),
        Notice::Linked => words("連携しました。", "Linked."),
        Notice::AlreadyLinked => {
            words("このLINEとは、すでに連携しています。", "You are linked with this LINE account already.")
        }
        Notice::Unlinked => words("LINEとの連携を解除しました。", "The link with LINE was undone."),
    }
}

pub(super) const ID_RULES: Words<'static> = words(
    "会員IDは、半角なら128文字まで、日本語なら42文字までです。前後の空白と改行は使えません。",
    "A member id has up to 128 bytes (42 Japanese characters), no line breaks, and no space at either end.",
);
pub(super) const PASSWORD_RULES: Words<'static> =
    words("パスワードは8文字以上にしてください。", "A password has at least 8 characters.");
pub(super) const TAKEN: Words<'static> = words(
    "この会員IDはもう使われています。別の会員IDにするか、ログインしてください。",
    "This member id is taken. Choose another one, or sign in.",
);
pub(super) const FULL: Words<'static> =
    words("いまは登録できません。見本のサイトを起動し直してください。", "No more members fit in. Restart local mode.");
pub(super) const WRONG: Words<'static> =
    words("会員IDかパスワードが違います。", "The member id or the password is not right.");
pub(super) const WAIT: Words<'static> = words(
    "続けて間違えたため、1分ほどお待ちいただいてから、もう一度お試しください。",
    "Too many wrong tries. Please wait a minute and try again.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_a_sign_in_says_what_has_happened_and_what_to_do() {
        let said = |error: &str| {
            let said = ended(error);
            (said.title.en, said.text.en, said.next.en)
        };
        assert_eq!(said("access_denied").0, "Not linked");
        let (_, text, next) = said("temporarily_unavailable");
        assert!(text.contains("not possible now") && next.contains("in a little while"));
        let (_, text, next) = said("server_error");
        assert!(text.contains("has not come to its end") && next.contains("begin again"));
        assert_ne!(said("server_error"), said("something_new"));
    }
}
