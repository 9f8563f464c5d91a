use std::fmt;

use sendbox_contract::FailureClass;
use serde::Serialize;
use utoipa::ToSchema;

use super::Timestamp;

/// What needs a person: a code, and the values that its sentence is made of. The sentence is what [`fmt::Display`] writes, so
/// that the two cannot differ. No value holds a number of a phone, a code or a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum Finding {
    /// Nothing can be sent, and flows are on.
    NoActiveConnection {
        /// Flows that are on, with `, ` between them.
        flows: String,
    },
    /// In production no country is allowed.
    NoCountry {},
    /// The active connection lacks templates.
    TemplateMissing {
        /// Its name.
        connection: String,
        /// Usages without a template, with `, ` between them.
        missing: String,
    },
    /// The active connection fits no version of its connector.
    ConnectionUnfit {
        /// Its name.
        connection: String,
        /// What does not fit, in words.
        why: String,
    },
    /// No test of the active connection as it is now has been accepted.
    ConnectionUntested {
        /// Its name.
        connection: String,
    },
    /// Providers took few of the messages.
    FewAccepted {
        /// Of a hundred, how many they took.
        percent: u64,
        /// Messages that ended.
        messages: u64,
        /// In which time.
        span: Span,
    },
    /// Of the messages of the last day that providers reported on, too many were not delivered.
    FewDelivered {
        /// Of a hundred, how many were not.
        percent: u64,
        /// Messages that were reported on.
        messages: u64,
    },
    /// The account of a connection refused attempts of the last hour.
    AccountRefused {
        /// Its name.
        connection: String,
        /// Why, of the classes of failures.
        #[schema(value_type = String, example = "authentication-failed")]
        class: FailureClass,
        /// How often.
        times: u64,
    },
    /// The same, and the connection has sent since.
    AccountRecovered {
        /// Its name.
        connection: String,
        /// Why, of the classes of failures.
        #[schema(value_type = String, example = "authentication-failed")]
        class: FailureClass,
        /// How often.
        times: u64,
    },
    /// A connection failed too often and is left alone for a while.
    ConnectionRests {
        /// Its name.
        connection: String,
    },
    /// Numbers are held because a provider suspects fraud.
    NumbersHeld {
        /// How many thousand of them.
        thousands: u64,
        /// When the last hold ends.
        until: Timestamp,
    },
    /// Nothing is left of the spend cap.
    SpendCapReached {},
    /// Most of the spend cap is used.
    SpendCapNear {
        /// Of a hundred, how much.
        percent: u64,
    },
    /// A version of a connector was taken back by itself.
    VersionTakenBack {
        /// The connector's id.
        connector: String,
        /// When.
        at: Timestamp,
        /// Why, in words.
        reason: String,
        /// Why: `misbehaved`, `mostly-failed` or `failed-more`.
        #[serde(skip_serializing_if = "Option::is_none")]
        because: Option<&'static str>,
    },
    /// Codes do not come back from one country.
    CountryPumped {
        /// ISO 3166-1 alpha-2; `001` for numbers of no country.
        country: String,
        /// Of a hundred verifications there, how many were completed.
        percent: u64,
        /// Verifications there.
        verifications: u64,
        /// Of a hundred verifications elsewhere.
        elsewhere: u64,
    },
    /// Secrets of a connection are older than a year.
    SecretsOld {
        /// Its name.
        connection: String,
        /// Names of secrets, with `, ` between them; at most three.
        names: String,
        /// How many more there are.
        more: u64,
    },
}

/// A time that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

/// What it is and what to do.
impl fmt::Display for Finding {
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
            Self::ConnectionUnfit { connection, why } => {
                write!(f, "`{connection}` does not fit its connector any more and cannot send: {why}.")
            }
            Self::ConnectionUntested { connection } => write!(
                f,
                "`{connection}` is active, and no test of it as it is now has been accepted. Send a test message."
            ),
            Self::FewAccepted { percent, messages, span } => {
                let span = match span {
                    Span::Hour => "hour",
                    Span::Day => "day",
                };
                write!(
                    f,
                    "Providers took only {percent} % of the {messages} messages of the last {span}. Look at what failed."
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
            Self::ConnectionRests { connection } => write!(
                f,
                "`{connection}` failed too often and rests for up to five minutes; only fallbacks send for it."
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
            Self::VersionTakenBack { connector, at, reason, .. } => {
                write!(f, "A version of `{connector}` was taken back by itself at {at}: {reason}.")
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
