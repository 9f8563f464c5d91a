//! The request to Alibaba Cloud: `POST /` with a signed form, action `SendSms`.
//!
//! With the parameters of Logto's connector, the form has the same fields in the same order. Two values differ on purpose:
//! `TemplateParam` contains the code and what the template names besides, and the country chooses the template.

use sendbox_connector_sdk::{
    Config, Failure, FailureClass, Json, Message, Method, Parts, Request, Utc, form, parts, template_for_country,
    template_values, template_variables,
};
use serde_json::Value;

use crate::signature;

/// An endpoint of the API.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    /// `https://` and the host that the parameter `endpoint` names.
    pub(crate) origin: &'static str,
    /// The `RegionId` of requests to it.
    region: &'static str,
    /// What it is for, for the admin who grants it.
    pub(crate) purpose: &'static str,
}

const fn endpoint(origin: &'static str, region: &'static str, purpose: &'static str) -> Endpoint {
    Endpoint { origin, region, purpose }
}

/// The endpoints. The first is the default.
pub(crate) static ENDPOINTS: [Endpoint; 7] = [
    endpoint(
        "https://dysmsapi.aliyuncs.com",
        "cn-hangzhou",
        "Sends the message through Alibaba Cloud in mainland China (default).",
    ),
    endpoint(
        "https://dysmsapi-proxy.cn-beijing.aliyuncs.com",
        "cn-beijing",
        "Sends the message through Alibaba Cloud in Beijing, if selected.",
    ),
    endpoint(
        "https://dysmsapi-xman.cn-hongkong.aliyuncs.com",
        "cn-hongkong",
        "Sends the message through Alibaba Cloud in Hong Kong, if selected.",
    ),
    endpoint(
        "https://dysmsapi.ap-southeast-1.aliyuncs.com",
        "ap-southeast-1",
        "Sends the message through Alibaba Cloud in Singapore, if selected.",
    ),
    endpoint(
        "https://dysmsapi.ap-southeast-5.aliyuncs.com",
        "ap-southeast-5",
        "Sends the message through Alibaba Cloud in Jakarta, if selected.",
    ),
    endpoint(
        "https://dysmsapi.eu-central-1.aliyuncs.com",
        "eu-central-1",
        "Sends the message through Alibaba Cloud in Frankfurt, if selected.",
    ),
    endpoint(
        "https://dysmsapi.us-east-1.aliyuncs.com",
        "us-east-1",
        "Sends the message through Alibaba Cloud in Virginia, if selected.",
    ),
];

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let template = template_for_country(message.template()?, message.recipient.country.as_deref(), "SMS_154950909")?;
    let endpoint = selected_endpoint(config)?;
    let mut fields: Vec<(&str, Parts)> = vec![
        ("Action", "SendSms".into()),
        ("Format", "json".into()),
        ("RegionId", endpoint.region.into()),
        ("SignatureMethod", "HMAC-SHA1".into()),
        ("SignatureVersion", "1.0".into()),
        ("Version", "2017-05-25".into()),
        ("AccessKeyId", config.required("accessKeyId")?.into()),
        ("PhoneNumbers", Parts::from(&message.recipient.digits)),
        ("SignName", config.required("signName")?.into()),
        ("TemplateCode", template.into()),
        ("TemplateParam", template_param(message)?.to_parts()),
        ("SignatureNonce", uuid(&message.attempt.nonce).into()),
        ("Timestamp", Utc::from_millis(message.attempt.started_at).timestamp().into()),
    ];
    let signature = signature::sign(Method::Post, &fields, &config.required_secret("accessKeySecret")?);
    fields.push(("Signature", signature.into()));
    Ok(Request::post(parts![endpoint.origin, "/"])
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(fields)))
}

/// The values of the template's variables, by their names in the template: `code`, unless the tenant named others.
fn template_param(message: &Message) -> Result<Json, Failure> {
    let variables = match template_variables(message.template()?)? {
        None => return Ok(Json::object([("code", Json::from(message.code()?))])),
        Some(Value::Object(variables)) => variables,
        Some(_) => return Err(not_variables()),
    };
    let names: Vec<&str> =
        variables.values().map(|name| name.as_str().ok_or_else(not_variables)).collect::<Result<_, _>>()?;
    let values = template_values(message, &names)?;
    Ok(Json::object(variables.keys().cloned().zip(values.into_iter().map(Json::string))))
}

fn not_variables() -> Failure {
    let text = "`variables` must be an object: for each variable of the template, `code`, `minutes`, or a variable of the message";
    Failure::new(FailureClass::TemplateRejected).text(text)
}

