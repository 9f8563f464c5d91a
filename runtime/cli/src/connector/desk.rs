//! The operations on versions at one server, for one tenant or for all, and how their answers are said.

use std::fmt::Write as _;

use anyhow::Context as _;
use sendbox_service::model::{ConnectorSummary, ConnectorVersion, Owner, Release, VersionActivated, VersionShape};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::digest::Shortened;
use crate::exit::{Exit, Stop};
use crate::remote::{Method, Remote, Sent};
use crate::render;

/// Who is asked, for whom, and how it is said.
pub struct Desk {
    /// The server.
    pub remote: Remote,
    /// Whose connectors; without one, those of all.
    pub tenant: Option<String>,
    /// For scripts: what the server said, as it said it.
    pub json: bool,
}

/// What the server said, and what of it this command understands.
pub struct Said<T> {
    /// As it came.
    pub value: Value,
    /// As it is read.
    pub read: T,
}

impl<T: DeserializeOwned> Said<T> {
    fn of(value: Value) -> Result<Self, Stop> {
        let read = T::deserialize(&value)
            .context("the server's answer is not what this `sendbox` knows; are they of one version?")?;
        Ok(Self { value, read })
    }
}

impl Desk {
    /// Ends with an answer: as it is for scripts, in words for people.
    pub fn say<T>(&self, said: &Said<T>, words: impl FnOnce() -> String) -> Result<Exit, Stop> {
        let text = if self.json { format!("{}\n", said.value) } else { words() };
        render::print(&text)?;
        Ok(Exit::Success)
    }

    /// A command line to the same server and tenant.
    pub fn again(&self, action: &str) -> String {
        let mut command = format!("{} connector {action}", render::own_name());
        if let Some(tenant) = &self.tenant {
            write!(command, " --tenant {tenant}").ok();
        }
        command.push_str(&self.remote.flags);
        command
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &[&str], sent: Sent<'_>) -> Result<Said<T>, Stop> {
        let whole: Vec<&str> = match &self.tenant {
            Some(tenant) => ["v1", "tenants", tenant].into_iter().chain(path.iter().copied()).collect(),
            None => ["v1"].into_iter().chain(path.iter().copied()).collect(),
        };
        Said::of(self.remote.call(method, &whole, sent).await?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Said<T>, Stop> {
        self.call(Method::GET, path, Sent::Nothing).await
    }

    /// Sends a file.
    pub async fn upload(&self, component: Vec<u8>) -> Result<Said<ConnectorVersion>, Stop> {
        self.call(Method::POST, &["connectors"], Sent::Component(component)).await
    }

    /// How far its check has come.
    pub async fn uploaded(&self, digest: &str) -> Result<Said<ConnectorVersion>, Stop> {
        self.get(&["connector-uploads", digest]).await
    }

    /// All connectors.
    pub async fn list(&self) -> Result<Said<Vec<ConnectorSummary>>, Stop> {
        self.get(&["connectors"]).await
    }

    /// The versions of one.
    pub async fn versions(&self, id: &str) -> Result<Said<Vec<ConnectorVersion>>, Stop> {
        self.get(&["connectors", id, "versions"]).await
    }

    /// A version, and how it differs from the active one.
    pub async fn version(&self, id: &str, digest: &str) -> Result<Said<ConnectorVersion>, Stop> {
        self.get(&["connectors", id, "versions", digest]).await
    }

    /// Which versions send.
    pub async fn release(&self, id: &str) -> Result<Said<Release>, Stop> {
        self.get(&["connectors", id, "release"]).await
    }

    /// Approves exactly a difference.
    pub async fn approve(&self, id: &str, digest: &str, confirm: &str) -> Result<Said<ConnectorVersion>, Stop> {
        let body = json!({ "confirmationToken": confirm });
        self.call(Method::POST, &["connectors", id, "versions", digest, "approval"], Sent::Json(&body)).await
    }

    /// Tries a version, if the release is still the one that was looked at.
    pub async fn try_on(
        &self,
        id: &str,
        digest: &str,
        percent: u8,
        generation: Option<u64>,
    ) -> Result<Said<Release>, Stop> {
        let body = json!({ "digest": digest, "percent": percent, "generation": generation });
        self.call(Method::PUT, &["connectors", id, "release", "canary"], Sent::Json(&body)).await
    }

    /// Ends the trial.
    pub async fn end_trial(&self, id: &str) -> Result<Said<Release>, Stop> {
        self.call(Method::DELETE, &["connectors", id, "release", "canary"], Sent::Nothing).await
    }

    /// Activates a version, if the release is still the one that was looked at.
    pub async fn activate(
        &self,
        id: &str,
        digest: &str,
        generation: Option<u64>,
    ) -> Result<Said<VersionActivated>, Stop> {
        let body = json!({ "digest": digest, "generation": generation });
        self.call(Method::POST, &["connectors", id, "release", "activations"], Sent::Json(&body)).await
    }

    /// Takes the active version back.
    pub async fn roll_back(&self, id: &str, reason: Option<&str>) -> Result<Said<Release>, Stop> {
        let body = json!({ "reason": reason });
        self.call(Method::POST, &["connectors", id, "release", "rollbacks"], Sent::Json(&body)).await
    }

    /// The requests of a version, by their shapes.
    pub async fn shapes(&self, id: &str, digest: &str) -> Result<Said<Vec<VersionShape>>, Stop> {
        self.get(&["connectors", id, "versions", digest, "shapes"]).await
    }

    /// Approves requests of a shape that was held back.
    pub async fn approve_shape(&self, id: &str, digest: &str, shape: &str) -> Result<Said<VersionShape>, Stop> {
        let path = ["connectors", id, "versions", digest, "shapes", shape, "approve"];
        self.call(Method::POST, &path, Sent::Nothing).await
    }

    /// Deletes a file.
    pub async fn delete(&self, digest: &str) -> Result<(), Stop> {
        self.call::<Value>(Method::DELETE, &["connector-uploads", digest], Sent::Nothing).await?;
        Ok(())
    }

    /// The version of a connector that is meant.
    pub async fn digest(&self, id: &str, typed: &Shortened) -> Result<String, Stop> {
        if let Some(whole) = typed.whole() {
            return Ok(whole);
        }
        let versions = self.versions(id).await?.read;
        typed.pick(versions.iter().map(|version| version.digest.as_str()), id)
    }

    /// The version that is meant, of whichever connector was uploaded here.
    pub async fn digest_anywhere(&self, typed: &Shortened) -> Result<String, Stop> {
        if let Some(whole) = typed.whole() {
            return Ok(whole);
        }
        let wanted = if self.tenant.is_some() { Owner::Tenant } else { Owner::AllTenants };
        let mut digests = Vec::new();
        for connector in self.list().await?.read.iter().filter(|connector| connector.owner == wanted) {
            digests.extend(self.versions(&connector.id).await?.read.into_iter().map(|version| version.digest));
        }
        typed.pick(digests.iter().map(String::as_str), "what was uploaded here")
    }
}
