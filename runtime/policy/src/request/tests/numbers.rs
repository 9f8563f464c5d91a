//! A second number, in every notation that we could think of.

use super::*;

fn digits_of(answer: Result<Carries, CompositionViolation>) -> Option<usize> {
    match answer {
        Err(SecondNumber { digits, .. }) => Some(digits),
        _ => None,
    }
}

fn cc(value: &str) -> Result<Carries, CompositionViolation> {
    text_form(&format!("To={{e164}}&Body={{text}}&Cc={value}"))
}

#[test]
fn in_a_form() {
    for (value, digits) in [
        ("19005550199", 11),
        ("%2B19005550199", 11),
        ("+1+++++900+++++555+++++0199", 11),
        ("1~900/555[0199", 11),
        ("1_900_555,0199]", 11),
        ("1..........................................................900..555..0199", 11),
        ("1%E2%81%A3900%E2%81%A3555%E2%81%A30199", 11),
        ("1%EF%B8%8F9005550199", 11),
        ("1%CC%81900%CC%815550199", 11),
        ("1%E0%A4%BE900%E0%A4%BE5550199", 11),
        ("1%E3%85%A4900%E3%85%A45550199", 11),
        ("1%E0%A4%BE%E0%A4%BE%E0%A4%BE900%E0%A4%BE%E0%A4%BE%E0%A4%BE555%E0%A4%BE%E0%A4%BE%E0%A4%BE0199", 11),
        ("1900%26nbsp%3B555%26nbsp%3B0199", 11),
        ("1900%26amp%3Bamp%3Bnbsp%3B555%26amp%3Bamp%3Bnbsp%3B0199", 11),
        ("1%0A900%0A555%0A0199", 11),
        ("1%00900%00555%000199", 11),
        ("%31%39%30%30%35%35%35%30%31%39%39", 11),
        ("%2531%2539%30%30%35%35%35%30%31%39%39", 11),
        ("%252531%2539%30%30%35%35%35%30%31%39%39", 11),
        ("%EF%BC%91%EF%BC%99005550199", 11),
        ("%D9%A1%D9%A9%D9%A0%D9%A0%D9%A5%D9%A5%D9%A5%D9%A0%D9%A1%D9%A9%D9%A9", 11),
        ("%E2%91%A0%E2%91%A8005550199", 11),
        ("%26%2349%3B9005550199", 11),
        ("%26%23x31%3B9005550199", 11),
        // Characters that have a meaning in this module.
        ("1900%F4%8F%BF%BC555%F4%8F%BF%BD0199", 11),
        ("1900%25F4%258F%25BF%25BC555%2525F4%25258F%2525BF%2525BD0199", 11),
        ("1900%F4%80%80%80555%F3%BF%BF%BE0199", 11),
        ("1900%26%23x10FFFC%3B555%5Cu%7B10FFFD%7D0199", 11),
        ("1900\u{10FFFC}555\u{10FFFD}0199", 11),
        ("«1900\u{10FFFC}555\u{10FFFD}0199{mac}»", 11),
        ("b64«1900\u{10FFFC}555\u{10FFFD}0199{mac}»", 11),
        ("1900%3C!--+no+number+--%3E5550199", 11),
        ("1900%3Cspan+class%3D%22none%22%3E5550199", 11),
        ("1900%3C![CDATA[555]]%3E0199", 11),
        ("\\u0031\\u00399005550199", 11),
        ("\\x31\\u{39}9005550199", 12),
        ("1x900x555x0199", 11),
        ("1ab900cd5550199", 11),
        ("tel19005550199", 11),
        ("a19005550199b", 11),
        ("1900{secret}5550199", 11),
        ("«1900{secret}5550199»", 11),
        ("«1900»{secret}5550199", 11),
        ("5550199", 7),
        ("0000000", 7),
        ("1234567890123456789012", 22),
        ("2010-04-01x", 8),
        ("%2B2010-04-01", 8),
        ("45-2010-04-01", 10),
        ("2026-11-23+19", 10),
        ("1795421801+9", 11),
        ("%2B1795421801", 10),
        ("hex«E\u{12}4Vx{secret}»", 10),
        ("b64«\u{4CD}4\u{4CD}4\u{4CD}4{secret}»", 12),
        ("b64«{secret}\u{4CD}4\u{4CD}4\u{4CD}4»", 12),
    ] {
        let found = digits_of(cc(value));
        assert!(found.is_some(), "{value}");
        // Undone or not, an escape has digits of its own; only plain digits count as they are.
        if !value.contains(['%', '&', '\\', '«']) {
            assert_eq!(found, Some(digits), "{value}");
        }
    }
    assert_eq!(digits_of(text_form("To={e164}&Body={text}&19005550199=x")), Some(11), "a name");
}

