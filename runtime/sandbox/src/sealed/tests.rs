//! What the algebra does, and that nothing but bytes depends on bytes.

use super::*;

fn literal(text: &str) -> Sealed {
    Sealed::concat(&[Piece::Text(text)])
}

fn secret(text: &str) -> Sealed {
    Sealed::root(text.as_bytes().to_vec(), SECRET_BOUND, Label::Secret("key".into()), Mark::Secret("key".into()))
}

fn text(value: &Sealed) -> &str {
    std::str::from_utf8(value.bytes().unwrap()).unwrap()
}

#[test]
fn encodings_follow_their_rules() {
    let cases = [
        (Encoding::Base64, "a+b/ü?", "YStiL8O8Pw=="),
        (Encoding::Base64Url, "a+b/ü?", "YStiL8O8Pw"),
        (Encoding::Hex, "a\n", "610a"),
        (Encoding::Percent, "a b*~'()!-._+", "a%20b%2A~%27%28%29%21-._%2B"),
        (Encoding::Form, "a b*~'()!-._+ü", "a+b*%7E%27%28%29%21-._%2B%C3%BC"),
        (Encoding::JsonString, "a\"\\\n\u{1}ü😀", "a\\\"\\\\\\n\\u0001ü😀"),
    ];
    for (encoding, input, expected) in cases {
        let encoded = literal(input).encode(encoding);
        assert_eq!(text(&encoded), expected, "{encoding:?}");
        let back = secret(expected).decode(encoding).unwrap();
        assert_eq!(text(&back), input, "{encoding:?} back");
    }
    let encoded = literal("a<b> & \"c\" 'd'").encode(Encoding::Xml);
    assert_eq!(text(&encoded), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
    assert!(secret("a").decode(Encoding::Xml).unwrap().bytes().is_err());
}

#[test]
fn a_value_without_bytes_behaves_like_any_other() {
    let digest = literal("x").digest(Hash::Sha256);
    let void = digest.encode(Encoding::JsonString);
    assert_eq!(void.bytes().err(), Some(Void::NotText));
    let joined = Sealed::concat(&[Piece::Text("a"), Piece::Sealed(&void)]);
    for value in [void.encode(Encoding::Hex), void.digest(Hash::Md5), literal("x").hmac(Hash::Sha1, &void), joined] {
        assert_eq!(value.bytes().err(), Some(Void::NotText));
    }
}

#[test]
fn only_one_whole_secret_or_received_value_is_decoded() {
    let code = Sealed::root(b"123456".to_vec(), CODE_BOUND, Label::Code, Mark::Code);
    let received = Sealed::root(b"616".to_vec(), 1024, Label::Received, Mark::Opaque);
    let join = |one: &Sealed, other: &Sealed| Sealed::concat(&[Piece::Sealed(one), Piece::Sealed(other)]);
    for (value, decodable) in [
        (secret("616263"), true),
        (secret("61 62"), true),
        (secret("abc").encode(Encoding::Hex), false),
        (secret("6162").decode(Encoding::Hex).unwrap(), false),
        (join(&secret("61"), &secret("62")), false),
        (Sealed::concat(&[Piece::Text("61"), Piece::Sealed(&secret("62"))]), false),
        (secret("61").digest(Hash::Sha256).encode(Encoding::Hex), false),
        (literal("616263"), false),
        (code, false),
        (received, true),
    ] {
        assert_eq!(value.decode(Encoding::Hex).is_ok(), decodable, "{:?}", value.made_of());
    }
    assert!(secret("61 62").decode(Encoding::Hex).unwrap().bytes().is_err());
}

/// Everything but the bytes is the same for secrets of other contents and lengths.
#[test]
fn costs_labels_and_composition_do_not_depend_on_bytes() {
    let program = |secret: &Sealed| -> Vec<Sealed> {
        let joined = Sealed::concat(&[Piece::Text("a:"), Piece::Sealed(secret)]);
        let mut made: Vec<Sealed> = ENCODINGS.iter().map(|encoding| joined.encode(*encoding)).collect();
        made.extend(ENCODINGS.iter().map(|encoding| secret.decode(*encoding).unwrap()));
        made.extend([joined.digest(Hash::Md5), literal("x").hmac(Hash::Sha512, &joined), joined]);
        made
    };
    let seen = |text: &str| -> Vec<(usize, usize, Labels, Composition)> {
        let made = program(&secret(text));
        made.iter().map(|one| (one.cost(), one.bound(), one.labels().clone(), one.made_of().clone())).collect()
    };
    let expected = seen("s");
    for other in ["616263", "\u{1}\"%", "YWJj", &"é".repeat(2000)] {
        assert_eq!(seen(other), expected, "{other:.10}");
    }
}

const ENCODINGS: [Encoding; 6] =
    [Encoding::Base64, Encoding::Base64Url, Encoding::Hex, Encoding::Percent, Encoding::Form, Encoding::JsonString];

proptest::proptest! {
    /// A value never has more bytes than it is charged for.
    #[test]
    fn no_encoding_is_longer_than_its_bound(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
        let value = Sealed::root(bytes.clone(), bytes.len(), Label::Code, Mark::Code);
        for encoding in ENCODINGS {
            let encoded = value.encode(encoding);
            proptest::prop_assert!(encoded.bytes().map_or(0, <[u8]>::len) <= encoded.bound());
        }
    }
}

/// Tencent's published TC3 vector (PROVIDERS.md B.6), through the algebra a connector has.
#[test]
fn tc3_vector() {
    let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    let body_hash = literal(body).digest(Hash::Sha256).encode(Encoding::Hex);
    let canonical = Sealed::concat(&[
        Piece::Text(
            "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n\ncontent-type;host\n",
        ),
        Piece::Sealed(&body_hash),
    ]);
    let canonical_hash = canonical.digest(Hash::Sha256).encode(Encoding::Hex);
    assert_eq!(text(&canonical_hash), "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031");
    let to_sign = Sealed::concat(&[
        Piece::Text("TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n"),
        Piece::Sealed(&canonical_hash),
    ]);
    let key = secret("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
    let k0 = Sealed::concat(&[Piece::Text("TC3"), Piece::Sealed(&key)]);
    let k1 = literal("2019-02-25").hmac(Hash::Sha256, &k0);
    let k2 = literal("cvm").hmac(Hash::Sha256, &k1);
    let k3 = literal("tc3_request").hmac(Hash::Sha256, &k2);
    let signature = to_sign.hmac(Hash::Sha256, &k3).encode(Encoding::Hex);
    assert_eq!(text(&signature), "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");
    assert!(signature.labels().secrets().next().is_some(), "a signature remembers its key");
}

/// Aliyun's RPC signature of these parameters, the way a connector makes it: each value a sealed one.
fn aliyun(method: &str, secret_key: &str, parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let mut query = literal("");
    for (index, (name, value)) in sorted.iter().enumerate() {
        let value = Sealed::root(value.as_bytes().to_vec(), VARIABLE_BOUND, Label::Code, Mark::Code);
        let value = value.encode(Encoding::Percent);
        let before = if index == 0 { format!("{name}=") } else { format!("&{name}=") };
        query = Sealed::concat(&[Piece::Sealed(&query), Piece::Text(&before), Piece::Sealed(&value)]);
    }
    let query = query.encode(Encoding::Percent);
    let to_sign = Sealed::concat(&[Piece::Text(method), Piece::Text("&%2F&"), Piece::Sealed(&query)]);
    let key = Sealed::concat(&[Piece::Sealed(&secret(secret_key)), Piece::Text("&")]);
    let signature = to_sign.hmac(Hash::Sha1, &key).encode(Encoding::Base64);
    text(&signature).to_owned()
}

/// Aliyun's three published vectors (PROVIDERS.md B.5): ECS, SMS and DirectMail.
#[test]
fn aliyun_vectors() {
    let ecs = [
        ("AccessKeyId", "testid"),
        ("Action", "DescribeRegions"),
        ("Format", "XML"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", "2016-02-23T12:46:24Z"),
        ("Version", "2014-05-26"),
    ];
    assert_eq!(aliyun("GET", "testsecret", &ecs), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
    let sms = [
        ("AccessKeyId", "testId"),
        ("Action", "SendSms"),
        ("Format", "XML"),
        ("OutId", "123"),
        ("PhoneNumbers", "15300000001"),
        ("RegionId", "cn-hangzhou"),
        ("SignName", "阿里云短信测试专用"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466"),
        ("SignatureVersion", "1.0"),
        ("TemplateCode", "SMS_71390007"),
        ("TemplateParam", r#"{"customer":"test"}"#),
        ("Timestamp", "2017-07-12T02:42:19Z"),
        ("Version", "2017-05-25"),
    ];
    assert_eq!(aliyun("GET", "testSecret", &sms), "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
    let mail = [
        ("AccessKeyId", "testid"),
        ("AccountName", "<a%b'>"),
        ("Action", "SingleSendMail"),
        ("AddressType", "1"),
        ("Format", "XML"),
        ("HtmlBody", "4"),
        ("RegionId", "cn-hangzhou"),
        ("ReplyToAddress", "true"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c"),
        ("SignatureVersion", "1.0"),
        ("Subject", "3"),
        ("TagName", "2"),
        ("Timestamp", "2016-10-20T06:27:56Z"),
        ("ToAddress", "1@test.com"),
        ("Version", "2015-11-23"),
    ];
    assert_eq!(aliyun("POST", "testsecret", &mail), "llJfXJjBW3OacrVgxxsITgYaYm0=");
}

#[test]
fn doubling_an_empty_value_costs() {
    let empty = Sealed::root(Vec::new(), 0, Label::Text, Mark::Text);
    let twice = Sealed::concat(&[Piece::Sealed(&empty), Piece::Sealed(&empty)]);
    assert!(twice.cost() > empty.cost());
}

/// What has no bytes has the composition, and so the cost, of what has them.
#[test]
fn a_void_part_is_a_part() {
    let joined = |hex: &str| {
        let part = secret(hex).decode(Encoding::Hex).unwrap();
        Sealed::concat(&[Piece::Text("a:"), Piece::Sealed(&part)])
    };
    let (good, void) = (joined("616263"), joined("61 62"));
    assert!(good.bytes().is_ok() && void.bytes().is_err());
    assert_eq!(good.made_of(), void.made_of());
    assert_eq!(good.cost(), void.cost());
}

#[test]
fn nothing_is_free_of_charge() {
    assert!(literal("").cost() >= 64, "an empty value could be doubled for ever");
}

#[test]
fn no_text_is_longer_than_its_bound() {
    // One UTF-16 unit each, and one septet.
    for (letter, units) in [("漢", 1), ("€", 2), ("\u{FFFD}", 1), ("Ω", 1), ("😀", 2)] {
        let text = letter.repeat(10);
        assert!(text.len() <= text_bound(10 * units), "{letter}");
    }
    assert_eq!(text_bound(10), "漢".len() * 10);
}
