//! Delivery reports: a provider's callbacks about the delivery of a message.

use crate::failure::FailureClass;
use crate::sealed::Sealed;

/// A header, query parameter or form field of a callback.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name. Of a header, in lower case.
    pub name: String,
    /// The value, without what could be a phone number: every run of 7 to 15 digits is replaced by another number, the
    /// same one for the same digits, and every JSON Web Token by `[jwt]` (see [`Verifier::jwt`](crate::Verifier::jwt)).
    pub value: String,
    /// The exact value, to verify a signature.
    pub sealed: Sealed,
}

/// One HTTP request that a provider made to report on messages.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The HTTP method: `POST` or `GET`.
    pub method: String,
    /// The URL as it is configured at the provider, with numbers and tokens replaced as in [`Field::value`].
    pub url: String,
    /// The headers.
    pub headers: Vec<Field>,
    /// The query parameters.
    pub query: Vec<Field>,
    /// The fields of a form body; empty when the body is not a form.
    pub form: Vec<Field>,
    /// The body as text, with numbers and tokens replaced as in [`Field::value`]. JSON stays valid.
    pub body: String,
    /// The exact URL, to verify a signature that covers it.
    pub sealed_url: Sealed,
    /// The exact body, to verify a signature that covers it.
    pub sealed_body: Sealed,
}

impl Callback {
    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name).map(|field| field.value.as_str())
    }

    /// The exact value of the first header of this (lower-case) name.
    #[must_use]
    pub fn sealed_header(&self, name: &str) -> Option<&Sealed> {
        first(&self.headers, name).map(|field| &field.sealed)
    }

    /// The first query parameter of this name.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&str> {
        first(&self.query, name).map(|field| field.value.as_str())
    }

    /// The exact value of the first query parameter of this name.
    #[must_use]
    pub fn sealed_query_value(&self, name: &str) -> Option<&Sealed> {
        first(&self.query, name).map(|field| &field.sealed)
    }

    /// The first form field of this name.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<&str> {
        first(&self.form, name).map(|field| field.value.as_str())
    }

    /// The exact value of the first form field of this name.
    #[must_use]
    pub fn sealed_form_value(&self, name: &str) -> Option<&Sealed> {
        first(&self.form, name).map(|field| &field.sealed)
    }
}

fn first<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| field.name == name)
}

/// The delivery state of a message, in the order in which a message can reach them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The provider has accepted the message.
    Queued,
    /// The carrier has accepted the message.
    Sent,
    /// The handset has received the message.
    Delivered,
    /// The carrier could not deliver the message.
    Undelivered,
    /// The message was not delivered within its validity period.
    Expired,
    /// The provider or the carrier refused the message.
    Rejected,
    /// The provider does not know, or names a state that the connector does not know.
    Unknown,
}

impl State {
    /// Whether the message was refused or could not be delivered, so that a report has a [`class`](Report::class).
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Rejected)
    }
}

/// The report of a callback about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The id that the [receipt](crate::Receipt::message_id) had, as the callback shows it. The host restores digits that
    /// it replaced.
    pub message_id: String,
    /// The delivery state.
    pub state: State,
    /// Why the message was not delivered.
    pub class: Option<FailureClass>,
    /// The provider's error code, as the provider writes it.
    pub provider_code: Option<String>,
    /// The provider's error text.
    pub text: Option<String>,
    /// The provider's time of the event, as the callback shows it.
    pub at: Option<String>,
}

/// Why a callback was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// The signature is missing or wrong.
    NotAuthentic,
    /// The callback is not a delivery report of this provider.
    Malformed,
}
