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
mod ingress;
mod inspection;
mod key;
mod message;
mod names;
mod page;
mod placement;
mod platform_data;
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
mod webhook;

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
pub use self::ingress::*;
pub use self::inspection::*;
pub use self::key::*;
pub use self::message::*;
pub use self::names::{
    ContentKindName, FailureClassName, PartyName, RecipientFormName, RequestSentName, SecretUseName, TextEncodingName,
};
pub use self::page::*;
pub use self::placement::*;
pub use self::platform_data::*;
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
pub use self::webhook::*;
