// Twilio's SDK for Node.js, with its base URL changed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import twilio from "twilio";
import { assertHidden, createIngress, injectFault, numberAndCode, outcomes, received, receivedCount } from "./service.mjs";

const SERVICE = "VA00000000000000000000000000000002";

function client(ingress, token = ingress.secret) {
  const pointed = twilio(ingress.username, token);
  pointed.api.baseUrl = ingress.address;
  pointed.verify.baseUrl = ingress.address;
  return pointed;
}

/** Expects an error with Twilio's code, which tells nothing. */
async function refused(promise, status, code, ...hidden) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.constructor.name, "RestException");
    assert.deepEqual([error.status, error.code], [status, code], error.message);
    assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
    assertHidden(`${error.message} ${JSON.stringify(error.details)}`, ...hidden);
    return true;
  });
}

test("messages are created and retrieved", async () => {
  const ingress = await createIngress("twilio");
  const { messages } = client(ingress);
  const { digits, code } = numberAndCode();
  const body = `Your Acme code is ${code}`;
  const created = await messages.create({ to: `+${digits}`, from: "+15005550006", body });
  assert.match(created.sid, /^SM[0-9a-f]{32}$/);
  assert.ok(["queued", "sending", "sent"].includes(created.status), created.status);
  assert.deepEqual([created.accountSid, created.direction, created.errorCode], [ingress.username, "outbound-api", null]);
  assert.ok(Math.abs(created.dateCreated - Date.now()) < 60_000);
  assertHidden({ ...created, _version: undefined }, digits.slice(2), code, ingress.secret);
  assert.deepEqual(await receivedCount(digits, 1), [body]);
  assert.equal((await ended(messages, created.sid)).status, "sent");
  // To send the same text twice means two messages, as with Twilio.
  await messages.create({ to: `+${digits}`, messagingServiceSid: `MG${"0".repeat(32)}`, body });
  await receivedCount(digits, 2);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code).then((all) => all.filter((one) => one === "stored")), [
    "stored",
    "stored",
  ]);
});

test("an API key is accepted beside the account", async () => {
  const ingress = await createIngress("twilio");
  const { sid, secret } = ingress.apiKey;
  const { digits, code } = numberAndCode();
  const message = { to: `+${digits}`, from: "+15005550006", body: `Your code is ${code}` };
  const pointed = twilio(sid, secret, { accountSid: ingress.username });
  pointed.api.baseUrl = ingress.address;
  assert.equal((await pointed.messages.create(message)).accountSid, ingress.username);
  await receivedCount(digits, 1);
  const mixed = twilio(sid, ingress.secret, { accountSid: ingress.username });
  mixed.api.baseUrl = ingress.address;
  await refused(mixed.messages.create(message), 401, 20003, secret);
});

test("a status callback is one that the SDK's validator accepts", async () => {
  // What Sendbox sends is compared with this file by a test of its own.
  const { authToken, url, body, signature } = JSON.parse(await readFile("status-callback.json", "utf8"));
  const parameters = Object.fromEntries(new URLSearchParams(body));
  assert.equal(parameters.MessageStatus, "failed");
  assert.ok(twilio.validateRequest(authToken, signature, url, parameters));
  assert.ok(!twilio.validateRequest(authToken, signature, url, { ...parameters, MessageStatus: "delivered" }));
  assert.ok(!twilio.validateRequest(`${authToken.slice(1)}0`, signature, url, parameters));
});

