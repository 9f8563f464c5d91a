//! The policy's judgement of requests: `sendbox-request-fuzz` says what must hold.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Err(finding) = sendbox_request_fuzz::check(input) {
        panic!("{finding}");
    }
});
