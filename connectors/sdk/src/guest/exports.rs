//! The functions that the host calls, implemented by a connector.

use std::rc::Rc;

use crate::config::Config;
use crate::connector::{Connector, DeliveryReports};
use crate::guest::bindings::imports::{sealed as wit, types};
use crate::guest::bindings::{blind, reports};
use crate::guest::evaluator::{CallHandles, Evaluator, HostParameters};
use crate::guest::{Component, convert};
use crate::message::{Attempt, Content, Message, Recipient, TextContent, Variable};
use crate::report::{Callback, CallbackError, Field, State};
use crate::sealed::{Sealed, Source};

use blind::exports::sendbox::connector::connector;
use reports::exports::sendbox::connector::delivery_reports;

impl<C: Connector> connector::Guest for Component<C> {
    fn metadata() -> types::ConnectorMetadata {
        convert::metadata(C::metadata())
    }

    fn send(message: types::Message) -> Result<types::Receipt, types::Failure> {
        let (message, handles) = receive_message(message);
        let parameters = HostParameters::default();
        let mut evaluator = Evaluator::new(handles, &parameters);
        C::send(&message, &Config::new(&parameters), &mut evaluator).map(convert::receipt).map_err(convert::failure)
    }
}

impl<C: DeliveryReports> delivery_reports::Guest for Component<C> {
    fn parse(
        callback: delivery_reports::Callback,
    ) -> Result<Vec<delivery_reports::Report>, delivery_reports::ReportError> {
        let mut handles = CallHandles::default();
        let headers = fields(callback.headers, &mut handles.headers, Source::CallbackHeader);
        let query = fields(callback.query, &mut handles.query, Source::CallbackQuery);
        let form = fields(callback.form, &mut handles.form, Source::CallbackForm);
        handles.url = Some(Rc::new(callback.sealed_url));
        handles.body = Some(Rc::new(callback.sealed_body));
        let callback = Callback {
            method: callback.method,
            url: callback.url,
            headers,
            query,
            form,
            body: callback.body,
            sealed_url: Sealed::of(Source::CallbackUrl),
            sealed_body: Sealed::of(Source::CallbackBody),
        };
        let parameters = HostParameters::default();
        let mut evaluator = Evaluator::new(handles, &parameters);
        let reports = C::parse(&callback, &Config::new(&parameters), &mut evaluator).map_err(|error| match error {
            CallbackError::NotAuthentic => delivery_reports::ReportError::NotAuthentic,
            CallbackError::Malformed => delivery_reports::ReportError::Malformed,
        })?;
        Ok(reports
            .into_iter()
            .map(|report| delivery_reports::Report {
                message_id: report.message_id,
                state: match report.state {
                    State::Queued => delivery_reports::State::Queued,
                    State::Sent => delivery_reports::State::Sent,
                    State::Delivered => delivery_reports::State::Delivered,
                    State::Undelivered => delivery_reports::State::Undelivered,
                    State::Expired => delivery_reports::State::Expired,
                    State::Rejected => delivery_reports::State::Rejected,
                    State::Unknown => delivery_reports::State::Unknown,
                },
                class: report.class.map(convert::failure_class),
                provider_code: report.provider_code,
                text: report.text,
                at: report.at,
            })
            .collect())
    }
}

fn fields(
    received: Vec<delivery_reports::Field>,
    handles: &mut Vec<Rc<wit::Sealed>>,
    source: fn(usize) -> Source,
) -> Vec<Field> {
    received
        .into_iter()
        .enumerate()
        .map(|(index, field)| {
            handles.push(Rc::new(field.sealed));
            Field { name: field.name, value: field.value, sealed: Sealed::of(source(index)) }
        })
        .collect()
}

/// The host's message as the SDK's, and its sealed values.
fn receive_message(message: types::Message) -> (Message, CallHandles) {
    let mut handles = CallHandles::default();
    let recipient = Recipient {
        e164: Sealed::of(Source::RecipientE164),
        digits: Sealed::of(Source::RecipientDigits),
        national: Sealed::of(Source::RecipientNational),
        country: message.recipient.country,
        calling_code: message.recipient.calling_code,
    };
    handles.recipient =
        Some([message.recipient.e164, message.recipient.digits, message.recipient.national].map(Rc::new));
    let content = match message.content {
        types::Content::Text(content) => {
            handles.text = Some(Rc::new(content.text));
            Content::Text(TextContent {
                text: Sealed::of(Source::Text),
                encoding: convert::text_encoding(content.encoding),
                segments: content.segments,
                units: content.units,
            })
        }
        types::Content::Template(content) => Content::Template {
            template: content.template,
            variables: variables(content.variables, &mut handles.variables),
        },
        types::Content::Variables(list) => Content::Variables(variables(list, &mut handles.variables)),
    };
    handles.client_ip = message.client_ip.map(Rc::new);
    let client_ip = handles.client_ip.is_some().then(|| Sealed::of(Source::ClientIp));
    let message = Message {
        recipient,
        usage: convert::usage(message.usage),
        locale: message.locale,
        content,
        lifetime_seconds: message.lifetime_seconds,
        client_ip,
        message_key: message.message_key,
        attempt: Attempt {
            number: message.attempt.number,
            started_at: message.attempt.started_at,
            nonce: message.attempt.nonce,
        },
    };
    (message, handles)
}

fn variables(received: Vec<types::Variable>, handles: &mut Vec<Rc<wit::Sealed>>) -> Vec<Variable> {
    received
        .into_iter()
        .enumerate()
        .map(|(index, variable)| {
            handles.push(Rc::new(variable.value));
            Variable { name: variable.name, value: Sealed::of(Source::Variable(index)) }
        })
        .collect()
}
