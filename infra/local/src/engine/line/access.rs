//! Signing in with LINE Login: what an authorization request may ask for, what a person
//! grants, and the code that comes of it (PLATFORM.md §3.1). Nobody stays signed in here:
//! whose LINE it is, is chosen anew each time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use azukari::domain::{
    definition::BotPrompt,
    time::{SECOND_MS, UnixMs},
};
use serde_json::Value;

use crate::engine::line::{
    Line, LoginError, check,
    parameters::Parameters,
    token::{ChannelToken, UserToken},
};

/// How long a code is good: ten minutes.
const CODE_MS: i64 = 600 * SECOND_MS;

/// Every scope: those of LINE Login, then those of LINE Profile+ (PLATFORM.md §4.1).
const SCOPES: [&str; 8] = ["openid", "profile", "email", "real_name", "gender", "birthdate", "phone", "address"];

/// A login channel of LINE.
#[derive(Clone)]
pub struct LoginChannel {
    /// The channel of the account that it goes with.
    pub channel: String,
    /// Its id, the `client_id`.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl fmt::Debug for LoginChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginChannel({}, {})", self.channel, self.id)
    }
}

/// An authorization request that is in order.
#[derive(Clone)]
pub struct Authorization {
    /// The channel of the account.
    pub channel: String,
    /// The login channel.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// What comes back with the answer.
    pub state: String,
    /// What is asked for.
    pub scopes: BTreeSet<String>,
    /// What stands in the ID token.
    pub nonce: Option<String>,
    /// Digest of the code verifier (RFC 7636).
    pub code_challenge: Option<String>,
    /// How the person is to be asked.
    pub prompt: Option<Prompt>,
    /// How long ago, in seconds, they may have signed in.
    pub max_age: Option<u64>,
    /// How the account is offered to be added.
    pub bot_prompt: Option<BotPrompt>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({}, {:?})", self.channel, self.scopes)
    }
}

/// The parameter `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// `consent`: the consent screen is shown even if all of it was granted.
    Consent,
    /// `none`: nothing is shown.
    Silent,
    /// `login`: signed in by hand.
    Login,
}

/// Why an authorization request leads to no sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no such login channel. Shown to the person.
    UnknownClient,
    /// The answer must not go there. Shown to the person.
    RedirectUri,
    /// Goes back by redirect.
    Back {
        /// LINE's code.
        error: &'static str,
        /// Where to.
        location: String,
    },
}

/// What a person grants. What is always granted need not be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// Of what is asked for.
    pub scopes: BTreeSet<String>,
    /// Whether they add the account, if it is offered.
    pub add_friend: bool,
}

/// A sign-in that was granted.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// Where the person goes back to, with the code.
    pub location: String,
    /// Whether they have added the account: a `follow` event is to be told.
    pub follows: bool,
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Granted(follows: {})", self.follows)
    }
}

/// What was given out, and what was granted.
#[derive(Default)]
pub(super) struct Access {
    pub(super) codes: HashMap<String, Code>,
    /// By access token.
    pub(super) users: HashMap<String, UserToken>,
    /// By channel access token.
    pub(super) channels: HashMap<String, ChannelToken>,
    /// By user and login channel.
    pub(super) consents: BTreeMap<(String, String), BTreeSet<String>>,
    /// Claims of LINE Profile+, by user.
    pub(super) profile_plus: HashMap<String, Value>,
}

/// What a code stands for.
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) user: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) auth_time: Option<i64>,
    pub(super) expires: UnixMs,
}

