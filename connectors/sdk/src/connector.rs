//! The traits that a connector implements, and what the host provides to it.
//!
//! Methods take their host as `impl Trait`, not as `dyn`: a host function that a connector does not call is then not in its
//! component, and so not among its imports.

use crate::config::Config;
use crate::failure::Failure;
use crate::http::{Request, Response, SendError};
use crate::message::{Message, Receipt};
use crate::metadata::Metadata;
use crate::report::{Callback, CallbackError, Report};
use crate::sealed::Sealed;

/// A connector: what it is, the request that carries a message, and what the provider's response means.
///
/// A connector has no state. Every message runs in a fresh instance, and everything that it depends on is an argument.
///
/// # Example
///
/// `sendbox new acme-sms` writes a project with a connector in `src/lib.rs`. This is a whole one:
///
/// ```
/// use sendbox_connector_sdk::*;
///
/// struct Acme;
///
/// impl Connector for Acme {
///     fn metadata() -> Metadata {
///         Metadata {
///             id: "acme-sms",
///             version: "1.0.0",
///             name: "Acme",
///             description: "Sends text messages through Acme.",
///             readme: "# Acme\n\nCreate an API key under Account → API and enter it as `apiKey`.",
///             logo: None,
///             parameters_schema: r#"{
///                 "type": "object",
///                 "required": ["apiKey", "sender"],
///                 "properties": {
///                     "apiKey": { "type": "string", "writeOnly": true },
///                     "sender": { "type": "string", "pattern": "^[A-Za-z0-9]{1,11}$" }
///                 }
///             }"#,
///             content: ContentKind::Text,
///             template_schema: None,
///             hosts: vec![HostNeed {
///                 origin: "https://api.acme.example",
///                 methods: vec![Method::Post],
///                 path_prefix: "/v1/messages",
///                 message: Some(MessagePlaces::json(NumberFormat::E164, "/to", "/text")),
///                 secrets: vec![("apiKey", SecretUse::Sent)],
///                 purpose: "Sends the message.",
///             }],
///             usages: Usage::ALL.to_vec(),
///             locales: vec![],
///             idempotent: false,
///         }
///     }
///
///     fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
///         let body = Json::object([
///             ("from", Json::from(config.required("sender")?)),
///             ("to", Json::from(&message.recipient.e164)),
///             ("text", Json::from(&message.text()?.text)),
///         ]);
///         Ok(Request::post("https://api.acme.example/v1/messages")
///             .header("Authorization", parts!["Bearer ", config.required_secret("apiKey")?])
///             .header("Content-Type", "application/json")
///             .body(body.to_parts()))
///     }
///
///     fn read_response(response: &Response) -> Result<Receipt, Failure> {
///         if response.is_success() {
///             Ok(Receipt::default())
///         } else {
///             Err(Failure::unexpected_response("Acme", response))
///         }
///     }
/// }
///
/// export!(Acme);
///
/// // Native tests (`cargo test`) see the request as the provider would.
/// # #[cfg(feature = "testing")]
/// # {
/// use sendbox_connector_sdk::testing::{Harness, response};
///
/// let harness = Harness::<Acme>::new(serde_json::json!({ "apiKey": "k-1", "sender": "MyShop" }))
///     .to("+4512345678", "45")
///     .text("Your code is 123456");
/// assert_eq!(
///     harness.request().body,
///     r#"{"from":"MyShop","to":"+4512345678","text":"Your code is 123456"}"#
/// );
/// let refused = harness.send([response(429, "")]).result.unwrap_err();
/// assert_eq!(refused.class, FailureClass::RateLimited);
/// # }
/// ```
///
/// `config.json` holds what a tenant would enter, the parameters and one template for each usage:
///
/// ```json
/// {
///   "parameters": { "apiKey": "…", "sender": "MyShop" },
///   "templates": [{ "usage": "generic", "content": "Your code is {{code}}" }]
/// }
/// ```
///
/// Build the component and print the request that it would send; without `--dry-run` it is sent:
///
/// ```sh
/// cargo build --target wasm32-wasip2 --release
/// sendbox send --connector target/wasm32-wasip2/release/acme_sms.wasm --config config.json \
///     --to +4512345678 --code 123456 --dry-run
/// ```
pub trait Connector {
    /// What the connector is and what it needs. The host reads this once, at installation, when every import is refused, so it must
    /// not depend on anything.
    fn metadata() -> Metadata;

