// Where requests go and how: the arguments of the client, or else the environment.

import { InvalidArgumentError } from "./errors.js";
import type { RetryLimits } from "./retry.js";

/** How to reach the server. What you leave out comes from the environment, or has a default. */
export interface SendboxOptions {
  /** The URL of the server, like `https://sendbox.example.com`. Defaults to the environment variable `SENDBOX_SERVER`. */
  baseUrl?: string | undefined;
  /** A key of the tenant, or the platform key. Defaults to the environment variable `SENDBOX_KEY`. */
  apiKey?: string | undefined;
  /** The id of the tenant, like `acme`. Defaults to the environment variable `SENDBOX_TENANT`. */
  tenant?: string | undefined;
  /**
   * How long one attempt may take, in milliseconds. Defaults to 30 seconds: the server waits up to 25 seconds for a provider before it
   * responds with 202.
   */
  timeout?: number | undefined;
  /** How many attempts may follow a failed one. Defaults to 2. 0 turns retries off. */
  maxRetries?: number | undefined;
  /** The longest `Retry-After` that the client waits for, in seconds. Longer ones fail at once. Defaults to 5. */
  maxRetryAfter?: number | undefined;
  /** Allow `http://` to a server that is not on this machine. Everyone on the network path can read the key, codes and numbers. */
  insecure?: boolean | undefined;
  /** A replacement of the global `fetch`, for example with a proxy. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** The validated options. */
export interface Config extends RetryLimits {
  readonly baseUrl: URL;
  readonly apiKey: string;
  readonly tenant: string;
  readonly timeout: number;
  readonly fetch: typeof globalThis.fetch;
}

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_MAX_RETRIES = 2;
const DEFAULT_MAX_RETRY_AFTER = 5;
/** The longest pause of a timer: beyond 2³¹ milliseconds, it fires at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;
const MAX_MAX_RETRIES = 10;

export function resolve(options: SendboxOptions): Config {
  return {
    baseUrl: parseBaseUrl(required(options.baseUrl, "baseUrl", "SENDBOX_SERVER"), options.insecure ?? false),
    apiKey: parseApiKey(required(options.apiKey, "apiKey", "SENDBOX_KEY")),
    tenant: parseTenant(required(options.tenant, "tenant", "SENDBOX_TENANT")),
    timeout: parseTimeout(options.timeout ?? DEFAULT_TIMEOUT),
    maxRetries: parseMaxRetries(options.maxRetries ?? DEFAULT_MAX_RETRIES),
    maxRetryAfter: within("maxRetryAfter", options.maxRetryAfter ?? DEFAULT_MAX_RETRY_AFTER, 0, 3_600),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
  };
}

export function parseTimeout(milliseconds: number): number {
  return within("timeout", milliseconds, 1, MAX_TIMEOUT);
}

export function parseMaxRetries(retries: number): number {
  if (!Number.isInteger(retries)) throw new InvalidArgumentError("maxRetries must be an integer");
  return within("maxRetries", retries, 0, MAX_MAX_RETRIES);
}

function within(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw new InvalidArgumentError(`${name} must be from ${min} to ${max}`);
  return value;
}

function required(argument: string | undefined, name: string, variable: string): string {
  const value = (argument ?? environment(variable) ?? "").trim();
  if (value === "") throw new InvalidArgumentError(`${name} is missing: pass it, or set the environment variable ${variable}`);
  return value;
}

/** An environment variable, where there is an environment: not in browsers, and in Deno only with permission. */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return process?.env?.[name];
  } catch {
    return undefined;
  }
}

// None of these errors quotes its value: somebody may have passed a key in the wrong place.

function parseBaseUrl(text: string, insecure: boolean): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new InvalidArgumentError("baseUrl is not a URL; expected one like https://sendbox.example.com");
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new InvalidArgumentError("baseUrl may contain a scheme, a host, a port and a path only; pass the key as apiKey");
  }
  if (url.protocol === "https:") return url;
  if (url.protocol !== "http:") throw new InvalidArgumentError("baseUrl must begin with https://");
  if (isThisMachine(url.hostname) || insecure) return url;
  throw new InvalidArgumentError(
    "baseUrl is neither encrypted nor on this machine: everyone on the network path could read the key. Use https, or pass insecure: true",
  );
}

/** `URL` has normalised the host: `127.1` is `127.0.0.1` here. */
function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function parseApiKey(key: string): string {
  if (!/^[!-~]+$/.test(key)) throw new InvalidArgumentError("apiKey contains invalid characters; copy it again");
  return key;
}

function parseTenant(tenant: string): string {
  if (!/^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/.test(tenant)) {
    throw new InvalidArgumentError("tenant is not the id of a tenant; expected 3 to 40 lowercase letters, digits and hyphens");
  }
  return tenant;
}
