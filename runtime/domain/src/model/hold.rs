use serde::Serialize;
use utoipa::ToSchema;

use super::Timestamp;

/// A hold: nothing is sent to the thousand numbers that share all but their last three digits, because a provider suspects fraud
/// there. It expires, or you lift it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// The hold's id.
    #[schema(example = "h7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The beginning of the numbers, masked.
    #[schema(example = "+4512…")]
    pub prefix: String,
    /// Why the numbers are held.
    #[schema(example = "the provider suspects fraud")]
    pub reason: String,
    /// The id of the message that led to the hold.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub message: String,
    /// When the hold began.
    pub created_at: Timestamp,
    /// When the hold expires.
    pub expires_at: Timestamp,
}
