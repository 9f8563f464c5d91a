//! Why a platform's request cannot be understood.

use super::fields::FieldsError;
use crate::phone::PhoneError;

/// Why a request cannot be understood. Contains no number, code or text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body cannot be read.
    #[error("{0}")]
    Fields(#[from] FieldsError),
    /// There is no number.
    #[error("the request has no phone number; check the names of its fields")]
    NoNumber,
    /// The number cannot receive messages.
    #[error("{0}{hint}", hint = if matches!(.0, PhoneError::NoPlus(_)) { "; or give the ingress a default region" } else { "" })]
    Number(PhoneError),
    /// There is neither a code nor a text.
    #[error("the request has neither a code nor a text; check the names of its fields")]
    NoContent,
    /// The code has another form.
    #[error("the code must have 4 to 12 letters (a-z, A-Z) and digits")]
    Code,
    /// There is no code in the text.
    #[error(
        "the text holds no code, a run of 4 to 10 digits; to send or ignore such messages, set `messagesWithoutCode`"
    )]
    NoCodeInText,
    /// There are several runs of digits in the text.
    #[error(
        "the text holds several runs of 4 to 10 digits, any of which may be the code; let the platform pass the code, or set \
         `messagesWithoutCode` to `send`"
    )]
    SeveralCodes,
    /// The message has no code.
    #[error("the message has no code; to send or ignore such messages, set `messagesWithoutCode`")]
    NoCode,
    /// The platform's text does not contain the code that it passed.
    #[error("the text does not contain the code; set `text` to `template`, or correct the platform's text")]
    TextWithoutCode,
    /// Another kind of message than SMS.
    #[error("the request is not for an SMS; only SMS can be sent here")]
    NotSms,
    /// A template of Twilio.
    #[error("`ContentSid` names a template at Twilio, which is not known here; pass `Body`")]
    ContentSid,
}
