//! Follows the events of a tenant: asks for the newest ones, again and again, and returns each once.

use std::collections::BTreeMap;
use std::time::Duration;

use sendbox_domain::model::{Event, Page, Timestamp};
use serde_json::Value;

use crate::exit::CliError;
use crate::remote::{self, Remote};
use crate::render;

/// How often the server is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// Events are asked for from so long before the newest one: a transaction that began earlier may be committed later.
const OVERLAP_MS: u64 = 30_000;

/// The events of a tenant, from a time on.
pub struct Follower {
    pub remote: Remote,
    pub tenant: String,
    since: Timestamp,
    newest: Timestamp,
    /// Those that were returned, by id.
    seen: BTreeMap<String, Timestamp>,
    is_first: bool,
}

impl Follower {
    /// Follows what happens at this time of the server, or later.
    pub fn since(remote: Remote, tenant: &str, since: Timestamp) -> Self {
        Self { remote, tenant: tenant.to_owned(), since, newest: since, seen: BTreeMap::new(), is_first: true }
    }

    /// Follows what happens after the newest event.
    pub async fn from_now(remote: Remote, tenant: &str) -> Result<Self, CliError> {
        let mut follower = Self::since(remote, tenant, Timestamp(0));
        let newest = follower.page(vec![("limit", "200".to_owned())]).await?;
        follower.take(newest.items);
        Ok(follower)
    }

    async fn page(&self, query: Vec<(&str, String)>) -> Result<Page<Event>, CliError> {
        remote::parse(&self.remote.get(&["v1", "tenants", &self.tenant, "events"], &query).await?)
    }

    /// Waits a moment, and returns the events since then, oldest first.
    pub async fn next(&mut self) -> Result<Vec<Event>, CliError> {
        if !std::mem::take(&mut self.is_first) {
            tokio::time::sleep(INTERVAL).await;
        }
        let since = Timestamp(self.newest.minus_millis(OVERLAP_MS).0.max(self.since.0));
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = vec![("limit", "200".to_owned()), ("since", since.to_string())];
            query.extend(cursor.map(|cursor: String| ("cursor", cursor)));
            let page = self.page(query).await?;
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(self.take(found))
    }

    /// Those that were not returned before, oldest first.
    fn take(&mut self, found: Vec<Event>) -> Vec<Event> {
        let mut new = Vec::new();
        for event in found.into_iter().rev() {
            self.newest = self.newest.max(event.timestamp);
            if self.seen.insert(event.id.clone(), event.timestamp).is_none() {
                new.push(event);
            }
        }
        // What is older is not asked for again.
        let until = self.newest.minus_millis(2 * OVERLAP_MS);
        self.seen.retain(|_, at| *at >= until);
        new
    }
}

/// An event on one line.
pub fn event_line(event: &Event) -> String {
    let member = |name: &str| event.data.get(name).and_then(Value::as_str).map(render::line);
    let about = ["id", "message", "connector", "endpoint"].into_iter().find_map(member).unwrap_or_default();
    let to = member("to").map(|to| format!("  {to}")).unwrap_or_default();
    format!("{}  {}  {:<22}  {about}{to}", event.timestamp, render::line(&event.id), event.kind.as_str())
}
