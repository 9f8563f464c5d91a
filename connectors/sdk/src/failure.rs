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
