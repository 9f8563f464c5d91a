// The running demo that `.ci/platforms` has started, for the tests in JavaScript. `service.py` is the same for those in Python.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after } from "node:test";

const { SENDBOX_URL, SENDBOX_KEY, SENDBOX_INBOX } = process.env;
if (!SENDBOX_URL || !SENDBOX_KEY || !SENDBOX_INBOX) {
  throw new Error("run `bash .ci/platforms`, or set SENDBOX_URL, SENDBOX_KEY and SENDBOX_INBOX to those of a `sendbox demo`");
}
const INGRESSES = `${SENDBOX_URL}/v1/tenants/demo/ingresses`;

async function call(method, url, body) {
  const headers = { Authorization: `Bearer ${SENDBOX_KEY}`, "Content-Type": "application/json" };
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${url}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** The ingresses of this file. They are deleted at its end, because a tenant can have 50. */
const created = [];
after(() => Promise.all(created.map((name) => call("DELETE", `${INGRESSES}/${name}`))));

/** Creates an ingress, with a name of its own. */
export async function createIngress(kind, input = {}) {
  const name = `${kind}-${randomInt(1e9)}`;
  const saved = await call("PUT", `${INGRESSES}/${name}`, { kind, ...input });
  created.push(name);
  const { secrets, username, apiKey } = saved.authentication;
  return {
    name,
    username,
    apiKey,
    secret: secrets[0] ?? input.authentication?.secrets?.[0],
    // The demo's public URL is reached by its simulated providers only.
    address: SENDBOX_URL + new URL(saved.address).pathname,
    /** The calls, newest first. */
    calls: () => call("GET", `${INGRESSES}/${name}/calls`),
  };
}

/** A Danish number that no other test uses, without `+`, and a code. */
export function numberAndCode() {
  return { digits: `4531${randomInt(1e5, 1e6)}`, code: String(randomInt(1e5, 1e6)) };
}

/** The texts that a number has received, oldest first. */
export async function received(digits) {
  const messages = await (await fetch(`${SENDBOX_INBOX}/messages`)).json();
  return messages.filter((message) => message.to.endsWith(digits)).map((message) => message.text);
}

/** Waits until a number has received so many texts. */
export async function receivedCount(digits, count) {
  for (let looks = 0; looks < 400; looks += 1) {
    const texts = await received(digits);
    if (texts.length >= count) return texts;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`fewer than ${count} messages arrived`);
}

/** Injects a fault into the provider's next response, like `stall` or `status:500`. */
export async function injectFault(fault) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ target: "twilio", fault, times: 1 });
  const set = await fetch(`${SENDBOX_INBOX}/faults`, { method: "POST", headers, body });
  assert.equal(set.status, 201, await set.text());
}

/** Fails if what a platform sees, or the log of an ingress, contains the number, the code or the secret. */
export function assertHidden(shown, ...hidden) {
  const text = typeof shown === "string" ? shown : JSON.stringify(shown);
  for (const value of hidden) assert.ok(!text.includes(value), `${value} in ${text}`);
}

/** The outcomes of an ingress' calls, oldest first. The log, too, hides what it must. */
export async function outcomes(ingress, ...hidden) {
  const calls = await ingress.calls();
  assertHidden(calls, ingress.secret, ...hidden);
  return calls.map((entry) => entry.outcome).reverse();
}
