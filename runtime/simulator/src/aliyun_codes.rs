//! Aliyun's error codes, the HTTP status that each arrives with, and its text.
//!
//! Source: the error code pages of SendSms (2017-05-25) and of the API gateway. Codes of the service (`isv.`, `isp.`) come
//! with 200, codes of the gateway with the status that it documents; `unconfirmed` marks what no page was found for.

/// One documented error.
pub(crate) struct AliyunCode {
    pub(crate) code: &'static str,
    /// HTTP status of its response.
    pub(crate) status: u16,
    pub(crate) message: &'static str,
}

const fn service(code: &'static str, message: &'static str) -> AliyunCode {
    AliyunCode { code, status: 200, message }
}

const fn gateway(code: &'static str, status: u16, message: &'static str) -> AliyunCode {
    AliyunCode { code, status, message }
}

/// All codes that the simulator responds with, by itself or as an injected fault.
pub(crate) const CODES: &[AliyunCode] = &[
    service("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"),
    service("isv.DAY_LIMIT_CONTROL", "触发日发送限额"),
    service("isv.MONTH_LIMIT_CONTROL", "触发月发送限额"),
    service("isv.MOBILE_NUMBER_ILLEGAL", "invalid mobile number"),
    service("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制"),
    service("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "国际/港澳台消息模板不支持发送境内号码"),
    service("isv.DENY_IP_RANGE", "源IP地址所在的地区被禁用"),
    service("isv.AMOUNT_NOT_ENOUGH", "账户余额不足"),
    service("isv.OUT_OF_SERVICE", "业务停机"),
    service("isp.RAM_PERMISSION_DENY", "RAM权限DENY"),
    service("isv.ACCOUNT_NOT_EXISTS", "账户不存在"),
    service("isv.ACCOUNT_ABNORMAL", "账户异常"),
    service("isv.PRODUCT_UN_SUBSCRIPT", "未开通云通信产品的阿里云客户"),
    service("isv.PRODUCT_UNSUBSCRIBE", "产品未开通"),
    service("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名"),
    service("isv.SMS_SIGN_ILLEGAL", "签名禁止使用"),
    service("isv.SIGN_STATE_ILLEGAL", "签名状态异常"),
    service("isv.SMS_SIGNATURE_SCENE_ILLEGAL", "签名和模板类型不一致"),
    service("isv.EXTEND_CODE_ERROR", "扩展码使用错误"),
    service("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板"),
    service("isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值"),
    service("isv.TEMPLATE_PARAMS_ILLEGAL", "Params must be [a-zA-Z0-9] for verification sms"),
    service("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值"),
    service("isv.PARAM_LENGTH_LIMIT", "参数超出长度限制"),
    service("isv.BLACK_KEY_CONTROL_LIMIT", "黑名单管控"),
    service("isv.SMS_CONTENT_ILLEGAL", "短信内容包含禁止发送内容"),
    service("isv.PARAM_NOT_SUPPORT_URL", "变量不支持透传URL"),
    service("isp.SYSTEM_ERROR", "系统错误"),
    service("isp.UNKNOWN_ERROR", "未知错误"),
    service("isv.INVALID_PARAMETERS", "参数异常"),
    gateway("Throttling", 400, "Request was denied due to request throttling."),
    gateway("Throttling.User", 400, "Request was denied due to user flow control."),
    gateway("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."),
    gateway("SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation."),
    gateway("IncompleteSignature", 400, "The request signature does not conform to Aliyun standards."),
    gateway("InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted."),
    gateway("InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired."),
    gateway("SignatureNonceUsed", 400, "Specified signature nonce was used already."),
    gateway(
        "Forbidden.RAM",
        403,
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    ),
    gateway("InvalidVersion", 400, "Specified parameter Version is not valid."), // status unconfirmed
    gateway("InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method."),
    gateway("InvalidParameter", 400, "The specified parameter is not valid."), // code unconfirmed
    gateway("UnsupportedHTTPMethod", 405, "This http method is not supported."), // status unconfirmed
    gateway("UnsupportedContentType", 415, "This content type is not supported."), // code unconfirmed
    gateway("InternalError", 500, "The request processing has failed due to some unknown error, exception or failure."),
    gateway("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."),
];

/// The entry of a code.
pub(crate) fn find(code: &str) -> Option<&'static AliyunCode> {
    CODES.iter().find(|entry| entry.code == code)
}

/// The code that the gateway gives an HTTP status without a reason of its own.
pub(crate) fn for_status(status: u16) -> &'static str {
    match status {
        200..=399 => "OK",
        401 | 403 => "Forbidden.RAM",
        404 => "InvalidAction.NotFound",
        429 => "Throttling",
        503 => "ServiceUnavailable",
        500..=599 => "InternalError",
        _ => "InvalidParameter",
    }
}
