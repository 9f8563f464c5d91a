//! The sealed values that a guest has handles to.

use sendbox_contract::ConnectorFault;
use sendbox_policy::Limits;
use wasmtime::component::{Resource, ResourceTable};

use super::meter::Meter;
use crate::sealed::Sealed;

/// This table contains only sealed values. WASI's resources have a table of their own, so a WASI interface cannot reach a sealed
/// value, whatever handle it gets.
pub(crate) struct SealedHandles {
    table: ResourceTable,
    limit: usize,
    pieces_limit: usize,
}

impl SealedHandles {
    pub(crate) fn new(limits: &Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self { table, limit: limits.handles, pieces_limit: limits.sealed_pieces }
    }

    /// Makes room for values from the host, in addition to those that the guest may create.
    pub(crate) fn reserve(&mut self, given: usize) {
        self.table.set_max_capacity(self.limit.saturating_add(given));
    }

    /// Adds a value and charges for it.
    pub(crate) fn keep(&mut self, meter: &mut Meter, value: Sealed) -> wasmtime::Result<Resource<Sealed>> {
        if value.made_of().len() > self.pieces_limit {
            return Err(ConnectorFault::SealedPieces { limit: self.pieces_limit }.into());
        }
        meter.sealed(value.cost())?;
        Ok(self.insert(value)?)
    }

    /// Adds a value without charging for it.
    fn insert(&mut self, value: Sealed) -> Result<Resource<Sealed>, ConnectorFault> {
        self.table.push(value).map_err(|_| ConnectorFault::Handles { limit: self.limit })
    }

    pub(crate) fn get(&self, handle: &Resource<Sealed>) -> wasmtime::Result<&Sealed> {
        Ok(self.table.get(handle)?)
    }

    pub(crate) fn remove(&mut self, handle: Resource<Sealed>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }

    /// Adds a value without charging for it, for tests of what host functions charge.
    #[cfg(test)]
    pub(crate) fn add(&mut self, value: Sealed) -> Resource<Sealed> {
        self.insert(value).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::Piece;

    fn literal() -> Sealed {
        Sealed::concat(&[Piece::Text("a")])
    }

    fn fault(result: wasmtime::Result<Resource<Sealed>>) -> ConnectorFault {
        result.unwrap_err().downcast::<ConnectorFault>().unwrap()
    }

    #[test]
    fn a_guest_holds_so_many_handles_and_no_more() {
        let limits = Limits { handles: 3, ..Limits::default() };
        let (mut handles, mut meter) = (SealedHandles::new(&limits), Meter::new(&limits));
        let first = handles.keep(&mut meter, literal()).unwrap();
        for _ in 1..3 {
            handles.keep(&mut meter, literal()).unwrap();
        }
        assert_eq!(fault(handles.keep(&mut meter, literal())), ConnectorFault::Handles { limit: 3 });
        handles.remove(first).unwrap();
        assert!(handles.keep(&mut meter, literal()).is_ok(), "one was dropped");
        handles.reserve(1);
        assert!(handles.keep(&mut meter, literal()).is_ok(), "the host gave one");
        assert_eq!(fault(handles.keep(&mut meter, literal())), ConnectorFault::Handles { limit: 3 });
    }

    #[test]
    fn a_value_of_too_many_pieces_is_refused() {
        let limits = Limits { sealed_pieces: 2, ..Limits::default() };
        let (mut handles, mut meter) = (SealedHandles::new(&limits), Meter::new(&limits));
        let code = || Sealed::root(b"1".to_vec(), 64, sendbox_policy::Label::Code, sendbox_policy::Mark::Code);
        let codes = |count: usize| {
            let codes: Vec<Sealed> = (0..count).map(|_| code()).collect();
            Sealed::concat(&codes.iter().map(Piece::Sealed).collect::<Vec<_>>())
        };
        assert!(handles.keep(&mut meter, codes(2)).is_ok());
        assert_eq!(fault(handles.keep(&mut meter, codes(3))), ConnectorFault::SealedPieces { limit: 2 });
    }

    #[test]
    fn a_value_is_charged_when_it_is_kept() {
        let limits = Limits { sealed_bytes: 2 * literal().cost(), ..Limits::default() };
        let (mut handles, mut meter) = (SealedHandles::new(&limits), Meter::new(&limits));
        for _ in 0..2 {
            handles.keep(&mut meter, literal()).unwrap();
        }
        let limit_bytes = limits.sealed_bytes;
        assert_eq!(fault(handles.keep(&mut meter, literal())), ConnectorFault::SealedBytes { limit_bytes });
    }
}
