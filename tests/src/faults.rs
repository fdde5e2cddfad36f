//! Weather that lets one call fail, at the level the application sees or below it.

use azukari_local::engine::wire::{Call, Fate, Service, Weather};

/// Who notices a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The application: every attempt of the call goes wrong.
    Application,
    /// The SDK: the first attempt goes wrong, its own retry meets what is there.
    Sdk,
}

/// One fault, at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which call, from 0.
    pub nth: usize,
    /// What befalls it.
    pub fate: Fate,
    /// Who notices.
    pub level: Level,
}

impl Weather for Fault {
    fn fate(&self, call: &Call) -> Fate {
        if call.nth != self.nth {
            return Fate::Answered;
        }
        match (self.level, call.attempt) {
            (_, 1) => self.fate,
            (Level::Sdk, _) => Fate::Answered,
            // The answer of the first attempt is lost; the others do not get through.
            (Level::Application, _) if self.fate == Fate::AnswerLost => Fate::Fails,
            (Level::Application, _) => self.fate,
        }
    }
}

/// The faults that can befall a call. A read that fails and one whose answer is lost
/// are the same to everybody.
pub fn faults(call: &Call) -> Vec<Fault> {
    let nth = call.nth;
    let fault = |fate, level| Fault { nth, fate, level };
    let mut all = vec![
        fault(Fate::Fails, Level::Application),
        fault(Fate::Throttled, Level::Sdk),
        fault(Fate::CallerDiesBefore, Level::Application),
    ];
    let reads = matches!(call.operation.as_str(), "GetItem" | "Query") || call.service == Service::Line;
    if !reads {
        all.push(fault(Fate::AnswerLost, Level::Application));
        all.push(fault(Fate::AnswerLost, Level::Sdk));
        all.push(fault(Fate::CallerDiesAfter, Level::Application));
    }
    all
}

/// Every call of one service has this fate.
#[derive(Debug, Clone, Copy)]
pub struct Down(pub Service, pub Fate);

impl Weather for Down {
    fn fate(&self, call: &Call) -> Fate {
        if call.service == self.0 { self.1 } else { Fate::Answered }
    }
}
