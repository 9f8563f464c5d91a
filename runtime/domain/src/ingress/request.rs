//! From a platform's request to a number, a code or a text, and a usage.

use std::net::IpAddr;

use sendbox_contract::{Recipient, Usage};

use super::code_in_text::{self, CodeInText};
use super::fields::Fields;
use super::kind::NumberFormat;
use super::platforms::{self, PlatformRequest};
use super::request_error::RequestError;
use crate::model::{IngressKind, IngressSettings, IngressText, MessagesWithoutCode, Sensitive};
use crate::phone::{self, Country, WithoutPlus};
use crate::{locale, message_fields};

/// Maximum length of a platform's id of a message, in bytes.
const MAX_REPEAT_ID: usize = 255;
/// The word that stands for all usages without a word of their own.
const ANY_WORD: &str = "*";

/// A message that a platform asks for. Has no `Debug`, because it contains the number and the code.
pub struct IngressRequest {
    /// The number.
    pub recipient: Recipient,
    /// The purpose.
    pub usage: Usage,
    /// The language (BCP 47), if the platform told one that is understood.
    pub locale: Option<String>,
    /// The code. `None` for a message without a code.
    pub code: Option<Sensitive>,
    /// The text that is sent as it is; without it, the connection's template is.
    pub text: Option<Sensitive>,
    /// The link of a message without a code, for the template.
    pub link: Option<Sensitive>,
    /// The end user's IP address, if the platform told one.
    pub client_ip: Option<IpAddr>,
    /// The platform's own id of the message, which is the same when it repeats the request.
    pub repeat_id: Option<String>,
}

/// What a platform asks for.
pub enum RequestedMessage {
    /// A message.
    Send(Box<IngressRequest>),
    /// A message without a code, which the ingress ignores.
    Ignore {
        /// The number, masked.
        to: String,
        /// The purpose.
        usage: Usage,
    },
}

/// Reads what a platform asks for.
///
/// # Errors
/// [`RequestError`].
pub fn read(kind: IngressKind, settings: &IngressSettings, fields: &Fields) -> Result<RequestedMessage, RequestError> {
    let request = platforms::read(kind, fields, settings.fields.as_ref())?;
    let recipient = number(kind, settings, request.to.ok_or(RequestError::NoNumber)?)?;
    let usage = usage(kind, settings, request.purpose);
    let (code, text) = match content(kind, settings, &request) {
        Ok(content) => content,
        // The message has no code.
        Err(error @ (RequestError::NoCode | RequestError::NoCodeInText | RequestError::SeveralCodes)) => {
            match settings.messages_without_code {
                MessagesWithoutCode::Refuse => return Err(error),
                MessagesWithoutCode::Ignore => {
                    return Ok(RequestedMessage::Ignore { to: phone::masked(&recipient), usage });
                }
                MessagesWithoutCode::Send => (None, request.text),
            }
        }
        Err(error) => return Err(error),
    };
    Ok(RequestedMessage::Send(Box::new(IngressRequest {
        recipient,
        usage,
        locale: request.locale.and_then(locale::understood),
        link: request.link.filter(|_| code.is_none()).map(Sensitive::from),
        code: code.map(Sensitive::from),
        text: text.map(Sensitive::from),
        client_ip: message_fields::client_ip(request.client_ip).ok().flatten(),
        repeat_id: request.repeat_id.filter(|id| id.len() <= MAX_REPEAT_ID).map(str::to_owned),
    })))
}

/// Parses a number as the platform writes it.
///
/// # Errors
/// [`RequestError::Number`].
pub fn number(kind: IngressKind, settings: &IngressSettings, text: &str) -> Result<Recipient, RequestError> {
    let region = settings.default_region.as_deref().and_then(Country::of_code);
    let without_plus = match (kind.facts().numbers, region) {
        (NumberFormat::International, _) => WithoutPlus::CallingCodeFirst,
        (NumberFormat::National, Some(country)) => WithoutPlus::In(country),
        (NumberFormat::National, None) => WithoutPlus::Refused,
    };
    phone::recipient_written(text, without_plus).map_err(RequestError::Number)
}

/// The usage that the platform's word means.
pub fn usage(kind: IngressKind, settings: &IngressSettings, word: Option<&str>) -> Usage {
    let of_word = word.and_then(|word| settings.usages.get(word).copied().or_else(|| platforms::usage_of(kind, word)));
    of_word.or_else(|| settings.usages.get(ANY_WORD).copied()).unwrap_or(kind.facts().usage)
}

/// The code, and the text if that is what is sent.
fn content<'a>(
    kind: IngressKind,
    settings: &IngressSettings,
    request: &PlatformRequest<'a>,
) -> Result<(Option<&'a str>, Option<&'a str>), RequestError> {
    let sends_original = settings.text.unwrap_or(kind.facts().text) == IngressText::Original;
    let original = request.text.filter(|_| sends_original);
    if let Some(code) = request.code {
        message_fields::check_code(code).map_err(|_| RequestError::Code)?;
        return match original {
            Some(text) if !text.contains(code) => Err(RequestError::TextWithoutCode),
            text => Ok((Some(code), text)),
        };
    }
    match request.text.map(code_in_text::find) {
        Some(CodeInText::One(code)) => Ok((Some(code), original)),
        // Which of them is the code is not known, or there is none.
        Some(CodeInText::None) => Err(RequestError::NoCodeInText),
        Some(CodeInText::Several) => Err(RequestError::SeveralCodes),
        None if request.link.is_some() => Err(RequestError::NoCode),
        None => Err(RequestError::NoContent),
    }
}

#[cfg(test)]
mod tests;
