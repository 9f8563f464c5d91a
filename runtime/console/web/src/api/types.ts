// The types of the API, as the console names them. `schema.ts` is generated from the OpenAPI document; what the document does not
// describe follows below.

import type * as schema from "./schema";

export type {
  ActiveConnection, Key as ApiKey, AttemptOutcome, Attention, AuditEntry, Cause, Change, DecisionCode,
  DeliveryReportView as DeliveryReport, DeliveryState, DifferenceCode, Environment, FieldCode, Finding, Flow, Flows, Hint, Hold,
  IssuedKey, MessageStatus, NoFallback, NotAgain, Policy, PromotedSecrets, PromotionReport as PromotionResult, Release, Scope,
  SessionView as Session, ShapeLine, Side, Standing, Statistics, Tenant, TestNumber, TestNumbersView as TestNumbers, Unfit,
  Usage, Verification, VersionActivated, VersionDifference, VersionFault, VersionShape,
} from "./schema";

export {
  deliveryStateValues, environmentValues, flowValues, inDoubtValues, messageStatusValues, promotedSecretsValues, usageValues,
} from "./schema";

export type JsonObject = Record<string, unknown>;

/** A page of a list. */
export interface Page<T> {
  items: T[];
  next?: string | null;
}

/** A sentence of the server in English, with the code and values that it was made from. */
export interface ServerMessage {
  text: string;
  code?: string | null;
  values?: object | null;
}

// Objects without a schema in the document.

/** A template of a connection: a text (`content`), or a template at the provider (`template`). */
export interface Template {
  usage: schema.Usage;
  locale?: string;
  content?: string;
  template?: unknown;
}

export type ContentKind = "text" | "template" | "variables";

/** A step of a send; `event` is its kind, and the other members depend on it. */
export interface TraceEvent {
  atUs: number;
  event: string;
  [name: string]: unknown;
}

/** A request that was sent, masked. */
export interface SentRequest {
  method: string;
  url: string;
  headers: [string, string][] | Record<string, string>;
  body: string;
  carriesMessage: boolean;
}

export interface AttemptDetail {
  route?: string;
  trace?: TraceEvent[];
  requests?: SentRequest[];
  heldBack?: SentRequest | null;
  heldShape?: { shape: string; changes: schema.ShapeLine[] } | null;
  used?: JsonObject;
  answered?: number | null;
}

/** What an uploaded component says about itself, and what the server found in it. */
export interface Inspection {
  manifest: { hosts: { origin: string; methods: string[]; path_prefix: string; purpose: string }[] };
  reveals: boolean;
  readsReports: boolean;
  content: ContentKind;
  shape: { imports: string[]; initialMemory: number };
}

// The generated types with those objects in their places.

type With<T, Described> = Omit<T, keyof Described> & Described;

export type Failure = With<schema.FailureView, { requestSent: "no" | "maybe" | "yes" }>;
export type Attempt = With<schema.Attempt, { failure?: Failure | null; detail?: AttemptDetail | null }>;
export type Message = With<schema.Message, { failure?: Failure | null; attempts: Attempt[] }>;
export type Connection = With<schema.Connection, { templates: Template[] }>;
export type ConnectorSummary = With<schema.ConnectorSummary, { content: ContentKind }>;
export type ConnectorDetail = With<schema.ConnectorDetail, { content: ContentKind; defaultTemplates: Template[] }>;
export type ConnectorVersion = With<schema.ConnectorVersion, { inspection?: Inspection | null }>;
export type Preview = With<schema.Preview, { encoding: "gsm7" | "ucs2" }>;
export type TestResult = With<
  schema.TestReport,
  {
    outcome: "accepted" | "failed" | "in-doubt" | "dry-run";
    failure?: Failure | null;
    size?: { encoding: "gsm7" | "ucs2"; segments: number; units: number } | null;
    trace: TraceEvent[];
    requests: SentRequest[];
  }
>;

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
  templates: Template[];
}
