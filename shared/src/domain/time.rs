//! Points in time as values. The domain never reads a clock.

use std::fmt;

use jiff::{Span, Timestamp, civil, tz::TimeZone};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z: the unit
/// of LINE's event times and of every time attribute in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UnixMs(i64);

/// The last millisecond of year 9998: far enough for any rule, and inside what a
/// calendar can hold with room for a retention of centuries.
const LATEST: i64 = 253_370_764_799_999;

impl UnixMs {
    /// From milliseconds; values outside 1970 to 9998 are moved to the nearer end.
    pub const fn new(ms: i64) -> Self {
        if ms < 0 {
            Self(0)
        } else if ms > LATEST {
            Self(LATEST)
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since 1970.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Seconds since 1970, the unit of DynamoDB's TTL attribute.
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Later by a length of time (earlier when negative).
    pub const fn plus(self, ms: i64) -> Self {
        Self::new(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this, negative when it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The hour in UTC, as used in due slots: `2026-11-21T09`.
    pub fn hour(self) -> Hour {
        Hour(self.0 / HOUR_MS)
    }

    /// The day in Japan.
    pub fn tokyo_day(self) -> Day {
        Day(self.timestamp().to_zoned(tokyo()).date())
    }

    /// The month in Japan: `2026-11`.
    pub fn tokyo_month(self) -> String {
        self.timestamp().to_zoned(tokyo()).strftime("%Y-%m").to_string()
    }

    /// Day and minute in Japan, for people to read: `2026-11-21 12:00`.
    pub fn tokyo_minute(self) -> String {
        self.timestamp().to_zoned(tokyo()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Later by a calendar length, counted in Japan.
    pub fn plus_span(self, span: Span) -> Self {
        let zoned = self.timestamp().to_zoned(tokyo());
        match zoned.checked_add(span) {
            Ok(later) => Self::new(later.timestamp().as_millisecond()),
            Err(_) => Self(LATEST),
        }
    }

    fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

/// One second.
pub const SECOND_MS: i64 = 1_000;
/// One hour.
pub const HOUR_MS: i64 = 3_600_000;
/// One day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The one time zone of the rules, compiled in: Asia/Tokyo.
fn tokyo() -> TimeZone {
    jiff::tz::get!("Asia/Tokyo")
}

/// An hour of UTC time, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Hour(i64);

impl Hour {
    /// From the count of hours since 1970, as stored in a cursor.
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// Hours since 1970.
    pub const fn count(self) -> i64 {
        self.0
    }

    /// Its first millisecond.
    pub const fn start(self) -> UnixMs {
        UnixMs::new(self.0 * HOUR_MS)
    }

    /// Later by a number of hours.
    pub const fn plus(self, hours: i64) -> Self {
        Self(self.0 + hours)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().timestamp().strftime("%Y-%m-%dT%H"))
    }
}

/// A calendar day in Japan: `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(civil::Date);

impl Day {
    /// Parses `2026-11-21`.
    ///
    /// # Errors
    /// Not a calendar date.
    pub fn parse(text: &str) -> Result<Self, super::id::Malformed> {
        text.parse().map(Self).map_err(|_| super::id::Malformed("day"))
    }

    /// Its first millisecond, midnight in Japan.
    pub fn start(self) -> UnixMs {
        match self.0.to_zoned(tokyo()) {
            Ok(zoned) => UnixMs::new(zoned.timestamp().as_millisecond()),
            Err(_) => UnixMs::new(0),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Times in documents, as RFC 3339 writes them in UTC: `2026-11-21T03:00:00.5Z`.
pub mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::UnixMs;

    /// Writes it.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(at: &UnixMs, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is not such a time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMs, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(UnixMs::new(at.as_millisecond()))
    }

    /// The same for a time that may be absent.
    pub mod maybe {
        use serde::{Deserialize, Deserializer, Serializer};

        use super::UnixMs;

        /// Writes it.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer>(at: &Option<UnixMs>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads it.
        ///
        /// # Errors
        /// It is not such a time.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixMs>, D::Error> {
            #[derive(Deserialize)]
            struct Time(#[serde(with = "super")] UnixMs);
            Option::<Time>::deserialize(deserializer).map(|time| time.map(|Time(at)| at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT_TOKYO: UnixMs = UnixMs::new(1_795_186_800_000); // 2026-11-20T15:00:00Z

    #[test]
    fn a_day_starts_at_midnight_in_japan() {
        assert_eq!(MIDNIGHT_TOKYO.tokyo_day().to_string(), "2026-11-21");
        assert_eq!(MIDNIGHT_TOKYO.plus(-1).tokyo_day().to_string(), "2026-11-20");
        assert_eq!(Day::parse("2026-11-21").unwrap().start(), MIDNIGHT_TOKYO);
    }

    #[test]
    fn an_hour_is_named_in_utc() {
        assert_eq!(MIDNIGHT_TOKYO.hour().to_string(), "2026-11-20T15");
        assert_eq!(MIDNIGHT_TOKYO.plus(-1).hour().to_string(), "2026-11-20T14");
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        let end_of_january = Day::parse("2027-01-31").unwrap().start();
        assert_eq!(end_of_january.plus_span(Span::new().months(1)).tokyo_day().to_string(), "2027-02-28");
        let leap_day = Day::parse("2028-02-29").unwrap().start();
        assert_eq!(leap_day.plus_span(Span::new().years(1)).tokyo_day().to_string(), "2029-02-28");
    }

    #[test]
    fn absurd_times_stay_in_range() {
        assert_eq!(UnixMs::new(-5).get(), 0);
        assert_eq!(UnixMs::new(i64::MAX).plus(i64::MAX), UnixMs::new(i64::MAX));
        assert!(UnixMs::new(i64::MAX).plus_span(Span::new().years(9_000)).get() > 0);
    }
}
