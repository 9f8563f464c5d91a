//! Operations that exist in two scopes: for all tenants below `/v1`, and for one tenant below `/v1/tenants/{tenant}`.
//!
//! They are written and described once. The path says which scope a request is of (`path.tenant()`), and the document gets both.

use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::OpenApiRouter;

use crate::api::Api;
use crate::path::tenant_parameter;
use crate::problem::not_found_response;

/// Mounts the operations in both scopes. `all` and `one` are added to the descriptions in the scope of all tenants and of one.
pub(super) fn in_both_scopes(operations: fn() -> OpenApiRouter<Api>, all: &str, one: &str) -> OpenApiRouter<Api> {
    let of_all = describe(operations(), |operation| append(operation, all));
    OpenApiRouter::default().nest("/v1", of_all).merge(in_a_tenant(operations(), one))
}

/// Mounts the operations for one tenant only.
pub(super) fn in_a_tenant(operations: OpenApiRouter<Api>, one: &str) -> OpenApiRouter<Api> {
    let of_one = describe(operations, |operation| {
        append(operation, one);
        if let Some(id) = &mut operation.operation_id {
            id.push_str("_for_tenant");
        }
        operation.parameters.get_or_insert_default().insert(0, RefOr::T(tenant_parameter()));
        let (status, response) = not_found_response();
        operation.responses.responses.insert(status, response);
    });
    OpenApiRouter::default().nest("/v1/tenants/{tenant}", of_one)
}

fn append(operation: &mut Operation, sentence: &str) {
    let description = operation.description.get_or_insert_default();
    if !description.is_empty() && !sentence.is_empty() {
        description.push_str("\n\n");
    }
    description.push_str(sentence);
}

fn describe(mut router: OpenApiRouter<Api>, change: impl Fn(&mut Operation)) -> OpenApiRouter<Api> {
    for item in router.get_openapi_mut().paths.paths.values_mut() {
        for operation in operations(item) {
            change(operation);
        }
    }
    router
}

/// The operations of a path.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}
