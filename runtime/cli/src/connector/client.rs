//! A typed client of the API's operations on connector versions, for one tenant or for all.

use std::fmt::Write as _;

use sendbox_domain::model::{ConnectorSummary, ConnectorVersion, Owner, Release, VersionActivated, VersionShape};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::digest::DigestPrefix;
use crate::exit::{CliError, Exit};
use crate::remote::{self, Method, Remote, RequestBody};
use crate::render;

/// Calls the API, and prints its responses as text or JSON.
pub struct ConnectorClient {
    pub remote: Remote,
    /// The owner of the connectors; `None` for those that all tenants share.
    pub tenant: Option<String>,
    /// Whether responses are printed as the server sent them.
    pub json: bool,
}

/// A response of the API.
pub struct ApiResponse<T> {
    /// The JSON as it was received. `--json` prints it, with members that this version of the command does not know.
    pub raw: Value,
    pub parsed: T,
}

impl<T: DeserializeOwned> ApiResponse<T> {
    fn parse(raw: Value) -> Result<Self, CliError> {
        let parsed = remote::parse(&raw)?;
        Ok(Self { raw, parsed })
    }
}

impl ConnectorClient {
    /// Prints a response: its JSON with `--json`, `text` otherwise.
    pub fn print<T>(&self, response: &ApiResponse<T>, text: impl FnOnce() -> String) -> Result<Exit, CliError> {
        let text = if self.json { format!("{}\n", response.raw) } else { text() };
        render::print(&text)?;
        Ok(Exit::Success)
    }

    /// A `sendbox connector` command line, to paste, that reaches the same server and tenant.
    pub fn command_line(&self, action: &str) -> String {
        let mut command = format!("{} connector {action}", render::own_name());
        if let Some(tenant) = &self.tenant {
            write!(command, " --tenant {tenant}").ok();
        }
        command.push_str(&self.remote.flags);
        command
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: RequestBody<'_>,
    ) -> Result<ApiResponse<T>, CliError> {
        let whole: Vec<&str> = match &self.tenant {
            Some(tenant) => ["v1", "tenants", tenant].into_iter().chain(path.iter().copied()).collect(),
            None => ["v1"].into_iter().chain(path.iter().copied()).collect(),
        };
        ApiResponse::parse(self.remote.call(method, &whole, body).await?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<ApiResponse<T>, CliError> {
        self.call(Method::GET, path, RequestBody::Empty).await
    }

    /// Uploads a component.
    pub async fn upload(&self, component: Vec<u8>) -> Result<ApiResponse<ConnectorVersion>, CliError> {
        self.call(Method::POST, &["connectors"], RequestBody::Component(component)).await
    }

    /// Retrieves an uploaded version and the progress of its check.
    pub async fn uploaded(&self, digest: &str) -> Result<ApiResponse<ConnectorVersion>, CliError> {
        self.get(&["connector-uploads", digest]).await
    }

    /// Lists the connectors.
    pub async fn list(&self) -> Result<ApiResponse<Vec<ConnectorSummary>>, CliError> {
        self.get(&["connectors"]).await
    }

    /// Lists the versions of a connector.
    pub async fn versions(&self, id: &str) -> Result<ApiResponse<Vec<ConnectorVersion>>, CliError> {
        self.get(&["connectors", id, "versions"]).await
    }

    /// Retrieves a version and its difference from the active one.
    pub async fn version(&self, id: &str, digest: &str) -> Result<ApiResponse<ConnectorVersion>, CliError> {
        self.get(&["connectors", id, "versions", digest]).await
    }

    /// Retrieves the release of a connector: which of its versions send.
    pub async fn release(&self, id: &str) -> Result<ApiResponse<Release>, CliError> {
        self.get(&["connectors", id, "release"]).await
    }

    /// Approves the difference that `confirm` identifies.
    pub async fn approve(
        &self,
        id: &str,
        digest: &str,
        confirm: &str,
    ) -> Result<ApiResponse<ConnectorVersion>, CliError> {
        let body = json!({ "confirmationToken": confirm });
        self.call(Method::POST, &["connectors", id, "versions", digest, "approval"], RequestBody::Json(&body)).await
    }

    /// Starts a canary. With a `generation`, fails if the release has changed since.
    pub async fn start_canary(
        &self,
        id: &str,
        digest: &str,
        percent: u8,
        generation: Option<u64>,
    ) -> Result<ApiResponse<Release>, CliError> {
        let body = json!({ "digest": digest, "percent": percent, "generation": generation });
        self.call(Method::PUT, &["connectors", id, "release", "canary"], RequestBody::Json(&body)).await
    }

    /// Ends the canary.
    pub async fn end_canary(&self, id: &str) -> Result<ApiResponse<Release>, CliError> {
        self.call(Method::DELETE, &["connectors", id, "release", "canary"], RequestBody::Empty).await
    }

    /// Activates a version. With a `generation`, fails if the release has changed since.
    pub async fn activate(
        &self,
        id: &str,
        digest: &str,
        generation: Option<u64>,
    ) -> Result<ApiResponse<VersionActivated>, CliError> {
        let body = json!({ "digest": digest, "generation": generation });
        self.call(Method::POST, &["connectors", id, "release", "activations"], RequestBody::Json(&body)).await
    }

    /// Rolls back to the previous version.
    pub async fn roll_back(&self, id: &str, reason: Option<&str>) -> Result<ApiResponse<Release>, CliError> {
        let body = json!({ "reason": reason });
        self.call(Method::POST, &["connectors", id, "release", "rollbacks"], RequestBody::Json(&body)).await
    }

    /// Lists the request shapes of a version.
    pub async fn shapes(&self, id: &str, digest: &str) -> Result<ApiResponse<Vec<VersionShape>>, CliError> {
        self.get(&["connectors", id, "versions", digest, "shapes"]).await
    }

    /// Approves a request shape that was held back.
    pub async fn approve_shape(
        &self,
        id: &str,
        digest: &str,
        shape: &str,
    ) -> Result<ApiResponse<VersionShape>, CliError> {
        let path = ["connectors", id, "versions", digest, "shapes", shape, "approve"];
        self.call(Method::POST, &path, RequestBody::Empty).await
    }

    /// Deletes an uploaded version.
    pub async fn delete(&self, digest: &str) -> Result<(), CliError> {
        self.call::<Value>(Method::DELETE, &["connector-uploads", digest], RequestBody::Empty).await?;
        Ok(())
    }

    /// The full digest of the connector's version that begins with `prefix`.
    pub async fn resolve_digest(&self, id: &str, prefix: &DigestPrefix) -> Result<String, CliError> {
        if let Some(digest) = prefix.as_full_digest() {
            return Ok(digest);
        }
        let versions = self.versions(id).await?.parsed;
        prefix.resolve(versions.iter().map(|version| version.digest.as_str()), id)
    }

    /// The full digest of the version that begins with `prefix`, among all uploaded connectors of this owner.
    pub async fn resolve_any_digest(&self, prefix: &DigestPrefix) -> Result<String, CliError> {
        if let Some(digest) = prefix.as_full_digest() {
            return Ok(digest);
        }
        let wanted = if self.tenant.is_some() { Owner::Tenant } else { Owner::AllTenants };
        let mut digests = Vec::new();
        for connector in self.list().await?.parsed.iter().filter(|connector| connector.owner == wanted) {
            digests.extend(self.versions(&connector.id).await?.parsed.into_iter().map(|version| version.digest));
        }
        prefix.resolve(digests.iter().map(String::as_str), "the uploaded connectors")
    }
}
