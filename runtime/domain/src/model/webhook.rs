use std::collections::BTreeSet;

use sendbox_contract::{DeliveryState, FailureClass, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{DeliveryStateName, FailureClassName, MessageStatus, Timestamp, UsageName, VerificationStatus};

/// What an event tells.
///
/// - `message.accepted`: a provider took the message.
/// - `message.delivered`: a provider reported that the message has reached the phone.
/// - `message.undelivered`: a provider reported that the message will not reach the phone.
/// - `message.failed`: the message was not sent.
/// - `message.in-doubt`: nobody knows whether the provider sent the message.
/// - `message.expired`: the code expired before the message could be sent.
/// - `verification.approved`: the right code was given.
/// - `verification.expired`: no right code was given in time.
/// - `version.rolled-back`: Sendbox rolled back a version of a connector that misbehaved.
/// - `hold.created`: a provider suspects fraud, and nothing is sent to these numbers for a while.
/// - `webhook-endpoint.tested`: you asked for a test event. It goes to that endpoint only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum EventType {
    /// A provider took the message.
    #[serde(rename = "message.accepted")]
    MessageAccepted,
    /// The message has reached the phone.
    #[serde(rename = "message.delivered")]
    MessageDelivered,
    /// The message will not reach the phone.
    #[serde(rename = "message.undelivered")]
    MessageUndelivered,
    /// The message was not sent.
    #[serde(rename = "message.failed")]
    MessageFailed,
    /// Nobody knows whether the provider sent the message.
    #[serde(rename = "message.in-doubt")]
    MessageInDoubt,
    /// The code expired before the message could be sent.
    #[serde(rename = "message.expired")]
    MessageExpired,
    /// The right code was given.
    #[serde(rename = "verification.approved")]
    VerificationApproved,
    /// No right code was given in time.
    #[serde(rename = "verification.expired")]
    VerificationExpired,
    /// A version of a connector was rolled back automatically.
    #[serde(rename = "version.rolled-back")]
    VersionRolledBack,
    /// Nothing is sent to some numbers for a while.
    #[serde(rename = "hold.created")]
    HoldCreated,
    /// A test event was requested.
    #[serde(rename = "webhook-endpoint.tested")]
    EndpointTested,
}

impl EventType {
    /// All types.
    pub const ALL: [Self; 11] = [
        Self::MessageAccepted,
        Self::MessageDelivered,
        Self::MessageUndelivered,
        Self::MessageFailed,
        Self::MessageInDoubt,
        Self::MessageExpired,
        Self::VerificationApproved,
        Self::VerificationExpired,
        Self::VersionRolledBack,
        Self::HoldCreated,
        Self::EndpointTested,
    ];

    /// `message.accepted`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageAccepted => "message.accepted",
            Self::MessageDelivered => "message.delivered",
            Self::MessageUndelivered => "message.undelivered",
            Self::MessageFailed => "message.failed",
            Self::MessageInDoubt => "message.in-doubt",
            Self::MessageExpired => "message.expired",
            Self::VerificationApproved => "verification.approved",
            Self::VerificationExpired => "verification.expired",
            Self::VersionRolledBack => "version.rolled-back",
            Self::HoldCreated => "hold.created",
            Self::EndpointTested => "webhook-endpoint.tested",
        }
    }

    /// The event that tells how a message ended. `None`: it has not ended, or its platform did not want it any more.
    pub fn of_message(status: MessageStatus) -> Option<Self> {
        match status {
            MessageStatus::Accepted => Some(Self::MessageAccepted),
            MessageStatus::Failed => Some(Self::MessageFailed),
            MessageStatus::InDoubt => Some(Self::MessageInDoubt),
            MessageStatus::Expired => Some(Self::MessageExpired),
            MessageStatus::Queued | MessageStatus::Sending | MessageStatus::Cancelled => None,
        }
    }

    /// The event that tells what a provider reported. `None`: the message is still on its way.
    pub fn of_delivery(state: DeliveryState) -> Option<Self> {
        match state {
            DeliveryState::Delivered => Some(Self::MessageDelivered),
            DeliveryState::Expired | DeliveryState::Rejected | DeliveryState::Undelivered => {
                Some(Self::MessageUndelivered)
            }
            _ => None,
        }
    }
}

