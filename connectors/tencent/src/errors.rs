//! Tencent Cloud's error codes and their failure classes.
//!
//! Sources: the error code page of SendSms (2021-01-11), the public error codes of API 3.0, and the receipt codes of the SMS
//! documentation. A code is a family and, after a dot, a reason. For an unknown reason, a known family decides.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of an error code in a response; `None` for an unknown code.
pub(crate) fn class_of(code: &str) -> Option<Class> {
    let (family, reason) = code.split_once('.').unwrap_or((code, ""));
    Some(match (family, reason) {
        // Credentials and permissions.
        ("AuthFailure" | "UnauthorizedOperation", _) if !is_account_state(reason) => Class::AuthenticationFailed,
        ("UnauthorizedOperation", "SdkAppIdIsDisabled") => Class::AccountSuspended,
        ("UnauthorizedOperation", "ServiceSuspendDueToArrears") => Class::InsufficientBalance,
        ("FailedOperation", "InsufficientBalanceInSmsPackage") => Class::InsufficientBalance,
        // The clock of this machine is wrong.
        ("InternalError", "RequestTimeException") => Class::AuthenticationFailed,

        // Destinations.
        ("LimitExceeded", "AppCountryOrRegionInBlacklist" | "AppCountryOrRegionDailyLimit") => {
            Class::UnsupportedDestination
        }
        (
            "UnsupportedOperation",
            "UnsupportedRegion"
            | "ChineseMainlandTemplateToGlobalPhone"
            | "GlobalTemplateToChineseMainlandPhone"
            | "ContainDomesticAndInternationalPhoneNumber",
        ) => Class::UnsupportedDestination,

        // The limit of the application for the day; other limits are shorter or concern one number.
        ("LimitExceeded", "AppDailyLimit" | "AppGlobalDailyLimit" | "AppMainlandChinaDailyLimit" | "DailyLimit") => {
            Class::QuotaExceeded
        }
        ("LimitExceeded" | "RequestLimitExceeded", _) => Class::RateLimited,

        // The recipient.
        ("InvalidParameterValue", "IncorrectPhoneNumber") => Class::InvalidRecipient,
        ("FailedOperation", "PhoneNumberParseFail") => Class::InvalidRecipient,
        ("FailedOperation", "PhoneNumberInBlacklist") => Class::RecipientUnsubscribed,

        // The sender, which Tencent Cloud calls signature.
        ("FailedOperation", "SignatureIncorrectOrUnapproved") => Class::SenderRejected,
        ("FailedOperation", reason) if reason.starts_with("MissingSignature") => Class::SenderRejected,

        // Template and content.
        (
            "FailedOperation",
            "TemplateIncorrectOrUnapproved"
            | "TemplateUnapprovedOrNotExist"
            | "TemplateParamSetNotMatchApprovedTemplate",
        ) => Class::TemplateRejected,
        (
            "InvalidParameterValue",
            "TemplateParameterFormatError" | "TemplateParameterLengthLimit" | "ProhibitedUseUrlInTemplateParameter",
        ) => Class::TemplateRejected,
        ("FailedOperation", "ContainSensitiveWord") | ("InvalidParameter", "DirtyWordFound") => Class::ContentRejected,

        // Tencent Cloud itself.
        ("InternalError" | "ServiceUnavailable", _) => Class::ProviderUnavailable,

        // The request.
        ("InvalidParameter" | "InvalidParameterValue" | "MissingParameter", _) => Class::InvalidRequest,
        ("InvalidAction" | "InvalidRequest" | "NoSuchVersion" | "UnknownParameter", "") => Class::InvalidRequest,
        _ => return None,
    })
}

/// Reasons of `UnauthorizedOperation` that do not concern credentials.
fn is_account_state(reason: &str) -> bool {
    matches!(reason, "SdkAppIdIsDisabled" | "ServiceSuspendDueToArrears")
}

/// What the admin should change, where the provider's text does not say it.
pub(crate) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidParameterValue.TemplateParameterFormatError" => {
            "a verification template accepts codes of up to 6 digits: use shorter codes, with digits only"
        }
        "InvalidParameterValue.TemplateParameterLengthLimit" => {
            "the code is longer than this account's templates allow"
        }
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate" => {
            "the template must have exactly one variable, {1}"
        }
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone" => {
            "enter the template as {\"china\": …, \"overseas\": …}, with an approved overseas template"
        }
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone" => {
            "enter the template as {\"china\": …, \"overseas\": …}, with an approved mainland template"
        }
        "AuthFailure.SignatureExpire" | "InternalError.RequestTimeException" => {
            "correct the clock of this machine: it is more than 5 minutes off"
        }
        _ => return None,
    })
}