#[test]
fn in_json_and_xml() {
    let places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
    for (cc, digits) in [
        ("19005550199", 11),
        ("1.9005550199e10", 11),
        ("1.9005550199E+10", 11),
        ("0.19005550199e11", 12),
        ("190055501990000e-4", 15),
        ("1.9005550199", 11),
        ("-19005550199", 11),
        ("1e7", 8),
        ("1e400", 401),
        (r#""\u0031\u0039005550199""#, 11),
        (r#""1.9005550199e10""#, 13),
        (r#""{\"a\":\"\\u00319005550199\"}""#, 14),
        (r#"["1 900 555 0199"]"#, 11),
        (r#"{"1 900 555 0199":1}"#, 11),
        (r#""1\u2063900\u20635550199""#, 11),
        (r#""1\n900\t5550199""#, 11),
        (r#""1900\udbff\udffc555\udbff\udffd0199""#, 11),
    ] {
        let body = format!(r#"{{"to":"{{digits}}","text":"{{text}}","cc":{cc}}}"#);
        assert_eq!(
            digits_of(judge(Text, &[], &places, &post("https://x.example/", JSON, &[], &body))),
            Some(digits),
            "{cc}"
        );
    }
    let places = super::places(RecipientForm::Digits, &[xml("/r/to")], &[xml("/r/text")]);
    for cc in [
        "<c>1 900 555 0199</c>",
        "<c>&#49;&#57;005550199</c>",
        "<c>1900<!-- -->5550199</c>",
        "<c>1900&#x10FFFC;555&#1114109;0199</c>",
        "<c>1900<![CDATA[555]]>0199</c>",
        "<c>1900<b/>5550199</c>",
        "<c n='19005550199'/>",
        "<c19005550199/>",
        "<c xmlns:n='tel:19005550199'/>",
        "<c>&amp;#49;9005550199</c>",
    ] {
        let body = format!("<r><to>{{digits}}</to><text>{{text}}</text>{cc}</r>");
        let found = digits_of(judge(Text, &[], &places, &post("https://x.example/", XML, &[], &body)));
        assert!(found.is_some() || cc.contains("<b/>"), "{cc}");
    }
}

#[test]
fn in_url_and_headers() {
    for url in [
        "https://x.example/19005550199",
        "https://x.example/1/x?cc=1-900-555-0199",
        "https://x.example/%31%39005550199",
        "https://x.example/?19005550199",
        "https://x.example/?x=19005550199&y=://z/",
        "http://x.example?x=19005550199",
    ] {
        let view = post(url, FORM, &[], "To={e164}&Body={text}");
        let refused = judge(Text, &[], &form_places(), &view);
        assert!(matches!(refused, Err(SecondNumber { part: RequestPart::Url, .. })), "{url}: {refused:?}");
    }
    for (name, value) in
        [("x-cc", "1 900 555 0199"), ("x-19005550199", "a"), ("Authorization", "Basic b64«19005550199:{secret}»")]
    {
        let view = post("https://x.example/", FORM, &[(name, value)], "To={e164}&Body={text}");
        let part = RequestPart::Header(name.to_ascii_lowercase());
        assert_eq!(judge(Text, &[], &form_places(), &view), Err(SecondNumber { digits: 11, part }), "{name}");
    }
    // Even in a request without the message: the next one may refer to what this one stored.
    let view = post("https://x.example/", FORM, &[], "number=19005550199");
    assert!(matches!(view.judge(None, &rule(Text, &[])), Err(SecondNumber { .. })));
}

/// One character may be equivalent to several digits, and its escape has fewer.
#[test]
fn few_digits_that_read_as_many() {
    let places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
    for more in
        ["¼¼¼¼", "%C2%BC%C2%BC%C2%BC%C2%BC", r"\\xBC\\xBC\\xBC\\xBC", "&#xBC;&#xBC;&#xBC;&#xBC;", "㏠㏡㏢㏣㏤㏥㏦"]
    {
        let body = format!(r#"{{"to":"{{digits}}","text":"{{text}}","more":"{more}"}}"#);
        let refused = judge(Text, &[], &places, &post("https://x.example/", JSON, &[], &body));
        assert!(matches!(refused, Err(SecondNumber { .. })), "{more}: {refused:?}");
    }
}

#[test]
fn what_is_no_second_number() {
    for value in [
        "123456",
        "1.0.0",
        "v1.2.3",
        "600",
        "application%2Fjson",
        "HMAC-SHA256,1795421801,x",
        "2017-05-25",
        "1795421801",
        "1795421801000",
        "20261123",
        "20261123081641",
        "2026-11-23+08:16:41",
        "2026-11-23T08%3A16%3A41.123Z",
        "sha256=%2F20261123%2Feu-1%2Fsms",
        "{mac}123456{mac}123456",
        "600000",
    ] {
        assert_eq!(cc(value), Ok(Carries::Message), "{value}");
    }
    // The lifetime of the code, in milliseconds or as a word.
    let places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
    let view = post("https://x.example/", JSON, &[], r#"{"to":"{digits}","text":"{text}","ttl":3600000,"s":"3600"}"#);
    let rule = MessageRule { lifetime_seconds: 3600, ..rule(Text, &[]) };
    assert!(view.judge(Some(&places), &rule).is_ok());
    let rule = MessageRule { lifetime_seconds: 0, ..rule };
    assert!(view.judge(Some(&places), &rule).is_err());
}

#[test]
fn what_the_host_gave() {
    for (known, value) in [
        ("+4598765432", "%2B4598765432"),
        ("+4598765432", "4598765432"),
        ("+45 98 76 54 32", "%2B45 98 76 54 32"),
        ("https://x.example/cb?id=4598765432", "https%3A%2F%2Fx.example%2Fcb%3Fid%3D4598765432"),
        ("https://x.example/cb?id=4598765432", "url:https%3A%2F%2Fx.example%2Fcb%3Fid%3D4598765432;"),
        ("https://x.example/cb?to=%2B4598765432", "url%20https%3A%2F%2Fx.example%2Fcb%3Fto%3D%252B4598765432"),
        (r#"{"a":{"b":["4598765432"]}}"#, "4598765432"),
        (r#"{"a":4598765432}"#, "4598765432"),
        (
            "０４５９８７６５４３２",
            "%EF%BC%90%EF%BC%94%EF%BC%95%EF%BC%99%EF%BC%98%EF%BC%97%EF%BC%96%EF%BC%95%EF%BC%94%EF%BC%93%EF%BC%92",
        ),
        (NONCE, NONCE),
        ("4598765432", "a{mac}4598765432,x"),
    ] {
        let view = post(
            "https://x.example/",
            FORM,
            &[],
            &format!("To={{e164}}&Body={{text}}&x={}", value.replace(';', "%3B")),
        );
        assert_eq!(judge(Text, &[("config x", known)], &form_places(), &view), Ok(Carries::Message), "{known} {value}");
    }
    // Not whole, not verbatim, part of a longer number, assembled from pieces.
    for (known, value) in [
        ("+45 98 76 54 32", "4598765432"),
        ("24598765432", "4598765432"),
        ("45987654321", "4598765432"),
        ("4598765", "4598765432"),
        ("8765432", "4598765432"),
        ("4598765", "4598765+432"),
        ("4598765", "4598765-{secret}432"),
        ("4598765432", "45987654321"),
        ("4598765432", "14598765432"),
        ("4598765432", "4598765432+11"),
        ("4598765432", "1+4598765432"),
        ("45 98 76", "45 98 76 54 32"),
        ("987", "45-987-65432"),
        ("1234567890123456", "12345678901234561234567890123456"),
        ("id 4598765432 x", "4598765432"),
        (r#"{"4598765432":1}"#, "4598765432"),
        (NONCE, "45e25e9b-0a6f-4070-8c85-2956eda1b467"),
        (NONCE, "2956eda1b466-19005550199"),
    ] {
        let view = post("https://x.example/", FORM, &[], &format!("To={{e164}}&Body={{text}}&x={value}"));
        let refused = judge(Text, &[("config x", known)], &form_places(), &view);
        assert!(matches!(refused, Err(SecondNumber { .. })), "{known} {value}: {refused:?}");
    }
}

/// A literal that a connector seals, encodes and decodes is checked as what it becomes.
#[test]
fn sealed_literals() {
    let sealed = |value: Composition| {
        let mut body = super::value("To={e164}&Body={text}&x=");
        body.extend(&value);
        let view = RequestView { body, ..post("https://x.example/", FORM, &[], "") };
        digits_of(judge(Text, &[], &form_places(), &view))
    };
    let hexadecimal = Composition::literal("E\u{12}4Vx").encoded(Encoding::Hex, b"4512345678");
    assert_eq!(sealed(hexadecimal), Some(10));
    let decoded = Composition::literal("NDU5ODc2NTQzMg==").decoded(b"4598765432").unwrap();
    assert_eq!(sealed(decoded), Some(10));
    assert_eq!(sealed(Composition::literal("19005550199")), Some(11));
    let mut joined = Composition::literal("1900");
    joined.extend(&Composition::literal("5550199"));
    assert_eq!(sealed(joined), Some(11));
}

/// In base64, after the preceding text, `㍴` becomes `4420`.
#[test]
fn digits_that_an_encoding_makes() {
    for (value, digits) in [
        ("b64«{secret}㍴»", None),
        ("b64«{secret}㍴㍴»", Some(8)),
        ("b64«{secret}a㍴㍴»", Some(8)),
        ("b64«{secret}aa㍴㍴»", Some(8)),
        ("«{secret}b64«{secret}㍴㍴»»", Some(8)),
    ] {
        assert_eq!(digits_of(cc(value)), digits, "{value}");
    }
}
