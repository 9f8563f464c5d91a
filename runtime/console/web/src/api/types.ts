// The shapes of the API, as far as the console uses them. The OpenAPI document is what counts.

import type { FieldError } from "./client";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = Record<string, unknown>;

/** What a sentence of the server is made of. */
export type MessageValues = Record<string, string | number>;

/** A sentence of the server, and the same as data. Without a code it is from before there were any. */
export interface ServerMessage {
  text: string;
  code?: string;
  values?: MessageValues;
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export type Scope = "manage" | "send" | "verify" | "read";

export interface Session {
  who: "platform" | "tenant";
  tenant: string | null;
  key: string | null;
  scopes: Scope[];
  csrfToken: string | null;
  expiresAt: string | null;
}

export interface Tenant {
  id: string;
  name: string;
  environment: "development" | "production";
  activeConnection: string | null;
  createdAt: string;
}

export interface ConnectorSummary {
  id: string;
  name: string;
  version: string;
  digest: string;
  description: string;
  logo: string | null;
  content: "text" | "template" | "variables";
  hosts: string[];
  reveals: boolean;
  owner: Owner;
}

export interface HostReach {
  origin: string;
  methods: string[];
  pathPrefix: string;
  message?: { recipientFormat: string; recipient: string; content: string; clientIp?: string };
  secrets: string[];
  purpose: string;
}

export interface ConnectorDetail extends ConnectorSummary {
  readme: string;
  parametersSchema: JsonObject;
  templateSchema: JsonObject | null;
  reach: HostReach[];
  usages: string[];
  locales: string[];
  idempotent: boolean;
  readsReports: boolean;
  defaultTemplates: Template[];
}

export interface Template {
  usage: string;
  locale?: string;
  content?: string;
  template?: unknown;
}

export interface Connection {
  name: string;
  connector: string;
  connectorDigest: string;
  parameters: JsonObject;
  secrets: Record<string, string>;
  templates: Template[];
  active: boolean;
  /** Where its provider reports to. */
  reports: { supported: boolean; address: string | null; filled: boolean; why: string | null };
  testedAt: string | null;
  revision: number;
  createdAt: string;
  updatedAt: string;
}

export interface ActiveConnection {
  name: string | null;
  previous?: string;
  flows: string[];
}

export interface Failure {
  class: string;
  party: string;
  requestSent: "no" | "maybe" | "yes";
  text: string;
  providerCode: string | null;
  retryAfter: number | null;
  advice: string;
}

/** A step of a send. `event` says which; the rest depends on it. */
export interface TraceEvent {
  atUs: number;
  event: string;
  [name: string]: unknown;
}

export interface SentRequest {
  method: string;
  url: string;
  headers: [string, string][] | Record<string, string>;
  body: string;
  carriesMessage: boolean;
}

export interface TestResult {
  outcome: "accepted" | "failed" | "in-doubt" | "dry-run";
  failure: Failure | null;
  providerMessageId: string | null;
  size: { encoding: string; segments: number; units: number } | null;
  unknownVariables: string[];
  trace: TraceEvent[];
  requests: SentRequest[];
  used: JsonObject;
}

export interface Preview {
  text: string;
  encoding: "gsm7" | "ucs2";
  segments: number;
  units: number;
  outsideGsm7: string[];
  unknownVariables: string[];
  hints: ServerMessage[];
  priceMicros: number | null;
}

export interface Change {
  field: string;
  before: Json | null;
  after: Json | null;
}

export interface PromotionResult {
  applied: boolean;
  confirm: string | null;
  to: string;
  connection: string;
  replaces: boolean;
  active: boolean;
  changes: Change[];
}

export type MessageStatus = "queued" | "sending" | "accepted" | "failed" | "in-doubt" | "expired" | "cancelled";

/** What a provider reported later. */
export interface DeliveryReport {
  state: string;
  class?: string;
  providerCode?: string;
  text?: string;
  at: string;
  providerAt?: string;
}

export interface Attempt {
  number: number;
  connection: string;
  connector: string;
  connectorDigest: string;
  startedAt: string;
  finishedAt: string | null;
  outcome: "accepted" | "rejected" | "in-doubt" | null;
  failure: Failure | null;
  decision: ServerMessage | null;
  reports?: DeliveryReport[];
  detail?: {
    route?: string;
    trace?: TraceEvent[];
    requests?: SentRequest[];
    heldBack?: SentRequest | null;
    heldShape?: { shape: string; changes: ShapeLine[] } | null;
    used?: JsonObject;
    answered?: number;
    hostsReached?: string[];
  };
}

export interface Message {
  id: string;
  status: MessageStatus;
  to: string;
  country: string | null;
  usage: string;
  flow: string | null;
  locale: string | null;
  verification: string | null;
  test: boolean;
  segments: number | null;
  providerMessageId: string | null;
  delivery: { state: string; class?: string; providerCode?: string; at: string } | null;
  failure: Failure | null;
  attempts: Attempt[];
  nextAttemptAt: string | null;
  createdAt: string;
  expiresAt: string;
}

export interface Policy {
  codes: { digits: number; lifetimeSeconds: number; tries: number; sends: number };
  limits: Record<string, number>;
  countries: { all: boolean; only: string[] };
  spend: {
    currency: string;
    capPerMonthMicros: number;
    pricePerSegmentMicros: number;
    prices: Record<string, number>;
  } | null;
  delivery: {
    mostMessages: number;
    inDoubt: "prefer-silence" | "prefer-delivery";
    fallbacks: string[];
    routes: Record<string, string>;
  };
  originDomain: string | null;
}

export interface ApiKey {
  id: string;
  name: string;
  scopes: Scope[];
  createdAt: string;
  rotatedAt: string | null;
  oldSecretUntil: string | null;
  expiresAt: string | null;
}

export interface AuditEntry {
  id: string;
  tenant: string | null;
  at: string;
  actor: string;
  action: string;
  target: string;
  before: Json | null;
  after: Json | null;
}

export interface Hold {
  id: string;
  prefix: string;
  reason: string;
  message: string;
  createdAt: string;
  expiresAt: string;
}

export type Owner = "built-in" | "all-tenants" | "tenant";
export type Standing = "active" | "canary" | "previous" | "available";

/** A line that was added to a request, or is gone from it. */
export interface ShapeLine {
  added: boolean;
  line: string;
}

/** A request of a version, without what differs from message to message. */
export interface VersionShape {
  shape: string;
  origin: "rehearsed" | "test" | "canary" | "first" | "held" | "approved";
  lines: string[];
  changes: ShapeLine[];
  requests: number;
  firstSeen: string;
  lastSeen: string;
  approvedBy?: string;
}

/** A connection that does not fit a version. */
export interface Unfit {
  tenant: string;
  connection: string;
  problems: FieldError[];
}

/** What would differ for one connection. */
export interface ConnectionDifference {
  tenant: string;
  connection: string;
  lines: ServerMessage[];
}

export interface VersionDifference {
  from: string;
  to: string;
  reach: "wider" | "narrower" | "equal";
  wider: ServerMessage[];
  narrower: ServerMessage[];
  other: ServerMessage[];
  needsApproval: boolean;
  confirm: string;
  approvedAt: string | null;
  approvedBy: string | null;
  /** The author's Markdown, where it is another one. */
  readme: string | null;
  connections: ConnectionDifference[];
  unfit: Unfit[];
}

/** What a file says of itself and holds, once it has been read. */
export interface Inspection {
  manifest: { hosts: { origin: string; methods: string[]; path_prefix: string; receives_message: boolean; purpose: string }[] };
  reveals: boolean;
  readsReports: boolean;
  content: "text" | "template" | "variables";
  shape: { imports: string[]; functions: number; initialMemory: number };
}

export interface ConnectorVersion {
  /** `null` until the file has been read. */
  connector: string | null;
  digest: string;
  version: string | null;
  owner: Owner;
  state: "checking" | "ready" | "refused";
  progress: { step: number; of: number; doing: string } | null;
  refusal: string | null;
  bytes: number;
  uploadedAt: string;
  uploadedBy: string;
  /** `null` until it is ready. */
  standing: Standing | null;
  inspection: Inspection | null;
  /** Only where one version is read, and it is not the active one. */
  difference: VersionDifference | null;
}

export interface Latency {
  p50: number;
  p95: number;
  p99: number;
}

export interface Release {
  connector: string;
  owner: Owner;
  /** Whose decision this is; `null`: that of all tenants. */
  tenant: string | null;
  active: string;
  previous: string | null;
  canary: { digest: string; percent: number; startedAt: string } | null;
  generation: number;
  activatedAt: string;
  watchedUntil: string;
  lastRollback: { at: string; from: string; to: string; reason: string; automatic: boolean; fault?: { code: string; values: MessageValues } } | null;
  comparison: { since: string; sides: Side[] } | null;
}

export interface Side {
  digest: string;
  standing: Standing;
  attempts: number;
  accepted: number;
  inDoubt: number;
  rejected: number;
  faults: number;
  successRate: number | null;
  failures: Record<string, number>;
  latencyMs: Latency | null;
}

export interface VersionActivated {
  release: Release;
  heldBack: Unfit[];
}

export interface Statistics {
  from: string;
  to: string;
  bucket: "hour" | "day";
  totals: {
    messages: number;
    accepted: number;
    delivered: number;
    undelivered: number;
    failed: number;
    inDoubt: number;
    cancelled: number;
    expired: number;
    underWay: number;
    segments: number;
    costMicros: number;
  };
  conversion: Conversion;
  latencyMs: Latency | null;
  failures: { class: string; count: number }[];
  countries: { country: string; messages: number; accepted: number; conversion?: Conversion }[];
  series: Point[];
  attention: Attention[];
}

/** What was taken between `at` and the next point. */
export interface Point {
  at: string;
  messages: number;
  accepted: number;
  failed: number;
  verifications: { started: number; approved: number };
  latencyMs: Latency | null;
}

export interface Conversion {
  started: number;
  approved: number;
  rate: number | null;
}

export interface Attention {
  severity: "info" | "warning" | "critical";
  text: string;
  code: string;
  values: MessageValues;
  about?: { kind: "connection" | "connector" | "country" | "hold"; id: string };
}

/** The phone of a demo. */
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

export interface DemoAccount {
  connector: string;
  parameters: JsonObject;
  templates: Template[];
}
