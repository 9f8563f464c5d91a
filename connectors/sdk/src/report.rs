//! Delivery reports: what a provider tells about a message later, by calling back.

use crate::failure::FailureClass;
use crate::sealed::Sealed;

/// A field of the callback: of its headers, query or form.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value, with every run of 7 to 15 digits, which could be a phone number, replaced by another number that
    /// stands for it, and every JSON Web Token, which could carry one, by `[jwt]` (see
    /// [`Verifier::jwt`](crate::Verifier::jwt)).
    pub value: String,
    /// Its exact value, for a signature.
    pub sealed: Sealed,
}

/// One callback of the provider.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The method.
    pub method: String,
    /// The public URL that the provider called, as it was configured there, with numbers and tokens replaced.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<Field>,
    /// The fields of the query.
    pub query: Vec<Field>,
    /// The fields of a form body; empty for any other type.
    pub form: Vec<Field>,
    /// The body as text, with numbers and tokens replaced like in [`Field::value`]. JSON still parses.
    pub body: String,
    /// The exact URL, as it was configured at the provider: signatures cover it.
    pub sealed_url: Sealed,
    /// The exact body.
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

    /// The first query field of this name.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<&str> {
        first(&self.query, name).map(|field| field.value.as_str())
    }

    /// The exact value of the first query field of this name.
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

/// The states of a message, in the order in which they can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The provider has it.
    Queued,
    /// The carrier has it.
    Sent,
    /// The handset has it.
    Delivered,
    /// The carrier could not deliver it.
    Undelivered,
    /// It was not delivered in time.
    Expired,
    /// The provider or the carrier refused it.
    Rejected,
    /// The provider does not know.
    Unknown,
}

impl State {
    /// Whether the message was not delivered for a reason that has a class.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Rejected)
    }
}

/// What one callback says about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The id that the receipt gave, as it stands in the callback: the host turns stand-ins back.
    pub message_id: String,
    /// Where the message is now.
    pub state: State,
    /// When it was not delivered: why.
    pub class: Option<FailureClass>,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// The provider's own text.
    pub text: Option<String>,
    /// The provider's time of the event, as it stands in the callback.
    pub at: Option<String>,
}

/// Why a callback is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// The signature is missing or wrong.
    NotAuthentic,
    /// Not a report of this provider.
    Malformed,
}
