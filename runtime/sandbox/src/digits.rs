//! Runs of digits in a text, as numbers and codes are written: with single separators between the digits, or without.

/// A run of digits at the start of a text.
pub(crate) struct Run {
    /// Length of the run, in bytes.
    pub(crate) end: usize,
    /// Number of digits before the first separator, which equals their length in bytes.
    pub(crate) in_row: usize,
    /// Number of digits in the run.
    pub(crate) digits: usize,
}

/// The run at the start of a text. `separators` must be ASCII.
pub(crate) fn run(text: &str, separators: &[u8]) -> Run {
    let bytes = text.as_bytes();
    let row = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let in_row = row(0);
    let (mut end, mut digits) = (in_row, in_row);
    while bytes.get(end).is_some_and(|byte| separators.contains(byte)) {
        let more = row(end + 1);
        if more == 0 {
            break;
        }
        digits += more;
        end += 1 + more;
    }
    Run { end, in_row, digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_single_separators() {
        for (text, expected) in [
            ("12 34-5x", (7, 2, 5)),
            ("12  34", (2, 2, 2)),
            ("12.", (2, 2, 2)),
            ("12/34", (2, 2, 2)),
            ("12é", (2, 2, 2)),
            ("x", (0, 0, 0)),
        ] {
            let Run { end, in_row, digits } = run(text, b" -.");
            assert_eq!((end, in_row, digits), expected, "{text}");
        }
    }
}
