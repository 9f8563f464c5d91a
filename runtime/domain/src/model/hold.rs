use serde::Serialize;
use utoipa::ToSchema;

use super::Timestamp;

/// A hold: nothing is sent to the thousand numbers that differ from one in the last three digits only, because a provider
/// suspects fraud there. It ends by itself, or is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Lift it by this.
    pub id: String,
    /// The numbers' beginning, masked.
    #[schema(example = "+4512…")]
    pub prefix: String,
    /// Why, in words.
    pub reason: String,
    /// The message that led to it.
    pub message: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}
