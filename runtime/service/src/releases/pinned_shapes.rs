//! The request shapes that a ready connection may send, cached in this process.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sendbox_policy::PinnedShapes;
use tokio::sync::OnceCell;

/// The cached shapes of a connection with one version.
#[derive(Default)]
pub(crate) struct ConnectionShapes {
    pub(super) rehearsed: OnceCell<Arc<PinnedShapes>>,
    /// The rehearsed and the stored shapes, and the number of stored ones when they were read.
    pub(super) pinned: Mutex<Option<(u64, Arc<PinnedShapes>)>>,
    /// Whether the rehearsed shapes are stored.
    pub(super) is_recorded: AtomicBool,
}
