//! SQLite: one thread that writes ([`writer`]), and a few connections that only read ([`readers`]).
//!
//! The driver is synchronous. A transaction that needs the writer for longer than a unit of work borrows its connection, as a
//! [`Session`].

mod connection;
mod readers;
mod session;
mod stepped_writer;
mod steps;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use sendbox_slots::Waiting;
use tokio::sync::{oneshot, watch};

use self::connection::WRITER_SETTINGS;
pub(crate) use self::connection::{Handle, SETTINGS, TIMEOUT};
use self::readers::Readers;
pub(crate) use self::session::Session;
pub use self::stepped_writer::SteppedWriter;
use self::steps::in_time;
pub use self::steps::{StepFault, Steps};
use self::writer::{Job, Writer};
use crate::failure::{Result, StoreError};
use crate::queue::{Owner, Queue, Refusal};
use crate::unit::Unit;

/// A database in one file.
#[derive(Clone)]
pub(super) struct Sqlite {
    jobs: Arc<Jobs>,
    readers: Arc<Readers>,
}

/// The writer's queue, which is closed with the last [`Sqlite`].
struct Jobs {
    queue: Arc<Queue<Job>>,
    /// Fails once the writer has ended.
    writer: watch::Receiver<()>,
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Sqlite {
    /// Opens the file, which exists and has been migrated.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let readers = Readers::open(path.clone(), None)?;
        let handle = Handle::open(&path, &[SETTINGS, WRITER_SETTINGS], &Arc::default())?;
        let queue = Arc::new(Queue::new());
        let (ended, is_running) = watch::channel(());
        let writer = Writer { path, handle: Some(handle), queue: Arc::clone(&queue), steps: None, _ended: ended };
        thread::Builder::new()
            .name("sendbox-writer".into())
            .spawn(move || writer.work())
            .map_err(|error| StoreError::Unavailable(format!("no thread for the writer: {}", error.kind())))?;
        Ok(Self { jobs: Arc::new(Jobs { queue, writer: is_running }), readers: Arc::new(readers) })
    }

    /// Opens the file, which exists and has been migrated, to be used in steps.
    pub(crate) fn open_in_steps(path: PathBuf, steps: Arc<dyn Steps>) -> Result<(Self, SteppedWriter)> {
        let readers = Readers::open(path.clone(), Some(Arc::clone(&steps)))?;
        let queue = Arc::new(Queue::new());
        let (ended, is_running) = watch::channel(());
        let writer = Writer { path, handle: None, queue: Arc::clone(&queue), steps: Some(steps), _ended: ended };
        let sqlite = Self { jobs: Arc::new(Jobs { queue, writer: is_running }), readers: Arc::new(readers) };
        Ok((sqlite, SteppedWriter::new(writer)))
    }

    /// Begins a read-only transaction.
    pub(super) async fn begin_read(&self, owner: &Owner, waiting: Waiting) -> Result<Session> {
        self.readers.begin(owner, waiting).await
    }

    /// Begins a read-only transaction for a look-up.
    pub(super) async fn begin_lookup(&self) -> Result<Session> {
        self.readers.begin_lookup().await
    }

    /// Begins a transaction that has the writer to itself.
    pub(super) async fn begin(&self, owner: &Owner, waiting: Waiting) -> Result<Session> {
        let (answer, session) = oneshot::channel();
        self.queue(owner, waiting, Job::Session(answer))?;
        match in_time(self.readers.is_stepped(), TIMEOUT, session).await {
            Some(Ok(session)) => session,
            Some(Err(_)) => Err(StoreError::closed()),
            None => Err(StoreError::Unavailable("no connection within 5 s".to_owned())),
        }
    }

    /// Queues a unit of work.
    pub(super) fn write(&self, owner: &Owner, waiting: Waiting, unit: Box<dyn Unit>) -> Result<()> {
        self.queue(owner, waiting, Job::Unit(unit))
    }

    fn queue(&self, owner: &Owner, waiting: Waiting, job: Job) -> Result<()> {
        if self.readers.is_closed() {
            return Err(StoreError::closed());
        }
        self.jobs.queue.push(owner, waiting, job).map_err(|refusal| match refusal {
            Refusal::Full => StoreError::Busy,
            Refusal::Closed => StoreError::closed(),
        })
    }

    /// Closes all connections, after the writer has done what is waiting.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        // The writer closes last, because only a connection that may write merges the log into the file.
        self.jobs.queue.close();
        let mut writer = self.jobs.writer.clone();
        // The error says that the thread has ended.
        while writer.changed().await.is_ok() {}
    }
}

#[cfg(test)]
pub(crate) use self::{
    readers::{LOOKUPS, READERS, READERS_OF_OWNER},
    writer::BATCH_OF_OWNER,
};
