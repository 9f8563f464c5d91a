//! The inbox page and its small API: plain HTTP on loopback.
//!
//! Promises that no page of another origin can read or control it: a request whose `Host` or `Origin` is not loopback is refused
//! (DNS rebinding), bodies must be `application/json` (which another origin cannot send without a preflight, which is not
//! answered), and the page loads nothing and runs only its own script. Messages are inserted as text, never as markup. Holds no
//! state of its own.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{Stream, StreamExt as _, iter, unfold};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;

use crate::fault::FaultSpec;
use crate::inbox::{InboxEvent, InboxMessage};
use crate::server::Shared;
use crate::shutdown::Stopped;

const PAGE: &str = include_str!("page.html");

#[derive(Clone)]
struct PageState {
    shared: Arc<Shared>,
    stop: watch::Receiver<Stopped>,
}

/// Serves the page until the simulator stops.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, stop: watch::Receiver<Stopped>) {
    let mut stopped = stop.clone();
    let ended = async move {
        stopped.changed().await.ok();
    };
    // After an error of this listener, the HTTPS listener continues.
    axum::serve(listener, router(PageState { shared, stop })).with_graceful_shutdown(ended).await.ok();
}

fn router(state: PageState) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(events))
        .route("/messages", get(messages).delete(clear_messages))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/counters", get(counters))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "there is /, /events, /messages, /faults and /counters") })
        .method_not_allowed_fallback(|| async {
            error(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
        })
        .layer(from_fn(only_loopback))
        .with_state(state)
}

fn error(status: StatusCode, message: impl Into<String>) -> Response {
    (status, Json(json!({ "error": message.into() }))).into_response()
}

async fn only_loopback(request: Request, next: Next) -> Response {
    if !names_loopback(request.headers()) {
        return error(StatusCode::FORBIDDEN, "the inbox responds only to 127.0.0.1, [::1] and localhost");
    }
    let mut response = next.run(request).await;
    response.headers_mut().extend(
        [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ]
        .map(|(name, value)| (name, header::HeaderValue::from_static(value))),
    );
    response
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let loopback = |authority: &str| {
        let bare = authority.strip_prefix("[::1]").map(|port| ("localhost", port));
        let (host, port) = bare.unwrap_or_else(|| authority.split_at(authority.find(':').unwrap_or(authority.len())));
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
        port && (host == "127.0.0.1" || host.eq_ignore_ascii_case("localhost"))
    };
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or_default());
    let host = text(header::HOST).is_some_and(loopback);
    let origin = text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(loopback));
    host && origin
}

async fn page(State(state): State<PageState>) -> Response {
    let nonce = state.shared.state.new_id();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(PAGE.replace("{{nonce}}", &nonce))).into_response()
}

fn snapshot(messages: &[Arc<InboxMessage>]) -> Value {
    json!(messages.iter().map(AsRef::as_ref).collect::<Vec<&InboxMessage>>())
}

async fn messages(State(state): State<PageState>) -> Json<Value> {
    Json(snapshot(&state.shared.inbox.messages()))
}

async fn clear_messages(State(state): State<PageState>) -> StatusCode {
    state.shared.inbox.clear();
    StatusCode::NO_CONTENT
}

async fn counters(State(state): State<PageState>) -> Json<Value> {
    Json(json!(state.shared.counters.read()))
}

async fn faults(State(state): State<PageState>) -> Json<Vec<FaultSpec>> {
    Json(state.shared.faults.list())
}

async fn clear_faults(State(state): State<PageState>) -> StatusCode {
    state.shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn add_fault(State(state): State<PageState>, spec: Result<Json<FaultSpec>, JsonRejection>) -> Response {
    let Json(spec) = match spec {
        Ok(spec) => spec,
        Err(rejection) => return error(rejection.status(), rejection.body_text()),
    };
    match state.shared.inject(spec.clone()) {
        Ok(()) => (StatusCode::CREATED, Json(spec)).into_response(),
        Err(refusal) => error(StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()),
    }
}

/// A `snapshot` of all messages, then each `message` and each `cleared`. Ends if the client falls behind: browsers reconnect by
/// themselves and get a new snapshot.
async fn events(State(state): State<PageState>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (messages, receiver) = state.shared.inbox.watch();
    let first = iter([Event::default().event("snapshot").data(snapshot(&messages).to_string())]);
    let later = unfold((receiver, state.stop), |(mut receiver, mut stop)| async move {
        let event = next_event(&mut receiver, &mut stop).await?;
        Some((event, (receiver, stop)))
    });
    Sse::new(first.chain(later).map(Ok)).keep_alive(KeepAlive::default())
}

async fn next_event(receiver: &mut Receiver<InboxEvent>, stop: &mut watch::Receiver<Stopped>) -> Option<Event> {
    let event = tokio::select! {
        _ = stop.changed() => return None,
        event = receiver.recv() => event.ok()?,
    };
    Some(match event {
        InboxEvent::Message(message) => Event::default().event("message").data(json!(message.as_ref()).to_string()),
        InboxEvent::Cleared => Event::default().event("cleared").data("{}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_pass() {
        let with = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            names_loopback(&headers)
        };
        for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:9", "[::1]"] {
            assert!(with(host, None), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:1", "127.0.0.1:1@evil", "", "[::1]evil"]
        {
            assert!(!with(host, None), "{host}");
        }
        assert!(with("localhost:1", Some("http://localhost:1")));
        for origin in ["http://evil.example", "null", "https://localhost.evil.example"] {
            assert!(!with("localhost:1", Some(origin)), "{origin}");
        }
        assert!(!names_loopback(&HeaderMap::new()));
    }
}
