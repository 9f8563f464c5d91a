import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter, pauseBeforeRetry, type FailedAttempt } from "../../src/retry.js";

const LIMITS = { maxRetries: 2, maxRetryAfter: 5 };

test("what is retried", () => {
  const table: [FailedAttempt, boolean][] = [
    [{}, true],
    [{ status: 408, kind: "request-timeout" }, true],
    [{ status: 409, kind: "idempotency-in-flight" }, true],
    [{ status: 429, kind: "too-many-requests" }, true],
    [{ status: 429 }, true],
    [{ status: 502 }, true],
    [{ status: 503 }, true],
    [{ status: 503, kind: "outcome-unknown" }, true],
    [{ status: 503, kind: "store-unavailable" }, true],
    [{ status: 504 }, true],
    [{ status: 200 }, false],
    [{ status: 307 }, false],
    [{ status: 400, kind: "malformed-json" }, false],
    [{ status: 401, kind: "unauthenticated" }, false],
    [{ status: 404, kind: "not-found" }, false],
    [{ status: 409, kind: "flow-disabled" }, false],
    [{ status: 409 }, false],
    [{ status: 410, kind: "verification-ended" }, false],
    [{ status: 422, kind: "wrong-code" }, false],
    [{ status: 424, kind: "message-not-sent" }, false],
    [{ status: 429, kind: "limit-reached", retryAfter: 1 }, false],
    [{ status: 429, kind: "quota-reached", retryAfter: 1 }, false],
    [{ status: 500, kind: "internal" }, false],
  ];
  for (const [failed, isRetried] of table) {
    assert.equal(pauseBeforeRetry(failed, 0, LIMITS, 0) !== undefined, isRetried, JSON.stringify(failed));
  }
});

test("how long it waits", () => {
  const table: [FailedAttempt, number, number, number | undefined][] = [
    // failed, retries before, random, pause
    [{}, 0, 0, 250],
    [{}, 0, 1, 500],
    [{}, 1, 1, 1_000],
    [{}, 2, 1, undefined],
    [{ status: 503, retryAfter: 0 }, 0, 0, 0],
    [{ status: 503, retryAfter: 1 }, 0, 0, 1_000],
    [{ status: 503, retryAfter: 1 }, 0, 1, 1_500],
    [{ status: 503, retryAfter: 5 }, 1, 0, 5_000],
    [{ status: 503, retryAfter: 6 }, 0, 0, undefined],
  ];
  for (const [failed, retries, random, pause] of table) {
    assert.equal(pauseBeforeRetry(failed, retries, LIMITS, random), pause, JSON.stringify([failed, retries, random]));
  }
  assert.equal(pauseBeforeRetry({}, 9, { maxRetries: 10, maxRetryAfter: 5 }, 1), 8_000);
});

test("Retry-After is a number of seconds", () => {
  const table: [string | null, number | undefined][] = [
    ["0", 0],
    ["30", 30],
    [null, undefined],
    ["", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
  ];
  for (const [header, seconds] of table) assert.equal(parseRetryAfter(header), seconds, String(header));
});
