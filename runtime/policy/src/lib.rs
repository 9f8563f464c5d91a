//! What a connector may reach: the rules for outgoing requests, as plain values and functions.
//!
//! The sandbox enforces what this crate decides. A request passes these rules, in this order:
//!
//! 1. [`header::check_names`]: may the guest set these headers at all?
//! 2. [`EffectiveGrant::check`]: are the method, scheme, host, port and path inside *manifest ∩ tenant grant ∩ operator policy*? A
//!    [`Denial`] names the rule and contains the line that would allow the request.
//! 3. [`EffectiveEntry::may_receive`]: may values with these [`Labels`] (which secret, the message) be sent to that host?
//! 4. [`RequestView::judge`]: does the request contain recipient and content exactly once, at the [`MessagePlaces`] that the
//!    manifest declares for that host, and no second phone number? The result contains the [`RequestShape`], to which a version is
//!    pinned.
//! 5. [`RequestView::confirm`]: do the bytes have the structure that was judged?
//! 6. [`AddressPolicy::vet`]: after resolution, may these addresses be dialled? Only this creates a [`VettedAddr`].
//!
//! In addition there are [`Limits`] (every bound, with the threat that it addresses) and [`ReachDiff`] (what a new version of a
//! connector would reach that the old one did not).
//!
//! Promises: everything is denied unless something allows it; every function is pure and total (no I/O, no clock, no panic); no
//! error, `Debug` or `Display` output contains a value that was sealed.
//!
//! Must not know: wasmtime, tokio, HTTP clients, tenants' names, databases.

#![warn(missing_docs)]

pub mod address;
pub mod composition;
pub mod grant;
pub mod header;
pub mod host;
pub mod label;
pub mod limits;
pub mod manifest;
pub mod origin;
pub mod pattern;
pub mod pinned;
pub mod placement;
pub mod reach_diff;
pub mod request;
pub mod shape;

pub use address::{AddressPolicy, AddressRefusal, ConnectToError, RefusedAddress, VettedAddr, judge};
pub use composition::{Composition, ContentKind, Encoding, Mark, Piece, RecipientForm};
pub use grant::{
    Denial, DenialRule, EffectiveEntry, EffectiveGrant, GrantEntry, HostPort, OperatorPolicy, PortRule, TenantGrant,
};
pub use header::HeaderRefusal;
pub use host::{CanonicalHost, HostPattern};
pub use label::{Form, Label, LabelKind, Labels};
pub use limits::Limits;
pub use manifest::{HostNeed, Manifest, ManifestError, Method, Reach, ReachEntry, SecretBinding, SecretUse};
pub use origin::{Origin, OriginPattern, Scheme};
pub use pattern::PatternError;
pub use pinned::{PinnedShapes, SHAPES_MAX};
pub use placement::{MessagePlaces, Place, PlacementError, Step};
pub use reach_diff::{ReachDiff, ReachKind, ReachLine};
pub use request::{
    CompositionViolation, HostValue, HostValues, JudgedRequest, MessageRule, RequestBytes, RequestPart, RequestView,
    ShapeReadings,
};
pub use shape::{Carries, RequestShape, ShapeChange};
