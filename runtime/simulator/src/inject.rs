//! Carries out injected faults: broken responses and connections.
//!
//! Promises that the client sees every fault as `fault` describes it. A fault that holds a connection open (`stall`, `drip`) ends
//! when the client leaves or the simulator stops. Knows providers through their trait only.

use std::io::{self, Write as _};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::time::sleep;

use crate::fault::Fault;
use crate::provider::{Provider, SimResponse};
use crate::request::IncomingRequest;
use crate::wire::{Connection, response_head};

/// Decompressed size of a gzip bomb.
const BOMB_BYTES: usize = 16 << 20;
/// Bytes that a false Content-Length adds to the real length.
const LIE: usize = 64;
/// Fields that an echo repeats in headers. The body contains all of them.
const ECHOED_HEADERS: usize = 16;

/// Whether a fault breaks the transfer of the response instead of replacing it: then the provider has accepted a valid message,
/// and the connection ends.
pub(crate) fn breaks_transfer(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Stall
            | Fault::ResetBefore
            | Fault::ResetAfter
            | Fault::Garbage
            | Fault::Drip(_)
            | Fault::LieLength
            | Fault::CloseMidBody
    )
}

/// The response that replaces the provider's; `None` for faults that keep the provider's response.
pub(crate) fn replacement(fault: &Fault, provider: &dyn Provider, request: &IncomingRequest) -> Option<SimResponse> {
    match fault {
        Fault::Status(status) => Some(provider.refusal(*status, "A fault of the simulator")),
        Fault::Code(code) => provider.error(code),
        Fault::RetryAfter(seconds) => {
            Some(provider.refusal(429, "Too Many Requests").with_header("retry-after", seconds.to_string()))
        }
        Fault::Redirect(url) => Some(SimResponse::empty(307).with_header("location", url.as_str())),
        Fault::Echo(status) => Some(echo(*status, provider, request)),
        Fault::GzipBomb => {
            let mut response = SimResponse::empty(200)
                .with_header("content-type", "application/json")
                .with_header("content-encoding", "gzip");
            response.body = bomb().to_vec();
            Some(response)
        }
        Fault::Oversize(bytes) => {
            let mut response = SimResponse::empty(200).with_header("content-type", "application/json");
            response.body = vec![b' '; *bytes];
            Some(response)
        }
        _ => None,
    }
}

/// Writes `response` as a fault of [`breaks_transfer`] demands, and ends the connection.
pub(crate) async fn send_broken(fault: &Fault, mut connection: Connection, response: &SimResponse) -> io::Result<()> {
    match fault {
        Fault::Stall => connection.client_left().await,
        Fault::ResetBefore | Fault::ResetAfter => connection.reset(),
        Fault::Garbage => {
            // Neither a status line nor HTTP/0.9 nor a TLS record.
            let noise: Vec<u8> = (0..512_u32).map(|n| u8::try_from(n * 167 % 251).unwrap_or(0)).collect();
            connection.send(&noise).await?;
            connection.close().await;
        }
        Fault::Drip(pause) => {
            let mut response =
                SimResponse { accepted: None, body: Vec::new(), headers: response.headers.clone(), ..*response };
            // After a status without a body, the client would be done.
            response.status = if response.status == 204 { 200 } else { response.status };
            connection.send(&response_head(&response, None, true)).await?;
            // Ends with an error as soon as the client has gone: writing to it then fails.
            loop {
                connection.send(b"1\r\n \r\n").await?;
                sleep(*pause).await;
            }
        }
        Fault::LieLength => {
            let mut bytes = response_head(response, Some(response.body.len() + LIE), true);
            bytes.extend_from_slice(&response.body);
            connection.send(&bytes).await?;
            connection.close().await;
        }
        Fault::CloseMidBody => {
            let mut bytes = response_head(response, Some(response.body.len().max(2)), true);
            bytes.extend(response.body.iter().take(response.body.len() / 2));
            connection.send(&bytes).await?;
            // Dropped without the closing alert: only the length shows that the body was truncated.
        }
        _ => {
            connection.respond(response, false).await?;
            connection.close().await;
        }
    }
    Ok(())
}

/// A response that repeats everything confidential in the request, in body and headers.
fn echo(status: u16, provider: &dyn Provider, request: &IncomingRequest) -> SimResponse {
    let raw = request.header("authorization").unwrap_or_default();
    let decoded = raw
        .split_once(' ')
        .and_then(|(_, credential)| STANDARD.decode(credential).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let fields = field_values(request);
    let body = String::from_utf8_lossy(&request.body);
    let message = format!(
        "authorization {raw} decoded {decoded} path {} fields {} body {body}",
        request.path,
        fields.join(" | ")
    );
    let mut response = provider
        .refusal(status, &message)
        .with_header("x-echo-authorization", raw)
        .with_header("x-echo-authorization-decoded", decoded)
        .with_header("x-echo-path", request.path.as_str());
    for (number, value) in fields.into_iter().take(ECHOED_HEADERS).enumerate() {
        response = response.with_header(&format!("x-echo-field-{number}"), value);
    }
    response
}

/// The values of a form, or the leaves of a JSON document.
fn field_values(request: &IncomingRequest) -> Vec<String> {
    if request.media_type().as_deref() == Some("application/json") {
        let mut leaves = Vec::new();
        if let Ok(document) = serde_json::from_slice(&request.body) {
            collect_leaves(&document, &mut leaves);
        }
        return leaves;
    }
    request.form().unwrap_or_default().into_iter().map(|(_, value)| value).collect()
}

fn collect_leaves(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| collect_leaves(member, leaves)),
        Value::Array(items) => items.iter().for_each(|item| collect_leaves(item, leaves)),
        Value::String(text) => leaves.push(text.clone()),
        other => leaves.push(other.to_string()),
    }
}

/// 16 MiB of spaces, compressed once.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let piece = vec![b' '; 64 << 10];
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to a vector cannot fail. If it did, the client would get invalid gzip, which is a fault as well.
        for _ in 0..BOMB_BYTES / piece.len() {
            packer.write_all(&piece).ok();
        }
        packer.finish().unwrap_or_default()
    })
}
