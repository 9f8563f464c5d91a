use sendbox_contract::FailureClass;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AlertCode, FailureClassName, Latency, Timestamp};

/// The period of the statistics.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct StatisticsFilter {
    /// The beginning of the period, which is rounded down to the full hour. Defaults to 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// The end of the period, which is rounded up to the full hour: at most 92 days after `from`. Defaults to now.
    pub to: Option<Timestamp>,
    /// The length of a bucket of the series. Defaults to `hour` for up to three days, and to `day` for longer periods. With `hour`, the
    /// period is at most 31 days.
    pub bucket: Option<Bucket>,
}

/// The length of a bucket of a series. Buckets begin with the hour or the day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bucket {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

/// The statistics of a tenant over a period, and alerts. Messages to test numbers are not counted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// The beginning of the period: a full hour.
    pub from: Timestamp,
    /// The end of the period: a full hour, or now.
    pub to: Timestamp,
    /// The length of a bucket of the series.
    pub bucket: Bucket,
    /// The messages that were created in the period, by their current status.
    pub totals: Totals,
    /// The verifications that were created in the period.
    pub conversion: Conversion,
    /// The time from the creation of a message to its acceptance by a provider, in milliseconds: to about 6 %. `null` without any.
    pub latency_ms: Option<Latency>,
    /// Why messages failed or are in doubt, the most frequent class first.
    pub failures: Vec<FailureCount>,
    /// The countries of the messages, the one with the most messages first.
    pub countries: Vec<CountryCount>,
    /// The buckets in order, including those without messages. The first and the last are cut by `from` and `to`.
    pub series: Vec<StatisticsBucket>,
    /// What needs attention now, whatever the period is; the most severe first.
    pub alerts: Vec<Alert>,
}

/// Messages by their status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All messages.
    #[schema(example = 1200)]
    pub messages: u64,
    /// Messages that a provider accepted.
    #[schema(example = 1180)]
    pub accepted: u64,
    /// Accepted messages that were reported as delivered.
    #[schema(example = 1100)]
    pub delivered: u64,
    /// Accepted messages that were reported as undeliverable.
    #[schema(example = 20)]
    pub undelivered: u64,
    /// Messages that were not sent.
    #[schema(example = 12)]
    pub failed: u64,
    /// Messages that may or may not have been sent.
    #[schema(example = 1)]
    pub in_doubt: u64,
    /// Messages whose verification ended before they were sent.
    #[schema(example = 2)]
    pub cancelled: u64,
    /// Messages whose code expired before they were sent.
    #[schema(example = 1)]
    pub expired: u64,
    /// Messages that are queued or being sent.
    #[schema(example = 4)]
    pub in_progress: u64,
    /// The segments of every physical message that may have been sent. A message whose text the provider composes counts as one.
    #[schema(example = 1310)]
    pub segments: u64,
    /// The cost of these segments by the tenant's price list, in millionths of its currency.
    #[schema(example = 58_950_000)]
    pub cost_micros: u64,
}

/// How many verifications were completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Verifications that were created.
    #[schema(example = 1000)]
    pub started: u64,
    /// Verifications that were approved.
    #[schema(example = 840)]
    pub approved: u64,
    /// `approved` divided by `started`. `null` without any.
    #[schema(example = 0.84)]
    pub rate: Option<f64>,
}

impl Conversion {
    /// The conversion of `approved` out of `started`.
    pub fn of(approved: u64, started: u64) -> Self {
        Self { started, approved, rate: (started > 0).then(|| approved as f64 / started as f64) }
    }
}

/// The number of messages with a class of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureCount {
    /// The class of the failure.
    #[schema(value_type = FailureClassName, example = "invalid-recipient")]
    pub class: FailureClass,
    /// The number of messages.
    #[schema(example = 9)]
    pub count: u64,
}

/// The messages to a country.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountryCount {
    /// The country (ISO 3166-1 alpha-2), or `001` for numbers of no country.
    #[schema(example = "DK")]
    pub country: String,
    /// All messages to the country.
    #[schema(example = 900)]
    pub messages: u64,
    /// Messages that a provider accepted.
    #[schema(example = 890)]
    pub accepted: u64,
    /// Accepted messages that were reported as delivered.
    #[schema(example = 850)]
    pub delivered: u64,
    /// Accepted messages that were reported as undeliverable.
    #[schema(example = 15)]
    pub undelivered: u64,
    /// The verifications of the country. Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
}

/// A bucket of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsBucket {
    /// When the bucket begins.
    pub starts_at: Timestamp,
    /// Messages that were created.
    #[schema(example = 50)]
    pub messages: u64,
    /// Messages that a provider accepted.
    #[schema(example = 890)]
    pub accepted: u64,
    /// Accepted messages that were reported as delivered.
    #[schema(example = 46)]
    pub delivered: u64,
    /// Accepted messages that were reported as undeliverable.
    #[schema(example = 15)]
    pub undelivered: u64,
    /// Messages that were not sent.
    #[schema(example = 1)]
    pub failed: u64,
    /// Messages of which nobody knows whether they were sent.
    #[schema(example = 1)]
    pub in_doubt: u64,
    /// The verifications that were created.
    pub verifications: StartedCount,
    /// The time from the creation of a message to its acceptance by a provider, in milliseconds: to about 6 %. `null` without any.
    pub latency_ms: Option<Latency>,
}

impl StatisticsBucket {
    /// A bucket without messages.
    pub fn empty(starts_at: Timestamp) -> Self {
        Self {
            starts_at,
            messages: 0,
            accepted: 0,
            delivered: 0,
            undelivered: 0,
            failed: 0,
            in_doubt: 0,
            verifications: StartedCount { started: 0, approved: 0 },
            latency_ms: None,
        }
    }
}

/// The verifications of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedCount {
    /// Verifications that were created in the bucket.
    #[schema(example = 48)]
    pub started: u64,
    /// How many of them were approved, at any time.
    #[schema(example = 41)]
    pub approved: u64,
}

/// How urgent an alert is.
///
/// - `info`: good to know.
/// - `warning`: needs a look.
/// - `critical`: messages are not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Needs a look.
    Warning,
    /// Messages are not sent.
    Critical,
}

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// How urgent the alert is.
    pub severity: Severity,
    /// What is wrong, and what to do.
    #[schema(
        example = "`main` is active, and its current settings have not been tested successfully. Send a test message."
    )]
    pub message: String,
    /// The alert as a code with values.
    #[serde(flatten)]
    pub code: AlertCode,
    /// What the alert is about. Absent if it is about the whole tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<AlertSubject>,
}

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertSubject {
    /// The kind of the subject.
    pub kind: SubjectKind,
    /// The name of the connection, the id of the connector or hold, or the code of the country.
    #[schema(example = "main")]
    pub id: String,
}

/// The kind of an alert's subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum SubjectKind {
    Connection,
    Connector,
    Country,
    Hold,
}
