//! The addresses of ingresses, which identity platforms and applications call. They need no key: whoever knows the address may call it, and
//! the ingress authenticates the call as its platform does.
//!
//! They are not part of the API's document, since each platform defines what it sends and what it understands.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use sendbox_domain::ingress::answer::Answer;
use sendbox_service::{IngressRequest, UnreadBody};
use zeroize::Zeroizing;

use super::ApiResult;
use crate::api::Api;
use crate::body;
use crate::log::RequestContext;
use crate::path::{IngressCallPath, Path};
use crate::problem::{Kind, NotAProblem};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/v1/ingress/{token}", any(receive)).route("/v1/ingress/{token}/{*rest}", any(receive))
}

async fn receive(State(api): State<Api>, Path(path): Path<IngressCallPath>, request: Request) -> ApiResult<Response> {
    // Before the body is read: a caller without a valid token makes the server buffer nothing.
    let receiver = api.service.ingress_receiver(&path.token).await?;
    if let Some(context) = request.extensions().get::<RequestContext>() {
        context.set_tenant(receiver.tenant());
    }
    let method = request.method().to_string();
    let rest = path_after(request.uri().path(), &path.token).to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    // A header that is no text cannot be a secret, a signature or a content type.
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    let answer = match body::raw(request).await {
        Ok(body) => {
            let body = Zeroizing::new(body.to_vec());
            let call = IngressRequest { method, path: rest, query, headers, body };
            api.service.receive_ingress_call(receiver, call).await
        }
        Err(error) => {
            let unread = match error.kind() {
                Kind::BodyTooLarge => UnreadBody::TooLarge,
                Kind::TooManyRequests | Kind::Busy => UnreadBody::NoRoom,
                Kind::BadRequest | Kind::RequestTimeout => UnreadBody::Incomplete,
                _ => return Err(error),
            };
            api.service.refuse_ingress_call(receiver, unread, &rest).await
        }
    };
    Ok(response(answer))
}

/// What follows the token in a path.
fn path_after<'p>(path: &'p str, token: &str) -> &'p str {
    path.split_once(token).map_or("", |(_, rest)| rest)
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    response.extensions_mut().insert(NotAProblem);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_after_the_token() {
        for (path, rest) in [
            ("/v1/ingress/TOKEN", ""),
            ("/v1/ingress/TOKEN/", "/"),
            ("/v1/ingress/TOKEN/api/v1/sms/send", "/api/v1/sms/send"),
            ("/v1/ingress/TOKEN/TOKEN", "/TOKEN"),
        ] {
            assert_eq!(path_after(path, "TOKEN"), rest, "{path}");
        }
    }
}
