//! What requests need of the OpenAPI document: its text, and which operations have query parameters.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::OpenApi;

pub(crate) struct Document {
    /// The document as JSON.
    pub(crate) json: String,
    /// The operations that have query parameters, by method and path.
    with_query: BTreeSet<(String, String)>,
}

impl Document {
    pub(crate) fn new(openapi: &OpenApi) -> Self {
        let document = serde_json::to_value(openapi).unwrap_or_default();
        let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods
                .map(move |(method, operation)| (method, path, operation.get("parameters").and_then(Value::as_array)))
        });
        let in_query = |parameter: &Value| parameter.get("in").and_then(Value::as_str) == Some("query");
        let with_query = operations
            .filter(|(.., parameters)| parameters.is_some_and(|parameters| parameters.iter().any(in_query)))
            .map(|(method, path, _)| (method.to_uppercase(), path.clone()))
            .collect();
        Self { json: openapi.to_json().unwrap_or_default(), with_query }
    }

    /// Whether the operation has query parameters. The path is the route's template.
    pub(crate) fn has_query(&self, method: &str, path: &str) -> bool {
        self.with_query.contains(&(method.to_owned(), path.to_owned()))
    }
}
