//! What the account says in the chat: the notice, the answers to its buttons, cautions.
//!
//! The texts are configuration (`infra/config/messages/`). What they say of the business
//! and its purposes is filled in when a channel is published, so that a version can be
//! read years later as it was; the address of the policy page is known only where it
//! runs, and is filled in there.

use serde::{Deserialize, Serialize};

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
