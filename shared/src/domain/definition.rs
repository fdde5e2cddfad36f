//! What a business has published: channels, policies, purposes.
//!
//! A published version is never changed. It carries everything the functions
//! need, so that a value stored under it can be explained years later.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::domain::{
    consent::BeforeConsent,
    id::{DefinitionId, Malformed, VersionId},
    retention::{Retention, Term},
    rights,
    wording::Wording,
};

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// A purpose of use (利用目的) with its retention, as stated in one policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeTerms {
    /// The opaque id that rows and logs carry.
    pub id: DefinitionId,
    /// The name in the configuration files.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// How long values for this purpose are kept.
    pub retention: Retention,
}

/// What a business makes known about itself and its handling of personal data
/// (個人情報保護法 §32(1), 施行令 §10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Business {
    /// Its name.
    pub name: Text,
    /// Its address.
    pub address: Text,
    /// Who represents it.
    pub representative: Text,
    /// How to ask to see, correct, stop or erase.
    pub requests: Text,
    /// What asking costs.
    pub fees: Text,
    /// How what is held is kept safe (安全管理措置).
    pub safety: Text,
    /// In which countries it is held (外的環境の把握).
    pub place: Text,
    /// Where to complain and ask.
    pub contact: Text,
}

/// Rules of one channel that a person is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRules {
    /// The channel.
    pub channel: String,
    /// What is done with what comes before consent.
    pub before_consent: BeforeConsent,
    /// How long after a block everything is erased.
    pub after_block: Term,
}

impl ChannelRules {
    /// What a block leads to, in words.
    pub fn block_words(&self) -> Text {
        block_words(self.after_block)
    }
}

/// What a block leads to, in words.
pub fn block_words(after_block: Term) -> Text {
    let Text { ja, en } = after_block.words();
    Text {
        ja: format!("このアカウントをブロックすると、{ja}後に、お預かりしたものをすべて消去します。"),
        en: format!("If you block this account, everything is erased {en} later."),
    }
}

/// A policy version: the notice and the purposes it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDefinition {
    /// The name of its folder.
    pub name: String,
    /// Its title.
    pub title: Text,
    /// Its text in Markdown.
    pub body: Text,
    /// The purposes it covers, by name.
    pub purposes: Vec<PurposeTerms>,
    /// Who publishes it. Versions of early installations have none.
    #[serde(default)]
    pub business: Option<Business>,
    /// The channels under it.
    #[serde(default)]
    pub channels: Vec<ChannelRules>,
}

impl PolicyDefinition {
    /// The terms of one purpose.
    pub fn terms(&self, purpose: &DefinitionId) -> Option<&PurposeTerms> {
        self.purposes.iter().find(|terms| terms.id == *purpose)
    }
}

/// What is stored by rule rather than by form, and for which purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPurposes {
    /// Chat messages.
    pub message: PurposeTerms,
    /// Postbacks, beacons and the like.
    pub event: PurposeTerms,
    /// Display name, picture, status message.
    pub profile: PurposeTerms,
    /// The LINE user id itself: being able to reach the person.
    pub line_contact: PurposeTerms,
}

/// A channel version: the rules for one LINE Official Account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDefinition {
    /// The name of its file and in the webhook path.
    pub name: String,
    /// The policy version in force, as `id.n`.
    pub policy: String,
    /// What is done with data that comes before consent.
    pub before_consent: BeforeConsent,
    /// Purposes of what is stored.
    pub purposes: ChannelPurposes,
    /// How long after a block everything is erased.
    #[serde(default = "after_block")]
    pub after_block: Term,
    /// What the account says in the chat. Versions of early installations have none:
    /// then it says nothing.
    #[serde(default)]
    pub wording: Option<Wording>,
    /// The LIFF app in which its forms open, if it has any.
    #[serde(default)]
    pub liff_id: Option<String>,
    /// The names of its forms: others are closed.
    #[serde(default)]
    pub forms: Vec<String>,
    /// Words to which the account answers with a form.
    #[serde(default)]
    pub keywords: Vec<Keyword>,
    /// The form that the notice leads to.
    #[serde(default)]
    pub greeting_form: Option<FormLink>,
    /// How its people are joined with the member ids of the business, if they are.
    #[serde(default)]
    pub link: Option<LinkTerms>,
    /// Words that are answered with the question whether everything is to be erased, in the
    /// form of [`keyword`].
    #[serde(default = "rights::erase_words")]
    pub erase_words: Vec<String>,
    /// Words that are answered with the purposes for which consent can be taken back, in the
    /// form of [`keyword`].
    #[serde(default = "rights::withdraw_words")]
    pub withdraw_words: Vec<String>,
    /// Words that are answered with the way to the page on which something can be corrected
    /// or stopped, in the form of [`keyword`].
    #[serde(default = "rights::page_words")]
    pub page_words: Vec<String>,
}

