//! What a policy version says, line by line, and how it differs from the one before.

use azukari::domain::{
    definition::{PolicyDefinition, Text},
    language::Language,
};
use similar::{ChangeTag, TextDiff};

/// A line of the difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) change: Change,
    pub(crate) text: String,
}

/// What has become of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Kept,
    Added,
    Removed,
}

impl Line {
    pub(crate) fn added(&self) -> bool {
        self.change == Change::Added
    }

    pub(crate) fn removed(&self) -> bool {
        self.change == Change::Removed
    }
}

/// The lines that differ for people of a channel, each with one unchanged line around it.
pub(crate) fn between(
    earlier: &PolicyDefinition,
    later: &PolicyDefinition,
    channel: &str,
    language: Language,
) -> Vec<Line> {
    let (old, new) = (lines(earlier, channel, language), lines(later, channel, language));
    let diff = TextDiff::from_lines(&old, &new);
    let mut changed = Vec::new();
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end().to_owned();
            let change = match change.tag() {
                ChangeTag::Equal => Change::Kept,
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
            };
            changed.push(Line { change, text });
        }
    }
    changed
}

/// Everything a version says to people of a channel, in one language.
fn lines(policy: &PolicyDefinition, channel: &str, language: Language) -> String {
    let pick = |text: &Text| language.of_text(text).to_owned();
    let mut all = vec![pick(&policy.title)];
    all.extend(pick(&policy.body).lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    for terms in &policy.purposes {
        all.push(format!("{}: {}", pick(&terms.title), pick(&terms.retention.words())));
    }
    for rules in policy.channels.iter().filter(|rules| rules.channel == channel) {
        all.push(pick(&rules.before_consent.words()));
        all.push(pick(&rules.block_words()));
    }
    if let Some(business) = &policy.business {
        let facts = [
            &business.name,
            &business.address,
            &business.representative,
            &business.requests,
            &business.fees,
            &business.safety,
            &business.place,
            &business.contact,
        ];
        all.extend(facts.into_iter().flat_map(|text| pick(text).lines().map(str::to_owned).collect::<Vec<_>>()));
    }
    all.iter().map(|line| format!("{line}\n")).collect()
}
