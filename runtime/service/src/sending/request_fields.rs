//! The fields of a request to send, validated before the settings of the tenant are considered.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::message_fields::{
    check_code, check_lifetime, check_platform_data, check_text, check_variables, client_ip, recipient,
};
use sendbox_domain::model::{PlatformData, Sensitive};
use sendbox_sandbox::Recipient;

/// The fields of a request that are valid or not regardless of the tenant's settings.
pub(crate) struct RequestFields<'a> {
    pub(crate) to: &'a Sensitive,
    pub(crate) client_ip: Option<&'a Sensitive>,
    pub(crate) code: Option<&'a Sensitive>,
    pub(crate) text: Option<&'a Sensitive>,
    pub(crate) lifetime_seconds: Option<u32>,
    pub(crate) variables: &'a BTreeMap<String, Sensitive>,
    pub(crate) platform_data: &'a PlatformData,
}

impl RequestFields<'_> {
    /// Validates all fields, and parses number and IP address.
    ///
    /// # Errors
    /// All errors, by JSON pointer.
    pub(crate) fn read(&self) -> Result<(Recipient, Option<IpAddr>), FieldErrors> {
        let mut errors = Vec::new();
        let recipient = recipient(self.to.expose()).map_err(|error| errors.push(error)).ok();
        let client_ip = client_ip(self.client_ip.map(Sensitive::expose)).map_err(|error| errors.push(error)).ok();
        errors.extend(self.code.and_then(|code| check_code(code.expose()).err()));
        errors.extend(check_text(self.text.map(Sensitive::expose), self.code.map(Sensitive::expose)).err());
        let lifetime = self.lifetime_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        errors.extend(lifetime.and_then(|lifetime| check_lifetime(lifetime).err()));
        errors.extend(check_variables(self.variables.iter().map(|(name, value)| (name.as_str(), value.expose()))));
        errors.extend(check_platform_data(self.platform_data));
        match (recipient, client_ip) {
            (Some(recipient), Some(client_ip)) if errors.is_empty() => Ok((recipient, client_ip)),
            _ => Err(FieldErrors(errors)),
        }
    }
}