impl Line {
    /// Checks an authorization request. Answers go to `{base}/link/{channel}/callback`
    /// alone; it may have a query of its own.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn authorization(&self, query: &str, base: &str) -> Result<Authorization, Refused> {
        let asked = Parameters::parse(query.as_bytes());
        let login = asked.get("client_id").and_then(|id| self.login_channel(id)).ok_or(Refused::UnknownClient)?;
        let callback = format!("{base}/link/{}/callback", login.channel);
        let redirect_uri = asked.get("redirect_uri").filter(|uri| is_callback(uri, &callback));
        let redirect_uri = redirect_uri.ok_or(Refused::RedirectUri)?;
        let state = asked.get("state").filter(|state| state.bytes().all(|b| b.is_ascii_alphanumeric()));
        read(&asked, login, redirect_uri, state).map_err(|(error, description)| {
            let location = no(redirect_uri, error, description, state);
            Refused::Back { error, location }
        })
    }

    /// The login channel of an id.
    pub(super) fn login_channel(&self, id: &str) -> Option<&LoginChannel> {
        self.logins.iter().find(|login| login.id == id)
    }

    /// Whether a person has granted all of it before, so that they need not be asked.
    pub fn has_consented(&self, wanted: &Authorization, user_id: &str) -> bool {
        let state = self.state();
        let granted = state.access.consents.get(&(user_id.to_owned(), wanted.client_id.clone()));
        wanted.prompt != Some(Prompt::Consent) && granted.is_some_and(|granted| wanted.scopes.is_subset(granted))
    }

    /// The person agrees: what they do not grant is left out, except `openid` and `profile`.
    ///
    /// # Errors
    /// The user id has not the form of one.
    pub fn grant(&self, wanted: &Authorization, user_id: &str, granted: &Grant) -> Result<Granted, LoginError> {
        if !check::is_user_id(user_id) {
            return Err(LoginError);
        }
        let scopes = wanted.scopes.iter().filter(|scope| is_fixed(scope) || granted.scopes.contains(*scope));
        let scopes: BTreeSet<String> = scopes.cloned().collect();
        let now = self.now();
        let code = self.random_hex::<16>();
        let mut state = self.state();
        let consent = state.access.consents.entry((user_id.to_owned(), wanted.client_id.clone())).or_default();
        consent.retain(|scope| !wanted.scopes.contains(scope));
        consent.extend(scopes.iter().cloned());
        let mut friends = state.friends.iter_mut();
        let stranger = friends
            .find(|friend| friend.user_id == user_id && friend.channel == wanted.channel && !friend.following)
            .filter(|_| granted.add_friend && wanted.bot_prompt.is_some());
        let follows = stranger.is_some();
        if let Some(friend) = stranger {
            (friend.following, friend.blocked) = (true, false);
        }
        let what = Code {
            client_id: wanted.client_id.clone(),
            redirect_uri: wanted.redirect_uri.clone(),
            user: user_id.to_owned(),
            scopes,
            nonce: wanted.nonce.clone(),
            challenge: wanted.code_challenge.clone(),
            auth_time: wanted.max_age.map(|_| now.seconds()),
            expires: now.plus(CODE_MS),
        };
        state.access.codes.insert(code.clone(), what);
        let mut answer = vec![("code", code.as_str()), ("state", wanted.state.as_str())];
        if wanted.bot_prompt.is_some() {
            answer.push(("friendship_status_changed", if follows { "true" } else { "false" }));
        }
        Ok(Granted { location: back(&wanted.redirect_uri, &answer), follows })
    }

    /// The person does not agree: where they go back to.
    pub fn deny(&self, wanted: &Authorization) -> String {
        no(&wanted.redirect_uri, "ACCESS_DENIED", "The resource owner denied the request.", Some(wanted.state.as_str()))
    }

    /// Nothing may be shown, and nobody is signed in (`prompt=none`): where the person goes
    /// back to.
    pub fn login_required(&self, wanted: &Authorization) -> String {
        no(&wanted.redirect_uri, "LOGIN_REQUIRED", "The user is not signed in.", Some(wanted.state.as_str()))
    }

    /// Sets what LINE Profile+ knows of a user: claims of the ID token by name (PLATFORM.md
    /// §4.1), and `email`. Without it there is nothing.
    pub fn set_profile_plus(&self, user_id: &str, claims: Value) {
        self.state().access.profile_plus.insert(user_id.to_owned(), claims);
    }
}

