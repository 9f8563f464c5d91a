//! How its tasks learn that a simulator ends.

/// Set to true when the simulator ends.
pub(crate) type Stopped = bool;
