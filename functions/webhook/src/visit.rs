//! The person as one webhook meets them.

use std::ops::Deref;

use azukari::host::people;

use crate::Webhook;

/// A visit, and the function it is made to.
pub(crate) struct Visit<'a> {
    pub(crate) webhook: &'a Webhook,
    pub(crate) person: people::Visit<'a>,
}

impl<'a> Deref for Visit<'a> {
    type Target = people::Visit<'a>;

    fn deref(&self) -> &Self::Target {
        &self.person
    }
}
