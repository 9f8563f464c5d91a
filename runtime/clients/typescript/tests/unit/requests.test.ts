import assert from "node:assert/strict";
import { test } from "node:test";
import {
  APIConnectionError,
  APITimeoutError,
  InvalidArgumentError,
  OutcomeUnknownError,
  Sendbox,
  UnexpectedResponseError,
  type NewVerification,
} from "../../src/index.js";
import { defaultRuntime } from "../../src/transport.js";
import { clientOf, CODE, KEY, MESSAGE, NUMBER, problem, TestServer, VERIFICATION } from "./server.js";

const START = { to: NUMBER, usage: "sign-in" } as const;

test("a request has the tenant's path, the key, and a body", async (t) => {
  const server = await TestServer.start(t, { status: 201, body: VERIFICATION });
  const { sendbox } = clientOf(server);
  const verification = await sendbox.verifications.start({ ...START, locale: "en" });
  assert.equal(verification.id, VERIFICATION.id);
  const [request] = server.received;
  assert.equal(request?.method, "POST");
  assert.equal(request?.url, "/v1/tenants/acme/verifications");
  assert.equal(request?.headers.authorization, `Bearer ${KEY}`);
  assert.equal(request?.headers["content-type"], "application/json");
  assert.match(request?.headers["user-agent"] ?? "", /^sendbox-typescript\//);
  assert.deepEqual(JSON.parse(request?.body ?? ""), { ...START, locale: "en" });
});

test("every operation has its method and path, and an idempotency key where the server takes one", async (t) => {
  const id = VERIFICATION.id;
  const table: [string, object, boolean, (sendbox: Sendbox) => Promise<unknown>][] = [
    ["POST /verifications", VERIFICATION, true, ({ verifications }) => verifications.start(START)],
    [`GET /verifications/${id}`, VERIFICATION, false, ({ verifications }) => verifications.retrieve(id)],
    [`POST /verifications/${id}/cancel`, VERIFICATION, false, ({ verifications }) => verifications.cancel(id)],
    [`POST /verifications/${id}/resend`, VERIFICATION, true, ({ verifications }) => verifications.resend(id)],
    [
      `POST /verifications/${id}/check`,
      { ...VERIFICATION, status: "approved" },
      true,
      ({ verifications }) => verifications.check(id, { code: CODE }),
    ],
    ["POST /messages", MESSAGE, true, ({ messages }) => messages.create({ ...START, code: CODE })],
    ["POST /messages/m1/cancel", MESSAGE, false, ({ messages }) => messages.cancel("m1")],
    ["GET /messages/m1", MESSAGE, false, ({ messages }) => messages.retrieve("m1")],
    ["GET /messages", { items: [] }, false, ({ messages }) => messages.list()],
  ];
  for (const [expected, body, isKeyed, call] of table) {
    const server = await TestServer.start(t, { status: 200, body });
    await call(clientOf(server).sendbox);
    const [request] = server.received;
    assert.equal(`${request?.method} ${request?.url.replace("/v1/tenants/acme", "")}`, expected);
    assert.equal(request?.headers["idempotency-key"], isKeyed ? "key-1" : undefined, expected);
  }
});

test("the path of the base URL is kept, and a query is encoded", async (t) => {
  const server = await TestServer.start(t, { status: 200, body: { items: [] } });
  const { sendbox } = clientOf(server, { baseUrl: `${server.url}/sms/` });
  await sendbox.messages.list({ reference: "a b&c", limit: 5, cursor: undefined as never });
  assert.equal(server.received[0]?.url, "/sms/v1/tenants/acme/messages?reference=a+b%26c&limit=5");
});

test("a phone number is searched for in the body, and is in no URL", async (t) => {
  const server = await TestServer.start(t, { status: 200, body: { items: [] } });
  const { sendbox } = clientOf(server);
  await sendbox.messages.list({ to: NUMBER, limit: 5 });
  const [request] = server.received;
  assert.equal(`${request?.method} ${request?.url}`, "POST /v1/tenants/acme/messages/search");
  assert.deepEqual(JSON.parse(request?.body ?? ""), { to: NUMBER, limit: 5 });
});

test("each call has a key of its own, and its retries have the same", async (t) => {
  const accepted = { status: 200, body: MESSAGE };
  const server = await TestServer.start(t, "reset", problem(503, "busy"), accepted, accepted, accepted);
  const { sendbox } = clientOf(server);
  const message = { ...START, code: CODE };
  await sendbox.messages.create(message);
  await sendbox.messages.create(message);
  await sendbox.messages.create(message, { idempotencyKey: "order-77" });
  assert.deepEqual(server.keys, ["key-1", "key-1", "key-1", "key-2", "order-77"]);
  assert.equal(new Set(server.received.map((request) => request.body)).size, 1);
});

test("the real keys are different", async (t) => {
  const accepted = { status: 200, body: MESSAGE };
  const server = await TestServer.start(t, accepted, accepted);
  const sendbox = new Sendbox({ baseUrl: server.url, apiKey: KEY, tenant: "acme" });
  await sendbox.messages.create({ ...START, code: CODE });
  await sendbox.messages.create({ ...START, code: CODE });
  const [one, other] = server.keys;
  assert.match(String(one), /^[0-9a-f-]{36}$/);
  assert.notEqual(one, other);
});

test("a lost connection is retried, and then reported with the key", async (t) => {
  const server = await TestServer.start(t, "reset", "reset", "reset");
  const { sendbox, pauses } = clientOf(server);
  await assert.rejects(sendbox.verifications.start(START), (error) => {
    assert.ok(error instanceof APIConnectionError && !(error instanceof APITimeoutError));
    assert.equal(error.idempotencyKey, "key-1");
    return true;
  });
  assert.equal(server.received.length, 3);
  assert.deepEqual(pauses, [500, 1_000]);
});

test("a refused connection is reported with the reason of the system", async (t) => {
  const server = await TestServer.start(t);
  const { sendbox } = clientOf(server, { maxRetries: 0 });
  await server.stop();
  await assert.rejects(sendbox.verifications.retrieve("v1"), {
    name: "APIConnectionError",
    message: "no complete response: ECONNREFUSED",
  });
});

test("a server that does not respond is a timeout", async (t) => {
  const server = await TestServer.start(t, "stall");
  await assert.rejects(clientOf(server, { maxRetries: 0 }).sendbox.verifications.start(START, { timeout: 50 }), {
    name: "APITimeoutError",
    message: "no response within 50 ms",
    idempotencyKey: "key-1",
  });
});

test("a timeout is retried with the same key", async (t) => {
  const server = await TestServer.start(t);
  const keys: unknown[] = [];
  const fetch: typeof globalThis.fetch = (_, { signal, headers } = {}) => {
    keys.push(new Headers(headers).get("Idempotency-Key"));
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  };
  await assert.rejects(clientOf(server, { fetch, timeout: 1 }).sendbox.verifications.start(START), { name: "APITimeoutError" });
  assert.deepEqual(keys, ["key-1", "key-1", "key-1"]);
});

test("the outcome of a commit that is unknown is asked for again with the same key", async (t) => {
  const unknown = problem(503, "outcome-unknown", { retryAfter: 1 }, { "Retry-After": "1" });
  const server = await TestServer.start(t, unknown, { status: 200, body: MESSAGE });
  const { sendbox, pauses } = clientOf(server);
  await sendbox.messages.create({ ...START, code: CODE });
  assert.deepEqual(server.keys, ["key-1", "key-1"]);
  assert.deepEqual(pauses, [1_500]);

  const broken = await TestServer.start(t, unknown, unknown, unknown);
  await assert.rejects(clientOf(broken).sendbox.messages.create({ ...START, code: CODE }), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.equal(error.idempotencyKey, "key-1");
    return true;
  });
});

