//! The kinds of requests that real providers require.

use super::*;

pub(super) struct Provider {
    pub(super) name: &'static str,
    pub(super) content: ContentKind,
    pub(super) places: MessagePlaces,
    pub(super) view: RequestView,
}

pub(super) const KNOWN: [(&str, &str); 12] = [
    ("config accountSID", "AC0123456789abcdef0123456789abcdef"),
    ("config service", "MG01234567890123456789012345678901"),
    ("config from", "+15005550006"),
    ("config sdkAppId", "1400006666"),
    ("config accessKeyId", "LTAI5t0123456789"),
    ("config ttl", "604800000"),
    ("config callbackUrl", "https://a.example/r?id=4598765432"),
    ("template", r#"{"china":"SMS_154950909","overseas":"SMS_254950909"}"#),
    ("nonce", NONCE),
    ("message key", MESSAGE_KEY),
    ("usage", "sign-in"),
    ("locale", "en-US"),
];

pub(super) fn all() -> Vec<Provider> {
    let digits = |recipient: &[Step], content: &[Step]| places(RecipientForm::Digits, recipient, content);
    vec![
        Provider {
            name: "Twilio",
            content: Text,
            places: form_places(),
            view: post(
                "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
                FORM,
                &[("Authorization", "Basic b64«AC0123456789abcdef0123456789abcdef:{secret}»")],
                "To={e164}&MessagingServiceSid=MG01234567890123456789012345678901&Body={text}&RiskCheck=enable\
                 &From=%2B15005550006&StatusCallback=https%3A%2F%2Fa.example%2Fr%3Fid%3D4598765432&ValidityPeriod=600",
            ),
        },
        Provider {
            name: "SMS Aero",
            content: Text,
            places: digits(&[json("/number")], &[json("/text")]),
            view: post(
                "https://gate.smsaero.ru/v2/sms/send",
                JSON,
                &[("Authorization", "Basic b64«me@example.com:{secret}»")],
                r#"{"number":"{digits}","sign":"SMS Aero","text":"{text}","callbackUrl":"https://a.example/r?id=4598765432","callbackFormat":"JSON"}"#,
            ),
        },
        Provider {
            name: "a bare number",
            content: Text,
            places: digits(&[json("/number")], &[json("/text")]),
            view: post("https://gate.smsaero.ru/v2/sms/send", JSON, &[], r#"{ "number" : {digits}, "text":"{text}" }"#),
        },
        Provider {
            name: "GatewayAPI",
            content: Text,
            places: digits(&[json("/recipients/0/msisdn")], &[json("/message")]),
            view: post(
                "https://gatewayapi.com/rest/mtsms",
                JSON,
                &[("Authorization", "Basic b64«{secret}:»")],
                r#"{"sender":"Acme","message":"{text}","recipients":[{"msisdn":"{digits}"}],"encoding":"UCS2","validity_period":600}"#,
            ),
        },
        Provider {
            name: "Vonage",
            content: Text,
            places: digits(&[json("/to")], &[json("/text")]),
            view: post(
                "https://rest.nexmo.com/sms/json",
                JSON,
                &[("Authorization", "Basic b64«{secret}:{secret}»")],
                r#"{"from":"Acme","to":"{digits}","text":"{text}","type":"unicode","ttl":604800000}"#,
            ),
        },
        Provider {
            name: "Aliyun",
            content: Template,
            places: digits(&[form("PhoneNumbers")], &[form("TemplateParam"), json("/*")]),
            view: post(
                "https://dysmsapi.aliyuncs.com/",
                FORM,
                &[],
                "Action=SendSms&Format=json&RegionId=cn-hangzhou&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
                 &Version=2017-05-25&AccessKeyId=LTAI5t0123456789&PhoneNumbers={digits}&SignName=%E9%98%BF%E9%87%8C%E4%BA%91\
                 &TemplateCode=SMS_254950909&TemplateParam=%7B%22code%22%3A%22{code}%22%7D\
                 &SignatureNonce=45e25e9b-0a6f-4070-ac85-2956eda1b466&Timestamp=2026-11-23T08%3A16%3A41Z&Signature={mac}",
            ),
        },
        Provider {
            name: "Aliyun by the query, its JSON sealed as a whole",
            content: Template,
            places: digits(&[query("PhoneNumbers")], &[query("TemplateParam"), json("/code")]),
            view: RequestView {
                method: Method::Get,
                ..post(
                    "https://dysmsapi.aliyuncs.com/?PhoneNumbers={digits}&TemplateParam=«{\"code\":\"«{code}»\"}»&Signature={mac}",
                    "",
                    &[],
                    "",
                )
            },
        },
        Provider {
            name: "Tencent",
            content: Template,
            places: places(RecipientForm::E164, &[json("/PhoneNumberSet/0")], &[json("/TemplateParamSet/*")]),
            view: post(
                "https://sms.tencentcloudapi.com/",
                "application/json; charset=utf-8",
                &[
                    ("X-TC-Action", "SendSms"),
                    ("X-TC-Timestamp", "1795421801"),
                    ("X-TC-Version", "2021-01-11"),
                    (
                        "Authorization",
                        "TC3-HMAC-SHA256 Credential=LTAI5t0123456789/2026-11-23/sms/tc3_request, SignedHeaders=content-type;host, Signature={mac}",
                    ),
                ],
                r#"{"SmsSdkAppId":"1400006666","SignName":"签","TemplateId":"SMS_154950909","TemplateParamSet":["{code}","10"],"PhoneNumberSet":["{e164}"]}"#,
            ),
        },
        Provider {
            name: "HTTP",
            content: Variables,
            places: MessagePlaces::new(
                RecipientForm::Digits,
                at(&[json("/to")]),
                at(&[json("/payload/*")]),
                Some(at(&[json("/ip")])),
            )
            .unwrap(),
            view: post(
                "https://sms.example.com/hook?tenant=7&code=a",
                JSON,
                &[
                    ("Authorization", "{secret}"),
                    ("webhook-id", MESSAGE_KEY),
                    ("webhook-timestamp", "1795421801"),
                    ("webhook-signature", "v1,{mac}"),
                ],
                r#"{"to":"{digits}","type":"SignIn","payload":{"code":"{code}","locale":"en-US","link":"{link}"},"ip":"{ip}"}"#,
            ),
        },
        Provider {
            name: "SigV4",
            content: Text,
            places: places(RecipientForm::E164, &[form("PhoneNumber")], &[form("Message")]),
            view: post(
                "https://sns.eu-central-1.amazonaws.com/",
                FORM,
                &[
                    ("X-Amz-Date", "20261123T081641Z"),
                    (
                        "Authorization",
                        "AWS4-HMAC-SHA256 Credential=LTAI5t0123456789/20261123/eu-central-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature={mac}",
                    ),
                ],
                "Action=Publish&Version=2010-03-31&PhoneNumber={e164}&Message={text}",
            ),
        },
        Provider {
            name: "XML",
            content: Text,
            places: digits(&[xml("/sms/to")], &[xml("/sms/text")]),
            view: post(
                "https://x.example/",
                "text/xml; charset=\"UTF-8\"",
                &[],
                "<?xml version=\"1.0\" encoding='utf-8'?><!-- one --><sms type=\"otp\">\n <to>{digits}</to>\n <text><![CDATA[{text}]]></text></sms>",
            ),
        },
        Provider {
            name: "a path and a query",
            content: Text,
            places: places(RecipientForm::National, &[Step::PathSegment(1)], &[query("text")]),
            view: RequestView {
                method: Method::Get,
                ..post("https://x.example/send/{national}?text={text}", "", &[], "")
            },
        },
        Provider {
            name: "headers",
            content: Text,
            places: digits(&[Step::Header("X-To".to_owned())], &[Step::Header("x-text".to_owned())]),
            view: post("https://x.example", "", &[("X-To", "{digits}"), ("X-Text", "{text}")], ""),
        },
        Provider {
            name: "a form in a query value",
            content: Text,
            places: digits(&[query("p"), form("to")], &[query("p"), form("text")]),
            view: post("https://x.example/?p=«to={digits}&text={text}»", "", &[], ""),
        },
    ]
}

#[test]
fn requests_of_real_providers_pass() {
    for Provider { name, content, places, view } in all() {
        assert_eq!(judge(content, &KNOWN, &places, &view), Ok(Carries::Message), "{name}");
    }
}

/// Each of them is refused if anything in it is added, doubled or moved.
#[test]
fn no_provider_takes_a_second_number_beside() {
    for Provider { name, content, places, view } in all() {
        let RequestView { url, .. } = &view;
        let mut with_query = url.clone();
        let literal = url.pieces().iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains('?')));
        let separator = if literal { "&" } else { "?" };
        with_query.push(Piece::Literal(format!("{separator}cc=19005550199")));
        let view = RequestView { url: with_query, ..view };
        let refused = judge(content, &KNOWN, &places, &view);
        assert_eq!(refused, Err(SecondNumber { digits: 11, part: RequestPart::Url }), "{name}");
    }
}

#[test]
fn requests_with_nothing_of_the_message() {
    for (content_type, body) in [
        ("", ""),
        (FORM, "grant_type=client_credentials&client_secret={secret}"),
        (JSON, r#"{"sig":"{mac}","a":[1,2.5,true,null,{}]}"#),
        (XML, "<auth><key>{secret}</key></auth>"),
    ] {
        let view = post("https://x.example/", content_type, &[], body);
        let judged = view.judge(None, &rule(Text, &[])).map(|judged| judged.carries);
        assert_eq!(judged, Ok(Carries::Nothing), "{body}");
    }
}
