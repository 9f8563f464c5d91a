//! The callback URL of a connection, to which its provider sends delivery reports.
//!
//! The URL ends in a token, and whoever knows the token may report. The token is sealed at rest and appears in no log, trace, audit
//! entry or error. A parameter whose schema has `"x-form": {"fill": "report-address"}` is filled with the URL when the tenant left it
//! empty.

use std::sync::Arc;

use sendbox_domain::model::{ConnectionReports, Scope};
use sendbox_sandbox::Connector;
use sendbox_store::rows::ConnectionRow;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::connections::cached_connection::ReadyConnection;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault::{TenantKey, random_text};

/// Length of a token in bytes: 128 bits, and no more, because Vonage accepts URLs of at most 100 characters.
const TOKEN_BYTES: usize = 16;
/// The value of `fill` in the schema of a parameter that takes the callback URL.
const FILL: &str = "report-address";

/// The associated data of a sealed token.
fn token_aad(connection: &str) -> String {
    format!("connection/{connection}/report-token")
}

/// A token, sealed.
pub(crate) fn sealed_token(key: &TenantKey, connection: &str, token: &str) -> Result<Vec<u8>> {
    Ok(key.seal(&token_aad(connection), token.as_bytes())?)
}

/// A random token as it appears in the URL: 22 characters of base64url.
pub(crate) fn random_token() -> Result<Zeroizing<String>> {
    Ok(random_text::<TOKEN_BYTES>()?)
}

/// A connection's token, if it has one.
pub(crate) fn token(row: &ConnectionRow, key: &TenantKey) -> Result<Option<Zeroizing<String>>> {
    let Some(sealed) = &row.report_token else { return Ok(None) };
    let plain = key.open(&token_aad(&row.name), sealed)?;
    let text = std::str::from_utf8(&plain);
    Ok(Some(Zeroizing::new(text.map_err(|_| Error::Internal("a stored token cannot be read".to_owned()))?.to_owned())))
}

/// The parameters of a stored connection, also with the callback URL filled in.
pub(crate) struct FillableParameters<'c> {
    pub(crate) parameters: Map<String, Value>,
    /// The same with the callback URL, if the connector has a parameter for it that the tenant left empty.
    pub(crate) filled: Option<Map<String, Value>>,
    /// The parameter that the callback URL was filled into.
    pub(crate) filled_name: Option<&'c str>,
    /// The token of the callback URL, which must be redacted from everything that is shown of a call.
    pub(crate) token: Option<Zeroizing<String>>,
}

impl From<Map<String, Value>> for FillableParameters<'_> {
    /// Without a callback URL.
    fn from(parameters: Map<String, Value>) -> Self {
        Self { parameters, filled: None, filled_name: None, token: None }
    }
}

/// The parameter that takes the callback URL, if the connector has one.
pub(crate) fn callback_url_parameter(connector: &Connector) -> Option<&str> {
    let properties = connector.metadata().parameters_schema.get("properties")?.as_object()?;
    let takes = |property: &Value| property.pointer("/x-form/fill").and_then(Value::as_str) == Some(FILL);
    // Not a secret: the filled-in URL is shown in clear.
    let is_plain = |name: &str| !connector.metadata().secret_keys.contains(name);
    properties.iter().find(|(name, property)| takes(property) && is_plain(name)).map(|(name, _)| name.as_str())
}

/// Whether the tenant left a parameter empty.
fn is_left_empty(parameters: &Map<String, Value>, name: &str) -> bool {
    match parameters.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str() == Some(""),
    }
}

impl Service {
    /// The callback URL of a connection; `None` without a public URL or a token.
    fn callback_url(&self, row: &ConnectionRow, token: Option<&str>) -> Option<String> {
        let public = self.inner.public_url.as_ref()?;
        Some(format!("{public}/reports/{}/{}/{}", row.tenant, row.name, token?))
    }

    /// Fills in the callback URL, if the connector's schema has a parameter for it that the tenant left empty.
    pub(crate) fn fill_parameters<'c>(
        &self,
        connector: &'c Connector,
        row: &ConnectionRow,
        key: &TenantKey,
        parameters: Map<String, Value>,
    ) -> Result<FillableParameters<'c>> {
        let token = token(row, key)?;
        let url = self.callback_url(row, token.as_ref().map(|token| token.as_str()));
        let name = callback_url_parameter(connector)
            .filter(|name| connector.reads_reports() && is_left_empty(&parameters, name));
        let filled_name = name.filter(|_| url.is_some());
        let filled = filled_name.zip(url).map(|(name, url)| {
            let mut filled = parameters.clone();
            filled.insert(name.to_owned(), Value::String(url));
            filled
        });
        Ok(FillableParameters { parameters, filled, filled_name, token })
    }

    /// The state of delivery reports of a connection.
    pub(crate) fn reports_view(
        &self,
        caller: &Caller,
        row: &ConnectionRow,
        key: &TenantKey,
        sender: Option<&Arc<ReadyConnection>>,
    ) -> Result<ConnectionReports> {
        let unavailable = |supported, automatic, reason: &str| ConnectionReports {
            supported,
            callback_url: None,
            automatic,
            reason: Some(reason.to_owned()),
        };
        let Some(sender) = sender else {
            return Ok(unavailable(
                false,
                false,
                "The connection is incompatible with its connector, so nothing can read reports.",
            ));
        };
        let connector = &sender.connector;
        if !connector.reads_reports() {
            return Ok(unavailable(false, false, "This connector reads no delivery reports."));
        }
        if self.inner.public_url.is_none() {
            let reason = "This server has no public URL; its operator sets one with `serve --public-url`.";
            return Ok(unavailable(true, false, reason));
        }
        let token = token(row, key)?;
        let Some(url) = self.callback_url(row, token.as_ref().map(|token| token.as_str())) else {
            let reason = "The connection was saved before Sendbox could receive reports; save it again.";
            return Ok(unavailable(true, false, reason));
        };
        if caller.may(&row.tenant, &[Scope::Manage]).is_err() {
            let reason = "Only a key with the scope `manage` sees the callback URL.";
            return Ok(unavailable(true, sender.filled, reason));
        }
        let reason = match callback_url_parameter(connector) {
            _ if sender.filled => None,
            None => Some("Enter the callback URL in the provider's settings; messages cannot pass it.".to_owned()),
            Some(name) if is_left_empty(&row.parameters, name) => Some(format!(
                "The parameter `{name}` does not accept this URL (too long, or not https); enter it in the provider's settings."
            )),
            Some(name) if row.parameters.get(name).and_then(Value::as_str) == Some(&url) => None,
            Some(name) => {
                Some(format!("The parameter `{name}` contains another URL; leave it empty to receive reports here."))
            }
        };
        Ok(ConnectionReports { supported: true, callback_url: Some(url), automatic: sender.filled, reason })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_short_plain_and_differ() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(one.len(), 22);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_ne!(*one, *other);
    }

    #[test]
    fn missing_null_and_blank_parameters_are_empty() {
        for (parameters, empty) in [
            (json!({}), true),
            (json!({ "callbackUrl": null }), true),
            (json!({ "callbackUrl": "" }), true),
            (json!({ "callbackUrl": "https://example.com" }), false),
            (json!({ "callbackUrl": 1 }), false),
        ] {
            assert_eq!(is_left_empty(parameters.as_object().unwrap(), "callbackUrl"), empty, "{parameters}");
        }
    }
}
