//! `reveal`: the one way into guest memory, by grant only.

use sendbox_contract::{TraceKind, Violation};
use wasmtime::component::Resource;

use crate::call::CallState;
use crate::egress::permit::mask;
use crate::sealed::Sealed;

/// The grant does not let this connector read such a value.
pub(crate) struct RevealDenied;

impl CallState {
    pub(crate) fn reveal(&mut self, handle: &Resource<Sealed>) -> wasmtime::Result<Result<Vec<u8>, RevealDenied>> {
        self.enter("reveal.reveal")?;
        let value = self.table.get(handle)?;
        let labels = value.labels().clone();
        let allowed = match &self.outside {
            Some(outside) => outside.grant.may_reveal(&labels),
            None => return Ok(Err(RevealDenied)),
        };
        if let Err(denial) = allowed {
            let violation = Violation::Reveal(denial).map_texts(|text| self.for_people(text));
            self.trace.push(TraceKind::Refused { reason: violation.to_string() });
            self.violation.get_or_insert(violation);
            return Ok(Err(RevealDenied));
        }
        let bytes = match value.bytes() {
            Ok(bytes) => bytes.to_vec(),
            Err(void) => return Err(self.broke(Violation::Void(void))),
        };
        self.learned = true;
        self.revealed = true;
        self.trace.push(TraceKind::Revealed { labels: mask(&labels) });
        Ok(Ok(bytes))
    }
}
