//! What the account says in the chat: the notice, the answers to its buttons, cautions.
//!
//! The texts are configuration (`infra/config/messages/`). What they say of the business
//! and its purposes is filled in when a channel is published, so that a version can be
//! read years later as it was; the address of the policy page is known only where it
//! runs, and is filled in there.

use serde::{Deserialize, Serialize};

use crate::domain::language::Language;

/// The variable for the address of the policy page.
pub const POLICY_URL: &str = "{policy_url}";

/// The texts of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// The notice: who, what for, how long, where the policy is.
    pub notice: String,
    /// The notice after the policy has changed.
    pub notice_changed: String,
    /// Above the buttons.
    pub question: String,
    /// Where buttons cannot be shown, and in the list of chats.
    pub question_alt: String,
    /// Label of the button 同意する.
    pub agree: String,
    /// Label of the button 同意しない.
    pub refuse: String,
    /// Label of the button that opens the policy.
    pub read: String,
    /// After 同意する.
    pub agreed: String,
    /// After 同意しない: what is erased, and when.
    pub refused: String,
    /// After 同意しない of somebody of whom nothing is held.
    pub nothing_held: String,
    /// A message came that is not kept, because its sender has not agreed.
    pub not_kept: String,
    /// A card number was taken out of a message.
    pub card: String,
    /// A My Number was taken out of a message.
    pub my_number: String,
    /// Above the button that opens a form.
    #[serde(default = "form_link")]
    pub form_link: String,
    /// Label of the button that opens a form.
    #[serde(default = "form_open")]
    pub form_open: String,
    /// About linking with a member id.
    #[serde(default)]
    pub link: LinkWording,
    /// About what people can ask of what is held.
    #[serde(default)]
    pub rights: RightsWording,
}

/// What the account says to what people ask of what is held about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsWording {
    /// Above the buttons: whether everything is to be erased.
    pub erase_question: String,
    /// Label of the button that erases.
    pub erase: String,
    /// Label of the button that does not.
    pub keep: String,
    /// Above the button that leads to the receipt.
    pub erasing: String,
    /// After 同意しない, above the same button.
    pub refused: String,
    /// Label of that button.
    pub receipt: String,
    /// Nothing is erased.
    pub kept: String,
    /// Nothing is held.
    pub nothing_held: String,
    /// The language of these texts, in which purposes are named.
    #[serde(default = "japanese")]
    pub language: Language,
    /// Above the purposes for which consent can be taken back.
    #[serde(default)]
    pub purposes: String,
    /// Label of the button that takes back the one of this number.
    #[serde(default)]
    pub withdraw_number: String,
    /// Label of the button that erases everything instead.
    #[serde(default)]
    pub erase_all: String,
    /// Whether consent to a purpose is taken back.
    #[serde(default)]
    pub withdraw_question: String,
    /// Label of the button that takes it back.
    #[serde(default)]
    pub withdraw: String,
    /// It is taken back.
    #[serde(default)]
    pub withdrawn: String,
    /// Above the button that leads to the page on which something can be corrected or stopped.
    #[serde(default = "page")]
    pub page: String,
    /// Label of that button.
    #[serde(default = "page_open")]
    pub page_open: String,
}

fn page() -> String {
    RightsWording::japanese().page
}

fn page_open() -> String {
    RightsWording::japanese().page_open
}

/// The variable for the title of a purpose.
pub const PURPOSE: &str = "{purpose}";
/// The variable for the number of a purpose.
pub const NUMBER: &str = "{number}";

fn japanese() -> Language {
    Language::Ja
}

