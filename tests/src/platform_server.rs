//! The server of a platform, which gets webhooks and status callbacks; and what a provider reports in the meantime.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};

use crate::api::{Api, text};
use crate::server::{Seen, answer};
use crate::simulator_setup::connection;
use crate::test_service::{PUBLIC_URL, TENANT};
use crate::{Script, Server};

/// The host of the platform.
pub const HOOKS: &str = "hooks.platform.test";
/// After this time a story fails that would wait forever.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A response after which the connection closes, so that each request plays the script of its time.
pub fn respond(status: u16) -> Script {
    Script::raw(answer(status, "connection: close\r\n", b"whatever"))
}

/// Delivers a report of Twilio, with its signature.
pub async fn report(api: &Api, sid: &str, status: &str) {
    let shown = api.platform().get(&format!("/v1/tenants/{TENANT}/connections/main")).await.expect(200);
    let path = text(&shown["deliveryReports"]["callbackUrl"]).strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let (parameters, _) = connection("twilio");
    let fields = [
        ("AccountSid", text(&parameters["accountSID"])),
        ("MessageSid", sid.to_owned()),
        ("MessageStatus", status.to_owned()),
    ];
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(text(&parameters["authToken"]).as_bytes()).unwrap();
    mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
    fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Twilio-Signature", signature.as_str())];
    assert_eq!(api.wire("POST", &path, &headers, body.join("&").as_bytes()).await.status, 200);
}

/// The value of a header, or nothing.
pub fn header(seen: &Seen, name: &str) -> String {
    let line = seen.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default();
    line.to_owned()
}

/// Waits until so many requests have arrived.
pub async fn until_seen(server: &Server, count: usize) -> Vec<Seen> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = server.seen();
        assert!(Instant::now() < deadline, "{} requests instead of {count}", seen.len());
        assert!(seen.len() <= count, "{} requests instead of {count}", seen.len());
        if seen.len() == count {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
