//! The request shapes that a ready connection may send, as far as they are known in this process.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sendbox_policy::PinnedShapes;
use tokio::sync::OnceCell;

/// What a connection may send with one version.
#[derive(Default)]
pub(crate) struct ConnectionShapes {
    pub(super) rehearsed: OnceCell<Arc<PinnedShapes>>,
    /// Together with what is on record, and how much that is.
    pub(super) pinned: Mutex<Option<(u64, Arc<PinnedShapes>)>>,
    /// Whether what was rehearsed is on record.
    pub(super) is_recorded: AtomicBool,
}
