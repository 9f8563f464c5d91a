// The SMS client of `@better-auth/infra`, unchanged, and Better Auth's phone number plugin that uses it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSMSSender } from "@better-auth/infra";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { phoneNumber } from "better-auth/plugins";
import { assertHidden, createIngress, injectFault, numberAndCode, outcomes, received } from "./service.mjs";

const sender = (ingress, apiKey = ingress.secret) => createSMSSender({ apiUrl: ingress.address, apiKey });

test("every template arrives, with the text of its usage", async () => {
  const ingress = await createIngress("better-auth");
  for (const [template, usage, text] of [
    ["phone-verification", "bind-new-identifier", /to link this number/],
    ["two-factor", "mfa-verification", /two-step verification/],
    ["sign-in-otp", "sign-in", /to sign in/],
  ]) {
    const { digits, code } = numberAndCode();
    const sent = await sender(ingress).send({ to: `+${digits}`, code, template, clientIp: "203.0.113.7" });
    const [call] = await ingress.calls();
    assert.deepEqual(sent, { success: true, messageId: call.message });
    assert.deepEqual([call.outcome, call.usage], ["stored", usage]);
    const texts = await received(digits);
    assert.equal(texts.length, 1);
    assert.match(texts[0], text);
    assertHidden([sent, call], digits.slice(2), code, ingress.secret);
  }
});

test("the same message twice is sent once", async () => {
  const ingress = await createIngress("better-auth");
  const { digits, code } = numberAndCode();
  const message = { to: `+${digits}`, code, template: "sign-in-otp" };
  const first = await sender(ingress).send(message);
  assert.deepEqual(await sender(ingress).send(message), first);
  assert.equal((await received(digits)).length, 1);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated"]);
});

test("a refusal is a text that an end user may read", async () => {
  const ingress = await createIngress("better-auth");
  const { digits, code } = numberAndCode();
  for (const [apiKey, to, error] of [
    [`${ingress.secret}x`, `+${digits}`, /configuration error/],
    [ingress.secret, "+453", /Check it and try again/],
  ]) {
    const refused = await sender(ingress, apiKey).send({ to, code, template: "sign-in-otp" });
    assert.equal(refused.success, false);
    assert.match(refused.error, error);
    assertHidden(refused, digits.slice(2), code, ingress.secret);
  }
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["refused", "refused"]);
});

test("the phone number plugin sends through it, and verifies the code that arrives", async () => {
  const ingress = await createIngress("better-auth");
  const sms = sender(ingress);
  const auth = betterAuth({
    baseURL: "http://localhost:3000",
    secret: "only-for-this-test-and-long-enough",
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    plugins: [
      phoneNumber({
        sendOTP: async ({ phoneNumber, code }) => {
          const sent = await sms.send({ to: phoneNumber, code, template: "phone-verification" });
          if (!sent.success) throw new Error(sent.error);
        },
        signUpOnVerification: { getTempEmail: (number) => `${number.slice(1)}@users.example.com` },
      }),
    ],
  });
  const { digits } = numberAndCode();
  await auth.api.sendPhoneNumberOTP({ body: { phoneNumber: `+${digits}` } });
  const [text] = await received(digits);
  const code = /\d{6}/.exec(text)[0];
  const wrong = code === "000000" ? "000001" : "000000";
  await assert.rejects(auth.api.verifyPhoneNumber({ body: { phoneNumber: `+${digits}`, code: wrong } }));
  const verified = await auth.api.verifyPhoneNumber({ body: { phoneNumber: `+${digits}`, code } });
  assert.equal(verified.user.phoneNumber, `+${digits}`);
  assert.equal(verified.user.phoneNumberVerified, true);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored"]);
});

test("a provider that does not answer keeps the client waiting less than its 3 s", async () => {
  const ingress = await createIngress("better-auth");
  const { digits, code } = numberAndCode();
  await injectFault("stall");
  const sent = await sender(ingress).send({ to: `+${digits}`, code, template: "sign-in-otp" });
  const [call] = await ingress.calls();
  assert.deepEqual(sent, { success: true, messageId: call.message });
  assert.deepEqual([call.outcome, call.messageStatus], ["stored", "sending"]);
});
