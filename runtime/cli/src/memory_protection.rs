//! Keeps the memory of a process that holds keys to itself: no core dump, and no look by other processes of its user.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps of this process and its children.
pub fn forbid_core_dumps() -> std::io::Result<()> {
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}

/// Forbids other processes without privileges to attach to this one, or to read its memory. Afterwards the files in `/proc/self`
/// belong to root, so whatever this process needs of them must be open already.
pub fn forbid_attaching() -> std::io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
