//! The literals of requests, and values from the host.

use super::providers::{KNOWN, Provider};
use super::*;

fn shape(
    view: &RequestView,
    content: ContentKind,
    places: &MessagePlaces,
    values: &[(&str, &str)],
    at_ms: u64,
) -> RequestShape {
    let known = known(values);
    let rule = MessageRule { now_unix_ms: at_ms, ..rule(content, &[&known]) };
    view.judge(Some(places), &rule).unwrap().shape
}

fn of(name: &str) -> String {
    let Provider { content, places, view, .. } = providers::all().into_iter().find(|one| one.name == name).unwrap();
    shape(&view, content, &places, &KNOWN, NOW_MS).to_string()
}

#[test]
fn in_words() {
    for (name, lines) in [
        (
            "Twilio",
            "POST https://api.twilio.com/2010-04-01/Accounts/{config accountSID}/Messages.json\n\
             form Body = [text]\n\
             form From = {config from}\n\
             form MessagingServiceSid = {config service}\n\
             form RiskCheck = enable\n\
             form StatusCallback = {config callbackUrl}\n\
             form To = [recipient e164]\n\
             form ValidityPeriod = {lifetime}\n\
             header authorization = Basic [base64 {config accountSID}:[secret k]]\n\
             header content-type = application/x-www-form-urlencoded\n",
        ),
        (
            "Aliyun",
            "POST https://dysmsapi.aliyuncs.com/\n\
             form AccessKeyId = {config accessKeyId}\n\
             form Action = SendSms\n\
             form Format = json\n\
             form PhoneNumbers = [recipient digits]\n\
             form RegionId = cn-hangzhou\n\
             form SignName = 阿里云\n\
             form Signature = [signature]\n\
             form SignatureMethod = HMAC-SHA1\n\
             form SignatureNonce = {nonce}\n\
             form SignatureVersion = 1.0\n\
             form TemplateCode = {template}\n\
             form TemplateParam json /code = \"[code]\"\n\
             form Timestamp = {time}\n\
             form Version = 2017-05-25\n\
             header content-type = application/x-www-form-urlencoded\n",
        ),
        (
            "Tencent",
            "POST https://sms.tencentcloudapi.com/\n\
             header authorization = TC3-HMAC-SHA256 Credential={config accessKeyId}/{time}/sms/tc3_request, SignedHeaders=content-type;host, Signature=[signature]\n\
             header content-type = application/json; charset=utf-8\n\
             header x-tc-action = SendSms\n\
             header x-tc-timestamp = {time}\n\
             header x-tc-version = 2021-01-11\n\
             json /PhoneNumberSet/0 = \"[recipient e164]\"\n\
             json /SignName = \"签\"\n\
             json /SmsSdkAppId = \"{config sdkAppId}\"\n\
             json /TemplateId = \"{template}\"\n\
             json /TemplateParamSet/* = \"[code]\"\n\
             json /TemplateParamSet/1 = \"{lifetime}\"\n",
        ),
        (
            "HTTP",
            "POST https://sms.example.com/hook\n\
             header authorization = [secret k]\n\
             header content-type = application/json\n\
             header webhook-id = {message key}\n\
             header webhook-signature = v1,[signature]\n\
             header webhook-timestamp = {time}\n\
             json /ip = \"[client ip]\"\n\
             json /payload/* = \"[variable *]\"\n\
             json /payload/code = \"[code]\"\n\
             json /payload/locale = \"{locale}\"\n\
             json /to = \"[recipient digits]\"\n\
             json /type = \"{usage}\"\n\
             query code = a\n\
             query tenant = 7\n",
        ),
        (
            "a bare number",
            "POST https://gate.smsaero.ru/v2/sms/send\n\
             header content-type = application/json\n\
             json /number = [recipient digits]\n\
             json /text = \"[text]\"\n",
        ),
        (
            "XML",
            "POST https://x.example/\n\
             header content-type = text/xml; charset=\"UTF-8\"\n\
             xml /sms/@type = otp\n\
             xml /sms/text = [text]\n\
             xml /sms/to = [recipient digits]\n",
        ),
    ] {
        assert_eq!(of(name), lines, "{name}");
    }
}

