// What an application of one's own sends: JSON or a form, signed by Standard Webhooks or with a secret, with fields of any name.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import { assertHidden, createIngress, numberAndCode, outcomes, received } from "./service.mjs";

async function call(ingress, headers, body) {
  const response = await fetch(ingress.address, { method: "POST", headers, body });
  return { status: response.status, body: await response.json() };
}

test("a call that is signed by Standard Webhooks", async () => {
  const ingress = await createIngress("generic", { authentication: { type: "standard-webhooks" } });
  const { digits, code } = numberAndCode();
  const body = JSON.stringify({ to: `+${digits}`, code, usage: "sign-in", locale: "de" });
  const [id, at] = [randomUUID(), new Date()];
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at / 1000)),
    "webhook-signature": new Webhook(ingress.secret.replace(/^v1,/, "")).sign(id, at, body),
  };
  const answer = await call(ingress, headers, body);
  const [stored] = await ingress.calls();
  assert.deepEqual(answer, { status: 200, body: { message: stored.message } });
  assert.equal(stored.usage, "sign-in");
  assert.equal((await received(digits)).length, 1);
  // What is changed on the way is refused.
  assert.equal((await call(ingress, headers, body.replace(code, "999999"))).status, 401);
  assertHidden(answer, digits.slice(2), code, ingress.secret);
});

test("fields of any name, with an id that tells messages apart", async () => {
  const fields = { to: "/user/phone", code: "/otp/value", usage: "/event", repeatId: "/id" };
  const settings = { fields, usages: { login: "sign-in" }, defaultRegion: "DK" };
  const ingress = await createIngress("generic", { settings });
  const { digits, code } = numberAndCode();
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${ingress.secret}` };
  const body = (id) => JSON.stringify({ id, event: "login", user: { phone: digits.slice(2) }, otp: { value: code } });
  for (const id of ["a-1", "a-1", "a-2"]) assert.equal((await call(ingress, headers, body(id))).status, 200);
  assert.equal((await received(digits)).length, 2);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated", "stored"]);
  assert.equal((await ingress.calls())[0].usage, "sign-in");
});

test("a form, while its secret is replaced", async () => {
  const ingress = await createIngress("generic", {
    authentication: { type: "header", header: "X-Api-Key", secrets: ["a-newer-secret", "an-older-secret"] },
    settings: { text: "original" },
  });
  for (const secret of ["a-newer-secret", "an-older-secret"]) {
    const { digits, code } = numberAndCode();
    const text = `Your Acme code is ${code}`;
    const headers = { "X-Api-Key": secret };
    const answer = await call(ingress, headers, new URLSearchParams({ phone: `+${digits}`, message: text }));
    assert.equal(answer.status, 200);
    assert.deepEqual(await received(digits), [text]);
  }
});