/** The message, once it has a status that it keeps. */
async function ended(messages, sid) {
  for (let looks = 0; looks < 400; looks += 1) {
    const message = await messages(sid).fetch();
    if (!["queued", "sending"].includes(message.status)) return message;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail("the message does not end");
}

test("a message that a provider refused has failed, with Twilio's code", async () => {
  const ingress = await createIngress("twilio");
  const { messages } = client(ingress);
  const { digits, code } = numberAndCode();
  await injectFault("code:21610");
  const { sid } = await messages.create({ to: `+${digits}`, from: "+15005550006", body: `Your code is ${code}` });
  const { status, errorCode, errorMessage } = await ended(messages, sid);
  assert.deepEqual([status, errorCode], ["failed", 21610]);
  assertHidden(errorMessage, digits.slice(2), code, ingress.secret);
});

test("a message in doubt is sent, without an error", async () => {
  const ingress = await createIngress("twilio");
  const { messages } = client(ingress);
  const { digits, code } = numberAndCode();
  await injectFault("status:500");
  const { sid } = await messages.create({ to: `+${digits}`, from: "+15005550006", body: `Your code is ${code}` });
  const { status, errorCode, errorMessage } = await ended(messages, sid);
  assert.deepEqual([status, errorCode, errorMessage], ["sent", null, null]);
});

test("errors of messages have the codes of Twilio", async () => {
  const ingress = await createIngress("twilio");
  const { messages } = client(ingress);
  const { digits, code } = numberAndCode();
  const [to, from, body] = [`+${digits}`, "+15005550006", `Your code is ${code}`];
  const hidden = [digits.slice(2), code, ingress.secret];
  const wrong = `${ingress.secret[0] === "0" ? "1" : "0"}${ingress.secret.slice(1)}`;
  await refused(client(ingress, wrong).messages.create({ to, from, body }), 401, 20003, ...hidden);
  await refused(messages.create({ to: "+453", from, body }), 400, 21211, ...hidden);
  await refused(messages.create({ to, from, body: "Hello" }), 400, 21602, ...hidden);
  await refused(messages.create({ to, from, contentSid: `HX${"0".repeat(32)}` }), 400, 20001, ...hidden);
  await refused(messages.create({ to, from, body, statusCallback: "http://example.com" }), 400, 21609, ...hidden);
  await refused(messages(`SM${"0".repeat(32)}`).fetch(), 404, 20404, ...hidden);
  await refused(messages.list(), 404, 20404, ...hidden);
  assert.equal((await received(digits)).length, 0);
  assert.ok((await outcomes(ingress, ...hidden)).every((outcome) => outcome === "refused"));
});

test("codes are started and checked, by number and by SID", async () => {
  const ingress = await createIngress("twilio", { settings: { usages: { "*": "sign-in" } } });
  const { verifications, verificationChecks } = client(ingress).verify.v2.services(SERVICE);
  for (const by of ["to", "verificationSid"]) {
    const { digits } = numberAndCode();
    const to = `+${digits}`;
    const started = await verifications.create({ to, channel: "sms", locale: "en" });
    assert.match(started.sid, /^VE[0-9a-f]{32}$/);
    assert.deepEqual([started.status, started.valid, started.channel, started.serviceSid], ["pending", false, "sms", SERVICE]);
    const [text] = await receivedCount(digits, 1);
    assert.match(text, /to sign in/);
    const code = /\d{6}/.exec(text)[0];
    const wrong = code === "000000" ? "000001" : "000000";
    const target = by === "to" ? { to } : { verificationSid: started.sid };
    const pending = await verificationChecks.create({ ...target, code: wrong });
    assert.deepEqual([pending.sid, pending.status, pending.valid], [started.sid, "pending", false], by);
    const approved = await verificationChecks.create({ ...target, code });
    assert.deepEqual([approved.sid, approved.status, approved.valid], [started.sid, "approved", true], by);
    assert.equal((await verifications(started.sid).fetch()).status, "approved");
    // A code verifies once.
    await refused(verificationChecks.create({ ...target, code }), 404, 20404, digits.slice(2), code);
    assertHidden(
      [started, pending, approved].map((one) => ({ ...one, _version: undefined })),
      digits.slice(2),
      code,
      ingress.secret,
    );
    await outcomes(ingress, digits.slice(2), code);
  }
});

test("a verification can be cancelled, and has a limited number of tries", async () => {
  const ingress = await createIngress("twilio");
  const { verifications, verificationChecks } = client(ingress).verify.v2.services(SERVICE);
  const { digits } = numberAndCode();
  const first = await verifications.create({ to: `+${digits}`, channel: "sms" });
  const cancelled = await verifications(first.sid).update({ status: "canceled" });
  assert.deepEqual([cancelled.sid, cancelled.status], [first.sid, "canceled"]);
  await refused(verificationChecks.create({ to: `+${digits}`, code: "123456" }), 404, 20404);

  const other = numberAndCode().digits;
  const second = await verifications.create({ to: `+${other}`, channel: "sms" });
  for (let tries = 0; tries < 5; tries += 1) {
    const checked = await verificationChecks.create({ verificationSid: second.sid, code: "none" });
    assert.equal(checked.status, "pending");
  }
  await refused(verificationChecks.create({ verificationSid: second.sid, code: "none" }), 429, 60202);
  for (const parameters of [
    { to: `+${other}`, channel: "call" },
    { to: `+${other}`, channel: "sms", customCode: "123456" },
    { to: "+453", channel: "sms" },
  ]) {
    await refused(verifications.create(parameters), 400, 60200, other.slice(2));
  }
});

test("what is not served is refused, and not left out of the message", async () => {
  const ingress = await createIngress("twilio");
  const { messages, verify } = client(ingress);
  const { verifications } = verify.v2.services(SERVICE);
  const { digits, code } = numberAndCode();
  const message = { to: `+${digits}`, from: "+15005550006", body: `Your code is ${code}` };
  const later = { scheduleType: "fixed", sendAt: new Date(Date.now() + 3_600_000) };
  const verification = { to: `+${digits}`, channel: "sms" };
  for (const [name, create, error] of [
    ["a time", () => messages.create({ ...message, ...later }), 20001],
    ["a picture", () => messages.create({ ...message, mediaUrl: ["https://example.com/a.png"] }), 20001],
    ["an amount", () => verifications.create({ ...verification, amount: "10.00", payee: "Acme" }), 60200],
    ["a text", () => verifications.create({ ...verification, customMessage: "Hello" }), 60200],
  ]) {
    const answer = await create().then(
      () => "accepted",
      (refusal) => refusal.code,
    );
    assert.equal(answer, error, name);
  }
  assert.equal((await received(digits)).length, 0);
});
