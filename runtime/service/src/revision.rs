//! Revisions of what is replaced as a whole: who saves a change says which revision it was made from, so that nobody overwrites what
//! somebody else has saved in the meantime.

use sendbox_domain::model::{Policy, Timestamp};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The revisions from which a change may have been made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// The caller does not say.
    #[default]
    Unconditional,
    /// Any, but there must be one.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Checks the current revision; `None`: there is nothing yet.
    pub(crate) fn check(&self, current: Option<&str>) -> Result<()> {
        let is_met = match (self, current) {
            (Self::Unconditional, _) | (Self::Any, Some(_)) => true,
            (Self::OneOf(revisions), Some(current)) => revisions.iter().any(|revision| revision == current),
            (_, None) => false,
        };
        if is_met { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}

/// The revision of a policy: it follows from its content.
pub fn policy_revision(policy: &Policy) -> String {
    let content = serde_json::to_vec(policy).unwrap_or_default();
    let hash = hex::encode(Sha256::digest(content));
    hash.chars().take(16).collect()
}

/// The revision of a connection: its number, and since when it exists under its name.
pub fn connection_revision(revision: u64, created_at: Timestamp) -> String {
    format!("{}-{revision}", created_at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_revision_that_was_read_is_replaced() {
        let one_of = |revisions: &[&str]| IfMatch::OneOf(revisions.iter().map(|one| (*one).to_owned()).collect());
        for (condition, current, is_met) in [
            (IfMatch::Unconditional, Some("a"), true),
            (IfMatch::Unconditional, None, true),
            (IfMatch::Any, Some("a"), true),
            (IfMatch::Any, None, false),
            (one_of(&["a"]), Some("a"), true),
            (one_of(&["b", "a"]), Some("a"), true),
            (one_of(&["a"]), Some("b"), false),
            (one_of(&["a"]), None, false),
            (one_of(&[]), Some("a"), false),
        ] {
            assert_eq!(condition.check(current).is_ok(), is_met, "{condition:?} {current:?}");
        }
    }
}
