//! Requests as a person would write them: `{…}` stands for something sealed, `«…»` for a value that was encoded as a whole.

use proptest::prelude::*;

use super::*;

/// 2026-11-23T08:16:41Z
const NOW_MS: u64 = 1_795_421_801_000;

/// Reads the little notation. Literal braces of JSON stay what they are unless they hold one of the names.
fn value(text: &str) -> Composition {
    let mut value = Composition::new();
    let mut rest = text;
    while !rest.is_empty() {
        let named = [
            ("{e164}", Mark::Recipient(RecipientForm::E164)),
            ("{digits}", Mark::Recipient(RecipientForm::Digits)),
            ("{national}", Mark::Recipient(RecipientForm::National)),
            ("{text}", Mark::Text),
            ("{code}", Mark::Code),
            ("{link}", Mark::Variable("link".into())),
            ("{ip}", Mark::ClientIp),
            ("{secret}", Mark::Secret("k".into())),
            ("{mac}", Mark::Opaque),
        ]
        .into_iter()
        .find_map(|(name, mark)| rest.strip_prefix(name).map(|rest| (mark, rest)));
        if let Some((mark, after)) = named {
            value.push(Piece::Mark(mark));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('«') {
            let (inner, after) = until_closed(inner);
            value.extend(&self::value(inner).encoded());
            rest = after;
        } else {
            let first = rest.chars().next().unwrap();
            value.push(Piece::Literal(first.to_string()));
            rest = &rest[first.len_utf8()..];
        }
    }
    value
}

fn until_closed(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '«') - i32::from(c == '»');
        if depth == 0 {
            return (&text[..at], &text[at + c.len_utf8()..]);
        }
    }
    panic!("an opening « is never closed: {text}")
}

fn request(url: &str, headers: &[(&str, &str)], body: &str) -> RequestView {
    RequestView {
        url: value(url),
        headers: headers.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect(),
        body: value(body),
    }
}

fn rule(content: ContentKind, known: &[String]) -> MessageRule<'_> {
    MessageRule { content, calling_code: "45".to_owned(), known, now_unix_ms: NOW_MS }
}

fn judge_with(content: ContentKind, known: &[&str], view: &RequestView) -> Result<Carries, CompositionViolation> {
    let known: Vec<String> = known.iter().map(|text| (*text).to_owned()).collect();
    view.judge(&rule(content, &known))
}

fn body(content: ContentKind, text: &str) -> Result<Carries, CompositionViolation> {
    judge_with(content, &[], &request("https://api.example.com/send", &[], text))
}

fn text_body(text: &str) -> Result<Carries, CompositionViolation> {
    body(Text, text)
}

use CompositionViolation::*;
use ContentKind::{Template, Text, Variables};

