//! The component's side of the contract: turns the host's values into the SDK's, carries out plans on sealed values, and
//! answers the host's calls with a [`Connector`](crate::Connector).
//!
//! Only this module knows the bindings, and it exists only in WebAssembly.

pub mod bindings;
mod convert;
mod evaluator;
mod exports;

pub use wit_bindgen::rt;

/// The component made of a connector.
pub struct Component<C>(core::marker::PhantomData<C>);
