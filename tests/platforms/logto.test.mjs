// Logto's own HTTP SMS connector, unchanged.

import assert from "node:assert/strict";
import { test } from "node:test";
import createConnector from "@logto/connector-http-sms";
import { assertHidden, createIngress, numberAndCode, outcomes, received } from "./service.mjs";

async function connector(ingress, authorization = `Bearer ${ingress.secret}`) {
  return createConnector({ getConfig: async () => ({ endpoint: ingress.address, authorization }) });
}

test("every type of message arrives, with the text of its usage", async () => {
  const ingress = await createIngress("logto");
  const { sendMessage } = await connector(ingress);
  for (const [type, usage, text] of [
    ["SignIn", "sign-in", /to sign in/],
    ["Register", "register", /to sign up/],
    ["ForgotPassword", "forgot-password", /to reset your password/],
    ["Generic", "generic", /verification code/],
    ["UserPermissionValidation", "user-permission-validation", /confirm that it is you/],
    ["BindNewIdentifier", "bind-new-identifier", /to link this number/],
    ["MfaVerification", "mfa-verification", /two-step verification/],
    ["BindMfa", "bind-mfa", /two-step verification/],
  ]) {
    const { digits, code } = numberAndCode();
    await sendMessage({ to: digits, type, payload: { code, locale: "en" }, ip: "203.0.113.7" });
    const texts = await received(digits);
    assert.equal(texts.length, 1, type);
    assert.match(texts[0], text);
    assert.ok(texts[0].includes(code), type);
    const [call] = await ingress.calls();
    assert.deepEqual([call.outcome, call.usage, call.messageStatus], ["stored", usage, "accepted"], type);
    assertHidden(call, digits.slice(2), code, ingress.secret);
  }
});

test("the same message twice is sent once", async () => {
  const ingress = await createIngress("logto");
  const { sendMessage } = await connector(ingress);
  const { digits, code } = numberAndCode();
  const message = { to: `+${digits}`, type: "SignIn", payload: { code } };
  await sendMessage(message);
  await sendMessage(message);
  assert.equal((await received(digits)).length, 1);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated"]);
});

test("an invitation with a link has no code, and is refused, ignored or sent as the ingress says", async () => {
  const { digits } = numberAndCode();
  const link = "https://app.example.com/invitation";
  const message = { to: digits, type: "OrganizationInvitation", payload: { link } };
  const refusing = await createIngress("logto");
  await assert.rejects((await connector(refusing)).sendMessage(message), /no-code/);
  const ignoring = await createIngress("logto", { settings: { messagesWithoutCode: "ignore" } });
  await (await connector(ignoring)).sendMessage(message);
  assert.deepEqual(await outcomes(ignoring, digits.slice(2)), ["ignored"]);
  assert.equal((await received(digits)).length, 0);
});

test("a refusal reaches Logto's log without the number, the code and the secret", async () => {
  const ingress = await createIngress("logto");
  const { digits, code } = numberAndCode();
  const cases = [
    [`Bearer ${ingress.secret}x`, digits, "unauthenticated"],
    [undefined, digits, "unauthenticated"],
    [`Bearer ${ingress.secret}`, "453", "invalid-number"],
  ];
  for (const [authorization, to, error] of cases) {
    const { sendMessage } = await connector(ingress, authorization ?? "");
    await assert.rejects(sendMessage({ to, type: "SignIn", payload: { code } }), (thrown) => {
      assert.equal(thrown.code, "general");
      assert.equal(JSON.parse(thrown.data.message).error, error);
      assertHidden(`${thrown.message} ${JSON.stringify(thrown.data)}`, digits.slice(2), code, ingress.secret);
      return true;
    });
  }
  assert.equal((await received(digits)).length, 0);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["refused", "refused", "refused"]);
});
