//! One call of one connector: its data, its meters, and the store that lives as long as the call.
//!
//! Nothing here outlives the call, and nothing is shared with other calls except what is behind an `Arc` in [`CallState`]: the
//! connector's code, the validated parameters, the grant and the egress.
//!
//! A host interface never sees a [`CallState`]. Each has a view in [`crate::host`] that borrows the fields it may access, and the
//! linker creates that view for every host call.

pub(crate) mod cpu;
pub(crate) mod fault;
pub(crate) mod handles;
pub(crate) mod host_call;
pub(crate) mod meter;
pub(crate) mod outbound;
pub(crate) mod scrubber;
pub(crate) mod wasi;

use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::message::unix_millis;
use sendbox_contract::{ConnectorFault, Message, Violation};
use sendbox_policy::Limits;
use wasmtime::{Engine, Store, UpdateDeadline};

use self::cpu::CpuClock;
use self::handles::SealedHandles;
use self::host_call::Phase;
use self::meter::Meter;
use self::outbound::{Exchanges, OutboundContext};
use self::scrubber::LazyScrubber;
use self::wasi::LazyWasi;
use crate::engine::TICK;
use crate::parameters::Parameters;
use crate::report::StandIns;
use crate::trace::Trace;

/// The data of one call.
pub(crate) struct CallState {
    pub(crate) phase: Phase,
    pub(crate) limits: Arc<Limits>,
    pub(crate) meter: Meter,
    pub(crate) trace: Trace,
    pub(crate) scrubber: LazyScrubber,
    pub(crate) handles: SealedHandles,
    pub(crate) parameters: Arc<Parameters>,
    /// The message that is being sent, in plain text: its values are searched for in the guest's request.
    pub(crate) message: Option<Arc<Message>>,
    pub(crate) signature_checks: SignatureChecks,
    /// The stand-ins for numbers in a callback.
    pub(crate) stand_ins: StandIns,
    pub(crate) outside: Option<OutboundContext>,
    pub(crate) exchanges: Exchanges,
    /// The first value that the guest tried to read without a grant. It explains how the call ended later.
    pub(crate) violation: Option<Violation>,
    pub(crate) wasi: LazyWasi,
}

/// The checks of signatures in a call.
#[derive(Default)]
pub(crate) struct SignatureChecks {
    pub(crate) count: u32,
    /// Whether one of them found a signature to be right.
    pub(crate) found_right: bool,
}

impl CallState {
    pub(crate) fn new(
        phase: Phase,
        limits: Arc<Limits>,
        parameters: Arc<Parameters>,
        message: Option<Arc<Message>>,
    ) -> Self {
        // Metadata must be a pure function, so it always sees the epoch.
        let now_ms = match (&message, phase) {
            (Some(message), _) => message.attempt.started_at,
            (None, Phase::Metadata) => 0,
            (None, Phase::Send | Phase::Report) => unix_millis(),
        };
        Self {
            phase,
            meter: Meter::new(&limits),
            trace: Trace::new(),
            scrubber: LazyScrubber::new(Arc::clone(&parameters), message.clone(), limits.failure_text_bytes),
            handles: SealedHandles::new(&limits),
            parameters,
            signature_checks: SignatureChecks::default(),
            stand_ins: StandIns::default(),
            outside: None,
            exchanges: Exchanges::none(),
            violation: None,
            wasi: LazyWasi::new(phase, &limits, now_ms, message.clone()),
            message,
            limits,
        }
    }

    /// The provider's id of a message, as the provider wrote it.
    pub(crate) fn message_id(&self, seen: &str) -> String {
        let Exchanges { answers, sent_sealed, .. } = &self.exchanges;
        let answers = answers.iter().map(|answer| answer.as_slice());
        self.scrubber.message_id(seen, answers, sent_sealed.as_ref().map(|sent| &sent.labels))
    }
}

/// Until a guest has used this much CPU time it is not interrupted: most have finished by then.
const CPU_BEFORE_YIELDING: Duration = Duration::from_millis(3);
/// A guest that has used more CPU time than this, and whose call does not move to a thread of low priority, must share the core.
const CPU_BEFORE_SHARING: Duration = Duration::from_millis(10);
/// The slice of CPU time after which it pauses.
const SHARE: Duration = TICK;
/// The length of each pause, so that a looping guest takes a tenth of a core.
const SHARING_PAUSE: Duration = Duration::from_millis(10);

/// Whether a call has used more CPU time than most, and goes on with a low priority.
pub(crate) fn is_heavy(cpu: &CpuClock) -> bool {
    cpu.used() > CPU_BEFORE_YIELDING
}

/// Creates the store for a call, with every limit set.
pub(crate) fn store(engine: &Engine, state: CallState) -> Store<CallState> {
    let fuel = state.limits.hostcall_fuel;
    let cpu_ms = state.limits.cpu_ms;
    let cpu_limit = Duration::from_millis(cpu_ms);
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(fuel);
    store.set_epoch_deadline(1);
    // Called at the first loop or function of the guest after a tick. The tick itself means nothing, because the thread may have
    // been waiting for a core. CPU time is read from its CPU clock.
    store.epoch_deadline_callback(move |mut context| {
        let meter = &mut context.data_mut().meter;
        if meter.cpu().is_within(CPU_BEFORE_YIELDING) {
            return Ok(UpdateDeadline::Continue(1));
        }
        let used = meter.cpu().used();
        if used > cpu_limit {
            return Err(ConnectorFault::Cpu { limit_ms: cpu_ms }.into());
        }
        if used <= CPU_BEFORE_YIELDING {
            return Ok(UpdateDeadline::Continue(1));
        }
        if used <= CPU_BEFORE_SHARING || meter.moves() {
            return Ok(UpdateDeadline::Yield(1));
        }
        if !meter.must_pause(used, SHARE) {
            return Ok(UpdateDeadline::Continue(1));
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(SHARING_PAUSE))))
    });
    store
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compiling_engine;

    #[test]
    fn a_store_bounds_what_one_host_call_lifts_from_the_guest() {
        let limits = Limits { hostcall_fuel: 12_345, ..Limits::default() };
        let state = CallState::new(Phase::Send, Arc::new(limits), Arc::default(), None);
        assert_eq!(store(&compiling_engine().unwrap(), state).hostcall_fuel(), 12_345);
    }
}