impl RightsWording {
    /// The shipped texts in Japanese.
    pub fn japanese() -> Self {
        Self::of(
            [
                "お預かりしているものを、すべて消去しますか。数分で読めなくなり、元に戻すことはできません。お使いのスマートフォンのトークは残ります。",
                "すべて消去する",
                "やめる",
                "承知しました。お預かりしているものを消去しています。数分で読めなくなります。進み具合と消去の控えは、下のボタンからいつでも確かめられます。",
                "消去の進み具合と控えは、下のボタンからいつでも確かめられます。",
                "消去の控えを見る",
                "消去していません。これまでどおりお預かりします。",
                "お預かりしているものはありません。",
                "使いみちごとに、同意を取り消すことができます。取り消すと、その使いみちだけのためにお預かりしたものを消去し、これからはお預かりしません。",
                "{number}を取り消す",
                "すべて消去する",
                "「{purpose}」への同意を取り消しますか。そのためだけにお預かりしたものを消去し、これからはお預かりしません。",
                "取り消す",
                "「{purpose}」への同意を取り消しました。そのためだけにお預かりしたものを消去します。もう一度同意されるまで、このためにはお預かりしません。",
                "訂正・追加・削除や、利用停止のご請求は、下のボタンのページからお送りください。担当者が確かめて対応します。利用停止は、お送りいただいたときから効きます。",
                "お手続きのページを開く",
            ],
            Language::Ja,
        )
    }

    /// The shipped texts in English.
    pub fn english() -> Self {
        Self::of(
            [
                "Erase everything we hold of you? In a few minutes it cannot be read any more, and it cannot be brought back. The chat on your phone stays.",
                "Erase everything",
                "Keep it",
                "Understood. We are erasing what we hold; in a few minutes it cannot be read any more. See how far it is, and your receipt, by the button.",
                "See how far the erasure is, and your receipt, by the button below.",
                "See the receipt",
                "Nothing was erased. We go on keeping what we hold, as agreed.",
                "We hold nothing of yours.",
                "You can take back your consent to each purpose. What is kept for that purpose alone is then erased, and nothing more is kept for it.",
                "Take back {number}",
                "Erase everything",
                "Take back your consent to: {purpose}? What is kept for it alone is erased, and nothing more is kept for it.",
                "Take it back",
                "Your consent to this is taken back: {purpose}. What was kept for it alone is erased, and nothing is kept for it until you agree again.",
                "To have something corrected, or its use stopped, open the page by the button below. We look into it; a stop holds from the moment you send it.",
                "Open the page",
            ],
            Language::En,
        )
    }

    fn of(texts: [&str; 16], language: Language) -> Self {
        let [
            erase_question,
            erase,
            keep,
            erasing,
            refused,
            receipt,
            kept,
            nothing_held,
            purposes,
            withdraw_number,
            erase_all,
            withdraw_question,
            withdraw,
            withdrawn,
            page,
            page_open,
        ] = texts.map(str::to_owned);
        Self {
            erase_question,
            erase,
            keep,
            erasing,
            refused,
            receipt,
            kept,
            nothing_held,
            language,
            purposes,
            withdraw_number,
            erase_all,
            withdraw_question,
            withdraw,
            withdrawn,
            page,
            page_open,
        }
    }
}

impl Default for RightsWording {
    fn default() -> Self {
        Self::japanese()
    }
}

/// What the account says about linking with a member id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkWording {
    /// Above the button that begins it.
    pub offer: String,
    /// Label of that button.
    pub open: String,
    /// The way to link cannot be shown now.
    pub unavailable: String,
    /// It is done, and how to undo it.
    pub linked: String,
    /// To somebody who is linked and wants to link.
    pub already: String,
    /// To somebody whose link was not made: one of both is linked otherwise.
    pub refused: String,
    /// To somebody whose link was not made because too much time has passed.
    pub expired: String,
    /// Above the button that undoes it.
    pub unlink_question: String,
    /// Label of that button.
    pub unlink: String,
    /// It is undone, what is erased, and what is left to do in LINE.
    pub unlinked: String,
    /// To somebody who is not linked and wants to unlink.
    pub not_linked: String,
}

/// The variable for the word that leads to unlinking.
pub const UNLINK_WORD: &str = "{unlink_word}";