/// Whether a scope cannot be refused.
fn is_fixed(scope: &str) -> bool {
    ["openid", "profile"].contains(&scope)
}

/// The callback itself, with or without a query.
fn is_callback(uri: &str, callback: &str) -> bool {
    let rest = uri.strip_prefix(callback).filter(|rest| rest.is_empty() || rest.starts_with('?'));
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_graphic() && b != b'#'))
}

/// Reads what is asked for, or says which error goes back, and why.
fn read(
    asked: &Parameters,
    login: &LoginChannel,
    redirect_uri: &str,
    state: Option<&str>,
) -> Result<Authorization, (&'static str, &'static str)> {
    let invalid = |description| ("INVALID_REQUEST", description);
    let scope = |description| ("INVALID_SCOPE", description);
    if asked.repeat() {
        return Err(invalid("A parameter is repeated."));
    }
    let state = state.ok_or(invalid("state is missing or not alphanumeric."))?;
    match asked.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("UNSUPPORTED_RESPONSE_TYPE", "response_type must be code.")),
        None => return Err(invalid("response_type is missing.")),
    }
    // The other ways to answer exist at LINE and not here.
    if asked.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("response_mode must be query."));
    }
    let words = asked.get("scope").unwrap_or_default().split(' ').filter(|word| !word.is_empty());
    let scopes: BTreeSet<String> = words.map(str::to_owned).collect();
    if !scopes.iter().all(|scope| SCOPES.contains(&scope.as_str())) {
        return Err(scope("A scope is not known."));
    }
    if !scopes.contains("openid") && !scopes.contains("profile") {
        return Err(scope("profile or openid is necessary."));
    }
    if !scopes.contains("openid") && scopes.iter().any(|scope| !is_fixed(scope)) {
        return Err(scope("Such a scope needs openid."));
    }
    let challenge = match (asked.get("code_challenge"), asked.get("code_challenge_method")) {
        (None, None) => None,
        (Some(challenge), Some("S256")) if is_digest(challenge) => Some(challenge.to_owned()),
        (Some(_), _) | (None, Some(_)) => return Err(invalid("code_challenge must be one of S256.")),
    };
    let prompt = match asked.get("prompt") {
        None => None,
        Some("consent") => Some(Prompt::Consent),
        Some("none") => Some(Prompt::Silent),
        Some("login") => Some(Prompt::Login),
        Some(_) => return Err(invalid("prompt is not known.")),
    };
    let max_age = asked.get("max_age");
    let max_age = max_age.map(|text| text.parse::<u64>().map_err(|_| invalid("max_age must be a number.")));
    let bot_prompt = asked.get("bot_prompt");
    let bot_prompt = bot_prompt.map(|name| BotPrompt::parse(name).ok_or(invalid("bot_prompt is not known.")));
    let is_tag = |tag: &str| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if asked.get("ui_locales").is_some_and(|tags| !tags.split(' ').all(is_tag)) {
        return Err(invalid("ui_locales must be language tags."));
    }
    Ok(Authorization {
        channel: login.channel.clone(),
        client_id: login.id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        state: state.to_owned(),
        scopes,
        nonce: asked.get("nonce").map(str::to_owned),
        code_challenge: challenge,
        prompt,
        max_age: max_age.transpose()?,
        bot_prompt: bot_prompt.transpose()?,
    })
}

/// A SHA-256 digest in base64url.
fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// An error on its way back.
fn no(redirect_uri: &str, error: &str, description: &str, state: Option<&str>) -> String {
    let mut answer = vec![("error", error), ("error_description", description)];
    answer.extend(state.map(|state| ("state", state)));
    back(redirect_uri, &answer)
}

fn back(redirect_uri: &str, answer: &[(&str, &str)]) -> String {
    let answer = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
    let sign = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{sign}{answer}")
}
