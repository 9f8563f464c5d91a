//! Requests as the platforms send them.

use serde_json::{Value, json};

use super::*;

fn fields(body: &Value) -> Fields {
    Fields::read("application/json", "", body.to_string().as_bytes()).ok().unwrap()
}

/// Number, code, text, usage, locale, and the platform's id.
type Read = (String, Option<String>, Option<String>, Usage, Option<String>, Option<String>);

fn read_with(kind: IngressKind, settings: &IngressSettings, fields: &Fields) -> Result<Read, RequestError> {
    match read(kind, settings, fields)? {
        RequestedMessage::Ignore { .. } => panic!("ignored"),
        RequestedMessage::Send(request) => {
            let text = |value: &Option<Sensitive>| value.as_ref().map(|value| value.expose().to_owned());
            Ok((
                request.recipient.e164.to_string(),
                text(&request.code),
                text(&request.text),
                request.usage,
                request.locale.clone(),
                request.repeat_id.clone(),
            ))
        }
    }
}

fn expect(kind: IngressKind, body: &Value, usage: Usage, locale: Option<&str>, repeat_id: Option<&str>) {
    let read = read_with(kind, &IngressSettings::default(), &fields(body));
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let expected = ("+4512345678".to_owned(), owned(Some("123456")), None, usage, owned(locale), owned(repeat_id));
    assert_eq!(read, Ok(expected), "{kind:?} {body}");
}

#[test]
fn logto() {
    for (word, usage) in [
        ("SignIn", Usage::SignIn),
        ("Register", Usage::Register),
        ("ForgotPassword", Usage::ForgotPassword),
        ("OrganizationInvitation", Usage::OrganizationInvitation),
        ("Generic", Usage::Generic),
        ("UserPermissionValidation", Usage::UserPermissionValidation),
        ("BindNewIdentifier", Usage::BindNewIdentifier),
        ("MfaVerification", Usage::MfaVerification),
        ("BindMfa", Usage::BindMfa),
        ("SomethingNew", Usage::Generic),
    ] {
        let body =
            json!({"to": "4512345678", "type": word, "payload": {"code": "123456", "locale": "zh-CN"}, "ip": "::1"});
        expect(IngressKind::Logto, &body, usage, Some("zh-CN"), None);
    }
}

#[test]
fn supabase_of_each_age() {
    for (body, id) in [
        (
            json!({"metadata": {"uuid": "u-1", "name": "send-sms"}, "user": {"phone": "4511111111"},
                "sms": {"otp": "123456", "phone": "4512345678"}}),
            Some("u-1"),
        ),
        (json!({"user": {"phone": "4511111111", "new_phone": "4512345678"}, "sms": {"otp": "123456"}}), None),
        (json!({"user": {"phone": "+4512345678", "new_phone": ""}, "sms": {"otp": "123456"}}), None),
    ] {
        expect(IngressKind::Supabase, &body, Usage::Generic, None, id);
    }
    let mfa = json!({"user": {"phone": "4512345678"}, "sms": {"otp": "123456", "sms_type": "mfa"}});
    expect(IngressKind::Supabase, &mfa, Usage::MfaVerification, None, None);
}

#[test]
fn zitadel_writes_otp_in_its_own_way() {
    for (args, event, usage) in [
        (json!({"code": "123456"}), "user.human.phone.code.added", Usage::BindNewIdentifier),
        (json!({"oTP": "123456"}), "session.otp.sms.challenged", Usage::MfaVerification),
        (json!({"code": "123456", "oTP": "123456"}), "user.human.mfa.otp.sms.code.added", Usage::MfaVerification),
        (json!({"code": "123456"}), "user.human.password.code.added", Usage::ForgotPassword),
        (json!({"code": "123456"}), "user.human.initialization.code.added", Usage::Register),
    ] {
        let body = json!({
            "contextInfo": {"recipientPhoneNumber": "+4512345678", "eventType": event},
            "templateData": {"text": "Code: 123456"},
            "args": args,
        });
        expect(IngressKind::Zitadel, &body, usage, None, None);
    }
}

#[test]
fn kratos_with_its_default_body_and_with_the_context() {
    let default = json!({
        "recipient": "+4512345678", "template_type": "login_code_valid", "to": "+4512345678", "recovery_code": null,
        "recovery_url": null, "verification_url": null, "verification_code": null, "subject": "",
        "body": "Your login code is: 123456\n\nIt expires in 15 minutes.\n\n@example.com #123456",
    });
    expect(IngressKind::Kratos, &default, Usage::SignIn, None, None);
    let recovery = json!({
        "recipient": "+4512345678", "template_type": "recovery_code_valid", "verification_code": "123456",
        "body": "Your recovery code is: 123456",
    });
    expect(IngressKind::Kratos, &recovery, Usage::ForgotPassword, None, None);
    let context = json!({
        "recipient": "+4512345678", "template_type": "registration_code_valid",
        "template_data": {"to": "+4512345678", "registration_code": "123456", "expires_in_minutes": 15},
        "body": "123456", "message_type": "sms",
    });
    expect(IngressKind::Kratos, &context, Usage::Register, None, None);
}

