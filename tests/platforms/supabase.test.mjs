// Supabase's Send SMS hook, signed by the reference implementation of Standard Webhooks.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import { assertHidden, createIngress, injectFault, numberAndCode, outcomes, received } from "./service.mjs";

/** A call as Supabase Auth makes it: a new id for each try, and a signature for each secret, separated by a comma and a space. */
async function call(ingress, secrets, body, at = new Date()) {
  const id = randomUUID();
  const signatures = secrets.map((secret) => new Webhook(secret.replace(/^v1,/, "")).sign(id, at, body));
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": signatures.join(", "),
  };
  const response = await fetch(ingress.address, { method: "POST", headers, body });
  const type = response.headers.get("content-type");
  return { status: response.status, type, headers: response.headers, body: await response.json() };
}

function hook(digits, code, sms = {}) {
  const metadata = { uuid: randomUUID(), time: new Date().toISOString(), name: "send-sms", ip_address: "203.0.113.7" };
  return JSON.stringify({ metadata, user: { id: randomUUID(), phone: digits }, sms: { otp: code, phone: digits, ...sms } });
}

const otherSecret = `v1,whsec_${Buffer.alloc(32, 7).toString("base64")}`;

test("three tries with an id of their own are one message", async () => {
  const ingress = await createIngress("supabase");
  assert.match(ingress.secret, /^v1,whsec_/);
  const { digits, code } = numberAndCode();
  const body = hook(digits, code);
  for (let tries = 0; tries < 3; tries += 1) {
    const answer = await call(ingress, [ingress.secret], body);
    assert.deepEqual([answer.status, answer.type, answer.body], [200, "application/json", {}]);
  }
  const texts = await received(digits);
  assert.equal(texts.length, 1);
  assert.ok(texts[0].includes(code));
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated", "repeated"]);
});

test("the ids of tries tell messages with the same code apart", async () => {
  const ingress = await createIngress("supabase");
  const { digits, code } = numberAndCode();
  await call(ingress, [ingress.secret], hook(digits, code));
  await call(ingress, [ingress.secret], hook(digits, code, { sms_type: "mfa" }));
  assert.equal((await received(digits)).length, 2);
  assert.equal((await ingress.calls())[0].usage, "mfa-verification");
});

test("while a secret is replaced, both signatures stand in one header", async () => {
  const ingress = await createIngress("supabase");
  for (const secrets of [
    [otherSecret, ingress.secret],
    [ingress.secret, otherSecret],
  ]) {
    const { digits, code } = numberAndCode();
    assert.equal((await call(ingress, secrets, hook(digits, code))).status, 200);
    assert.equal((await received(digits)).length, 1);
  }
});

test("what is not signed, or not in time, is refused", async () => {
  const ingress = await createIngress("supabase");
  const { digits, code } = numberAndCode();
  const body = hook(digits, code);
  for (const [secret, at] of [
    [otherSecret, new Date()],
    [ingress.secret, new Date(Date.now() - 400_000)],
    [ingress.secret, new Date(Date.now() + 400_000)],
  ]) {
    const answer = await call(ingress, [secret], body, at);
    assert.deepEqual([answer.status, answer.body, answer.headers.get("retry-after")], [401, {}, null]);
  }
  assert.equal((await received(digits)).length, 0);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["refused", "refused", "refused"]);
});

test("a refusal is shown to the end user, and not repeated", async () => {
  const ingress = await createIngress("supabase");
  const { code } = numberAndCode();
  const answer = await call(ingress, [ingress.secret], hook("453", code));
  assert.equal(answer.status, 200);
  assert.equal(answer.body.error.http_code, 400);
  assert.equal(answer.headers.get("retry-after"), null);
  assertHidden(answer.body, code, ingress.secret);
});

test("a provider that does not answer keeps Supabase waiting less than its 5 s", async () => {
  const ingress = await createIngress("supabase");
  const { digits, code } = numberAndCode();
  await injectFault("stall");
  const begun = Date.now();
  const answer = await call(ingress, [ingress.secret], hook(digits, code));
  assert.deepEqual([answer.status, answer.body], [200, {}]);
  assert.ok(Date.now() - begun < 5000);
});
