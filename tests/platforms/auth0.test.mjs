// Auth0's SMS gateway, with a token of Auth0's own library; and Descope's, which adds the code.

import assert from "node:assert/strict";
import { test } from "node:test";
import jwt from "jsonwebtoken";
import { assertHidden, createIngress, numberAndCode, outcomes, received } from "./service.mjs";

const token = (secret, claims = {}, options = {}) => jwt.sign({ sub: "auth0", aud: "sendbox", ...claims }, secret, options);

async function call(ingress, bearer, body) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${bearer}` };
  const response = await fetch(ingress.address, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

/** A number with spaces, as in Auth0's documentation. */
const spaced = (digits) => `+45 ${digits.slice(2, 6)} ${digits.slice(6)}`;

test("the text is sent as it is, once", async () => {
  const ingress = await createIngress("auth0-gateway", { authentication: { type: "jwt-hs256", audience: "sendbox" } });
  const { digits, code } = numberAndCode();
  const body = `Your verification code is: ${code}`;
  const message = { recipient: spaced(digits), body, sender: "+1 234 567", req: { ip: "203.0.113.7" } };
  for (const claims of [{}, { aud: ["other", "sendbox"] }]) {
    assert.deepEqual(await call(ingress, token(ingress.secret, claims), message), { status: 200, body: {} });
  }
  assert.deepEqual(await received(digits), [body]);
  assert.deepEqual(await outcomes(ingress, digits.slice(2), code), ["stored", "repeated"]);
  assert.equal((await ingress.calls())[0].usage, "sign-in");
});

test("a token that is not valid is refused", async () => {
  const ingress = await createIngress("auth0-gateway", { authentication: { type: "jwt-hs256", audience: "sendbox" } });
  const { digits, code } = numberAndCode();
  const message = { recipient: `+${digits}`, body: `Your code is ${code}` };
  const seconds = Math.floor(Date.now() / 1000);
  for (const [name, bearer] of [
    ["another secret", token(`${ingress.secret}x`)],
    ["another audience", token(ingress.secret, { aud: "other" })],
    ["no audience", jwt.sign({ sub: "auth0" }, ingress.secret)],
    ["another algorithm", token(ingress.secret, {}, { algorithm: "HS384" })],
    ["no signature", jwt.sign({ sub: "auth0", aud: "sendbox" }, null, { algorithm: "none" })],
    ["expired", token(ingress.secret, { exp: seconds - 600 })],
    ["no time", token(ingress.secret, {}, { noTimestamp: true })],
    ["the secret itself", ingress.secret],
  ]) {
    const answer = await call(ingress, bearer, message);
    assert.equal(answer.status, 401, name);
    assertHidden(answer.body, digits.slice(2), code, ingress.secret);
  }
  assert.equal((await received(digits)).length, 0);
  assert.ok((await outcomes(ingress, digits.slice(2), code)).every((outcome) => outcome === "refused"));
});

test("Descope passes the code, so that the text may hold other numbers", async () => {
  const ingress = await createIngress("auth0-gateway", { authentication: { type: "bearer" } });
  const { digits, code } = numberAndCode();
  const body = `${code} is your code for order 20271.`;
  const answer = await call(ingress, ingress.secret, { recipient: `+${digits}`, body, sender: "Acme", token: code });
  assert.deepEqual(answer, { status: 200, body: {} });
  assert.deepEqual(await received(digits), [body]);
});