test("a request in progress elsewhere is asked for again", async (t) => {
  const inFlight = problem(409, "idempotency-in-flight", { retryAfter: 1 }, { "Retry-After": "1" });
  const server = await TestServer.start(t, "reset", inFlight, { status: 201, body: VERIFICATION });
  const { sendbox, pauses } = clientOf(server);
  await sendbox.verifications.start(START);
  assert.deepEqual(pauses, [500, 1_500]);
  assert.equal(new Set(server.keys).size, 1);
});

test("a short Retry-After is waited for, a long one fails at once", async (t) => {
  const busy = (seconds: string) => problem(429, "too-many-requests", { retryAfter: Number(seconds) }, { "Retry-After": seconds });
  const server = await TestServer.start(t, busy("3"), { status: 200, body: VERIFICATION }, busy("6"), busy("6"), {
    status: 200,
    body: VERIFICATION,
  });
  const { sendbox, pauses } = clientOf(server);
  await sendbox.verifications.retrieve("v1");
  assert.deepEqual(pauses, [3_500]);
  await assert.rejects(sendbox.verifications.retrieve("v1"), { name: "TooManyRequestsError", retryAfter: 6 });
  assert.equal(server.received.length, 3);
  await clientOf(server, { maxRetryAfter: 10 }).sendbox.verifications.retrieve("v1");
  assert.equal(server.received.length, 5);
});

