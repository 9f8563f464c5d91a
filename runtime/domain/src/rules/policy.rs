//! Validation of what a tenant configures (policies, names, test numbers), and how a policy decides on countries and prices.
//!
//! Promises: all errors are reported at once, by JSON pointer; no error shows a phone number or a code.
//!
//! Must not know: who may change a policy, where it is stored.

use std::collections::BTreeSet;
use std::fmt::Display;

use sendbox_contract::{Recipient, is_hidden};
use zeroize::Zeroizing;

use crate::field_error::{FieldCode, FieldError, FieldErrors};
use crate::message_fields::check_origin_domain;
use crate::model::{
    Countries, DeliveryPolicy, Environment, LimitPolicy, NoticeTemplate, NumberPolicy, Policy, SpendPolicy, TestNumbers,
};
use crate::phone::NumberKind;
use crate::rules::quota::MAX_TEST_NUMBERS;
use crate::{locale, phone, template};

/// The code for numbers of no country (+800, …), as in libphonenumber.
pub const NO_COUNTRY: &str = "001";
/// Maximum number of fallback connections.
const MAX_FALLBACKS: usize = 5;
/// Maximum number of templates of notices.
const MAX_NOTICE_TEMPLATES: usize = 100;
/// Maximum length of a display name, in characters.
const MAX_NAME_CHARACTERS: usize = 80;
/// Maximum spend cap of a month, in millionths: a thousand million.
const MAX_CAP_MICROS: u64 = 1_000_000_000_000_000;
/// Maximum price of a segment, in millionths: a thousand.
const MAX_PRICE_MICROS: u64 = 1_000_000_000;

/// Messages a day of a new development tenant: enough to try everything, and few enough that a loop costs little.
const DEVELOPMENT_PER_DAY: u32 = 500;

/// The policy of a new tenant. In development every country is allowed, and few messages a day; in production no country.
pub fn new_tenant(environment: Environment) -> Policy {
    match environment {
        Environment::Development => Policy {
            countries: Countries { all: true, ..Countries::default() },
            limits: LimitPolicy { tenant_per_day: DEVELOPMENT_PER_DAY, ..LimitPolicy::default() },
            ..Policy::default()
        },
        Environment::Production => Policy::default(),
    }
}

/// Checks a policy. `connections` are the names of the tenant's connections.
///
/// # Errors
/// All errors, by JSON pointer.
pub fn check(policy: &Policy, connections: &[String]) -> Result<(), FieldErrors> {
    let mut errors = Vec::new();
    let (codes, limits) = (&policy.codes, &policy.limits);
    for (field, value, least, most) in [
        ("/codes/digits", codes.digits.into(), 6, 10),
        ("/codes/lifetimeSeconds", codes.lifetime_seconds, 60, 600),
        ("/codes/maxTries", codes.max_tries, 1, 10),
        ("/codes/maxSends", codes.max_sends, 1, 10),
        ("/limits/numberPerHour", limits.number_per_hour, 1, 100),
        ("/limits/numberPerDay", limits.number_per_day, 1, 1000),
        ("/limits/prefixPerHour", limits.prefix_per_hour, 1, 1_000_000),
        ("/limits/ipPerHour", limits.ip_per_hour, 1, 1_000_000),
        ("/limits/connectionPerMinute", limits.connection_per_minute, 1, 1_000_000),
        ("/limits/tenantPerMinute", limits.tenant_per_minute, 1, 1_000_000),
        ("/limits/tenantPerDay", limits.tenant_per_day, 1, 100_000_000),
        ("/limits/cooldownSeconds", limits.cooldown_seconds, 0, 600),
        ("/notices/numberPerDay", policy.notices.number_per_day, 1, 1000),
        ("/notices/tenantPerDay", policy.notices.tenant_per_day, 1, 100_000_000),
        ("/delivery/maxMessages", policy.delivery.max_messages, 1, 3),
    ] {
        bound(field, value, least, most, &mut errors);
    }
    for country in &policy.countries.only {
        if let Err(message) = country_code(country) {
            errors.push(FieldError::new("/countries/only", message).coded(FieldCode::Country, &[]));
        }
    }
    if let Some(spend) = &policy.spend {
        check_spend(spend, &mut errors);
    }
    check_notice_templates(&policy.notices.templates, &mut errors);
    check_delivery(&policy.delivery, connections, &mut errors);
    errors.extend(policy.origin_domain.as_deref().and_then(|domain| check_origin_domain(domain).err()));
    FieldErrors::none_or(errors)
}

fn bound<T: PartialOrd + Display>(field: &str, value: T, least: T, most: T, errors: &mut Vec<FieldError>) {
    if value < least || value > most {
        errors.push(
            FieldError::new(field, format!("is {value}; must be from {least} to {most}"))
                .coded(FieldCode::Range, &[("min", &least.to_string()), ("max", &most.to_string())]),
        );
    }
}

