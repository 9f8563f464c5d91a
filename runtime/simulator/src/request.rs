//! A request as it was received, with strict parsing.
//!
//! Promises to return the bytes unchanged, to decode forms strictly (a lenient parser would hide a connector's encoding mistake),
//! and to show nothing of headers or body in `Debug`. Knows no provider.

use std::fmt;
use std::time::SystemTime;

/// A request as a simulated host received it. Holds credentials, numbers and texts: it is for assertions in tests.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingRequest {
    /// Host name, lower case, without a port.
    pub host: String,
    /// As on the wire, upper case for standard methods.
    pub method: String,
    /// Path with the query, as on the wire.
    pub path: String,
    /// Names in lower case, in order; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body after transfer decoding.
    pub body: Vec<u8>,
    /// Which connection it came over: 1 for the first that the simulator accepted.
    pub connection_id: u64,
    /// When its head had been read.
    pub received_at: SystemTime,
}

/// A request, as `Simulator::requests` returns it.
pub type RecordedRequest = IncomingRequest;

impl fmt::Debug for IncomingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingRequest")
            .field("connection_id", &self.connection_id)
            .field("host", &self.host)
            .field("method", &self.method)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a body is not a form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("a `%` in the form is not followed by two hexadecimal digits")]
    Percent,
    #[error("a field of the form is not UTF-8 once decoded")]
    Utf8,
    #[error("a byte in the form should have been percent-encoded")]
    Unencoded,
}

impl IncomingRequest {
    /// The value of a header that may occur once; `None` if it is missing or repeated.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    /// The media type without parameters, lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// The body as `application/x-www-form-urlencoded`, fields in order.
    pub(crate) fn form(&self) -> Result<Vec<(String, String)>, FormError> {
        pairs(&self.body)
    }

    /// The query, fields in order.
    pub(crate) fn query(&self) -> Result<Vec<(String, String)>, FormError> {
        pairs(self.path.split_once('?').map_or("", |(_, query)| query).as_bytes())
    }
}

fn pairs(encoded: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    encoded
        .split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decode_form(halves.next().unwrap_or_default())?;
            let value = decode_form(halves.next().unwrap_or_default())?;
            Ok((name, value))
        })
        .collect()
}

fn decode_form(bytes: &[u8]) -> Result<String, FormError> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let digit =
                    |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                    return Err(FormError::Percent);
                };
                decoded.push(high << 4 | low);
            }
            0x21..=0x7e => decoded.push(byte),
            _ => return Err(FormError::Unencoded),
        }
    }
    String::from_utf8(decoded).map_err(|_| FormError::Utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(body: &[u8]) -> IncomingRequest {
        IncomingRequest {
            host: "h.test".into(),
            method: "POST".into(),
            path: "/".into(),
            headers: Vec::new(),
            body: body.to_vec(),
            connection_id: 1,
            received_at: SystemTime::UNIX_EPOCH,
        }
    }

    fn form(body: &[u8]) -> Result<Vec<(String, String)>, FormError> {
        incoming(body).form()
    }

    #[test]
    fn reads_forms_strictly() {
        let fields = form(b"To=%2B45&Body=a+b%3D%C3%A6&Empty=").unwrap();
        assert_eq!(fields, [("To", "+45"), ("Body", "a b=\u{e6}"), ("Empty", "")].map(|(a, b)| (a.into(), b.into())));
        let mut request = incoming(b"");
        request.path = "/send?x=a+b&y=%2B".into();
        assert_eq!(request.query().unwrap(), [("x", "a b"), ("y", "+")].map(|(a, b)| (a.into(), b.into())));
        assert_eq!(incoming(b"x=1").query().unwrap(), []);
        assert_eq!(form(b"a=%2"), Err(FormError::Percent));
        assert_eq!(form(b"a=%+1"), Err(FormError::Percent));
        assert_eq!(form(b"a=%E6"), Err(FormError::Utf8));
        assert_eq!(form("a=\u{e6}".as_bytes()), Err(FormError::Unencoded));
        assert_eq!(form(b"a=b c"), Err(FormError::Unencoded));
    }

    #[test]
    fn debug_shows_no_body_header_or_path() {
        let request = IncomingRequest {
            host: "h.test".into(),
            method: "POST".into(),
            path: "/?token=hush".into(),
            headers: vec![("authorization".into(), "hush".into())],
            body: b"hush".to_vec(),
            connection_id: 1,
            received_at: SystemTime::UNIX_EPOCH,
        };
        assert!(!format!("{request:?}").contains("hush"));
    }
}
