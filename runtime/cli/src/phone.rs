//! The routes of the simulated phone that the console shows in `sendbox demo`: messages that the simulated provider accepted, and
//! the provider's accounts.
//!
//! Only the demo has these routes. They show codes and credentials, all of them made up, to whoever started the demo. Pages from
//! other origins cannot read them: the responses have no CORS headers, and are sent only for this machine's own host names, which
//! prevents DNS rebinding.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use sendbox_simulator::InboxMessage;
use serde::Serialize;
use serde_json::Value;

use crate::simulator_setup::{Connection, NUMBER};

/// The number of messages that the phone shows.
const SHOWN: usize = 100;

/// A message as the phone shows it.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneMessage {
    number: u64,
    provider: String,
    provider_id: Option<String>,
    to: String,
    sender: Option<String>,
    text: Option<String>,
    received_at: u64,
}

/// A connection to an account of the simulated provider.
#[derive(Clone, Serialize)]
struct Account {
    connector: &'static str,
    parameters: Value,
    templates: Value,
}

/// The messages and accounts. Clones share them.
#[derive(Clone)]
pub struct Phone {
    messages: Arc<Mutex<VecDeque<PhoneMessage>>>,
    accounts: Arc<Vec<Account>>,
}

impl Phone {
    /// A phone without messages.
    pub fn new(connections: &[Connection]) -> Self {
        let part = |connection: &Connection, name: &str| connection.config.get(name).cloned().unwrap_or_default();
        let account = |connection: &Connection| Account {
            connector: connection.connector,
            parameters: part(connection, "parameters"),
            templates: part(connection, "templates"),
        };
        Self { messages: Arc::default(), accounts: Arc::new(connections.iter().map(account).collect()) }
    }

    /// Adds a message.
    pub fn add(&self, message: &InboxMessage) {
        let shown = PhoneMessage {
            number: message.number,
            provider: message.provider.clone(),
            provider_id: message.provider_id.clone(),
            to: message.to.clone(),
            sender: message.sender.clone(),
            text: message.text.clone().or_else(|| variables(message)),
            received_at: message.received_at,
        };
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push_front(shown);
        messages.truncate(SHOWN);
    }

    /// `/demo/phone/messages`, newest first, and `/demo/accounts`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/demo/phone/messages", get(messages))
            .route("/demo/accounts", get(accounts))
            .layer(from_fn(require_local_host_name))
            .with_state(self.clone())
    }
}

/// Responds with 404 to requests for other host names than `127.0.0.1` and `localhost`.
async fn require_local_host_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if ["127.0.0.1", "localhost"].contains(&name) {
        return next.run(request).await;
    }
    StatusCode::NOT_FOUND.into_response()
}

/// The variables, for providers that compose the text themselves.
fn variables(message: &InboxMessage) -> Option<String> {
    let pairs: Vec<_> = message.variables.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    (!pairs.is_empty()).then(|| pairs.join("\n"))
}

async fn messages(State(phone): State<Phone>) -> Json<Value> {
    let messages: Vec<_> = phone.messages.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    Json(serde_json::json!({ "number": NUMBER, "messages": messages }))
}

async fn accounts(State(phone): State<Phone>) -> Json<Vec<Account>> {
    Json(phone.accounts.to_vec())
}
