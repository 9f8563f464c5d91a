//! Whether a recorded history of concurrent calls is linearizable: whether there is an order of the calls, each at some moment between its
//! invocation and its response, in which every result is right. The search is that of Wing and Gong, with the memory of Lowe.
//!
//! A call without a known result, because its response was lost or its process killed, may have taken effect at any moment after its
//! invocation, or never.

use std::collections::HashSet;
use std::fmt::{Debug, Write as _};
use std::hash::Hash;

/// An object that behaves as if calls came one after the other.
pub trait Object {
    type State: Clone + Eq + Hash + Debug;
    type Operation: Debug;
    type Output: Debug;

    fn initial(&self) -> Self::State;

    /// The state after an operation, or `None` if it cannot have this output in this state. Without an output any is possible.
    fn apply(
        &self,
        state: &Self::State,
        operation: &Self::Operation,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}

/// A call, as its client has seen it. Times are positions in one order of all invocations and responses.
#[derive(Clone, Debug)]
pub struct Call<O, R> {
    /// Who was called.
    pub process: String,
    pub operation: O,
    pub invoked_at: u64,
    /// The output and when it arrived; `None` if nobody knows.
    pub result: Option<(R, u64)>,
}

struct Search<'a, O: Object> {
    object: &'a O,
    calls: &'a [Call<O::Operation, O::Output>],
    visited: HashSet<(Vec<bool>, O::State)>,
    /// The longest order that was found.
    longest: Vec<usize>,
}

impl<O: Object> Search<'_, O> {
    /// Whether the rest can be ordered. `order`: the calls so far.
    fn extends(&mut self, done: &mut Vec<bool>, order: &mut Vec<usize>, state: &O::State) -> bool {
        let open = |index: &usize| !done[*index];
        let waiting = (0..self.calls.len()).filter(open).filter_map(|index| self.calls[index].result.as_ref());
        let Some(first_response) = waiting.map(|(_, at)| *at).min() else { return true };
        if !self.visited.insert((done.clone(), state.clone())) {
            return false;
        }
        if order.len() >= self.longest.len() {
            self.longest.clone_from(order);
        }
        // Whatever was invoked before the first response may come first.
        let next: Vec<usize> =
            (0..self.calls.len()).filter(open).filter(|index| self.calls[*index].invoked_at < first_response).collect();
        for index in next {
            let call = &self.calls[index];
            let output = call.result.as_ref().map(|(output, _)| output);
            let Some(after) = self.object.apply(state, &call.operation, output) else { continue };
            done[index] = true;
            order.push(index);
            if self.extends(done, order, &after) {
                return true;
            }
            order.pop();
            done[index] = false;
        }
        false
    }
}

/// Checks a history.
///
/// # Errors
/// The history, with the longest order that explains a part of it.
pub fn check<O: Object>(object: &O, calls: &[Call<O::Operation, O::Output>]) -> Result<(), String> {
    let mut search = Search { object, calls, visited: HashSet::new(), longest: Vec::new() };
    if search.extends(&mut vec![false; calls.len()], &mut Vec::new(), &object.initial()) {
        return Ok(());
    }
    Err(describe(object, calls, &search.longest))
}

fn describe<O: Object>(object: &O, calls: &[Call<O::Operation, O::Output>], longest: &[usize]) -> String {
    let mut text = "the history is not linearizable\n\nThe calls, by invocation:\n".to_owned();
    let line = |index: usize| {
        let Call { process, operation, invoked_at, result } = &calls[index];
        match result {
            Some((output, at)) => format!("{invoked_at:>5}-{at:<5} {process}: {operation:?} -> {output:?}"),
            None => format!("{invoked_at:>5}-      {process}: {operation:?} -> nobody knows"),
        }
    };
    let mut by_invocation: Vec<usize> = (0..calls.len()).collect();
    by_invocation.sort_by_key(|index| calls[*index].invoked_at);
    for index in by_invocation {
        writeln!(text, "  {}", line(index)).ok();
    }
    text.push_str("\nThe longest order in which each result is right, with the state after each call:\n");
    let mut state = object.initial();
    for index in longest {
        let output = calls[*index].result.as_ref().map(|(output, _)| output);
        if let Some(after) = object.apply(&state, &calls[*index].operation, output) {
            state = after;
        }
        writeln!(text, "  {}; {state:?}", line(*index)).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A register.
    struct Register;

    #[derive(Clone, Copy, Debug)]
    enum Operation {
        Write(u32),
        Read,
    }
    use Operation::{Read, Write};

    impl Object for Register {
        type State = u32;
        type Operation = Operation;
        type Output = u32;

        fn initial(&self) -> u32 {
            0
        }

        fn apply(&self, state: &u32, operation: &Operation, output: Option<&u32>) -> Option<u32> {
            match operation {
                Write(value) => Some(*value),
                Read => output.is_none_or(|read| read == state).then_some(*state),
            }
        }
    }

    /// Operation, output if it is known, invocation, response.
    type Short = (Operation, Option<u32>, u64, u64);

    fn is_linearizable(calls: &[Short]) -> bool {
        let calls: Vec<_> = calls
            .iter()
            .map(|(operation, output, invoked_at, at)| Call {
                process: "p".to_owned(),
                operation: *operation,
                invoked_at: *invoked_at,
                result: output.map(|output| (output, *at)),
            })
            .collect();
        check(&Register, &calls).is_ok()
    }

    #[test]
    fn histories_that_are_linearizable_and_that_are_not() {
        let cases: [(&str, &[Short], bool); 9] = [
            ("nothing", &[], true),
            ("one after the other", &[(Write(1), Some(0), 0, 1), (Read, Some(1), 2, 3)], true),
            ("a stale read", &[(Write(1), Some(0), 0, 1), (Read, Some(0), 2, 3)], false),
            ("a read during a write, before it", &[(Write(1), Some(0), 0, 3), (Read, Some(0), 1, 2)], true),
            ("a read during a write, after it", &[(Write(1), Some(0), 0, 3), (Read, Some(1), 1, 2)], true),
            (
                "two reads during a write, back in time",
                &[(Write(1), Some(0), 0, 9), (Read, Some(1), 1, 2), (Read, Some(0), 3, 4)],
                false,
            ),
            (
                "a lost write takes effect late",
                &[(Write(1), None, 0, 0), (Read, Some(0), 1, 2), (Read, Some(1), 3, 4)],
                true,
            ),
            ("a lost write never takes effect", &[(Write(1), None, 0, 0), (Read, Some(0), 1, 2)], true),
            (
                "a lost write takes effect once",
                &[(Write(1), None, 0, 0), (Read, Some(1), 1, 2), (Write(2), Some(0), 3, 4), (Read, Some(1), 5, 6)],
                false,
            ),
        ];
        for (what, calls, expected) in cases {
            assert_eq!(is_linearizable(calls), expected, "{what}");
        }
    }

    #[test]
    fn a_history_that_is_not_linearizable_can_be_read() {
        let calls = [
            Call { process: "one".to_owned(), operation: Write(1), invoked_at: 0, result: Some((0, 1)) },
            Call { process: "two".to_owned(), operation: Read, invoked_at: 2, result: Some((0, 3)) },
        ];
        let text = check(&Register, &calls).unwrap_err();
        assert!(text.contains("    0-1     one: Write(1) -> 0; 1"), "{text}");
        assert!(text.contains("    2-3     two: Read -> 0"), "{text}");
    }
}
