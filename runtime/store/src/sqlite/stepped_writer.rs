//! The writer of a database that is used in steps (see `steps.rs`): a step does what one round of the writer's thread does, with the same
//! code.

use std::sync::mpsc::{self, TryRecvError};

use super::connection::Handle;
use super::writer::{Job, Writer};

/// The writer of a database that is used in steps. Dropping it is the end of the process: what is not committed is lost.
pub struct SteppedWriter {
    /// `None` after the store was closed.
    writer: Option<Writer>,
    /// Where the connection comes back, while it is lent for a transaction.
    lent: Option<mpsc::Receiver<Option<Handle>>>,
}

impl SteppedWriter {
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer: Some(writer), lent: None }
    }

    /// Whether a transaction has the writer to itself.
    pub fn is_lent(&mut self) -> bool {
        let (Some(writer), Some(back)) = (&mut self.writer, &self.lent) else { return false };
        match back.try_recv() {
            Ok(handle) => writer.handle = handle,
            Err(TryRecvError::Disconnected) => writer.handle = None,
            Err(TryRecvError::Empty) => return true,
        }
        self.lent = None;
        false
    }

    /// Whether a step would do something.
    pub fn is_waiting(&mut self) -> bool {
        !self.is_lent() && self.writer.as_ref().is_some_and(|writer| !writer.queue.is_empty() || writer.queue.is_done())
    }

    /// Runs the units that wait and commits them together, or lends the connection for one transaction.
    pub fn step(&mut self) {
        if self.is_lent() {
            return;
        }
        let Some(writer) = &mut self.writer else { return };
        match writer.queue.next_if(|_, _| true) {
            Some((owner, Job::Unit(unit))) => writer.commit_together(owner, unit),
            Some((_, Job::Session(answer))) => self.lent = writer.lend(answer),
            None if writer.queue.is_done() => self.writer = None,
            None => {}
        }
    }
}
