//! Tencent Cloud's error codes and what each means for the message.
//!
//! Sources: the error code page of SendSms (2021-01-11), the public error codes of API 3.0, and the receipt codes of the SMS
//! documentation. A code is a family and, after a dot, a reason; a family that is known answers for a reason that is not.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of a code that answers the request; `None` for a code that is not in the table.
pub(crate) fn class_of(code: &str) -> Option<Class> {
    let (family, reason) = code.split_once('.').unwrap_or((code, ""));
    Some(match (family, reason) {
        // Credentials, and whether they may do this.
        ("AuthFailure" | "UnauthorizedOperation", _) if !is_account_state(reason) => Class::AuthenticationFailed,
        ("UnauthorizedOperation", "SdkAppIdIsDisabled") => Class::AccountSuspended,
        ("UnauthorizedOperation", "ServiceSuspendDueToArrears") => Class::InsufficientBalance,
        ("FailedOperation", "InsufficientBalanceInSmsPackage") => Class::InsufficientBalance,
        // This machine's clock is off.
        ("InternalError", "RequestTimeException") => Class::AuthenticationFailed,

        // Where it may go.
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

        // Too much: the application's cap for the day, or anything that passes sooner or concerns one number.
        ("LimitExceeded", "AppDailyLimit" | "AppGlobalDailyLimit" | "AppMainlandChinaDailyLimit" | "DailyLimit") => {
            Class::QuotaExceeded
        }
        ("LimitExceeded" | "RequestLimitExceeded", _) => Class::RateLimited,

        // The number that the message is for.
        ("InvalidParameterValue", "IncorrectPhoneNumber") => Class::InvalidRecipient,
        ("FailedOperation", "PhoneNumberParseFail") => Class::InvalidRecipient,
        ("FailedOperation", "PhoneNumberInBlacklist") => Class::RecipientUnsubscribed,

        // The sender: Tencent's word for it is signature.
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

        // Tencent itself.
        ("InternalError" | "ServiceUnavailable", _) => Class::ProviderUnavailable,

        // The request.
        ("InvalidParameter" | "InvalidParameterValue" | "MissingParameter", _) => Class::InvalidRequest,
        ("InvalidAction" | "InvalidRequest" | "NoSuchVersion" | "UnknownParameter", "") => Class::InvalidRequest,
        _ => return None,
    })
}

/// Reasons below `UnauthorizedOperation` that say nothing about credentials.
fn is_account_state(reason: &str) -> bool {
    matches!(reason, "SdkAppIdIsDisabled" | "ServiceSuspendDueToArrears")
}

/// What to change, where the provider's own text does not say it.
pub(crate) fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidParameterValue.TemplateParameterFormatError" => {
            "a verification template takes codes of up to 6 digits: set shorter codes, or digits only"
        }
        "InvalidParameterValue.TemplateParameterLengthLimit" => {
            "the code is longer than this account's templates allow"
        }
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate" => {
            "the template must have exactly one variable, {1}"
        }
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone" => {
            "give the template as {\"china\": …, \"overseas\": …}, with an approved overseas template"
        }
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone" => {
            "give the template as {\"china\": …, \"overseas\": …}, with an approved mainland template"
        }
        "AuthFailure.SignatureExpire" | "InternalError.RequestTimeException" => {
            "set this machine's clock: it is more than 5 minutes off"
        }
        _ => return None,
    })
}

/// Seconds until a limit for one number ends at the latest, where the code names the time.
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
