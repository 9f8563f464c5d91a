//! Twilio's status callbacks: a form with `MessageSid`, `MessageStatus` and, for a failure, `ErrorCode`.
//!
//! The header `X-Twilio-Signature` is HMAC-SHA1 in base64, with the auth token as key, over the URL followed by the name and
//! the value of every form field, sorted by name (<https://www.twilio.com/docs/usage/security#validating-requests>). The
//! fields contain the phone number, so the signature is computed over sealed values.

use sendbox_connector_sdk::{
    Callback, CallbackError, Config, DeliveryReports, Encoding, FailureClass, Field, Hash, Report, State, Verifier,
    parts,
};

use crate::{Twilio, errors};

impl DeliveryReports for Twilio {
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, CallbackError> {
        if !is_authentic(callback, config, verifier) {
            return Err(CallbackError::NotAuthentic);
        }
        let sid = callback.form_value("MessageSid").or_else(|| callback.form_value("SmsSid"));
        let status = callback.form_value("MessageStatus").or_else(|| callback.form_value("SmsStatus"));
        let (Some(sid), Some(status)) = (sid.filter(|sid| !sid.is_empty()), status) else {
            return Err(CallbackError::Malformed);
        };
        let code = callback.form_value("ErrorCode").filter(|code| !code.is_empty());
        let state = state(status, code).ok_or(CallbackError::Malformed)?;
        let failed = state.is_failure();
        Ok(vec![Report {
            message_id: sid.to_owned(),
            state,
            class: failed
                .then(|| code.and_then(|code| errors::class_of(code.parse().ok()?)))
                .map(|class| class.unwrap_or(FailureClass::Unknown)),
            provider_code: code.map(str::to_owned),
            text: callback.form_value("ErrorMessage").map(str::to_owned),
            at: callback.form_value("RawDlrDoneDate").map(str::to_owned),
        }])
    }
}

fn is_authentic(callback: &Callback, config: &Config<'_>, verifier: &mut impl Verifier) -> bool {
    let (Some(received), Some(token)) = (callback.sealed_header("x-twilio-signature"), config.secret("authToken"))
    else {
        return false;
    };
    let mut fields: Vec<&Field> = callback.form.iter().collect();
    fields.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let mut signed = parts![&callback.sealed_url];
    for field in fields {
        signed.push(&field.name);
        signed.push(&field.sealed);
    }
    let computed = signed.seal().hmac(Hash::Sha1, &token).encode(Encoding::Base64);
    verifier.matches(&computed, received)
}

/// The state of a Twilio status; `None` for the statuses of incoming messages.
fn state(status: &str, code: Option<&str>) -> Option<State> {
    Some(match status {
        // 30036: the validity period passed.
        "failed" | "undelivered" if code == Some("30036") => State::Expired,
        "accepted" | "scheduled" | "queued" => State::Queued,
        "sending" | "sent" => State::Sent,
        "delivered" | "read" => State::Delivered,
        "undelivered" => State::Undelivered,
        "failed" | "canceled" => State::Rejected,
        "receiving" | "received" => return None,
        _ => State::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::json;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn parse(fields: &[(&str, &str)], signature: &str) -> Result<Vec<Report>, CallbackError> {
        let harness = Harness::<Twilio>::new(json!({ "authToken": "12345" }));
        harness.parse(&Incoming::form(URL, fields).header("x-twilio-signature", signature))
    }

    /// Twilio's signature, computed without the code under test.
    fn signed(fields: &[(&str, &str)]) -> String {
        let mut sorted = fields.to_vec();
        sorted.sort_unstable();
        let text: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
        sendbox_connector_sdk::testing::hmac_sha1_base64(b"12345", format!("{URL}{text}").as_bytes())
    }

    #[test]
    fn twilios_published_signature_is_accepted() {
        // The example of Twilio's security page. It reports a call, not a message: authentic, but malformed.
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ];
        assert_eq!(parse(&fields, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="), Err(CallbackError::Malformed));
        assert_eq!(parse(&fields, "1/KCTR6DLpKmkAf8muzZqo1nDgQ="), Err(CallbackError::NotAuthentic));
        let mut changed = fields;
        changed[2].1 = "1235";
        assert_eq!(parse(&changed, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="), Err(CallbackError::NotAuthentic));
        assert_eq!(parse(&fields, ""), Err(CallbackError::NotAuthentic));
    }

    #[test]
    fn statuses_become_states_that_never_move_back() {
        for (status, code, state, class) in [
            ("accepted", "", State::Queued, None),
            ("queued", "", State::Queued, None),
            ("sending", "", State::Sent, None),
            ("sent", "", State::Sent, None),
            ("delivered", "", State::Delivered, None),
            ("read", "", State::Delivered, None),
            ("undelivered", "30003", State::Undelivered, Some(FailureClass::Unknown)),
            ("undelivered", "30006", State::Undelivered, Some(FailureClass::InvalidRecipient)),
            ("undelivered", "30007", State::Undelivered, Some(FailureClass::ContentRejected)),
            ("undelivered", "30036", State::Expired, None),
            ("failed", "30034", State::Rejected, Some(FailureClass::SenderRejected)),
            ("failed", "30001", State::Rejected, Some(FailureClass::RateLimited)),
            ("failed", "", State::Rejected, Some(FailureClass::Unknown)),
            ("canceled", "", State::Rejected, Some(FailureClass::Unknown)),
            ("partially_delivered", "", State::Unknown, None),
        ] {
            let mut fields = vec![("To", "+4512345678"), ("MessageStatus", status), ("MessageSid", "SM1")];
            if !code.is_empty() {
                fields.push(("ErrorCode", code));
            }
            let want = Report {
                message_id: "SM1".into(),
                state,
                class,
                provider_code: (!code.is_empty()).then(|| code.to_owned()),
                text: None,
                at: None,
            };
            assert_eq!(parse(&fields, &signed(&fields)), Ok(vec![want]), "{status} {code}");
        }
    }

    #[test]
    fn what_is_signed_but_no_report_is_malformed() {
        for fields in [
            &[("MessageSid", "SM1")] as &[(&str, &str)],
            &[("MessageStatus", "sent")],
            &[("MessageSid", ""), ("MessageStatus", "sent")],
            &[("MessageSid", "SM1"), ("SmsStatus", "received")],
        ] {
            assert_eq!(parse(fields, &signed(fields)), Err(CallbackError::Malformed));
        }
    }
}
