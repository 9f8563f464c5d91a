use std::collections::{BTreeMap, BTreeSet};

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Sensitive, UsageName};

/// The policy of a tenant: codes, limits, countries, spending and delivery. What you leave out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// The codes that Sendbox makes.
    pub codes: CodePolicy,
    /// Limits on messages and verifications.
    pub limits: LimitPolicy,
    /// Messages without a code.
    pub notices: NoticePolicy,
    /// The countries that messages may be sent to.
    pub countries: Countries,
    /// The kinds of numbers that messages may be sent to.
    pub numbers: NumberPolicy,
    /// What messages may cost. `null` means no cap, which is the default, since only you know your prices. Until you set one,
    /// `limits.tenantPerDay` bounds what a tenant can spend.
    pub spend: Option<SpendPolicy>,
    /// Retries, fallbacks and routes.
    pub delivery: DeliveryPolicy,
    /// The domain of the origin-bound line `@domain #code` that is added to every text, so that browsers fill the code in on that
    /// domain only (WICG). `null` means no line.
    #[schema(max_length = 253, example = "example.com")]
    pub origin_domain: Option<String>,
}

/// The codes that Sendbox makes. The bounds follow NIST SP 800-63B-4: at least 6 digits, valid for at most 10 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CodePolicy {
    /// The number of digits.
    #[schema(minimum = 6, maximum = 10, default = 6)]
    pub digits: u8,
    /// How many seconds a code is valid.
    #[schema(minimum = 60, maximum = 600, default = 600)]
    pub lifetime_seconds: u32,
    /// How often one code can be checked.
    #[schema(minimum = 1, maximum = 10, default = 5)]
    pub max_tries: u32,
    /// How many codes one verification can send, the first included.
    #[schema(minimum = 1, maximum = 10, default = 4)]
    pub max_sends: u32,
}

impl Default for CodePolicy {
    fn default() -> Self {
        Self { digits: 6, lifetime_seconds: 600, max_tries: 5, max_sends: 4 }
    }
}

/// Limits on messages. Each is exact over every window of its length. Spellings of a number that reach one handset, such as
/// `+39 0347 …` and `+39 347 …`, count as one number.
///
/// A message that was certainly not sent gives back its places by number, prefix and address, and its pause. Each of these limits gives
/// back at most as many places in its window as it has; what fails after that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitPolicy {
    /// Messages to one number in an hour.
    #[schema(minimum = 1, maximum = 100, default = 5)]
    pub number_per_hour: u32,
    /// Messages to one number in a day.
    #[schema(minimum = 1, maximum = 1000, default = 15)]
    pub number_per_day: u32,
    /// Messages in an hour to the thousand numbers that share all but their last three digits.
    #[schema(minimum = 1, maximum = 1000000, default = 60)]
    pub prefix_per_hour: u32,
    /// Messages in an hour on behalf of one end user's IP address (IPv6: /64), where you give `clientIp`.
    #[schema(minimum = 1, maximum = 1000000, default = 30)]
    pub ip_per_hour: u32,
    /// Messages over one connection in a minute.
    #[schema(minimum = 1, maximum = 1000000, default = 6000)]
    pub connection_per_minute: u32,
    /// Messages of the tenant in a minute.
    #[schema(minimum = 1, maximum = 1000000, default = 6000)]
    pub tenant_per_minute: u32,
    /// Messages of the tenant in a day. A new development tenant starts with 500.
    #[schema(minimum = 1, maximum = 100000000, default = 10000)]
    pub tenant_per_day: u32,
    /// How many seconds must pass between two messages of one usage to one number. Doubles with each further message, up to ten
    /// minutes, and starts over after an hour without one.
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
            tenant_per_day: 10_000,
            cooldown_seconds: 30,
        }
    }
}

/// Notices: messages without a code, such as an invitation with a link, or a text of your platform that holds no code. They have limits and
/// templates of their own, so that they use up no place of a code. The limits by prefix, address, connection and tenant, and the spend cap,
/// count them, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NoticePolicy {
    /// Whether notices are sent. Otherwise a message without a code is refused, and an ingress answers its platform as if it had been sent.
    #[schema(default = true)]
    pub enabled: bool,
    /// Notices to one number in a day. They count in place of `limits.numberPerHour`, `limits.numberPerDay` and `limits.cooldownSeconds`.
    #[schema(minimum = 1, maximum = 1000, default = 10)]
    pub number_per_day: u32,
    /// Notices of the tenant in a day.
    #[schema(minimum = 1, maximum = 100000000, default = 1000)]
    pub tenant_per_day: u32,
    /// What is sent if the request has no text of its own. Without a template that fits, the connection's template for the usage is sent, if
    /// it has no `{{code}}`.
    #[schema(max_items = 100)]
    pub templates: Vec<NoticeTemplate>,
}

