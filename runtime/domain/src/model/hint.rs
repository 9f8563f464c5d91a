use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// What would make a text cheaper: in words, and as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HintView {
    /// In words.
    pub text: String,
    /// The same as data.
    #[serde(flatten)]
    pub hint: Hint,
}

impl From<Hint> for HintView {
    fn from(hint: Hint) -> Self {
        Self { text: hint.to_string(), hint }
    }
}

/// What would make a text cheaper. Characters stand in backticks, those that cannot be seen as `U+00A0`; lists have `, ` between
/// their parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum Hint {
    /// Letters of another script make the text UCS-2.
    OtherScript {
        /// At most eight of them.
        characters: String,
        /// How many more there are.
        more: u64,
    },
    /// Characters make the text UCS-2 that could be written otherwise.
    WriteOtherwise {
        /// At most eight of them, each with what is written for it (`` `’` → `'` ``), or alone where it can be left out.
        instead: String,
        /// How many more there are.
        more: u64,
        /// Segments as it is.
        segments: u32,
        /// Segments that it would take.
        then: u32,
    },
    /// It takes more than one segment.
    Shorten {
        /// Segments as it is.
        segments: u32,
        /// So many characters less, and it takes one segment less.
        over: u64,
    },
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherScript { characters, more } => {
                let alone = *more == 0 && !characters.contains(", ");
                let (are, have) = if alone { ("is", "has") } else { ("are", "have") };
                f.write_str(characters)?;
                if *more > 0 {
                    write!(f, " and {more} more")?;
                }
                write!(
                    f,
                    " {are} not in GSM 03.38 and {have} no like there, so the text is UCS-2: one segment holds 70 characters, \
                     not 160"
                )
            }
            Self::WriteOtherwise { instead, more, segments, then } => {
                let advice: Vec<String> = instead.split(", ").map(advice).collect();
                let advice = advice.join(", ");
                write!(f, "the text is UCS-2 because of characters that are not in GSM 03.38: {advice}")?;
                if *more > 0 {
                    write!(f, " (and {more} more)")?;
                }
                if then < segments {
                    write!(f, "; it would take {then} instead of {segments} segments")
                } else {
                    f.write_str("; one segment would hold 160 characters, not 70")
                }
            }
            Self::Shorten { segments, over } => {
                let fewer = segments.saturating_sub(1);
                let parts = if fewer == 1 { "segment" } else { "segments" };
                let characters = if *over == 1 { "character" } else { "characters" };
                write!(f, "the text takes {segments} segments; {over} {characters} less, and it takes {fewer} {parts}")
            }
        }
    }
}

/// What to do about one character.
fn advice(instead: &str) -> String {
    match instead.split_once(" → ") {
        None => format!("leave out {instead}"),
        Some((character, "U+0020")) => format!("write a plain space for {character}"),
        Some((character, other)) => format!("write {other} for {character}"),
    }
}
