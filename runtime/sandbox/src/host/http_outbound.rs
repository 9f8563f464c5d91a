//! `http-outbound`: assemble, judge, let out, scrub.

use std::sync::Arc;

use sendbox_policy::Method;

use super::sealed::Part;
use crate::call::{CallState, Outside, RequestRecord};
use crate::egress::permit::{Assembled, Draft, Permitted, Rules, permit};
use crate::egress::{Answer, EgressError, EgressErrorKind, LeavingFlag};
use crate::outcome::RequestSent;
use crate::trace::{TraceKind, excerpt};

/// A request as it comes over the ABI.
pub(crate) struct GuestRequest {
    pub(crate) method: Method,
    pub(crate) url: Vec<Part>,
    pub(crate) headers: Vec<(String, Vec<Part>)>,
    pub(crate) body: Vec<Part>,
}

/// An answer as it goes to the guest: scrubbed.
pub(crate) struct GuestResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Ends a dry run: there is no answer that the connector could go on with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the dry run ends here")]
pub(crate) struct DryRunEnds;

impl CallState {
    pub(crate) async fn http_send(
        &mut self,
        request: GuestRequest,
    ) -> wasmtime::Result<Result<GuestResponse, EgressError>> {
        self.enter("http-outbound.send")?;
        self.meter.requests += 1;
        if self.meter.requests > self.limits.requests {
            let message = format!("this send has made its {} requests", self.limits.requests);
            return Ok(Err(EgressError::unsent(EgressErrorKind::TooManyRequests, message)));
        }
        if self.outside.is_none() {
            return Ok(Err(EgressError::unsent(EgressErrorKind::Denied, "no request may be made here")));
        }
        if let Some(message) = self.too_large(&request)? {
            self.trace.push(TraceKind::Refused { reason: message.clone() });
            return Ok(Err(EgressError::unsent(EgressErrorKind::InvalidRequest, message)));
        }
        let draft = self.draft(&request)?;
        self.remember_sealed(&request)?;
        let mut record = RequestRecord {
            method: draft.method.name().to_owned(),
            // What a grant let the connector read, it may have written down in clear.
            url: self.scrubber.scrub_text(&draft.url.masked),
            headers: draft
                .headers
                .iter()
                .map(|(name, value)| (self.scrubber.scrub_text(name), self.scrubber.scrub_text(&value.masked)))
                .collect(),
            body: self.scrubber.scrub_text(&draft.body.masked),
            carries_message: false,
            clear: None,
        };
        let Some(outside) = &self.outside else {
            return Ok(Err(EgressError::unsent(EgressErrorKind::Denied, "no request may be made here")));
        };
        let message_rule = outside.rule.message_rule();
        let rules = Rules {
            grant: &outside.grant,
            message: &message_rule,
            limits: &self.limits,
            message_gone: self.message_sent != RequestSent::No,
            pool: &outside.pool,
        };
        let permitted = match permit(draft, &rules) {
            Ok(permitted) => permitted,
            Err(refused) => {
                match refused.violation {
                    Some(violation) => self.refuse(violation),
                    None => {
                        let reason = self.scrubber.scrub_text(&refused.error.message);
                        self.trace.push(TraceKind::Refused { reason });
                    }
                }
                return Ok(Err(refused.error));
            }
        };
        record.carries_message = permitted.carries_message();
        let from_guest = record.headers.len();
        record.headers.extend(permitted.added_headers(from_guest));
        if let Some(dry_run) = outside.dry_run {
            record.clear = dry_run.show_sealed.then(|| permitted.in_clear());
            self.requests.push(record);
            self.dry_run_done = true;
            return Err(wasmtime::Error::from(DryRunEnds));
        }
        self.trace.push(TraceKind::Request {
            method: record.method.clone(),
            url: record.url.clone(),
            body_bytes: permitted.body_bytes(),
            carries_message: permitted.carries_message(),
        });
        self.requests.push(record);
        Ok(self.let_out(permitted).await)
    }

