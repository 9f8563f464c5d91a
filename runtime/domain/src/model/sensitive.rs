use std::fmt;

use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A phone number, a code or another value that must not be logged or returned.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(value_type = String)]
pub struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// The value.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Moves the value out. It is still wiped when dropped.
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}
