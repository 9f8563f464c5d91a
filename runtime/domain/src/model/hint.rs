use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// A hint that would make a text cheaper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hint {
    /// The hint as a sentence.
    #[schema(example = "the text takes 2 segments; 1 character less, and it takes 1 segment")]
    pub message: String,
    /// The hint as a code with values.
    #[serde(flatten)]
    pub hint: HintCode,
}

impl From<HintCode> for Hint {
    fn from(hint: HintCode) -> Self {
        Self { message: hint.to_string(), hint }
    }
}

/// What would make a text cheaper. Characters are in backticks, invisible ones are written like `U+00A0`, and lists are joined with
/// `, `.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "code", content = "values", rename_all = "kebab-case")]
pub enum HintCode {
    /// Letters of a script that GSM 03.38 does not have make the text UCS-2.
    OtherScript {
        /// Up to eight of the characters.
        #[schema(example = "`я`, `ю`")]
        characters: String,
        /// How many more characters there are.
        #[schema(example = 0)]
        more: u64,
    },
    /// Characters that could be replaced make the text UCS-2.
    WriteOtherwise {
        /// Up to eight of the characters, each with its replacement, or alone if it can be left out.
        #[schema(example = "`’` → `'`")]
        instead: String,
        /// How many more characters there are.
        #[schema(example = 0)]
        more: u64,
        /// The number of segments now.
        #[schema(example = 2)]
        segments: u32,
        /// The number of segments after the replacement.
        #[schema(example = 1)]
        then: u32,
    },
    /// The text takes more than one segment.
    Shorten {
        /// The number of segments now.
        #[schema(example = 2)]
        segments: u32,
        /// How many characters too many there are for one segment less.
        #[schema(example = 1)]
        over: u64,
    },
}

impl fmt::Display for HintCode {
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

/// The advice for one character.
fn advice(instead: &str) -> String {
    match instead.split_once(" → ") {
        None => format!("leave out {instead}"),
        Some((character, "U+0020")) => format!("write a plain space for {character}"),
        Some((character, other)) => format!("write {other} for {character}"),
    }
}
