use std::collections::BTreeMap;

/// What the platform keeps with a message or a verification: its own id of it, and values of its own. Stored and shown as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformData {
    /// The platform's own id of what the message is for, such as a session. Need not be unique.
    pub reference: Option<String>,
    /// Values of the platform, by name.
    pub metadata: BTreeMap<String, String>,
}
