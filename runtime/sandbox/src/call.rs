//! One call of one connector: its data, its meters, and the store that lives exactly as long as the call.
//!
//! Nothing in here outlives the call, and nothing is shared with another one but what is behind an `Arc` in
//! [`CallState`]: the connector's code, the validated parameters, the grant and the egress.

pub(crate) mod cpu;
pub(crate) mod meter;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sendbox_contract::message::{Content, Message, unix_millis};
use sendbox_contract::text::one_line;
use sendbox_contract::{ConnectorFault, MaskedRequest, RequestSent, TraceKind, Violation};
use sendbox_policy::{
    ContentKind, EffectiveGrant, HostValues, Label, Labels, Limits, MessageRule, PinnedShapes, RequestShape,
    ShapeReadings,
};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use zeroize::Zeroizing;

use self::meter::Meter;
use crate::egress::permit::ClearRequest;
use crate::egress::scrub::Scrubber;
use crate::egress::{Egress, LeavingFlag, PoolKey};
use crate::engine::TICK;
use crate::host::wasi::LazyWasi;
use crate::parameters::Parameters;
use crate::report::StandIns;
use crate::sealed::Bytes;
use crate::trace::Trace;

/// What a call is for. Decides which imports work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `metadata`: no import of the contract works.
    Metadata,
    /// `send`: all do.
    Send,
    /// `parse` of a delivery report: all but `http-outbound`.
    Report,
}

/// A request that passed the rules, or that one of them held back: for people.
#[derive(Clone)]
pub struct RequestRecord {
    /// `POST`
    pub method: String,
    /// Sealed parts masked.
    pub url: String,
    /// Sealed parts masked; with the headers that the host adds.
    pub headers: Vec<(String, String)>,
    /// Sealed parts masked.
    pub body: String,
    /// Whether it carries recipient and message.
    pub carries_message: bool,
    /// Its literal skeleton. `None` for a request that was held back before it was known.
    pub shape: Option<RequestShape>,
    /// The same in every way in which its literals could be explained, only in a dry run.
    pub readings: Option<ShapeReadings>,
    /// In clear, only in a dry run that asked for it.
    pub clear: Option<ClearRequest>,
}

impl From<&RequestRecord> for MaskedRequest {
    fn from(record: &RequestRecord) -> Self {
        Self {
            method: record.method.clone(),
            url: record.url.clone(),
            headers: record.headers.clone(),
            body: record.body.clone(),
            carries_message: record.carries_message,
        }
    }
}

/// How to run without letting a byte out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Keep the requests in clear too, for a person who debugs on their own machine.
    pub show_sealed: bool,
}

/// What the request that carries the message is judged by.
pub(crate) struct Rule {
    pub(crate) content: ContentKind,
    /// Clear values of the message that the host gave, beside the connection's: digits in them are no second recipient, and they
    /// are no part of a request's shape.
    pub(crate) known: HostValues,
    pub(crate) lifetime_seconds: u32,
    pub(crate) now_unix_ms: u64,
}

impl Rule {
    /// With what the host gave of the connection.
    pub(crate) fn message_rule<'k>(&'k self, parameters: &'k Parameters) -> MessageRule<'k> {
        MessageRule {
            content: self.content,
            known: vec![parameters.known(), &self.known],
            lifetime_seconds: self.lifetime_seconds,
            now_unix_ms: self.now_unix_ms,
        }
    }
}

/// What a call may do outside.
pub(crate) struct Outside {
    pub(crate) egress: Arc<Egress>,
    pub(crate) grant: Arc<EffectiveGrant>,
    pub(crate) rule: Rule,
    pub(crate) pinned: Option<Arc<PinnedShapes>>,
    pub(crate) pool: PoolKey,
    pub(crate) deadline: Instant,
    pub(crate) dry_run: Option<DryRun>,
}

