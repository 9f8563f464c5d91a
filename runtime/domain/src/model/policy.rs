use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sensitive;

/// What a tenant decides about codes, limits, countries and delivery, within the bounds that stand at each field.
/// What is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Codes that Sendbox makes.
    pub codes: CodePolicy,
    /// Limits on the way in.
    pub limits: LimitPolicy,
    /// Where messages may go.
    pub countries: Countries,
    /// What messages may cost. Absent: no cap.
    pub spend: Option<SpendPolicy>,
    /// Retries, fallbacks, routes.
    pub delivery: DeliveryPolicy,
    /// The domain of the origin-bound line `@domain #code` that the host puts under every text (WICG). Absent: no line.
    #[schema(max_length = 253, example = "example.com")]
    pub origin_domain: Option<String>,
}

/// Codes that Sendbox makes (NIST SP 800-63B-4: at least 6 digits, at most 10 minutes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CodePolicy {
    /// Digits: 6 to 10.
    #[schema(minimum = 6, maximum = 10, default = 6)]
    pub digits: u8,
    /// How long a code lives: 60 to 600 s.
    #[schema(minimum = 60, maximum = 600, default = 600)]
    pub lifetime_seconds: u32,
    /// Tries of one code: 1 to 10.
    #[schema(minimum = 1, maximum = 10, default = 5)]
    pub tries: u32,
    /// Codes that one verification sends at most, the first included: 1 to 10.
    #[schema(minimum = 1, maximum = 10, default = 4)]
    pub sends: u32,
}

impl Default for CodePolicy {
    fn default() -> Self {
        Self { digits: 6, lifetime_seconds: 600, tries: 5, sends: 4 }
    }
}

/// How many messages are let in. Each is exact, over any window of its length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitPolicy {
    /// To one number in an hour: 1 to 100.
    #[schema(minimum = 1, maximum = 100, default = 5)]
    pub number_per_hour: u32,
    /// To one number in a day: 1 to 1000.
    #[schema(minimum = 1, maximum = 1000, default = 15)]
    pub number_per_day: u32,
    /// To the thousand numbers that differ in the last three digits only, in an hour: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1000000, default = 60)]
    pub prefix_per_hour: u32,
    /// From one end user's address (IPv6: /64) in an hour, where the platform names it: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1000000, default = 30)]
    pub ip_per_hour: u32,
    /// Over one connection in a minute: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1000000, default = 6000)]
    pub connection_per_minute: u32,
    /// Of the tenant in a minute: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1000000, default = 6000)]
    pub tenant_per_minute: u32,
    /// Of the tenant in a day: 1 to 100,000,000.
    #[schema(minimum = 1, maximum = 100000000, default = 100000)]
    pub tenant_per_day: u32,
    /// Between two messages of one usage to one number: 0 to 600 s. Doubles with each further one, up to ten minutes, and
    /// starts again after an hour of quiet.
    #[schema(minimum = 0, maximum = 600, default = 30)]
    pub cooldown_seconds: u32,
}

impl Default for LimitPolicy {
    fn default() -> Self {
        Self {
            number_per_hour: 5,
            number_per_day: 15,
            prefix_per_hour: 60,
            ip_per_hour: 30,
            connection_per_minute: 6000,
            tenant_per_minute: 6000,
            tenant_per_day: 100_000,
            cooldown_seconds: 30,
        }
    }
}

/// Where messages may go. A new production tenant starts with none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Countries {
    /// Every country. For trying out: a production tenant should name its own.
    pub all: bool,
    /// ISO 3166-1 alpha-2, upper case. Ignored with `all`. Numbers of no country (+800, …) are `001`.
    #[schema(example = json!(["DK", "DE"]))]
    pub only: BTreeSet<String>,
}

impl Default for Countries {
    /// None.
    fn default() -> Self {
        Self { all: false, only: BTreeSet::new() }
    }
}

/// What messages may cost in a calendar month (UTC), by the tenant's own price list. A message is refused that could
/// exceed the cap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpendPolicy {
    /// ISO 4217. A label: nothing is converted.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// In millionths of the currency.
    #[schema(minimum = 0, maximum = 1000000000000000i64, example = 100000000)]
    pub cap_per_month_micros: u64,
    /// What a segment costs where `prices` has no entry, in millionths.
    #[schema(minimum = 0, maximum = 1000000000, example = 80000)]
    pub price_per_segment_micros: u64,
    /// What a segment costs by country, in millionths.
    #[serde(default)]
    pub prices: BTreeMap<String, u64>,
}

/// What to do when a send did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeliveryPolicy {
    /// Physical messages that one request may cause at most, over retries, fallbacks and crashes: 1 to 3.
    #[schema(minimum = 1, maximum = 3, default = 2)]
    pub most_messages: u32,
    /// What to do when nobody knows whether a message went out.
    pub in_doubt: InDoubt,
    /// Connections to try in this order when the one that was chosen cannot send. At most 5.
    #[schema(max_items = 5)]
    pub fallbacks: Vec<String>,
    /// By country of the number: the connection to use instead of the active one.
    pub routes: BTreeMap<String, String>,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self { most_messages: 2, in_doubt: InDoubt::PreferSilence, fallbacks: Vec::new(), routes: BTreeMap::new() }
    }
}

/// What to do when nobody knows whether a message went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InDoubt {
    /// Leave it: no user gets two messages.
    PreferSilence,
    /// Send again by another connection: a user may get two messages with the same code.
    PreferDelivery,
}

/// A number that never gets a message, with the code that always fits it. For automated tests of the platform.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestNumber {
    /// E.164.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub number: Sensitive,
    /// 6 to 10 digits. Never returned.
    #[schema(value_type = String, write_only, pattern = "^[0-9]{6,10}$")]
    pub code: Sensitive,
}

/// The test numbers of a tenant. At most 20.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestNumbers {
    /// All of them: what is not here is removed.
    #[schema(max_items = 20)]
    pub numbers: Vec<TestNumber>,
}

/// What is shown of test numbers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestNumbersView {
    /// Masked, in the order given.
    #[schema(example = json!(["+45…78"]))]
    pub numbers: Vec<String>,
}