fn check_spend(spend: &SpendPolicy, errors: &mut Vec<FieldError>) {
    if spend.currency.len() != 3 || !spend.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        errors.push(
            FieldError::new("/spend/currency", "must be three upper-case letters, like `EUR` (ISO 4217)")
                .coded(FieldCode::Currency, &[]),
        );
    }
    bound("/spend/capPerMonthMicros", spend.cap_per_month_micros, 0, MAX_CAP_MICROS, errors);
    bound("/spend/pricePerSegmentMicros", spend.price_per_segment_micros, 0, MAX_PRICE_MICROS, errors);
    for (country, price) in &spend.prices {
        let field = format!("/spend/prices/{}", template::pointer(country));
        if let Err(message) = country_code(country) {
            errors.push(FieldError::new(&field, message).coded(FieldCode::Country, &[]));
        }
        bound(&field, *price, 0, MAX_PRICE_MICROS, errors);
    }
}

fn check_notice_templates(templates: &[NoticeTemplate], errors: &mut Vec<FieldError>) {
    if templates.len() > MAX_NOTICE_TEMPLATES {
        let message = format!("has {}; {MAX_NOTICE_TEMPLATES} are allowed", templates.len());
        errors.push(
            FieldError::new("/notices/templates", message)
                .coded(FieldCode::MaxItems, &[("bound", &MAX_NOTICE_TEMPLATES.to_string())]),
        );
    }
    let mut seen = BTreeSet::new();
    for (index, NoticeTemplate { usage, locale: tag, content }) in
        templates.iter().enumerate().take(MAX_NOTICE_TEMPLATES)
    {
        let at = format!("/notices/templates/{index}");
        if tag.as_deref().is_some_and(|tag| !locale::is_language_tag(tag)) {
            errors.push(
                FieldError::new(format!("{at}/locale"), "must be a language tag, like `da` or `pt-BR`")
                    .coded(FieldCode::LanguageTag, &[]),
            );
        }
        if content.trim().is_empty() {
            errors.push(FieldError::new(format!("{at}/content"), "is missing").coded(FieldCode::Required, &[]));
        } else if content.len() > template::MAX_TEMPLATE_BYTES {
            let message = format!("has {} bytes; {} are allowed", content.len(), template::MAX_TEMPLATE_BYTES);
            errors.push(FieldError::new(format!("{at}/content"), message));
        } else if template::has_code_placeholder(content) {
            let message = "must not contain `{{code}}`: a notice has no code";
            errors.push(FieldError::new(format!("{at}/content"), message));
        }
        if !seen.insert((*usage, tag.as_deref().map(str::to_ascii_lowercase))) {
            let message = "is for the same usage and locale as an earlier one; remove one";
            errors.push(FieldError::new(at, message).coded(FieldCode::TemplateDuplicate, &[]));
        }
    }
}

fn check_delivery(delivery: &DeliveryPolicy, connections: &[String], errors: &mut Vec<FieldError>) {
    let missing = "must be a connection of this tenant; save it first, or name another one";
    let fallbacks = &delivery.fallbacks;
    if fallbacks.len() > MAX_FALLBACKS {
        let message = format!("has {}; {MAX_FALLBACKS} are allowed", fallbacks.len());
        errors.push(
            FieldError::new("/delivery/fallbacks", message)
                .coded(FieldCode::MaxItems, &[("bound", &MAX_FALLBACKS.to_string())]),
        );
    }
    // Entries beyond the maximum are already an error, and comparing them all would be quadratic.
    for (index, name) in fallbacks.iter().enumerate().take(MAX_FALLBACKS) {
        let field = format!("/delivery/fallbacks/{index}");
        if fallbacks.iter().take(index).any(|earlier| earlier == name) {
            errors.push(FieldError::new(&field, "is named twice").coded(FieldCode::Duplicate, &[]));
        } else if !connections.contains(name) {
            errors.push(FieldError::new(&field, missing).coded(FieldCode::UnknownConnection, &[]));
        }
    }
    for (country, name) in &delivery.routes {
        let field = format!("/delivery/routes/{}", template::pointer(country));
        if let Err(message) = country_code(country) {
            errors.push(FieldError::new(&field, message).coded(FieldCode::Country, &[]));
        }
        if !connections.contains(name) {
            errors.push(FieldError::new(&field, missing).coded(FieldCode::UnknownConnection, &[]));
        }
    }
}

/// Checks the format of an ISO 3166-1 alpha-2 code; [`NO_COUNTRY`] is allowed, too. Whether a code is assigned is not checked, because
/// that changes.
fn country_code(text: &str) -> Result<(), String> {
    if text == NO_COUNTRY || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())) {
        return Ok(());
    }
    let shown: String = text.chars().take(10).flat_map(char::escape_debug).collect();
    Err(format!(
        "`{shown}` is not a country; write two upper-case letters, like `DK`, or `{NO_COUNTRY}` for numbers of no country"
    ))
}

/// Whether messages may be sent to numbers of this country. `None` means that the number belongs to no country.
pub fn allows(countries: &Countries, country: Option<&str>) -> bool {
    countries.all || countries.only.contains(country.unwrap_or(NO_COUNTRY))
}