/// The longest wait in seconds for a limit of one number, if the code names it.
pub(crate) fn wait(code: &str) -> Option<u32> {
    Some(match code {
        "LimitExceeded.PhoneNumberThirtySecondLimit" => 30,
        "LimitExceeded.PhoneNumberOneHourLimit" => 3600,
        "LimitExceeded.PhoneNumberDailyLimit" | "LimitExceeded.PhoneNumberSameContentDailyLimit" => 86_400,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes_have_their_classes() {
        for (family, reasons, want) in [
            (
                "AuthFailure",
                "SecretIdNotFound SignatureFailure SignatureExpire InvalidAuthorization TokenFailure MFAFailure \
                 InvalidSecretId UnauthorizedOperation",
                Class::AuthenticationFailed,
            ),
            (
                "UnauthorizedOperation",
                "SmsSdkAppIdVerifyFail RequestIpNotInWhitelist RequestPermissionDeny",
                Class::AuthenticationFailed,
            ),
            ("InternalError", "RequestTimeException", Class::AuthenticationFailed),
            (
                "LimitExceeded",
                "PhoneNumberThirtySecondLimit PhoneNumberOneHourLimit PhoneNumberDailyLimit \
                 PhoneNumberSameContentDailyLimit DeliveryFrequencyLimit GlobalSmsSendingRateLimit",
                Class::RateLimited,
            ),
            (
                "LimitExceeded",
                "AppDailyLimit AppGlobalDailyLimit AppMainlandChinaDailyLimit DailyLimit",
                Class::QuotaExceeded,
            ),
            ("RequestLimitExceeded", "UinLimitExceeded IPLimitExceeded", Class::RateLimited),
            (
                "LimitExceeded",
                "AppCountryOrRegionInBlacklist AppCountryOrRegionDailyLimit",
                Class::UnsupportedDestination,
            ),
            (
                "UnsupportedOperation",
                "UnsupportedRegion ChineseMainlandTemplateToGlobalPhone GlobalTemplateToChineseMainlandPhone \
                 ContainDomesticAndInternationalPhoneNumber",
                Class::UnsupportedDestination,
            ),
            ("InvalidParameterValue", "IncorrectPhoneNumber", Class::InvalidRecipient),
            ("FailedOperation", "PhoneNumberParseFail", Class::InvalidRecipient),
            ("FailedOperation", "PhoneNumberInBlacklist", Class::RecipientUnsubscribed),
            ("FailedOperation", "InsufficientBalanceInSmsPackage", Class::InsufficientBalance),
            ("UnauthorizedOperation", "ServiceSuspendDueToArrears", Class::InsufficientBalance),
            (
                "FailedOperation",
                "SignatureIncorrectOrUnapproved MissingSignature MissingSignatureList MissingSignatureToModify",
                Class::SenderRejected,
            ),
            (
                "FailedOperation",
                "TemplateIncorrectOrUnapproved TemplateUnapprovedOrNotExist TemplateParamSetNotMatchApprovedTemplate",
                Class::TemplateRejected,
            ),
            (
                "InvalidParameterValue",
                "TemplateParameterFormatError TemplateParameterLengthLimit ProhibitedUseUrlInTemplateParameter",
                Class::TemplateRejected,
            ),
            ("FailedOperation", "ContainSensitiveWord", Class::ContentRejected),
            ("InvalidParameter", "DirtyWordFound", Class::ContentRejected),
            ("UnauthorizedOperation", "SdkAppIdIsDisabled", Class::AccountSuspended),
            ("InternalError", "Timeout SendAndRecvFail OtherError UnknownError", Class::ProviderUnavailable),
            ("InvalidParameterValue", "SdkAppIdNotExist ContentLengthLimit", Class::InvalidRequest),
            ("MissingParameter", "EmptyPhoneNumberSet", Class::InvalidRequest),
        ] {
            for reason in reasons.split(' ') {
                assert_eq!(class_of(&format!("{family}.{reason}")), Some(want), "{family}.{reason}");
            }
        }
        for (family, want) in [
            ("RequestLimitExceeded", Some(Class::RateLimited)),
            ("InternalError", Some(Class::ProviderUnavailable)),
            ("InvalidParameter", Some(Class::InvalidRequest)),
            ("MissingParameter", Some(Class::InvalidRequest)),
            ("AuthFailure", Some(Class::AuthenticationFailed)),
            ("UnauthorizedOperation", Some(Class::AuthenticationFailed)),
            ("FailedOperation", None),
            ("FailedOperation.MarketingSendTimeConstraint", None),
            ("UnsupportedOperation", None),
            ("Ok", None),
            ("", None),
            ("AuthFailureX", None),
        ] {
            assert_eq!(class_of(family), want, "{family}");
        }
    }
}
