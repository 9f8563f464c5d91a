//! The shapes of the domain, as platforms and stores see them. One file for each word of `DESIGN.md` 2.
//!
//! Every shape that comes in refuses unknown fields, and every shape that goes out is free of secrets, codes, texts and full
//! numbers. `utoipa` describes them for the OpenAPI document, so that there is one definition of each.

mod audit;
mod connection;
mod connector;
mod decision;
mod delivery;
mod difference;
mod finding;
mod flow;
mod hint;
mod hold;
mod key;
mod message;
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

pub use self::audit::*;
pub use self::connection::*;
pub use self::connector::*;
pub use self::decision::*;
pub use self::delivery::*;
pub use self::difference::*;
pub use self::finding::*;
pub use self::flow::*;
pub use self::hint::*;
pub use self::hold::*;
pub use self::key::*;
pub use self::message::*;
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
    /// Newest first, unless the list says otherwise.
    pub items: Vec<T>,
    /// Give it as `cursor` to get what follows. Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// Entries of a page: 1 to 200, else 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}
