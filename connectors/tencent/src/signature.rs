//! Tencent Cloud's signature TC3-HMAC-SHA256.
//!
//! The body has the number and the code, so its hash and the canonical request are sealed values; so are the keys, which are
//! derived from the secret.
//!
//! Source: "Signature v3" in Tencent Cloud's documentation, with a published example that the tests recompute.

use sendbox_connector_sdk::{Encoding, Hash, Parts, Sealed, Utc, parts};

/// The signed parts of a request, which is `POST /` without a query.
pub(crate) struct SigningInput<'a> {
    /// The service: `sms`.
    pub(crate) service: &'a str,
    /// The signed headers: names in lower case, sorted, and values.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub(crate) body: &'a Sealed,
    /// The time of the request. Its UTC date is part of the scope.
    pub(crate) time: Utc,
}

/// The value of the `Authorization` header.
pub(crate) fn authorization(signed: &SigningInput<'_>, secret_id: &str, secret_key: &Sealed) -> Parts {
    let date = signed.time.date();
    let scope = format!("{date}/{}/tc3_request", signed.service);
    let to_sign =
        parts![format!("TC3-HMAC-SHA256\n{}\n{scope}\n", signed.time.unix_seconds()), hex_sha256(&canonical(signed))];
    let mut key = parts!["TC3", secret_key].seal();
    for step in [date.as_str(), signed.service, "tc3_request"] {
        key = parts![step].seal().hmac(Hash::Sha256, &key);
    }
    let signature = to_sign.seal().hmac(Hash::Sha256, &key).encode(Encoding::Hex);
    let names = signed_names(signed);
    parts![format!("TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={names}, Signature="), signature]
}

fn canonical(signed: &SigningInput<'_>) -> Sealed {
    let headers: String = signed.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    parts![format!("POST\n/\n\n{headers}\n{}\n", signed_names(signed)), hex_sha256(signed.body)].seal()
}

fn signed_names(signed: &SigningInput<'_>) -> String {
    let names: Vec<&str> = signed.headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

fn hex_sha256(value: &Sealed) -> Sealed {
    value.digest(Hash::Sha256).encode(Encoding::Hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{ClearRequest, Harness, example_host, example_metadata};
    use sendbox_connector_sdk::{
        Config, Connector, ContentKind, Failure, HostNeed, Message, Metadata, Receipt, Request, Response, SecretUse,
    };
    use serde_json::json;

    const ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
    const BODY: [&str; 3] =
        [r#"{"Limit": 1, "Filters": [{"Values": ["#, r#""\u672a\u547d\u540d""#, r#"], "Name": "instance-name"}]}"#];
    const HEADERS: [(&str, &str); 3] = [
        ("content-type", "application/json; charset=utf-8"),
        ("host", "cvm.tencentcloudapi.com"),
        ("x-tc-action", "describeinstances"),
    ];

    /// Signs Tencent Cloud's published request, with a part of the body sealed.
    struct Example;

    impl Connector for Example {
        fn metadata() -> Metadata {
            let secrets = vec![("token", SecretUse::SigningOnly)];
            Metadata {
                content: ContentKind::Variables,
                hosts: vec![HostNeed { secrets, ..example_host() }],
                ..example_metadata()
            }
        }

        fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
            let variables = message.variables()?;
            let [before, _, after] = BODY;
            let body = parts![before, &variables[0].value, after].seal();
            let count: usize = config.json("headers")?.unwrap();
            let signed = SigningInput {
                service: "cvm",
                headers: &HEADERS[..count],
                body: &body,
                time: Utc::from_millis(message.attempt.started_at),
            };
            Ok(Request::post("https://api.example.com/")
                .header("authorization", authorization(&signed, ID, &config.required_secret("token")?))
                .header("x-canonical-hash", hex_sha256(&canonical(&signed)))
                .header("x-body-hash", hex_sha256(&body)))
        }

        fn read_response(_: &Response) -> Result<Receipt, Failure> {
            Ok(Receipt::default())
        }
    }

    fn signed(headers: usize) -> ClearRequest {
        let harness =
            Harness::<Example>::new(json!({ "token": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "headers": headers }));
        harness.variables([("code", BODY[1])]).started_at(1_551_113_065_999).request()
    }

    #[test]
    fn the_published_example() {
        let request = signed(2);
        let body_hash = "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064";
        let canonical_hash = "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031";
        assert_eq!(request.header("x-body-hash"), Some(body_hash));
        assert_eq!(request.header("x-canonical-hash"), Some(canonical_hash));
        let want = "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
                    SignedHeaders=content-type;host, \
                    Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168";
        assert_eq!(request.header("authorization"), Some(want));
    }

    #[test]
    fn the_newer_example_with_the_action_signed() {
        let request = signed(3);
        let canonical_hash = "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84";
        assert_eq!(request.header("x-canonical-hash"), Some(canonical_hash));
        let want = "SignedHeaders=content-type;host;x-tc-action, \
                    Signature=644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26";
        let authorization = request.header("authorization").unwrap();
        assert!(authorization.ends_with(want), "{authorization}");
    }
}
