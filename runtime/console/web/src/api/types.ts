// The types of the API, as the console names them. `schema.ts` is generated from the OpenAPI document; what the document does not
// describe follows below.

import type * as schema from "./schema";

export type {
  ActiveConnection, Alert, AlertCode, AlertSubject, Key as ApiKey, Attempt, AttemptOutcome, AuditEntry, Cause, Change,
  ComparedVersion, Connection, ConnectorDetail, ConnectorSummary, ConnectorVersion, ContentKind, DecisionCode, DeliveryReport, DeliveryState,
  DifferenceCode, Environment, Event, EventDelivery, EventType, Failure, FailureClass, FieldCode, Flow, Flows, HintCode, Hold, IncompatibleConnection, Ingress,
  IngressAuthenticationInput, IngressAuthenticationType, IngressCall, IngressFields, IngressInput, IngressKind, IngressOutcome,
  IngressSettings, IngressText, IssuedKey, IssuedWebhookEndpoint, MaskedTestNumbers as TestNumbers, Message, MessageStatus, MessagesWithoutCode, NoFallback, NotAgain, Party, Policy, Preview, PromotedSecrets,
  PromotionReport as PromotionResult, Release, RequestSent, RequestShape, ResourceUsage, RouteReason, Scope, SentRequest, Session,
  ShapeLine, Statistics, Template, Tenant, TestNumber, TestOutcome, TestReport as TestResult, TextEncoding, TraceEvent, Usage, Verification,
  VersionActivated, VersionDifference, VersionFault, VersionInspection, VersionRole, WebhookEndpoint,
} from "./schema";

export {
  deliveryStateValues, environmentValues, eventTypeValues, flowValues, inDoubtValues, ingressKindValues, ingressTextValues, messageStatusValues,
  messagesWithoutCodeValues, promotedSecretsValues, usageValues,
} from "./schema";

export type JsonObject = Record<string, unknown>;

/** A page of a list. */
export type Page<T> = Omit<schema.Page_Message, "items"> & { items: T[] };

/** A sentence of the server in English, with the code and values that it was made from. */
export interface ServerMessage {
  message: string;
  code?: string | null;
  values?: object | null;
}

// What only a demo has. The document does not describe it.

/** The messages on the phone of a demo. */
export interface PhoneMessages {
  number: string;
  messages: {
    number: number;
    provider: string;
    providerId: string | null;
    to: string;
    sender: string | null;
    text: string | null;
    receivedAt: number;
  }[];
}

/** An account of a demo's simulated provider. */
export interface DemoAccount {
  connector: string;
  parameters: JsonObject;
  templates: schema.Template[];
}
