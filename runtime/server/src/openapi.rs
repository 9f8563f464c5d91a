//! The OpenAPI 3.1 document. Routes and types describe themselves; this adds what applies to all of them.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::Paths;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};

use crate::document::Document;
use crate::problem::{Problem, problem_responses};
use crate::{routes, session};

/// The security scheme of programs.
const BEARER: &str = "bearer";
/// The security scheme of the console.
const SESSION: &str = "session";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sendbox",
        description = "Sendbox sends one-time passwords by SMS through sandboxed connectors.\n\n\
**Authentication.** Send the platform key or a key of a tenant as `Authorization: Bearer …`.\n\n\
**Requests.** Bodies are JSON (UTF-8), up to 64 KiB, or 512 KiB where they contain a connection's templates. Unknown fields and \
query parameters are refused, and no text may contain U+0000. Timestamps are RFC 3339 in UTC.\n\n\
**Errors.** Every response that is not 2xx is a problem document (RFC 9457, `application/problem+json`). Programs branch on its \
`type`, which never changes; `GET /problems` lists every type with what to do.\n\n\
**Pagination.** A page has `items` and, if there is more, `nextCursor`: pass it as `cursor` to get the next page.\n\n\
**Rates.** A response to a request that counts against the rate of its key has `RateLimit-Limit`, `RateLimit-Remaining` (points) and \
`RateLimit-Reset` (seconds until all points are there again).\n\n\
**Changes.** The policy and connections have an `ETag`. Send it in `If-Match` with a change, so that you do not overwrite what somebody \
else has saved since.\n\n\
**Idempotency.** Send an `Idempotency-Key` when you create messages and verifications, so that you can safely repeat the request.\n\n\
**Privacy.** Responses contain no secret, code, text or full phone number, and do not reveal whether an account exists.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "The server that this document comes from.")),
    tags(
        (name = "verifications", description = "Sendbox makes the code, sends it and checks it."),
        (name = "messages", description = "Messages that carry a code of your platform, and every message's history."),
        (name = "tenants", description = "A tenant is an isolated customer of the platform, for development or for production."),
        (name = "keys", description = "API keys of a tenant, each with the scopes that it permits."),
        (name = "connectors", description = "The catalogue of connectors. Each talks to one provider."),
        (name = "versions", description = "Uploaded connectors: their versions, and the release that says which of them send."),
        (name = "connections", description = "Connectors that a tenant has configured. One of them is active and sends."),
        (name = "ingresses", description = "Addresses at which identity platforms and applications send messages, in their own formats."),
        (name = "settings", description = "Flows, policy, test numbers, and numbers that are blocked or held."),
        (name = "webhooks", description = "Endpoints of your platform to which events of a tenant are sent, and these events."),
        (name = "statistics", description = "How messages and verifications perform, and what needs attention."),
        (name = "audit", description = "Who changed what, and when."),
        (name = "session", description = "Signing in to the console. Programs use a key."),
        (name = "server", description = "Health, documentation and problem types. Needs no key."),
    ),
    components(schemas(Problem)),
)]
struct ApiDocument;

/// The OpenAPI 3.1 document of the whole API. Needs no running service.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = ApiDocument::openapi();
    document.merge(routes::documented().into_openapi());
    let description = document.info.description.get_or_insert_default();
    *description = format!("{description}\n\n{}", include_str!("openapi/first-code.md"));
    let components = document.components.get_or_insert_default();
    components.responses.extend(problem_responses());
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("The platform key, or a key of a tenant: `Authorization: Bearer sbx_…`.".to_owned());
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let session = ApiKeyValue::with_description(
        session::COOKIE_NAME,
        "The cookie that `POST /v1/session` sets, for pages of this server. Every request but GET also needs the header `X-CSRF-Token`.",
    );
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    secure(&mut document.paths);
    document
}

/// Every operation below `/v1` needs a key or a session, except signing in. No other operation does.
fn secure(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let needed = if path.starts_with("/v1/") { vec![BEARER, SESSION] } else { Vec::new() };
        let needed: Vec<_> =
            needed.into_iter().map(|scheme| SecurityRequirement::new::<_, _, String>(scheme, [])).collect();
        for operation in routes::operations(item) {
            operation.security = Some(needed.clone());
        }
        if path == session::PATH
            && let Some(sign_in) = &mut item.post
        {
            sign_in.security = Some(Vec::new());
        }
    }
}

/// What requests need of the document. Made on first use.
pub(crate) static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::new(&openapi()));
