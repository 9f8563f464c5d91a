//! One connector in as many versions as a test needs: the guest `versioned`, with its marker overwritten.

use std::sync::LazyLock;

use sendbox_sandbox::Digest;
use serde_json::{Map, Value};

use crate::simulator_setup::connection;
use crate::test_service::templates;
use sendbox_domain::model::ConnectionInput;

/// The id of the connector.
pub const ID: &str = "acme-sms";

/// The beginning of the marker.
const BEGINNING: &[u8] = b"which-version=";
/// The size of the marker, in bytes.
const LENGTH: usize = 64;

static COMPONENT: LazyLock<Vec<u8>> = LazyLock::new(|| std::fs::read(crate::guests::VERSIONED).unwrap());

/// Version `number`, with the behaviour `does`: `honest`, `wider`, `narrower`, `stricter`, `trap`, `loop`, `tenth`, `refuse`,
/// `late`, `unseal`, `forget`, `default`, `origin`, `renamed`, `abroad`, `elsewhere`, `priced`, `collect`, `moved`. See
/// `tests/guests/versioned`.
pub fn version(number: u32, does: &str) -> Vec<u8> {
    version_of(ID, number, does)
}

/// Like [`version`], with another id.
pub fn version_of(id: &str, number: u32, does: &str) -> Vec<u8> {
    let mut marker = format!("which-version={number:04};does={does};id={id};").into_bytes();
    assert!(marker.len() <= LENGTH, "the marker has {LENGTH} bytes");
    marker.resize(LENGTH, b'.');
    let mut component = COMPONENT.clone();
    let at = component.windows(BEGINNING.len()).position(|window| window == BEGINNING).expect("the marker is there");
    component[at..at + LENGTH].copy_from_slice(&marker);
    component
}

/// The digest of a version: `sha256:…`.
pub fn digest(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

/// Parameters for the simulator's Twilio account.
pub fn parameters() -> Map<String, Value> {
    let (Value::Object(parameters), _) = connection("twilio") else { panic!("parameters are an object") };
    parameters
}

/// A connection that uses it.
pub fn input() -> ConnectionInput {
    ConnectionInput {
        connector: ID.to_owned(),
        parameters: parameters(),
        templates: templates(),
        rotate_callback_url: false,
    }
}
