// Sends requests, repeats them where that helps, and turns responses into results and errors.
//
// Promises
// - an `Idempotency-Key` is made once for each call, and is the same in all of its attempts;
// - the API key goes to the configured server only: redirects are not followed;
// - no error contains the API key, a code, a phone number or a body.
//
// It does not know messages or verifications.

import { parseMaxRetries, parseTimeout, type Config } from "./config.js";
import {
  APIConnectionError,
  APITimeoutError,
  errorOf,
  InvalidArgumentError,
  kindOf,
  UnexpectedResponseError,
  type SendboxError,
} from "./errors.js";
import { redactProblem, secretsOf } from "./redact.js";
import { parseRetryAfter, pauseBeforeRetry, type FailedAttempt } from "./retry.js";
import type { Problem } from "./schema.js";

/** Options of a single call. */
export interface RequestOptions {
  /** Cancels the call, also between its attempts. It then fails with the signal's `reason`. */
  signal?: AbortSignal | undefined;
  /** How long one attempt may take, in milliseconds. Defaults to that of the client. */
  timeout?: number | undefined;
  /** How many attempts may follow a failed one. Defaults to that of the client. */
  maxRetries?: number | undefined;
}

/** Options of a single call that can be repeated with its key. */
export interface IdempotentRequestOptions extends RequestOptions {
  /**
   * Names the call: with the same key and arguments it happens once, within 24 hours, however often you repeat it. 1 to 255 visible ASCII
   * characters. Defaults to a random key, which covers the client's own retries. Pass one of your own to repeat a call after a crash.
   */
  idempotencyKey?: string | undefined;
}

/** A request to the API of the tenant. */
export interface ApiRequest<Result> {
  readonly method: "GET" | "POST";
  /** The path below that of the tenant. */
  readonly path: readonly string[];
  readonly query?: object | undefined;
  readonly body?: object | undefined;
  /** Whether the request has an `Idempotency-Key`. */
  readonly isKeyed?: boolean;
  /** The values in the request that no error may contain. */
  readonly secrets?: readonly unknown[];
  /** Whether the body of a 2xx response is what this request returns. */
  readonly accepts: (body: object) => body is Result & object;
}

/** What is not deterministic. */
export interface Runtime {
  /** Resolves after so many milliseconds, and rejects when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly random: () => number;
  readonly newKey: () => string;
}

export const defaultRuntime: Runtime = { sleep, random: Math.random, newKey: () => crypto.randomUUID() };

const USER_AGENT = "sendbox-typescript/0.1.0";
/** What the server accepts as an `Idempotency-Key`. */
const IDEMPOTENCY_KEY = /^[!-~]{1,255}$/;

/** How an attempt ended. */
type AttemptResult<Result> = { readonly result: Result } | { readonly failed: FailedAttempt; readonly error: SendboxError };

export class Transport {
  readonly #config: Config;
  readonly #runtime: Runtime;

  constructor(config: Config, runtime: Runtime) {
    this.#config = config;
    this.#runtime = runtime;
  }

  /** Sends the request, with retries. */
  async send<Result>(request: ApiRequest<Result>, options: IdempotentRequestOptions = {}): Promise<Result> {
    const { signal } = options;
    const timeout = options.timeout === undefined ? this.#config.timeout : parseTimeout(options.timeout);
    const maxRetries = options.maxRetries === undefined ? this.#config.maxRetries : parseMaxRetries(options.maxRetries);
    const limits = { maxRetries, maxRetryAfter: this.#config.maxRetryAfter };
    const idempotencyKey = request.isKeyed ? (options.idempotencyKey ?? this.#runtime.newKey()) : undefined;
    if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
      throw new InvalidArgumentError("idempotencyKey must be 1 to 255 visible ASCII characters");
    }
    for (let retries = 0; ; retries += 1) {
      const attempt = await this.#attempt(request, idempotencyKey, timeout, signal);
      if ("result" in attempt) return attempt.result;
      const pause = pauseBeforeRetry(attempt.failed, retries, limits, this.#runtime.random());
      if (pause === undefined) throw attempt.error;
      await this.#runtime.sleep(pause, signal);
    }
  }

  async #attempt<Result>(
    request: ApiRequest<Result>,
    idempotencyKey: string | undefined,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<AttemptResult<Result>> {
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal?.addEventListener("abort", abort);
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      controller.abort();
    }, timeout);
    try {
      const response = await this.#config.fetch(this.#url(request), {
        method: request.method,
        headers: this.#headers(request, idempotencyKey),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        redirect: "manual",
        signal: controller.signal,
      });
      const text = await response.text();
      return this.#read(request, idempotencyKey, response, text);
    } catch (error) {
      // The caller's own reason, as `fetch` does it.
      signal?.throwIfAborted();
      const failure = isTimedOut
        ? new APITimeoutError(`no response within ${timeout} ms`, idempotencyKey)
        : new APIConnectionError(`no complete response: ${reasonOf(error)}`, idempotencyKey);
      return { failed: {}, error: failure };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #url({ path, query = {} }: ApiRequest<unknown>): URL {
    const url = new URL(this.#config.baseUrl);
    const segments = ["v1", "tenants", this.#config.tenant, ...path];
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${segments.map(encodeURIComponent).join("/")}`;
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    return url;
  }

  #headers(request: ApiRequest<unknown>, idempotencyKey: string | undefined): Record<string, string> {
    return {
      Accept: "application/json",
      Authorization: `Bearer ${this.#config.apiKey}`,
      "User-Agent": USER_AGENT,
      ...(request.body !== undefined && { "Content-Type": "application/json" }),
      ...(idempotencyKey !== undefined && { "Idempotency-Key": idempotencyKey }),
    };
  }

  #read<Result>(
    request: ApiRequest<Result>,
    idempotencyKey: string | undefined,
    response: Response,
    text: string,
  ): AttemptResult<Result> {
    const { status } = response;
    const retryAfter = parseRetryAfter(response.headers.get("Retry-After"));
    const body = parseObject(text);
    if (response.ok && body !== undefined && request.accepts(body)) return { result: body };
    if (!response.ok && body !== undefined && isProblem(response, body)) {
      const problem = redactProblem(body, secretsOf([this.#config.apiKey, ...(request.secrets ?? [])]));
      return { failed: { status, kind: kindOf(problem), retryAfter }, error: errorOf(problem, idempotencyKey) };
    }
    return { failed: { status, retryAfter }, error: new UnexpectedResponseError(status, idempotencyKey) };
  }
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(response: Response, body: object): body is Problem {
  const isProblemJson = response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
  const { type, title, detail, status, instance } = body as Partial<Record<keyof Problem, unknown>>;
  return (
    isProblemJson && [type, title, detail, instance].every((text) => typeof text === "string") && status === response.status
  );
}

/** The system's code of the error, like `ECONNREFUSED`. The text of an error could contain the URL. */
function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string" && /^[A-Z0-9_]+$/.test(code)) return code;
  }
  return "the connection failed";
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      settle();
    };
    const abort = () => end(() => reject(signal?.reason));
    const timer = setTimeout(() => end(resolve), milliseconds);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
  });
}
