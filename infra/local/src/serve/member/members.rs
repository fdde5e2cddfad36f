//! The members of a site. They live in memory: when local mode stops, they are gone.

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use azukari::{
    domain::{plain::Plain, site::MemberId, time::UnixMs},
    host::mint::{Mint, SystemMint},
};

/// The shortest password, in characters.
pub(super) const MIN_PASSWORD: usize = 8;

/// Wrong passwords for one member id before one has to wait.
const TRIES: u32 = 5;

/// How long one has to wait.
const WAIT_MS: i64 = 60_000;

/// Members, and ids that are being tried, that are kept at most.
const MOST: usize = 1_000;

/// Rounds of a password's hash. They are few, so that tests stay quick: a real site follows
/// the advice of the day (OWASP Password Storage Cheat Sheet).
const ROUNDS: NonZeroU32 = match NonZeroU32::new(100_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// The members of one site.
#[derive(Default)]
pub(super) struct Members(Mutex<All>);

#[derive(Default)]
struct All {
    members: Vec<Member>,
    tries: Vec<Tries>,
}

struct Member {
    id: MemberId,
    password: Hashed,
    /// The name by which the site knows this member's LINE account.
    subject: Option<String>,
}

/// Passwords that were tried for a member id, whether there is such a member or not.
struct Tries {
    id: MemberId,
    count: u32,
    last: UnixMs,
}

/// Why somebody was not signed up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotUp {
    /// There is such a member already.
    Taken,
    /// No more members are taken.
    Full,
}

/// Why somebody is not signed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotIn {
    /// There is no such member, or the password is another: which of the two is not told.
    Wrong,
    /// It was tried too often.
    Wait,
}

/// A password, as it is kept.
#[derive(Clone, Default)]
struct Hashed {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Hashed {
    fn of(password: &Plain<String>) -> Self {
        let mut hashed = Self::default();
        SystemMint::new().fill(&mut hashed.salt);
        let password = password.reveal().as_bytes();
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ROUNDS, &hashed.salt, password, &mut hashed.hash);
        hashed
    }

    fn fits(&self, password: &Plain<String>) -> bool {
        let password = password.reveal().as_bytes();
        pbkdf2::verify(PBKDF2_HMAC_SHA256, ROUNDS, &self.salt, password, &self.hash).is_ok()
    }
}

impl Members {
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs a new member up.
    pub(super) async fn sign_up(&self, id: &MemberId, password: &Plain<String>) -> Result<(), NotUp> {
        let hashing = tokio::task::spawn_blocking({
            let password = password.clone();
            move || Hashed::of(&password)
        });
        let password = hashing.await.map_err(|_| NotUp::Full)?;
        let mut all = self.all();
        if all.members.iter().any(|member| member.id == *id) {
            return Err(NotUp::Taken);
        }
        if all.members.len() >= MOST {
            return Err(NotUp::Full);
        }
        all.members.push(Member { id: id.clone(), password, subject: None });
        Ok(())
    }

    /// Checks a password. It takes as long whether there is such a member or not.
    pub(super) async fn sign_in(&self, id: &MemberId, password: &Plain<String>, now: UnixMs) -> Result<(), NotIn> {
        let known = self.begin(id, now)?;
        let is_member = known.is_some();
        let hashed = known.unwrap_or_default();
        let checking = tokio::task::spawn_blocking({
            let password = password.clone();
            move || hashed.fits(&password)
        });
        if !(checking.await.unwrap_or(false) && is_member) {
            return Err(NotIn::Wrong);
        }
        self.all().tries.retain(|tries| tries.id != *id);
        Ok(())
    }

    /// Counts a try before it is made: tries at the same time count, too.
    fn begin(&self, id: &MemberId, now: UnixMs) -> Result<Option<Hashed>, NotIn> {
        let mut all = self.all();
        all.tries.retain(|tries| (0..WAIT_MS).contains(&now.since(tries.last)));
        match all.tries.iter().position(|tries| tries.id == *id) {
            Some(at) if all.tries[at].count >= TRIES => return Err(NotIn::Wait),
            Some(at) => {
                all.tries[at].count += 1;
                all.tries[at].last = now;
            }
            None if all.tries.len() >= MOST => return Err(NotIn::Wait),
            None => all.tries.push(Tries { id: id.clone(), count: 1, last: now }),
        }
        Ok(all.members.iter().find(|member| member.id == *id).map(|member| member.password.clone()))
    }

