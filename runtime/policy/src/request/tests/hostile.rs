//! Requests that are designed to be expensive.

use super::*;

/// A request may contain at most 64 sealed values, including nested ones.
#[test]
fn many_sealed_things() {
    let body = |count: usize| value(&format!("To={{e164}}&Body={{text}}&x={}", "{secret}".repeat(count)));
    let view = |body: Composition| RequestView { body, ..post("https://x.example/", FORM, &[], "") };
    let judge = |view: &RequestView| judge(Text, &[], &form_places(), view);
    assert_eq!(judge(&view(body(62))), Ok(Carries::Message));
    for count in [63, 60_000] {
        assert_eq!(judge(&view(body(count))), Err(TooManyPieces(RequestPart::Body)), "{count}");
    }
    // Even if they are encoded as one.
    assert_eq!(judge(&view(body(0))), Ok(Carries::Message));
    let one = value(&format!("To={{e164}}&Body={{text}}&x=«a{}»", "{secret}".repeat(70)));
    assert_eq!(judge(&view(one)), Err(TooManyPieces(RequestPart::Body)));
    let nested = |depth: usize| {
        let mut nested = value("{secret}x");
        for _ in 0..depth {
            let mut around = Composition::literal("[");
            around.extend(&nested);
            nested = around.encoded(Encoding::Percent, b"");
        }
        let mut body = value("To={e164}&Body={text}&x=");
        body.extend(&nested);
        judge(&view(body))
    };
    assert_eq!(nested(16), Ok(Carries::Message));
    for depth in [17, 2000] {
        assert_eq!(nested(depth), Err(TooManyPieces(RequestPart::Body)), "{depth}");
    }
}

#[test]
fn deep_documents() {
    let json_places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
    let xml_places = places(RecipientForm::Digits, &[xml("/r/to")], &[xml("/r/text")]);
    for (depth, passes) in [(14, true), (15, true), (16, false), (40, false)] {
        let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"to":"{{digits}}","text":"{{text}}","x":{nested}}}"#);
        let judged = judge(Text, &[], &json_places, &post("https://x.example/", JSON, &[], &body));
        assert_eq!(judged.is_ok(), passes, "JSON {depth}: {judged:?}");
        let nested = format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth));
        let body = format!("<r><to>{{digits}}</to><text>{{text}}</text>{nested}</r>");
        let judged = judge(Text, &[], &xml_places, &post("https://x.example/", XML, &[], &body));
        assert_eq!(judged.is_ok(), depth <= 16, "XML {depth}: {judged:?}");
    }
}

/// Bodies of twice the allowed size. Quadratic work would take 10^10 steps for each of them, and never finish.
#[test]
fn long_bodies() {
    const LENGTH: usize = 1 << 17;
    let values: Vec<(String, String)> =
        (0..500).map(|n| (format!("config {n}"), format!("value-{n}-of-the-tenant"))).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let long = |unit: &str| unit.repeat(LENGTH / unit.len());
    for unit in [
        "a",
        "1 a b c ",
        "<!--",
        "<!-- -->",
        "<",
        "</",
        "&#",
        "&#x",
        "&",
        "\\u",
        "\\u{",
        "\\u{0",
        "%",
        "%2",
        "%25",
        "<a ",
        "<![CDATA[",
        "]]>",
        "value-",
        "2026-11-23 ",
        "+",
        "\u{301}",
        "\u{FDFA}",
        "{",
        "abcd-",
        "45e25e9b-",
    ] {
        let value =
            percent_encoding::percent_encode(long(unit).as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string();
        let body = literal_body(&format!("To={{e164}}&Body={{text}}&x={value}"));
        let _ =
            judge(Text, &values, &form_places(), &RequestView { body, ..post("https://x.example/", FORM, &[], "") });
    }
    for (content_type, body) in [
        (FORM, long("&")),
        (FORM, long("a&")),
        (FORM, long("=")),
        (JSON, long("[")),
        (JSON, long("{\"a\":")),
        (JSON, format!("[{}0]", long("0,"))),
        (JSON, format!("{{{}\"z\":0}}", (0..60_000).map(|n| format!("\"k{n}\":0,")).collect::<String>())),
        (JSON, format!("\"{}\"", long("\\u0041"))),
        (JSON, long("1")),
        (JSON, format!("1e{}", long("9"))),
        (XML, long("<a>")),
        (XML, format!("<a>{}</a>", long("<b/>"))),
        (XML, format!("<a {}/>", (0..60_000).map(|n| format!("a{n}='' ")).collect::<String>())),
        (XML, format!("<a {}/>", (0..60_000).map(|n| format!("xmlns:a{n}='u' ")).collect::<String>())),
        (XML, format!("<a>{}</a>", long("&lt;"))),
        (XML, format!("<a>{}</a>", long("<!-- -->"))),
        (XML, format!("<a>{}</a>", long("<![CDATA[]]>"))),
    ] {
        let view = RequestView { body: literal_body(&body), ..post("https://x.example/", content_type, &[], "") };
        let _ = judge(Text, &values, &form_places(), &view);
    }
    let url = format!("https://x.example/{}", long("/a"));
    let _ =
        judge(Text, &values, &form_places(), &RequestView { url: Composition::literal(&url), ..post("", "", &[], "") });
}

/// Parses the two marks of the head, and takes the rest as one literal, because the notation is for short texts.
fn literal_body(text: &str) -> Composition {
    let Some(rest) = text.strip_prefix("To={e164}&Body={text}") else { return Composition::literal(text) };
    let mut body = value("To={e164}&Body={text}");
    body.push(Piece::Literal(rest.to_owned()));
    body
}

#[test]
fn numbers_of_a_long_list_are_found() {
    let view = post("https://x.example/", FORM, &[], &format!("x={}", "1+".repeat(3000)));
    assert!(matches!(judge(Text, &[], &form_places(), &view), Err(SecondNumber { digits: 3000, .. })));
}

/// What an XML parser compares pairwise is counted first.
#[test]
fn many_attributes_and_namespaces() {
    let of = |attributes: String| {
        let body = format!("<r{attributes}/>");
        judge(Text, &[], &form_places(), &post("https://x.example/", XML, &[], &body))
    };
    let attributes = |count: usize| of((0..count).map(|n| format!(" a{n}=''")).collect());
    let namespaces = |count: usize| of((0..count).map(|n| format!(" xmlns:n{n}='u{n}'")).collect());
    let too_many = |why| Err(Malformed { part: RequestPart::Body, why });
    assert_eq!(attributes(512), Ok(Carries::Nothing));
    assert_eq!(attributes(513), too_many("its XML has too many attributes"));
    assert_eq!(namespaces(16), Ok(Carries::Nothing));
    assert_eq!(namespaces(17), too_many("its XML has too many namespaces"));
}

/// A value that contains others is parsed again, and so are those: as often as a position has steps, and not once per byte.
#[test]
fn values_inside_each_other() {
    let view = post("https://x.example/", FORM, &[], &format!("To={{e164}}&x{}{{text}}", "=".repeat(200)));
    assert_eq!(Reading::of(&view).ok().map(|reading| reading.nested.len()), Some(4));
}

#[test]
fn values_of_a_request_are_counted() {
    let of = |body: String| judge(Text, &[], &form_places(), &post("https://x.example/", JSON, &[], &body));
    let zeros = |count: usize| of(format!("[{}]", vec!["0"; count].join(",")));
    assert_eq!(zeros(4000), Ok(Carries::Nothing));
    assert_eq!(zeros(4200), Err(Malformed { part: RequestPart::Body, why: "it has too many values" }));
}
