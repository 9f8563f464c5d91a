//! The fields of a request to send, validated before the settings of the tenant are considered.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sendbox_domain::model::Sensitive;
use sendbox_domain::plan::MOST_VARIABLES;
use sendbox_domain::problem::{FieldCode, Problem, Problems};
use sendbox_domain::{phone, template};
use sendbox_sandbox::Recipient;

use crate::error::{Error, Result};

/// Parses the recipient's number.
pub(crate) fn recipient_of(to: &Sensitive) -> Result<Recipient> {
    phone::recipient(to.expose()).map_err(|error| Error::invalid("/to", error.to_string()))
}

/// Parses the IP address of the end user. An empty text counts as none.
pub(crate) fn client_ip_of(address: Option<&Sensitive>) -> Result<Option<IpAddr>, Problem> {
    let Some(text) = address.map(|address| address.expose().trim()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let wrong = |_| Problem::new("/clientIp", "must be an IPv4 or IPv6 address").coded(FieldCode::IpAddress, &[]);
    text.parse::<IpAddr>().map(|ip| Some(ip.to_canonical())).map_err(wrong)
}

/// The fields of a request that are valid or not regardless of the tenant's settings.
pub(crate) struct RequestFields<'a> {
    pub(crate) to: &'a Sensitive,
    pub(crate) client_ip: Option<&'a Sensitive>,
    pub(crate) locale: Option<&'a str>,
    pub(crate) code: Option<&'a Sensitive>,
    pub(crate) lifetime_seconds: Option<u32>,
    pub(crate) variables: &'a BTreeMap<String, Sensitive>,
}

impl RequestFields<'_> {
    /// Validates all fields, and parses number and IP address.
    ///
    /// # Errors
    /// All problems, by JSON pointer.
    pub(crate) fn read(&self) -> Result<(Recipient, Option<IpAddr>), Problems> {
        let mut problems = Vec::new();
        let recipient = phone::recipient(self.to.expose())
            .map_err(|error| problems.push(Problem::new("/to", error.to_string()).coded(FieldCode::PhoneNumber, &[])))
            .ok();
        let client_ip = client_ip_of(self.client_ip).map_err(|problem| problems.push(problem)).ok();
        if self.locale.is_some_and(|tag| !tag.is_empty() && !template::is_language_tag(tag)) {
            problems.push(
                Problem::new("/locale", "must be a language tag, like `da` or `pt-BR`")
                    .coded(FieldCode::LanguageTag, &[]),
            );
        }
        let is_code =
            |code: &str| (4..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.code.is_some_and(|code| !is_code(code.expose())) {
            problems.push(
                Problem::new("/code", "must be 4 to 12 letters (a-z, A-Z) and digits")
                    .coded(FieldCode::CodeForm, &[("least", "4"), ("most", "12")]),
            );
        }
        if self.lifetime_seconds.is_some_and(|seconds| !(1..=3600).contains(&seconds)) {
            problems.push(
                Problem::new("/lifetimeSeconds", "must be from 1 to 3600, an hour")
                    .coded(FieldCode::Range, &[("least", "1"), ("most", "3600")]),
            );
        }
        if self.variables.len() > MOST_VARIABLES {
            let text = format!("there are {}; {MOST_VARIABLES} are allowed", self.variables.len());
            problems.push(
                Problem::new("/variables", text).coded(FieldCode::MaxItems, &[("bound", &MOST_VARIABLES.to_string())]),
            );
        }
        match (recipient, client_ip) {
            (Some(recipient), Some(client_ip)) if problems.is_empty() => Ok((recipient, client_ip)),
            _ => Err(Problems(problems)),
        }
    }
}
