//! What happens on a bad day.

use fastrand::Rng;

/// Channels of a day, by what they do before consent.
pub const CHANNELS: [&str; 3] = ["kept", "demo", "strict"];
/// People of a day: each may be known in every channel.
pub const PEOPLE: usize = 5;
/// Purposes about which people say something.
pub const PURPOSES: [&str; 3] = ["chat", "operation", "contact"];

/// A plan: the seed it was made from, and what happens, each action with its number in
/// the unabridged plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How buttons are kept.
    pub rule: Rule,
    /// What happens.
    pub actions: Vec<(usize, Action)>,
}

/// How what people do with buttons is kept, for the purpose `operation`: thirty days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is counted when it goes.
    pub counted: bool,
    /// Whether the thirty days begin when they block the account, and not when it comes.
    pub after_unfollow: bool,
}

/// Somebody in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The channel, by number.
    pub channel: usize,
    /// The person, by number.
    pub person: usize,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Action {
    /// LINE delivers events of one channel, once or several times.
    Webhook {
        /// The channel.
        channel: usize,
        /// The events.
        events: Vec<Event>,
        /// How the first delivery goes; the others are in calm weather.
        bad: Bad,
        /// How often LINE delivers: again when it was not answered, or for no reason.
        deliveries: u8,
        /// Whether LINE stops once it was answered with 200.
        stops_when_taken: bool,
    },
    /// Somebody says something about a purpose.
    Said {
        /// Who.
        who: Who,
        /// The purpose, by number.
        purpose: usize,
        /// Given, or withdrawn.
        given: bool,
    },
    /// Somebody sends a form, for the purpose `chat`, until it is taken.
    Submission {
        /// Who.
        who: Who,
        /// How it goes at first; after that the weather is calm.
        bad: Bad,
    },
    /// Somebody is joined with a member id, or parted from it.
    Link {
        /// Who.
        who: Who,
        /// How.
        link: Link,
        /// How the step that counts goes at first; after that the weather is calm.
        bad: Bad,
    },
    /// Somebody asks to be erased, as of some time ago.
    Erase {
        /// Who.
        who: Who,
        /// How long ago, in milliseconds.
        ago: i64,
    },
    /// The privacy officer has somebody erased, until it is answered.
    EraseByOperator {
        /// Who.
        who: Who,
        /// How it goes at first; after that the weather is calm.
        bad: Bad,
    },
    /// LINE delivers an earlier webhook of the last six days again: which of them, by number.
    Late(usize),
    /// The sweeper runs.
    Sweep(Bad),
    /// The locksmith runs.
    Refill(Bad),
    /// Time passes, or goes back a little.
    Clock(i64),
    /// An operator opens somebody.
    Open {
        /// Who.
        who: Who,
        /// As privacy officer, every purpose; else as staff, `chat` alone.
        officer: bool,
        /// How it goes.
        bad: Bad,
    },
    /// Every function starts anew.
    ColdStart,
    /// The machine starts anew, with another retention of `chat` in days if given.
    Restart(Option<u16>),
}

/// Member ids of a day, in each channel: fewer than people, so that they meet.
pub const MEMBERS: usize = 3;

/// A way to be joined or parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// From the chat.
    Chat {
        /// The member id, by number.
        member: usize,
    },
    /// By LINE Login.
    Login {
        /// The member id, by number.
        member: usize,
    },
    /// Undone in the chat.
    Unlink,
    /// Undone by the business.
    Business {
        /// The member id, by number.
        member: usize,
    },
}

/// What somebody does on LINE.
#[derive(Debug, Clone)]
pub struct Event {
    /// Who.
    pub person: usize,
    /// How long ago, in milliseconds.
    pub ago: i64,
    /// What.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A text.
    Text,
    /// A text with a card number in it.
    Card,
    /// A text that can never be stored.
    Huge,
    /// A button.
    Postback,
    /// One of the last texts is taken back: which, counted from the newest.
    Unsend(usize),
    /// The account is added.
    Follow,
    /// The account is blocked.
    Unfollow,
    /// 同意する, on the notice of the policy in force, or on the first one.
    Agree {
        /// Whether it is the button of the first notice.
        first: bool,
    },
    /// 同意しない.
    Refuse,
    /// すべて消去する, the answer to the question whether everything is to be erased.
    EraseAll {
        /// Whether the question was asked within the last day.
        in_time: bool,
    },
    /// 取り消す, the answer to the question whether the consent to a purpose is taken back.
    Withdraw {
        /// The purpose, by number: one that is not `contact`.
        purpose: usize,
    },
}

impl EventKind {
    /// Whether it is about what is held, and is not kept itself.
    pub fn is_wish(self) -> bool {
        matches!(self, Self::EraseAll { .. } | Self::Withdraw { .. })
    }
}

/// How badly it goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bad {
    /// Where the fates of the calls come from.
    pub seed: u64,
    /// How many of 1,000 calls meet a fate.
    pub rate: u16,
    /// After how many polls the function is killed, if it is.
    pub killed_after: Option<u32>,
}

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// The number of the first action that is about what is held. The others have lower ones.
const RIGHTS: usize = 1_000;

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed ^ 0x0b5e_55ed_ba5e_ba11);
        let length = dice.usize(12..60);
        let mut actions: Vec<(usize, Action)> = (0..length).map(|n| (n, action(&mut dice))).collect();
        // What people ask of what is held comes in between, from dice of its own: the rest
        // of a seed is what it was without.
        let mut dice = Rng::with_seed(seed ^ 0x0f0f_0e4a_5ed0_9e09);
        let rule = Rule { counted: dice.bool(), after_unfollow: dice.u8(0..4) == 0 };
        for n in 0..dice.usize(0..length / 3 + 2) {
            let place = dice.usize(0..=actions.len());
            actions.insert(place, (RIGHTS + n, right(&mut dice)));
        }
        Self { seed, rule, actions }
    }

    /// Only the actions of these numbers.
    pub fn keep(mut self, numbers: &[usize]) -> Self {
        self.actions.retain(|(n, _)| numbers.contains(n));
        self
    }

    /// Without some actions.
    pub fn without(&self, from: usize, n: usize) -> Self {
        let mut plan = self.clone();
        plan.actions.drain(from..(from + n).min(self.actions.len()));
        plan
    }

    /// One line that lives through it again.
    pub fn reproduction(&self) -> String {
        let numbers: Vec<String> = self.actions.iter().map(|(n, _)| n.to_string()).collect();
        let next = self.seed + 1;
        format!("cargo run -p azukari-tests --release -- --seeds {}..{next} --keep {}", self.seed, numbers.join(","))
    }
}

