//! The callback URLs to which providers send delivery reports. They need no key: whoever knows the URL may call it, and a report
//! counts only if the connection's connector accepts it. Where the provider does not sign, the token in the URL is all that
//! protects it.
//!
//! They are not part of the API's document, since each provider defines what it sends.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use axum::{Json, Router};
use http::header::HOST;
use sendbox_service::ReportCall;
use serde_json::json;
use zeroize::Zeroizing;

use super::ApiResult;
use crate::api::Api;
use crate::body;
use crate::log::RequestContext;
use crate::path::{CallbackPath, Path};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/reports/{tenant}/{connection}/{token}", on(MethodFilter::GET.or(MethodFilter::POST), receive))
}

async fn receive(State(api): State<Api>, Path(path): Path<CallbackPath>, request: Request) -> ApiResult<Response> {
    // Before the body is read: a caller without a valid token makes the server buffer nothing.
    let receiver = api.service.report_receiver(&path.tenant, &path.connection, &path.token).await?;
    if let Some(context) = request.extensions().get::<RequestContext>() {
        context.set_tenant(&path.tenant);
    }
    let method = request.method().to_string();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let host = request.headers().get(HOST).and_then(text);
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    let body = Zeroizing::new(body::raw(request).await?.to_vec());
    api.service.receive_report(receiver, ReportCall { method, target, host, headers, body }).await?;
    // Aliyun looks for `code`, Tencent for `result`; the others look at the status alone.
    Ok(Json(json!({ "code": 0, "msg": "OK", "result": 0, "errmsg": "OK" })).into_response())
}
