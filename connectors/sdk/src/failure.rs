//! Why a provider did not accept a message.
//!
//! The class decides what the host does next: retry, use another provider, or stop. If the message may have been sent,
//! it is [`FailureClass::InDoubt`]: a second message is worse than a late one.

use crate::http::{Response, SendError};

/// Why a message was not sent. It decides what the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// Nothing was sent: no request left, or the provider certainly did not process it. The host may retry.
    NotSent,
    /// Too many requests; a later one may succeed. See [`Failure::retry_after_seconds`].
    RateLimited,
    /// The quota of a longer period, such as a day or a month, is used up.
    QuotaExceeded,
    /// The provider is unavailable and says that it did not process the request.
    ProviderUnavailable,
    /// The provider may have sent the message. The host does not simply retry.
    InDoubt,
    /// The provider refused the request as malformed.
    InvalidRequest,
    /// The provider's template does not exist, is not approved or does not fit the variables.
    TemplateRejected,
    /// The provider refused the text.
    ContentRejected,
    /// The sender (a number, name or signature) is not registered, not approved or not allowed for this message.
    SenderRejected,
    /// The credentials are wrong, or lack a permission.
    AuthenticationFailed,
    /// A parameter of the connection is missing or wrong.
    ConfigurationInvalid,
    /// The account has no credit left.
    InsufficientBalance,
    /// The account is closed or suspended.
    AccountSuspended,
    /// The recipient is not a valid number, or one that cannot receive text messages.
    InvalidRecipient,
    /// The recipient has opted out of messages from this sender.
    RecipientUnsubscribed,
    /// The recipient, or their carrier for them, blocks this sender.
    RecipientBlocked,
    /// This account or route does not serve the recipient's country or network.
    UnsupportedDestination,
    /// The provider's protection against fraud or SMS pumping stopped the message.
    FraudBlocked,
    /// The provider gave a reason that the connector does not know.
    Unknown,
}

impl FailureClass {
    /// The class for a response of which only the HTTP status is known.
    ///
    /// Use the provider's own error codes first, and this for a response that has none, or an unknown one. A status
    /// after which the message may have been sent is [`InDoubt`](Self::InDoubt), so that it is not sent twice: a success
    /// without the body that was expected, a timeout, and every server error but 503, which says that the request was
    /// not processed.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            200..=299 | 408 => Self::InDoubt,
            401 | 403 => Self::AuthenticationFailed,
            402 => Self::InsufficientBalance,
            429 => Self::RateLimited,
            400..=499 => Self::InvalidRequest,
            503 => Self::ProviderUnavailable,
            500..=599 => Self::InDoubt,
            // Redirects are never followed; the rest is not defined by HTTP.
            _ => Self::Unknown,
        }
    }

    /// The class of a refusal whose code is not in the connector's table: that of the HTTP status where the status says
    /// more than that the request was refused, else [`Unknown`](Self::Unknown).
    #[must_use]
    pub const fn of_unlisted_code(status: u16) -> Self {
        match Self::of_status(status) {
            _ if status < 300 => Self::Unknown,
            Self::InvalidRequest => Self::Unknown,
            class => class,
        }
    }

    /// Like [`of_status`](Self::of_status), for a request whose URL is a parameter of the connection: a redirect, and a
    /// status by which nothing answers at that URL, mean that the parameter is wrong.
    #[must_use]
    pub const fn of_endpoint_status(status: u16) -> Self {
        match status {
            300..=399 | 404 | 405 | 410 => Self::ConfigurationInvalid,
            _ => Self::of_status(status),
        }
    }
}

/// Why the provider did not accept the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Decides what the host does next.
    pub class: FailureClass,
    /// The provider's error code, as the provider writes it; the HTTP status where it gave none.
    pub provider_code: Option<String>,
    /// The provider's error text, or what the connector says instead. Must not contain personal data.
    pub text: Option<String>,
    /// Seconds until the provider accepts requests again, where it says so.
    pub retry_after_seconds: Option<u32>,
}

impl Failure {
    /// A failure of this class, without details.
    #[must_use]
    pub fn new(class: FailureClass) -> Self {
        Self { class, provider_code: None, text: None, retry_after_seconds: None }
    }

    /// A wrong parameter of the connection. `text` tells the admin what to change.
    #[must_use]
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::new(FailureClass::ConfigurationInvalid).text(text)
    }

    /// A response that the provider does not document, such as a proxy's error page. The HTTP status is the code and
    /// decides the [class](FailureClass::of_status). `provider` is its name in the text.
    #[must_use]
    pub fn unexpected_response(provider: &str, response: &Response) -> Self {
        let status = response.status;
        let text = match status {
            200..=299 => {
                format!("{provider} responded with HTTP {status} but without a result; the message may have been sent")
            }
            300..=399 => format!("{provider} responded with a redirect (HTTP {status}); redirects are not followed"),
            _ => format!("{provider} responded with HTTP {status} and no error that it documents"),
        };
        Self::new(FailureClass::of_status(status)).code(status.to_string()).text(text).retry_after(response)
    }

    /// A response whose body says that the message was accepted, while its HTTP status says that it was not. The message may
    /// have been sent, so it is [`InDoubt`](FailureClass::InDoubt), whatever the status is.
    #[must_use]
    pub fn contradictory_response(provider: &str, response: &Response) -> Self {
        let status = response.status;
        Self::new(FailureClass::InDoubt).code(status.to_string()).text(format!(
            "{provider} responded that it accepted the message, but with HTTP {status}; the message may have been sent"
        ))
    }

    /// Sets the provider's code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.provider_code = Some(code.into());
        self
    }

    /// Sets the text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the seconds of the response's `Retry-After` header, if it has one.
    #[must_use]
    pub fn retry_after(mut self, response: &Response) -> Self {
        self.retry_after_seconds = crate::header::retry_after(&response.headers);
        self
    }
}

