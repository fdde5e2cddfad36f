//! Parameters of a query or of a form: each at most once (RFC 6749 §3.1).

use std::collections::{BTreeMap, BTreeSet};

/// Parameters by name.
pub(super) struct Parameters {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
}

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`. A parameter without a value is left out.
    pub(super) fn parse(text: &[u8]) -> Self {
        let (mut values, mut repeated) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in form_urlencoded::parse(text).into_owned() {
            if value.is_empty() {
                continue;
            }
            if values.insert(name.clone(), value).is_some() {
                repeated.insert(name);
            }
        }
        Self { values, repeated }
    }

    /// The value of a parameter that is there once.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        if self.repeated.contains(name) { None } else { Some(value) }
    }

    /// Whether a parameter is there more than once.
    pub(super) fn repeat(&self) -> bool {
        !self.repeated.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn a_parameter_that_is_repeated_has_no_value() {
        let read = Parameters::parse("a=1&b=%E3%81%82+1&c=&a=2".as_bytes());
        assert_eq!((read.get("a"), read.get("b"), read.get("c")), (None, Some("あ 1"), None));
        assert!(read.repeat() && !Parameters::parse(b"a=1&b=1").repeat());
    }
}
