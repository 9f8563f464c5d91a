//! Where providers report what became of messages. No key is asked for: whoever knows the address may call it, and what they
//! say counts only if the connection's connector finds it authentic.
//!
//! It stands beside the API and not in its document: what is sent and how is each provider's own business.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Json, Router};
use http::header::HOST;
use sendbox_service::ReportCall;
use serde_json::json;
use zeroize::Zeroizing;

use super::Answer;
use crate::api::Api;
use crate::body;
use crate::place::{At, OfReceiver};

/// The one route.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/reports/{tenant}/{connection}/{token}", on(MethodFilter::GET.or(MethodFilter::POST), receive))
}

async fn receive(State(api): State<Api>, At(place): At<OfReceiver>, request: Request) -> Answer<Response> {
    // Before the body is read: nobody else can have anything kept here.
    let receiver = api.service.report_receiver(&place.tenant, &place.connection, &place.token).await?;
    let method = request.method().to_string();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let host = request.headers().get(HOST).and_then(text);
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    let body = Zeroizing::new(body::as_it_is(request).await?.to_vec());
    api.service.take_report(receiver, ReportCall { method, target, host, headers, body }).await?;
    // Aliyun looks for `code`, Tencent for `result`; the others look at the status alone.
    Ok(Json(json!({ "code": 0, "msg": "OK", "result": 0, "errmsg": "OK" })).into_response())
}
