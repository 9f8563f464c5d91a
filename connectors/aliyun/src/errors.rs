//! Alibaba Cloud's error codes and their failure classes.
//!
//! Sources: the error code pages of SendSms (2017-05-25) and of the API gateway, and the receipt codes of SmsReport.
//! Codes with `isv.` are errors of the caller, with `isp.` of the provider, without a prefix of the API gateway.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of an error code in a response; `None` for an unknown code.
pub(crate) fn class_of(code: &str) -> Option<Class> {
    Some(match code {
        // Too many messages to one number, or too many requests.
        "isv.BUSINESS_LIMIT_CONTROL" => Class::RateLimited,
        _ if is_or_below(code, "Throttling") => Class::RateLimited,
        // The limit of the account for the day or the month.
        "isv.DAY_LIMIT_CONTROL" | "isv.MONTH_LIMIT_CONTROL" => Class::QuotaExceeded,

        // The recipient.
        "isv.MOBILE_NUMBER_ILLEGAL" | "isv.MOBILE_COUNT_OVER_LIMIT" => Class::InvalidRecipient,
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED" | "isv.DENY_IP_RANGE" => Class::UnsupportedDestination,

        // Account and credentials.
        "isv.AMOUNT_NOT_ENOUGH" | "isv.OUT_OF_SERVICE" => Class::InsufficientBalance,
        "isp.RAM_PERMISSION_DENY" | "isv.ACCOUNT_NOT_EXISTS" => Class::AuthenticationFailed,
        "SignatureDoesNotMatch" | "SignatureNonceUsed" | "IncompleteSignature" => Class::AuthenticationFailed,
        _ if ["InvalidTimeStamp", "InvalidAccessKeyId", "Forbidden"].iter().any(|family| is_or_below(code, family)) => {
            Class::AuthenticationFailed
        }
        "isv.ACCOUNT_ABNORMAL" | "isv.PRODUCT_UN_SUBSCRIPT" | "isv.PRODUCT_UNSUBSCRIBE" => Class::AccountSuspended,

        // The sender, which Alibaba Cloud calls signature.
        "isv.SMS_SIGNATURE_ILLEGAL" | "isv.SMS_SIGN_ILLEGAL" | "isv.SIGN_STATE_ILLEGAL" => Class::SenderRejected,
        "isv.SMS_SIGNATURE_SCENE_ILLEGAL" | "isv.EXTEND_CODE_ERROR" => Class::SenderRejected,

        // Template and content.
        "isv.SMS_TEMPLATE_ILLEGAL" | "isv.TEMPLATE_MISSING_PARAMETERS" | "isv.TEMPLATE_PARAMS_ILLEGAL" => {
            Class::TemplateRejected
        }
        "isv.INVALID_JSON_PARAM" | "isv.PARAM_LENGTH_LIMIT" => Class::TemplateRejected,
        "isv.BLACK_KEY_CONTROL_LIMIT" | "isv.SMS_CONTENT_ILLEGAL" | "isv.PARAM_NOT_SUPPORT_URL" => {
            Class::ContentRejected
        }

        // Alibaba Cloud itself.
        "isp.SYSTEM_ERROR" | "isp.UNKNOWN_ERROR" | "ServiceUnavailable" => Class::ProviderUnavailable,
        "InternalError" => Class::InDoubt,

        // The request.
        "isv.INVALID_PARAMETERS" | "InvalidVersion" | "InvalidAction.NotFound" => Class::InvalidRequest,
        // The API gateway has one for each field: `MissingPhoneNumbers`.
        _ if code.starts_with("Missing") || is_or_below(code, "InvalidParameter") => Class::InvalidRequest,
        _ => return None,
    })
}

/// What the admin should change, where the provider's text does not say it.
pub(crate) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "isv.DENY_IP_RANGE" => "messages to mainland numbers are accepted only from IP addresses in the mainland",
        "isv.TEMPLATE_MISSING_PARAMETERS" => "the template must have the variable ${code} and no other",
        "isv.TEMPLATE_PARAMS_ILLEGAL" => "a verification template accepts letters and digits only",
        "isv.PARAM_LENGTH_LIMIT" => "the code is longer than the template's variable allows",
        "SignatureDoesNotMatch" => "the AccessKey secret is probably wrong",
        "InvalidTimeStamp.Expired" => "correct the clock of this machine: it is more than 15 minutes off",
        _ => return None,
    })
}