#[test]
fn the_others() {
    let to = "+45 12 34 56 78";
    for (kind, body, usage, locale, id) in [
        (
            IngressKind::BetterAuth,
            json!({"to": to, "code": "123456", "template": "two-factor"}),
            Usage::MfaVerification,
            None,
            None,
        ),
        (
            IngressKind::Fusionauth,
            json!({"code": "123456", "phoneNumber": to, "textMessage": "Two Factor Code: 123456", "type": "SMS"}),
            Usage::MfaVerification,
            None,
            None,
        ),
        (
            IngressKind::Authentik,
            json!({"From": "x", "To": to, "Body": "123456", "Message": "Use this code: 123456"}),
            Usage::MfaVerification,
            None,
            None,
        ),
        (
            IngressKind::Authgear,
            json!({"to": to, "body": "123456 is your code", "app_id": "a", "template_name": "verification_sms.txt",
                "language_tag": "en", "template_variables": {"code": "123456"}}),
            Usage::BindNewIdentifier,
            Some("en"),
            None,
        ),
        (
            IngressKind::Authsignal,
            json!({"version": 1, "type": "sms.created", "data": {"to": to, "code": "123456", "idempotencyKey": "k",
                "locale": "en_US", "actionCode": "signIn"}}),
            Usage::MfaVerification,
            Some("en-US"),
            Some("k"),
        ),
    ] {
        expect(kind, &body, usage, locale, id);
    }
    let form =
        Fields::read("application/x-www-form-urlencoded", "", b"phoneNumber=%2B4512345678&code=Your+code:+123456");
    let read = read_with(IngressKind::Casdoor, &IngressSettings::default(), &form.ok().unwrap()).unwrap();
    assert_eq!((read.1.as_deref(), read.2.as_deref()), (Some("123456"), Some("Your code: 123456")));
}

#[test]
fn a_text_stays_what_it_is_or_is_replaced() {
    let body = json!({"recipient": "+1 303-555-1212", "body": "Your verification code is: 12345", "sender": "x"});
    let original = IngressSettings::default();
    let template = IngressSettings { text: Some(IngressText::Template), ..IngressSettings::default() };
    for (settings, text) in [(original, Some("Your verification code is: 12345")), (template, None)] {
        let read = read_with(IngressKind::Auth0Gateway, &settings, &fields(&body)).unwrap();
        assert_eq!((read.1.as_deref(), read.2.as_deref()), (Some("12345"), text));
    }
}

#[test]
fn a_message_without_a_code_is_refused_ignored_or_sent() {
    let link =
        json!({"to": "+4512345678", "type": "OrganizationInvitation", "payload": {"link": "https://x.example/1"}});
    let notice =
        json!({"recipient": "+4512345678", "template_type": "authenticator_key_added", "body": "A key was added."});
    let two = json!({"recipient": "+4512345678", "body": "123456 or 654321?"});
    let with = |messages_without_code| IngressSettings { messages_without_code, ..IngressSettings::default() };
    for (kind, body, error, text) in [
        (IngressKind::Logto, &link, RequestError::NoCode, None),
        (IngressKind::Kratos, &notice, RequestError::NoCodeInText, Some("A key was added.")),
        (IngressKind::Auth0Gateway, &two, RequestError::SeveralCodes, Some("123456 or 654321?")),
    ] {
        assert_eq!(read_with(kind, &with(MessagesWithoutCode::Refuse), &fields(body)), Err(error));
        let ignored = read(kind, &with(MessagesWithoutCode::Ignore), &fields(body)).ok().unwrap();
        assert!(matches!(ignored, RequestedMessage::Ignore { .. }));
        let sent = read_with(kind, &with(MessagesWithoutCode::Send), &fields(body)).unwrap();
        assert_eq!((sent.1, sent.2.as_deref()), (None, text));
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_and_not_quoted() {
    let default = IngressSettings::default();
    for (kind, body, error) in [
        (IngressKind::Logto, json!({}), RequestError::NoNumber),
        (IngressKind::Logto, json!({"to": 4512345678_u64}), RequestError::NoNumber),
        (IngressKind::Logto, json!({"to": "4512345678"}), RequestError::NoContent),
        (IngressKind::Logto, json!({"to": "4512345678", "payload": {"code": "98-76"}}), RequestError::Code),
        (
            IngressKind::Auth0Gateway,
            json!({"recipient": "+4512345678", "token": "987654", "body": "Hello"}),
            RequestError::TextWithoutCode,
        ),
        (IngressKind::Fusionauth, json!({"phoneNumber": "+4512345678", "type": "Voice"}), RequestError::NotSms),
        (IngressKind::Twilio, json!({"To": "+4512345678", "ContentSid": "HX1"}), RequestError::ContentSid),
    ] {
        let read = read_with(kind, &default, &fields(&body));
        assert_eq!(read, Err(error), "{body}");
        assert!(!read.unwrap_err().to_string().contains("98"));
    }
    let national = json!({"phoneNumber": "30355598", "code": "987654"});
    let error = read_with(IngressKind::Fusionauth, &default, &fields(&national)).unwrap_err().to_string();
    assert!(error.contains("default region") && !error.contains("303555"), "{error}");
}

#[test]
fn words_have_the_usages_that_the_admin_gives_them() {
    let settings = IngressSettings {
        usages: [("mfa".to_owned(), Usage::SignIn), ("*".to_owned(), Usage::Register)].into(),
        ..IngressSettings::default()
    };
    for (word, expected) in [(Some("mfa"), Usage::SignIn), (Some("other"), Usage::Register), (None, Usage::Register)] {
        assert_eq!(usage(IngressKind::Supabase, &settings, word), expected);
    }
    assert_eq!(usage(IngressKind::Supabase, &IngressSettings::default(), Some("mfa")), Usage::MfaVerification);
}