/// The kind of a number, if messages may not be sent to numbers of that kind.
pub fn refused_kind(numbers: &NumberPolicy, recipient: &Recipient) -> Option<NumberKind> {
    phone::kind(recipient).filter(|kind| match kind {
        NumberKind::Landline => !numbers.landlines,
        NumberKind::PremiumRate => !numbers.premium_rate,
        NumberKind::SharedCost => !numbers.shared_cost,
        NumberKind::Personal => !numbers.personal,
        NumberKind::Pager => !numbers.pagers,
    })
}

/// The price of a message by the tenant's price list, in millionths; `None` without a price list. 0 `segments` count as one.
pub fn price(policy: &Policy, country: Option<&str>, segments: u32) -> Option<u64> {
    let spend = policy.spend.as_ref()?;
    let segment = spend.prices.get(country.unwrap_or(NO_COUNTRY)).unwrap_or(&spend.price_per_segment_micros);
    Some(segment.saturating_mul(segments.max(1).into()))
}

/// A test number and its code. Has no `Debug`, because both are sensitive.
pub struct FixedCode {
    /// The number in E.164 format: `+4512345678`.
    pub number: Zeroizing<String>,
    /// The code: 6 to 10 ASCII digits.
    pub code: Zeroizing<String>,
}

/// Checks and normalises test numbers. Keeps their order.
///
/// # Errors
/// All errors, by JSON pointer, without numbers and codes.
pub fn test_numbers(given: &TestNumbers) -> Result<Vec<FixedCode>, FieldErrors> {
    if given.numbers.len() > MAX_TEST_NUMBERS {
        let message = format!("has {}; {MAX_TEST_NUMBERS} are allowed", given.numbers.len());
        return Err(FieldErrors(vec![
            FieldError::new("/numbers", message)
                .coded(FieldCode::MaxItems, &[("bound", &MAX_TEST_NUMBERS.to_string())]),
        ]));
    }
    let mut errors = Vec::new();
    let mut numbers: Vec<FixedCode> = Vec::new();
    for (index, entry) in given.numbers.iter().enumerate() {
        let code = entry.code.expose();
        if !(6..=10).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            errors.push(
                FieldError::new(format!("/numbers/{index}/code"), "must be 6 to 10 digits")
                    .coded(FieldCode::Digits, &[("min", "6"), ("max", "10")]),
            );
        }
        let field = format!("/numbers/{index}/number");
        match phone::recipient(entry.number.expose()) {
            Err(error) => errors.push(FieldError::new(field, error.to_string()).coded(FieldCode::PhoneNumber, &[])),
            Ok(recipient) if numbers.iter().any(|known| known.number == recipient.e164) => {
                errors.push(FieldError::new(field, "is in the list twice").coded(FieldCode::Duplicate, &[]));
            }
            Ok(recipient) => numbers.push(FixedCode { number: recipient.e164, code: Zeroizing::new(code.to_owned()) }),
        }
    }
    FieldErrors::none_or(errors)?;
    Ok(numbers)
}

/// Checks the id of a new tenant: 3 to 40 of a-z, 0-9 and `-`, not beginning or ending with `-`.
///
/// # Errors
/// An error at `/id`.
pub fn tenant_id(id: &str) -> Result<(), FieldError> {
    if (3..=40).contains(&id.len()) && is_slug(id) && !id.ends_with('-') {
        return Ok(());
    }
    Err(FieldError::new("/id", "must be 3 to 40 of a-z, 0-9 and `-`, and neither begin nor end with `-`")
        .coded(FieldCode::Name, &[("min", "3"), ("max", "40")]))
}

/// Checks the name of a connection: 1 to 40 of a-z, 0-9 and `-`, not beginning with `-`.
///
/// # Errors
/// An error at `name`.
pub fn connection_name(name: &str) -> Result<(), FieldError> {
    if (1..=40).contains(&name.len()) && is_slug(name) {
        return Ok(());
    }
    Err(FieldError::new("name", "must be 1 to 40 of a-z, 0-9 and `-`, and not begin with `-`")
        .coded(FieldCode::Name, &[("min", "1"), ("max", "40")]))
}

fn is_slug(text: &str) -> bool {
    !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Checks a display name: 1 to 80 visible characters, without leading or trailing white space.
///
/// # Errors
/// An error at `/name`.
pub fn display_name(name: &str) -> Result<(), FieldError> {
    let (code, message) = match name.chars().count() {
        _ if name.chars().any(is_hidden) => (FieldCode::Hidden, "contains an invisible character; type it again"),
        0 => (FieldCode::Empty, "is empty"),
        _ if name.trim() != name => (FieldCode::Space, "begins or ends with white space; remove it"),
        1..=MAX_NAME_CHARACTERS => return Ok(()),
        _ => (FieldCode::MaxLength, "is longer than 80 characters"),
    };
    let most = MAX_NAME_CHARACTERS.to_string();
    let values = [("bound", most.as_str())];
    Err(FieldError::new("/name", message).coded(code, if code == FieldCode::MaxLength { &values } else { &[] }))
}

#[cfg(test)]
mod tests;
