//! The bytes have the structure that was judged, whatever the sealed values are.

use super::providers::{KNOWN, Provider};
use super::*;

/// The value of each mark, unencoded.
pub(super) fn sealed(mark: &Mark) -> Option<&'static [u8]> {
    Some(match mark {
        Mark::Recipient(RecipientForm::E164) => b"+4512345678",
        Mark::Recipient(RecipientForm::Digits) => b"4512345678",
        Mark::Recipient(RecipientForm::National) => b"12345678",
        Mark::Text => "Code: 123456 \"<ø>\" & =+%?#".as_bytes(),
        Mark::Code => b"12\"34&56",
        Mark::Variable(_) => b"https://a.example/?x=1&y=\"2\"",
        Mark::ClientIp => b"2001:db8::1",
        Mark::Secret(_) => b"pass\"word&=<",
        Mark::Opaque => b"+/sig/nature==",
    })
}

fn percent(bytes: &[u8]) -> String {
    percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn json_string(bytes: &[u8]) -> String {
    let quoted = serde_json::to_string(std::str::from_utf8(bytes).unwrap()).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The bytes of a composition: sealed values are encoded by `encode`, and encoded compositions by their encodings.
pub(super) fn bytes(value: &Composition, encode: &dyn Fn(&[u8]) -> String) -> String {
    value
        .pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Mark(mark) => encode(sealed(mark).unwrap()),
            Piece::Encoded(encoding, inner) => {
                let inner_encode: &dyn Fn(&[u8]) -> String = match encoding {
                    Encoding::Base64 => &|bytes| String::from_utf8(bytes.to_vec()).unwrap(),
                    _ if inner
                        .pieces()
                        .iter()
                        .any(|piece| matches!(piece, Piece::Literal(text) if text.contains('{'))) =>
                    {
                        &json_string
                    }
                    _ => &percent,
                };
                let inner = bytes(inner, inner_encode);
                if *encoding == Encoding::Base64 { "YmFzZTY0".to_owned() } else { percent(inner.as_bytes()) }
            }
        })
        .collect()
}

/// Confirms a request whose sealed values are encoded as each part says.
fn confirm_with(
    view: &RequestView,
    in_url: &dyn Fn(&[u8]) -> String,
    in_body: &dyn Fn(&[u8]) -> String,
) -> Result<(), CompositionViolation> {
    let url = bytes(&view.url, in_url);
    let plain = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers: Vec<(String, String)> =
        view.headers.iter().map(|(name, value)| (name.clone(), bytes(value, &plain))).collect();
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let body = bytes(&view.body, in_body);
    view.confirm(&RequestBytes { url: &url, headers: &headers, body: body.as_bytes(), value_of: &|mark| sealed(mark) })
}

fn json_in_form(bytes: &[u8]) -> String {
    percent(json_string(bytes).as_bytes())
}

#[test]
fn requests_of_real_providers_are_what_was_judged() {
    for Provider { name, content, places, view } in providers::all() {
        assert_eq!(judge(content, &KNOWN, &places, &view), Ok(Carries::Message), "{name}");
        let literal = |text: &str| view.headers.iter().any(|(_, value)| *value == Composition::literal(text));
        let in_body: &dyn Fn(&[u8]) -> String = match name {
            "Aliyun" => &json_in_form,
            "XML" => &|bytes| String::from_utf8(bytes.to_vec()).unwrap(),
            _ if literal(FORM) => &percent,
            _ => &json_string,
        };
        assert_eq!(confirm_with(&view, &percent, in_body), Ok(()), "{name}");
    }
}

