//! Stories over everything, each through the doors that LINE and the schedules use.

mod audit;
mod bad_days;
mod calls;
mod canary;
mod erasure;
mod faults;
mod intake;
mod local;
mod opener;
mod order;
mod pool;
mod roles;
mod runtime;
mod sealing;
mod sweeping;
mod template;
mod tidy;
