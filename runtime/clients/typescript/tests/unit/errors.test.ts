import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { APIError, MessageNotSentError, SendboxError } from "../../src/index.js";
import { clientOf, CODE, KEY, MESSAGE, NUMBER, problem, TestServer, VERIFICATION, type Answer } from "./server.js";

const NEW = { to: NUMBER, usage: "sign-in", code: CODE } as const;

test("each kind of problem has its error", async (t) => {
  const ended = { ...VERIFICATION, status: "expired" };
  const errors = [{ field: "/to", message: "must be a phone number" }];
  const table: [number, string, object, string, object][] = [
    [401, "unauthenticated", {}, "AuthenticationError", {}],
    [403, "insufficient-scope", { scope: "send" }, "PermissionDeniedError", { scope: "send" }],
    [403, "platform-only", {}, "PermissionDeniedError", { scope: undefined }],
    [403, "country-not-allowed", { country: "DK" }, "CountryNotAllowedError", { country: "DK" }],
    [404, "not-found", {}, "NotFoundError", {}],
    [409, "flow-disabled", { flow: "sign-in" }, "ConflictError", { flow: "sign-in" }],
    [409, "no-active-connection", {}, "ConflictError", {}],
    [410, "verification-ended", { verification: ended }, "VerificationEndedError", { verification: ended }],
    [422, "invalid-input", { errors }, "InvalidInputError", { errors }],
    [422, "idempotency-mismatch", {}, "IdempotencyMismatchError", {}],
    [422, "wrong-code", { triesLeft: 4 }, "WrongCodeError", { triesLeft: 4 }],
    [424, "message-not-sent", { message: MESSAGE }, "MessageNotSentError", { storedMessage: MESSAGE, verification: undefined }],
    [
      429,
      "limit-reached",
      { limit: "number-per-hour", retryAfter: 1200, endUserMessage: "Please try again later." },
      "LimitReachedError",
      { limit: "number-per-hour", retryAfter: 1200, endUserMessage: "Please try again later." },
    ],
    [429, "quota-reached", { limit: "messages-in-progress" }, "QuotaReachedError", { limit: "messages-in-progress" }],
    [429, "too-many-requests", {}, "TooManyRequestsError", {}],
    [500, "internal", {}, "InternalServerError", {}],
    [503, "store-unavailable", {}, "ServiceUnavailableError", {}],
    [503, "outcome-unknown", {}, "OutcomeUnknownError", {}],
    // Kinds of newer servers.
    [409, "something-new", {}, "ConflictError", {}],
    [418, "something-new", {}, "APIError", {}],
    [409, "constructor", {}, "ConflictError", {}],
  ];
  for (const [status, kind, members, name, fields] of table) {
    const server = await TestServer.start(t, problem(status, kind, members));
    await assert.rejects(clientOf(server, { maxRetries: 0 }).sendbox.messages.create(NEW), (error) => {
      assert.ok(error instanceof APIError && error instanceof SendboxError && error instanceof Error, kind);
      const { title, detail, requestId, idempotencyKey } = error;
      assert.deepEqual({ name: error.name, kind: error.kind, status: error.status }, { name, kind, status });
      assert.equal(error.constructor.name, name);
      assert.equal(error.message, `A detail. (${status} ${kind}, urn:sendbox:request:5f0c1e9b2a7d4c33)`);
      assert.deepEqual(
        { title, detail, requestId, idempotencyKey },
        { title: "Title", detail: "A detail.", requestId: "urn:sendbox:request:5f0c1e9b2a7d4c33", idempotencyKey: "key-1" },
      );
      assert.deepEqual({ ...error, ...fields }, { ...error }, kind);
      return true;
    });
    assert.equal(server.received.length, 1);
  }
});

test("a verification whose message was not sent comes with both", async (t) => {
  const members = { message: { ...MESSAGE, status: "failed" }, verification: VERIFICATION };
  const server = await TestServer.start(t, problem(424, "message-not-sent", members));
  await assert.rejects(clientOf(server).sendbox.verifications.start({ to: NUMBER, usage: "sign-in" }), (error) => {
    assert.ok(error instanceof MessageNotSentError);
    assert.equal(error.storedMessage?.status, "failed");
    assert.equal(error.verification?.status, "pending");
    return true;
  });
  assert.equal(server.received.length, 1);
});

test("no error contains the key, the number or the code, whatever the response quotes", async (t) => {
  const quoted = `${KEY} ${NUMBER} ${NUMBER.slice(1)} ${CODE}`;
  const errors = [{ field: "/to", message: quoted }];
  const answers: Answer[] = [
    "reset",
    "stall",
    { status: 502, body: quoted },
    { status: 200, body: { quoted } },
    { status: 400, body: { quoted } },
    problem(422, "invalid-input", { title: quoted, detail: quoted, errors, quoted }),
    problem(418, "something-new", { title: quoted, detail: quoted, quoted }),
  ];
  for (const answer of answers) {
    const server = await TestServer.start(t, answer, answer, answer);
    const { sendbox } = clientOf(server, { maxRetries: 0, timeout: answer === "stall" ? 50 : 30_000 });
    // Each call, and what is secret in it.
    const calls: [() => Promise<unknown>, string[]][] = [
      [() => sendbox.messages.create(NEW), [KEY, NUMBER, NUMBER.slice(1), CODE]],
      [() => sendbox.verifications.check("v1", { code: ` ${CODE.slice(0, 3)}-${CODE.slice(3)}` }), [KEY, CODE]],
      [() => sendbox.messages.list({ to: NUMBER }), [KEY, NUMBER, NUMBER.slice(1)]],
    ];
    for (const [call, secrets] of calls) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof SendboxError);
        const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + String(error) + error.stack;
        for (const secret of secrets) assert.ok(!shown.includes(secret), shown);
        return true;
      });
    }
  }
});

test("printing the client shows no option", async (t) => {
  const server = await TestServer.start(t);
  const { sendbox } = clientOf(server);
  const shown = inspect(sendbox, { depth: 10, showHidden: true }) + JSON.stringify(sendbox) + String(sendbox);
  assert.ok(!shown.includes(KEY), shown);
  assert.ok(!shown.includes("127.0.0.1"), shown);
});
