//! Undoing a link with a member id: what only the link needed is erased, and nothing that
//! is newer than the wish.

use azukari::{
    domain::{
        id::{ChannelName, SubjectId},
        link::{MemberDigest, Part},
        person::Standing,
        time::UnixMs,
    },
    store::{Outcome, due::DueRow, key, link::with_linkage, order::UnlinkOrder},
};

use crate::sweep::{Fault, Handled, Run};

/// An order to unlink is due: look-up, link and order go, in this order, so that a run that
/// breaks off is taken up again.
pub(crate) async fn order(run: &Run<'_>, order: &UnlinkOrder) -> Result<Handled, Fault> {
    let UnlinkOrder { subject, channel, member, as_of, .. } = order;
    lead_nowhere(run, *subject, channel, member, *as_of).await?;
    run.vault.delete_link(channel, member, *subject, *as_of).await?;
    run.vault.end_unlink(order).await?;
    Ok(Handled::Unlinked)
}

/// The row of a link is due, and nothing speaks for it: the link goes with it. `false` if
/// its person has changed at this very moment: the next run sees to it.
pub(crate) async fn due(run: &Run<'_>, row: &DueRow) -> Result<bool, Fault> {
    let Some((channel, member)) = key::linked_member(&row.sk) else { return Ok(true) };
    if let Some(facts) = run.vault.subject(row.subject).await? {
        let mapping = run.vault.mapping(&facts.mapping, run.now).await?;
        if let Standing::Known(person) = &mapping.standing
            && person.key.subject == row.subject
            && person.link.is_with(&member)
        {
            let Part::Unlink { now, .. } = person.link.part(run.now) else { return Ok(false) };
            let unlinked = with_linkage(person, now);
            if run.vault.put_mapping(&facts.mapping, &mapping, &unlinked).await?.is_none() {
                return Ok(false);
            }
        }
    }
    lead_nowhere(run, row.subject, &channel, &member, run.now).await?;
    Ok(true)
}

/// A row of a person who is being erased: what leads to them by it goes first.
pub(crate) async fn forget(run: &Run<'_>, subject: SubjectId, sk: &str) -> Result<(), Fault> {
    match key::linked_member(sk) {
        Some((channel, member)) => lead_nowhere(run, subject, &channel, &member, run.now).await.map(drop),
        None => Ok(()),
    }
}

/// The member id no longer leads to the person, unless by a newer link.
async fn lead_nowhere(
    run: &Run<'_>,
    subject: SubjectId,
    channel: &ChannelName,
    member: &MemberDigest,
    as_of: UnixMs,
) -> Result<Outcome, Fault> {
    Ok(run.vault.delete_member(channel, member, subject, as_of, run.now).await?)
}
