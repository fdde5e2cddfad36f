//! Words from outside that may be logged: codes of a service, ids of a request.

/// What stands in the place of a text that is no word.
pub const NO_WORD: &str = "?";

/// Longest word.
const LONGEST: usize = 64;

/// The word, if it is one: letters, digits, `.`, `_` and `-`, at most 64. Anything else could
/// be a text of somebody's, and becomes `?`.
pub fn word(text: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(fits) { text } else { NO_WORD }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_no_room_for_a_text() {
        for good in ["ThrottlingException", "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "opener-00ff", "message.id"] {
            assert_eq!(word(good), good);
        }
        let long = "a".repeat(LONGEST + 1);
        for bad in ["", "two words", "山田", "a@example.jp", "line\nbreak", &long] {
            assert_eq!(word(bad), NO_WORD, "{bad}");
        }
    }
}