#[test]
fn requests_of_real_providers_pass() {
    let cases = [
        (
            "Twilio",
            Text,
            request(
                "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                &[("Authorization", "Basic «AC0123456789abcdef0123456789abcdef:{secret}»")],
                "To=«{e164}»&MessagingServiceSid=MG01234567890123456789012345678901&Body=«{text}»&RiskCheck=enable&ValidityPeriod=600",
            ),
        ),
        (
            "Twilio with a From number of the tenant",
            Text,
            request("https://api.twilio.com/2010-04-01/x", &[], "To=%2B{digits}&From=%2B15005550006&Body=«{text}»"),
        ),
        (
            "SMS Aero",
            Text,
            request(
                "https://gate.smsaero.ru/v2/sms/send",
                &[],
                r#"{"number":{digits},"sign":"SMS Aero","text":"«{text}»"}"#,
            ),
        ),
        (
            "GatewayAPI",
            Text,
            request(
                "https://gatewayapi.com/rest/mtsms",
                &[("Authorization", "Basic «{secret}:»")],
                r#"{"sender":"Acme","message":"{text}","recipients":[{"msisdn":"{digits}"}],"validity_period":600}"#,
            ),
        ),
        (
            "Vonage",
            Text,
            request(
                "https://rest.nexmo.com/sms/json",
                &[],
                r#"{ "from": "Acme", "to" : "{digits}", "text":"{text}" }"#,
            ),
        ),
        (
            "Aliyun",
            Template,
            request(
                "https://dysmsapi.aliyuncs.com/",
                &[],
                "AccessKeyId=LTAI5t0123456789&Action=SendSms&PhoneNumbers=00{digits}&SignName=%E7%AD%BE&SignatureMethod=HMAC-SHA1\
                 &SignatureNonce=0123456789abcdef0123456789abcdef&TemplateCode=SMS_1234&TemplateParam=«{\"code\":\"«{code}»\"}»\
                 &Timestamp=2026-11-23T08%3A16%3A41Z&Version=2017-05-25&Signature=«{mac}»",
            ),
        ),
        (
            "Tencent",
            Template,
            request(
                "https://sms.tencentcloudapi.com/",
                &[
                    ("X-TC-Timestamp", "1795421801"),
                    ("X-TC-Version", "2021-01-11"),
                    (
                        "Authorization",
                        "TC3-HMAC-SHA256 Credential=AKIDz8krbs/2026-11-23/sms/tc3_request, SignedHeaders=content-type;host, Signature=«{mac}»",
                    ),
                ],
                r#"{"SmsSdkAppId":"1400006666","SignName":"签","TemplateId":"1234567","TemplateParamSet":["{code}"],"PhoneNumberSet":["{e164}"]}"#,
            ),
        ),
        (
            "HTTP",
            Variables,
            request(
                "https://sms.example.com/hook?token=4512345678",
                &[("webhook-timestamp", "1795421801"), ("webhook-signature", "v1,«{mac}»"), ("webhook-id", "msg_2f")],
                r#"{"to":"{digits}","type":"SignIn","payload":{"code":"{code}","link":"{link}"},"ip":"{ip}"}"#,
            ),
        ),
        (
            "SigV4",
            Text,
            request(
                "https://sns.x.example/",
                &[("X-Amz-Date", "20261123T081641Z"), ("x", "AKID/20261123/eu/sns/aws4_request")],
                "PhoneNumber=«{e164}»&Message=«{text}»",
            ),
        ),
        (
            "XML",
            Text,
            request(
                "https://x.example/",
                &[],
                r#"<?xml version="1.0"?><sms to="{e164}"><text><![CDATA[{text}]]></text></sms>"#,
            ),
        ),
        ("XML elements", Text, request("https://x.example/", &[], "<sms><to>+{digits}</to><text>{text}</text></sms>")),
        ("a path and a query", Text, request("https://x.example/send/+45{national}?text=«{text}»", &[], "")),
        ("a header", Text, request("https://x.example/", &[("x-to", "tel:{e164}"), ("x-text", "{text}")], "")),
        ("a text body", Text, request("https://x.example/{digits}", &[], "{text}")),
        (
            "nested JSON by hand",
            Variables,
            request("https://x.example/", &[], r#"{"to":"{e164}","p":"{\"code\":\"{code}\"}"}"#),
        ),
    ];
    for (name, content, view) in cases {
        let known = ["+15005550006", "15005550006", "1400006666", "1234567", "4512345678 in a token"];
        assert_eq!(judge_with(content, &known, &view), Ok(Carries::Message), "{name}");
    }
}

#[test]
fn requests_with_nothing_of_the_message() {
    for text in ["", "grant_type=client_credentials&client_secret={secret}", r#"{"sig":"{mac}"}"#] {
        assert_eq!(text_body(text), Ok(Carries::Nothing), "{text}");
    }
}

#[test]
fn counts() {
    for (content, text, expected) in [
        (Text, "Body={text}", NoRecipient),
        (Text, "To={e164}", NoMessage),
        (Text, "To={e164}&Cc={digits}&Body={text}", RecipientTwice(2)),
        (Text, "To={e164}&Body={text}&Again=«x{text}»", MessageTwice(2)),
        (Text, "To={e164}&Body={code}", WrongContent(Text)),
        (Text, "To={e164}&Body={text}&c={code}", WrongContent(Text)),
        (Text, "To={e164}&Body={text}&l={link}", WrongContent(Text)),
        (Template, "To={e164}&Body={text}", WrongContent(Template)),
        (Variables, "to={e164}&link={link}", NoMessage),
        (Variables, "link={link}", LeftoverWithoutMessage),
        (Text, "ip={ip}", LeftoverWithoutMessage),
    ] {
        assert_eq!(body(content, text), Err(expected), "{text}");
    }
    // Over the parts of a request, not in each of them.
    let view = request("https://x.example/{digits}", &[("x-to", "{e164}")], "{text}");
    assert_eq!(judge_with(Text, &[], &view), Err(RecipientTwice(2)));
}

#[test]
fn a_recipient_that_does_not_stand_alone() {
    for to in [
        "1{digits}",
        "{digits}1",
        "0{digits}",
        "000{digits}",
        "+1{digits}",
        "++{digits}",
        "+{e164}",
        "00{e164}",
        "45{e164}",
        "+{national}",
        "00{national}",
        "1{national}",
        "+46{national}",
        "{digits}{mac}",
        "{secret}{digits}",
        "x{digits}",
        "{digits}x",
        "123,{digits}",
        "{digits},123",
        "{digits} 1",
        "1 {digits}",
        "%31{digits}",
        "{digits}%30",
        "{digits}@x.example",
        "1%22{digits}",
        "%2{digits}",
        "+%3{digits}",
        "«1{digits}»",
        "1«{digits}»",
        "«1»{digits}",
        "«a%26b=»{digits}",
        "«a&b={digits}»",
        "[{digits},123]",
        "%5B%22{digits}%22,%22123%22%5D",
        "[123,\"{digits}\"]",
        "+1 {digits}",
        "1={digits}",
        "{digits}\n",
    ] {
        let answer = text_body(&format!("To={to}&Body={{text}}"));
        assert_eq!(answer, Err(RecipientAltered(RequestPart::Body)), "{to}");
    }
    for text in [
        "To={e164}&To=123&Body={text}",
        "to={e164}&TO=123&Body={text}",
        "T%6F={e164}&To=123&Body={text}",
        "{e164}=x&Body={text}",
        r#"{"to":"{e164}","to":"123","text":"{text}"}"#,
        r#"{"to":["{e164}","123"],"text":"{text}"}"#,
        r#"{"to":["{e164}",123],"text":"{text}"}"#,
        r#"{"to":1{digits},"text":"{text}"}"#,
        r#"{"to":{digits}1,"text":"{text}"}"#,
        r#"{"{e164}":"{text}"}"#,
        r#"{"to":"1\"{digits}","text":"{text}"}"#,
        r#"{"to":"\u0031{digits}","text":"{text}"}"#,
        r#"{"to":"1%22{digits}","text":"{text}"}"#,
        r#"{"to":"\u00{digits}","text":"{text}"}"#,
        "<sms><to>1>{digits}</to><text>{text}</text></sms>",
        "<sms><to>1{digits}</to><text>{text}</text></sms>",
        "<sms><to>{digits}1</to><text>{text}</text></sms>",
        "<sms><to>to=\"{digits}\"</to><text>{text}</text></sms>",
    ] {
        assert_eq!(text_body(text), Err(RecipientAltered(RequestPart::Body)), "{text}");
    }
    let view = request("https://{digits}.example.com/", &[], "{text}");
    assert_eq!(judge_with(Text, &[], &view), Err(RecipientAltered(RequestPart::Url)));
    let view = request("https://x.example/1{digits}", &[], "{text}");
    assert_eq!(judge_with(Text, &[], &view), Err(RecipientAltered(RequestPart::Url)));
    let view = request("https://x.example/", &[("x-to", "1{digits}")], "{text}");
    assert_eq!(judge_with(Text, &[], &view), Err(RecipientAltered(RequestPart::Header("x-to".to_owned()))));
}

/// The reader writes a private character for each sealed thing. A connector that writes that character itself, in any
/// escape, must not make an altered recipient look whole.
#[test]
fn forged_places() {
    for text in [
        "x=%F3%B0%80%80&To=1{digits}&Body={text}",
        r#"p={"x":"%F3%B0%80%80","to":"1{digits}"}&Body={text}"#,
        "x=\u{F0000}&To=1{digits}&Body={text}",
        r#"{"x":"\uDB80\uDC00","to":"1{digits}","text":"{text}"}"#,
        r#"{"x":"{\"y\":\"\\uDB80\\uDC00\"}","to":"1{digits}","text":"{text}"}"#,
        r#"{"x":"\udb80\udc00","to":["1{digits}"],"text":"{text}"}"#,
    ] {
        assert_eq!(text_body(text), Err(RecipientAltered(RequestPart::Body)), "{text}");
    }
    let view = request("https://x.example/%F3%B0%80%80/a{text}", &[("x-to", "{e164}")], "");
    assert_eq!(judge_with(Text, &[], &view), Err(MessageAltered(RequestPart::Url)));
}

#[test]
fn a_message_that_does_not_stand_alone() {
    for text in [
        "Buy! {text}",
        "{text} Buy!",
        "{text}.",
        " {text}",
        "{text} ",
        "+{text}",
        "%20{text}",
        "{text}%0A",
        "{secret}{text}",
        "«Buy! {text}»",
        "«a=b&c={text}»",
        "{text}{mac}",
    ] {
        assert_eq!(text_body(&format!("To={{e164}}&Body={text}")), Err(MessageAltered(RequestPart::Body)), "{text}");
    }
    for text in [
        r#"{"to":"{e164}","text":"Hi \"{text}"}"#,
        r#"{"to":"{e164}","text":"Hi:\"{text}\""}"#,
        r#"{"to":"{e164}","text":"\n{text}"}"#,
        r#"{"to":"{e164}","text":"{text}","text":"Buy!"}"#,
        "<sms><to>{e164}</to><text>Buy!{text}</text></sms>",
        "<sms><to>{e164}</to><text>Buy>{text}</text></sms>",
    ] {
        assert_eq!(text_body(text), Err(MessageAltered(RequestPart::Body)), "{text}");
    }
    assert_eq!(body(Template, r#"{"to":"{e164}","p":["1{code}"]}"#), Err(MessageAltered(RequestPart::Body)));
    assert_eq!(body(Variables, r#"{"to":"{e164}","code":"Your code: {code}"}"#), Err(MessageAltered(RequestPart::Body)));
    assert_eq!(text_body("{text}\nto: {e164}"), Err(RecipientAltered(RequestPart::Body)), "no structure that we know");
}

#[test]
fn second_numbers() {
    for (text, digits) in [
        ("To={e164}&Body={text}&Cc=4598765432", 10),
        ("To={e164}&Body={text}&Cc=%2B4598765432", 10),
        ("To={e164}&Body={text}&Cc=+45+98+76+54+32", 10),
        ("To={e164}&Body={text}&Cc=%34%35%39%38%37%36%35%34%33%32", 10),
        ("To={e164}&Body={text}&Cc=%2534%2535%39%38%37%36%35%34%33%32", 10),
        ("To={e164}&Body={text}&Cc=(45)%20987-654.32", 10),
        ("To={e164}&Body={text}&Cc=４５９８７６５４３２", 10),
        ("To={e164}&Body={text}&Cc=٤٥٩٨٧٦٥٤٣٢", 10),
        ("To={e164}&Body={text}&Cc=4598%E2%80%8B765432", 10),
        ("To={e164}&Body={text}&Cc=4598{secret}765432", 10),
        ("To={e164}&Body={text}&Cc=«4598»«765432»", 10),
        ("To={e164}&Body={text}&Cc=12,4598765432", 10),
        ("To={e164}&Body={text}&Cc=000000004598765432", 10),
        ("To={e164}&Body={text}&Cc=+4598765432x", 10),
        ("To={e164}&Body={text}&Cc=9876543", 7),
        ("To={e164}&Body={text}&Cc=+2010-04-01", 8),
        ("To={e164}&Body={text}&Cc=45-2010-04-01", 10),
        (r#"{"to":"{e164}","text":"{text}","cc":4598765432}"#, 10),
        (r#"{"to":"{e164}","text":"{text}","cc":"\u0034\u0035987654\u00332"}"#, 10),
        (r#"{"to":"{e164}","text":"{text}","cc":"{\"a\":\"\\u003459876543\\u00332\"}"}"#, 11),
        ("<a><to>{e164}</to><b>{text}</b><c>45 98 76 54 32</c></a>", 10),
        ("4598765432", 10),
    ] {
        assert_eq!(text_body(text), Err(SecondNumber { digits, place: RequestPart::Body }), "{text}");
    }
    let view = request("https://x.example/4598765432", &[], "");
    assert_eq!(judge_with(Text, &[], &view), Err(SecondNumber { digits: 10, place: RequestPart::Url }));
    let view = request("https://x.example/", &[("x-4598765432", "a")], "");
    let name = RequestPart::Header("x-4598765432".to_owned());
    assert_eq!(judge_with(Text, &[], &view), Ok(Carries::Nothing), "letters make it an identifier");
    let view = request("https://x.example/", &[("4598765432", "a")], "");
    let violation = judge_with(Text, &[], &view).unwrap_err();
    assert_ne!(violation, SecondNumber { digits: 10, place: name });
    assert!(!violation.to_string().contains("4598765432"), "{violation}");
}

#[test]
fn what_is_no_second_number() {
    for text in [
        "a=123456",
        "a=0123456789abcdef0123456789abcdef",
        "a=550e8400-e29b-41d4-a716-446655440000",
        "a=SMS_123456789",
        "a=1.0.0&b=600&c=160",
        "a=12345678901234567890",
        r#"{"a":[1234,5678,9012]}"#,
        r#"{"a":1234,"b":5678}"#,
        "t=1795421801&u=1795421801000&v=1795422701&w=1795420901&x=1795421801.25",
        "d=20261123&e=20261124&f=20261123081641&g=2026-11-23&h=2026-11-23+08:16:41",
        "a=1234%201&b=5",
    ] {
        assert_eq!(text_body(text), Ok(Carries::Nothing), "{text}");
    }
    for text in
        ["t=1795420900", "t=1795422702", "d=20261121", "d=20261125", "d=2026-13-23", "d=2101-01-01", "+1795421801"]
    {
        assert!(matches!(text_body(text), Err(SecondNumber { .. })), "{text}");
    }
}

#[test]
fn known_numbers() {
    let judge = |known: &[&str], text: &str| judge_with(Text, known, &request("https://x.example/", &[], text));
    for (known, text) in [
        ("+4598765432", "From=%2B4598765432"),
        ("+4598765432", "From=4598765432"),
        ("+45 98 76 54 32", "From=%2B45 98 76 54 32"),
        ("https://x.example/cb?id=4598765432", "cb=https%3A%2F%2Fx.example%2Fcb%3Fid%3D4598765432"),
    ] {
        assert_eq!(judge(&[known], text), Ok(Carries::Nothing), "{known} {text}");
    }
    for (known, text) in [
        // Not verbatim, only a part of a longer number, more than what is known, put together from small known strings.
        ("+45 98 76 54 32", "From=4598765432"),
        ("24598765432", "From=4598765432"),
        ("4598765", "From=4598765432"),
        ("4598765432", "From=45987654321"),
        ("4598765432", "From=4598765432 11 22 33 44"),
        ("45 98 76", "From=45 98 76 54 32"),
    ] {
        assert!(matches!(judge(&[known], text), Err(SecondNumber { .. })), "{known} {text}");
    }
}

#[test]
fn violations_show_no_text() {
    let violation = text_body("To={e164}&Body={text}&Cc=4598765432").unwrap_err();
    assert_eq!(
        violation.to_string(),
        "the body holds 10 digits in clear that could be a second phone number; take numbers from a parameter"
    );
    assert!(!format!("{violation:?}").contains("4598"));
}

#[test]
fn compositions() {
    let mut joined = Composition::literal("a");
    joined.extend(&Composition::literal("b"));
    joined.extend(&Composition::new());
    joined.push(Piece::Literal(String::new()));
    assert_eq!(joined.pieces(), [Piece::Literal("ab".to_owned())]);
    assert_eq!(Composition::literal(""), Composition::new());
    assert_eq!(value("a{text}").hashed().pieces(), [Piece::Mark(Mark::Opaque)]);
    assert_eq!(value("{text}").encoded(), value("{text}"));
    // `decode`: what a literal becomes is looked at; a secret stays a secret; what is mixed cannot be told apart.
    let decoded = |text: &str| value(text).decoded(b"4598765432");
    assert_eq!(decoded("NDU5ODc2NTQzMg=="), Some(Composition::literal("4598765432")));
    assert_eq!(decoded("«NDU5»ODc2«NTQzMg==»"), Some(Composition::literal("4598765432")));
    assert_eq!(decoded("{secret}"), Some(value("{secret}")));
    assert_eq!(decoded("{mac}"), Some(value("{mac}")));
    for mixed in
        ["NDU5ODc2NTQzMg=={secret}", "«a{secret}»", "{secret}{secret}", "{e164}", "{code}", "{text}", "{link}", "{ip}"]
    {
        assert_eq!(decoded(mixed), None, "{mixed}");
    }
    assert_eq!(value("a{text}").encoded().encoded().len(), 3);
}

/// A deep or long composition costs little and never panics.
#[test]
fn hostile_shapes() {
    let mut nested = value("{e164}");
    for _ in 0..2000 {
        let mut around = Composition::literal("[");
        around.extend(&nested);
        nested = around.encoded();
    }
    let view = RequestView { url: value("https://x.example/"), headers: Vec::new(), body: nested };
    assert_eq!(judge_with(Text, &[], &view), Err(NoMessage));
    let many = value(&"{secret}".repeat(70_000));
    let mut body = value("To={e164}&Body={text}&x=");
    body.extend(&many);
    let view = RequestView { body, ..view };
    assert_eq!(judge_with(Text, &[], &view), Err(TooManyPieces(RequestPart::Body)));
    assert!(matches!(text_body(&"1 ".repeat(30_000)), Err(SecondNumber { .. })));
}

fn number() -> impl Strategy<Value = String> {
    ("[1-9][0-9]{7,14}")
        .prop_filter("not a time or a date", |text| !text.starts_with("17954") && !text.starts_with("202611"))
}

fn escaped(number: &str, how: u8) -> String {
    number
        .chars()
        .enumerate()
        .map(|(index, digit)| match (how, index % 2) {
            (1, _) | (3, 0) => format!("%{:02X}", u32::from(digit)),
            (2, _) | (4, 0) => format!("\\u{:04x}", u32::from(digit)),
            _ => digit.to_string(),
        })
        .collect()
}

proptest! {
    #[test]
    fn literals_without_digits_pass(
        key in "[A-Za-z_]{1,10}", other in "[A-Za-z ,;:!_-]{0,40}", header in "[A-Za-z =;/,._-]{0,40}",
    ) {
        prop_assume!(!["to", "body"].contains(&key.to_lowercase().as_str()));
        for text in [
            format!("To={{e164}}&{key}={other}&Body={{text}}"),
            format!(r#"{{"to":"{{e164}}","{key}":"{other}","body":"{{text}}"}}"#),
        ] {
            let view = request("https://x.example/send", &[("x", &header)], &text);
            prop_assert_eq!(judge_with(Text, &[], &view), Ok(Carries::Message), "{}", text);
        }
    }

    #[test]
    fn a_number_in_clear_is_caught_wherever_and_however(number in number(), plus in any::<bool>(), how in 0u8..5) {
        let written = format!("{}{}", if plus { "%2B" } else { "" }, escaped(&number, how));
        for view in [
            request("https://x.example/", &[], &format!("To={{e164}}&Body={{text}}&Cc={written}")),
            request("https://x.example/", &[], &format!(r#"{{"to":"{{e164}}","text":"{{text}}","cc":["{written}"]}}"#)),
            request("https://x.example/", &[], &format!("<a><to>{{e164}}</to><t>{{text}}</t><c>{written}</c></a>")),
            request(&format!("https://x.example/a?cc={written}"), &[], "To={e164}&Body={text}"),
            request(&format!("https://x.example/{written}/a"), &[], "To={e164}&Body={text}"),
            request("https://x.example/", &[("x", &written)], "To={e164}&Body={text}"),
        ] {
            let caught = judge_with(Text, &[], &view);
            prop_assert!(matches!(caught, Err(SecondNumber { digits, .. }) if digits == number.len()), "{:?} {}", caught, written);
        }
    }

    #[test]
    fn a_digit_that_touches_the_recipient_is_caught(
        before in "[0-9]{0,3}", after in "[0-9]{0,3}", sep in "[ .,;:/()\"'-]?", body in any::<bool>(),
    ) {
        prop_assume!(!(before.is_empty() || before == "00") || !after.is_empty());
        let to = format!("{before}{sep}{{digits}}{sep}{after}");
        let view = if body {
            request("https://x.example/", &[], &format!("To={to}&Body={{text}}"))
        } else {
            request("https://x.example/", &[("x-to", &to)], "{text}")
        };
        prop_assert!(matches!(judge_with(Text, &[], &view), Err(RecipientAltered(_))), "{}", to);
    }

    #[test]
    fn nothing_panics(url in "[^«]{0,60}", text in "[^«]{0,120}", hole in 0usize..120) {
        let mut text = text;
        let at = (0..=hole.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, "{e164}{text}");
        let _ = judge_with(Text, &[], &request(&url, &[("x", &text)], &text));
        let _ = text_body(&text);
    }
}