/// How the people of a channel are joined with the member ids of the business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTerms {
    /// What a member id, and what LINE tells about its member, is kept for.
    pub purpose: PurposeTerms,
    /// Words that are answered with the way to link, in the form of [`keyword`].
    pub words: Vec<String>,
    /// Words that are answered with the way to unlink, in the form of [`keyword`]. There
    /// is at least one: people may undo it at any time.
    pub unlink_words: Vec<String>,
    /// Whether LINE's consent screen offers to add the account (LINE Login, `bot_prompt`).
    #[serde(default)]
    pub bot_prompt: Option<BotPrompt>,
    /// The rich menu that linked people see (LINE: id of a rich menu).
    #[serde(default)]
    pub rich_menu: Option<String>,
    /// What may be taken over from LINE Profile+, each with the person's consent.
    #[serde(default)]
    pub profile_plus: Vec<ProfileItem>,
}

/// How LINE's consent screen offers to add the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BotPrompt {
    /// As a box on the consent screen.
    Normal,
    /// On a screen of its own.
    Aggressive,
}

impl BotPrompt {
    /// Every way, by its name in LINE's parameter.
    pub const NAMES: [&str; 2] = ["normal", "aggressive"];

    /// The name in LINE's parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Aggressive => "aggressive",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "normal" => Some(Self::Normal),
            "aggressive" => Some(Self::Aggressive),
            _ => None,
        }
    }
}

/// A part of LINE Profile+ (PLATFORM.md §4.1): LINE gives it to businesses that it has
/// approved, for people who agree on its consent screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileItem {
    /// The name, with its reading.
    RealName,
    /// The gender.
    Gender,
    /// The birthday.
    Birthdate,
    /// The phone number.
    Phone,
    /// The address.
    Address,
}

impl ProfileItem {
    /// Every item.
    pub const ALL: [Self; 5] = [Self::RealName, Self::Gender, Self::Birthdate, Self::Phone, Self::Address];

    /// Its name: LINE's scope, and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RealName => "real_name",
            Self::Gender => "gender",
            Self::Birthdate => "birthdate",
            Self::Phone => "phone",
            Self::Address => "address",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.as_str() == name)
    }

    /// What people read.
    pub fn title(self) -> Text {
        let (ja, en) = match self {
            Self::RealName => ("お名前", "Name"),
            Self::Gender => ("性別", "Gender"),
            Self::Birthdate => ("生年月日", "Date of birth"),
            Self::Phone => ("電話番号", "Phone number"),
            Self::Address => ("ご住所", "Address"),
        };
        Text { ja: ja.to_owned(), en: en.to_owned() }
    }

    /// The claims of the ID token that it comes in. Each may be absent.
    pub fn claims(self) -> &'static [&'static str] {
        match self {
            Self::RealName => {
                &["family_name", "given_name", "middle_name", "family_name_pronunciation", "given_name_pronunciation"]
            }
            Self::Gender => &["gender"],
            Self::Birthdate => &["birthdate"],
            Self::Phone => &["phone_number"],
            Self::Address => &["postal_code", "region", "locality", "street_address", "country"],
        }
    }
}

/// A form that the chat leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormLink {
    /// Its name, as in its address.
    pub name: String,
    /// Its title, in the language of the messages.
    pub title: String,
}

/// Words to which the account answers with a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyword {
    /// The words, in the form of [`keyword`].
    pub words: Vec<String>,
    /// The form.
    pub form: FormLink,
}

/// What somebody wrote, as it is compared with keywords: NFKC, lower case, without white
/// space around it and without the end of a sentence: 「予約。」 and "Book!" are 「予約」 and "book".
pub fn keyword(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let ends = |letter: char| letter.is_whitespace() || ".!?,。、".contains(letter);
    text.trim_start().trim_end_matches(ends).to_lowercase()
}

/// The time that somebody who has blocked the account has to come back, unless the
/// channel says otherwise: 30 days.
pub const fn after_block() -> Term {
    Term::Days(30)
}

impl ChannelPurposes {
    /// All four, each once.
    pub fn distinct(&self) -> Vec<&PurposeTerms> {
        let mut all: Vec<&PurposeTerms> = Vec::with_capacity(4);
        for terms in [&self.message, &self.event, &self.profile, &self.line_contact] {
            if all.iter().all(|known| known.id != terms.id) {
                all.push(terms);
            }
        }
        all
    }
}

impl ChannelDefinition {
    /// The policy version in force.
    ///
    /// # Errors
    /// The published text holds no version id.
    pub fn policy_version(&self) -> Result<VersionId, Malformed> {
        VersionId::parse(&self.policy)
    }
}