impl LinkWording {
    /// The shipped texts in Japanese.
    pub fn japanese() -> Self {
        Self::of([
            "LINEアカウントと会員IDを連携します。LINEのユーザーIDが会員サイトに渡ることはありません。連携はいつでも解除できます。",
            "連携に進む",
            "ただいま連携の手続きを始められません。しばらくしてから、もう一度お試しください。",
            "連携しました。解除したくなったときは、このトークで「{unlink_word}」とお送りください。いつでも解除できます。",
            "すでに連携しています。別の会員IDと連携するときは、先に「{unlink_word}」とお送りください。",
            "連携できませんでした。この会員IDか、このLINEアカウントが、すでにほかと連携しています。お心当たりがないときは、お店にお知らせください。",
            "連携の手続きから時間がたったため、連携していません。もう一度、はじめからお試しください。",
            "会員IDとの連携を解除しますか。連携のためにお預かりした会員IDなどを消去します。",
            "解除する",
            "連携を解除しました。連携のためにお預かりしたものを消去します。LINEログインで連携されたときは、LINEアプリの「設定」→「アカウント」→「連動アプリ」でも解除できます。",
            "連携している会員IDはありません。",
        ])
    }

    /// The shipped texts in English.
    pub fn english() -> Self {
        Self::of([
            "This links your LINE account with your membership. The member site never learns your LINE user id. You can undo it at any time.",
            "Go on to link",
            "Linking cannot be started now. Please try again in a little while.",
            "Linked. To undo it, send \"{unlink_word}\" in this chat at any time.",
            "You are linked already. To link another membership, send \"{unlink_word}\" first.",
            "Not linked: this membership or this LINE account is linked otherwise. If that surprises you, please tell us.",
            "Too much time has passed since you began, so nothing was linked. Please begin again.",
            "Undo the link with your membership? Your member id and what came with it is erased.",
            "Undo it",
            "Undone. What we kept for the link is erased. If you linked by LINE Login, you can also remove us in LINE under Settings, Account, Authorized apps.",
            "No membership is linked.",
        ])
    }

    fn of(texts: [&str; 11]) -> Self {
        let [
            offer,
            open,
            unavailable,
            linked,
            already,
            refused,
            expired,
            unlink_question,
            unlink,
            unlinked,
            not_linked,
        ] = texts.map(str::to_owned);
        Self {
            offer,
            open,
            unavailable,
            linked,
            already,
            refused,
            expired,
            unlink_question,
            unlink,
            unlinked,
            not_linked,
        }
    }
}

impl Default for LinkWording {
    fn default() -> Self {
        Self::japanese()
    }
}

/// What stands above the button of a form, unless the messages say otherwise.
fn form_link() -> String {
    "「{form}」は、下のボタンからご記入いただけます。".to_owned()
}

/// The label of that button.
fn form_open() -> String {
    "フォームを開く".to_owned()
}

/// The variable for the title of a form.
pub const FORM: &str = "{form}";

/// Longest text of a message, in UTF-16 code units (LINE: text message).
pub const MAX_TEXT: usize = 5_000;
/// Longest text above buttons, in UTF-16 code units (LINE: buttons template without a
/// title or a picture).
pub const MAX_QUESTION: usize = 160;
/// Longest alternative text of a template, in UTF-16 code units.
pub const MAX_ALT: usize = 400;
/// Longest label of a button, in characters.
pub const MAX_LABEL: usize = 20;
/// Longest address in a message, in UTF-16 code units.
pub const MAX_URI: usize = 1_000;

/// Length as LINE counts it in texts: UTF-16 code units.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The names of variables in a text: what stands between `{` and `}`.
pub fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found() {
        let names: Vec<&str> = variables("{business}は{ policy_url }{}{open").collect();
        assert_eq!(names, ["business", " policy_url ", ""]);
    }

    #[test]
    fn length_is_counted_as_line_does() {
        assert_eq!(units("預かり😀"), 5);
    }
}
