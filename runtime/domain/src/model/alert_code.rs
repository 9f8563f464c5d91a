use std::fmt;

use sendbox_contract::FailureClass;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FailureClassName, Timestamp};

/// What needs attention: a code, and the values in its sentence. No value holds a phone number, a code or a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum AlertCode {
    /// No connection is active, and flows are enabled.
    NoActiveConnection {
        /// The enabled flows, joined with `, `.
        #[schema(example = "sign-up, sign-in")]
        flows: String,
    },
    /// The policy of a production tenant allows no country.
    NoCountry {},
    /// The active connection has no template for some usages.
    TemplateMissing {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
        /// The usages without a template, joined with `, `.
        #[schema(example = "register, sign-in")]
        missing: String,
    },
    /// The active connection is incompatible with every version of its connector.
    ConnectionIncompatible {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
        /// What is incompatible.
        #[schema(example = "/parameters/sender: must be given")]
        why: String,
    },
    /// No test message of the active connection's current configuration was accepted.
    ConnectionUntested {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
    },
    /// Providers accepted too few of the messages.
    FewAccepted {
        /// The percentage that was accepted.
        #[schema(example = 62)]
        percent: u64,
        /// The number of messages.
        #[schema(example = 210)]
        messages: u64,
        /// The period.
        span: Span,
    },
    /// Of the last day's messages that providers reported on, too many were not delivered.
    FewDelivered {
        /// The percentage that was not delivered.
        #[schema(example = 31)]
        percent: u64,
        /// The number of messages that were reported on.
        #[schema(example = 180)]
        messages: u64,
    },
    /// Attempts of the last hour failed because of a connection's account.
    AccountRefused {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
        /// The class of the failures.
        #[schema(value_type = FailureClassName, example = "authentication-failed")]
        class: FailureClass,
        /// How many attempts failed.
        #[schema(example = 12)]
        times: u64,
    },
    /// The same, but the connection has sent successfully since.
    AccountRecovered {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
        /// The class of the failures.
        #[schema(value_type = FailureClassName, example = "authentication-failed")]
        class: FailureClass,
        /// How many attempts failed.
        #[schema(example = 12)]
        times: u64,
    },
    /// A connection failed too often and is paused for up to five minutes.
    ConnectionPaused {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
    },
    /// Nothing is sent to some numbers because a provider suspects fraud.
    NumbersHeld {
        /// How many thousand numbers are affected.
        #[schema(example = 1)]
        thousands: u64,
        /// When the last hold expires.
        until: Timestamp,
    },
    /// The spend cap of the month is used up.
    SpendCapReached {},
    /// Most of the spend cap of the month is used.
    SpendCapNear {
        /// The percentage that is used.
        #[schema(example = 87)]
        percent: u64,
    },
    /// A version of a connector was rolled back automatically.
    VersionRolledBack {
        /// The id of the connector.
        #[schema(example = "acme-sms")]
        connector: String,
        /// When it was rolled back.
        at: Timestamp,
        /// Why, as a sentence.
        #[schema(example = "7 of its 8 attempts failed")]
        reason: String,
        /// Why, as a code: `misbehaved`, `mostly-failed` or `failed-more`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(example = "mostly-failed")]
        because: Option<&'static str>,
    },
    /// Few verifications of one country are completed: a sign of SMS pumping.
    CountryPumped {
        /// The country (ISO 3166-1 alpha-2), or `001` for numbers of no country.
        #[schema(example = "DK")]
        country: String,
        /// The percentage of its verifications that was completed.
        #[schema(example = 4)]
        percent: u64,
        /// The number of its verifications.
        #[schema(example = 300)]
        verifications: u64,
        /// The percentage that was completed in all other countries.
        #[schema(example = 71)]
        elsewhere: u64,
    },
    /// Secrets of a connection are older than a year.
    SecretsOld {
        /// The name of the connection.
        #[schema(example = "main")]
        connection: String,
        /// The names of up to three secrets, joined with `, `.
        #[schema(example = "authToken")]
        names: String,
        /// How many more secrets there are.
        #[schema(example = 0)]
        more: u64,
    },
}

/// A period that ends now: the last `hour` or the last `day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

/// A sentence that says what is wrong and what to do.
impl fmt::Display for AlertCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoActiveConnection { flows } => write!(
                f,
                "No connection is active, so nothing can be sent, and flows are on ({flows}). Set up a connection and activate it."
            ),
            Self::NoCountry {} => f.write_str(
                "No country is allowed, so every message is refused. Name the countries of your users in the policy.",
            ),
            Self::TemplateMissing { connection, missing } => write!(
                f,
                "Flows are on, and `{connection}` has no template for: {missing}. Add them to the connection."
            ),
            Self::ConnectionIncompatible { connection, why } => {
                write!(f, "`{connection}` is no longer compatible with its connector and cannot send: {why}.")
            }
            Self::ConnectionUntested { connection } => write!(
                f,
                "`{connection}` is active, and its current settings have not been tested successfully. Send a test message."
            ),
            Self::FewAccepted { percent, messages, span } => {
                let span = match span {
                    Span::Hour => "hour",
                    Span::Day => "day",
                };
                write!(
                    f,
                    "Providers accepted only {percent} % of the {messages} messages of the last {span}. Look at what failed."
                )
            }
            Self::FewDelivered { percent, messages } => write!(
                f,
                "Of the {messages} messages of the last day that providers reported on, {percent} % were not delivered. Look \
                 at their classes by country, and ask the provider about its route or the sender id."
            ),
            Self::AccountRefused { connection, class, times } => refused(f, connection, *class, *times),
            Self::AccountRecovered { connection, class, times } => {
                refused(f, connection, *class, *times)?;
                f.write_str(" It has sent since.")
            }
            Self::ConnectionPaused { connection } => write!(
                f,
                "`{connection}` is paused for up to five minutes after repeated failures; only fallbacks send in its place."
            ),
            Self::NumbersHeld { thousands, until } => {
                match thousands {
                    1 => f.write_str("A thousand numbers are held")?,
                    many => write!(f, "{many} thousand numbers are held")?,
                }
                write!(f, " until {until} because a provider suspects fraud; nothing is sent to them.")
            }
            Self::SpendCapReached {} => f.write_str(
                "The spend cap of this month is reached: messages are refused until the next one. Raise it, or wait.",
            ),
            Self::SpendCapNear { percent } => {
                write!(f, "{percent} % of the spend cap of this month are used; at 100 % messages are refused.")
            }
            Self::VersionRolledBack { connector, at, reason, .. } => {
                write!(f, "A version of `{connector}` was rolled back automatically at {at}: {reason}.")
            }
            Self::CountryPumped { country, percent, verifications, elsewhere } => write!(
                f,
                "{percent} % of the {verifications} verifications of the last day in {country} were completed, {elsewhere} % \
                 elsewhere: somebody may be having messages sent there for their own gain. Lower the limits, or take the \
                 country out of the policy."
            ),
            Self::SecretsOld { connection, names, more } => {
                let names: Vec<String> = names.split(", ").map(|name| format!("`{name}`")).collect();
                write!(f, "Secrets of `{connection}` are older than a year: {}", names.join(", "))?;
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                f.write_str(". Renew them at the provider and here.")
            }
        }
    }
}

fn refused(f: &mut fmt::Formatter<'_>, connection: &str, class: FailureClass, times: u64) -> fmt::Result {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    write!(f, "`{connection}` failed {times} in the last hour ({class}): {}.", class.advice())
}
