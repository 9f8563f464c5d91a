use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A time in UTC, in RFC 3339 format with up to three fractional digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T20:21:33Z")]
pub struct Timestamp(pub i64);

/// The latest time that RFC 3339 can express: 9999-12-31T23:59:59Z.
const LATEST: i64 = 253_402_300_799_000;

impl Timestamp {
    /// Adds seconds. Saturates at the end of the year 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// Adds milliseconds. Saturates at the end of the year 9999.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)).min(LATEST))
    }

    /// Subtracts milliseconds.
    #[must_use]
    pub fn minus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_sub(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// Milliseconds since `earlier`; 0 if `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Seconds from `now` until this time, rounded up so that a client that waits this long does not come too early.
    pub fn seconds_from(self, now: Self) -> u64 {
        self.millis_since(now).div_ceil(1000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0.clamp(0, LATEST)) * 1_000_000;
        let written = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|at| at.format(&Rfc3339).ok());
        f.write_str(written.as_deref().unwrap_or("1970-01-01T00:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let at = OffsetDateTime::parse(&text, &Rfc3339)
            .map_err(|_| serde::de::Error::custom("must be a time like 2026-11-23T20:21:33Z (RFC 3339)"))?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000)
            .map(Self)
            .map_err(|_| serde::de::Error::custom("is a time that cannot be stored"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        for (millis, text) in [(0, "1970-01-01T00:00:00Z"), (1_795_465_293_250, "2026-11-23T20:21:33.25Z")] {
            assert_eq!(Timestamp(millis).to_string(), text);
            let read: Timestamp = serde_json::from_value(serde_json::json!(text)).unwrap();
            assert_eq!(read, Timestamp(millis));
        }
        assert!(serde_json::from_value::<Timestamp>(serde_json::json!("yesterday")).is_err());
        assert_eq!(Timestamp(i64::MAX).plus_seconds(1).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn waiting_rounds_up() {
        assert_eq!(Timestamp(1001).seconds_from(Timestamp(0)), 2);
        assert_eq!(Timestamp(0).seconds_from(Timestamp(5000)), 0);
    }
}
