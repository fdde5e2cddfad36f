//! How every page begins: with the channel that it is about and the language that it is in;
//! and, where a form of ours is sent, with the page that it comes from and what it says.

use axum::{
    extract::{
        Path, Query,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    response::Response,
};
use azukari::{domain::language::Language, host::pages};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Link, service::Linking, words::Trouble};

/// The name of a channel, in an address.
pub(crate) type ChannelPath = Result<Path<String>, PathRejection>;
/// A ticket, in an address.
pub(crate) type TicketQuery = Result<Query<Ticket>, QueryRejection>;
/// What a form sends.
pub(crate) type SentBody = Result<Bytes, BytesRejection>;

/// What an address holds that leads to a step.
#[derive(Deserialize)]
pub(crate) struct Ticket {
    ticket: String,
}

/// The ticket of an address. Without one it is empty, and leads nowhere.
pub(crate) fn ticket_of(query: TicketQuery) -> String {
    query.ok().map(|Query(ticket)| ticket.ticket).unwrap_or_default()
}

impl Link {
    /// Somebody opens a page: its channel, and the language that they ask for or prefer.
    /// Otherwise the page that says why there is none.
    pub(crate) async fn opened(
        &self,
        channel: ChannelPath,
        lang: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<(Linking<'_>, Language), Response> {
        let language = pages::language(lang, headers);
        let Ok(Path(channel)) = channel else { return Err(self.trouble(Trouble::NotFound, language, None)) };
        match self.channel(&channel).await {
            Ok(linking) => Ok((linking, language)),
            Err(no_channel) => Err(self.no_channel(&no_channel, language)),
        }
    }

    /// Somebody sends a form: the same, and what it says. A page of somebody else sends none
    /// of ours.
    pub(crate) async fn sent<T: DeserializeOwned>(
        &self,
        channel: ChannelPath,
        headers: &HeaderMap,
        body: SentBody,
    ) -> Result<(Linking<'_>, Language, T), Response> {
        let (linking, language) = self.opened(channel, None, headers).await?;
        if pages::comes_from_elsewhere(headers, &self.origin) {
            return Err(self.trouble(Trouble::OtherSite, language, None));
        }
        match body.ok().and_then(|body| read(&body)) {
            Some(form) => Ok((linking, language, form)),
            None => Err(self.trouble(Trouble::NotRead, language, None)),
        }
    }
}

/// Reads what a form of ours sends.
fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    std::str::from_utf8(body).ok()?;
    let pairs = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    serde_json::from_value(serde_json::Value::Object(pairs.collect())).ok()
}
