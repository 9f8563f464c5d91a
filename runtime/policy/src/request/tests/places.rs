//! Recipient and content: their number and their positions.

use super::*;

fn declared(steps: &[Step]) -> Place {
    at(steps)
}

fn no_recipient_there() -> Result<Carries, CompositionViolation> {
    Err(RecipientPlace { declared: declared(&[form("To")]) })
}

fn no_content_there() -> Result<Carries, CompositionViolation> {
    Err(ContentPlace { declared: declared(&[form("Body")]) })
}

#[test]
fn counts() {
    for (content, body, expected) in [
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
        let view = post("https://api.example.com/send", FORM, &[], body);
        assert_eq!(judge(content, &[], &form_places(), &view), Err(expected), "{body}");
    }
    // Counted over all parts of a request, not in each of them.
    let view = post("https://x.example/{digits}", FORM, &[("x-to", "{e164}")], "Body={text}");
    assert_eq!(judge(Text, &[], &form_places(), &view), Err(RecipientTwice(2)));
    // A host without declared positions must not get the message.
    let view = post("https://x.example/", FORM, &[], "To={e164}&Body={text}");
    assert_eq!(view.judge(None, &rule(Text, &[])), Err(NoPlaces));
}

#[test]
fn a_recipient_that_is_not_the_whole_value() {
    for to in [
        "1{e164}",
        "{e164}1",
        "00{e164}",
        "%2B{e164}",
        "+{e164}",
        "45{e164}",
        "tel:{e164}",
        "{e164}{mac}",
        "{secret}{e164}",
        "{e164}{secret}",
        "x{e164}",
        "{e164}x",
        "123,{e164}",
        "{e164},123",
        "{e164}%20",
        "%E2%80%8B{e164}",
        "%31{e164}",
        "{e164}%30",
        "{e164}@x.example",
        "«1{e164}»",
        "1«{e164}{mac}»",
        "«to={e164}»",
        "«[\"{e164}\"]»",
        "%5B%22{e164}%22%5D",
        "{e164}%0A",
        "{e164}%00",
        "=%2B{e164}",
    ] {
        assert_eq!(text_form(&format!("To={to}&Body={{text}}")), no_recipient_there(), "{to}");
    }
    for (body, expected) in [
        (
            "To={digits}&Body={text}",
            Err(RecipientFormat { declared: RecipientForm::E164, found: RecipientForm::Digits }),
        ),
        ("to={e164}&Body={text}", no_recipient_there()),
        ("X={e164}&To=x&Body={text}", no_recipient_there()),
        ("To=x&To={e164}&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&to=x&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&To[]=x&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&[to]=x&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&T%4F%00y=x&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&%EF%BC%B4o=x&Body={text}", Err(NameAgain { declared: declared(&[form("To")]) })),
        ("To={e164}&Body={text}&BODY=Buy", Err(NameAgain { declared: declared(&[form("Body")]) })),
        ("{e164}=x&Body={text}", Err(SealedOutsideValue(RequestPart::Body))),
        ("To={e164}&Body={text}&{secret}=1", Err(SealedOutsideValue(RequestPart::Body))),
        ("{e164}&Body={text}", Err(SealedOutsideValue(RequestPart::Body))),
        ("To={e164};to=x&Body={text}", no_recipient_there()),
    ] {
        assert_eq!(text_form(body), expected, "{body}");
    }
    let semicolon = text_form("To={e164}&Body={text}&x=1;to=y");
    assert!(matches!(semicolon, Err(Malformed { part: RequestPart::Body, .. })), "{semicolon:?}");
}

