//! The types that the API accepts and returns, one file per resource.
//!
//! Request types refuse unknown fields. Response types contain no secrets, codes, texts or full phone numbers. The OpenAPI document
//! is generated from these types with `utoipa`.

mod alert_code;
mod attempt_detail;
mod audit;
mod connection;
mod connector;
mod decision;
mod delivery;
mod difference;
mod flow;
mod hint;
mod hold;
mod inspection;
mod key;
mod message;
mod names;
mod policy;
mod promotion;
mod release;
mod sensitive;
mod session;
mod shape;
mod statistics;
mod tenant;
mod timestamp;
mod verification;
mod version;

pub use self::alert_code::*;
pub use self::attempt_detail::*;
pub use self::audit::*;
pub use self::connection::*;
pub use self::connector::*;
pub use self::decision::*;
pub use self::delivery::*;
pub use self::difference::*;
pub use self::flow::*;
pub use self::hint::*;
pub use self::hold::*;
pub use self::inspection::*;
pub use self::key::*;
pub use self::message::*;
pub use self::names::*;
pub use self::policy::*;
pub use self::promotion::*;
pub use self::release::*;
pub use self::sensitive::*;
pub use self::session::*;
pub use self::shape::*;
pub use self::statistics::*;
pub use self::tenant::*;
pub use self::timestamp::*;
pub use self::verification::*;
pub use self::version::*;

/// A page of a list.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The entries of this page, newest first unless the operation says otherwise.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1795465293250-m7k3x9q2v5t8w4n6p1r0d")]
    pub next_cursor: Option<String>,
}

/// The page of a list to return.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// The number of entries on a page. Defaults to 50.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[param(max_length = 200, example = "1795465293250-m7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}
