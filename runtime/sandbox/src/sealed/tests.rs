//! What operations on sealed values do, and that only bytes depend on bytes.

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
        (Encoding::Percent, "a b*~'()!-._+<%>ü", "a%20b%2A~%27%28%29%21-._%2B%3C%25%3E%C3%BC"),
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

/// Everything but the bytes is the same for secrets with other contents and lengths.
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

/// A chain of keys that begins with a secret: HKDF with SHA-256, test case 3 of RFC 5869.
#[test]
fn a_chain_of_keys_is_hkdf() {
    let pseudorandom_key = secret(&"\u{b}".repeat(22)).hmac(Hash::Sha256, &literal(""));
    let first = literal("\u{1}").hmac(Hash::Sha256, &pseudorandom_key);
    let second = Sealed::concat(&[Piece::Sealed(&first), Piece::Text("\u{2}")]).hmac(Hash::Sha256, &pseudorandom_key);
    let output = Sealed::concat(&[Piece::Sealed(&first), Piece::Sealed(&second)]).encode(Encoding::Hex);
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    assert_eq!(text(&output).get(..84), Some(expected));
    assert!(output.labels().secrets().next().is_some(), "a signature remembers its key");
}

/// A signature over values that are encoded twice, under a key that contains a literal: OAuth 1.0, the example in section 1.2 of
/// RFC 5849. Every value is sealed.
#[test]
fn a_signature_over_encoded_values_is_oauths() {
    let parameters = [
        ("file", "vacation.jpg"),
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_nonce", "chapoH"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("size", "original"),
    ];
    let mut query = literal("");
    for (index, (name, value)) in parameters.iter().enumerate() {
        let value = Sealed::root(value.as_bytes().to_vec(), VARIABLE_BOUND, Label::Code, Mark::Code);
        let value = value.encode(Encoding::Percent);
        let before = if index == 0 { format!("{name}=") } else { format!("&{name}=") };
        query = Sealed::concat(&[Piece::Sealed(&query), Piece::Text(&before), Piece::Sealed(&value)]);
    }
    let to_sign = Sealed::concat(&[
        Piece::Text("GET&http%3A%2F%2Fphotos.example.net%2Fphotos&"),
        Piece::Sealed(&query.encode(Encoding::Percent)),
    ]);
    let key = Sealed::concat(&[
        Piece::Sealed(&secret("kd94hf93k423kf44")),
        Piece::Text("&"),
        Piece::Sealed(&secret("pfkkdhi9sl3r4s00")),
    ]);
    let signature = to_sign.hmac(Hash::Sha1, &key).encode(Encoding::Base64);
    assert_eq!(text(&signature), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}

/// The canonical request of many signature schemes: a digest inside of what is digested. The digests come from Python's `hashlib`.
#[test]
fn a_digest_can_be_a_part_of_what_is_digested() {
    let body = literal(r#"{"Values": ["\u672a\u547d\u540d"]}"#).digest(Hash::Sha256).encode(Encoding::Hex);
    let outer = Sealed::concat(&[Piece::Text("POST\n/\n"), Piece::Sealed(&body)]);
    assert_eq!(text(&body), "8a8ba0b5ac928a071224f441ae549ed02317d5b1cfb2a6cd5214ae41350ceb57");
    assert_eq!(
        text(&outer.digest(Hash::Sha256).encode(Encoding::Hex)),
        "afd7d54ff6f7ca0e07ca9c5cddfb0ca79dad5a23882d7f6cf3c4c6672e0a16e9"
    );
}

#[test]
fn doubling_an_empty_value_costs() {
    let empty = Sealed::root(Vec::new(), 0, Label::Text, Mark::Text);
    let twice = Sealed::concat(&[Piece::Sealed(&empty), Piece::Sealed(&empty)]);
    assert!(twice.cost() > empty.cost());
}

/// A value without bytes has the same composition and cost as one with bytes.
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
    // One UTF-16 code unit each, or one septet.
    for (letter, units) in [("漢", 1), ("€", 2), ("\u{FFFD}", 1), ("Ω", 1), ("😀", 2)] {
        let text = letter.repeat(10);
        assert!(text.len() <= text_bound(10 * units), "{letter}");
    }
    assert_eq!(text_bound(10), "漢".len() * 10);
}
