//! Vonage's delivery receipts: `messageId`, `status` and `err-code`, in the query, a form or JSON, as set in the account.
//!
//! They are signed only if Vonage's support has enabled it for the account. Then `sig` is a digest of all other fields, sorted by
//! name, as `&name=value`, with `&` and `=` in values replaced by `_`. The fields contain the phone number, so the digest is
//! computed over sealed values. The contract has those for the fields of a query and of a form, and none for the members of JSON, so
//! signed JSON cannot be verified. If `signatureSecret` is set, only signed receipts are accepted; otherwise the callback URL, which
//! cannot be guessed, is the only protection.

use sendbox_connector_sdk::{
    Callback, CallbackError, Config, DeliveryReports, Encoding, FailureClass, Field, Hash, Parts, Report, Sealed,
    State, Verifier, parts, scalar,
};
use serde_json::Value;

use crate::{Vonage, errors};

impl DeliveryReports for Vonage {
    fn parse(
        callback: &Callback,
        config: &Config<'_>,
        verifier: &mut impl Verifier,
    ) -> Result<Vec<Report>, CallbackError> {
        let fields = if callback.form.is_empty() { &callback.query } else { &callback.form };
        if let Some(secret) = config.secret("signatureSecret") {
            let method = config.text("signatureMethod");
            if !is_authentic(fields, &secret, method.as_deref().unwrap_or("md5hash"), verifier) {
                return Err(CallbackError::NotAuthentic);
            }
            // The signature covers these fields only, so the body is not read.
            return report(|name| value(fields, name));
        }
        let json: Option<Value> = serde_json::from_str(&callback.body).ok();
        report(|name| json.as_ref().and_then(|json| json.get(name)).and_then(scalar).or_else(|| value(fields, name)))
    }
}

fn value(fields: &[Field], name: &str) -> Option<String> {
    fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
}

fn report(field: impl Fn(&str) -> Option<String>) -> Result<Vec<Report>, CallbackError> {
    let field = |name: &str| field(name).filter(|value| !value.is_empty());
    let id = field("messageId").ok_or(CallbackError::Malformed)?;
    let state = state(&field("status").ok_or(CallbackError::Malformed)?);
    let code = field("err-code").filter(|code| code != "0");
    let failed = state.is_failure();
    let class = code.as_deref().and_then(|code| errors::class_of_receipt(code.parse().ok()?));
    Ok(vec![Report {
        message_id: id,
        state,
        class: failed.then(|| class.unwrap_or(FailureClass::Unknown)),
        provider_code: code,
        text: None,
        // YYMMDDHHMM. The host hides a part of the date and time in `message-timestamp`.
        at: field("scts"),
    }])
}

fn is_authentic(fields: &[Field], secret: &Sealed, method: &str, verifier: &mut impl Verifier) -> bool {
    let received = fields.iter().find(|field| field.name == "sig" && !field.value.is_empty());
    let Some(received) = received.map(|field| &field.sealed) else { return false };
    let mut sorted: Vec<&Field> = fields.iter().filter(|field| field.name != "sig").collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let mut signed = Parts::new();
    for field in sorted {
        signed.push(format!("&{}=", field.name));
        if field.value.contains(['&', '=']) {
            signed.push(field.value.replace(['&', '='], "_"));
        } else {
            signed.push(&field.sealed);
        }
    }
    let computed = match method {
        "md5hash" => parts![signed, secret].seal().digest(Hash::Md5),
        "md5" => signed.seal().hmac(Hash::Md5, secret),
        "sha1" => signed.seal().hmac(Hash::Sha1, secret),
        "sha256" => signed.seal().hmac(Hash::Sha256, secret),
        "sha512" => signed.seal().hmac(Hash::Sha512, secret),
        _ => return false,
    };
    // Decoded, so that upper and lower case of hexadecimal are the same.
    verifier.matches(&computed, &received.decode(Encoding::Hex))
}

