//! Finds the code in a text that a platform has rendered.

/// Lengths of a run of digits that may be a code.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;

/// What a text says about its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeInText<'t> {
    /// One code, at one or several places.
    One(&'t str),
    None,
    /// Different runs of digits that may be the code.
    Several,
}

/// Finds the one run of 4 to 10 digits. The same run twice is one code: the last line of an origin-bound text repeats it.
pub(super) fn find(text: &str) -> CodeInText<'_> {
    let runs = text.split(|character: char| !character.is_ascii_digit()).filter(|run| LENGTHS.contains(&run.len()));
    let mut found = CodeInText::None;
    for run in runs {
        found = match found {
            CodeInText::None => CodeInText::One(run),
            CodeInText::One(first) if first == run => found,
            _ => return CodeInText::Several,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_run_of_digits_is_the_code() {
        for (text, found) in [
            ("Your code is 123456.", CodeInText::One("123456")),
            ("123456", CodeInText::One("123456")),
            ("1234 is it, for 10 minutes", CodeInText::One("1234")),
            ("Your Acme code is: 0123456789\n\n@acme.example #0123456789", CodeInText::One("0123456789")),
            ("Your code is 123.", CodeInText::None),
            ("Call 12345678901 now", CodeInText::None),
            ("", CodeInText::None),
            ("Your code is １２３４５６", CodeInText::None),
            ("Code 123456, valid until 2026", CodeInText::Several),
            ("G-123456 or 654321", CodeInText::Several),
            ("123 456", CodeInText::None),
        ] {
            assert_eq!(find(text), found, "{text}");
        }
    }
}