impl Default for NoticePolicy {
    fn default() -> Self {
        Self { enabled: true, number_per_day: 10, tenant_per_day: 1000, templates: Vec::new() }
    }
}

/// A template of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticeTemplate {
    /// The purpose. `generic` is for every usage without a template of its own.
    #[schema(value_type = UsageName, example = "organization-invitation")]
    pub usage: Usage,
    /// The language (BCP 47). Without it, for every language without a template of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// The text, with placeholders for the variables of the message, like `{{link}}`. It must not contain `{{code}}`.
    #[schema(min_length = 1, max_length = 8192, example = "You are invited: {{link}}")]
    pub content: String,
}

/// The countries that messages may be sent to. A new production tenant starts with none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Countries {
    /// Whether every country is allowed. Meant for development: a production tenant should list its countries.
    pub all: bool,
    /// The countries that are allowed (ISO 3166-1 alpha-2). Ignored if `all` is set. `001` stands for numbers of no country (+800, …).
    #[schema(example = json!(["DK", "DE"]))]
    pub only: BTreeSet<String>,
}

impl Default for Countries {
    /// None.
    fn default() -> Self {
        Self { all: false, only: BTreeSet::new() }
    }
}

/// The kinds of numbers that messages may be sent to, besides mobile numbers. The kind comes from the numbering plan of the country; a number
/// of which the plan does not tell the kind is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NumberPolicy {
    /// Landlines. Some networks read messages out.
    #[schema(default = true)]
    pub landlines: bool,
    /// Premium rate numbers, whose owners earn from each message.
    #[schema(default = false)]
    pub premium_rate: bool,
    /// Numbers whose costs are shared between both sides.
    #[schema(default = false)]
    pub shared_cost: bool,
    /// Personal numbers that lead to another one, like 070 in the United Kingdom.
    #[schema(default = false)]
    pub personal: bool,
    /// Pagers. Many cannot show codes.
    #[schema(default = false)]
    pub pagers: bool,
}

impl Default for NumberPolicy {
    /// Landlines.
    fn default() -> Self {
        Self { landlines: true, premium_rate: false, shared_cost: false, personal: false, pagers: false }
    }
}

/// What messages may cost in a calendar month (UTC), by the tenant's own price list. A message that could exceed the cap is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpendPolicy {
    /// The currency (ISO 4217). It is a label: nothing is converted.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// The cap in millionths of the currency.
    #[schema(minimum = 0, maximum = 1000000000000000i64, example = 100000000)]
    pub cap_per_month_micros: u64,
    /// The price of a segment to countries that `prices` does not list, in millionths of the currency.
    #[schema(minimum = 0, maximum = 1000000000, example = 80000)]
    pub price_per_segment_micros: u64,
    /// The price of a segment by country, in millionths of the currency.
    #[serde(default)]
    #[schema(example = json!({"DK": 45000, "DE": 82000}))]
    pub prices: BTreeMap<String, u64>,
}

/// What to do when a message could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeliveryPolicy {
    /// How many physical messages one request may cause, over retries, fallbacks and crashes.
    #[schema(minimum = 1, maximum = 3, default = 2)]
    pub max_messages: u32,
    /// What to do when nobody knows whether a message was sent.
    pub in_doubt: InDoubt,
    /// The connections to try, in this order, when the chosen one cannot send.
    #[schema(max_items = 5, example = json!(["backup"]))]
    pub fallbacks: Vec<String>,
    /// The connection to use instead of the active one, by the country of the number.
    #[schema(example = json!({"SE": "nordic"}))]
    pub routes: BTreeMap<String, String>,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self { max_messages: 2, in_doubt: InDoubt::PreferSilence, fallbacks: Vec::new(), routes: BTreeMap::new() }
    }
}

/// What to do when nobody knows whether a message was sent.
///
/// - `prefer-silence`: do not try again, so that no user gets two messages.
/// - `prefer-delivery`: try again over another connection. A user may get two messages with the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InDoubt {
    /// Do not try again, so that no user gets two messages.
    PreferSilence,
    /// Try again over another connection. A user may get two messages with the same code.
    PreferDelivery,
}

/// A number that never receives a message, and its code, which is always right. For automated tests of your platform.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestNumber {
    /// The phone number in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub number: Sensitive,
    /// The code: 6 to 10 digits. It is never returned.
    #[schema(value_type = String, write_only, pattern = "^[0-9]{6,10}$", example = "424242")]
    pub code: Sensitive,
}

/// The test numbers of a tenant.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestNumbers {
    /// Every test number. One that you leave out is removed.
    #[schema(max_items = 20)]
    pub numbers: Vec<TestNumber>,
}

/// The test numbers of a tenant, masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MaskedTestNumbers {
    /// The numbers, masked, in the order in which they were given.
    #[schema(example = json!(["+45…78"]))]
    pub numbers: Vec<String>,
}
