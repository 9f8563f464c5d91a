//! `sealed`: the algebra, charged.

use sendbox_contract::{ConnectorFault, SealedOperation, TraceKind, Violation};
use sendbox_policy::Encoding;
use wasmtime::component::Resource;

use crate::call::CallState;
use crate::sealed::{Hash, Piece, Sealed};

/// One piece as it comes over the ABI.
pub(crate) enum Part {
    Text(String),
    Sealed(Resource<Sealed>),
}

impl CallState {
    /// Puts a value into the call's table and charges for it.
    pub(crate) fn keep(&mut self, value: Sealed) -> wasmtime::Result<Resource<Sealed>> {
        if value.made_of().len() > self.limits.sealed_pieces {
            return Err(ConnectorFault::SealedPieces { limit: self.limits.sealed_pieces }.into());
        }
        self.meter.sealed(value.cost())?;
        self.table.push(value).map_err(|_| ConnectorFault::Handles { limit: self.limits.handles }.into())
    }

    /// Charges for a value that an operation reads, by its bound: the work is the host's, whatever comes of it.
    fn charge_read(&mut self, handle: &Resource<Sealed>) -> wasmtime::Result<()> {
        let bound = self.table.get(handle)?.bound();
        Ok(self.meter.sealed(bound)?)
    }

    fn made(&mut self, operation: SealedOperation, value: Sealed) -> wasmtime::Result<Resource<Sealed>> {
        self.trace.push(TraceKind::Sealed { operation });
        self.keep(value)
    }

    pub(crate) fn pieces<'a>(&'a self, parts: &'a [Part]) -> wasmtime::Result<Vec<Piece<'a>>> {
        parts
            .iter()
            .map(|part| {
                Ok(match part {
                    Part::Text(text) => Piece::Text(text),
                    Part::Sealed(handle) => Piece::Sealed(self.table.get(handle)?),
                })
            })
            .collect()
    }

    pub(crate) fn sealed_concat(&mut self, parts: &[Part]) -> wasmtime::Result<Resource<Sealed>> {
        self.enter("sealed.concat")?;
        let pieces = self.pieces(parts)?;
        // Charge before joining: a list of a thousand handles of one large value must not be built first.
        let cost: usize = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Sealed(value) => value.cost(),
            })
            .sum();
        if self.meter.sealed.saturating_add(cost) > self.limits.sealed_bytes {
            return Err(ConnectorFault::SealedBytes { limit_bytes: self.limits.sealed_bytes }.into());
        }
        let value = Sealed::concat(&pieces);
        self.made(SealedOperation::Concat, value)
    }

    pub(crate) fn sealed_encode(
        &mut self,
        handle: &Resource<Sealed>,
        encoding: Encoding,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.enter("sealed.encode")?;
        self.charge_read(handle)?;
        let value = self.table.get(handle)?.encode(encoding);
        self.made(SealedOperation::Encode, value)
    }

    pub(crate) fn sealed_decode(
        &mut self,
        handle: &Resource<Sealed>,
        encoding: Encoding,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.enter("sealed.decode")?;
        self.charge_read(handle)?;
        let value = self.table.get(handle)?.decode(encoding).map_err(|_| self.broke(Violation::NotDecodable))?;
        self.made(SealedOperation::Decode, value)
    }

    pub(crate) fn sealed_digest(
        &mut self,
        handle: &Resource<Sealed>,
        hash: Hash,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.enter("sealed.digest")?;
        self.charge_read(handle)?;
        let value = self.table.get(handle)?.digest(hash);
        self.made(SealedOperation::Digest, value)
    }

    pub(crate) fn sealed_hmac(
        &mut self,
        handle: &Resource<Sealed>,
        hash: Hash,
        key: &Resource<Sealed>,
    ) -> wasmtime::Result<Resource<Sealed>> {
        self.enter("sealed.hmac")?;
        self.charge_read(handle)?;
        self.charge_read(key)?;
        let value = self.table.get(handle)?.hmac(hash, self.table.get(key)?);
        self.made(SealedOperation::Hmac, value)
    }

    pub(crate) fn sealed_drop(&mut self, handle: Resource<Sealed>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}
