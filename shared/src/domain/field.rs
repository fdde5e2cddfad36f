//! The names of fields, and which of them an opening asks for.
//!
//! Names lie sealed in the envelope, so `*` cannot be looked up before the entry is
//! written: it is expanded from this catalogue, and the entry names every field.

use std::collections::BTreeSet;

/// Fields of chat messages, other events, profiles, the contact itself, links, and requests.
pub const CATALOGUE: [&str; 47] = [
    // Messages.
    "type",
    "text",
    "emojis",
    "quoted_message_id",
    "provider",
    "original_content_url",
    "preview_image_url",
    "duration_ms",
    "image_set",
    "file_name",
    "file_size",
    "latitude",
    "longitude",
    "title",
    "address",
    "package_id",
    "sticker_id",
    "sticker_resource_type",
    "keywords",
    // Other events.
    "data",
    "params",
    "tracking_id",
    "hwid",
    "beacon_type",
    "device_message",
    "membership_type",
    "membership_id",
    // Profiles.
    "display_name",
    "picture_url",
    "status_message",
    "language",
    // The contact.
    "line_user_id",
    // Links with member ids, and what LINE has told with them (LINE Profile+).
    "member_id",
    "family_name",
    "given_name",
    "middle_name",
    "family_name_pronunciation",
    "given_name_pronunciation",
    "gender",
    "birthdate",
    "phone_number",
    "postal_code",
    "region",
    "locality",
    "street_address",
    "country",
    // Requests to correct and to stop.
    "details",
];

/// Stands in an entry for every answer of the submissions under the purpose: which
/// these are is written in the form's version.
pub const ANSWERS: &str = "answers:*";

/// Most names in a request.
pub const MAX_NAMES: usize = 64;

/// The fields an opening asks for, expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    names: BTreeSet<String>,
    answers: bool,
}

/// Why names are not fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFields {
    /// None was given.
    None,
    /// More than [`MAX_NAMES`].
    TooMany,
    /// One is not made of 1 to 64 of `a-z`, `0-9`, `_` and `-`.
    Name,
}

impl Asked {
    /// Expands the names of a request; `*` is everything.
    ///
    /// # Errors
    /// See [`NoFields`].
    pub fn expand<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, NoFields> {
        let mut asked = Self { names: BTreeSet::new(), answers: false };
        let mut count = 0;
        for name in names {
            count += 1;
            if name == "*" {
                asked.names.extend(CATALOGUE.iter().map(|name| (*name).to_owned()));
                asked.answers = true;
            } else if is_name(name) {
                asked.names.insert(name.to_owned());
            } else {
                return Err(NoFields::Name);
            }
        }
        match count {
            0 => Err(NoFields::None),
            1..=MAX_NAMES => Ok(asked),
            _ => Err(NoFields::TooMany),
        }
    }

    /// Whether a field of a record is asked for; `answer` says that the record is a
    /// submission.
    pub fn wants(&self, name: &str, answer: bool) -> bool {
        (answer && self.answers) || self.names.contains(name)
    }

    /// As the entry names them.
    pub fn names(&self) -> Vec<String> {
        let answers = self.answers.then(|| ANSWERS.to_owned());
        self.names.iter().cloned().chain(answers).collect()
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_expanded() {
        let all = Asked::expand(["*"]).unwrap();
        assert_eq!(all.names().len(), CATALOGUE.len() + 1);
        assert!(all.wants("text", false) && all.wants("guardian", true) && !all.wants("guardian", false));
        let one = Asked::expand(["text", "text"]).unwrap();
        assert_eq!(one.names(), ["text"]);
        assert!(!one.wants("type", false) && !one.wants("guardian", true));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert_eq!(Asked::expand([]), Err(NoFields::None));
        for bad in ["", "**", "#head", "氏名", "a b", &"a".repeat(65)] {
            assert_eq!(Asked::expand([bad]), Err(NoFields::Name), "{bad}");
        }
        assert_eq!(Asked::expand(["a"; 65]), Err(NoFields::TooMany));
    }
}