    /// The request that carries the message, with the recipient and the content where [`metadata`](Self::metadata)
    /// declares them ([`MessagePlaces`](crate::MessagePlaces)).
    ///
    /// Fails if the message cannot be sent with this configuration. Nothing has been sent then.
    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure>;

    /// Reads the provider's response: returns a receipt if it accepted the message, or the failure if it did not.
    ///
    /// If the message may still have been sent, the failure is [`FailureClass::InDoubt`](crate::FailureClass).
    fn read_response(response: &Response) -> Result<Receipt, Failure>;

    /// Sends one message: builds the request, lets the host send it and reads the response.
    ///
    /// Override this when one request is not enough, for instance to fetch an access token first. The request that
    /// carries the message is the last one of a send.
    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        let response = host.send(&Self::build_request(message, config)?)?;
        Self::read_response(&response)
    }
}

/// A connector whose provider reports delivery by calling back. Export it with
/// [`export_reporting!`](crate::export_reporting).
pub trait DeliveryReports: Connector {
    /// Reads one callback: the messages that it reports on.
    ///
    /// Where the provider signs its callbacks, check the signature first: what is not authentic is
    /// [`CallbackError::NotAuthentic`], whatever it says.
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, CallbackError>;
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Details for the connector's author.
    Debug,
    /// Normal operation, for the operator.
    Info,
    /// Unexpected, but the send goes on.
    Warn,
    /// The send cannot go on.
    Error,
}

/// The grant does not allow this connector to read the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealDenied;

/// The functions of the host for a connector during one send.
pub trait Host {
    /// Sends one request and waits for the whole response. Redirects are not followed.
    ///
    /// A request that breaks a rule, such as one to a host that the metadata does not name, or with the number in another
    /// place than declared, ends the send as a fault of the connector: this function does not return. No request may
    /// follow the one that carries the message.
    ///
    /// # Errors
    ///
    /// [`SendError::Missing`] if the request needs a secret or a part of the message that does not exist, and
    /// [`SendError::Http`] if there was no response. `?` turns both into the right [`Failure`].
    fn send(&mut self, request: &Request) -> Result<Response, SendError>;

    /// Writes a log line for the connector's author and the operator. The host bounds its length, escapes it and removes
    /// sealed values.
    fn log(&mut self, level: LogLevel, message: &str);

    /// The bytes of a sealed value, if the grant allows it. Signing and encoding do not need this: a connector that calls
    /// it is shown in every inspection as one that reads secrets.
    fn reveal(&mut self, value: &Sealed) -> Result<Vec<u8>, RevealDenied>;
}

/// The functions of the host for a connector that reads a callback.
pub trait Verifier {
    /// Whether `computed` equals `received`, compared in constant time. At most 8 comparisons per callback.
    ///
    /// `computed` is an HMAC or a digest with a secret in it, over received values and literals. `received` is one value
    /// that the provider sent ([`Callback::sealed_header`], [`Field::sealed`](crate::Field::sealed)), as it came or
    /// [decoded](Sealed::decode). Decode a signature in hexadecimal, so that upper and lower case are the same. Anything
    /// else ends the call as a fault of the connector.
    fn matches(&mut self, computed: &Sealed, received: &Sealed) -> bool;

    /// The claims of a JSON Web Token that is signed with HS256 or HS512 under `key`, as JSON text in which numbers are
    /// replaced as in the callback; `None` for any other token. `token` must be a received value, unchanged, and `key`
    /// must be made of a secret. Times (`exp`, `nbf`) are not checked.
    fn jwt(&mut self, token: &Sealed, key: &Sealed) -> Option<String>;
}

/// Exports a [`Connector`] as a component: `export!(MyConnector);`, once, in `lib.rs`. In a native build it does nothing.
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

/// Exports a connector that also implements [`DeliveryReports`] as a component.
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