    /// Sends, and notes what the host then knows.
    async fn let_out(&mut self, permitted: Permitted) -> Result<GuestResponse, EgressError> {
        let Some(Outside { egress, deadline, .. }) = &self.outside else {
            return Err(EgressError::unsent(EgressErrorKind::Denied, "no request may be made here"));
        };
        let (egress, deadline) = (Arc::clone(egress), *deadline);
        let carries_message = permitted.carries_message();
        let origin = permitted.origin();
        let limits = Arc::clone(&self.limits);
        let leaving = Arc::new(LeavingFlag::default());
        if carries_message {
            // Set before the first byte: if this future is dropped, what remains is doubt, unless the flag says otherwise.
            self.message_sent = RequestSent::Maybe;
            self.leaving = (permitted.body_bytes() > 0).then(|| Arc::clone(&leaving));
        }
        let exchange = egress.send(permitted, &limits, deadline, &leaving);
        let result = Arc::clone(&self.meter.cpu).leave_out(exchange).await;
        self.leaving = None;
        self.wasi.clock.advance();
        match result {
            Ok(answer) => {
                self.hosts_reached.insert(origin);
                if carries_message {
                    self.message_sent = RequestSent::Yes;
                }
                Ok(self.scrubbed(answer))
            }
            Err(error) => {
                if error.maybe_sent {
                    self.hosts_reached.insert(origin);
                } else if carries_message {
                    self.message_sent = RequestSent::No;
                }
                self.trace.push(TraceKind::NoResponse { reason: error.message.clone() });
                self.network_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Judged before anything is put together: a list of handles costs the guest nothing, whatever they stand for.
    fn too_large(&self, request: &GuestRequest) -> wasmtime::Result<Option<String>> {
        let limit = self.limits.url_bytes + self.limits.request_header_bytes + self.limits.request_body;
        let headers = request.headers.iter().flat_map(|(_, value)| value);
        let mut bytes = 0_usize;
        for part in request.url.iter().chain(headers).chain(&request.body) {
            bytes = bytes.saturating_add(match part {
                Part::Text(text) => text.len(),
                Part::Sealed(handle) => self.table.get(handle)?.bytes().len(),
            });
        }
        Ok((bytes > limit).then(|| format!("the request has {bytes} bytes; {limit} are allowed over all its parts")))
    }

    fn draft(&self, request: &GuestRequest) -> wasmtime::Result<Draft> {
        Ok(Draft {
            method: request.method,
            url: Assembled::new(&self.pieces(&request.url)?),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), Assembled::new(&self.pieces(value)?))))
                .collect::<wasmtime::Result<_>>()?,
            body: Assembled::new(&self.pieces(&request.body)?),
        })
    }

    /// Every sealed value that stands in a request may come back in the answer, in the form in which it was sent: a whole
    /// `Basic …` value, a signature.
    fn remember_sealed(&mut self, request: &GuestRequest) -> wasmtime::Result<()> {
        let all = request.headers.iter().flat_map(|(_, value)| value).chain(&request.url).chain(&request.body);
        for part in all {
            if let Part::Sealed(handle) = part {
                let value = self.table.get(handle)?;
                if !value.labels().is_empty() {
                    self.scrubber.add_exact(value.bytes());
                }
            }
        }
        Ok(())
    }

    fn scrubbed(&mut self, answer: Answer) -> GuestResponse {
        let body = self.scrubber.scrub(&answer.body);
        self.trace.push(TraceKind::Response {
            status: answer.status,
            body_bytes: answer.body.len(),
            peer: answer.peer,
            body: excerpt(&body),
        });
        GuestResponse {
            status: answer.status,
            headers: answer
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = self.scrubber.scrub(value);
                    (name.clone(), String::from_utf8_lossy(&value).into_owned())
                })
                .collect(),
            body,
        }
    }
}
