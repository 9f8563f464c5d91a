//! The contract's major versions.
//!
//! One frozen module per major, behind one trait, chosen at load by what the component exports. A call is written once,
//! against the trait.

pub(crate) mod interface;
pub(crate) mod v1;

use wasmtime::component::{Component, Linker};

use self::interface::Abi;
use crate::call::CallState;

/// Links every major's imports. They have different names, so one linker serves all.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    v1::add_to_linker(linker)
}

/// Chooses the major by what the component exports.
pub(crate) fn load(linker: &Linker<CallState>, component: &Component) -> wasmtime::Result<Box<dyn Abi>> {
    // There is one major today. The choice is made from the export's version, which inspection has read already.
    Ok(Box::new(v1::V1::new(linker.instantiate_pre(component)?)?))
}
