//! What each step of the way leaves for the next ([`azukari::host::one_time`]): sealed
//! under a secret that travels with the person's browser, good for ten minutes and one use.

use azukari::{
    domain::{definition::ProfileItem, language::Language, link::MemberDigest, plain::Plain, time::UnixMs},
    host::{
        linking::Shown,
        one_time::{self, Step},
    },
};
use serde::{Deserialize, Serialize, Serializer};

/// What a sign-in is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Intent {
    /// To link, or to be recognised by a site.
    Link,
    /// To undo a link.
    Unlink,
}

/// Where somebody goes back to when they are done here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WayBack {
    /// The name of the site.
    pub(crate) site: String,
    /// One of its addresses, to the letter.
    pub(crate) address: String,
    /// What the site wants back unchanged.
    pub(crate) state: Option<String>,
}

/// A sign-in that has begun: its secret is the `state` (RFC 6749 §10.12).
#[derive(Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) channel: String,
    pub(crate) intent: Intent,
    pub(crate) back: Option<WayBack>,
    /// Proof Key for Code Exchange (RFC 7636).
    #[serde(serialize_with = "one_time::reveal")]
    pub(crate) verifier: Plain<String>,
    /// To be found in the ID token (OpenID Connect Core 1.0 §3.1.2.1).
    pub(crate) nonce: String,
    /// Digest of the browser's cookie.
    pub(crate) browser: String,
    pub(crate) language: Language,
    pub(crate) begun: UnixMs,
}

impl Step for SignIn {
    const WHAT: &'static str = "login state";
}

/// One item of LINE Profile+, as LINE tells it: claims and values.
#[derive(Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) item: ProfileItem,
    pub(crate) values: Vec<(String, Told)>,
}

/// A value that LINE tells.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Told(pub(crate) Plain<String>);

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        one_time::reveal(&self.0, serializer)
    }
}

/// Somebody who has signed in and is asked whether to join.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) channel: String,
    pub(crate) back: WayBack,
    #[serde(serialize_with = "one_time::reveal")]
    pub(crate) user: Plain<String>,
    /// Their display name in LINE, if they show it.
    pub(crate) name: Option<Told>,
    pub(crate) items: Vec<Item>,
    pub(crate) friend_added: bool,
    pub(crate) browser: String,
    pub(crate) language: Language,
    pub(crate) begun: UnixMs,
}

impl Step for Asked {
    const WHAT: &'static str = "joining";
}

/// Somebody who has signed in to undo a link.
#[derive(Serialize, Deserialize)]
pub(crate) struct Parting {
    pub(crate) channel: String,
    #[serde(serialize_with = "one_time::reveal")]
    pub(crate) user: Plain<String>,
    /// To end what they have allowed in LINE.
    #[serde(serialize_with = "one_time::reveal")]
    pub(crate) access_token: Plain<String>,
    pub(crate) browser: String,
    pub(crate) language: Language,
}

impl Step for Parting {
    const WHAT: &'static str = "unlinking";
}

/// What a site gets a code for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) channel: String,
    pub(crate) back: WayBack,
    pub(crate) way: Way,
    /// Digest of the browser's cookie.
    pub(crate) browser: String,
    pub(crate) begun: UnixMs,
}

/// How somebody has come to a site.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// From the chat, with a link token: LINE has yet to say who they are.
    Chat {
        #[serde(serialize_with = "one_time::reveal")]
        link_token: Plain<String>,
        shown: Shown,
    },
    /// By LINE Login.
    Login {
        #[serde(serialize_with = "one_time::reveal")]
        user: Plain<String>,
        /// Their display name in LINE, if they show it.
        name: Option<Told>,
        /// What they were shown, if they have agreed to join.
        agreed: Option<Shown>,
        /// What else they want to be kept.
        items: Vec<Item>,
        friend_added: bool,
    },
}

impl Step for Code {
    const WHAT: &'static str = "site code";
}

/// The last step, for the browser that took the first: the business has vouched for the
/// member.
#[derive(Serialize, Deserialize)]
pub(crate) struct Finish {
    pub(crate) channel: String,
    pub(crate) how: How,
    pub(crate) browser: String,
}

/// How a link is finished.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// In LINE's dialog: LINE vouches for the person there.
    Dialog {
        #[serde(serialize_with = "one_time::reveal")]
        link_token: Plain<String>,
        #[serde(serialize_with = "one_time::reveal")]
        nonce: Plain<String>,
    },
    /// Here: LINE has vouched for the person at the sign-in.
    Here {
        #[serde(serialize_with = "one_time::reveal")]
        user: Plain<String>,
        name: Option<Told>,
        #[serde(serialize_with = "one_time::reveal")]
        member: Plain<String>,
        digest: MemberDigest,
        items: Vec<Item>,
        shown: Shown,
        begun: UnixMs,
        back: Box<WayBack>,
    },
}

impl Step for Finish {
    const WHAT: &'static str = "finish";
}
