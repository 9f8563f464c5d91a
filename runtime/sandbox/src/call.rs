//! One call of one connector: its data, its meters, and the store that lives exactly as long as the call.
//!
//! Nothing in here outlives the call, and nothing is shared with another one but what is behind an `Arc` in
//! [`CallState`]: the connector's code, the validated parameters, the grant and the egress.

pub(crate) mod cpu;
pub(crate) mod meter;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sendbox_policy::{ContentKind, EffectiveGrant, Limits, MessageRule};
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};

use self::meter::Meter;
use crate::egress::permit::ClearRequest;
use crate::egress::scrub::Scrubber;
use crate::egress::{Egress, LeavingFlag, PoolKey};
use crate::engine::TICK;
use crate::host::wasi::LazyWasi;
use crate::outcome::{ConnectorFault, RequestSent, Violation};
use crate::parameters::Parameters;
use crate::report::StandIns;
use crate::trace::{Trace, TraceKind, one_line};

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

/// A request that passed the rules, for the trace and for dry runs.
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
    /// In clear, only in a dry run that asked for it.
    pub clear: Option<ClearRequest>,
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
    pub(crate) calling_code: String,
    /// Clear strings that the host gave: digits in them are no second recipient.
    pub(crate) known: Vec<String>,
    pub(crate) now_unix_ms: u64,
}

impl Rule {
    pub(crate) fn message_rule(&self) -> MessageRule<'_> {
        MessageRule {
            content: self.content,
            calling_code: self.calling_code.clone(),
            known: &self.known,
            now_unix_ms: self.now_unix_ms,
        }
    }
}

/// What a call may do outside.
pub(crate) struct Outside {
    pub(crate) egress: Arc<Egress>,
    pub(crate) grant: Arc<EffectiveGrant>,
    pub(crate) rule: Rule,
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
    pub(crate) scrubber: Scrubber,
    pub(crate) parameters: Arc<Parameters>,
    /// What stands for the numbers of a callback, wherever in it they are.
    pub(crate) stand_ins: StandIns,
    pub(crate) outside: Option<Outside>,
    /// The host's own finding about the request that carries the message.
    pub(crate) message_sent: RequestSent,
    /// While the request with the message is under way, and has a body: raised before its first byte leaves.
    pub(crate) leaving: Option<Arc<LeavingFlag>>,
    pub(crate) requests: Vec<RequestRecord>,
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
    pub(crate) fn new(phase: Phase, limits: Arc<Limits>, parameters: Arc<Parameters>, scrubber: Scrubber) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            phase,
            meter: Meter::new(&limits),
            table,
            trace: Trace::new(),
            scrubber,
            parameters,
            stand_ins: StandIns::default(),
            outside: None,
            message_sent: RequestSent::No,
            leaving: None,
            requests: Vec::new(),
            hosts_reached: BTreeSet::new(),
            violation: None,
            network_error: None,
            dry_run_done: false,
            wasi: LazyWasi::new(phase, &limits),
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
        one_line(&self.scrubber.scrub_text(text), limit)
    }

    /// Counts a call of an import and refuses it where none may be called.
    pub(crate) fn enter(&mut self, import: &'static str) -> wasmtime::Result<()> {
        if self.phase == Phase::Metadata {
            return Err(ConnectorFault::ImportRefused(import).into());
        }
        self.meter.host_call()?;
        Ok(())
    }

    pub(crate) fn refuse(&mut self, violation: Violation) {
        let violation = violation.map_texts(|text| self.scrubber.scrub_text(text));
        self.trace.push(TraceKind::Refused { reason: violation.to_string() });
        self.violation.get_or_insert(violation);
    }
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