#[test]
fn a_content_that_is_not_the_whole_value() {
    for text in [
        "Buy!+{text}",
        "{text}+Buy!",
        "{text}.",
        "+{text}",
        "{text}+",
        "%20{text}",
        "{text}%0A",
        "{secret}{text}",
        "«Buy! {text}»",
        "«a=b&c={text}»",
        "{text}{mac}",
        "{text}&#8203;",
        "<b>{text}</b>",
        "%7B%22x%22%3A%22{text}%22%7D",
    ] {
        let refused = text_form(&format!("To={{e164}}&Body={text}"));
        assert!(refused == no_content_there() || matches!(refused, Err(Malformed { .. })), "{text}: {refused:?}");
        if !text.contains(';') {
            assert_eq!(refused, no_content_there(), "{text}");
        }
    }
    // The text in a field that nobody reads, and other words at its position.
    for (body, headers) in [
        ("To={e164}&Body=Buy&Ref={text}", [].as_slice()),
        ("To={e164}&Body=Buy", &[("X-Ref", "{text}")]),
        ("To={e164}", &[("X-Ref", "{text}")]),
    ] {
        let view = post("https://api.example.com/send", FORM, headers, body);
        assert_eq!(judge(Text, &[], &form_places(), &view), no_content_there(), "{body}");
    }
    let view = post("https://api.example.com/{text}", FORM, &[], "To={e164}");
    assert_eq!(judge(Text, &[], &form_places(), &view), no_content_there());
    let view = post("https://api.example.com/", FORM, &[("X-Ref", "{e164}")], "To=45&Body={text}");
    assert_eq!(judge(Text, &[], &form_places(), &view), no_recipient_there());
}

