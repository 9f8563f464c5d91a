//! Passes on what the provider echoed, wherever it can.

use crate::bindings::sendbox::connector::log::{self, Level};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Price, Receipt};
use crate::request::{API, describe, failure, form_body, post, receipt, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let response = match post(vec![text(API)], &form_body(message, "")) {
        Ok(response) => response,
        Err(error) => return Err(failure(FailureClass::Unknown, &describe(&error))),
    };
    let echoed = response.headers.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ")
        + &String::from_utf8_lossy(&response.body);
    match aim {
        "failure" => {
            Err(Failure { provider_code: Some(echoed.clone()), ..failure(FailureClass::AuthenticationFailed, &echoed) })
        }
        "log" => {
            log::log(Level::Info, &echoed);
            eprintln!("{echoed}");
            Ok(receipt())
        }
        "trap" => panic!("{echoed}"),
        "receipt" => Ok(Receipt {
            message_id: Some(echoed.clone()),
            status: Some(echoed.clone()),
            segments: None,
            price: Some(Price { amount: echoed.clone(), currency: echoed }),
        }),
        other => panic!("no such aim: {other}"),
    }
}