/// All values from the host, changed.
const OTHERS: [(&str, &str); 12] = [
    ("config accountSID", "ACffffffffffffffffffffffffffffffff"),
    ("config service", "MG99"),
    ("config from", "+4512345678"),
    ("config sdkAppId", "1500001234567"),
    ("config accessKeyId", "AKID1234567"),
    ("config ttl", "20000"),
    ("config callbackUrl", "http://b.example:8080/other"),
    ("template", r#"{"china":"SMS_1","overseas":"S2"}"#),
    ("nonce", "ffffffff0a6f40708c852956eda1b466"),
    ("message key", "12345678901234567890123456789012"),
    ("usage", "register"),
    ("locale", "da"),
];

#[test]
fn the_next_message_has_the_same_shape() {
    let replace = |text: &str| {
        let text = text
            .replace("https%3A%2F%2Fa.example%2Fr%3Fid%3D4598765432", "http%3A%2F%2Fb.example%3A8080%2Fother")
            .replace("%2B15005550006", "%2B4512345678")
            .replace("45e25e9b-0a6f-4070-ac85-2956eda1b466", "ffffffff-0a6f-4070-ac85-2956eda1b466")
            .replace("SMS_254950909", "S2")
            .replace("SMS_154950909", "SMS_1")
            .replace("SignIn", "Register")
            .replace("1795421801", "1795508201")
            .replace("2026-11-23", "2026-11-24")
            .replace("20261123", "20261124");
        KNOWN.iter().zip(OTHERS).fold(text, |text, ((_, old), (_, new))| text.replace(old, new))
    };
    let other = |value: &Composition| {
        fn each(value: &Composition, replace: &dyn Fn(&str) -> String) -> Composition {
            let mut other = Composition::new();
            for piece in value.pieces() {
                other.push(match piece {
                    Piece::Literal(text) => Piece::Literal(replace(text)),
                    Piece::Mark(mark) => Piece::Mark(mark.clone()),
                    Piece::Encoded(how, inner) => Piece::Encoded(*how, each(inner, replace)),
                });
            }
            other
        }
        each(value, &replace)
    };
    for Provider { name, content, places, view } in providers::all() {
        let next = RequestView {
            method: view.method,
            url: other(&view.url),
            headers: view.headers.iter().map(|(name, value)| (name.clone(), other(value))).collect(),
            body: other(&view.body),
        };
        let first = shape(&view, content, &places, &KNOWN, NOW_MS);
        let second = shape(&next, content, &places, &OTHERS, NOW_MS + 24 * 60 * 60 * 1000);
        assert_eq!(first.diff(&second), [], "{name}");
        assert_eq!(first.digest(), second.digest(), "{name}");
    }
}

#[test]
fn whatever_else_changes_shows() {
    let base = r#"{"to":"{digits}","text":"{text}","a":{"b":"x"},"c":[1,2],"d":true}"#;
    let places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
    let shape = |method: Method, url: &str, headers: &[(&str, &str)], body: &str| {
        let view = RequestView { method, ..post(url, JSON, headers, body) };
        shape(&view, Text, &places, &[("config x", "[text]"), ("config y", "abcd")], NOW_MS)
    };
    let url = "https://x.example/a";
    let first = shape(Method::Post, url, &[("x-a", "1")], base);
    let reordered = r#"{"d":true,"c":[1,2],"text":"{text}","a":{"b":"x"},"to":"{digits}"}"#;
    assert_eq!(first, shape(Method::Post, url, &[("X-A", "1")], reordered));
    for (method, url, headers, body) in [
        (Method::Put, url, [("x-a", "1")], base.to_owned()),
        (Method::Post, "http://x.example/a", [("x-a", "1")], base.to_owned()),
        (Method::Post, "https://y.example/a", [("x-a", "1")], base.to_owned()),
        (Method::Post, "https://x.example/a/", [("x-a", "1")], base.to_owned()),
        (Method::Post, "https://x.example/a?b", [("x-a", "1")], base.to_owned()),
        (Method::Post, url, [("x-a", "2")], base.to_owned()),
        (Method::Post, url, [("x-b", "1")], base.to_owned()),
        (Method::Post, url, [("x-a", "1")], base.replace("\"x\"", "\"y\"")),
        (Method::Post, url, [("x-a", "1")], base.replace("\"x\"", "\"abcd\"")),
        (Method::Post, url, [("x-a", "1")], base.replace("\"b\"", "\"c\"")),
        (Method::Post, url, [("x-a", "1")], base.replace("[1,2]", "[2,1]")),
        (Method::Post, url, [("x-a", "1")], base.replace("[1,2]", "[1,\"2\"]")),
        (Method::Post, url, [("x-a", "1")], base.replace("[1,2]", "[1,2,{}]")),
        (Method::Post, url, [("x-a", "1")], base.replace("[1,2]", "[1,2,[]]")),
        (Method::Post, url, [("x-a", "1")], base.replace("true", "false")),
        (Method::Post, url, [("x-a", "1")], base.replace("true", "\"true\"")),
        (Method::Post, url, [("x-a", "1")], base.replace("true", "true,\"e\":\"{secret}\"")),
    ] {
        let other = shape(method, url, &headers, &body);
        assert_ne!(first.digest(), other.digest(), "{method} {url} {body}");
        assert!(!first.diff(&other).is_empty(), "{method} {url} {body}");
    }
}

/// A connector cannot write anything that looks like one of our names, or a line of its own.
#[test]
fn literals_cannot_look_like_names() {
    let view = post(
        "https://x.example/%2F",
        FORM,
        &[],
        "To={e164}&Body={text}&a=[text]&b=%7Bnonce%7D&c=x%0Aform+d+%3D+1&e=%5C%5B&f=abcd&g=xabcd&h=abcdx&i=a-abcd-b&j=255551&k=555512&l=x55551&m=x%2055551.",
    );
    let shape = shape(&view, Text, &form_places(), &[("config y", "abcd"), ("config z", "55551")], NOW_MS);
    assert_eq!(
        shape.lines()[0..15],
        [
            "POST https://x.example/\\/",
            "form Body = [text]",
            "form To = [recipient e164]",
            "form a = \\[text\\]",
            "form b = \\{nonce\\}",
            "form c = x\\u{a}form d = 1",
            "form e = \\\\\\[",
            "form f = {config y}",
            // Only a separate word comes from the host.
            "form g = xabcd",
            "form h = abcdx",
            "form i = a-{config y}-b",
            "form j = 255551",
            "form k = 555512",
            "form l = x55551",
            "form m = x {config z}.",
        ]
    );
}

#[test]
fn elements_of_one_name_are_told_apart() {
    let view = post("https://x.example/", XML, &[], "<r><a>x</a><a>y</a><b>z</b></r>");
    let shape = view.judge(None, &rule(Text, &[])).unwrap().shape.to_string();
    for line in ["xml /r/a = x", "xml /r/a[2] = y", "xml /r/b = z"] {
        assert!(shape.lines().any(|have| have == line), "{line}: {shape}");
    }
}

#[test]
fn three_characters_explain_nothing_inside_a_field() {
    let view = post("https://x.example/", FORM, &[], "To={e164}&Body={text}&a=x-abc-y&b=x-abcd-y&c=abc");
    let values = [("config three", "abc"), ("config four", "abcd")];
    let shape = shape(&view, Text, &form_places(), &values, NOW_MS).to_string();
    for line in ["form a = x-abc-y", "form b = x-{config four}-y", "form c = {config three}"] {
        assert!(shape.lines().any(|have| have == line), "{line}: {shape}");
    }
}
