//! Visits every state of a model, breadth first.
//!
//! Promises
//! - a counterexample is a shortest one, and its history can be read;
//! - a state from which no final state can be reached is a counterexample, too: a deadlock, or a circle without an exit.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::hash::Hash;

/// A state machine.
pub trait Model {
    type State: Clone + Eq + Hash + fmt::Debug;

    fn initial(&self) -> Vec<Self::State>;

    /// What can happen next, in words, and the state that follows.
    fn steps(&self, state: &Self::State) -> Vec<(String, Self::State)>;

    /// The promise that a state breaks.
    fn broken(&self, state: &Self::State) -> Option<String>;

    /// The promise that a step breaks.
    fn broken_by_step(&self, before: &Self::State, after: &Self::State) -> Option<String>;

    /// Whether everything has come to its end.
    fn is_final(&self, state: &Self::State) -> bool;
}

/// The result of a search that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub states: usize,
    pub transitions: usize,
    /// The number of steps to the state that is furthest away.
    pub depth: usize,
    pub final_states: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, transitions, depth, final_states } = self;
        write!(f, "{states} states, {transitions} transitions, depth {depth}, {final_states} final states")
    }
}

/// A history that breaks a promise.
#[derive(Debug)]
pub struct Counterexample {
    pub promise: String,
    /// The steps that lead to it, shortest first.
    pub steps: Vec<String>,
    /// The last state.
    pub state: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\nThe shortest history:", self.promise)?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>4}. {step}", number + 1)?;
        }
        write!(f, "\nThe state then: {}", self.state)
    }
}

struct Visited<S> {
    state: S,
    /// The state before it, and the number of the step from there; `None` for an initial state.
    from: Option<(usize, usize)>,
    depth: usize,
}

/// Visits all states, or at most `max_states`.
///
/// # Errors
/// The shortest history that breaks a promise.
///
/// # Panics
/// When there are more states: a search that is not exhaustive shows nothing.
pub fn search<M: Model>(model: &M, max_states: usize) -> Result<Report, Box<Counterexample>> {
    let mut visited: Vec<Visited<M::State>> = Vec::new();
    let mut known: HashMap<M::State, usize> = HashMap::new();
    // Who leads to a state, for the search backwards from the final ones.
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for state in model.initial() {
        known.insert(state.clone(), visited.len());
        visited.push(Visited { state, from: None, depth: 0 });
    }
    let mut next = 0;
    while next < visited.len() {
        let (state, depth) = (visited[next].state.clone(), visited[next].depth);
        if let Some(promise) = model.broken(&state) {
            return Err(counterexample(model, &visited, next, promise));
        }
        for (number, (_, after)) in model.steps(&state).into_iter().enumerate() {
            if let Some(promise) = model.broken_by_step(&state, &after) {
                visited.push(Visited { state: after, from: Some((next, number)), depth: depth + 1 });
                return Err(counterexample(model, &visited, visited.len() - 1, promise));
            }
            let index = match known.get(&after) {
                Some(index) => *index,
                None => {
                    let index = visited.len();
                    assert!(index < max_states, "more than {max_states} states: tighten the bounds of the model");
                    known.insert(after.clone(), index);
                    visited.push(Visited { state: after, from: Some((next, number)), depth: depth + 1 });
                    index
                }
            };
            edges.push((narrow(next), narrow(index)));
        }
        next += 1;
    }
    let is_final: Vec<bool> = visited.iter().map(|visited| model.is_final(&visited.state)).collect();
    if let Some(stuck) = first_without_exit(&is_final, &edges) {
        let promise = "Everything comes to an end; from here nothing does.".to_owned();
        return Err(counterexample(model, &visited, stuck, promise));
    }
    Ok(Report {
        states: visited.len(),
        transitions: edges.len(),
        depth: visited.last().map_or(0, |last| last.depth),
        final_states: is_final.iter().filter(|is_final| **is_final).count(),
    })
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| panic!("too many states"))
}

/// The first state from which no final state can be reached.
fn first_without_exit(is_final: &[bool], edges: &[(u32, u32)]) -> Option<usize> {
    let mut into: Vec<Vec<u32>> = vec![Vec::new(); is_final.len()];
    for (from, to) in edges {
        into[*to as usize].push(*from);
    }
    let mut has_exit = is_final.to_vec();
    let mut open: Vec<usize> = (0..is_final.len()).filter(|index| is_final[*index]).collect();
    while let Some(index) = open.pop() {
        for from in &into[index] {
            let from = *from as usize;
            if !has_exit[from] {
                has_exit[from] = true;
                open.push(from);
            }
        }
    }
    has_exit.iter().position(|has_exit| !has_exit)
}

/// The history that leads to a state. Its words are made here again, so that the search need not keep them.
fn counterexample<M: Model>(
    model: &M,
    visited: &[Visited<M::State>],
    last: usize,
    promise: String,
) -> Box<Counterexample> {
    let mut steps = Vec::new();
    let mut at = last;
    while let Some((before, number)) = visited[at].from {
        steps.push(model.steps(&visited[before].state).swap_remove(number).0);
        at = before;
    }
    steps.reverse();
    let mut state = String::new();
    write!(state, "{:#?}", visited[last].state).ok();
    Box::new(Counterexample { promise, steps, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts to a number, by one or by two, and stops there.
    struct Counter {
        forbidden: u32,
        trap: bool,
    }

    impl Model for Counter {
        type State = u32;

        fn initial(&self) -> Vec<u32> {
            vec![0]
        }

        fn steps(&self, state: &u32) -> Vec<(String, u32)> {
            let mut steps = Vec::new();
            if *state < 10 {
                steps.push(("one".to_owned(), state + 1));
                steps.push(("two".to_owned(), state + 2));
            }
            if self.trap && *state == 4 {
                steps.push(("fall".to_owned(), 100));
            }
            if *state == 100 {
                steps.push(("stay".to_owned(), 100));
            }
            steps
        }

        fn broken(&self, state: &u32) -> Option<String> {
            (*state == self.forbidden).then(|| "forbidden".to_owned())
        }

        fn broken_by_step(&self, _: &u32, _: &u32) -> Option<String> {
            None
        }

        fn is_final(&self, state: &u32) -> bool {
            (10..100).contains(state)
        }
    }

    #[test]
    fn every_state_is_visited() {
        let report = search(&Counter { forbidden: 1000, trap: false }, 100).unwrap();
        assert_eq!(report, Report { states: 12, transitions: 20, depth: 6, final_states: 2 });
    }

    #[test]
    fn the_history_of_a_counterexample_is_a_shortest_one() {
        let found = search(&Counter { forbidden: 5, trap: false }, 100).unwrap_err();
        assert_eq!(found.steps, ["one", "two", "two"]);
        assert!(found.to_string().contains("   2. two"), "{found}");
    }

    #[test]
    fn a_circle_without_an_exit_is_found() {
        let found = search(&Counter { forbidden: 1000, trap: true }, 100).unwrap_err();
        assert_eq!(found.steps, ["two", "two", "fall"]);
    }

    #[test]
    #[should_panic(expected = "more than 5 states")]
    fn a_search_that_is_not_exhaustive_fails() {
        search(&Counter { forbidden: 1000, trap: false }, 5).ok();
    }
}