test("a limit of the policy is not retried", async (t) => {
  const limit = problem(429, "limit-reached", { limit: "cooldown", retryAfter: 1 }, { "Retry-After": "1" });
  const server = await TestServer.start(t, limit, { status: 201, body: VERIFICATION });
  await assert.rejects(clientOf(server).sendbox.verifications.start(START), { name: "LimitReachedError", limit: "cooldown" });
  assert.equal(server.received.length, 1);
});

test("retries can be turned off, for the client and for a call", async (t) => {
  const server = await TestServer.start(t, "reset", "reset", "reset");
  await assert.rejects(clientOf(server, { maxRetries: 0 }).sendbox.verifications.retrieve("v1"));
  assert.equal(server.received.length, 1);
  await assert.rejects(clientOf(server).sendbox.verifications.retrieve("v1", { maxRetries: 1 }));
  assert.equal(server.received.length, 3);
});

test("a call can be cancelled while it waits for a response", async (t) => {
  const server = await TestServer.start(t, "stall");
  const controller = new AbortController();
  server.onRequest = () => controller.abort(new Error("the user left"));
  const call = clientOf(server).sendbox.verifications.start(START, { signal: controller.signal });
  await assert.rejects(call, { message: "the user left" });
  assert.equal(server.received.length, 1);
});

test("a call can be cancelled between two attempts", async (t) => {
  const server = await TestServer.start(t, problem(503, "busy", {}, { "Retry-After": "3600" }));
  const controller = new AbortController();
  const options = { baseUrl: server.url, apiKey: KEY, tenant: "acme", maxRetryAfter: 3_600 };
  const sendbox = new Sendbox(options, {
    sleep: async (_, signal) => {
      assert.equal(signal, controller.signal);
      controller.abort(new Error("the user left"));
    },
    random: () => 0,
    newKey: () => "key",
  });
  await assert.rejects(sendbox.verifications.start(START, { signal: controller.signal }), { message: "the user left" });
  assert.equal(server.received.length, 1);
});

test("the real pause ends when the call is cancelled", { timeout: 60_000 }, async () => {
  const anHour = 3_600_000;
  const controller = new AbortController();
  const pause = defaultRuntime.sleep(anHour, controller.signal);
  controller.abort(new Error("the user left"));
  await assert.rejects(pause, { message: "the user left" });
  await assert.rejects(defaultRuntime.sleep(anHour, controller.signal), { message: "the user left" });
  await defaultRuntime.sleep(0, new AbortController().signal);
});