/// The data of one call.
pub(crate) struct CallState {
    pub(crate) phase: Phase,
    pub(crate) limits: Arc<Limits>,
    pub(crate) table: ResourceTable,
    pub(crate) meter: Meter,
    pub(crate) trace: Trace,
    pub(crate) parameters: Arc<Parameters>,
    /// The message that is sent, in clear: for the values in the guest's request, and for the scrubber.
    pub(crate) message: Option<Arc<Message>>,
    /// Made when it is first needed: before an answer, most guests know nothing that must be scrubbed.
    scrubber: OnceLock<Scrubber>,
    /// Whether the guest may have learned something sealed: from an answer, or by a grant to read it.
    pub(crate) learned: bool,
    /// Whether the guest was handed a sealed value in clear.
    pub(crate) revealed: bool,
    /// Where sealed values may have left to in this send, and of what kind. One origin for all of it.
    pub(crate) sent_sealed: Option<SentSealed>,
    /// Sealed parts as they were sent, which an answer may repeat, and what is in each.
    sent_exact: Vec<(Bytes, Labels)>,
    /// Bodies of answers from the origin that was sent sealed values, as the provider wrote them.
    pub(crate) answers: Vec<Zeroizing<Vec<u8>>>,
    /// Bodies of answers as the guest got them: what they say explains literals of its next request.
    pub(crate) answered: Vec<Vec<u8>>,
    pub(crate) signature_checks: u32,
    /// What stands for the numbers of a callback, wherever in it they are.
    pub(crate) stand_ins: StandIns,
    pub(crate) outside: Option<Outside>,
    /// The host's own finding about the request that carries the message.
    pub(crate) message_sent: RequestSent,
    /// While the request with the message is under way, and has a body: raised before its first byte leaves.
    pub(crate) leaving: Option<Arc<LeavingFlag>>,
    pub(crate) requests: Vec<RequestRecord>,
    /// The request that a rule held back, masked.
    pub(crate) held_back: Option<RequestRecord>,
    pub(crate) hosts_reached: BTreeSet<String>,
    /// The first rule that a request broke.
    pub(crate) violation: Option<Violation>,
    /// The last error of the network, for an outcome that must say why.
    pub(crate) network_error: Option<crate::egress::EgressError>,
    /// A dry run has what it wanted.
    pub(crate) dry_run_done: bool,
    pub(crate) wasi: LazyWasi,
}

impl CallState {
    pub(crate) fn new(
        phase: Phase,
        limits: Arc<Limits>,
        parameters: Arc<Parameters>,
        message: Option<Arc<Message>>,
    ) -> Self {
        // Metadata is a pure function: it sees the epoch, always.
        let now_ms = match (&message, phase) {
            (Some(message), _) => message.attempt.started_at,
            (None, Phase::Metadata) => 0,
            (None, Phase::Send | Phase::Report) => unix_millis(),
        };
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            phase,
            meter: Meter::new(&limits),
            table,
            trace: Trace::new(),
            learned: parameters.hides(),
            parameters,
            message,
            scrubber: OnceLock::new(),
            revealed: false,
            sent_sealed: None,
            sent_exact: Vec::new(),
            answers: Vec::new(),
            answered: Vec::new(),
            signature_checks: 0,
            stand_ins: StandIns::default(),
            outside: None,
            message_sent: RequestSent::No,
            leaving: None,
            requests: Vec::new(),
            held_back: None,
            hosts_reached: BTreeSet::new(),
            violation: None,
            network_error: None,
            dry_run_done: false,
            wasi: LazyWasi::new(phase, &limits, now_ms),
            limits,
        }
    }

    /// Ends the doubt about a request that was dropped on its way, where there is none: it has a body, and none of it was asked
    /// for yet.
    pub(crate) fn settle(&mut self) {
        if self.leaving.take().is_some_and(|leaving| !leaving.is_set()) {
            self.message_sent = RequestSent::No;
        }
    }

    /// Text that a guest or a provider wrote, fit for a trace, an error or a receipt.
    pub(crate) fn clean(&self, text: &str) -> String {
        let limit = self.limits.failure_text_bytes;
        // Cut before scrubbing would let half a secret through, so the order is scrub, then cut. The input is bounded by
        // the host call fuel.
        one_line(&self.for_people(text), limit)
    }

    /// Text that a guest or a provider wrote, without anything sealed.
    pub(crate) fn for_people(&self, text: &str) -> String {
        if self.learned { self.scrubber().for_people(text) } else { text.to_owned() }
    }

    /// A provider's id of a message, as the provider wrote it: what was masked in it for the guest is put back, unless it is
    /// itself what was sealed.
    pub(crate) fn message_id(&self, seen: &str) -> String {
        if !self.learned {
            return one_line(seen, self.limits.failure_text_bytes);
        }
        let original = self.sent_sealed.as_ref().and_then(|sent| {
            self.answers.iter().find_map(|answer| self.scrubber().original(answer, seen, &sent.labels))
        });
        let id = match original {
            Some(original) => original,
            None if self.revealed => self.scrubber().for_people(seen),
            None => self.scrubber().words(seen),
        };
        one_line(&id, self.limits.failure_text_bytes)
    }

    pub(crate) fn scrubber(&self) -> &Scrubber {
        self.scrubber.get_or_init(|| {
            let mut scrubber = scrubber(&self.parameters, self.message.as_deref());
            self.sent_exact.iter().for_each(|(value, labels)| scrubber.add_exact(value, labels));
            scrubber
        })
    }

    /// Remembers a sealed part that leaves: an answer may repeat it in the form in which it was sent.
    pub(crate) fn remember_sent(&mut self, value: Bytes, labels: &Labels) {
        match self.scrubber.get_mut() {
            Some(scrubber) => scrubber.add_exact(&value, labels),
            None => self.sent_exact.push((value, labels.clone())),
        }
    }

    /// Counts a call of an import and refuses it where none may be called.
    pub(crate) fn enter(&mut self, import: &'static str) -> wasmtime::Result<()> {
        if self.phase == Phase::Metadata {
            return Err(ConnectorFault::ImportRefused(import).into());
        }
        self.meter.host_call()?;
        Ok(())
    }

    /// Ends the call for a broken rule, as a host function's error.
    pub(crate) fn broke(&mut self, violation: impl Into<Violation>) -> wasmtime::Error {
        let violation = violation.into().map_texts(|text| self.for_people(text));
        self.trace.push(TraceKind::Refused { reason: self.for_people(&violation.to_string()) });
        ConnectorFault::ManifestViolation(Box::new(violation)).into()
    }
}