/// The longest wait in seconds for a limit of one number, by the unit in the provider's text: 分钟级 (minute), 小时级 (hour)
/// or 天级 (day).
pub(crate) fn wait(code: &str, text: &str) -> Option<u32> {
    let units = [("分钟级", 60), ("小时级", 3600), ("天级", 86_400)];
    let unit = units.into_iter().find(|(unit, _)| code == "isv.BUSINESS_LIMIT_CONTROL" && text.contains(unit));
    unit.map(|(_, seconds)| seconds)
}

/// Whether `code` is `family` or a code of it: `Throttling` and `Throttling.User`, but not `ThrottlingX`.
fn is_or_below(code: &str, family: &str) -> bool {
    code.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes_have_their_classes() {
        for (codes, want) in [
            ("isv.BUSINESS_LIMIT_CONTROL Throttling Throttling.User Throttling.Api", Class::RateLimited),
            ("isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL", Class::QuotaExceeded),
            ("isv.MOBILE_NUMBER_ILLEGAL isv.MOBILE_COUNT_OVER_LIMIT", Class::InvalidRecipient),
            ("isv.DOMESTIC_NUMBER_NOT_SUPPORTED isv.DENY_IP_RANGE", Class::UnsupportedDestination),
            ("isv.AMOUNT_NOT_ENOUGH isv.OUT_OF_SERVICE", Class::InsufficientBalance),
            (
                "isp.RAM_PERMISSION_DENY isv.ACCOUNT_NOT_EXISTS InvalidAccessKeyId.NotFound SignatureDoesNotMatch \
                 InvalidTimeStamp.Expired SignatureNonceUsed Forbidden.RAM IncompleteSignature InvalidTimeStamp.Format",
                Class::AuthenticationFailed,
            ),
            ("isv.ACCOUNT_ABNORMAL isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE", Class::AccountSuspended),
            (
                "isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL isv.SIGN_STATE_ILLEGAL isv.SMS_SIGNATURE_SCENE_ILLEGAL \
                 isv.EXTEND_CODE_ERROR",
                Class::SenderRejected,
            ),
            (
                "isv.SMS_TEMPLATE_ILLEGAL isv.TEMPLATE_MISSING_PARAMETERS isv.TEMPLATE_PARAMS_ILLEGAL \
                 isv.INVALID_JSON_PARAM isv.PARAM_LENGTH_LIMIT",
                Class::TemplateRejected,
            ),
            ("isv.BLACK_KEY_CONTROL_LIMIT isv.SMS_CONTENT_ILLEGAL isv.PARAM_NOT_SUPPORT_URL", Class::ContentRejected),
            ("isp.SYSTEM_ERROR isp.UNKNOWN_ERROR ServiceUnavailable", Class::ProviderUnavailable),
            ("InternalError", Class::InDoubt),
            (
                "isv.INVALID_PARAMETERS InvalidVersion InvalidAction.NotFound MissingPhoneNumbers InvalidParameter",
                Class::InvalidRequest,
            ),
        ] {
            for code in codes.split(' ') {
                assert_eq!(class_of(code), Some(want), "{code}");
            }
        }
        for unknown in ["", "OK", "isv.", "isv.SOMETHING_NEW", "ThrottlingX", "ForbiddenX"] {
            assert_eq!(class_of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_unit_of_a_limit_is_the_longest_wait() {
        for (code, text, want) in [
            ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", Some(60)),
            ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", Some(3600)),
            ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10", Some(86_400)),
            ("isv.BUSINESS_LIMIT_CONTROL", "too fast", None),
            ("isv.DAY_LIMIT_CONTROL", "触发天级流控", None),
        ] {
            assert_eq!(wait(code, text), want, "{text}");
        }
    }
}
