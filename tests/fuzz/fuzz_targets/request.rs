//! Fuzzes the policy's judgement of requests. See `sendbox-request-fuzz` for the checked properties.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Err(finding) = sendbox_request_fuzz::check(input) {
        panic!("{finding}");
    }
});