#[test]
fn a_sealed_value_that_is_not_encoded_changes_nothing_unseen() {
    let plain = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let differs = Err(BytesDiffer(RequestPart::Body));
    for (content_type, body) in [
        (FORM, "To={e164}&Body={text}"),
        (FORM, "To={e164}&Body={text}&p={secret}"),
        (JSON, r#"{"To":"{e164}","Body":"{text}","p":"{secret}"}"#),
        (JSON, r#"{"To":"{e164}","Body":"{text}"}"#),
        (XML, "<r><To>{e164}</To><Body>{text}</Body></r>"),
        (XML, "<r><To>{e164}</To><Body>{mac}</Body><p a='{secret}'/></r>"),
    ] {
        let view = post("https://x.example/", content_type, &[], body);
        assert_eq!(confirm_with(&view, &plain, &plain), differs, "{body}");
    }
    let view = post("https://x.example/?To={digits}&Body={text}", "", &[], "");
    assert_eq!(confirm_with(&view, &plain, &plain), Err(BytesDiffer(RequestPart::Url)));
    // Encoded differently than its position requires.
    let view = post("https://x.example/", JSON, &[], r#"{"To":"{e164}","Body":"{text}"}"#);
    assert_eq!(confirm_with(&view, &percent, &percent), differs);
    let view = post("https://x.example/", FORM, &[], "To={e164}&Body={text}");
    assert_eq!(confirm_with(&view, &percent, &json_string), differs);
    let view = post("https://x.example/", FORM, &[], "To={digits}&P=%7B%22c%22%3A%22{code}%22%7D");
    assert_eq!(confirm_with(&view, &percent, &percent), differs, "a code with a quote in it");
    assert_eq!(confirm_with(&view, &percent, &json_in_form), Ok(()));
}

/// Sealed values that would become fields of their own.
#[test]
fn structure_in_sealed_bytes() {
    for (content_type, body, value) in [
        (FORM, "To=45&Body=x&k=SEALED", "x&To=19005550199"),
        (FORM, "To=45&Body=x&k=SEALED", "x&a"),
        (FORM, "To=45&Body=x&k=SEALED", "x;b"),
        (FORM, "To=45&Body=SEALED&k=x", "x;b"),
        (FORM, "To=45&Body=SEALED&k=x", "%26"),
        (FORM, "To=45&Body=SEALED&k=x", "a+b"),
        (FORM, "To=45&Body=SEALED&k=x", "x&k=x"),
        (JSON, r#"{"To":"45","Body":"x","k":"SEALED"}"#, "x\",\"To\":\"1"),
        (JSON, r#"{"To":"45","Body":"x","k":"SEALED"}"#, "x\",\"b\":\"1"),
        (JSON, r#"{"To":"45","Body":"x","k":"SEALED"}"#, "x\"}"),
        (JSON, r#"{"To":"45","Body":"x","k":"SEALED"}"#, "\\"),
        (JSON, r#"{"To":"45","Body":"x","k":"SEALED"}"#, "\n"),
        (JSON, r#"{"To":"45","Body":"SEALED","k":"x"}"#, "\\u0041"),
        (JSON, r#"{"To":"45","Body":"SEALED","k":"x"}"#, "x\",\"k\":\"x"),
        (XML, "<r><To>45</To><Body>x</Body><k>SEALED</k></r>", "</k><To>1</To><k>"),
        (XML, "<r><To>45</To><Body>x</Body><k>SEALED</k></r>", "<!-- -->"),
        (XML, "<r><To>45</To><Body>x</Body><k>SEALED</k></r>", "<b/>"),
        (XML, "<r><To>45</To><Body>SEALED</Body><k>x</k></r>", "&amp;"),
        (XML, "<r><To>45</To><Body>SEALED</Body><k>x</k></r>", "<![CDATA[x]]>"),
        (XML, "<r><To>45</To><Body><![CDATA[SEALED]]></Body><k>x</k></r>", "]]><![CDATA["),
        (XML, "<r><To>45</To><Body><![CDATA[SEALED]]></Body><k>x</k></r>", "x]]></Body><Body><![CDATA["),
        (XML, "<r><To>45</To><Body>x</Body><k a=\"SEALED\">1</k></r>", "\" b=\""),
        (XML, "<r><To>45</To><Body>x</Body><k a=\"SEALED\">1</k></r>", "\"/><k a=\""),
    ] {
        let is_text = body.contains("Body=SEALED")
            || body.contains("\"Body\":\"SEALED")
            || body.contains("<Body>SEALED")
            || body.contains("CDATA[SEALED");
        let judged = body.replace("45", "{digits}");
        let judged = if is_text {
            judged.replace("SEALED", "{text}")
        } else {
            judged
                .replacen(">x<", ">{text}<", 1)
                .replacen("Body=x", "Body={text}", 1)
                .replacen("\"Body\":\"x\"", "\"Body\":\"{text}\"", 1)
                .replace("SEALED", "{secret}")
        };
        let view = post("https://x.example/", content_type, &[], &judged);
        let headers = [("Content-Type", content_type.as_bytes())];
        let text = if is_text { value } else { "x" };
        let value_of = |mark: &Mark| match mark {
            Mark::Recipient(_) => Some(b"45".as_slice()),
            Mark::Text => Some(text.as_bytes()),
            _ => None,
        };
        let confirm = |body: String| {
            let value_of = |mark: &Mark| value_of(mark);
            view.confirm(&RequestBytes {
                url: "https://x.example/",
                headers: &headers,
                body: body.as_bytes(),
                value_of: &value_of,
            })
        };
        if !is_text {
            assert_eq!(confirm(body.replace("SEALED", "harmless")), Ok(()), "{judged}");
        }
        assert!(matches!(confirm(body.replace("SEALED", value)), Err(BytesDiffer(_))), "{value} in {judged}");
    }
}

#[test]
fn other_bytes_than_what_was_judged() {
    let view = post("https://x.example/a?b=1", FORM, &[("x-a", "v1,{mac};end")], "To={digits}&Body={text}&c=2");
    let good_headers: [(&str, &[u8]); 2] = [("content-type", FORM.as_bytes()), ("X-A", b"v1,\xff\xfe;end")];
    let confirm = |url: &str, headers: &[(&str, &[u8])], body: &str| {
        let value_of = |mark: &Mark| match mark {
            Mark::Recipient(RecipientForm::Digits) => Some(b"45".as_slice()),
            Mark::Text => Some("hæ".as_bytes()),
            _ => None,
        };
        view.confirm(&RequestBytes { url, headers, body: body.as_bytes(), value_of: &value_of })
    };
    let (url, body) = ("https://x.example/a?b=1", "To=45&Body=h%C3%A6&c=2");
    assert_eq!(confirm(url, &good_headers, body), Ok(()));
    for other in [
        "https://x.example/b?b=1",
        "https://x.example/a?b=2",
        "https://x.example/a",
        "https://x.example/a/?b=1",
        "x",
        "https://x.example/a?b=1&c",
    ] {
        assert!(matches!(confirm(other, &good_headers, body), Err(BytesDiffer(_))), "{other}");
    }
    for other in [
        "",
        "To=45&Body=h%C3%A6&c=3",
        "To=45&Body=h%C3%A6",
        "To=46&Body=h%C3%A6&c=2",
        "To=45&Body=ha&c=2",
        "to=45&Body=h%C3%A6&c=2",
        "To=45&c=2&Body=h%C3%A6",
        "To=45&Body=h%C3%A6&c=2&d",
    ] {
        assert_eq!(confirm(url, &good_headers, other), Err(BytesDiffer(RequestPart::Body)), "{other}");
    }
    let type_only: [(&str, &[u8]); 1] = [("content-type", FORM.as_bytes())];
    let other_value: [(&str, &[u8]); 2] = [good_headers[0], ("x-a", b"v2,x;end")];
    let other_end: [(&str, &[u8]); 2] = [good_headers[0], ("x-a", b"v1,x;and")];
    let other_type: [(&str, &[u8]); 2] = [("content-type", JSON.as_bytes()), good_headers[1]];
    for headers in [type_only.as_slice(), &other_value, &other_end, &other_type, &[good_headers[1], good_headers[0]]] {
        assert!(confirm(url, headers, body).is_err());
    }
    // Only the URL was judged.
    let view = post("https://x.example/?k={secret}", "", &[], "");
    let confirm = |url: &str, body: &[u8]| view.confirm(&RequestBytes { url, headers: &[], body, value_of: &|_| None });
    assert_eq!(confirm("https://x.example/?k=x", b""), Ok(()));
    assert_eq!(confirm("https://x.example/?k=x", b"to=45"), Err(BytesDiffer(RequestPart::Body)));
    assert_eq!(confirm("https://x.example/?k=x;to=45", b""), Err(BytesDiffer(RequestPart::Url)));
}

#[test]
fn a_value_that_nobody_knows() {
    let view = post("https://x.example/a?b=1", FORM, &[("x-a", "v1,{mac};end")], "To={digits}&Body={text}&c=2");
    let good_headers: [(&str, &[u8]); 2] = [("content-type", FORM.as_bytes()), ("X-A", b"v1,\xff\xfe;end")];
    let (url, body) = ("https://x.example/a?b=1", "To=45&Body=h%C3%A6&c=2");
    // A value that the host does not know cannot be confirmed.
    let nothing = |_: &Mark| None;
    let unknown = RequestBytes { url, headers: &good_headers, body: body.as_bytes(), value_of: &nothing };
    assert_eq!(view.confirm(&unknown), Err(BytesDiffer(RequestPart::Body)));
}

/// A private character stands for a sealed value only in the judged text. In the bytes it is not valid JSON.
#[test]
fn a_private_character_in_the_bytes() {
    let view = post("https://x.example/", JSON, &[], r#"{"a":{mac}}"#);
    let body = "{\"a\":\u{F0000}}";
    let url = "https://x.example/";
    let headers: Vec<(&str, &[u8])> =
        view.headers.iter().map(|(name, _)| (name.as_str(), "application/json".as_bytes())).collect();
    let request = RequestBytes { url, headers: &headers, body: body.as_bytes(), value_of: &|_| None };
    assert_eq!(view.confirm(&request), Err(BytesDiffer(RequestPart::Body)));
    let request = RequestBytes { body: b"{\"a\":12}", ..request };
    assert_eq!(view.confirm(&request), Ok(()));
}
