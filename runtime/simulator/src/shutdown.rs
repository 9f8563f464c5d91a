//! Tells the tasks of a simulator that it ends.

/// Set to true when the simulator ends.
pub(crate) type Stopped = bool;
