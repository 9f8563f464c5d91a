// The errors of this client. One class for each kind of problem that a program handles, and their common parents.
//
// No error contains the API key, a code, a phone number or the request: errors are logged.

import type { FieldError, Flow, Message, Problem, ProblemTypeUri, Scope, Verification } from "./schema.js";

/** The name of a kind of problem, like `wrong-code`. A newer server may send kinds that this version does not list. */
export type ProblemKind = KindOf<ProblemTypeUri> | (string & {});

type KindOf<Uri> = Uri extends `/problems/${infer Kind}` ? Kind : never;

/** The parent of all errors of this client. */
export class SendboxError extends Error {
  override name = "SendboxError";
}

/** An argument or an environment variable is missing or invalid. Nothing was sent to the server. */
export class InvalidArgumentError extends SendboxError {
  override name = "InvalidArgumentError";
}

/**
 * No complete response arrived, also not to the retries. The server may have carried out the request: to find out, repeat the call
 * with this `idempotencyKey`. It does not happen twice.
 */
export class APIConnectionError extends SendboxError {
  override name = "APIConnectionError";
  /** The `Idempotency-Key` of the request. `undefined` for calls that have none. */
  readonly idempotencyKey: string | undefined;

  constructor(message: string, idempotencyKey: string | undefined) {
    super(message);
    this.idempotencyKey = idempotencyKey;
  }
}

/** The last attempt took longer than `timeout`. */
export class APITimeoutError extends APIConnectionError {
  override name = "APITimeoutError";
}

/**
 * The response is not one of Sendbox: it may come from a proxy, or `baseUrl` names another service. The server may have carried out the
 * request: to find out, repeat the call with this `idempotencyKey`.
 */
export class UnexpectedResponseError extends SendboxError {
  override name = "UnexpectedResponseError";
  /** The HTTP status of the response. */
  readonly status: number;
  /** The `Idempotency-Key` of the request. `undefined` for calls that have none. */
  readonly idempotencyKey: string | undefined;

  constructor(status: number, idempotencyKey: string | undefined) {
    super(`the server responded with ${status}, but not as Sendbox does; check baseUrl, and the proxies in front of the server`);
    this.status = status;
    this.idempotencyKey = idempotencyKey;
  }
}

/** The server refused the request, or failed. Handle a subclass, or branch on `kind`. */
export class APIError extends SendboxError {
  override name = "APIError";
  /** What went wrong, like `wrong-code`: the last part of the problem's `type`. It never changes. */
  readonly kind: ProblemKind;
  /** The HTTP status. */
  readonly status: number;
  /** A short title, the same for every problem of this kind. */
  readonly title: string;
  /** What is wrong with this request, and what to do. For developers, not for end users. */
  readonly detail: string;
  /** The id of the request, under which the server's log has more. */
  readonly requestId: string;
  /** Seconds until the same request could succeed. `undefined` when waiting does not help. */
  readonly retryAfter: number | undefined;
  /** The `Idempotency-Key` of the request. `undefined` for calls that have none. */
  readonly idempotencyKey: string | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    const kind = kindOf(problem);
    super(`${problem.detail} (${problem.status} ${kind}, ${problem.instance})`);
    this.kind = kind;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.requestId = problem.instance;
    this.retryAfter = problem.retryAfter ?? undefined;
    this.idempotencyKey = idempotencyKey;
  }
}

/** 401: the API key is missing, unknown, expired or revoked. */
export class AuthenticationError extends APIError {
  override name = "AuthenticationError";
}

/** 403: the API key does not permit this call. */
export class PermissionDeniedError extends APIError {
  override name = "PermissionDeniedError";
  /** With `insufficient-scope`: the scope that the key lacks. */
  readonly scope: Scope | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.scope = problem.scope ?? undefined;
  }
}

/** 403 `country-not-allowed`: the tenant's policy allows no messages to the country of this number. */
export class CountryNotAllowedError extends APIError {
  override name = "CountryNotAllowedError";
  /** The country of the number (ISO 3166-1 alpha-2). */
  readonly country: string | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.country = problem.country ?? undefined;
  }
}

/** 404: there is no such tenant, message or verification that the API key may see. */
export class NotFoundError extends APIError {
  override name = "NotFoundError";
}

/**
 * 409: the current state does not allow this, as with `flow-disabled` and `no-active-connection`. With `idempotency-in-flight`, an attempt
 * with this `idempotencyKey` is still in progress: repeat the call with it later.
 */
export class ConflictError extends APIError {
  override name = "ConflictError";
  /** With `flow-disabled`: the flow. */
  readonly flow: Flow | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.flow = problem.flow ?? undefined;
  }
}

/** 410 `verification-ended`: it is approved, expired, exhausted, cancelled or superseded. Start a new one. */
export class VerificationEndedError extends APIError {
  override name = "VerificationEndedError";
  /** The verification: its `status` says how it ended. */
  readonly verification: Verification | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.verification = problem.verification ?? undefined;
  }
}

