//! Tencent Cloud's delivery reports: a JSON array of
//! `{user_receive_time, nationcode, mobile, report_status, errmsg, description, sid}`.
//!
//! They are not signed: anyone who knows the callback URL can call it. The URL cannot be guessed, and a report only changes
//! the displayed state of a message.

use sendbox_connector_sdk::{Callback, CallbackError, Config, DeliveryReports, FailureClass, Report, State, Verifier};
use serde::Deserialize;

use crate::Tencent;

#[derive(Deserialize)]
struct Entry {
    sid: Option<String>,
    report_status: Option<String>,
    errmsg: Option<String>,
    description: Option<String>,
    user_receive_time: Option<String>,
}

impl DeliveryReports for Tencent {
    fn parse(callback: &Callback, _: &Config<'_>, _: &mut impl Verifier) -> Result<Vec<Report>, CallbackError> {
        let entries: Vec<Entry> = serde_json::from_str(&callback.body).map_err(|_| CallbackError::Malformed)?;
        let reports: Vec<Report> = entries.into_iter().filter_map(report).collect();
        if reports.is_empty() { Err(CallbackError::Malformed) } else { Ok(reports) }
    }
}

/// `None` for an entry without a message id or a result: replies of users can come to the same URL.
fn report(entry: Entry) -> Option<Report> {
    let message_id = entry.sid.filter(|id| !id.is_empty())?;
    let code = entry.errmsg.filter(|code| !code.is_empty());
    let (state, class) = match entry.report_status?.as_str() {
        "SUCCESS" => (State::Delivered, None),
        "FAIL" => failed(code.as_deref().unwrap_or_default()),
        _ => (State::Unknown, None),
    };
    Some(Report {
        message_id,
        state,
        class,
        provider_code: code,
        text: entry.description,
        at: entry.user_receive_time.filter(|at| !at.is_empty()),
    })
}

/// State and class of a message that was not delivered, by its `errmsg`. Mainland carriers have hundreds of undocumented codes
/// (`MK:0001`), which are kept; their class is unknown.
fn failed(code: &str) -> (State, Option<FailureClass>) {
    use FailureClass as Class;
    let (state, class) = match code {
        "EXPIRED" => return (State::Expired, None),
        "UNKNOWN" => return (State::Unknown, None),
        // The text has a word that the carrier refuses, or is not registered with the carrier.
        "REJECTD" => (State::Rejected, Class::ContentRejected),
        // The carrier refused the number.
        "SUBFAIL" => (State::Rejected, Class::InvalidRecipient),
        // The connection between Tencent Cloud and the carrier failed.
        "COMFAIL" | "WTNFAIL" => (State::Undelivered, Class::ProviderUnavailable),
        _ => (State::Undelivered, Class::Unknown),
    };
    (state, Some(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::{Value, json};

    fn parse_text(body: &str) -> Result<Vec<Report>, CallbackError> {
        Harness::<Tencent>::new(json!({})).parse(&Incoming::body("https://us.example/reports/7", body))
    }

    fn entry(status: &str, code: &str) -> Value {
        json!({
            "user_receive_time": "2015-10-17 08:03:04", "nationcode": "86", "mobile": "1000001",
            "report_status": status, "errmsg": code, "description": "why", "sid": "5000:1045710669157053657849499619",
        })
    }

    #[test]
    fn receipt_codes_become_states() {
        for (status, code, state, class) in [
            ("SUCCESS", "DELIVRD", State::Delivered, None),
            ("FAIL", "UNDELIV", State::Undelivered, Some(FailureClass::Unknown)),
            ("FAIL", "DELETED", State::Undelivered, Some(FailureClass::Unknown)),
            ("FAIL", "EXPIRED", State::Expired, None),
            ("FAIL", "UNKNOWN", State::Unknown, None),
            ("FAIL", "REJECTD", State::Rejected, Some(FailureClass::ContentRejected)),
            ("FAIL", "SUBFAIL", State::Rejected, Some(FailureClass::InvalidRecipient)),
            ("FAIL", "COMFAIL", State::Undelivered, Some(FailureClass::ProviderUnavailable)),
            ("FAIL", "WTNFAIL", State::Undelivered, Some(FailureClass::ProviderUnavailable)),
            ("FAIL", "MK:0001", State::Undelivered, Some(FailureClass::Unknown)),
            ("PENDING", "X", State::Unknown, None),
        ] {
            let want = Report {
                message_id: "5000:1045710669157053657849499619".into(),
                state,
                class,
                provider_code: Some(code.into()),
                text: Some("why".into()),
                at: Some("2015-10-17 08:03:04".into()),
            };
            assert_eq!(parse_text(&json!([entry(status, code)]).to_string()), Ok(vec![want]), "{code}");
        }
    }

    #[test]
    fn one_callback_reports_on_many_and_skips_entries_without_a_message() {
        let mut nameless = entry("SUCCESS", "DELIVRD");
        nameless["sid"] = "".into();
        let body = json!([entry("SUCCESS", "DELIVRD"), nameless, entry("FAIL", ""), { "sid": "1:2" }]);
        let states: Vec<_> = parse_text(&body.to_string()).unwrap().iter().map(|report| report.state).collect();
        assert_eq!(states, [State::Delivered, State::Undelivered]);
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        for body in ["", "{}", "[]", "[1]", "<xml/>", r#"[{"sid":"1:2"}]"#, r#"{"mobile":"1","text":"a reply"}"#] {
            assert_eq!(parse_text(body), Err(CallbackError::Malformed), "{body}");
        }
    }
}
