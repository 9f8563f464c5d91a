//! The major versions of the contract.
//!
//! There is one frozen module per major version, behind one trait. The version is selected on loading by what the component
//! exports, and calls are written once, against the trait.

pub(crate) mod interface;
pub(crate) mod v1;

use wasmtime::component::{Component, Linker};

use self::interface::Abi;
use crate::call::CallState;

/// Links the imports of all major versions. Their names differ, so one linker is enough.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    v1::add_to_linker(linker)
}

/// Selects the major version by what the component exports.
pub(crate) fn load(linker: &Linker<CallState>, component: &Component) -> wasmtime::Result<Box<dyn Abi>> {
    // There is only one major version today. The selection depends on the version of the export, which has already been inspected.
    Ok(Box::new(v1::V1::new(linker.instantiate_pre(component)?)?))
}
