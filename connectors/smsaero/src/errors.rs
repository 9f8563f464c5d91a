//! The failure classes of SMS Aero's errors.
//!
//! SMS Aero does not publish error codes. An error has `success: false` and a `message`, and for a validation error the wrong
//! fields in `data`; older forms have `result: "no credits"`, or `result: "reject"` with a `reason`. So the class depends on
//! `result`, or else on the invalid field, or else on words in the message, or else on the HTTP status.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of the `result` of an older form.
pub(crate) fn class_of_result(result: &str) -> Option<Class> {
    match result {
        "no credits" => Some(Class::InsufficientBalance),
        _ => None,
    }
}

/// The class of a validation error of this member of the request.
pub(crate) fn class_of_field(field: &str) -> Class {
    match field {
        "number" | "numbers" => Class::InvalidRecipient,
        "sign" => Class::SenderRejected,
        "text" => Class::ContentRejected,
        "callbackUrl" | "callbackFormat" => Class::ConfigurationInvalid,
        _ => Class::InvalidRequest,
    }
}

/// The class for a message with known words; `None` if it has none.
pub(crate) fn class_of_text(text: &str) -> Option<Class> {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["credentials", "unauthorized", "api key"]) {
        Some(Class::AuthenticationFailed)
    } else if has(&["no credits", "money", "balance", "funds"]) {
        Some(Class::InsufficientBalance)
    } else if has(&["too many", "rate limit"]) {
        Some(Class::RateLimited)
    } else if has(&["blacklist", "black list"]) {
        Some(Class::RecipientBlocked)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_classified_by_known_words() {
        for (text, want) in [
            ("Your request was made with invalid credentials.", Some(Class::AuthenticationFailed)),
            ("Unauthorized", Some(Class::AuthenticationFailed)),
            ("Not enough money", Some(Class::InsufficientBalance)),
            ("Insufficient balance.", Some(Class::InsufficientBalance)),
            ("Too many requests", Some(Class::RateLimited)),
            ("Number is in blacklist", Some(Class::RecipientBlocked)),
            ("Validation error.", None),
            ("something about authorization", None),
            ("", None),
        ] {
            assert_eq!(class_of_text(text), want, "{text}");
        }
    }
}