test("a redirect is not followed", async (t) => {
  const elsewhere = await TestServer.start(t, { status: 200, body: VERIFICATION });
  const server = await TestServer.start(t, { status: 307, body: "", headers: { Location: `${elsewhere.url}/v1` } });
  await assert.rejects(clientOf(server).sendbox.verifications.start(START), (error) => {
    assert.ok(error instanceof UnexpectedResponseError);
    return true;
  });
  assert.equal(elsewhere.received.length, 0);
});

test("a response that Sendbox did not make is no result", async (t) => {
  const gateway = { status: 502, body: "<h1>Bad gateway</h1>" };
  const server = await TestServer.start(t, gateway, gateway, gateway);
  await assert.rejects(clientOf(server).sendbox.verifications.start(START), { name: "UnexpectedResponseError", status: 502 });
  assert.equal(server.received.length, 3);
  for (const answer of [
    { status: 200, body: "<h1>Sign in to the network</h1>" },
    { status: 200, body: {} },
    { status: 200, body: [] },
    { status: 404, body: "<h1>Not found</h1>" },
    { status: 404, body: { error: "not found" } },
  ]) {
    const proxy = await TestServer.start(t, answer);
    await assert.rejects(clientOf(proxy).sendbox.verifications.start(START), { name: "UnexpectedResponseError", status: answer.status });
  }
});

test("only an approved verification is the result of a check", async (t) => {
  const id = VERIFICATION.id;
  const server = await TestServer.start(t, { status: 200, body: VERIFICATION });
  await assert.rejects(clientOf(server).sendbox.verifications.check(id, { code: CODE }), { name: "UnexpectedResponseError" });
});

test("a message whose outcome is open is a normal result", async (t) => {
  const server = await TestServer.start(t, { status: 202, body: { ...MESSAGE, status: "queued" } });
  const message = await clientOf(server).sendbox.messages.create({ ...START, code: CODE, mode: "async" });
  assert.equal(message.status, "queued");
});

test("listAll follows the cursors, with the filters, as far as it is read", async (t) => {
  const page = (id: string, nextCursor?: string | null) => ({ status: 200, body: { items: [{ ...MESSAGE, id }], nextCursor } });
  const server = await TestServer.start(t, page("m1", "c1"), page("m2", "c2"), page("m3", null), page("m1", "c1"));
  const { sendbox } = clientOf(server);
  const ids = [];
  for await (const { id } of sendbox.messages.listAll({ status: "accepted", limit: 1 })) ids.push(id);
  assert.deepEqual(ids, ["m1", "m2", "m3"]);
  assert.deepEqual(
    server.received.map(({ url }) => url.split("?")[1]),
    ["status=accepted&limit=1", "status=accepted&limit=1&cursor=c1", "status=accepted&limit=1&cursor=c2"],
  );
  for await (const { id } of sendbox.messages.listAll()) {
    assert.equal(id, "m1");
    break;
  }
  assert.equal(server.received.length, 4);
});

test("an invalid id or key is refused before anything is sent", async (t) => {
  const server = await TestServer.start(t);
  const { sendbox } = clientOf(server);
  for (const id of ["", ".", "..", "v1/check", "v1?x", "%2e%2e", "V1", "a".repeat(61)]) {
    assert.throws(() => sendbox.verifications.check(id, { code: CODE }), InvalidArgumentError, id);
    assert.throws(() => sendbox.messages.retrieve(id), InvalidArgumentError, id);
  }
  for (const idempotencyKey of ["", "a b", "ü", "a\r\nb", "a".repeat(256)]) {
    await assert.rejects(sendbox.verifications.start(START, { idempotencyKey }), { name: "InvalidArgumentError" });
  }
  assert.equal(server.received.length, 0);
});

test("the types know the values of the document", () => {
  const good: NewVerification = { to: NUMBER, usage: "sign-in" };
  // @ts-expect-error: not a usage
  const bad: NewVerification = { to: NUMBER, usage: "signing" };
  // @ts-expect-error: `to` is required
  const incomplete: NewVerification = { usage: "sign-in" };
  assert.ok(good && bad && incomplete);
});
