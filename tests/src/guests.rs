//! The guests in `tests/guests`, as constants that the build script generates.
//!
//! A name that is misspelt does not compile. Neither does a guest that is not tested: a component that no fixture loads is dead
//! code, and a [`Behaviour`] without a row in the [zoo's table](crate::zoo) is missing in an exhaustive match.

use std::fmt;

pub use metadata_behaviour::MetadataBehaviour;

#[path = "../guests/hostile/src/metadata_behaviour.rs"]
mod metadata_behaviour;

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
