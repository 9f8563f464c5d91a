use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Finding, Latency, Timestamp};

/// Which time to look at.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct StatisticsFilter {
    /// What was taken at or after. Absent: 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// What was taken before. Absent: now. At most 92 days after `from`.
    pub to: Option<Timestamp>,
    /// How the series is parted. Absent: `hour` up to three days, `day` beyond. By hour at most 31 days.
    pub bucket: Option<Bucket>,
}

/// The length of a bucket of a series. Buckets begin with the hour or the day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

/// How a tenant did, and what needs a person. Messages to test numbers are not counted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// What was taken at or after.
    pub from: Timestamp,
    /// What was taken before.
    pub to: Timestamp,
    /// How the series is parted.
    pub bucket: Bucket,
    /// Messages that were taken in this time, by where they are now.
    pub totals: Totals,
    /// Verifications that were started in this time.
    pub conversion: Conversion,
    /// From taking a message to the answer of the provider that took it, over the newest 1,000. `null` without any.
    pub latency_ms: Option<Latency>,
    /// Why messages failed or are in doubt, most frequent first.
    pub failures: Vec<FailureCount>,
    /// Where messages went, most messages first.
    pub countries: Vec<CountryCount>,
    /// Buckets in order, those without messages included. The first and the last hold what lies between `from` and `to`.
    pub series: Vec<Point>,
    /// What needs a person now, whatever time was asked for; the most severe first.
    pub attention: Vec<Attention>,
}

/// Messages, by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All of them.
    pub messages: u64,
    /// A provider took it.
    pub accepted: u64,
    /// Of those: its provider reported that it is there.
    pub delivered: u64,
    /// Of those: its provider reported that it will never be there.
    pub undelivered: u64,
    /// Not sent.
    pub failed: u64,
    /// Nobody knows.
    pub in_doubt: u64,
    /// Their verification ended first.
    pub cancelled: u64,
    /// Their code expired first.
    pub expired: u64,
    /// Neither sent nor given up yet.
    pub under_way: u64,
    /// Parts as billed, of every physical message that may have gone out. A message whose provider makes the text counts as
    /// one part.
    pub segments: u64,
    /// What these cost by the tenant's price list, in millionths.
    pub cost_micros: u64,
}

/// How many codes came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Verifications that were started.
    pub started: u64,
    /// Of those: the right code was given.
    pub approved: u64,
    /// `approved` of `started`; `null` without any.
    pub rate: Option<f64>,
}

impl Conversion {
    /// So many of so many.
    pub fn of(approved: u64, started: u64) -> Self {
        Self { started, approved, rate: (started > 0).then(|| approved as f64 / started as f64) }
    }
}

/// How often messages ended for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureCount {
    /// One of a closed set, like `invalid-recipient`.
    pub class: String,
    /// Messages.
    pub count: u64,
}

/// A country.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountryCount {
    /// ISO 3166-1 alpha-2; `001` for numbers of no country.
    #[schema(example = "DK")]
    pub country: String,
    /// Messages there.
    pub messages: u64,
    /// Of those: a provider took it.
    pub accepted: u64,
    /// Of those: the provider reported that it is there.
    pub delivered: u64,
    /// Or that it will never be there.
    pub undelivered: u64,
    /// Of the verifications there, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
}

/// A bucket of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// When the bucket begins.
    pub at: Timestamp,
    /// Messages that were taken.
    pub messages: u64,
    /// Of those: a provider took it.
    pub accepted: u64,
    /// Of these: its provider reported that it is there.
    pub delivered: u64,
    /// Or that it will never be there.
    pub undelivered: u64,
    /// Of those that were taken: not sent.
    pub failed: u64,
    /// Verifications that were started.
    pub verifications: StartedCount,
    /// From taking a message to the answer of the provider that took it, over the newest 100 of the bucket that a provider
    /// took. `null` without any.
    pub latency_ms: Option<Latency>,
}

impl Point {
    /// A bucket in which nothing happened.
    pub fn empty(at: Timestamp) -> Self {
        Self {
            at,
            messages: 0,
            accepted: 0,
            delivered: 0,
            undelivered: 0,
            failed: 0,
            verifications: StartedCount { started: 0, approved: 0 },
            latency_ms: None,
        }
    }
}

/// Verifications of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedCount {
    /// That were started in it.
    pub started: u64,
    /// Of those: the right code was given, whenever that was.
    pub approved: u64,
}

/// How urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be looked at.
    Warning,
    /// Messages are not sent.
    Critical,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attention {
    /// How urgent it is.
    pub severity: Severity,
    /// What it is and what to do, in words.
    pub text: String,
    /// The same as data.
    #[serde(flatten)]
    pub finding: Finding,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Subject>,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// Of which kind.
    pub kind: SubjectKind,
    /// A name of a connection, an id of a connector or hold, a code of a country.
    pub id: String,
}

/// Kinds of things that can need a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum SubjectKind {
    Connection,
    Connector,
    Country,
    Hold,
}
