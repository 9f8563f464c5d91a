// The package as users import it, against the real server with a simulated provider.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  AuthenticationError,
  IdempotencyMismatchError,
  InvalidInputError,
  LimitReachedError,
  MessageNotSentError,
  NotFoundError,
  Sendbox,
  VerificationEndedError,
  WrongCodeError,
} from "@sendbox/client";
import { Demo } from "./demo.js";

let demo: Demo;
let sendbox: Sendbox;

before(async () => {
  demo = await Demo.start();
  sendbox = new Sendbox({ baseUrl: demo.url, apiKey: demo.tenantKey, tenant: "demo" });
});
after(() => demo?.stop());

/** Another code than this. */
const wrong = (code: string) => (code === "000000" ? "000001" : "000000");

test("start, check a wrong code, check the right one", async () => {
  const to = "+4520000001";
  const { verifications } = sendbox;
  const started = await verifications.start({ to, usage: "sign-in", locale: "en" });
  assert.equal(started.status, "pending");
  assert.equal(started.message?.status, "accepted");
  const [code = ""] = await demo.codes(to);
  await assert.rejects(verifications.check(started.id, { code: wrong(code) }), (error) => {
    assert.ok(error instanceof WrongCodeError);
    assert.equal(error.triesLeft, 4);
    assert.ok(!String(error).includes(wrong(code)));
    return true;
  });
  const approved = await verifications.check(started.id, { code: `${code.slice(0, 3)} ${code.slice(3)}` });
  assert.equal(approved.status, "approved");
  await assert.rejects(verifications.check(started.id, { code }), (error) => {
    assert.ok(error instanceof VerificationEndedError);
    assert.equal(error.verification?.status, "approved");
    return true;
  });
  assert.equal((await verifications.retrieve(started.id)).status, "approved");
});

test("a check is counted once, however often it is repeated", async () => {
  const to = "+4520000002";
  const { id } = await sendbox.verifications.start({ to, usage: "sign-in" });
  const [code = ""] = await demo.codes(to);
  for (let repeats = 0; repeats < 3; repeats += 1) {
    const check = sendbox.verifications.check(id, { code: wrong(code) }, { idempotencyKey: "one-check" });
    await assert.rejects(check, { name: "WrongCodeError", triesLeft: 4 });
  }
  assert.equal((await sendbox.verifications.retrieve(id)).triesLeft, 4);
});

test("resend, then cancel", async () => {
  const to = "+4520000003";
  const started = await sendbox.verifications.start({ to, usage: "sign-in" });
  const resent = await sendbox.verifications.resend(started.id);
  assert.equal(resent.sendsLeft, started.sendsLeft - 1);
  assert.equal((await demo.codes(to)).length, 2);
  assert.equal((await sendbox.verifications.cancel(started.id)).status, "cancelled");
  assert.equal((await sendbox.verifications.cancel(started.id)).status, "cancelled");
  const [, code = ""] = await demo.codes(to);
  await assert.rejects(sendbox.verifications.check(started.id, { code }), VerificationEndedError);
});

test("the same idempotency key sends once", async () => {
  const to = "+4520000004";
  const idempotencyKey = "sign-in-4711";
  const one = await sendbox.verifications.start({ to, usage: "sign-in" }, { idempotencyKey });
  const other = await sendbox.verifications.start({ to, usage: "sign-in" }, { idempotencyKey });
  assert.equal(other.id, one.id);
  assert.equal((await demo.codes(to)).length, 1);
  const different = sendbox.verifications.start({ to, usage: "register" }, { idempotencyKey });
  await assert.rejects(different, IdempotencyMismatchError);
});

test("a message with a code of the platform, with its attempts", async () => {
  const to = "+4520000005";
  const created = await sendbox.messages.create({ to, usage: "sign-in", code: "718293" });
  assert.equal(created.status, "accepted");
  assert.deepEqual(await demo.codes(to), ["718293"]);
  const { attempts } = await sendbox.messages.retrieve(created.id);
  const [attempt] = attempts;
  assert.equal(attempt?.outcome, "accepted");
  const trace = attempt?.detail?.trace ?? [];
  assert.ok(trace.some((step) => step.event === "request" && step.carriesMessage));
});

test("an asynchronous message is a result before its outcome is known", async () => {
  const created = await sendbox.messages.create({ to: "+4520000006", usage: "sign-in", code: "718293", mode: "async" });
  assert.ok(["queued", "sending", "accepted"].includes(created.status), created.status);
});

test("lists, page by page and in one go", async () => {
  const to = "+4520000007";
  for (const usage of ["sign-in", "register", "generic"] as const) {
    await sendbox.messages.create({ to, usage, code: "718293" });
  }
  const first = await sendbox.messages.list({ to, limit: 2 });
  assert.deepEqual(first.items.map(({ usage }) => usage), ["generic", "register"]);
  assert.ok(first.nextCursor);
  const second = await sendbox.messages.list({ to, limit: 2, cursor: first.nextCursor });
  assert.deepEqual(second.items.map(({ usage }) => usage), ["sign-in"]);
  assert.equal(second.nextCursor, undefined);
  const usages = [];
  for await (const { usage } of sendbox.messages.listAll({ to, limit: 1 })) usages.push(usage);
  assert.deepEqual(usages, ["generic", "register", "sign-in"]);
});

test("a message that the provider refuses is an error with the message", async () => {
  await demo.failOnce(21211);
  await assert.rejects(sendbox.messages.create({ to: "+4520000008", usage: "sign-in", code: "718293" }), (error) => {
    assert.ok(error instanceof MessageNotSentError);
    assert.equal(error.status, 424);
    assert.equal(error.storedMessage?.status, "failed");
    assert.equal(error.storedMessage.failure?.class, "invalid-recipient");
    assert.equal(error.verification, undefined);
    return true;
  });
  await demo.failOnce(21211);
  await assert.rejects(sendbox.verifications.start({ to: "+4520000008", usage: "sign-in" }), (error) => {
    assert.ok(error instanceof MessageNotSentError);
    assert.equal(error.verification?.status, "pending");
    return true;
  });
});

test("invalid input, a wrong key and another tenant", async () => {
  await assert.rejects(sendbox.verifications.start({ to: "12345678", usage: "sign-in" }), (error) => {
    assert.ok(error instanceof InvalidInputError);
    assert.deepEqual(error.errors.map(({ field }) => field), ["/to"]);
    assert.ok(!String(error).includes("12345678"));
    return true;
  });
  const stranger = new Sendbox({ baseUrl: demo.url, apiKey: `${demo.tenantKey}x`, tenant: "demo" });
  await assert.rejects(stranger.messages.list(), AuthenticationError);
  const elsewhere = new Sendbox({ baseUrl: demo.url, apiKey: demo.tenantKey, tenant: "other" });
  await assert.rejects(elsewhere.messages.list(), NotFoundError);
  await assert.rejects(sendbox.verifications.retrieve("v0000"), NotFoundError);
});

test("a limit of the policy", async (t) => {
  await demo.limit({ cooldownSeconds: 600 });
  t.after(() => demo.limit({ cooldownSeconds: 0 }));
  const to = "+4520000009";
  await sendbox.verifications.start({ to, usage: "sign-in" });
  await assert.rejects(sendbox.verifications.start({ to, usage: "sign-in" }), (error) => {
    assert.ok(error instanceof LimitReachedError);
    assert.equal(error.limit, "cooldown");
    assert.ok((error.retryAfter ?? 0) > 500);
    assert.equal(error.endUserMessage, "Please try again later.");
    return true;
  });
  assert.equal((await demo.codes(to)).length, 1);
});
