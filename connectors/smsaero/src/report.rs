//! SMS Aero's status callbacks: the `id` and the `status` of a message, as JSON, which [`request`](crate::request) asks for, or as
//! a form.
//!
//! They are not signed. The callback URL, which cannot be guessed, is the only protection.

use sendbox_connector_sdk::{
    Callback, CallbackError, Config, DeliveryReports, FailureClass, Report, State, Verifier, scalar,
};
use serde_json::Value;

use crate::SmsAero;

impl DeliveryReports for SmsAero {
    fn parse(callback: &Callback, _: &Config<'_>, _: &mut impl Verifier) -> Result<Vec<Report>, CallbackError> {
        let body: Option<Value> = serde_json::from_str(&callback.body).ok();
        // The API's responses have the message in `data`; a callback may have it there or at the top level.
        let members = body.as_ref().and_then(|body| body.get("data").filter(|data| data.is_object()).or(Some(body)));
        let field = |name: &str| {
            let member = members.and_then(|members| members.get(name)).and_then(scalar);
            member.or_else(|| callback.form_value(name).map(str::to_owned))
        };
        let id = field("id").filter(|id| !id.is_empty()).ok_or(CallbackError::Malformed)?;
        let status = field("status").filter(|status| !status.is_empty()).ok_or(CallbackError::Malformed)?;
        let state = state(&status);
        let failed = state.is_failure();
        Ok(vec![Report {
            message_id: id,
            state,
            // SMS Aero gives no reason.
            class: failed.then_some(FailureClass::Unknown),
            provider_code: failed.then_some(status),
            text: field("extendStatus"),
            at: field("dateAnswer").or_else(|| field("dateSend")),
        }])
    }
}

fn state(status: &str) -> State {
    match status {
        // Queue, moderation.
        "0" | "8" => State::Queued,
        "1" => State::Delivered,
        "2" => State::Undelivered,
        // Sent to the operator, waiting for the operator.
        "3" | "4" => State::Sent,
        "6" => State::Rejected,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::json;

    const URL: &str = "https://us.example/reports/7";

    fn parse(incoming: &Incoming) -> Result<Vec<Report>, CallbackError> {
        Harness::<SmsAero>::new(json!({})).parse(incoming)
    }

    #[test]
    fn statuses_become_states() {
        for (status, state, class) in [
            ("0", State::Queued, None),
            ("8", State::Queued, None),
            ("3", State::Sent, None),
            ("4", State::Sent, None),
            ("1", State::Delivered, None),
            ("2", State::Undelivered, Some(FailureClass::Unknown)),
            ("6", State::Rejected, Some(FailureClass::Unknown)),
            ("99", State::Unknown, None),
        ] {
            let want = Report {
                message_id: "12345".into(),
                state,
                class,
                provider_code: class.map(|_| status.to_owned()),
                text: Some("word".into()),
                at: Some("1719115825".into()),
            };
            let json = format!(r#"{{"id":12345,"status":{status},"extendStatus":"word","dateAnswer":1719115825}}"#);
            let enveloped = format!(r#"{{"success":true,"data":{json}}}"#);
            assert_eq!(parse(&Incoming::body(URL, &json)), Ok(vec![want.clone()]));
            assert_eq!(parse(&Incoming::body(URL, &enveloped)), Ok(vec![want.clone()]));
            let form = [("id", "12345"), ("status", status), ("extendStatus", "word"), ("dateAnswer", "1719115825")];
            assert_eq!(parse(&Incoming::form(URL, &form)), Ok(vec![want]));
        }
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        for body in
            ["", "{}", "[]", r#"{"id":1}"#, r#"{"status":1}"#, r#"{"id":"","status":1}"#, r#"{"id":{},"status":1}"#]
        {
            assert_eq!(parse(&Incoming::body(URL, body)), Err(CallbackError::Malformed), "{body}");
        }
    }
}
