// One way to the API: JSON in, JSON out, problem documents as errors. It holds no rule and no text for people.

/** What is wrong with a field. `code`: where the cause is a common one. */
export interface FieldError {
  field: string;
  message: string;
  code?: string;
  values?: Record<string, string>;
}

/** What the server says when it refuses (RFC 9457). */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: FieldError[];
  limit?: string;
  retryAfter?: number;
  flows?: string[];
  scope?: string;
}

/** A refusal, or no answer at all. */
export class Problem extends Error {
  constructor(
    /** `not-found`; or `no-answer` and `no-network`, which are the browser's own. */
    readonly kind: string,
    /** 0 when there was no answer. */
    readonly status: number,
    readonly document?: ProblemDocument,
  ) {
    super(document?.detail ?? kind);
  }

  /** What is wrong, by field. */
  get fields(): FieldError[] {
    return this.document?.errors ?? [];
  }

  /** What is left of it once some fields have changed. `undefined`: nothing. */
  without(changed: (field: string) => boolean): Problem | undefined {
    if (!this.document || this.fields.length === 0) return this;
    const errors = this.fields.filter((one) => !changed(one.field));
    return errors.length > 0 ? new Problem(this.kind, this.status, { ...this.document, errors }) : undefined;
  }
}

/** The token that shows that a request comes from this page. Kept in memory only. */
let csrfToken = "";

export function setCsrfToken(token: string | undefined | null): void {
  csrfToken = token ?? "";
}

/** After so long without an answer the page says so instead of waiting on. A send may take its 15 s. */
const PATIENCE = 20_000;
export const PATIENCE_OF_A_SEND = 45_000;

interface Options {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
  patience?: number;
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
  const { method = "GET", body, signal, patience = PATIENCE } = options;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const timeout = AbortSignal.timeout(patience);
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
  return (await response.json()) as T;
}

/** Sends a file, and says how much of it has left. `fetch` cannot say that. */
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

/** What belongs to all tenants, where a tenant is asked for. */
export const ALL = "";

/** `/v1/tenants/acme/messages?status=failed`: parts are encoded, empty values left out. Of all tenants: `/v1/connectors`. */
export function at(tenant: string, rest = "", query: Record<string, string | number | undefined> = {}): string {
  const filled = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  const whose = tenant === ALL ? "" : `/tenants/${encodeURIComponent(tenant)}`;
  return `/v1${whose}${rest ? `/${rest}` : ""}${search ? `?${search}` : ""}`;
}

/** Where the pages of a tenant stand, or those of all tenants. */
export const home = (tenant: string): string => (tenant === ALL ? "/all" : `/t/${encodeURIComponent(tenant)}`);
