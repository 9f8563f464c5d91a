//! The limits on what a connector may use.
//!
//! Promises: each field states its unit, its default and the threat that it bounds, so that an operator who raises it knows the
//! risk.
//!
//! Must not know: how usage is measured. The sandbox enforces the limits.

use serde::{Deserialize, Serialize};

/// The limits of one send. A field that is missing from the configuration has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Maximum size of a request body, in bytes. Bounds exfiltration and host memory. 64 KiB.
    pub request_body: usize,
    /// Maximum number of request headers. Bounds the work per request and what a provider must parse. 32.
    pub request_headers: usize,
    /// Maximum size of the names and values of all request headers, in bytes. Bounds host memory. 8 KiB.
    pub request_header_bytes: usize,
    /// Maximum length of a request's URL, in bytes. Bounds a channel that many systems log. 4 KiB.
    pub url_bytes: usize,
    /// Maximum size of a response body after decoding, in bytes. Bounds what a hostile server can make us hold. 256 KiB.
    pub response_body: usize,
    /// Maximum number of response headers. Bounds a hostile server. 64.
    pub response_headers: usize,
    /// Maximum size of the names and values of all response headers, in bytes. Bounds a hostile server. 16 KiB.
    pub response_header_bytes: usize,
    /// Maximum number of decoded bytes per byte received. Bounds a decompression bomb. 20.
    pub decompress_ratio: u32,
    /// Timeout for the TCP connection, in milliseconds. Bounds an unreachable server. 3 s.
    pub connect_ms: u64,
    /// Timeout for the TLS handshake, in milliseconds. Bounds a stalled handshake. 3 s.
    pub tls_ms: u64,
    /// Timeout from the request to the first byte of the response, in milliseconds. Bounds a stalled server. 8 s.
    pub first_byte_ms: u64,
    /// Timeout for a whole send including host calls, in milliseconds. Bounds a server that responds slowly, and how long a slot is
    /// held. 15 s.
    pub send_ms: u64,
    /// Maximum number of requests in a send. Bounds pumping and amplification. 4.
    pub requests: u32,
    /// Maximum total size of linear memory and tables, in bytes. Bounds a memory bomb. 16 MiB.
    pub memory_bytes: usize,
    /// Size of the guest's stack, in bytes. Bounds deep recursion. 256 KiB.
    pub stack_bytes: usize,
    /// CPU budget of the guest without waiting, in milliseconds. Bounds an endless loop. 250 ms.
    pub cpu_ms: u64,
    /// Maximum size of all log lines of a send, in bytes. Bounds a log flood. 8 KiB.
    pub log_bytes: usize,
    /// Maximum number of log lines of a send. Bounds a log flood. 50.
    pub log_lines: usize,
    /// Maximum number of live sealed values. Bounds host memory that is held by handles. 64.
    pub handles: usize,
    /// Maximum number of host calls in a send. Bounds a loop of host calls that are cheap for the guest and expensive for the host.
    /// 2000.
    pub host_calls: u64,
    /// Maximum number of bytes that sealed operations may produce in a send. Bounds repeated doubling of a value. 1 MiB.
    pub sealed_bytes: usize,
    /// Maximum number of pieces in the composition of a sealed value. Bounds the cost of judging a request. 256.
    pub sealed_pieces: usize,
    /// Approximate number of bytes that one host call may transfer from the guest. Bounds giant strings and nested lists. 1 MiB.
    pub hostcall_fuel: usize,
    /// Maximum number of random bytes in one call. Bounds a cheap way to keep the host busy. 4 KiB.
    pub random_bytes: usize,
    /// Maximum size of a component file, in bytes. Bounds a compile bomb before anything is parsed. 2 MiB.
    pub component_bytes: usize,
    /// Maximum size of each text in a receipt or failure, in bytes. Bounds what a guest can write into journals and responses. 512.
    pub failure_text_bytes: usize,
    /// Maximum size of a component's metadata, in bytes. Bounds the console and the database. 128 KiB.
    pub metadata_bytes: usize,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 64 * KIB,
            request_headers: 32,
            request_header_bytes: 8 * KIB,
            url_bytes: 4 * KIB,
            response_body: 256 * KIB,
            response_headers: 64,
            response_header_bytes: 16 * KIB,
            decompress_ratio: 20,
            connect_ms: 3_000,
            tls_ms: 3_000,
            first_byte_ms: 8_000,
            send_ms: 15_000,
            requests: 4,
            memory_bytes: 16 * MIB,
            stack_bytes: 256 * KIB,
            cpu_ms: 250,
            log_bytes: 8 * KIB,
            log_lines: 50,
            handles: 64,
            host_calls: 2_000,
            sealed_bytes: MIB,
            sealed_pieces: 256,
            hostcall_fuel: MIB,
            random_bytes: 4 * KIB,
            component_bytes: 2 * MIB,
            failure_text_bytes: 512,
            metadata_bytes: 128 * KIB,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_configuration_keeps_the_other_defaults() {
        let limits: Limits = serde_json::from_str(r#"{"cpu_ms": 500}"#).unwrap();
        assert_eq!(limits, Limits { cpu_ms: 500, ..Limits::default() });
    }

    #[test]
    fn a_misspelt_limit_is_an_error() {
        let error = serde_json::from_str::<Limits>(r#"{"cpu": 500}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `cpu`"), "{error}");
    }

    #[test]
    fn written_out_and_read_again_it_is_the_same() {
        let limits = Limits { requests: 1, ..Limits::default() };
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits);
    }
}
