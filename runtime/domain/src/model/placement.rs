use sendbox_policy::{MessagePlaces, RecipientForm};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RecipientFormName;

/// The positions of the recipient and the message in a request. The host sends them in these positions only.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessagePlacement {
    /// How the request contains the number.
    #[schema(value_type = RecipientFormName, example = "e164")]
    pub recipient_format: RecipientForm,
    /// The position of the number.
    #[schema(example = "the form field `To`")]
    pub recipient: String,
    /// The position of the text or of each variable.
    #[schema(example = "the form field `Body`")]
    pub content: String,
    /// The position of the end user's IP address. Absent if the connector does not pass it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the JSON value `/ip`")]
    pub client_ip: Option<String>,
}

impl MessagePlacement {
    pub fn of(places: &MessagePlaces) -> Self {
        Self {
            recipient_format: places.recipient_format(),
            recipient: places.recipient().to_string(),
            content: places.content().to_string(),
            client_ip: places.client_ip().map(ToString::to_string),
        }
    }
}
