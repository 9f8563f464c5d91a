//! What SMS Aero's refusals mean.
//!
//! SMS Aero publishes no list of error codes. It refuses with `success: false` and a `message`, for validation errors
//! with the wrong fields in `data`; older forms have `result: "no credits"` and `result: "reject"` with a `reason`. So
//! the class follows from `result`, else from the wrong field, else from words of the message, else from the HTTP status.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of the older form's `result`.
pub(crate) fn class_of_result(result: &str) -> Option<Class> {
    match result {
        "no credits" => Some(Class::InsufficientBalance),
        _ => None,
    }
}

/// The class of a validation error in this member of the request.
pub(crate) fn class_of_field(field: &str) -> Class {
    match field {
        "number" | "numbers" => Class::InvalidRecipient,
        "sign" => Class::SenderRejected,
        "text" => Class::ContentRejected,
        "callbackUrl" | "callbackFormat" => Class::ConfigurationInvalid,
        _ => Class::InvalidRequest,
    }
}

/// The class that the words of a message give away; `None` when they say nothing.
pub(crate) fn class_of_text(text: &str) -> Option<Class> {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["credentials", "unauthorized", "api key"]) {
        Some(Class::AuthenticationFailed)
    } else if says(&["no credits", "money", "balance", "funds"]) {
        Some(Class::InsufficientBalance)
    } else if says(&["too many", "rate limit"]) {
        Some(Class::RateLimited)
    } else if says(&["blacklist", "black list"]) {
        Some(Class::RecipientBlocked)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_give_the_class_away() {
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
