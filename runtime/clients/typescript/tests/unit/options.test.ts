import assert from "node:assert/strict";
import { test } from "node:test";
import { resolve, type SendboxOptions } from "../../src/config.js";
import { InvalidArgumentError, Sendbox } from "../../src/index.js";
import { KEY, TestServer, VERIFICATION } from "./server.js";

const GOOD = { baseUrl: "https://sendbox.example.com", apiKey: KEY, tenant: "acme" };

test("what is left out comes from the environment", async (t) => {
  const server = await TestServer.start(t, { status: 200, body: VERIFICATION });
  const variables = { SENDBOX_SERVER: server.url, SENDBOX_KEY: KEY, SENDBOX_TENANT: "from-environment" };
  const before = { ...process.env };
  t.after(() => void (process.env = before));
  Object.assign(process.env, variables);
  await new Sendbox().verifications.retrieve("v1");
  assert.equal(server.received[0]?.url, "/v1/tenants/from-environment/verifications/v1");
  assert.equal(server.received[0]?.headers.authorization, `Bearer ${KEY}`);
  assert.equal(resolve({ ...GOOD, tenant: "argument" }).tenant, "argument");
  for (const name of Object.keys(variables)) {
    process.env = { ...before, ...variables, [name]: "" };
    assert.throws(() => new Sendbox(), { name: "InvalidArgumentError", message: new RegExp(name) });
  }
});

test("the key is sent encrypted, or to this machine", () => {
  const table: [string, boolean, boolean][] = [
    // URL, insecure, allowed
    ["https://sendbox.example.com", false, true],
    ["https://sendbox.example.com/under/a/path/", false, true],
    ["http://127.0.0.1:8080", false, true],
    ["http://127.1:8080", false, true],
    ["http://[::1]:8080", false, true],
    ["http://localhost:8080", false, true],
    ["http://localhost.example.com:8080", false, false],
    ["http://127.0.0.1.example.com", false, false],
    ["http://10.0.0.1:8080", false, false],
    ["http://sendbox.example.com", false, false],
    ["http://sendbox.example.com", true, true],
    ["ftp://127.0.0.1", true, false],
    ["https://user:key@sendbox.example.com", false, false],
    ["https://sendbox.example.com/?key=1", false, false],
    ["https://sendbox.example.com/#key", false, false],
    ["sendbox.example.com", false, false],
  ];
  for (const [baseUrl, insecure, isAllowed] of table) {
    const open = () => new Sendbox({ ...GOOD, baseUrl, insecure });
    if (isAllowed) assert.doesNotThrow(open, baseUrl);
    else assert.throws(open, InvalidArgumentError, baseUrl);
  }
});

test("invalid options are refused, and not quoted", () => {
  const table: SendboxOptions[] = [
    { apiKey: "two words-5d41402a" },
    { apiKey: "línea-5d41402a" },
    { tenant: "sbx_key-5d41402a" },
    { tenant: "../other-5d41402a" },
    { baseUrl: "sbx_key-5d41402a" },
    { timeout: 0 },
    { timeout: Number.NaN },
    { timeout: 2 ** 31 },
    { maxRetries: -1 },
    { maxRetries: 1.5 },
    { maxRetries: 11 },
    { maxRetryAfter: -1 },
    { maxRetryAfter: 3_601 },
  ];
  for (const options of table) {
    assert.throws(
      () => new Sendbox({ ...GOOD, ...options }),
      (error) => error instanceof InvalidArgumentError && !error.message.includes("5d41402a"),
      JSON.stringify(options),
    );
  }
});

test("another fetch can be used", async () => {
  const urls: string[] = [];
  const fetch: typeof globalThis.fetch = async (url) => {
    urls.push(String(url));
    return Response.json(VERIFICATION);
  };
  await new Sendbox({ ...GOOD, fetch }).verifications.retrieve("v1");
  assert.deepEqual(urls, ["https://sendbox.example.com/v1/tenants/acme/verifications/v1"]);
});
