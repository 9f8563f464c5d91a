//! Releases: the versions of an uploaded connector, how they differ, and which of them send.

pub(crate) mod check_turns;
pub(crate) mod monitor_state;
pub(crate) mod pinned_shapes;
pub(crate) mod release;
pub(crate) mod release_monitor;
pub(crate) mod request_shapes;
pub(crate) mod resolved_connector;
pub(crate) mod version_difference;
pub(crate) mod versions;
