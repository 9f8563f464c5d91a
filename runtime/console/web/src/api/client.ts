// The one way to the API: JSON in, JSON out, problem documents as errors. Knows no page and no text for people.

import type { FieldError, Problem as ProblemDocument } from "./schema";

/** The API answered with a problem, or not at all. */
export class Problem extends Error {
  constructor(
    /** The last segment of the problem's type, like `not-found`; or `no-answer` and `no-network`, which the browser found. */
    readonly kind: string,
    /** The HTTP status; 0 without an answer. */
    readonly status: number,
    readonly document?: ProblemDocument,
  ) {
    super(document?.detail ?? kind);
  }

    get fields(): FieldError[] {
    return this.document?.errors ?? [];
  }

  /** The problem without the fields that have changed since; `undefined` when none is left. */
  without(changed: (field: string) => boolean): Problem | undefined {
    if (!this.document || this.fields.length === 0) return this;
    const errors = this.fields.filter((one) => !changed(one.field));
    return errors.length > 0 ? new Problem(this.kind, this.status, { ...this.document, errors }) : undefined;
  }
}

/** Proves that a request comes from this page. Kept in memory only. */
let csrfToken = "";

export function setCsrfToken(token: string | undefined | null): void {
  csrfToken = token ?? "";
}

/** After this time without an answer the page says so and stops waiting. */
const TIMEOUT_MS = 20_000;
/** A request that sends a message may take longer: a send alone has 15 s. */
export const SEND_TIMEOUT_MS = 45_000;

/** The `ETag` of what was read or saved, by the object that came with it. */
const revisions = new WeakMap<object, string>();

/** The revision of something that `call` has returned, to be sent as `ifMatch` with a change of it. */
export const revisionOf = (value: object): string | undefined => revisions.get(value);

interface Options {
  method?: string;
  body?: unknown;
  /** The revision that a change was made from: it is refused if somebody else has changed it since. */
  ifMatch?: string;
  signal?: AbortSignal;
  timeoutMs?: number;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const document = (await response.json()) as ProblemDocument;
    return new Problem(document.type.replace("/problems/", ""), response.status, document);
  } catch {
    return new Problem("no-answer", response.status);
  }
}

/** Calls the API. Throws a `Problem`. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const { method = "GET", body, ifMatch, signal, timeoutMs = TIMEOUT_MS } = options;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(timeout.aborted ? "no-answer" : "no-network", 0);
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  const value = (await response.json()) as T;
  const revision = response.headers.get("ETag");
  if (revision !== null && typeof value === "object" && value !== null) revisions.set(value, revision);
  return value;
}

/** Uploads a file and reports the share that is uploaded, which `fetch` cannot. */
export function upload<T>(path: string, file: Blob, onProgress: (share: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Content-Type", "application/wasm");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", csrfToken);
    request.timeout = 120_000;
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.ontimeout = () => reject(new Problem("no-answer", 0));
    request.onerror = () => reject(new Problem("no-network", 0));
    request.onload = () => {
      try {
        const answer = JSON.parse(request.responseText);
        if (request.status < 300) return resolve(answer as T);
        reject(new Problem(String(answer.type ?? "").replace("/problems/", ""), request.status, answer));
      } catch {
        reject(new Problem("no-answer", request.status));
      }
    };
    request.send(file);
  });
}

/** In place of a tenant: what all tenants share. */
export const ALL_TENANTS = "";

/** `/v1/tenants/acme/messages?status=failed`, or `/v1/connectors` for all tenants. Empty query values are left out; path segments
 * in `rest` must be encoded. */
export function apiPath(tenant: string, rest = "", query: Record<string, string | number | undefined> = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  const prefix = tenant === ALL_TENANTS ? "" : `/tenants/${encodeURIComponent(tenant)}`;
  return `/v1${prefix}${rest ? `/${rest}` : ""}${search ? `?${search}` : ""}`;
}

/** `connectors/acme-sms/release` */
export const connectorPath = (connector: string, rest: string): string => `connectors/${encodeURIComponent(connector)}/${rest}`;

/** The path of a webhook endpoint below that of its tenant. */
export const webhookEndpointPath = (id: string, rest = ""): string => `webhook-endpoints/${encodeURIComponent(id)}${rest && `/${rest}`}`;

/** `ingresses/supabase`, or `ingresses/supabase/calls` */
export const ingressPath = (ingress: string, rest = ""): string => `ingresses/${encodeURIComponent(ingress)}${rest ? `/${rest}` : ""}`;

/** The path below which the pages of a tenant are, or those of all tenants. */
export const basePath = (tenant: string): string => (tenant === ALL_TENANTS ? "/all" : `/t/${encodeURIComponent(tenant)}`);
