//! Validating the settings of a connection: parameters and templates, against one version of its connector.

use std::sync::Arc;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::template::{self, Template, TemplateBody};
use sendbox_sandbox::{Connector, ContentKind, Metadata, Parameters};
use serde_json::Value;
use zeroize::Zeroizing;

/// Parameters and templates of a connection, validated against its connector.
pub(crate) struct ConnectionSettings {
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) templates: Vec<Template>,
    /// Whether the parameters contain the callback URL that Sendbox filled in.
    pub(crate) is_filled: bool,
}

/// Settings to validate. Part of an error that leaves no operation.
pub struct Validation {
    pub(crate) tenant: String,
    /// A keyed hash of all that decides the result.
    pub(crate) key: Vec<u8>,
    pub(crate) connector: Connector,
    pub(crate) parameters: Value,
    /// The parameters with the callback URL. They count if they are valid.
    pub(crate) filled: Option<Value>,
    /// Hidden from people in whatever is shown of a call.
    pub(crate) token: Option<Zeroizing<String>>,
    pub(crate) templates: Value,
}

/// Without the values, which contain secrets.
impl std::fmt::Debug for Validation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validation").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Validation {
    /// # Errors
    /// All errors, by JSON pointer.
    pub(crate) fn run(&self) -> Result<ConnectionSettings, FieldErrors> {
        let metadata = self.connector.metadata();
        let mut errors = Vec::new();
        // A URL that the schema refuses (too long, not https) is left out, because the connection works without it.
        let filled = self.filled.as_ref().and_then(|filled| self.connector.parameters(filled).ok());
        let is_filled = filled.is_some();
        let parameters = match filled {
            Some(filled) => Some(filled),
            None => self
                .connector
                .parameters(&self.parameters)
                .map_err(|error| errors.extend(error.0.into_iter().map(FieldError::of_parameter)))
                .ok(),
        };
        let templates = match &self.templates {
            Value::Null => Some(Vec::new()),
            given => template::read(given, "/templates").map_err(|FieldErrors(more)| errors.extend(more)).ok(),
        };
        if let Some(templates) = &templates
            && metadata.content != ContentKind::Variables
        {
            errors
                .extend(template::check_mandatory(templates, "/templates").err().into_iter().flat_map(|error| error.0));
            errors.extend(content_kind_errors(metadata, templates));
        }
        match (parameters, templates) {
            (Some(mut parameters), Some(templates)) if errors.is_empty() => {
                if let Some(token) = &self.token {
                    parameters.hide(token);
                }
                Ok(ConnectionSettings { parameters: Arc::new(parameters), templates, is_filled })
            }
            _ => Err(FieldErrors(errors)),
        }
    }
}

/// The errors of templates whose content kind is not the connector's.
fn content_kind_errors(metadata: &Metadata, templates: &[Template]) -> Vec<FieldError> {
    let wrong = templates.iter().enumerate().filter_map(|(index, template)| {
        let at = |message: String| Some(FieldError::new(format!("/templates/{index}"), message));
        match (metadata.content, &template.body) {
            (ContentKind::Text, TemplateBody::Text(_)) | (ContentKind::Variables, _) => None,
            (ContentKind::Text, TemplateBody::Provider(_)) => {
                at("has `template`, and this connector needs `content`, a text with `{{code}}`".to_owned())
                    .map(|error| error.coded(FieldCode::TemplateNotText, &[]))
            }
            (ContentKind::Template, TemplateBody::Text(_)) => {
                at("has `content`, and this connector needs `template`, a template of the provider".to_owned())
                    .map(|error| error.coded(FieldCode::TemplateNotProvider, &[]))
            }
            (ContentKind::Template, TemplateBody::Provider(body)) => metadata.check_template(body).err().and_then(at),
        }
    });
    wrong.collect()
}
