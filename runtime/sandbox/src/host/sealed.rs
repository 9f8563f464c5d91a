//! `sealed`: operations on sealed values, charged.

use sendbox_contract::{SealedOperation, TraceKind, Violation};
use sendbox_policy::Encoding;
use wasmtime::component::{HasData, Resource};

use crate::call::CallState;
use crate::call::handles::SealedHandles;
use crate::call::host_call::HostCall;
use crate::sealed::{Hash, Piece, Sealed};

/// A part as it comes over the ABI.
pub(crate) enum Part {
    Text(String),
    Sealed(Resource<Sealed>),
}

/// What `sealed` may access of a call.
pub(crate) struct SealedView<'a> {
    call: HostCall<'a>,
    handles: &'a mut SealedHandles,
}

/// Provides the view for `sealed`.
pub(crate) struct SealedValues;

impl HasData for SealedValues {
    type Data<'a> = SealedView<'a>;
}

impl CallState {
    pub(crate) fn sealed(&mut self) -> SealedView<'_> {
        let Self { phase, meter, trace, scrubber, handles, .. } = self;
        SealedView { call: HostCall { phase: *phase, meter, trace, scrubber }, handles }
    }
}

/// Looks up the handles in a list of parts.
pub(crate) fn pieces<'a>(handles: &'a SealedHandles, parts: &'a [Part]) -> wasmtime::Result<Vec<Piece<'a>>> {
    parts
        .iter()
        .map(|part| {
            Ok(match part {
                Part::Text(text) => Piece::Text(text),
                Part::Sealed(handle) => Piece::Sealed(handles.get(handle)?),
            })
        })
        .collect()
}

impl SealedView<'_> {
    /// Gives a value of the host to the guest.
    pub(crate) fn keep(&mut self, value: Sealed) -> wasmtime::Result<Resource<Sealed>> {
        self.handles.keep(self.call.meter, value)
    }

    /// Charges for a value that an operation reads, by its bound: the host does the work, whatever the result.
    fn charge_read(&mut self, handle: &Resource<Sealed>) -> wasmtime::Result<()> {
        let bound = self.handles.get(handle)?.bound();
        Ok(self.call.meter.sealed(bound)?)
    }

    fn made(&mut self, operation: SealedOperation, value: Sealed) -> wasmtime::Result<Resource<Sealed>> {
        self.call.trace.push(TraceKind::Sealed { operation });
        self.keep(value)
    }

    pub(crate) fn concat(&mut self, parts: &[Part]) -> wasmtime::Result<Resource<Sealed>> {
        self.call.enter("sealed.concat")?;
        let pieces = pieces(self.handles, parts)?;
        // Charge before joining: a list of a thousand handles of one large value must not be built first.
        let cost = pieces.iter().fold(0_usize, |cost, piece| {
            cost.saturating_add(match piece {
                Piece::Text(text) => text.len(),
                Piece::Sealed(value) => value.cost(),
            })
        });
        self.call.meter.can_seal(cost)?;
        let value = Sealed::concat(&pieces);
        self.made(SealedOperation::Concat, value)
    }

    pub(crate) fn encode(
        &mut self,
        handle: &Resource<Sealed>,
        encoding: Encoding,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.call.enter("sealed.encode")?;
        self.charge_read(handle)?;
        let value = self.handles.get(handle)?.encode(encoding);
        self.made(SealedOperation::Encode, value)
    }

    pub(crate) fn decode(
        &mut self,
        handle: &Resource<Sealed>,
        encoding: Encoding,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.call.enter("sealed.decode")?;
        self.charge_read(handle)?;
        let decoded = self.handles.get(handle)?.decode(encoding);
        let value = decoded.map_err(|_| self.call.broke(Violation::NotDecodable))?;
        self.made(SealedOperation::Decode, value)
    }

    pub(crate) fn digest(&mut self, handle: &Resource<Sealed>, hash: Hash) -> wasmtime::Result<Resource<Sealed>> {
        self.call.enter("sealed.digest")?;
        self.charge_read(handle)?;
        let value = self.handles.get(handle)?.digest(hash);
        self.made(SealedOperation::Digest, value)
    }

    pub(crate) fn hmac(
        &mut self,
        handle: &Resource<Sealed>,
        hash: Hash,
        key: &Resource<Sealed>,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.call.enter("sealed.hmac")?;
        self.charge_read(handle)?;
        self.charge_read(key)?;
        let value = self.handles.get(handle)?.hmac(hash, self.handles.get(key)?);
        self.made(SealedOperation::Hmac, value)
    }

    /// Drops a handle of the guest.
    pub(crate) fn forget(&mut self, handle: Resource<Sealed>) -> wasmtime::Result<()> {
        self.handles.remove(handle)
    }
}