/// The state of a Vonage status. `accepted` and `buffered` come from the carrier.
fn state(status: &str) -> State {
    match status {
        "submitted" => State::Queued,
        "accepted" | "buffered" => State::Sent,
        "delivered" => State::Delivered,
        "failed" => State::Undelivered,
        "expired" => State::Expired,
        "rejected" | "deleted" => State::Rejected,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::json;

    const URL: &str = "https://us.example/reports/7";
    const FIELDS: [(&str, &str); 9] = [
        ("err-code", "0"),
        ("message-timestamp", "2018-10-25 12:10:29"),
        ("messageId", "0B00000127FDBC63"),
        ("msisdn", "447547232824"),
        ("network-code", "23410"),
        ("price", "0.03330000"),
        ("scts", "1810251310"),
        ("status", "delivered"),
        ("to", "Brand & Co=1"),
    ];

    fn delivered() -> Report {
        Report {
            message_id: "0B00000127FDBC63".into(),
            state: State::Delivered,
            class: None,
            provider_code: None,
            text: None,
            at: Some("1810251310".into()),
        }
    }

    fn signed(method: &str, fields: &[(&str, &str)], sig: &str) -> [Result<Vec<Report>, CallbackError>; 2] {
        let harness = Harness::<Vonage>::new(json!({ "signatureSecret": "my secret", "signatureMethod": method }));
        let mut fields = fields.to_vec();
        fields.push(("sig", sig));
        [harness.parse(&Incoming::form(URL, &fields)), harness.parse(&Incoming::body(URL, "").query(&fields))]
    }

    /// The expected values were computed with Python's `hashlib` and `hmac`.
    #[test]
    fn every_signature_method_is_checked() {
        for (method, sig) in [
            ("md5hash", "1827ad906334f445cdbf80f8fba84639"),
            ("md5", "633ec2f27b08f835025c49922819fa38"),
            ("sha1", "f295fbfba59b8f909855b468a3dbb488abff74e2"),
            ("sha256", "cfa6d10b29b9862acb00a3a1eff932b06c9a5794b09c9bd88e837fdb57953aa1"),
            (
                "sha512",
                "3694247baee0762212ace5228d9610409516204318d56c0c8d9c9b9215d5ceaa7fa29ec249f074711d415f496313a730f3f01907669c154ca5460ad97c27e0aa",
            ),
        ] {
            let good = Ok(vec![delivered()]);
            assert_eq!(signed(method, &FIELDS, sig), [good.clone(), good.clone()], "{method}");
            assert_eq!(signed(method, &FIELDS, &sig.to_uppercase()), [good.clone(), good], "{method}");
            let mut changed = FIELDS;
            changed[7].1 = "failed";
            let bad = [Err(CallbackError::NotAuthentic), Err(CallbackError::NotAuthentic)];
            assert_eq!(signed(method, &changed, sig), bad, "{method}");
            assert_eq!(signed(method, &FIELDS, ""), bad, "{method}");
            assert_eq!(signed("other", &FIELDS, sig), bad, "{method}");
        }
    }

    #[test]
    fn with_a_secret_json_does_not_count() {
        let harness = Harness::<Vonage>::new(json!({ "signatureSecret": "my secret" }));
        let body =
            json!({ "messageId": "1", "status": "delivered", "sig": "1827ad906334f445cdbf80f8fba84639" }).to_string();
        assert_eq!(harness.parse(&Incoming::body(URL, &body)), Err(CallbackError::NotAuthentic));
        // Signed fields, and a body with other values.
        let mut fields = FIELDS.to_vec();
        fields.push(("sig", "1827ad906334f445cdbf80f8fba84639"));
        let mixed = Incoming::body(URL, r#"{"messageId":"9","status":"failed"}"#).query(&fields);
        assert_eq!(harness.parse(&mixed), Ok(vec![delivered()]));
    }

    #[test]
    fn without_a_secret_each_of_the_three_forms_counts() {
        let harness = Harness::<Vonage>::new(json!({}));
        let object = FIELDS.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        for incoming in [
            Incoming::form(URL, &FIELDS),
            Incoming::body(URL, "").query(&FIELDS),
            Incoming::body(URL, &Value::Object(object).to_string()),
        ] {
            assert_eq!(harness.parse(&incoming), Ok(vec![delivered()]));
        }
    }

    #[test]
    fn statuses_become_states() {
        for (status, code, state, class) in [
            ("submitted", "0", State::Queued, None),
            ("accepted", "0", State::Sent, None),
            ("buffered", "0", State::Sent, None),
            ("delivered", "0", State::Delivered, None),
            ("expired", "2", State::Expired, None),
            ("failed", "3", State::Undelivered, Some(FailureClass::InvalidRecipient)),
            ("failed", "2", State::Undelivered, Some(FailureClass::Unknown)),
            ("failed", "0", State::Undelivered, Some(FailureClass::Unknown)),
            ("rejected", "6", State::Rejected, Some(FailureClass::ContentRejected)),
            ("rejected", "9", State::Rejected, Some(FailureClass::RecipientUnsubscribed)),
            ("rejected", "77", State::Rejected, Some(FailureClass::Unknown)),
            ("unknown", "0", State::Unknown, None),
            ("new word", "0", State::Unknown, None),
        ] {
            let fields = [("messageId", "1"), ("status", status), ("err-code", code)];
            let want = Report {
                message_id: "1".into(),
                state,
                class,
                provider_code: (code != "0").then(|| code.to_owned()),
                text: None,
                at: None,
            };
            let harness = Harness::<Vonage>::new(json!({}));
            assert_eq!(harness.parse(&Incoming::form(URL, &fields)), Ok(vec![want]), "{status} {code}");
        }
    }

    #[test]
    fn what_is_no_receipt_is_malformed() {
        let harness = Harness::<Vonage>::new(json!({}));
        for body in
            ["", "{}", "[]", r#"{"messageId":"1"}"#, r#"{"status":"delivered"}"#, r#"{"messageId":"","status":"x"}"#]
        {
            assert_eq!(harness.parse(&Incoming::body(URL, body)), Err(CallbackError::Malformed), "{body}");
        }
    }
}
