//! The request to Tencent Cloud: `POST /` with a JSON body, signed with TC3-HMAC-SHA256, action `SendSms`.
//!
//! With the parameters of Logto's connector, headers and body are the same, field by field. Three values differ on purpose: the
//! number has its `+`, the country chooses the template, and the parameters of the template are the code, or those that the template
//! names.

use sendbox_connector_sdk::{
    Config, Failure, FailureClass, Json, Message, Request, Utc, parts, template_for_country, template_values,
    template_variables,
};
use serde_json::Value;

use crate::signature::{self, SigningInput};

/// An endpoint of the API.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    /// `https://` and the host that the parameter `endpoint` names.
    pub(crate) origin: &'static str,
    /// What it is for, for the admin who grants it.
    pub(crate) purpose: &'static str,
}

const fn endpoint(origin: &'static str, purpose: &'static str) -> Endpoint {
    Endpoint { origin, purpose }
}

/// The endpoints. The first is the default.
pub(crate) const ENDPOINTS: [Endpoint; 16] = [
    endpoint("https://sms.tencentcloudapi.com", "Sends the message through Tencent Cloud's nearest site (default)."),
    endpoint(
        "https://sms.ap-guangzhou.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Guangzhou, if selected.",
    ),
    endpoint(
        "https://sms.ap-shanghai.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Shanghai, if selected.",
    ),
    endpoint(
        "https://sms.ap-beijing.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Beijing, if selected.",
    ),
    endpoint(
        "https://sms.ap-chengdu.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Chengdu, if selected.",
    ),
    endpoint(
        "https://sms.ap-chongqing.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Chongqing, if selected.",
    ),
    endpoint(
        "https://sms.ap-hongkong.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Hong Kong, if selected.",
    ),
    endpoint(
        "https://sms.ap-singapore.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Singapore, if selected.",
    ),
    endpoint(
        "https://sms.ap-bangkok.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Bangkok, if selected.",
    ),
    endpoint(
        "https://sms.ap-mumbai.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Mumbai, if selected.",
    ),
    endpoint(
        "https://sms.ap-seoul.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Seoul, if selected.",
    ),
    endpoint(
        "https://sms.ap-tokyo.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Tokyo, if selected.",
    ),
    endpoint(
        "https://sms.na-ashburn.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Virginia, if selected.",
    ),
    endpoint(
        "https://sms.na-siliconvalley.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Silicon Valley, if selected.",
    ),
    endpoint(
        "https://sms.eu-frankfurt.tencentcloudapi.com",
        "Sends the message through Tencent Cloud in Frankfurt, if selected.",
    ),
    endpoint(
        "https://sms.intl.tencentcloudapi.com",
        "Sends the message through Tencent Cloud's international site, if selected.",
    ),
];

const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// Builds the request of a message.
pub(crate) fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    let template = template_for_country(message.template()?, message.recipient.country.as_deref(), "449739")?;
    let host = selected_host(config)?;
    let body = Json::object([
        ("SmsSdkAppId", config.required("sdkAppId")?.into()),
        ("SignName", config.required("signName")?.into()),
        ("TemplateId", template.into()),
        ("TemplateParamSet", template_params(message)?),
        ("PhoneNumberSet", Json::array([Json::from(&message.recipient.e164)])),
    ]);
    // SigningInput as a whole, but sent in parts, so that a dry run can show each part masked.
    let body = body.to_parts();
    let sealed_body = body.clone().seal();
    let time = Utc::from_millis(message.attempt.started_at);
    let signed = SigningInput {
        service: "sms",
        headers: &[("content-type", CONTENT_TYPE), ("host", host)],
        body: &sealed_body,
        time,
    };
    let authorization = signature::authorization(
        &signed,
        &config.required("accessKeyId")?,
        &config.required_secret("accessKeySecret")?,
    );
    // The host sets the header `Host` from the URL.
    Ok(Request::post(parts!["https://", host, "/"])
        .header("Authorization", authorization)
        .header("Content-Type", CONTENT_TYPE)
        .header("X-TC-Action", "SendSms")
        .header("X-TC-Timestamp", time.unix_seconds().to_string())
        .header("X-TC-Version", "2021-01-11")
        .header("X-TC-Region", config.required("region")?)
        .body(body))
}

