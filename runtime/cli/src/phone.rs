//! The phone of `sendbox demo`, as the console shows it: what the simulated provider took, and the accounts that it knows.
//!
//! Only the demo has these routes. Everything in them is made up, on this machine, and gone when the demo ends; the one who
//! started it may see codes and credentials there. No other page can: they are answers without CORS headers, and to this
//! machine's own names alone, so that no name from elsewhere can be pointed here.

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

use crate::stage::{Connection, NUMBER};

/// Messages that the phone shows.
const SHOWN: usize = 100;

/// A message on the phone.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct OnPhone {
    number: u64,
    provider: String,
    provider_id: Option<String>,
    to: String,
    sender: Option<String>,
    text: Option<String>,
    received_at: u64,
}

/// An account that the simulated provider knows.
#[derive(Clone, Serialize)]
struct Account {
    connector: &'static str,
    parameters: Value,
    templates: Value,
}

/// The phone. Cheap to clone: all clones are the same.
#[derive(Clone)]
pub struct Phone {
    messages: Arc<Mutex<VecDeque<OnPhone>>>,
    accounts: Arc<Vec<Account>>,
}

impl Phone {
    /// An empty one.
    pub fn of(connections: &[Connection]) -> Self {
        let part = |connection: &Connection, name: &str| connection.config.get(name).cloned().unwrap_or_default();
        let account = |connection: &Connection| Account {
            connector: connection.connector,
            parameters: part(connection, "parameters"),
            templates: part(connection, "templates"),
        };
        Self { messages: Arc::default(), accounts: Arc::new(connections.iter().map(account).collect()) }
    }

    /// Something arrived.
    pub fn arrived(&self, message: &InboxMessage) {
        let shown = OnPhone {
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
            .layer(from_fn(of_this_machine))
            .with_state(self.clone())
    }
}

/// Answers to `127.0.0.1` and `localhost`.
async fn of_this_machine(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if ["127.0.0.1", "localhost"].contains(&name) {
        return next.run(request).await;
    }
    StatusCode::NOT_FOUND.into_response()
}

/// What providers that make the text themselves are given instead.
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