#[test]
fn json() {
    let places = places(RecipientForm::Digits, &[super::json("/to")], &[super::json("/text")]);
    let list = super::places(RecipientForm::Digits, &[super::json("/to/0")], &[super::json("/text")]);
    let recipient = |places: &MessagePlaces| Err(RecipientPlace { declared: places.recipient().clone() });
    let content = |places: &MessagePlaces| Err(ContentPlace { declared: places.content().clone() });
    for (places, body, expected) in [
        (&places, r#"{"to":"{digits}","text":"{text}"}"#, Ok(Carries::Message)),
        (&places, r#"{"to":{digits},"text":"{text}"}"#, Ok(Carries::Message)),
        (&places, r#"{"\u0074o":"{digits}","text":"{text}","deep":{"to":"x"}}"#, Ok(Carries::Message)),
        (&places, r#"{"to":"{digits}","text":{text}}"#, content(&places)),
        (&places, r#"{"to":["{digits}"],"text":"{text}"}"#, recipient(&places)),
        (&places, r#"{"a":{"to":"{digits}"},"text":"{text}"}"#, recipient(&places)),
        (&places, r#"[{"to":"{digits}","text":"{text}"}]"#, recipient(&places)),
        (&places, r#"{"TO":"{digits}","text":"{text}"}"#, recipient(&places)),
        (&places, r#"{"to":"1{digits}","text":"{text}"}"#, recipient(&places)),
        (&places, r#"{"to":"1\"{digits}","text":"{text}"}"#, recipient(&places)),
        (&places, r#"{"to":"\u200b{digits}","text":"{text}"}"#, recipient(&places)),
        (&places, r#"{"to":"{digits}","text":"Hi \"{text}"}"#, content(&places)),
        (&places, r#"{"to":"{digits}","text":"\n{text}"}"#, content(&places)),
        (&places, r#"{"to":"{digits}","text":["{text}"]}"#, content(&places)),
        (
            &places,
            r#"{"to":"{digits}","text":"{text}","T-O":"x"}"#,
            Err(NameAgain { declared: places.recipient().clone() }),
        ),
        (&list, r#"{"to":["{digits}"],"text":"{text}"}"#, Ok(Carries::Message)),
        (&list, r#"{"to":{"0":"{digits}"},"text":"{text}"}"#, Ok(Carries::Message)),
        (
            &list,
            r#"{"to":["{digits}","123"],"text":"{text}"}"#,
            Err(RecipientList { declared: list.recipient().clone(), elements: 2 }),
        ),
        (
            &list,
            r#"{"to":["{digits}",null],"text":"{text}"}"#,
            Err(RecipientList { declared: list.recipient().clone(), elements: 2 }),
        ),
        (&list, r#"{"to":["123","{digits}"],"text":"{text}"}"#, recipient(&list)),
    ] {
        let view = post("https://x.example/", JSON, &[], body);
        assert_eq!(judge(Text, &[], places, &view), expected, "{body}");
    }
    for body in [
        r#"{"to":"{digits}","to":"x","text":"{text}"}"#,
        r#"{"to":"{digits}","To":"x","text":"{text}"}"#,
        r#"{"to":"{digits}","\u0054o":"x","text":"{text}"}"#,
        r#"{"to":"{digits}","text":"{text}","text":"Buy"}"#,
        r#"{"to":"{digits}","text":"{text}"} {}"#,
        r#"{"to":"{digits}","text":"{text}",}"#,
        r#"{"to":1{digits},"text":"{text}"}"#,
        r#"{"to":{digits}1,"text":"{text}"}"#,
        r#"{'to':'{digits}','text':'{text}'}"#,
        r#"{"to":"{digits}","text":"{text}"/**/}"#,
        "\u{FEFF}{\"to\":\"{digits}\",\"text\":\"{text}\"}",
        r#"{"to":"{digits}","text":"{text}","a":01}"#,
        r#"{"to":"{digits}","text":"{text}","a":NaN}"#,
        r#"{"to":"{digits}","text":"{text}","a":"\ud800"}"#,
        "{digits}{text}",
    ] {
        let view = post("https://x.example/", JSON, &[], body);
        let refused = judge(Text, &[], &places, &view);
        assert!(matches!(refused, Err(Malformed { part: RequestPart::Body, .. })), "{body}: {refused:?}");
    }
    let view = post("https://x.example/", JSON, &[], r#"{"{digits}":"{text}"}"#);
    assert_eq!(judge(Text, &[], &places, &view), Err(SealedOutsideValue(RequestPart::Body)));
    // A number with a plus is not a JSON number.
    let places = super::places(RecipientForm::E164, &[super::json("/to")], &[super::json("/text")]);
    let view = post("https://x.example/", JSON, &[], r#"{"to":{e164},"text":"{text}"}"#);
    assert_eq!(judge(Text, &[], &places, &view), recipient(&places));
}

/// Many servers merge the query, the form and the outermost names of a document.
#[test]
fn a_name_again_elsewhere() {
    let json_places = places(RecipientForm::Digits, &[super::json("/to")], &[super::json("/text")]);
    let body = r#"{"to":"{digits}","text":"{text}"}"#;
    for url in [
        "https://x.example/?to=x",
        "https://x.example/?TO",
        "https://x.example/?a=b&%74o[0]=x",
        "https://x.example/?text=x",
    ] {
        let refused = judge(Text, &[], &json_places, &post(url, JSON, &[], body));
        assert!(matches!(refused, Err(NameAgain { .. })), "{url}: {refused:?}");
    }
    let query_places = places(RecipientForm::Digits, &[query("to")], &[query("text")]);
    for (content_type, body) in
        [(FORM, "To=x"), (JSON, r#"{"to":"x"}"#), (XML, "<r><to>x</to></r>"), (XML, "<to>x</to>")]
    {
        let view = post("https://x.example/?to={digits}&text={text}", content_type, &[], body);
        let refused = judge(Text, &[], &query_places, &view);
        let expected = if body.starts_with("<r>") {
            Ok(Carries::Message)
        } else {
            Err(NameAgain { declared: at(&[query("to")]) })
        };
        assert_eq!(refused, expected, "{body}");
    }
    // Even if the message's own address is missing.
    let with_ip =
        MessagePlaces::new(RecipientForm::E164, at(&[form("To")]), at(&[form("Body")]), Some(at(&[form("ip")])))
            .unwrap();
    let view = post("https://x.example/", FORM, &[], "To={e164}&Body={text}&ip=10.0.0.1");
    assert_eq!(judge(Text, &[], &with_ip, &view), Err(NameAgain { declared: at(&[form("ip")]) }));
}

/// Some parsers treat full-width letters as letters.
#[test]
fn a_name_twice_in_another_form() {
    let places = places(RecipientForm::Digits, &[super::json("/to")], &[super::json("/text")]);
    let body = r#"{"to":"{digits}","text":"{text}","x":{"ab":1,"ａb":2}}"#;
    let why = "a JSON object has the same name twice";
    let twice = Err(Malformed { part: RequestPart::Body, why });
    assert_eq!(judge(Text, &[], &places, &post("https://x.example/", JSON, &[], body)), twice);
}

#[test]
fn the_name_of_a_list_again() {
    let places = places(RecipientForm::Digits, &[super::json("/To/0")], &[super::json("/Body")]);
    let body = r#"{"To":["{digits}"],"Body":"{text}"}"#;
    let judged = |url: &str| judge(Text, &[], &places, &post(url, JSON, &[], body));
    assert_eq!(judged("https://x.example/?b=1"), Ok(Carries::Message));
    assert!(matches!(judged("https://x.example/?To=45"), Err(NameAgain { .. })));
    assert!(matches!(judged("https://x.example/?a=1;b=2"), Err(Malformed { part: RequestPart::Url, .. })));
}

#[test]
fn xml() {
    let places = places(RecipientForm::Digits, &[super::xml("/sms/to")], &[super::xml("/sms/text")]);
    let recipient = Err(RecipientPlace { declared: places.recipient().clone() });
    let content = Err(ContentPlace { declared: places.content().clone() });
    let again = |place: &Place| Err(NameAgain { declared: place.clone() });
    for (body, expected) in [
        ("<sms><to>{digits}</to><text>{text}</text></sms>", Ok(Carries::Message)),
        ("<sms><to a='b>'>{digits}</to><text><![CDATA[{text}]]></text></sms>", Ok(Carries::Message)),
        ("<sms xmlns='urn:a'><to>{digits}</to><text>{text}</text></sms>", Ok(Carries::Message)),
        ("<sms><to>+88213<!-- -->{digits}</to><text>{text}</text></sms>", recipient.clone()),
        ("<sms><to><!-- -->{digits}</to><text>{text}</text></sms>", recipient.clone()),
        ("<sms><to><![CDATA[]]>{digits}</to><text>{text}</text></sms>", recipient.clone()),
        ("<sms><to>1{digits}</to><text>{text}</text></sms>", recipient.clone()),
        ("<sms><to>&#x200B;{digits}</to><text>{text}</text></sms>", recipient.clone()),
        ("<sms to='{digits}'><text>{text}</text></sms>", recipient.clone()),
        ("<sms><to><x>{digits}</x></to><text>{text}</text></sms>", recipient.clone()),
        ("<SMS><to>{digits}</to><text>{text}</text></SMS>", recipient.clone()),
        ("<sms><to>{digits}</to><text>evil words<!-- -->{text}</text></sms>", content.clone()),
        ("<sms><to>{digits}</to><text>evil words<![CDATA[{text}]]></text></sms>", content.clone()),
        ("<sms><to>{digits}</to><text><![CDATA[evil]]><![CDATA[{text}]]></text></sms>", content.clone()),
        ("<sms><to>{digits}</to><text>{text}<!-- --></text></sms>", content.clone()),
        ("<sms><to>{digits}</to><text>&lt;{text}</text></sms>", content.clone()),
        ("<sms><to>{digits}</to><to>1</to><text>{text}</text></sms>", again(places.recipient())),
        ("<sms><to>{digits}</to><TO>1</TO><text>{text}</text></sms>", again(places.recipient())),
        ("<sms><to>{digits}</to>1<text>{text}</text></sms>", again(places.recipient())),
        ("<sms><to>{digits}</to><text>{text}</text><text>Buy</text></sms>", again(places.content())),
        ("<sms to='1'><to>{digits}</to><text>{text}</text></sms>", again(places.recipient())),
        ("<sms><to>{digits}</to><text>{text}</text><{secret}/></sms>", Err(SealedOutsideValue(RequestPart::Body))),
        ("<sms><to>{digits}</to><text>{text}</text><!--{secret}--></sms>", Err(SealedOutsideValue(RequestPart::Body))),
    ] {
        let judged = judge(Text, &[], &places, &post("https://x.example/", XML, &[], body));
        let malformed = matches!(judged, Err(Malformed { part: RequestPart::Body, .. })) && body.contains("<{secret}");
        assert!(judged == expected || malformed, "{body}: {judged:?}");
    }
    for body in [
        "<!DOCTYPE sms [<!ENTITY t 'x'>]><sms><to>{digits}</to><text>{text}</text></sms>",
        "<?xml version='1.0' encoding='utf-16'?><sms><to>{digits}</to><text>{text}</text></sms>",
        "<?xml version='1.0' encoding='utf-7'?><sms><to>{digits}</to><text>{text}</text></sms>",
        "<?php 1?><sms><to>{digits}</to><text>{text}</text></sms>",
        "<sms><?a b?><to>{digits}</to><text>{text}</text></sms>",
        "<sms><to>{digits}</to><text a{text}</text></sms>",
        "<sms><to a>{digits}</to><text>{text}</text></sms>",
        "<sms><to a=b>{digits}</to><text>{text}</text></sms>",
        "<sms><to>{digits}</to><text>{text}</text>",
        "<sms><to>{digits}</to><text>{text}</text></sms><sms/>",
        "to={digits}&text={text}",
    ] {
        let judged = judge(Text, &[], &places, &post("https://x.example/", XML, &[], body));
        assert!(matches!(judged, Err(Malformed { part: RequestPart::Body, .. })), "{body}: {judged:?}");
    }
}

#[test]
fn variables() {
    let to = [super::json("/to")];
    let any = places(RecipientForm::Digits, &to, &[super::json("/p/*")]);
    let list = places(RecipientForm::Digits, &to, &[super::json("/p/0")]);
    let added = |places: &MessagePlaces| Err(ContentAdded { declared: places.content().clone() });
    let elsewhere = |places: &MessagePlaces| Err(ContentPlace { declared: places.content().clone() });
    for (places, p, expected) in [
        (&any, r#"{"code":"{code}"}"#, Ok(Carries::Message)),
        (&any, r#"{"code":"{code}","link":"{link}"}"#, Ok(Carries::Message)),
        (&any, r#"["{code}","{link}"]"#, Ok(Carries::Message)),
        (
            &any,
            r#"{"code":"{code}","locale":"en-US","app":"Acme","minutes":"10","x":true,"y":""}"#,
            Ok(Carries::Message),
        ),
        (&any, r#"{"code":"{code}","app":"call us"}"#, added(&any)),
        (&any, r#"{"code":"{code}","app":{"x":"call us"}}"#, added(&any)),
        (&any, r#"["{code}","call us"]"#, added(&any)),
        (&any, r#"["{code}",["call us"]]"#, added(&any)),
        (&any, r#"{"code":"{code}","n":5}"#, added(&any)),
        (&any, r#"{"code":"1{code}"}"#, elsewhere(&any)),
        (&any, r#"{"code":"Your code: {code}"}"#, elsewhere(&any)),
        (&any, r#"{"a":{"code":"{code}"}}"#, elsewhere(&any)),
        (&any, r#"{"code":"{code}"},"q":"{link}""#, elsewhere(&any)),
        (&any, r#"{"code":"{code}","link":"{link}","again":"{link}"}"#, elsewhere(&any)),
        (&any, r#"{"code":"{code}","k":"{secret}"}"#, added(&any)),
        (&list, r#"["{code}"]"#, Ok(Carries::Message)),
        (&list, r#"["{code}","Acme"]"#, Ok(Carries::Message)),
        (&list, r#"["{code}","call us"]"#, added(&list)),
        (&list, r#"["{code}",{"x":"call us"}]"#, added(&list)),
        (&list, r#"["Acme","{code}"]"#, elsewhere(&list)),
    ] {
        let view = post("https://x.example/", JSON, &[], &format!(r#"{{"to":"{{digits}}","p":{p}}}"#));
        let known = [("locale", "en-US"), ("config app", "Acme")];
        assert_eq!(judge(Variables, &known, places, &view), expected, "{p}");
    }
    // `*` is a wildcard for variables only: a text has one position.
    let view = post("https://x.example/", JSON, &[], r#"{"to":"{digits}","p":{"x":"{text}"}}"#);
    assert_eq!(judge(Text, &[], &any, &view), elsewhere(&any));
}

#[test]
fn the_end_users_address() {
    let places = |ip: Option<&str>| {
        let ip = ip.map(|pointer| at(&[super::json(pointer)]));
        MessagePlaces::new(RecipientForm::Digits, at(&[super::json("/to")]), at(&[super::json("/text")]), ip).unwrap()
    };
    for (declared, member, expected) in [
        (Some("/ip"), r#""ip":"{ip}""#, Ok(Carries::Message)),
        (None, r#""ip":"{ip}""#, Err(ClientIpPlace)),
        (Some("/ip"), r#""address":"{ip}""#, Err(ClientIpPlace)),
        (Some("/ip"), r#""ip":"::ffff:{ip}""#, Err(ClientIpPlace)),
        (Some("/ip"), r#""ip":{ip}"#, Err(ClientIpPlace)),
        (Some("/ip"), r#""ip":"{ip}","b":"{ip}""#, Err(ClientIpPlace)),
    ] {
        let view =
            post("https://x.example/", JSON, &[], &format!(r#"{{"to":"{{digits}}","text":"{{text}}",{member}}}"#));
        assert_eq!(judge(Text, &[], &places(declared), &view), expected, "{member}");
    }
}

#[test]
fn content_types() {
    let body = "To={e164}&Body={text}";
    for good in [
        FORM,
        "application/x-www-form-urlencoded;charset=UTF-8",
        "Application/X-WWW-Form-Urlencoded ; Charset=\"utf-8\"",
    ] {
        assert_eq!(
            judge(Text, &[], &form_places(), &post("https://x.example/", good, &[], body)),
            Ok(Carries::Message),
            "{good}"
        );
    }
    for bad in [
        "",
        "text/plain",
        "multipart/form-data; boundary=a",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset",
        "application/x-www-form-urlencoded; boundary=a",
        "application/x-www-form-urlencoded; encoding=utf-8",
        "application/x-www-form-urlencoded; charset=utf-8; charset=utf-16",
        "application/x-www-form-urlencoded, application/json",
        "application/vnd.api+json",
        "{secret}",
        "application/{secret}",
    ] {
        let refused = judge(Text, &[], &form_places(), &post("https://x.example/", bad, &[], body));
        assert_eq!(refused, Err(ContentType), "{bad}");
    }
    let twice = post("https://x.example/", FORM, &[("content-type", JSON)], body);
    assert_eq!(judge(Text, &[], &form_places(), &twice), Err(ContentType));
    // The type determines how a body is parsed, not its first character.
    let disguised = post("https://x.example/", JSON, &[], body);
    assert!(matches!(judge(Text, &[], &form_places(), &disguised), Err(Malformed { .. })));
}

#[test]
fn urls() {
    let places = places(RecipientForm::Digits, &[query("to")], &[query("text")]);
    let judge = |url: &str| judge(Text, &[], &places, &post(url, "", &[], ""));
    for good in [
        "https://x.example/?to={digits}&text={text}",
        "https://x.example?to={digits}&text={text}",
        "http://x.example:8080/a/b?to={digits}&text={text}",
        "https://[2001:db8::1]/?&to={digits}&&text={text}",
    ] {
        assert_eq!(judge(good), Ok(Carries::Message), "{good}");
    }
    for bad in [
        "https:x.example/?to={digits}&text={text}",
        "https:/x.example/?to={digits}&text={text}",
        "https:///x.example/?to={digits}&text={text}",
        "HTTPS://x.example/?to={digits}&text={text}",
        " https://x.example/?to={digits}&text={text}",
        "//x.example/?to={digits}&text={text}",
        "ftp://x.example/?to={digits}&text={text}",
        "https://u@x.example/?to={digits}&text={text}",
        "https://x.example/?to={digits}&text={text}#a",
        "https://x.example\\@evil.example/?to={digits}&text={text}",
        "https://x.example/a\\b?to={digits}&text={text}",
        "https://x.example/\t?to={digits}&text={text}",
        "https://x.example/a b?to={digits}&text={text}",
        "https://x.example/a/../b?to={digits}&text={text}",
        "https://x.example/%2e%2E/b?to={digits}&text={text}",
        "https://x.example/./b?to={digits}&text={text}",
        "{secret}https://x.example/?to={digits}&text={text}",
    ] {
        assert!(matches!(judge(bad), Err(Url(_))), "{bad}: {:?}", judge(bad));
    }
    for sealed in [
        "https://{digits}.example/?text={text}",
        "https://x.example{secret}/?to={digits}&text={text}",
        "https://x.example:{secret}?to={digits}&text={text}",
    ] {
        assert_eq!(judge(sealed), Err(SealedOutsideValue(RequestPart::Url)), "{sealed}");
    }
}

/// A private character stands for each sealed value. A connector that writes this character itself, in any escape, must not be able
/// to make an altered recipient look whole.
#[test]
fn forged_places() {
    for (content_type, body) in [
        (FORM, "To=%F3%B0%80%80&x=1{e164}&Body={text}"),
        (FORM, "To=\u{F0000}&x=1{e164}&Body={text}"),
        (FORM, "%F3%B0%80%80=&To=1{e164}&Body={text}"),
        (JSON, r#"{"To":"\uDB80\uDC00","x":"1{e164}","Body":"{text}"}"#),
        (JSON, r#"{"To":"\udb80\udc00","Body":"{text}","x":"{e164}"}"#),
        (JSON, "{\"To\":\u{F0000},\"Body\":\"{text}\",\"x\":\"{e164}\"}"),
        (XML, "<r><!--{e164}--><To>&#983040;</To><Body>{text}</Body></r>"),
        (XML, "<r><!--{e164}--><To>&#xF0000;</To><Body>{text}</Body></r>"),
        (XML, "<r><!--{e164}--><To>\u{F0000}</To><Body>{text}</Body></r>"),
    ] {
        let places = match content_type {
            FORM => form_places(),
            JSON => places(RecipientForm::E164, &[super::json("/To")], &[super::json("/Body")]),
            _ => places(RecipientForm::E164, &[super::xml("/r/To")], &[super::xml("/r/Body")]),
        };
        let refused = judge(Text, &[], &places, &post("https://x.example/", content_type, &[], body));
        // Written literally, it is replaced; written as an escape, it is found next to the one that it imitates.
        let escaped = !body.contains('\u{F0000}');
        assert!(
            refused.is_err() && (!escaped || matches!(refused, Err(Malformed { .. } | SealedOutsideValue(_)))),
            "{body}: {refused:?}"
        );
    }
    let view = post("https://x.example/%F3%B0%80%80/a{text}", "", &[("x-to", "{e164}")], "");
    assert!(judge(Text, &[], &form_places(), &view).is_err());
}

#[test]
fn violations_show_no_text() {
    let view = post("https://x.example/", FORM, &[("x-4598765432", "1")], "To={e164}&Body={text}");
    let violation = judge(Text, &[], &form_places(), &view).unwrap_err();
    assert!(!violation.to_string().contains("4598"), "{violation}");
    assert!(violation.clone().map_header(|_| "renamed".to_owned()).to_string().contains("renamed"), "{violation}");
}
