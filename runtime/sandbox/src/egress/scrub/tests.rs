use super::*;

fn secret() -> Label {
    Label::Secret("token".into())
}

fn scrubber() -> Scrubber {
    let mut scrubber = Scrubber::default();
    scrubber.add(b"s3cr3t/t\xc3\xb6ken\"", &secret());
    scrubber.add(b"482913", &Label::Code);
    scrubber.add_number("4512345678");
    scrubber
}

fn all() -> Labels {
    Labels::from_iter([secret(), Label::Code, Label::Recipient])
}

fn guest(text: &str, sent: &Labels) -> String {
    String::from_utf8(scrubber().for_guest(text.as_bytes(), sent)).unwrap()
}

#[test]
fn echoes_are_masked_in_every_encoding() {
    let cases = [
        ("Bearer s3cr3t/töken\"", "Bearer [sealed]"),
        (r#"{"a":"s3cr3t/töken\""}"#, r#"{"a":"[sealed]"}"#),
        (r#"{"a":"s3cr3t/t\u00f6ken\""}"#, r#"{"a":"[sealed]"}"#),
        (r#"{"a":"s3cr3t\/t\u00f6ken\""}"#, r#"{"a":"[sealed]"}"#),
        ("t=s3cr3t%2Ft%C3%B6ken%22&x=1", "t=[sealed]&x=1"),
        ("czNjcjN0L3TDtmtlbiI=", "[sealed]"),
        (r#"{"to":4512345678,"code":"482913"}"#, r#"{"to":0,"code":"[sealed]"}"#),
        ("+45 12 34 56 78 / (45) 1234-5678", "+[sealed] / ([sealed]"),
        ("is%20482913 is\\n482913 \\u00e6482913 _482913_", "is%20[sealed] is\\n[sealed] \\u00e6[sealed] _[sealed]_"),
        ("nothing here 123", "nothing here 123"),
    ];
    for (input, expected) in cases {
        assert_eq!(scrubber().for_people(input), expected, "{input}");
        assert_eq!(guest(input, &all()), expected, "{input}");
    }
}

/// A mask reveals that a value is known, so it may only be used for values that were sent to the origin.
#[test]
fn the_guest_loses_only_what_was_sent_there() {
    let text = "s3cr3t/töken\" 482913 4512345678";
    for (sent, expected) in [
        (Labels::none(), text),
        (secret().into(), "[sealed] 482913 4512345678"),
        (Labels::from(secret()).signed(), text),
        (Label::Code.into(), "s3cr3t/töken\" [sealed] 4512345678"),
        (Label::Text.into(), "s3cr3t/töken\" [sealed] 4512345678"),
        (Label::Recipient.into(), "s3cr3t/töken\" 482913 [sealed]"),
    ] {
        assert_eq!(guest(text, &sent), expected, "{sent:?}");
    }
}

#[test]
fn a_value_as_it_was_sent_is_masked_for_the_guest_too() {
    let mut scrubber = scrubber();
    scrubber.add_exact(b"Basic-abc/def", &secret_labels());
    assert_eq!(scrubber.for_guest(b"got Basic-abc/def", &Labels::none()), b"got [sealed]");
}

/// A known value is searched by its label, so a response is searched for it only once.
#[test]
fn a_value_that_went_out_as_it_is_adds_nothing() {
    let mut scrubber = scrubber();
    let known = scrubber.needles.len();
    scrubber.add_exact(b"482913", &Label::Code.into());
    assert_eq!(scrubber.needles.len(), known);
    // Under another label, the code's own needles do not count.
    scrubber.add_exact(b"482913", &Label::Recipient.into());
    assert_eq!(scrubber.for_guest(b"a 482913", &Labels::none()), b"a [sealed]");
}

fn secret_labels() -> Labels {
    Label::Secret("key".into()).into()
}

/// A secret in a header and, encoded, in the body: the second is a form of the first, and may be repeated in forms of its own.
#[test]
fn a_form_of_a_value_that_was_sent_too_is_masked_in_its_own_forms() {
    let mut scrubber = Scrubber::default();
    scrubber.add_exact(br"a\b-token", &secret_labels());
    scrubber.add_exact(br"a\\b-token", &secret_labels());
    let answer = br#"{"body":"{\"k\":\"a\\\\b-token\"}"}"#;
    let masked = br#"{"body":"{\"k\":\"[sealed]\"}"}"#;
    assert_eq!(scrubber.for_guest(answer, &Labels::none()), masked);
}

/// A guest must not learn which values are equal.
#[test]
fn values_that_are_the_same_are_masked_as_others_are() {
    let code_and = |label: &Label, value: &str| {
        let mut scrubber = Scrubber::default();
        scrubber.add(b"482913", &Label::Code);
        scrubber.add(value.as_bytes(), label);
        let answer = format!(r#"{{"code":"482913","other":"{value}","n":[482913, {value}],"q":"482913 {value}"}}"#);
        scrubber.for_guest(answer.as_bytes(), &Labels::from_iter([Label::Code, label.clone()]))
    };
    for label in [Label::Text, Label::Variable("name".into()), Label::Secret("key".into()), Label::Recipient] {
        assert_eq!(code_and(&label, "482913"), code_and(&label, "739155"), "{label:?}");
    }
}

/// A secret that looks like a mask is not searched in masks.
#[test]
fn a_mask_is_no_place_for_another_value() {
    for secret in ["seal", "sealed]", "k7x9k7x9"] {
        let mut scrubber = scrubber();
        scrubber.add(secret.as_bytes(), &Label::Secret("other".into()));
        let sent = Labels::from_iter([Label::Code, Label::Secret("other".into())]);
        assert_eq!(scrubber.for_guest(b"your 482913 is taken", &sent), b"your [sealed] is taken", "{secret}");
    }
}

/// The end of one value does not affect the one next to it.
#[test]
fn values_side_by_side_are_both_masked() {
    for secret in ["-7x9k7x9", "k7x9k7x9", "-7x9", "k7x9"] {
        let mut scrubber = scrubber();
        scrubber.add(secret.as_bytes(), &Label::Secret("other".into()));
        let sent = Labels::from_iter([Label::Code, Label::Secret("other".into())]);
        let answer = format!("a {secret}482913 b 482913{secret}");
        assert_eq!(scrubber.for_guest(answer.as_bytes(), &sent), b"a [sealed][sealed] b [sealed][sealed]", "{secret}");
    }
}

/// A code is masked in an id for people only: the record contains what the provider wrote.
#[test]
fn a_short_secret_is_masked_beside_letters_too() {
    let mut scrubber = Scrubber::default();
    scrubber.add(b"k7x9", &Label::Secret("key".into()));
    scrubber.add_exact(b"6b377839", &secret_labels());
    scrubber.add_exact(b"7781", &Labels::none());
    let sent = Labels::from(Label::Secret("key".into()));
    for (answer, masked) in [
        ("ak7x9b k7x9k7x9", "a[sealed]b [sealed][sealed]"),
        ("6b3778396b377839", "[sealed][sealed]"),
        ("a7781b 7781", "a7781b [sealed]"),
    ] {
        assert_eq!(scrubber.for_guest(answer.as_bytes(), &sent), masked.as_bytes(), "{answer}");
    }
}

#[test]
fn a_mask_follows_from_what_stands_beside_it() {
    for value in ["40718265", "k7x9k7x9"] {
        for label in [Label::Secret("key".into()), Label::Text, Label::Code, Label::Recipient] {
            let mut scrubber = Scrubber::default();
            scrubber.add(value.as_bytes(), &label);
            for (answer, masked) in [
                ("{}", "[sealed]"),
                ("{\"a\": {}, \"b\":\"{}\"}", "{\"a\": 0, \"b\":\"[sealed]\"}"),
                ("[{},{} , {}]", "[0,0 , 0]"),
                ("a: {}", "a: [sealed]"),
                ("<to>{}</to>", "<to>[sealed]</to>"),
            ] {
                let guest = scrubber.for_guest(answer.replace("{}", value).as_bytes(), &Labels::from(label.clone()));
                assert_eq!(String::from_utf8(guest).unwrap(), masked, "{value}");
            }
        }
    }
}

#[test]
fn an_id_that_holds_a_code_by_chance_is_left_alone() {
    let id = "e482913d803532";
    assert_eq!(guest(id, &all()), id);
    assert_eq!(scrubber().words(id), id);
    assert_eq!(scrubber().words("482913"), "[sealed]");
    assert_eq!(scrubber().for_people(id), "e[sealed]d803532");
}

#[test]
fn an_id_that_was_masked_is_found_again() {
    for (answer, seen, original) in [
        (r#"{"id":"ab1d-482913-9c8e"}"#, "ab1d-[sealed]-9c8e", Some("ab1d-482913-9c8e")),
        (r#"{"id":ab1d-482913-9c8e}"#, "ab1d-[sealed]-9c8e", Some("ab1d-482913-9c8e")),
        (r#"{"id":"ab1d-482913-9c8e","other":"ab1d-4512345678-9c8e"}"#, "ab1d-[sealed]-9c8e", None),
        (r#"{"id":"ab1d-482913-9c8e","again":"ab1d-482913-9c8e"}"#, "ab1d-[sealed]-9c8e", Some("ab1d-482913-9c8e")),
        (r#"{"text":"G-482913"}"#, "G-[sealed]", None),
        (r#"{"code":"482913"}"#, "[sealed]", None),
        (r#"{"code":"+482913"}"#, "+[sealed]", None),
        (r#"{"id":"m-1"}"#, "m-1", None),
        (r#"{"code":"482913"}"#, "x-[sealed]", None),
    ] {
        assert_eq!(scrubber().original(answer.as_bytes(), seen, &all()).as_deref(), original, "{answer}");
    }
}

#[test]
fn short_values_are_left_alone() {
    let mut scrubber = Scrubber::default();
    scrubber.add(b"abc", &Label::Code);
    assert_eq!(scrubber.for_people("abcabc"), "abcabc");
}

#[test]
fn a_long_value_is_masked_inside_of_a_word() {
    let mut scrubber = Scrubber::default();
    scrubber.add(b"abcdefgh12345678", &Label::Variable("link".into()));
    let sent = Labels::from(Label::Variable("link".into()));
    assert_eq!(scrubber.for_guest(b"xabcdefgh12345678y", &sent), b"x[sealed]y");
}

/// A connector may claim that a piece of the text is an id: it is not restored.
#[test]
fn a_piece_of_a_sealed_text_is_no_id() {
    let mut scrubber = scrubber();
    scrubber.add(b"Take ab1d-482913-9c8e", &Label::Text);
    let sent = Labels::from_iter([Label::Code, Label::Text]);
    assert_eq!(scrubber.original(br#"{"id":"ab1d-482913-9c8e"}"#, "ab1d-[sealed]-9c8e", &sent), None);
}

/// Every value a thousand times, side by side and nested: each byte is visited a bounded number of times. A quadratic rule would
/// take minutes here.
#[test]
fn long_answers_are_read_once() {
    let mut scrubber = scrubber();
    scrubber.add(&[b'a'; 4096], &Label::Secret("long".into()));
    scrubber.add(&[b'a'; 2048], &Label::Secret("half".into()));
    scrubber.add(b"aaaa", &Label::Variable("short".into()));
    for answer in ["482913 ".repeat(37_000), "482913".repeat(43_000), "a".repeat(256 << 10), " ".repeat(256 << 10)] {
        let masked = scrubber.for_people(&answer);
        assert!(!masked.contains("482913") && !masked.contains("aaaa"));
        let sent = Labels::from_iter([Label::Code, Label::Secret("long".into()), Label::Variable("short".into())]);
        scrubber.for_guest(answer.as_bytes(), &sent);
    }
}
