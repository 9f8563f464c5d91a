// Authsignal's webhook, whose signature Authsignal's own SDK accepts, too.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { test } from "node:test";
import { Authsignal } from "@authsignal/node";
import { createIngress, numberAndCode, outcomes, received } from "./service.mjs";

const SECRET = "an-api-secret-key-of-authsignal";

async function call(ingress, body, secret = SECRET) {
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", secret).update(`${time}.${body}`).digest("base64").replace(/=+$/, "");
  const header = `t=${time},v2=${signature}`;
  if (secret === SECRET) {
    const { webhook } = new Authsignal({ apiSecretKey: SECRET, apiUrl: "https://api.authsignal.com/v1" });
    assert.equal(webhook.constructEvent(body, header).type, "sms.created");
  }
  const headers = { "Content-Type": "application/json", "X-Signature-V2": header };
  return fetch(ingress.address, { method: "POST", headers, body });
}

test("a signature that Authsignal's SDK accepts is accepted, and a repetition is one message", async () => {
  const ingress = await createIngress("authsignal", { authentication: { type: "authsignal-signature", secrets: [SECRET] } });
  const { digits, code } = numberAndCode();
  const data = { to: `+${digits}`, code, userId: "u", idempotencyKey: randomUUID(), actionCode: "signIn", locale: "en" };
  const event = { version: 1, type: "sms.created", id: randomUUID(), source: "https://authsignal.com", tenantId: "t" };
  const body = JSON.stringify({ ...event, time: new Date().toISOString(), data });
  assert.equal((await call(ingress, body)).status, 200);
  assert.equal((await call(ingress, body)).status, 200);
  assert.equal((await call(ingress, body, "another-secret-key")).status, 401);
  const texts = await received(digits);
  assert.equal(texts.length, 1);
  assert.ok(texts[0].includes(code));
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated", "refused"]);
});