/// What an event holds. Numbers are masked; there is never a code, a text or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EventData {
    /// Of `message.*`.
    Message(MessageEvent),
    /// Of `verification.*`.
    Verification(VerificationEvent),
    /// Of `version.rolled-back`.
    Version(VersionEvent),
    /// Of `hold.created`.
    Hold(HoldEvent),
    /// Of `webhook-endpoint.tested`.
    Test(TestEvent),
}

/// A message, as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEvent {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The id of the message.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The status of the message.
    pub status: MessageStatus,
    /// The phone number, masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// The country of the number (ISO 3166-1 alpha-2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "DK")]
    pub country: Option<String>,
    /// Why the code was sent.
    #[schema(value_type = UsageName)]
    pub usage: Usage,
    /// The id of the verification whose code it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "v7k3x9q2v5t8w4n6p1r0d")]
    pub verification: Option<String>,
    /// Whether it is to a test number, and never sent.
    pub test: bool,
    /// Why the message was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<FailureClassName>)]
    pub failure_class: Option<FailureClass>,
    /// What the provider reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DeliveryStateName>)]
    pub delivery_state: Option<DeliveryState>,
    /// When the message was created.
    pub created_at: Timestamp,
}

/// A verification, as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationEvent {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The id of the verification.
    #[schema(example = "v7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The status of the verification.
    pub status: VerificationStatus,
    /// The phone number, masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// Why the code was sent.
    #[schema(value_type = UsageName)]
    pub usage: Usage,
    /// Whether it is for a test number.
    pub test: bool,
    /// The id of the message with the last code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub message: Option<String>,
    /// When the verification was created.
    pub created_at: Timestamp,
}

/// A rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionEvent {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The id of the connector.
    #[schema(example = "acme-sms")]
    pub connector: String,
    /// The version that was rolled back.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// The version that sends now.
    #[schema(example = "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9")]
    pub active: String,
    /// Why it was rolled back.
    #[schema(example = "half of its messages failed")]
    pub reason: String,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldEvent {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The beginning of the numbers, masked.
    #[schema(example = "+4512…")]
    pub prefix: String,
    /// Why the numbers are held.
    #[schema(example = "the provider suspects fraud")]
    pub reason: String,
    /// The id of the message that led to the hold.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub message: String,
    /// When the hold expires.
    pub expires_at: Timestamp,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestEvent {
    /// The id of the tenant.
    #[schema(example = "acme")]
    pub tenant: String,
    /// The id of the webhook endpoint.
    #[schema(example = "w7k3x9q2v5t8w4n6p1r0d")]
    pub endpoint: String,
}

/// A webhook endpoint to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhookEndpoint {
    /// A name to recognize the endpoint by: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "sign-in backend")]
    pub name: String,
    /// The URL to which events are sent, of at most 2000 characters. Without it, nothing is sent: the events are stored, and can be
    /// listed.
    #[schema(max_length = 2000, example = "https://example.com/webhooks/sendbox")]
    pub url: Option<String>,
    /// The events to send: at least one.
    #[schema(min_items = 1)]
    pub events: BTreeSet<EventType>,
}

/// A change of a webhook endpoint. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookEndpointChange {
    /// A name to recognize the endpoint by: 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80, example = "sign-in backend")]
    pub name: Option<String>,
    /// The URL to which events are sent, of at most 2000 characters.
    #[schema(max_length = 2000, example = "https://example.com/webhooks/sendbox")]
    pub url: Option<String>,
    /// The events to send: at least one.
    #[schema(min_items = 1)]
    pub events: Option<BTreeSet<EventType>>,
    /// Whether events are recorded for the endpoint and sent to it. Events that are waiting when it is disabled are cancelled.
    pub enabled: Option<bool>,
}