    /// The member whose LINE account the site knows by this name.
    pub(super) fn of_subject(&self, subject: &str) -> Option<MemberId> {
        let all = self.all();
        let found = all.members.iter().find(|member| member.subject.as_deref() == Some(subject));
        found.map(|member| member.id.clone())
    }

    /// Keeps by which name the site knows a member's LINE account. It is nobody else's.
    pub(super) fn join(&self, id: &MemberId, subject: &str) {
        for member in &mut self.all().members {
            if member.id == *id {
                member.subject = Some(subject.to_owned());
            } else if member.subject.as_deref() == Some(subject) {
                member.subject = None;
            }
        }
    }

    /// Forgets a member.
    pub(super) fn leave(&self, id: &MemberId) {
        self.all().members.retain(|member| member.id != *id);
    }

    /// Forgets a member's LINE account.
    pub(super) fn part(&self, id: &MemberId) {
        for member in self.all().members.iter_mut().filter(|member| member.id == *id) {
            member.subject = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixMs = UnixMs::new(1_795_230_000_000);

    fn id(text: &str) -> MemberId {
        MemberId::parse(text).unwrap()
    }

    fn password(text: &str) -> Plain<String> {
        Plain::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_member_signs_in_with_their_password_alone() {
        let members = Members::default();
        assert_eq!(members.sign_up(&id("M-1"), &password("correct horse")).await, Ok(()));
        assert_eq!(members.sign_up(&id("M-1"), &password("another one")).await, Err(NotUp::Taken));
        assert_eq!(members.sign_in(&id("M-1"), &password("correct horse"), NOON).await, Ok(()));
        for (who, with) in [("M-1", "another one"), ("M-2", "correct horse"), ("m-1", "correct horse"), ("M-1", "")] {
            assert_eq!(members.sign_in(&id(who), &password(with), NOON).await, Err(NotIn::Wrong), "{who}");
        }
    }

    #[tokio::test]
    async fn a_few_wrong_tries_and_one_has_to_wait() {
        let members = Members::default();
        members.sign_up(&id("M-1"), &password("correct horse")).await.unwrap();
        for who in ["M-1", "nobody"] {
            for _ in 0..TRIES {
                assert_eq!(members.sign_in(&id(who), &password("wrong"), NOON).await, Err(NotIn::Wrong));
            }
            let soon = NOON.plus(WAIT_MS - 1);
            assert_eq!(members.sign_in(&id(who), &password("correct horse"), soon).await, Err(NotIn::Wait));
        }
        assert_eq!(members.sign_in(&id("M-1"), &password("correct horse"), NOON.plus(WAIT_MS)).await, Ok(()));
        // A clock that goes back does not make anybody wait for days.
        for _ in 0..TRIES {
            let _ = members.sign_in(&id("M-1"), &password("wrong"), NOON.plus(WAIT_MS)).await;
        }
        assert_eq!(members.sign_in(&id("M-1"), &password("correct horse"), NOON).await, Ok(()));
    }

    #[tokio::test]
    async fn a_line_account_is_one_members() {
        let members = Members::default();
        for who in ["M-1", "M-2"] {
            members.sign_up(&id(who), &password("correct horse")).await.unwrap();
        }
        members.join(&id("M-1"), "s");
        assert_eq!(members.of_subject("s"), Some(id("M-1")));
        members.join(&id("M-2"), "s");
        assert_eq!(members.of_subject("s"), Some(id("M-2")));
        members.part(&id("M-1"));
        assert_eq!(members.of_subject("s"), Some(id("M-2")));
        members.part(&id("M-2"));
        assert_eq!(members.of_subject("s"), None);
    }

    #[tokio::test]
    async fn whoever_has_left_is_no_member_any_more() {
        let members = Members::default();
        members.sign_up(&id("M-1"), &password("correct horse")).await.unwrap();
        members.join(&id("M-1"), "s");
        members.leave(&id("M-1"));
        assert_eq!(members.of_subject("s"), None);
        assert_eq!(members.sign_in(&id("M-1"), &password("correct horse"), NOON).await, Err(NotIn::Wrong));
    }
}
