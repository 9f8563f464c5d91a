//! Tencent Cloud's error codes and their texts.
//!
//! Source: the error code pages of SendSms (2021-01-11) and of API 3.0. Every one arrives with HTTP 200: as `Error` when the
//! request was refused, with the number when the message was.

/// One documented error.
pub(crate) struct TencentCode {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    /// Whether it is reported with the number instead of in `Error`.
    pub(crate) beside_number: bool,
}

const fn request(code: &'static str, message: &'static str) -> TencentCode {
    TencentCode { code, message, beside_number: false }
}

const fn number(code: &'static str, message: &'static str) -> TencentCode {
    TencentCode { code, message, beside_number: true }
}

/// All codes that the simulator responds with, by itself or as an injected fault.
pub(crate) const CODES: &[TencentCode] = &[
    request("AuthFailure", "CAM signature/authentication error."),
    request(
        "AuthFailure.InvalidAuthorization",
        "The `Authorization` in the request header does not meet the Tencent Cloud standard.",
    ),
    request("AuthFailure.InvalidSecretId", "Invalid key (not a TencentCloud API key type)."),
    request("AuthFailure.MFAFailure", "MFA error."),
    request("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that your SecretId is correct."),
    request("AuthFailure.SignatureExpire", "Signature expired."),
    request(
        "AuthFailure.SignatureFailure",
        "The provided credentials could not be validated. Please check your signature is correct.",
    ),
    request("AuthFailure.TokenFailure", "Token error."),
    request("AuthFailure.UnauthorizedOperation", "The request is not authorized by CAM."),
    request("UnauthorizedOperation", "Unauthorized operation."),
    request("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verification failed."),
    request("UnauthorizedOperation.RequestIpNotInWhitelist", "The request IP is not in the whitelist."),
    request("UnauthorizedOperation.RequestPermissionDeny", "The request is not authorized."),
    request("UnauthorizedOperation.SdkAppIdIsDisabled", "The SdkAppId is disabled."),
    request("UnauthorizedOperation.ServiceSuspendDueToArrears", "Your service has been suspended due to arrears."),
    request("InternalError", "Internal error."),
    request("InternalError.OtherError", "Other error."),
    request("InternalError.RequestTimeException", "The request initiation time is abnormal."),
    request("InternalError.SendAndRecvFail", "The API or sending timed out."),
    request("InternalError.Timeout", "The request timed out."),
    request("InternalError.UnknownError", "Unknown error."),
    request("RequestLimitExceeded", "The number of requests exceeds the frequency limit."),
    request("RequestLimitExceeded.IPLimitExceeded", "The number of requests exceeds the limit of this IP."),
    request("RequestLimitExceeded.UinLimitExceeded", "The number of requests exceeds the limit of this account."),
    request("LimitExceeded.PhoneNumberCountLimit", "The number of mobile numbers in one request exceeds the limit."),
    request(
        "UnsupportedProtocol",
        "The HTTP(S) request protocol is not supported; only GET and POST requests are supported.",
    ),
    request("NoSuchVersion", "The API version does not exist."),
    request("InvalidAction", "The API does not exist."),
    request("InvalidRequest", "The multipart format of the request body is incorrect."),
    request("UnknownParameter", "Unknown parameter error."),
    request("InvalidParameter", "Parameter error."),
    request("InvalidParameter.DirtyWordFound", "There is a sensitive word."),
    request("InvalidParameterValue", "Parameter value error."),
    request("InvalidParameterValue.SdkAppIdNotExist", "The SdkAppId does not exist."),
    request("MissingParameter", "Missing parameter."),
    request("MissingParameter.EmptyPhoneNumberSet", "The list of mobile numbers is empty."),
    request("ServiceUnavailable", "The service is currently unavailable."), // from API 3.0's list, unconfirmed for SMS
    number(
        "LimitExceeded.PhoneNumberThirtySecondLimit",
        "the number of SMS messages sent from a single mobile number within 30 seconds exceeds the upper limit",
    ),
    number(
        "LimitExceeded.PhoneNumberOneHourLimit",
        "the number of sms messages sent from a single mobile number within one hour exceeds the upper limit",
    ),
    number(
        "LimitExceeded.PhoneNumberDailyLimit",
        "the number of sms messages sent from a single mobile number every day exceeds the upper limit",
    ),
    number(
        "LimitExceeded.PhoneNumberSameContentDailyLimit",
        "the number of sms messages with the same content sent to a single mobile number exceeds the upper limit",
    ),
    number("LimitExceeded.DeliveryFrequencyLimit", "delivery frequency limit"),
    number("LimitExceeded.GlobalSmsSendingRateLimit", "global sms sending rate limit"),
    number(
        "LimitExceeded.AppDailyLimit",
        "the number of sms messages sent by the application in a day exceeds the upper limit",
    ),
    number(
        "LimitExceeded.AppGlobalDailyLimit",
        "the number of global sms messages sent by the application in a day exceeds the upper limit",
    ),
    number(
        "LimitExceeded.AppMainlandChinaDailyLimit",
        "the number of mainland sms messages sent by the application in a day exceeds the upper limit",
    ),
    number("LimitExceeded.DailyLimit", "the number of sms messages sent in a day exceeds the upper limit"),
    number("LimitExceeded.AppCountryOrRegionInBlacklist", "the country or region is not in the list of those allowed"),
    number("LimitExceeded.AppCountryOrRegionDailyLimit", "the daily limit of the country or region is exceeded"),
    number("UnsupportedOperation.UnsupportedRegion", "the region is not supported"),
    number("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", "chinese mainland template to global phone"),
    number("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", "global template to chinese mainland phone"),
    number(
        "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        "contain domestic and international phone number",
    ),
    number("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number"),
    number("InvalidParameterValue.ContentLengthLimit", "the content of the sms message is too long"),
    number("InvalidParameterValue.TemplateParameterFormatError", "verification code template parameter format error"),
    number("InvalidParameterValue.TemplateParameterLengthLimit", "template parameter length limit"),
    number("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "prohibited use url in template parameter"),
    number("FailedOperation.PhoneNumberParseFail", "phone number parse fail"),
    number("FailedOperation.PhoneNumberInBlacklist", "phone number in blacklist"),
    number("FailedOperation.InsufficientBalanceInSmsPackage", "insufficient balance in sms package"),
    number("FailedOperation.SignatureIncorrectOrUnapproved", "signature is incorrect or unapproved"),
    number("FailedOperation.MissingSignature", "missing signature"),
    number("FailedOperation.MissingSignatureList", "missing signature list"),
    number("FailedOperation.MissingSignatureToModify", "missing signature to modify"),
    number("FailedOperation.TemplateIncorrectOrUnapproved", "template is incorrect or unapproved"),
    number("FailedOperation.TemplateUnapprovedOrNotExist", "template is not approved or does not exist"),
    number(
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
        "request content does not match the template content",
    ),
    number("FailedOperation.ContainSensitiveWord", "the sms content contains sensitive words"),
];

/// The entry of a code.
pub(crate) fn find(code: &str) -> Option<&'static TencentCode> {
    CODES.iter().find(|entry| entry.code == code)
}

/// The code for an HTTP status that Tencent itself does not use.
pub(crate) fn for_status(status: u16) -> &'static str {
    match status {
        401 | 403 => "AuthFailure.UnauthorizedOperation",
        429 => "RequestLimitExceeded",
        503 => "ServiceUnavailable",
        500..=599 => "InternalError",
        _ => "InvalidParameter",
    }
}