/// Why a webhook endpoint is disabled: somebody `requested` it, it had been `failing` for five days, or it responded that it is `gone`
/// (410).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisabledReason {
    /// Somebody disabled it.
    Requested,
    /// It had been failing for five days.
    Failing,
    /// It responded with 410, and wants no more events.
    Gone,
}

impl DisabledReason {
    /// `requested`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }
}

/// A webhook endpoint: where events of a tenant are sent. Without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookEndpoint {
    /// The endpoint's id.
    #[schema(example = "w7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The endpoint's name.
    #[schema(example = "sign-in backend")]
    pub name: String,
    /// The URL to which events are sent. `null`: they are stored only.
    #[schema(example = "https://example.com/webhooks/sendbox")]
    pub url: Option<String>,
    /// The events that are sent.
    pub events: BTreeSet<EventType>,
    /// Whether events are recorded for the endpoint and sent to it.
    pub enabled: bool,
    /// Why the endpoint is disabled. Absent while it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when every attempt has failed. Absent if the last one succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// How many events were deleted before they could be sent, because the tenant had too many of them, or they were too old.
    #[schema(example = 0)]
    pub dropped_events: u64,
    /// Until when events are signed with the previous secret as well. Absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_expires_at: Option<Timestamp>,
    /// When the endpoint was created.
    pub created_at: Timestamp,
    /// When the endpoint was last changed.
    pub updated_at: Timestamp,
}

/// A webhook endpoint with its secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedWebhookEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// The secret that its events are signed with: `whsec_` and the key in base64.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
}

/// How an event is to be sent again.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventResend {
    /// The id of the webhook endpoint to send it to. Without it, it is sent again to every endpoint that it was meant for.
    #[schema(max_length = 60, example = "w7k3x9q2v5t8w4n6p1r0d")]
    pub endpoint: Option<String>,
}

/// What has become of an event for one endpoint.
///
/// - `pending`: it is being sent, or waits for its next attempt.
/// - `delivered`: the endpoint responded with a 2xx status.
/// - `failed`: no attempt succeeded.
/// - `cancelled`: the endpoint was disabled or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventDeliveryStatus {
    /// It is being sent, or waits for its next attempt.
    Pending,
    /// The endpoint responded with a 2xx status.
    Delivered,
    /// No attempt succeeded.
    Failed,
    /// The endpoint was disabled or deleted.
    Cancelled,
}

impl EventDeliveryStatus {
    /// `pending`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One attempt to send an event to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventAttempt {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    #[schema(example = 84)]
    pub took_ms: u64,
    /// The HTTP status of the response. Absent without a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 503)]
    pub status: Option<u16>,
    /// Why there was no response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "no answer in time")]
    pub error: Option<String>,
}

/// An event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventDelivery {
    /// The id of the webhook endpoint.
    #[schema(example = "w7k3x9q2v5t8w4n6p1r0d")]
    pub endpoint: String,
    /// What has become of it.
    pub status: EventDeliveryStatus,
    /// The last attempts, oldest first: at most 20.
    pub attempts: Vec<EventAttempt>,
    /// When the next attempt is due. Absent if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The event's id, which is its `webhook-id`.
    #[schema(example = "e7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// What it tells.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What it holds.
    #[schema(value_type = EventData)]
    pub data: Value,
    /// What has become of it, by endpoint.
    pub deliveries: Vec<EventDelivery>,
}

/// Which events to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// List events of this type only.
    #[serde(rename = "type")]
    pub kind: Option<EventType>,
    /// List events of this message, verification or connector only.
    #[param(max_length = 60, example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub subject: Option<String>,
    /// List events that happened at or after this time only.
    pub since: Option<Timestamp>,
    /// List events that happened before this time only.
    pub until: Option<Timestamp>,
    /// The number of entries on a page. Defaults to 50.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[param(max_length = 200, example = "1795465293250-e7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_they_are_named() {
        for kind in EventType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
