// When a failed attempt is repeated, and after how long. A pure function: it neither waits nor sends.
//
// Every request of this client can be repeated safely: GET changes nothing, a cancelled verification can be cancelled again, and all
// other requests have an `Idempotency-Key`, which stays the same. What is repeated is therefore what another attempt can cure.

/** How an attempt failed. */
export interface FailedAttempt {
  /** The HTTP status. `undefined` if there was no complete response. */
  readonly status?: number;
  /** The kind of the problem. `undefined` if the response is not a problem document of Sendbox. */
  readonly kind?: string;
  /** The header `Retry-After` in seconds. */
  readonly retryAfter?: number | undefined;
}

/** How often, and how long. */
export interface RetryLimits {
  /** How many attempts may follow the first one. */
  readonly maxRetries: number;
  /** The longest `Retry-After` that is waited for, in seconds. */
  readonly maxRetryAfter: number;
}

/** The longest pause before the first retry, in milliseconds. It doubles with each retry. */
const FIRST_PAUSE = 500;
/** The longest pause of the client's own, in milliseconds. */
const LONGEST_PAUSE = 8_000;

/**
 * The pause before the next attempt in milliseconds, or `undefined` if there is none.
 *
 * @param retries how many retries there were
 * @param random a number from 0 to 1, so that clients that failed together do not come back together
 */
export function pauseBeforeRetry(
  failed: FailedAttempt,
  retries: number,
  limits: RetryLimits,
  random: number,
): number | undefined {
  if (retries >= limits.maxRetries || !isTransient(failed)) return undefined;
  const backoff = Math.min(FIRST_PAUSE * 2 ** retries, LONGEST_PAUSE) * (0.5 + random / 2);
  if (failed.retryAfter === undefined) return backoff;
  if (failed.retryAfter > limits.maxRetryAfter) return undefined;
  return failed.retryAfter * 1_000 + random * FIRST_PAUSE;
}

/** Whether the same request can succeed soon. */
function isTransient({ status, kind }: FailedAttempt): boolean {
  switch (status) {
    case undefined:
      return true;
    case 408:
    case 502:
    case 503:
    case 504:
      return true;
    case 409:
      // The first attempt is still in progress, such as one that timed out here.
      return kind === "idempotency-in-flight";
    case 429:
      // `limit-reached` and `quota-reached` are decisions of the tenant's policy, which the caller should know at once.
      return kind === undefined || kind === "too-many-requests";
    default:
      return false;
  }
}

/** The header `Retry-After` in seconds. Dates are ignored: they need two clocks that agree. */
export function parseRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header.trim()) ? Number(header) : undefined;
}