/// Where sealed values may have left to.
pub(crate) struct SentSealed {
    /// `https://api.example.com`
    pub(crate) origin: String,
    /// What they were made of.
    pub(crate) labels: Labels,
}

/// Everything that is sealed in a call.
fn scrubber(parameters: &Parameters, message: Option<&Message>) -> Scrubber {
    let mut scrubber = Scrubber::default();
    scrubber.add_made(parameters.needles());
    let Some(message) = message else { return scrubber };
    scrubber.add(message.code.as_bytes(), &Label::Code);
    scrubber.add_number(message.recipient.digits());
    scrubber.add_number(&message.recipient.national);
    match &message.content {
        Content::Text { text, .. } => scrubber.add(text.as_bytes(), &Label::Text),
        Content::Template { variables, .. } | Content::Variables(variables) => {
            for variable in variables {
                scrubber.add(variable.value.as_bytes(), &variable.label());
            }
        }
    }
    if let Some(address) = &message.client_ip {
        scrubber.add(address.as_bytes(), &Label::ClientIp);
    }
    scrubber
}

/// A guest that has used no more than this goes on undisturbed: most are done by then.
const CPU_BEFORE_YIELDING: Duration = Duration::from_millis(3);
/// A guest that has used more than this must share the core.
const CPU_BEFORE_SHARING: Duration = Duration::from_millis(10);
/// It then pauses after each so much of CPU,
const SHARE: Duration = TICK;
/// for so long: a looping guest takes a tenth of a core.
const SHARING_PAUSE: Duration = Duration::from_millis(10);

/// A store for one call, with every limit set.
pub(crate) fn store(engine: &Engine, state: CallState) -> Store<CallState> {
    let fuel = state.limits.hostcall_fuel;
    let cpu_ms = state.limits.cpu_ms;
    let cpu_limit = Duration::from_millis(cpu_ms);
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(fuel);
    store.set_epoch_deadline(1);
    // Called at the first loop or function of the guest after a tick. The tick itself says nothing: the thread may have waited
    // for a core all the time. What was used is read from its CPU clock.
    store.epoch_deadline_callback(move |mut context| {
        let meter = &mut context.data_mut().meter;
        if meter.cpu.is_within(CPU_BEFORE_YIELDING) {
            return Ok(UpdateDeadline::Continue(1));
        }
        let used = meter.cpu.used();
        if used > cpu_limit {
            return Err(ConnectorFault::Cpu { limit_ms: cpu_ms }.into());
        }
        if used <= CPU_BEFORE_YIELDING {
            return Ok(UpdateDeadline::Continue(1));
        }
        if used <= CPU_BEFORE_SHARING {
            return Ok(UpdateDeadline::Yield(1));
        }
        if used.saturating_sub(meter.cpu_at_pause) < SHARE {
            return Ok(UpdateDeadline::Continue(1));
        }
        meter.cpu_at_pause = used;
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(SHARING_PAUSE))))
    });
    store
}