/// The values of the template's parameters `{1}`, `{2}`, …: the code, unless the tenant named others.
fn template_params(message: &Message) -> Result<Json, Failure> {
    let variables = match template_variables(message.template()?)? {
        None => return Ok(Json::array([Json::from(message.code()?)])),
        Some(Value::Array(variables)) => variables,
        Some(_) => return Err(not_variables()),
    };
    let names: Vec<&str> =
        variables.iter().map(|name| name.as_str().ok_or_else(not_variables)).collect::<Result<_, _>>()?;
    Ok(Json::array(template_values(message, &names)?.into_iter().map(Json::string)))
}

fn not_variables() -> Failure {
    let text = "`variables` must be a list: for `{1}`, `{2}`, … of the template, `code`, `minutes`, or a variable of the message";
    Failure::new(FailureClass::TemplateRejected).text(text)
}

fn selected_host(config: &Config<'_>) -> Result<&'static str, Failure> {
    let mut hosts = ENDPOINTS.iter().filter_map(|endpoint| endpoint.origin.strip_prefix("https://"));
    let host = match config.text("endpoint") {
        Some(selected) => hosts.find(|host| *host == selected),
        None => hosts.next(),
    };
    host.ok_or_else(|| Failure::configuration("parameter `endpoint` is not an SMS endpoint of Tencent Cloud"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tencent;
    use sendbox_connector_sdk::FailureClass;
    use sendbox_connector_sdk::testing::{Harness, merge_patch};
    use serde_json::{Value, json};

    const BOTH: &str = r#"{"china":"1001","overseas":"2002"}"#;

    fn parameters(more: Value) -> Value {
        let all = json!({
            "accessKeyId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
            "accessKeySecret": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            "signName": "腾讯云 \"~*'",
            "sdkAppId": "1400006666",
            "region": "ap-guangzhou",
        });
        merge_patch(all, more)
    }

    fn harness(more: Value) -> Harness<Tencent> {
        Harness::new(parameters(more))
            .to("+8613912345678", "86")
            .country("CN")
            .template("449739")
            .variables([("code", "123456"), ("locale", "zh-CN"), ("minutes", "10")])
            .started_at(1_551_113_065_999)
    }

    #[test]
    fn with_logtos_parameters_it_is_logtos_request() {
        let request = harness(json!({})).request();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://sms.tencentcloudapi.com/"));
        // Computed with Python's hashlib and hmac.
        let authorization = "TC3-HMAC-SHA256 \
            Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/sms/tc3_request, \
            SignedHeaders=content-type;host, \
            Signature=1300240ccb86ce1b089d68bd3718f57153c214bef8a891ec16182c7533cc6a17";
        assert_eq!(
            request.headers,
            [
                ("Authorization", authorization),
                ("Content-Type", "application/json; charset=utf-8"),
                ("X-TC-Action", "SendSms"),
                ("X-TC-Timestamp", "1551113065"),
                ("X-TC-Version", "2021-01-11"),
                ("X-TC-Region", "ap-guangzhou"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(
            request.body,
            r#"{"SmsSdkAppId":"1400006666","SignName":"腾讯云 \"~*'","TemplateId":"449739","TemplateParamSet":["123456"],"PhoneNumberSet":["+8613912345678"]}"#
        );
    }

    #[test]
    fn the_country_chooses_the_template_and_every_number_has_its_plus() {
        for (number, calling_code, country, want) in [
            ("+8613912345678", "86", "CN", "1001"),
            ("+18624017194", "1", "US", "2002"),
            ("+85291234567", "852", "HK", "2002"),
            ("+4512345678", "45", "DK", "2002"),
        ] {
            let harness = harness(json!({})).template(BOTH).to(number, calling_code).country(country);
            let body: Value = serde_json::from_str(&harness.request().body).unwrap();
            assert_eq!(body["TemplateId"], want, "{number}");
            assert_eq!(body["PhoneNumberSet"], json!([number]));
        }
    }

    #[test]
    fn only_the_code_goes_into_the_template() {
        let body = harness(json!({})).variables([("uiLocales", "fr-CA fr en"), ("code", "9\"\\x")]).request().body;
        assert!(body.contains(r#""TemplateParamSet":["9\"\\x"],"#), "{body}");
    }

    #[test]
    fn further_parameters_are_those_that_the_template_names() {
        let given = [("code", "123456"), ("product", "77"), ("unused", "x")];
        for (template, want) in [
            (r#"{"template":"1","variables":["code","minutes"]}"#, r#"["123456","6"]"#),
            (r#"{"china":"1","overseas":"2","variables":["product","code"]}"#, r#"["77","123456"]"#),
            (BOTH, r#"["123456"]"#),
        ] {
            let harness = harness(json!({})).template(template).variables(given).lifetime_seconds(301);
            let body = harness.request().body;
            assert!(body.contains(&format!(r#""TemplateParamSet":{want},"#)), "{body}");
        }
    }

    #[test]
    fn parameters_that_cannot_be_filled_in_are_refused_before_sending() {
        for (variables, want) in [
            (json!([]), FailureClass::TemplateRejected),
            (json!(["minutes"]), FailureClass::TemplateRejected),
            (json!(["code", "code"]), FailureClass::TemplateRejected),
            (json!(["code", 2]), FailureClass::TemplateRejected),
            (json!({ "1": "code" }), FailureClass::TemplateRejected),
            (json!(["code", "product"]), FailureClass::InvalidRequest),
        ] {
            let template = json!({ "template": "1", "variables": variables }).to_string();
            let run = harness(json!({})).template(&template).variables([("code", "1")]).send([]);
            assert!(run.requests.is_empty(), "{template}");
            assert_eq!(run.result.unwrap_err().class, want, "{template}");
        }
    }

    #[test]
    fn every_endpoint_is_in_the_schema_and_is_signed() {
        let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
        let listed = schema["properties"]["endpoint"]["oneOf"].as_array().unwrap();
        assert_eq!(listed.len(), ENDPOINTS.len());
        let mut signatures = Vec::new();
        for (listed, endpoint) in listed.iter().zip(ENDPOINTS) {
            let host = listed["const"].as_str().unwrap();
            assert_eq!(endpoint.origin, format!("https://{host}"));
            let request = harness(json!({ "endpoint": host })).request();
            assert_eq!(request.url, format!("https://{host}/"));
            signatures.push(request.header("authorization").unwrap().to_owned());
        }
        signatures.sort_unstable();
        signatures.dedup();
        assert_eq!(signatures.len(), ENDPOINTS.len(), "the host is signed");
    }

    #[test]
    fn the_region_goes_into_its_header_and_nowhere_else() {
        let request = harness(json!({ "region": "ap-singapore" })).request();
        assert_eq!(request.header("X-TC-Region"), Some("ap-singapore"));
        assert_eq!(request.url, "https://sms.tencentcloudapi.com/");
    }

    #[test]
    fn the_date_of_the_scope_is_the_utc_date_of_the_timestamp() {
        for (milliseconds, date) in [(1_735_689_599_999, "2024-12-31"), (1_735_689_600_000, "2025-01-01")] {
            let request = harness(json!({})).started_at(milliseconds).request();
            let authorization = request.header("authorization").unwrap();
            assert!(authorization.contains(&format!("/{date}/sms/tc3_request,")), "{authorization}");
        }
    }

    #[test]
    fn an_unsendable_message_is_refused_before_sending() {
        let without = |key: &str| {
            let mut less = parameters(json!({}));
            less.as_object_mut().unwrap().remove(key);
            Harness::<Tencent>::new(less).template("1").variables([("code", "1")])
        };
        let no_template = Harness::<Tencent>::new(parameters(json!({}))).text("Your code is 123456");
        for (harness, want) in [
            (without("accessKeyId"), FailureClass::ConfigurationInvalid),
            (without("accessKeySecret"), FailureClass::ConfigurationInvalid),
            (without("sdkAppId"), FailureClass::ConfigurationInvalid),
            (without("region"), FailureClass::ConfigurationInvalid),
            (no_template, FailureClass::InvalidRequest),
            (harness(json!({})).variables([("link", "x")]), FailureClass::InvalidRequest),
            (harness(json!({})).template("44 9739"), FailureClass::TemplateRejected),
            (harness(json!({ "endpoint": "evil.example" })), FailureClass::ConfigurationInvalid),
        ] {
            let run = harness.send([]);
            assert!(run.requests.is_empty());
            assert_eq!(run.result.unwrap_err().class, want);
        }
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(sendbox_connector_sdk::testing::metadata_problems::<Tencent>(), Vec::<String>::new());
    }
}
