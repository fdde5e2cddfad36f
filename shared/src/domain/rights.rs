//! What people can ask of what is held about them (個人情報保護法 §§34, 35), as the buttons
//! in the chat carry it. They say nothing about the person: LINE sees them.

use crate::domain::{
    id::DefinitionId,
    time::{HOUR_MS, UnixMs},
};

/// How long the question whether everything is to be erased may be answered: a button that
/// turns up in an old chat must not erase what has come since.
pub const CONFIRM_MS: i64 = 24 * HOUR_MS;

/// A wish, as a button sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To be asked whether everything is to be erased.
    AskToErase,
    /// To have everything erased, as an answer to the question of this time.
    Erase(UnixMs),
    /// Not to have it erased after all.
    Keep,
    /// To be told for which purposes consent can be taken back.
    ListPurposes,
    /// To be asked whether consent to this purpose is taken back.
    AskToWithdraw(DefinitionId),
    /// To take it back, as an answer to the question of this time.
    Withdraw(DefinitionId, UnixMs),
    /// To be led to the page on which something can be corrected or stopped.
    ShowPage,
}

const ERASE: &str = "azukari:erase";
const KEEP: &str = "azukari:keep";
const WITHDRAW: &str = "azukari:withdraw";
const PAGE: &str = "azukari:rights";

impl Wish {
    /// What the button sends back.
    pub fn data(&self) -> String {
        match self {
            Self::AskToErase => ERASE.to_owned(),
            Self::Erase(asked_at) => format!("{ERASE}:{}", asked_at.get()),
            Self::Keep => KEEP.to_owned(),
            Self::ShowPage => PAGE.to_owned(),
            Self::ListPurposes => WITHDRAW.to_owned(),
            Self::AskToWithdraw(purpose) => format!("{WITHDRAW}:{purpose}"),
            Self::Withdraw(purpose, asked_at) => format!("{WITHDRAW}:{purpose}:{}", asked_at.get()),
        }
    }

    /// Reads what a button sent back; `None` if it is about something else.
    pub fn parse(data: &str) -> Option<Self> {
        let wish = match data.strip_prefix(ERASE) {
            Some("") => Self::AskToErase,
            Some(rest) => Self::Erase(UnixMs::new(rest.strip_prefix(':')?.parse().ok()?)),
            None if data == KEEP => Self::Keep,
            None if data == PAGE => Self::ShowPage,
            None => Self::withdrawal(data.strip_prefix(WITHDRAW)?)?,
        };
        (wish.data() == data).then_some(wish)
    }
}

impl Wish {
    fn withdrawal(rest: &str) -> Option<Self> {
        if rest.is_empty() {
            return Some(Self::ListPurposes);
        }
        let rest = rest.strip_prefix(':')?;
        let (purpose, asked_at) = match rest.split_once(':') {
            Some((purpose, asked_at)) => (purpose, Some(UnixMs::new(asked_at.parse().ok()?))),
            None => (rest, None),
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if purpose.is_empty() || purpose.len() > 64 || !purpose.bytes().all(known) {
            return None;
        }
        let purpose = DefinitionId::new(purpose);
        Some(match asked_at {
            Some(asked_at) => Self::Withdraw(purpose, asked_at),
            None => Self::AskToWithdraw(purpose),
        })
    }
}

/// Whether an answer at `at` still belongs to the question of `asked_at`. Clocks of two
/// functions may differ by a minute.
pub fn in_time(asked_at: UnixMs, at: UnixMs) -> bool {
    (-60_000..=CONFIRM_MS).contains(&at.since(asked_at))
}

/// Words that are answered with the question whether everything is to be erased, unless a
/// channel names its own; in the form of `definition::keyword`.
pub fn erase_words() -> Vec<String> {
    ["データ削除", "データ消去", "個人情報の削除", "個人情報の消去", "すべて消去", "delete my data"]
        .map(str::to_owned)
        .to_vec()
}

/// Words that are answered with the purposes for which consent can be taken back, unless a
/// channel names its own.
pub fn withdraw_words() -> Vec<String> {
    ["同意の撤回", "同意を撤回", "個人情報", "プライバシー", "privacy"].map(str::to_owned).to_vec()
}

/// Words that are answered with the way to the page on which something can be corrected or
/// stopped, unless a channel names its own.
pub fn page_words() -> Vec<String> {
    [
        "訂正",
        "個人情報の訂正",
        "個人情報を訂正",
        "利用停止",
        "個人情報の利用停止",
        "correct my data",
        "stop using my data",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::definition::keyword;

    #[test]
    fn a_wish_is_read_back_and_nothing_else_is_one() {
        let (purpose, at) = (DefinitionId::new("x7k2"), UnixMs::new(1_795_186_800_000));
        let withdrawals = [Wish::ListPurposes, Wish::AskToWithdraw(purpose.clone()), Wish::Withdraw(purpose, at)];
        for wish in [Wish::AskToErase, Wish::Erase(at), Wish::Keep, Wish::ShowPage].into_iter().chain(withdrawals) {
            assert_eq!(Wish::parse(&wish.data()), Some(wish));
        }
        for bad in [
            "",
            "azukari:erase:",
            "azukari:erase:-1",
            "azukari:erase:01",
            "azukari:erase:+1",
            "azukari:erased",
            "azukari:keep:1",
            "azukari:withdraw:",
            "azukari:withdraw:a:b",
            "azukari:withdraw:あ",
            "azukari:withdraw:a:1:2",
            "azukari:withdrawn",
            "azukari:rights:1",
            "AZUKARI:erase",
        ] {
            assert_eq!(Wish::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_question_is_answered_within_a_day() {
        let asked = UnixMs::new(1_795_186_800_000);
        assert!(in_time(asked, asked) && in_time(asked, asked.plus(CONFIRM_MS)) && in_time(asked, asked.plus(-59_000)));
        assert!(!in_time(asked, asked.plus(CONFIRM_MS + 1)) && !in_time(asked, asked.plus(-61_000)));
    }

    #[test]
    fn words_are_in_the_form_in_which_they_are_compared() {
        for word in erase_words().into_iter().chain(withdraw_words()).chain(page_words()) {
            assert_eq!(keyword(&word), word);
        }
    }
}
