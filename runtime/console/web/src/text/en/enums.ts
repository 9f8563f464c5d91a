// What the console calls the values of the API's enumerations. A value without a text does not compile.

import type { AttemptOutcome, DeliveryState, FailureClass, Flow, MessageStatus, Party, RouteReason, Usage } from "../../api/types";

export const enums = {
  status: {
    queued: "Queued",
    sending: "Sending",
    accepted: "Accepted",
    failed: "Failed",
    "in-doubt": "In doubt",
    expired: "Expired",
    cancelled: "Cancelled",
    rejected: "Not sent",
  } satisfies Record<MessageStatus | AttemptOutcome, string>,

  statusHelp: {
    queued: "Waiting to be sent or retried.",
    sending: "An attempt is in progress.",
    accepted: "A provider accepted it.",
    failed: "It was not sent, and will not be.",
    "in-doubt": "It is unknown whether it was sent. It will not be retried.",
    expired: "Not sent: its code expired first.",
    cancelled: "Not sent: its verification ended first.",
  } satisfies Record<MessageStatus, string>,

  deliveries: {
    queued: "Queued at provider",
    sent: "Sent",
    delivered: "Delivered",
    undelivered: "Undelivered",
    expired: "Expired",
    rejected: "Rejected",
    unknown: "Unknown",
  } satisfies Record<DeliveryState, string>,

  deliveryHelp: {
    queued: "The provider has it in its queue.",
    sent: "The provider handed it to a carrier.",
    delivered: "It arrived on the phone.",
    undelivered: "It didn’t reach the phone.",
    expired: "The phone was unreachable until the message expired.",
    rejected: "A carrier rejected it.",
    unknown: "The provider doesn’t know.",
  } satisfies Record<DeliveryState, string>,

  routes: {
    active: "active connection",
    country: "connection for this country",
    fallback: "fallback connection, because the previous one couldn’t send",
    retry: "same connection again",
    earlier: "chosen before the policy changed",
  } satisfies Record<RouteReason, string>,

  usages: {
    register: "Sign-up",
    "sign-in": "Sign-in",
    "forgot-password": "Password reset",
    generic: "Generic",
    "organization-invitation": "Invitation",
    "user-permission-validation": "Identity check",
    "bind-new-identifier": "Link phone number",
    "mfa-verification": "Two-step sign-in",
    "bind-mfa": "Two-step setup",
  } satisfies Record<Usage, string>,

  flowNames: {
    "sign-up": "Sign-up",
    "sign-in": "Sign-in",
    "password-reset": "Password reset",
    "account-linking": "Account linking",
    "member-invitation": "Member invitation",
    "identity-check": "Identity check",
    mfa: "Two-step verification",
  } satisfies Record<Flow, string>,

  flowHelp: {
    "sign-up": "New users verify their phone number.",
    "sign-in": "Users sign in with a code, instead of or in addition to a password.",
    "password-reset": "Users who forgot their password receive a code.",
    "account-linking": "Users add a phone number to their account.",
    "member-invitation": "Invited members accept with a code.",
    "identity-check": "Users confirm their identity before a sensitive action.",
    mfa: "Users enter a code as the second step, and when they set it up.",
  } satisfies Record<Flow, string>,

  parties: {
    connector: "Connector",
    policy: "Policy",
    network: "Network",
    provider: "Provider",
    host: "Sendbox",
  } satisfies Record<Party, string>,

  failures: {
    "not-sent": "Not sent",
    "rate-limited": "Rate limited by the provider",
    "quota-exceeded": "Quota exceeded",
    "provider-unavailable": "Provider unavailable",
    "in-doubt": "In doubt",
    "invalid-request": "Invalid request",
    "template-rejected": "Template rejected",
    "content-rejected": "Text rejected",
    "sender-rejected": "Sender rejected",
    "authentication-failed": "Authentication failed",
    "configuration-invalid": "Invalid configuration",
    "insufficient-balance": "Insufficient balance",
    "account-suspended": "Account suspended",
    "invalid-recipient": "Invalid phone number",
    "recipient-unsubscribed": "Recipient unsubscribed",
    "recipient-blocked": "Recipient blocked",
    "unsupported-destination": "Destination not supported",
    "fraud-blocked": "Suspected fraud",
    unknown: "Unknown",
    "connector-fault": "Connector fault",
    unavailable: "Sendbox overloaded",
  } satisfies Record<FailureClass, string>,

  advice: {
    "not-sent": "The message was not sent. Try again, or use another provider.",
    "provider-unavailable": "The message was not sent. Try again, or use another provider.",
    "rate-limited": "The message was not sent. Try again later, but not before the time given.",
    "quota-exceeded": "Raise the quota at the provider, or use another provider.",
    "in-doubt": "The provider may have sent the message. Check there before you send again, or the user may get it twice.",
    "invalid-request": "Compare the settings of the connection with the provider’s message.",
    "template-rejected": "Check the template and its variables at the provider.",
    "content-rejected": "Change the text.",
    "sender-rejected": "Use a sender that the provider has approved for this country.",
    "authentication-failed": "Check the credentials of the connection.",
    "configuration-invalid": "Correct the settings of the connection.",
    "insufficient-balance": "Top up your account at the provider.",
    "account-suspended": "Contact the provider about your account.",
    "invalid-recipient": "Ask the user for another number. Don’t retry this one.",
    "recipient-unsubscribed": "This number has opted out of messages. Don’t retry, and don’t use another provider.",
    "recipient-blocked": "This number is blocked. Don’t retry, and don’t use another provider.",
    "unsupported-destination": "Enable the country at the provider, or use another provider.",
    "fraud-blocked": "The provider suspects fraud. Don’t retry, and don’t use another provider.",
    unknown: "Read the provider’s message.",
    "connector-fault": "The connector misbehaved. Use another version, and report it to the author.",
    unavailable: "Try again when the server is less busy.",
  } satisfies Record<FailureClass, string>,
};

export type EnumTexts = typeof enums;
