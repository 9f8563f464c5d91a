//! The OpenAPI 3.1 document. Routes and shapes describe themselves; here stands what is said once for all of them.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{PathItem, Paths};

use crate::problem::{FieldError, Problem, problem_responses};
use crate::{routes, session};

/// The name of the security scheme of programs.
const BEARER: &str = "bearer";
/// The name of the security scheme of the console.
const SESSION: &str = "session";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sendbox",
        description = "Sends one-time passwords by SMS through sandboxed connectors.\n\nEverything that is not 2xx is a problem \
document (RFC 9457, `application/problem+json`); programs should look at its `type`, which never changes. Bodies are JSON, at \
most 64 KiB (512 KiB where a connection's templates may stand); members and parameters that are not known are refused, and no \
text may hold U+0000. Answers tell nothing about whether an account exists.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "tenants", description = "A tenant is for development or for production, once and for all."),
        (name = "keys", description = "Keys of a tenant, each with what it may do."),
        (name = "connectors", description = "The catalogue of connectors."),
        (name = "versions", description = "Connectors that were uploaded: their versions, and which of them send."),
        (name = "connections", description = "Connectors that a tenant has set up; one of them sends."),
        (name = "settings", description = "Flows, policy and test numbers of a tenant."),
        (name = "verifications", description = "Sendbox makes the code, sends it, and checks it."),
        (name = "messages", description = "Messages with codes of the platform."),
        (name = "statistics", description = "How a tenant did, and what needs a person."),
        (name = "audit", description = "Who changed what."),
        (name = "session", description = "How somebody signs in to the console. Programs use a key."),
        (name = "server", description = "Needs no key."),
    ),
    components(schemas(Problem, FieldError)),
)]
struct Described;

/// The OpenAPI 3.1 document of the whole API. Needs no running service.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Described::openapi();
    document.merge(routes::described().into_openapi());
    let components = document.components.get_or_insert_default();
    components.responses.extend(problem_responses());
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("The platform key, or a key of a tenant.".to_owned());
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    let session = ApiKeyValue::with_description(
        session::COOKIE_NAME,
        "Of `POST /v1/session`, for pages of this server. Everything but GET needs the header `X-CSRF-Token` beside it.",
    );
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    secure(&mut document.paths);
    document
}

/// Everything below `/v1` needs a key or a session, but for signing in; and nothing else does.
fn secure(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let needed = if path.starts_with("/v1/") { vec![BEARER, SESSION] } else { Vec::new() };
        let needed: Vec<_> =
            needed.into_iter().map(|scheme| SecurityRequirement::new::<_, _, String>(scheme, [])).collect();
        for operation in operations(item) {
            operation.security = Some(needed.clone());
        }
        if path == session::PATH
            && let Some(sign_in) = &mut item.post
        {
            sign_in.security = Some(Vec::new());
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// The document as JSON.
pub(crate) fn json() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());
    &JSON
}