fn selected_endpoint(config: &Config<'_>) -> Result<&'static Endpoint, Failure> {
    let [default, ..] = &ENDPOINTS;
    let Some(host) = config.text("endpoint") else {
        return Ok(default);
    };
    let selected = ENDPOINTS.iter().find(|endpoint| endpoint.origin.strip_prefix("https://") == Some(&host));
    selected.ok_or_else(|| Failure::configuration("parameter `endpoint` is not an SMS endpoint of Alibaba Cloud"))
}

/// The nonce of the attempt as a UUID of version 4. Its `a` or `b` ensures that it never looks like a phone number.
fn uuid(nonce: &str) -> String {
    let mut text = String::with_capacity(36);
    for (index, digit) in nonce.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(match (index, digit) {
            (12, _) => '4',
            (16, '0'..='7') => 'a',
            (16, _) => 'b',
            (_, digit) => digit,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Aliyun;
    use sendbox_connector_sdk::FailureClass;
    use sendbox_connector_sdk::testing::{Harness, hmac_sha1_base64, merge_patch};
    use serde_json::{Value, json};

    const BOTH: &str = r#"{"china":"SMS_1001","overseas":"SMS_2002"}"#;

    fn parameters(more: Value) -> Value {
        merge_patch(
            json!({ "accessKeyId": "testId", "accessKeySecret": "testSecret", "signName": "阿里云短信 *~'" }),
            more,
        )
    }

    fn harness(more: Value) -> Harness<Aliyun> {
        Harness::new(parameters(more))
            .to("+8613912345678", "86")
            .country("CN")
            .template("SMS_154950909")
            .variables([("code", "123456"), ("locale", "zh-CN"), ("minutes", "10")])
            .started_at(1_499_827_339_500)
            .nonce("45e25e9b0a6f40708c852956eda1b466")
    }

    fn field(body: &str, name: &str) -> String {
        let prefix = format!("{name}=");
        body.split('&').find_map(|pair| pair.strip_prefix(&prefix)).unwrap_or_else(|| panic!("{name}")).to_owned()
    }

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let request = harness(json!({})).request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://dysmsapi.aliyuncs.com/"));
        assert_eq!(request.headers, [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())]);
        // The expected signature, without the code under test: encoded and sorted by hand.
        let canonical = "AccessKeyId=testId&Action=SendSms&Format=json&PhoneNumbers=8613912345678&RegionId=cn-hangzhou\
            &SignName=%E9%98%BF%E9%87%8C%E4%BA%91%E7%9F%AD%E4%BF%A1%20%2A~%27&SignatureMethod=HMAC-SHA1\
            &SignatureNonce=45e25e9b-0a6f-4070-bc85-2956eda1b466&SignatureVersion=1.0&TemplateCode=SMS_154950909\
            &TemplateParam=%7B%22code%22%3A%22123456%22%7D&Timestamp=2017-07-12T02%3A42%3A19Z&Version=2017-05-25";
        let to_sign = format!("POST&%2F&{}", canonical.replace('%', "%25").replace('&', "%26").replace('=', "%3D"));
        let signature = hmac_sha1_base64(b"testSecret&", to_sign.as_bytes());
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        assert_eq!(
            request.body,
            format!(
                "Action=SendSms&Format=json&RegionId=cn-hangzhou&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
                 &Version=2017-05-25&AccessKeyId=testId&PhoneNumbers=8613912345678\
                 &SignName=%E9%98%BF%E9%87%8C%E4%BA%91%E7%9F%AD%E4%BF%A1+*%7E%27&TemplateCode=SMS_154950909\
                 &TemplateParam=%7B%22code%22%3A%22123456%22%7D&SignatureNonce=45e25e9b-0a6f-4070-bc85-2956eda1b466\
                 &Timestamp=2017-07-12T02%3A42%3A19Z&Signature={signature}"
            )
        );
    }

    #[test]
    fn the_country_chooses_the_template_and_never_the_digits() {
        for (number, calling_code, country, want) in [
            ("+8613912345678", "86", "CN", "SMS_1001"),
            // #7050: eleven digits that begin with 1, like a mainland number without its calling code.
            ("+18624017194", "1", "US", "SMS_2002"),
            ("+14155550100", "1", "CA", "SMS_2002"),
            ("+85291234567", "852", "HK", "SMS_2002"),
            ("+886912345678", "886", "TW", "SMS_2002"),
        ] {
            for strict in [false, true] {
                let harness = harness(json!({ "strictPhoneRegionNumberCheck": strict })).template(BOTH);
                let body = harness.to(number, calling_code).country(country).request().body;
                assert_eq!(field(&body, "TemplateCode"), want, "{number} {strict}");
                assert_eq!(field(&body, "PhoneNumbers"), number[1..], "{number}");
            }
        }
    }

    #[test]
    fn only_the_code_goes_into_the_template() {
        let body = harness(json!({})).variables([("uiLocales", "fr-CA fr en"), ("code", "9\"\\x")]).request().body;
        assert_eq!(field(&body, "TemplateParam"), "%7B%22code%22%3A%229%5C%22%5C%5Cx%22%7D");
    }

    #[test]
    fn further_variables_are_those_that_the_template_names() {
        let given = [("code", "123456"), ("product", "Shop7"), ("unused", "x")];
        for (template, want) in [
            (r#"{"template":"SMS_1","variables":{"code":"code","min":"minutes"}}"#, r#"{"code":"123456","min":"6"}"#),
            (
                r#"{"china":"SMS_1","overseas":"SMS_2","variables":{"yzm":"code","app":"product"}}"#,
                r#"{"app":"Shop7","yzm":"123456"}"#,
            ),
            (r#"{"china":"SMS_1","overseas":"SMS_2"}"#, r#"{"code":"123456"}"#),
        ] {
            let harness = harness(json!({})).template(template).variables(given).lifetime_seconds(301);
            let want = form([("TemplateParam", want)]);
            let got = format!("TemplateParam={}", field(&harness.request().body, "TemplateParam"));
            assert_eq!(parts![got], want, "{template}");
        }
    }

    #[test]
    fn variables_that_cannot_be_filled_in_are_refused_before_sending() {
        for (variables, want) in [
            (json!({ "min": "minutes" }), FailureClass::TemplateRejected),
            (json!({ "code": "code", "again": "code" }), FailureClass::TemplateRejected),
            (json!({ "code": "code", "a": "minutes", "b": "minutes" }), FailureClass::TemplateRejected),
            (json!({ "code": 1 }), FailureClass::TemplateRejected),
            (json!(["code"]), FailureClass::TemplateRejected),
            (json!({ "code": "code", "app": "product" }), FailureClass::InvalidRequest),
        ] {
            let template = json!({ "template": "SMS_1", "variables": variables }).to_string();
            let run = harness(json!({})).template(&template).variables([("code", "1")]).send([]);
            assert!(run.requests.is_empty(), "{template}");
            assert_eq!(run.result.unwrap_err().class, want, "{template}");
        }
    }

    #[test]
    fn every_endpoint_is_in_the_schema_and_has_its_region() {
        let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
        let listed = schema["properties"]["endpoint"]["oneOf"].as_array().unwrap();
        assert_eq!(listed.len(), ENDPOINTS.len());
        for (listed, endpoint) in listed.iter().zip(&ENDPOINTS) {
            let host = listed["const"].as_str().unwrap();
            assert_eq!(endpoint.origin, format!("https://{host}"));
            let request = harness(json!({ "endpoint": host })).request();
            assert_eq!(request.url, format!("https://{host}/"));
            assert_eq!(field(&request.body, "RegionId"), endpoint.region);
        }
    }

    #[test]
    fn every_attempt_has_its_own_signature() {
        let first = harness(json!({})).request().body;
        let second = harness(json!({})).nonce("ffffffffffffffffffffffffffffffff").request().body;
        for name in ["SignatureNonce", "Signature"] {
            assert_ne!(field(&first, name), field(&second, name));
        }
    }

    #[test]
    fn nonces_become_uuids_of_version_4() {
        for (nonce, want) in [
            ("00000000000000000000000000000000", "00000000-0000-4000-a000-000000000000"),
            ("45e25e9b0a6f40708c852956eda1b466", "45e25e9b-0a6f-4070-bc85-2956eda1b466"),
        ] {
            assert_eq!(uuid(nonce), want);
        }
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        let mut no_id = parameters(json!({}));
        no_id.as_object_mut().unwrap().remove("accessKeyId");
        let no_id = Harness::<Aliyun>::new(no_id).template("SMS_1").variables([("code", "1")]);
        let no_text = Harness::<Aliyun>::new(parameters(json!({}))).text("Your code is 123456");
        for (harness, want) in [
            (no_id, FailureClass::ConfigurationInvalid),
            (no_text, FailureClass::InvalidRequest),
            (harness(json!({})).variables([("link", "x")]), FailureClass::InvalidRequest),
            (harness(json!({})).template("SMS 1"), FailureClass::TemplateRejected),
            (harness(json!({ "endpoint": "evil.example" })), FailureClass::ConfigurationInvalid),
        ] {
            let run = harness.send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(sendbox_connector_sdk::testing::metadata_problems::<Aliyun>(), Vec::<String>::new());
    }
}
