//! What a connector implements, and what it may ask of the host.
//!
//! `send` and `parse` take their host as `impl Trait`, not as `dyn`: what a connector does not call is then not in its
//! component, and so not among its imports.

use crate::config::Config;
use crate::failure::Failure;
use crate::http::{Request, Response, SendError};
use crate::message::{Message, Receipt};
use crate::metadata::Metadata;
use crate::report::{Callback, Report, ReportError};
use crate::sealed::Sealed;

/// A connector. Export it with [`export!`](crate::export).
pub trait Connector {
    /// What it is and needs. A pure function: at installation every import is refused.
    fn metadata() -> Metadata;

    /// Hands one message to the provider. Most connectors are three lines: build the request, `host.send(&request)?`,
    /// read the answer.
    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure>;
}

/// A connector whose provider calls back. Export it with [`export_reporting!`](crate::export_reporting).
pub trait DeliveryReports: Connector {
    /// Reads one callback, and first of all checks that it is authentic.
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, ReportError>;
}

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Something is odd.
    Warn,
    /// Something is broken.
    Error,
}

/// The grant does not let this connector read such a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealDenied;

/// What the host does for a connector during one send.
pub trait Host {
    /// Makes one request and waits for the whole answer. Redirects are not followed.
    ///
    /// A request that breaks a rule (a host that the metadata does not name, the number elsewhere than declared) ends the
    /// send as a fault of the connector; it is no error that could be read here. After the request with the message no other
    /// one may follow.
    fn send(&mut self, request: &Request) -> Result<Response, SendError>;

    /// A line for the connector's author and the operator. Bounded, escaped and scrubbed.
    fn log(&mut self, level: LogLevel, message: &str);

    /// The bytes of a sealed value, if the grant says so. A connector that calls this shows in every inspection as one
    /// that reads secrets; signing and encoding do not need it.
    fn reveal(&mut self, value: &Sealed) -> Result<Vec<u8>, RevealDenied>;
}

/// What the host does for a connector that reads a callback.
pub trait Verifier {
    /// True when `computed` equals `received`, in constant time. At most 8 times in one call of `parse`.
    ///
    /// `computed` is an HMAC or a digest under a secret, of received bytes and literals besides. `received` is what the
    /// provider sent ([`Callback::sealed_header`], [`Field::sealed`](crate::Field::sealed)), as it came or
    /// [decoded](Sealed::decode): a signature that may come in either case of hexadecimal is compared decoded. Anything else
    /// ends the call as a fault of the connector.
    fn matches(&mut self, computed: &Sealed, received: &Sealed) -> bool;

    /// The claims of a JSON Web Token that is signed with HS256 or HS512 under `key`, as JSON text with numbers replaced
    /// like in the callback. `None` for any other token. `token` must be received as it is, and `key` be made of a
    /// secret. Times (`exp`, `nbf`) are not judged.
    fn jwt(&mut self, token: &Sealed, key: &Sealed) -> Option<String>;
}

/// Makes the component of a [`Connector`]: `export!(MyConnector);`, once, in `lib.rs`.
///
/// Outside of WebAssembly it does nothing, so that `cargo test` runs natively.
#[macro_export]
macro_rules! export {
    ($connector:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs)]
        mod sendbox_component {
            type Exported = $crate::guest::Component<super::$connector>;
            $crate::guest::bindings::blind::export_connector_bindings!(Exported with_types_in $crate::guest::bindings::blind);
        }
    };
}

/// Makes the component of a connector that also implements [`DeliveryReports`].
#[macro_export]
macro_rules! export_reporting {
    ($connector:ident) => {
        $crate::export!($connector);

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, missing_docs)]
        mod sendbox_reports {
            type Exported = $crate::guest::Component<super::$connector>;
            $crate::guest::bindings::reports::export_reports_bindings!(Exported with_types_in $crate::guest::bindings::reports);
        }
    };
}