/// The failure when there was no response. Whether the message may have been sent depends on whether bytes may have left.
impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let class = match &error {
            SendError::Http(http) if http.request_may_have_left => FailureClass::InDoubt,
            SendError::Http(_) => FailureClass::NotSent,
            SendError::Missing(_) => FailureClass::ConfigurationInvalid,
        };
        Self::new(class).text(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpError, HttpErrorKind as Kind};

    #[test]
    fn an_http_status_has_a_class() {
        use FailureClass as Class;
        for (status, class, class_at_own_endpoint) in [
            (200, Class::InDoubt, Class::InDoubt),
            (204, Class::InDoubt, Class::InDoubt),
            (299, Class::InDoubt, Class::InDoubt),
            (301, Class::Unknown, Class::ConfigurationInvalid),
            (307, Class::Unknown, Class::ConfigurationInvalid),
            (400, Class::InvalidRequest, Class::InvalidRequest),
            (401, Class::AuthenticationFailed, Class::AuthenticationFailed),
            (402, Class::InsufficientBalance, Class::InsufficientBalance),
            (403, Class::AuthenticationFailed, Class::AuthenticationFailed),
            (404, Class::InvalidRequest, Class::ConfigurationInvalid),
            (405, Class::InvalidRequest, Class::ConfigurationInvalid),
            (408, Class::InDoubt, Class::InDoubt),
            (410, Class::InvalidRequest, Class::ConfigurationInvalid),
            (422, Class::InvalidRequest, Class::InvalidRequest),
            (429, Class::RateLimited, Class::RateLimited),
            (499, Class::InvalidRequest, Class::InvalidRequest),
            (500, Class::InDoubt, Class::InDoubt),
            (502, Class::InDoubt, Class::InDoubt),
            (503, Class::ProviderUnavailable, Class::ProviderUnavailable),
            (504, Class::InDoubt, Class::InDoubt),
            (599, Class::InDoubt, Class::InDoubt),
            (100, Class::Unknown, Class::Unknown),
            (600, Class::Unknown, Class::Unknown),
        ] {
            assert_eq!(Class::of_status(status), class, "{status}");
            assert_eq!(Class::of_endpoint_status(status), class_at_own_endpoint, "{status}");
        }
    }

    #[test]
    fn an_unlisted_code_has_the_class_of_a_more_specific_status() {
        use FailureClass as Class;
        for (status, class) in [
            (200, Class::Unknown),
            (400, Class::Unknown),
            (404, Class::Unknown),
            (403, Class::AuthenticationFailed),
            (408, Class::InDoubt),
            (429, Class::RateLimited),
            (500, Class::InDoubt),
            (503, Class::ProviderUnavailable),
        ] {
            assert_eq!(Class::of_unlisted_code(status), class, "{status}");
        }
    }

    #[test]
    fn an_unexpected_response_is_described() {
        for (status, text) in [
            (200, "Example responded with HTTP 200 but without a result; the message may have been sent"),
            (302, "Example responded with a redirect (HTTP 302); redirects are not followed"),
            (429, "Example responded with HTTP 429 and no error that it documents"),
        ] {
            let headers = vec![("retry-after".to_owned(), "2".to_owned())];
            let failure = Failure::unexpected_response("Example", &Response { status, headers, body: Vec::new() });
            let want = Failure::new(FailureClass::of_status(status)).code(status.to_string()).text(text);
            assert_eq!(failure, Failure { retry_after_seconds: Some(2), ..want }, "{status}");
        }
    }

    #[test]
    fn a_contradictory_response_is_in_doubt() {
        let failure = Failure::contradictory_response("Example", &Response { status: 400, ..Response::default() });
        let text = "Example responded that it accepted the message, but with HTTP 400; the message may have been sent";
        assert_eq!(failure, Failure::new(FailureClass::InDoubt).code("400").text(text));
    }

    #[test]
    fn an_error_without_a_response_has_a_class() {
        for (kind, left, class, text) in [
            (Kind::Dns, false, FailureClass::NotSent, "name did not resolve"),
            (Kind::AddressRefused, false, FailureClass::NotSent, "may not be reached"),
            (Kind::Connect, false, FailureClass::NotSent, "no connection"),
            (Kind::Tls, false, FailureClass::NotSent, "TLS"),
            (Kind::Timeout, false, FailureClass::NotSent, "did not respond"),
            (Kind::Timeout, true, FailureClass::InDoubt, "did not respond"),
            (Kind::Reset, true, FailureClass::InDoubt, "broke"),
            (Kind::BadResponse, true, FailureClass::InDoubt, "violated HTTP"),
        ] {
            let failure = Failure::from(SendError::Http(HttpError { kind, request_may_have_left: left }));
            assert_eq!(failure.class, class, "{kind:?} {left}");
            assert!(failure.text.as_ref().is_some_and(|shown| shown.contains(text)), "{failure:?}");
        }
        let missing = Failure::from(SendError::Missing("authToken".into()));
        assert_eq!(missing, Failure::configuration("`authToken` is not set"));
    }
}
