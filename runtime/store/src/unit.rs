//! A unit of work: what is written together, or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use super::{StoreError, Tx};

/// The future of a unit.
pub type UnitFuture<'t, T, E> = Pin<Box<dyn Future<Output = Result<Done<T>, E>> + Send + 't>>;

/// How a unit ended, if nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done<T> {
    /// Its changes are to last.
    Commit(T),
    /// Nothing is to be changed.
    Rollback(T),
}

/// A unit of work as the writer of SQLite sees it.
pub(super) trait Unit: Send {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;

    /// Does the work. Returns whether its changes are to last.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Makes it a failure.
    fn fail(&mut self, error: StoreError);

    /// Tells whoever waits how it ended, now that its batch is committed, or is not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A unit that has not been answered.
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
        // A panic is the failure of this unit, and of no other one in its batch.
        let polled = catch_unwind(AssertUnwindSafe(|| work(tx).as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        let failed = |cause: &str| Err(StoreError::Unavailable(cause.to_owned()).into());
        let result = match polled {
            Ok(Poll::Ready(result)) => result,
            // The statements of SQLite never wait. Whatever else did would keep the writer from everybody.
            Ok(Poll::Pending) => failed("a unit of work waited for something else than the store"),
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
            // It has failed by itself, or has changed nothing: the end of its batch says nothing about it.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(Done::Rollback(value))), Ok(())) => Ok(value),
            (Some(Ok(Done::Commit(value))), Ok(())) => Ok(value),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(StoreError::Unavailable("a unit of work was not done".to_owned()).into()),
        };
        // An error: nobody waits any more.
        let _ = self.answer.send(result);
    }
}
