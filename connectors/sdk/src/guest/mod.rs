//! The component's side of the contract: converts the host's values to the SDK's, evaluates sealed values, and implements
//! the exports with a [`Connector`](crate::Connector).
//!
//! Only this module uses the WIT bindings. It exists only in WebAssembly.

pub mod bindings;
mod convert;
mod evaluator;
mod exports;

pub use wit_bindgen::rt;

/// The component of connector `C`.
pub struct Component<C>(core::marker::PhantomData<C>);
