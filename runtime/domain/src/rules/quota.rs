//! How much a tenant may store, so that nothing grows without end.
//!
//! Promises: every quota of stored things is here, with what to do when it is reached.
//!
//! Must not know: how things are counted. Whoever adds one counts in the transaction that adds it.

/// Something of which a tenant, or for connectors of all tenants the platform, may have so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Connections.
    Connections,
    /// API keys.
    Keys,
    /// Ingresses.
    Ingresses,
    /// Uploaded versions of a tenant's connectors.
    Versions,
    /// Uploaded versions of the connectors for all tenants.
    SharedVersions,
    /// Bytes of a tenant's uploaded versions.
    VersionBytes,
    /// Bytes of the uploaded versions for all tenants.
    SharedVersionBytes,
    /// Messages that have not ended. Checked when an asynchronous one is created: a synchronous one waits for its turn instead.
    MessagesInProgress,
    /// Changes that are recorded in the audit log, within 24 hours. Deleting is always possible, and so is everything with the
    /// platform key.
    ChangesPerDay,
    /// Webhook endpoints.
    WebhookEndpoints,
}

/// Maximum number of test numbers of a tenant.
pub const MAX_TEST_NUMBERS: usize = 20;
/// Maximum number of open sessions of one key. The oldest one ends when another is opened.
pub const MAX_SESSIONS_OF_KEY: usize = 50;
/// Maximum length of the values before a change in the audit log, and of those after it, in bytes of JSON.
pub const MAX_AUDIT_VALUE_BYTES: usize = 4096;
/// The period of [`Quota::ChangesPerDay`].
pub const CHANGES_PERIOD_MS: u64 = 24 * 3600 * 1000;

impl Quota {
    /// All quotas.
    pub const ALL: [Self; 10] = [
        Self::Connections,
        Self::Keys,
        Self::Ingresses,
        Self::Versions,
        Self::SharedVersions,
        Self::VersionBytes,
        Self::SharedVersionBytes,
        Self::MessagesInProgress,
        Self::ChangesPerDay,
        Self::WebhookEndpoints,
    ];

    /// The maximum.
    pub fn max(self) -> u64 {
        match self {
            Self::Connections => 50,
            Self::Keys => 100,
            Self::Ingresses => 50,
            Self::Versions => 50,
            Self::SharedVersions => 200,
            Self::VersionBytes => 200 << 20,
            Self::SharedVersionBytes => 1 << 30,
            Self::MessagesInProgress => 10_000,
            Self::ChangesPerDay => 2_000,
            Self::WebhookEndpoints => 10,
        }
    }

    /// `messages-in-progress`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Keys => "keys",
            Self::Ingresses => "ingresses",
            Self::Versions | Self::SharedVersions => "versions",
            Self::VersionBytes | Self::SharedVersionBytes => "version-bytes",
            Self::MessagesInProgress => "messages-in-progress",
            Self::ChangesPerDay => "changes-per-day",
            Self::WebhookEndpoints => "webhook-endpoints",
        }
    }

    /// What is reached, and what to do.
    pub fn advice(self) -> String {
        let max = self.max();
        match self {
            Self::Connections => format!("the tenant has {max} connections, the maximum; delete one first"),
            Self::Keys => format!("the tenant has {max} keys, the maximum; delete one that is not used"),
            Self::Ingresses => format!("the tenant has {max} ingresses, the maximum; delete one that is not used"),
            Self::Versions | Self::SharedVersions => {
                format!("there are {max} versions, the maximum; delete some that are not in use")
            }
            Self::VersionBytes | Self::SharedVersionBytes => {
                format!("all versions together may have {} MiB; delete some that are not in use", max >> 20)
            }
            Self::MessagesInProgress => {
                format!("{max} messages of the tenant are in progress, the maximum; wait until some have ended")
            }
            Self::WebhookEndpoints => format!("the tenant has {max} webhook endpoints, the maximum; delete one first"),
            Self::ChangesPerDay => {
                format!(
                    "{max} changes were made to the tenant within 24 hours, the maximum with its keys; try again later, or use the \
                     platform key"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quota_says_what_to_do() {
        for quota in Quota::ALL {
            let advice = quota.advice();
            assert!(advice.contains("delete") || advice.contains("wait") || advice.contains("try again"), "{advice}");
            let number = if advice.contains("MiB") { quota.max() >> 20 } else { quota.max() };
            assert!(number > 0 && advice.contains(&number.to_string()), "{advice}");
            assert!(quota.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        }
    }
}
