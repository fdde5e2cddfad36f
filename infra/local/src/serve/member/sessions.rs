//! Sessions of a site, kept by its server. A browser holds the random name of its session
//! and nothing else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use azukari::{
    domain::{
        plain::Plain,
        site::MemberId,
        time::{HOUR_MS, UnixMs},
    },
    host::mint::{Mint, SystemMint},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};

/// How long a session lasts without a visit.
const IDLE_MS: i64 = 12 * HOUR_MS;

/// How long the function `link` takes a code: 10 minutes.
const CODE_MS: i64 = 600_000;

/// Sessions that are kept at most.
const MOST: usize = 1_000;

/// The sessions of one site, by name.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

/// A session.
#[derive(Clone)]
pub(super) struct Session {
    /// What the forms of its pages send along.
    pub(super) csrf: String,
    /// Who is signed in.
    pub(super) member: Option<MemberId>,
    /// What has to come back from LINE, once.
    pub(super) state: Option<String>,
    /// What came with the person from LINE.
    pub(super) code: Option<Code>,
    /// Whether a link is being finished where the browser was sent.
    pub(super) finishing: bool,
    /// What the next page is to say.
    pub(super) notice: Option<Notice>,
    seen: UnixMs,
}

/// A one-time code of the function `link`.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) text: Plain<String>,
    pub(super) since: UnixMs,
    /// What came back with it, if the person was sent to LINE from here.
    pub(super) state: Option<String>,
}

/// What has just been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    SignedUp,
    SignedIn,
    SignedInWithLine,
    Linked,
    AlreadyLinked,
    Unlinked,
}

impl Session {
    fn new(now: UnixMs) -> Self {
        Self { csrf: token(), member: None, state: None, code: None, finishing: false, notice: None, seen: now }
    }

    /// Whether there is a code that may still be taken.
    pub(super) fn has_code(&self, now: UnixMs) -> bool {
        self.code.as_ref().is_some_and(|code| now.since(code.since) < CODE_MS)
    }
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of this name, or a new one with a name of its own: a name that comes
    /// from elsewhere is never taken.
    pub(super) fn enter(&self, name: Option<&str>, now: UnixMs) -> (String, Session) {
        let mut all = self.all();
        all.retain(|_, session| now.since(session.seen) < IDLE_MS);
        if let Some(name) = name
            && let Some(session) = all.get_mut(name)
        {
            session.seen = now;
            return (name.to_owned(), session.clone());
        }
        let session = Session::new(now);
        (insert(&mut all, session.clone()), session)
    }

    /// Changes a session. What a session holds for one use is taken out of it here.
    pub(super) fn change<T>(&self, name: &str, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.all().get_mut(name).map(change)
    }

    /// A new session for a member who has signed in: whoever knew the name of the one
    /// before knows nothing of it. What came from LINE comes along.
    pub(super) fn renew(&self, name: &str, member: MemberId, notice: Notice, now: UnixMs) -> String {
        let mut all = self.all();
        let code = all.remove(name).and_then(|before| before.code);
        insert(&mut all, Session { member: Some(member), code, notice: Some(notice), ..Session::new(now) })
    }

    /// Ends a session.
    pub(super) fn end(&self, name: &str) {
        self.all().remove(name);
    }
}

fn insert(all: &mut HashMap<String, Session>, session: Session) -> String {
    if all.len() >= MOST {
        let oldest = all.iter().min_by_key(|(_, session)| session.seen).map(|(name, _)| name.clone());
        if let Some(oldest) = oldest {
            all.remove(&oldest);
        }
    }
    let name = token();
    all.insert(name.clone(), session);
    name
}

/// 256 random bits.
pub(super) fn token() -> String {
    let mut bytes = [0; 32];
    SystemMint::new().fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name of the session that a request brings.
pub(super) fn of_request(headers: &HeaderMap, channel: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let mut each = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    each.find(|(name, _)| name.strip_prefix("azukari-member-") == Some(channel)).map(|(_, value)| value.to_owned())
}

/// The cookie with the name of a session. A site on the internet adds `Secure` and calls it
/// `__Host-…`; this one is served over HTTP, to its own machine.
pub(super) fn cookie(channel: &str, name: &str) -> String {
    format!("azukari-member-{channel}={name}; Path=/simulator/member/; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMs = UnixMs::new(1_795_230_000_000);

    #[test]
    fn a_name_from_elsewhere_is_not_taken() {
        let sessions = Sessions::default();
        let (name, session) = sessions.enter(Some("chosen-by-somebody"), NOON);
        assert_ne!(name, "chosen-by-somebody");
        let (again, same) = sessions.enter(Some(&name), NOON.plus(IDLE_MS - 1));
        assert_eq!((again, same.csrf), (name.clone(), session.csrf));
        assert_ne!(sessions.enter(Some(&name), NOON.plus(2 * IDLE_MS)).0, name);
    }

    #[test]
    fn signing_in_makes_a_new_session_that_keeps_the_code() {
        let sessions = Sessions::default();
        let (before, old) = sessions.enter(None, NOON);
        let code = Code { text: Plain::new("c0de".to_owned()), since: NOON, state: None };
        sessions.change(&before, |session| (session.code, session.state) = (Some(code), Some("s".to_owned())));
        let member = MemberId::parse("M-1").unwrap();
        let name = sessions.renew(&before, member.clone(), Notice::SignedIn, NOON);
        assert_ne!(name, before);
        assert_ne!(sessions.enter(Some(&before), NOON).0, before);
        let (_, session) = sessions.enter(Some(&name), NOON);
        assert_ne!(session.csrf, old.csrf);
        assert_eq!(session.member, Some(member));
        assert_eq!(session.state, None);
        assert!(session.has_code(NOON.plus(CODE_MS - 1)) && !session.has_code(NOON.plus(CODE_MS)));
    }

    #[test]
    fn what_is_for_one_use_is_there_once() {
        let sessions = Sessions::default();
        let (name, _) = sessions.enter(None, NOON);
        sessions.change(&name, |session| session.state = Some("s".to_owned()));
        let take = || sessions.change(&name, |session| session.state.take()).flatten();
        assert_eq!((take().as_deref(), take()), (Some("s"), None));
        sessions.end(&name);
        assert!(sessions.change(&name, |_| ()).is_none());
    }

    #[test]
    fn there_are_not_more_sessions_than_one_keeps() {
        let sessions = Sessions::default();
        let (first, _) = sessions.enter(None, NOON);
        for n in 0..i64::try_from(MOST).unwrap() {
            sessions.enter(None, NOON.plus(n + 1));
        }
        assert_eq!(sessions.all().len(), MOST);
        assert!(sessions.change(&first, |_| ()).is_none());
    }

    #[test]
    fn a_cookie_is_one_channels() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; azukari-member-demo=x; azukari-member-demo-2=y".parse().unwrap());
        headers.append(header::COOKIE, "azukari-member-kept=z".parse().unwrap());
        for (channel, name) in [("demo", Some("x")), ("demo-2", Some("y")), ("kept", Some("z")), ("dem", None)] {
            assert_eq!(of_request(&headers, channel).as_deref(), name, "{channel}");
        }
        assert!(cookie("demo", "x").starts_with("azukari-member-demo=x; "));
    }
}
