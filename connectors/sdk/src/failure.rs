//! Why a provider did not take a message.
//!
//! The class decides what the host does next (another try, another provider, a stop), so choosing it is the most
//! consequential thing a connector does. In doubt about whether the provider acted, say [`FailureClass::InDoubt`].

use crate::http::{Response, SendError};

/// The closed set of reasons. What follows from each is the host's business and is documented there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// No request left, or the provider certainly did not act.
    NotSent,
    /// Too many requests; come back later.
    RateLimited,
    /// A quota that lasts (day, month) is used up.
    QuotaExceeded,
    /// The provider is down and says that it did not act.
    ProviderUnavailable,
    /// The provider may or may not have acted.
    InDoubt,
    /// The request is malformed in the provider's eyes.
    InvalidRequest,
    /// The provider's template is missing, unapproved or does not fit.
    TemplateRejected,
    /// The text itself was refused.
    ContentRejected,
    /// The sender may not send this.
    SenderRejected,
    /// The credentials are wrong.
    AuthenticationFailed,
    /// A parameter of the connection is wrong.
    ConfigurationInvalid,
    /// No money.
    InsufficientBalance,
    /// The account is closed or suspended.
    AccountSuspended,
    /// Not a number, or not one that takes messages.
    InvalidRecipient,
    /// The recipient opted out.
    RecipientUnsubscribed,
    /// The recipient, or their carrier for them, blocks the sender.
    RecipientBlocked,
    /// This account or route does not reach that country or network.
    UnsupportedDestination,
    /// The provider's fraud or pumping protection stopped it.
    FraudBlocked,
    /// An answer of a kind that the connector does not know.
    Unknown,
}

impl FailureClass {
    /// The class of a response of which only the HTTP status is known.
    ///
    /// Ask the provider's own error codes first and use this for a response that has none, or an unknown one. A status
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

/// Why the provider did not take the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the host acts on.
    pub class: FailureClass,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// The provider's own text, or the connector's reason. Must hold nothing personal.
    pub text: Option<String>,
    /// When the provider wants to be asked again.
    pub retry_after_seconds: Option<u32>,
}

impl Failure {
    /// A failure of this class with nothing more to say.
    #[must_use]
    pub fn new(class: FailureClass) -> Self {
        Self { class, provider_code: None, text: None, retry_after_seconds: None }
    }

    /// A parameter of the connection that makes sending impossible; `text` tells the admin what to do.
    #[must_use]
    pub fn configuration(text: impl Into<String>) -> Self {
        Self::new(FailureClass::ConfigurationInvalid).text(text)
    }

    /// A response that the provider does not document, such as a proxy's error page: the HTTP status is its code and
    /// decides its [class](FailureClass::of_status). `provider` is the name that people know it by.
    #[must_use]
    pub fn unexpected_response(provider: &str, response: &Response) -> Self {
        let status = response.status;
        let text = match status {
            200..=299 => {
                format!("{provider} answered with HTTP {status} but without a result; the message may have been sent")
            }
            300..=399 => format!("{provider} answered with a redirect (HTTP {status}), and redirects are not followed"),
            _ => format!("{provider} answered with HTTP {status} and without an error that it documents"),
        };
        Self::new(FailureClass::of_status(status)).code(status.to_string()).text(text).retry_after(response)
    }

    /// With the provider's own code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.provider_code = Some(code.into());
        self
    }

    /// With the provider's text or the connector's reason.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With the wait that the answer's `Retry-After` asks for, if it has one.
    #[must_use]
    pub fn retry_after(mut self, response: &Response) -> Self {
        self.retry_after_seconds = crate::header::retry_after(&response.headers);
        self
    }
}

/// No answer came: what that means for the message follows from whether bytes may have left.
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
    fn an_unlisted_code_has_the_class_of_a_status_that_says_more() {
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
    fn an_unexpected_response_says_what_came() {
        for (status, text) in [
            (200, "Example answered with HTTP 200 but without a result; the message may have been sent"),
            (302, "Example answered with a redirect (HTTP 302), and redirects are not followed"),
            (429, "Example answered with HTTP 429 and without an error that it documents"),
        ] {
            let headers = vec![("retry-after".to_owned(), "2".to_owned())];
            let failure = Failure::unexpected_response("Example", &Response { status, headers, body: Vec::new() });
            let want = Failure::new(FailureClass::of_status(status)).code(status.to_string()).text(text);
            assert_eq!(failure, Failure { retry_after_seconds: Some(2), ..want }, "{status}");
        }
    }

    #[test]
    fn an_error_without_an_answer_becomes_the_right_class() {
        for (kind, left, class, text) in [
            (Kind::Dns, false, FailureClass::NotSent, "name did not resolve"),
            (Kind::AddressRefused, false, FailureClass::NotSent, "may not be reached"),
            (Kind::Connect, false, FailureClass::NotSent, "no connection"),
            (Kind::Tls, false, FailureClass::NotSent, "TLS"),
            (Kind::Timeout, false, FailureClass::NotSent, "did not answer"),
            (Kind::Timeout, true, FailureClass::InDoubt, "did not answer"),
            (Kind::Reset, true, FailureClass::InDoubt, "broke"),
            (Kind::BadResponse, true, FailureClass::InDoubt, "HTTP protocol"),
        ] {
            let failure = Failure::from(SendError::Http(HttpError { kind, request_may_have_left: left }));
            assert_eq!(failure.class, class, "{kind:?} {left}");
            assert!(failure.text.as_ref().is_some_and(|words| words.contains(text)), "{failure:?}");
        }
        let missing = Failure::from(SendError::Missing("authToken".into()));
        assert_eq!(missing, Failure::configuration("`authToken` is not set"));
    }
}