fn action(dice: &mut Rng) -> Action {
    let who = Who { channel: dice.usize(0..CHANNELS.len()), person: dice.usize(0..PEOPLE) };
    match dice.u8(0..100) {
        0..34 => webhook(dice),
        34..40 => Action::Link { who, link: link(dice), bad: bad(dice) },
        40..47 => Action::Said { who, purpose: dice.usize(0..PURPOSES.len()), given: dice.u8(0..3) > 0 },
        47..52 => Action::Submission { who, bad: bad(dice) },
        52..59 => Action::Erase { who, ago: if dice.bool() { 0 } else { dice.i64(0..HOUR) } },
        59..70 => Action::Sweep(bad(dice)),
        70..73 => Action::Refill(bad(dice)),
        73..84 => Action::Clock(match dice.u8(0..10) {
            0..3 => dice.i64(SECOND..60 * SECOND),
            3..6 => dice.i64(60 * SECOND..3 * HOUR),
            6..8 => dice.i64(HOUR..2 * DAY),
            8 => dice.i64(DAY..200 * DAY),
            _ => -dice.i64(SECOND..600 * SECOND),
        }),
        84..95 => Action::Open { who, officer: dice.bool(), bad: bad(dice) },
        95..98 => Action::ColdStart,
        _ => Action::Restart([None, Some(5), Some(30), Some(180)][dice.usize(0..4)]),
    }
}

/// What is about what is held, or shows what became of it.
fn right(dice: &mut Rng) -> Action {
    let who = Who { channel: dice.usize(0..CHANNELS.len()), person: dice.usize(0..PEOPLE) };
    match dice.u8(0..20) {
        0..12 => Action::Webhook {
            channel: who.channel,
            events: (0..dice.usize(1..4)).map(|_| wish(dice, who.person)).collect(),
            bad: bad(dice),
            deliveries: dice.u8(1..4),
            stops_when_taken: dice.u8(0..4) > 0,
        },
        12 | 13 => Action::EraseByOperator { who, bad: bad(dice) },
        14..17 => Action::Late(dice.usize(0..1_000)),
        17 | 18 => Action::Clock(dice.i64(121 * SECOND..40 * DAY)),
        _ => Action::Sweep(bad(dice)),
    }
}

fn wish(dice: &mut Rng, person: usize) -> Event {
    let ago = if dice.bool() { dice.i64(1..3 * SECOND) } else { dice.i64(1..20 * HOUR) };
    let kind = match dice.u8(0..20) {
        0..8 => EventKind::Withdraw { purpose: dice.usize(0..2) },
        8..11 => EventKind::Agree { first: false },
        11 | 12 => EventKind::EraseAll { in_time: dice.u8(0..4) > 0 },
        13..17 => EventKind::Postback,
        17 => EventKind::Follow,
        _ => EventKind::Text,
    };
    Event { person, ago, kind }
}

fn link(dice: &mut Rng) -> Link {
    let member = dice.usize(0..MEMBERS);
    match dice.u8(0..10) {
        0..4 => Link::Chat { member },
        4..7 => Link::Login { member },
        7 | 8 => Link::Unlink,
        _ => Link::Business { member },
    }
}

fn webhook(dice: &mut Rng) -> Action {
    let events = (0..dice.usize(1..5)).map(|_| event(dice)).collect();
    Action::Webhook {
        channel: dice.usize(0..CHANNELS.len()),
        events,
        bad: bad(dice),
        deliveries: dice.u8(1..4),
        stops_when_taken: dice.u8(0..4) > 0,
    }
}

fn event(dice: &mut Rng) -> Event {
    let ago = match dice.u8(0..4) {
        0 | 1 => dice.i64(0..3 * SECOND),
        2 => dice.i64(0..HOUR),
        _ => dice.i64(0..20 * HOUR),
    };
    let kind = match dice.u8(0..100) {
        0..44 => EventKind::Text,
        44..50 => EventKind::Card,
        50..63 => EventKind::Unsend(dice.usize(0..4)),
        63..71 => EventKind::Postback,
        71..78 => EventKind::Follow,
        78..84 => EventKind::Unfollow,
        84..94 => EventKind::Agree { first: dice.u8(0..4) == 0 },
        94..98 => EventKind::Refuse,
        _ => EventKind::Huge,
    };
    Event { person: dice.usize(0..PEOPLE), ago, kind }
}

fn bad(dice: &mut Rng) -> Bad {
    let seed = dice.u64(..);
    match dice.u8(0..10) {
        0..4 => Bad { seed, ..Bad::default() },
        4..8 => Bad { seed, rate: dice.u16(20..300), killed_after: None },
        8 => Bad { seed, rate: 900, killed_after: None },
        _ => Bad { seed, rate: dice.u16(0..100), killed_after: Some(dice.u32(0..120)) },
    }
}
