//! Every bound on what a connector may use.
//!
//! Promises: the defaults are the numbers of the security rules (sections 1 and 2); each field says its unit and the threat
//! that it bounds, so that an operator who raises it knows what is given up.
//!
//! Must not know: who counts. The sandbox enforces; this is only the table.

use serde::{Deserialize, Serialize};

/// The bounds of one send. A field that is left out of the configuration keeps its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a request body. Bounds exfiltration and host memory. 64 KiB.
    pub request_body: usize,
    /// Headers of a request. Bounds work per request and what a provider must parse. 32.
    pub request_headers: usize,
    /// Bytes of all names and values of a request's headers. Bounds host memory. 8 KiB.
    pub request_header_bytes: usize,
    /// Bytes of a request's URL. Bounds a channel that many systems log. 4 KiB.
    pub url_bytes: usize,
    /// Bytes of a response body after decoding. Bounds what a hostile server can make us hold. 256 KiB.
    pub response_body: usize,
    /// Headers of a response. Bounds a hostile server. 64.
    pub response_headers: usize,
    /// Bytes of all names and values of a response's headers. Bounds a hostile server. 16 KiB.
    pub response_header_bytes: usize,
    /// Decoded bytes for each byte received. Bounds a decompression bomb. 20.
    pub decompress_ratio: u32,
    /// Milliseconds to a TCP connection. Bounds a black hole. 3 s.
    pub connect_ms: u64,
    /// Milliseconds to a verified TLS session. Bounds a stalled handshake. 3 s.
    pub tls_ms: u64,
    /// Milliseconds from the request to the first byte of the answer. Bounds a stalled server. 8 s.
    pub first_byte_ms: u64,
    /// Milliseconds of a whole send, host calls included. Bounds a server that drips, and a permit held. 15 s.
    pub send_ms: u64,
    /// Requests of one send. Bounds pumping and amplification. 4.
    pub requests: u32,
    /// Bytes of linear memory and tables in aggregate. Bounds a memory bomb. 16 MiB.
    pub memory_bytes: usize,
    /// Bytes of the guest's stack. Bounds deep recursion. 256 KiB.
    pub stack_bytes: usize,
    /// Milliseconds of guest CPU, host waits not counted. Bounds a loop. 250 ms.
    pub cpu_ms: u64,
    /// Bytes of log lines of one send. Bounds a log flood. 8 KiB.
    pub log_bytes: usize,
    /// Log lines of one send. Bounds a log flood. 50.
    pub log_lines: usize,
    /// Sealed values alive at once. Bounds host memory held by handles. 64.
    pub handles: usize,
    /// Host calls of one send. Bounds a loop of cheap host calls, which costs the guest little and the host much. 2000.
    pub host_calls: u64,
    /// Bytes that sealed operations may produce in one send. Bounds joining a value with itself again and again. 1 MiB.
    pub sealed_bytes: usize,
    /// Pieces that the composition of one sealed value may have. Bounds the cost of judging a request. 256.
    pub sealed_pieces: usize,
    /// Bytes (roughly) that one host call may lift from the guest. Bounds giant strings and nested lists over the ABI. 1 MiB.
    pub hostcall_fuel: usize,
    /// Bytes of one call for random numbers. Bounds a cheap way to make the host work. 4 KiB.
    pub random_bytes: usize,
    /// Bytes of a component file. Bounds a compile bomb before anything is parsed. 2 MiB.
    pub component_bytes: usize,
    /// Bytes of each text in a receipt or failure. Bounds what a guest can write into journals and answers. 512.
    pub failure_text_bytes: usize,
    /// Bytes of the metadata that a component may return. Bounds the console and the database. 128 KiB.
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
