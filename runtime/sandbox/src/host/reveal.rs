//! `reveal`: the only way into guest memory, by grant only.

use sendbox_contract::{TraceKind, Violation};
use sendbox_policy::EffectiveGrant;
use wasmtime::component::{HasData, Resource};

use crate::call::CallState;
use crate::call::handles::SealedHandles;
use crate::call::host_call::HostCall;
use crate::egress::permit::mask;
use crate::sealed::Sealed;

/// The grant does not permit this connector to read such a value.
pub(crate) struct RevealDenied;

/// What `reveal` may access of a call.
pub(crate) struct RevealView<'a> {
    call: HostCall<'a>,
    handles: &'a SealedHandles,
    grant: Option<&'a EffectiveGrant>,
    violation: &'a mut Option<Violation>,
}

/// Provides the view for `reveal`.
pub(crate) struct Reveal;

impl HasData for Reveal {
    type Data<'a> = RevealView<'a>;
}

impl CallState {
    pub(crate) fn reveal(&mut self) -> RevealView<'_> {
        let Self { phase, meter, trace, scrubber, handles, outside, violation, .. } = self;
        let grant = outside.as_ref().map(|outside| &*outside.grant);
        RevealView { call: HostCall { phase: *phase, meter, trace, scrubber }, handles, grant, violation }
    }
}

impl RevealView<'_> {
    pub(crate) fn reveal(&mut self, handle: &Resource<Sealed>) -> wasmtime::Result<Result<Vec<u8>, RevealDenied>> {
        self.call.enter("reveal.reveal")?;
        let value = self.handles.get(handle)?;
        let Some(grant) = self.grant else { return Ok(Err(RevealDenied)) };
        if let Err(denial) = grant.may_reveal(value.labels()) {
            let violation = Violation::Reveal(denial).map_texts(|text| self.call.scrubber.for_people(text));
            self.call.trace.push(TraceKind::Refused { reason: violation.to_string() });
            self.violation.get_or_insert(violation);
            return Ok(Err(RevealDenied));
        }
        let bytes = match value.bytes() {
            Ok(bytes) => bytes.to_vec(),
            Err(void) => return Err(self.call.broke(Violation::Void(void))),
        };
        self.call.scrubber.guest_was_shown();
        self.call.trace.push(TraceKind::Revealed { labels: mask(value.labels()) });
        Ok(Ok(bytes))
    }
}
