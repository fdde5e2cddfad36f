//! Stories over everything, each through the doors that LINE and the schedules use.

mod audit;
mod bad_days;
mod browser;
mod calls;
mod canary;
mod consent;
mod driver;
mod erasure;
mod faults;
mod form_pages;
mod forms;
mod guarded;
mod intake;
mod line_api;
mod local;
mod opener;
mod order;
mod policy;
mod pool;
mod roles;
mod runtime;
mod sealing;
mod sweeping;
mod template;
mod tidy;
