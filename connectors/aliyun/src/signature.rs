//! Alibaba Cloud's RPC signature, version 1.0: HMAC-SHA1 in base64 over the percent-encoded canonical query. The key is the
//! secret followed by `&`.
//!
//! The number and the code are part of the query, so query and string to sign are sealed values.
//!
//! Source: "Request syntax and signature method V2 for RPC APIs" in Alibaba Cloud's documentation, with three published
//! examples that the tests recompute.

use sendbox_connector_sdk::{Encoding, Hash, Method, Parts, Sealed, parts, percent};

/// The value of the parameter `Signature` for all other parameters.
pub(crate) fn sign(method: Method, parameters: &[(&str, Parts)], secret: &Sealed) -> Sealed {
    let mut sorted: Vec<&(&str, Parts)> = parameters.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut query = Parts::new();
    for (name, value) in sorted {
        if !query.is_empty() {
            query.push("&");
        }
        query.push(percent(*name));
        query.push("=");
        query.push(percent(value));
    }
    let to_sign = parts![method.as_str(), "&%2F&", percent(query)];
    to_sign.seal().hmac(Hash::Sha1, &parts![secret, "&"].seal()).encode(Encoding::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{ClearRequest, Harness, example_host, example_metadata};
    use sendbox_connector_sdk::{
        Config, Connector, ContentKind, Failure, HostNeed, Message, Metadata, Receipt, Request, Response, SecretUse,
    };
    use serde_json::json;

    /// Signs what its configuration says. A value that is `$number` or `$code` is the sealed one.
    struct Example;

    impl Connector for Example {
        fn metadata() -> Metadata {
            let secrets = vec![("token", SecretUse::SigningOnly)];
            Metadata {
                content: ContentKind::Variables,
                hosts: vec![HostNeed { secrets, ..example_host() }],
                ..example_metadata()
            }
        }

        fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
            let variables = message.variables()?;
            let given: Vec<(String, String)> = config.json("parameters")?.unwrap();
            let parameters: Vec<(&str, Parts)> = given
                .iter()
                .map(|(name, value)| {
                    let value = match value.as_str() {
                        "$number" => Parts::from(&message.recipient.digits),
                        "$code" => Parts::from(&variables[0].value),
                        literal => Parts::from(literal),
                    };
                    (name.as_str(), value)
                })
                .collect();
            let method = if config.required("method")? == "GET" { Method::Get } else { Method::Post };
            let signature = sign(method, &parameters, &config.required_secret("token")?);
            Ok(Request::post("https://api.example.com/").body(signature))
        }

        fn read_response(_: &Response) -> Result<Receipt, Failure> {
            Ok(Receipt::default())
        }
    }

    fn signature(secret: &str, method: &str, parameters: &[(&str, &str)], number: &str, code: &str) -> String {
        let harness = Harness::<Example>::new(json!({ "token": secret, "method": method, "parameters": parameters }));
        let ClearRequest { body, .. } = harness.to(number, "86").variables([("code", code)]).request();
        body
    }

    #[test]
    fn the_published_example_of_ecs() {
        let parameters = [
            ("AccessKeyId", "testid"),
            ("Action", "DescribeRegions"),
            ("Format", "XML"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2016-02-23T12:46:24Z"),
            ("Version", "2014-05-26"),
        ];
        assert_eq!(signature("testsecret", "GET", &parameters, "+1", "x"), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
    }

    #[test]
    fn the_published_example_of_sms_with_number_and_parameters_sealed() {
        // In no particular order: signing sorts.
        let parameters = [
            ("Action", "SendSms"),
            ("Format", "XML"),
            ("RegionId", "cn-hangzhou"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("Version", "2017-05-25"),
            ("AccessKeyId", "testId"),
            ("PhoneNumbers", "$number"),
            ("SignName", "阿里云短信测试专用"),
            ("TemplateCode", "SMS_71390007"),
            ("TemplateParam", "$code"),
            ("OutId", "123"),
            ("SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466"),
            ("Timestamp", "2017-07-12T02:42:19Z"),
        ];
        let signed = signature("testSecret", "GET", &parameters, "+15300000001", r#"{"customer":"test"}"#);
        assert_eq!(signed, "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
        let other = signature("testSecret", "GET", &parameters, "+15300000002", r#"{"customer":"test"}"#);
        assert_ne!(other, signed, "the number is part of what is signed");
    }

    #[test]
    fn the_published_example_of_directmail_with_special_characters() {
        let parameters = [
            ("AccessKeyId", "testid"),
            ("AccountName", "<a%b'>"),
            ("Action", "SingleSendMail"),
            ("AddressType", "1"),
            ("Format", "XML"),
            ("HtmlBody", "4"),
            ("RegionId", "cn-hangzhou"),
            ("ReplyToAddress", "true"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c"),
            ("SignatureVersion", "1.0"),
            ("Subject", "3"),
            ("TagName", "2"),
            ("Timestamp", "2016-10-20T06:27:56Z"),
            ("ToAddress", "1@test.com"),
            ("Version", "2015-11-23"),
        ];
        let clear = signature("testsecret", "POST", &parameters, "+1", "x");
        assert_eq!(clear, "llJfXJjBW3OacrVgxxsITgYaYm0=");
        // The same with the special characters in a sealed value: the host encodes as the SDK does.
        let sealed = parameters.map(|(name, value)| (name, if name == "AccountName" { "$code" } else { value }));
        assert_eq!(signature("testsecret", "POST", &sealed, "+1", "<a%b'>"), clear);
    }
}
