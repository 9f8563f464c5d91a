//! A unit of work: changes that are committed together or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use super::{StoreError, Tx};

/// The future of a unit.
pub type UnitFuture<'t, T, E> = Pin<Box<dyn Future<Output = Result<Done<T>, E>> + Send + 't>>;

/// How a unit ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done<T> {
    /// Its changes are committed.
    Commit(T),
    /// Its changes are rolled back.
    Rollback(T),
}

/// A unit of work, as SQLite's writer runs it.
pub(super) trait Unit: Send {
    /// Whether its caller still waits.
    fn is_wanted(&self) -> bool;

    /// Does the work. Returns whether to commit its changes.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Replaces its result with an error.
    fn fail(&mut self, error: StoreError);

    /// Responds to the caller, after the batch was committed or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A unit whose caller waits for its result.
pub(super) struct WaitingUnit<T, E, F> {
    work: Option<F>,
    result: Option<Result<Done<T>, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> WaitingUnit<T, E, F> {
    pub(super) fn new(work: F, answer: oneshot::Sender<Result<T, E>>) -> Self {
        Self { work: Some(work), result: None, answer }
    }
}

impl<T, E, F> Unit for WaitingUnit<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: for<'t> FnOnce(&'t mut Tx) -> UnitFuture<'t, T, E> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        let Some(work) = self.work.take() else { return false };
        // A panic fails this unit only, and not the others of its batch.
        let polled = catch_unwind(AssertUnwindSafe(|| work(tx).as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        let failed = |cause: &str| Err(StoreError::Unavailable(cause.to_owned()).into());
        let result = match polled {
            Ok(Poll::Ready(result)) => result,
            // Statements on SQLite never wait. Waiting for anything else would block every writer.
            Ok(Poll::Pending) => failed("a unit of work waited for something other than the store"),
            Err(_) => failed("a unit of work panicked"),
        };
        let keeps = matches!(result, Ok(Done::Commit(_)));
        self.result = Some(result);
        keeps
    }

    fn fail(&mut self, error: StoreError) {
        self.result = Some(Err(error.into()));
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            // What it has found may be the work of units that are undone with their batch. Of itself, nothing is left.
            (Some(Err(_)), Err(error)) => Err(StoreError::Unavailable(error.to_string()).into()),
            (Some(Err(error)), Ok(())) => Err(error),
            (Some(Ok(Done::Rollback(value))), Ok(())) => Ok(value),
            (Some(Ok(Done::Commit(value))), Ok(())) => Ok(value),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(StoreError::Unavailable("a unit of work was not done".to_owned()).into()),
        };
        // An error means that the caller has gone away.
        let _ = self.answer.send(result);
    }
}
