//! Calls as the platforms sign them, and what an attacker makes of them.

use super::*;

/// The time of the vectors, in milliseconds.
const NOW: Timestamp = Timestamp(1_700_000_000_000);
const BODY: &[u8] = br#"{"contextInfo":{"recipientPhoneNumber":"+4512345678"},"args":{"code":"123456"}}"#;
const WEBHOOK_SECRET: &str = "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn call(headers: &[(&str, &str)]) -> IngressRequest {
    IngressRequest {
        method: "POST".to_owned(),
        path: String::new(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Zeroizing::new(BODY.to_vec()),
    }
}

fn check(method: Method, name: Option<&str>, secrets: &[&str], call: &IngressRequest) -> Result<(), NotAuthentic> {
    let secrets: Vec<Zeroizing<String>> = secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect();
    Authentication { method, name, secrets: &secrets, api_key: None }.check(call, NOW)
}

#[test]
fn an_api_key_is_a_user_of_its_own() {
    let key = TwilioApiKey { sid: "SK1".to_owned(), secret: Zeroizing::new("key-secret".to_owned()) };
    let secrets = [Zeroizing::new("auth-token".to_owned())];
    for (credentials, result) in [
        ("AC1:auth-token", Ok(())),
        ("SK1:key-secret", Ok(())),
        ("SK1:auth-token", Err(NotAuthentic::Wrong)),
        ("AC1:key-secret", Err(NotAuthentic::Wrong)),
        ("SK1:", Err(NotAuthentic::Wrong)),
        ("SK2:key-secret", Err(NotAuthentic::Wrong)),
    ] {
        let authorization = format!("Basic {}", STANDARD.encode(credentials));
        let call = call(&[("authorization", authorization.as_str())]);
        for (api_key, expected) in [(Some(&key), result), (None, result.and_then(|()| plain(credentials)))] {
            let authentication =
                Authentication { method: Method::Basic, name: Some("AC1"), secrets: &secrets, api_key };
            assert_eq!(authentication.check(&call, NOW), expected, "{credentials}");
        }
    }
    /// Without an API key, only the account is a user.
    fn plain(credentials: &str) -> Result<(), NotAuthentic> {
        if credentials.starts_with("AC1") { Ok(()) } else { Err(NotAuthentic::Wrong) }
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().to_vec()
}

#[test]
fn secrets_in_headers() {
    let bearer = ("authorization", "Bearer secret-one");
    let basic = format!("Basic {}", STANDARD.encode("user:secret-one"));
    let other = format!("Basic {}", STANDARD.encode("other:secret-one"));
    let (wrong, missing) = (Err(NotAuthentic::Wrong), Err(NotAuthentic::Missing));
    for (method, name, headers, result) in [
        (Method::None, None, vec![], Ok(())),
        (Method::Bearer, None, vec![bearer], Ok(())),
        (Method::Bearer, None, vec![("authorization", "bearer secret-two")], Ok(())),
        (Method::Bearer, None, vec![("authorization", "Bearer secret-three")], wrong),
        (Method::Bearer, None, vec![("authorization", "Bearer secret-on")], wrong),
        (Method::Bearer, None, vec![("authorization", "secret-one")], missing),
        (Method::Bearer, None, vec![bearer, bearer], missing),
        (Method::Bearer, None, vec![], missing),
        (Method::Basic, Some("user"), vec![("authorization", basic.as_str())], Ok(())),
        (Method::Basic, Some("user"), vec![("authorization", other.as_str())], wrong),
        (Method::Basic, Some("user"), vec![bearer], missing),
        (Method::Basic, Some("user"), vec![("authorization", "Basic !!")], wrong),
        (Method::Header, Some("X-Api-Key"), vec![("x-api-key", "secret-two")], Ok(())),
        (Method::Header, Some("X-Api-Key"), vec![("x-api-key", "")], wrong),
        (Method::Header, Some("X-Api-Key"), vec![("x-other", "secret-two")], missing),
    ] {
        assert_eq!(
            check(method, name, &["secret-one", "secret-two"], &call(&headers)),
            result,
            "{method:?} {headers:?}"
        );
    }
}

#[test]
fn without_a_secret_nothing_is_authentic() {
    for method in [Method::Bearer, Method::Header, Method::ZitadelSignature, Method::JwtHs256, Method::StandardWebhooks]
    {
        let headers = [("authorization", "Bearer "), ("zitadel-signature", "t=1700000000,v1=00")];
        assert_eq!(check(method, Some("x"), &[], &call(&headers)), Err(NotAuthentic::NoSecret), "{method:?}");
    }
}

#[test]
fn zitadel() {
    let key = "zitadel-signing-key";
    // Made by another implementation.
    let right = "t=1700000000,v1=6b19ae2eda63478e07337ee0dad3770f47cbd412b3077580ce0dca67f3e0139f";
    let rotated = format!("t=1700000000,v1=zz,v1={},{}", "00".repeat(32), &right[13..]);
    let early = hex::encode(hmac(key.as_bytes(), &[b"1699999699", b".", BODY]));
    let late = hex::encode(hmac(key.as_bytes(), &[b"1700000301", b".", BODY]));
    for (header, result) in [
        (right, Ok(())),
        (&rotated, Ok(())),
        (&right.replace("6b19", "6b18"), Err(NotAuthentic::Wrong)),
        (&right.replace("t=1700000000", "t=1700000001"), Err(NotAuthentic::Wrong)),
        (&format!("t=1699999699,v1={early}"), Err(NotAuthentic::Time)),
        (&format!("t=1700000301,v1={late}"), Err(NotAuthentic::Time)),
        ("t=1700000000", Err(NotAuthentic::Missing)),
        ("v1=00", Err(NotAuthentic::Missing)),
        ("t=9223372036854775807,v1=00", Err(NotAuthentic::Time)),
        ("t=-9223372036854775808,v1=00", Err(NotAuthentic::Time)),
        ("", Err(NotAuthentic::Missing)),
    ] {
        let call = call(&[("zitadel-signature", header)]);
        assert_eq!(check(Method::ZitadelSignature, None, &["another-key", key], &call), result, "{header}");
    }
    let mut other = call(&[("zitadel-signature", right)]);
    other.body.push(b' ');
    assert_eq!(check(Method::ZitadelSignature, None, &[key], &other), Err(NotAuthentic::Wrong));
}

#[test]
fn standard_webhooks_and_how_supabase_writes_them() {
    let key = standard_webhooks::key_of(WEBHOOK_SECRET).unwrap();
    let signed = |time: &str| format!("v1,{}", STANDARD.encode(hmac(&key, &[b"id-1.", time.as_bytes(), b".", BODY])));
    let (right, old) = (signed("1700000000"), format!("v1,{}", STANDARD.encode([0_u8; 32])));
    for (time, signature, result) in [
        ("1700000000", right.clone(), Ok(())),
        ("1700000000", format!("{old} {right}"), Ok(())),
        ("1700000000", format!("{old}, {right}"), Ok(())),
        ("1700000000", format!("{right}, {old}"), Ok(())),
        ("1700000000", format!("v1a,xyz {right}"), Ok(())),
        ("1700000000", old.clone(), Err(NotAuthentic::Wrong)),
        ("1700000000", right.replace("v1,", "v2,"), Err(NotAuthentic::Missing)),
        ("1700000001", right.clone(), Err(NotAuthentic::Wrong)),
        ("1700000301", signed("1700000301"), Err(NotAuthentic::Time)),
        ("1699999699", signed("1699999699"), Err(NotAuthentic::Time)),
        ("soon", signed("soon"), Err(NotAuthentic::Wrong)),
    ] {
        let call = call(&[("webhook-id", "id-1"), ("webhook-timestamp", time), ("webhook-signature", &signature)]);
        for secret in [WEBHOOK_SECRET, &WEBHOOK_SECRET[3..]] {
            assert_eq!(check(Method::StandardWebhooks, None, &[secret], &call), result, "{time} {signature}");
        }
    }
    let unsigned = call(&[("webhook-id", "id-1"), ("webhook-timestamp", "1700000000")]);
    assert_eq!(check(Method::StandardWebhooks, None, &[WEBHOOK_SECRET], &unsigned), Err(NotAuthentic::Missing));
}

#[test]
fn authgear_and_authsignal() {
    let key = "a-secret-of-theirs";
    let gear = hex::encode(hmac(key.as_bytes(), &[BODY]));
    let signal = STANDARD_NO_PAD.encode(hmac(key.as_bytes(), &[b"1700000000.", BODY]));
    for (method, header, value, result) in [
        (Method::AuthgearSignature, "x-authgear-body-signature", gear.clone(), Ok(())),
        (Method::AuthgearSignature, "x-authgear-body-signature", "00".repeat(32), Err(NotAuthentic::Wrong)),
        (Method::AuthgearSignature, "x-authgear-body-signature", "no hex".to_owned(), Err(NotAuthentic::Wrong)),
        (Method::AuthgearSignature, "x-other", gear, Err(NotAuthentic::Missing)),
        (Method::AuthsignalSignature, "x-signature-v2", format!("t=1700000000,v2={signal}"), Ok(())),
        (Method::AuthsignalSignature, "x-signature-v2", format!("t=1700000000,v2={signal}="), Ok(())),
        (Method::AuthsignalSignature, "x-signature-v2", format!("t=1700000300,v2={signal}"), Err(NotAuthentic::Wrong)),
        (Method::AuthsignalSignature, "x-signature-v2", format!("t=1700009999,v2={signal}"), Err(NotAuthentic::Time)),
    ] {
        assert_eq!(check(method, None, &[key], &call(&[(header, &value)])), result, "{value}");
    }
}

#[test]
fn tokens() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let key = "a-secret-of-theirs";
    let token = |header: &str, claims: &str| {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(hmac(key.as_bytes(), &[signed.as_bytes()]));
        format!("Bearer {signed}.{signature}")
    };
    let hs256 = r#"{"alg":"HS256"}"#;
    let (wrong, time) = (Err(NotAuthentic::Wrong), Err(NotAuthentic::Time));
    for (header, claims, audience, result) in [
        (hs256, r#"{"exp":1700000060,"aud":"us"}"#, Some("us"), Ok(())),
        (hs256, r#"{"exp":1700000060,"aud":["them","us"]}"#, Some("us"), Ok(())),
        (hs256, r#"{"exp":1700000060}"#, None, Ok(())),
        (hs256, r#"{"iat":1699999900}"#, None, Ok(())),
        (hs256, r#"{"exp":1700000060,"aud":"them"}"#, Some("us"), Err(NotAuthentic::Audience)),
        (hs256, r#"{"exp":1700000060}"#, Some("us"), Err(NotAuthentic::Audience)),
        (hs256, r#"{"exp":1699999700}"#, None, time),
        (hs256, r#"{"exp":1700000060,"nbf":1700000400}"#, None, time),
        (hs256, r#"{"exp":1700000060,"iat":1700000400}"#, None, time),
        (hs256, r#"{"iat":1699999000}"#, None, time),
        (hs256, "{}", None, time),
        (r#"{"alg":"none"}"#, r#"{"exp":1700000060}"#, None, wrong),
    ] {
        let call = call(&[("authorization", &token(header, claims))]);
        assert_eq!(check(Method::JwtHs256, audience, &[key], &call), result, "{claims}");
    }
    let changed = token(hs256, r#"{"exp":1700000060}"#).replacen("eyJ", "eyI", 1);
    assert_eq!(check(Method::JwtHs256, None, &[key], &call(&[("authorization", &changed)])), wrong);
}