/** 422 `invalid-input`: fields are missing, invalid or unknown. */
export class InvalidInputError extends APIError {
  override name = "InvalidInputError";
  /** Everything that is wrong with the input. No entry quotes a value. */
  readonly errors: readonly FieldError[];

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.errors = problem.errors ?? [];
  }
}

/** 422 `idempotency-mismatch`: this `idempotencyKey` was used with other arguments. */
export class IdempotencyMismatchError extends APIError {
  override name = "IdempotencyMismatchError";
}

/** 422 `wrong-code`: the code is wrong, and the try was counted. */
export class WrongCodeError extends APIError {
  override name = "WrongCodeError";
  /** How many tries this code has left. Ask the user again while it is above 0. */
  readonly triesLeft: number;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.triesLeft = problem.triesLeft ?? 0;
  }
}

/** 424 `message-not-sent`: the message is stored, and was not sent. The same `idempotencyKey` does not send it again. */
export class MessageNotSentError extends APIError {
  override name = "MessageNotSentError";
  /** The message: `failure` says who failed and what to do. (`message` is the text of this error.) */
  readonly storedMessage: Message | undefined;
  /** The verification, which is still pending: resend its code, or cancel it. `undefined` for `messages.create`. */
  readonly verification: Verification | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.storedMessage = problem.message ?? undefined;
    this.verification = problem.verification ?? undefined;
  }
}

/** 429 `limit-reached`: a limit of the tenant's policy on messages or checks. The client does not retry it: the user would wait. */
export class LimitReachedError extends APIError {
  override name = "LimitReachedError";
  /** The name of the limit, like `number-per-hour`. */
  readonly limit: string | undefined;
  /** A neutral sentence in English that you may show to an end user. */
  readonly endUserMessage: string | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.limit = problem.limit ?? undefined;
    this.endUserMessage = problem.endUserMessage ?? undefined;
  }
}

/** 429 `quota-reached`: the tenant stores as much of something as it may, such as messages in progress. */
export class QuotaReachedError extends APIError {
  override name = "QuotaReachedError";
  /** The name of the quota, like `messages-in-progress`. */
  readonly limit: string | undefined;

  constructor(problem: Problem, idempotencyKey: string | undefined) {
    super(problem, idempotencyKey);
    this.limit = problem.limit ?? undefined;
  }
}

/**
 * 429 `too-many-requests`: the key or its tenant makes requests too fast. The last attempt did nothing. If an attempt before it was lost,
 * only a call with this `idempotencyKey` is the same call.
 */
export class TooManyRequestsError extends APIError {
  override name = "TooManyRequestsError";
}

/**
 * 503: the server cannot handle the request now, also after the retries. Repeat the call with this `idempotencyKey`: a server that stops may
 * have stored the request, and so may an attempt that was lost before.
 */
export class ServiceUnavailableError extends APIError {
  override name = "ServiceUnavailableError";
}

/**
 * 503 `outcome-unknown`: the server does not know whether it stored the request, also after the retries. Repeat the call with this
 * `idempotencyKey`. A call without it could send a second message.
 */
export class OutcomeUnknownError extends APIError {
  override name = "OutcomeUnknownError";
}

/** 500 `internal`: Sendbox failed, and may have stored the request. Give the `requestId` to the operator. */
export class InternalServerError extends APIError {
  override name = "InternalServerError";
}

type APIErrorClass = new (problem: Problem, idempotencyKey: string | undefined) => APIError;

const BY_KIND: Readonly<Record<string, APIErrorClass>> = {
  "country-not-allowed": CountryNotAllowedError,
  "verification-ended": VerificationEndedError,
  "invalid-input": InvalidInputError,
  "idempotency-mismatch": IdempotencyMismatchError,
  "wrong-code": WrongCodeError,
  "message-not-sent": MessageNotSentError,
  "limit-reached": LimitReachedError,
  "quota-reached": QuotaReachedError,
  "too-many-requests": TooManyRequestsError,
  "outcome-unknown": OutcomeUnknownError,
};

const BY_STATUS: Readonly<Record<number, APIErrorClass>> = {
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  500: InternalServerError,
  503: ServiceUnavailableError,
};

/** The name of a problem's kind. @internal */
export function kindOf(problem: Problem): ProblemKind {
  return problem.type.replace(/^.*\/problems\//, "");
}

/** The error for a problem document. @internal */
export function errorOf(problem: Problem, idempotencyKey: string | undefined): APIError {
  const kind = kindOf(problem);
  const byKind = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : undefined;
  const ErrorClass = byKind ?? BY_STATUS[problem.status] ?? APIError;
  return new ErrorClass(problem, idempotencyKey);
}
