// Sessions: signing in with each kind of key, and how a session ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, } from "../demo.mjs";
import { assertAccessible, screenshot, signIn, watch } from "../browser.mjs";

export function signingIn(environment) {
  test("the root redirects to the console, and a wrong key is rejected", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await page.goto(demo.url);
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/console/");
    await assertAccessible(page, "sign-in");
    await screenshot(page, "sign-in");
    await page.getByLabel("Key", { exact: true }).fill("sbx_k1_wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("This key is unknown, expired or revoked.").waitFor();
    assert.equal(await page.getByLabel("Key", { exact: true }).getAttribute("aria-invalid"), "true");
    watched.settle();
  });

  test("the platform key lists tenants and creates one", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo);
    await page.getByRole("heading", { name: "Tenants" }).waitFor();
    await page.getByRole("link", { name: "Demonstration" }).waitFor();
    await assertAccessible(page, "tenants");
    await page.getByRole("button", { name: "Create tenant" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Acme");
    await dialog.getByLabel(/^ID/).fill("A!");
    await assertAccessible(page, "new tenant");
    await dialog.getByRole("button", { name: "Create tenant" }).click();
    await dialog.locator(".error").waitFor();
    await dialog.getByLabel(/^ID/).fill("acme");
    await dialog.getByRole("button", { name: "Create tenant" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("heading", { name: "Get started" }).waitFor();
    await screenshot(page, "first-steps");
    assert.match(page.url(), /\/console\/t\/acme$/);
    watched.settle();
  });

  test("a tenant key opens its tenant, and no script can read the session", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { key: demo.tenantKey });
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.match(page.url(), /\/console\/t\/demo$/);
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ["sendbox_session", true, "Strict"]);
    assert.equal(await page.evaluate(() => document.cookie), "");
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML]));
    assert.ok(!kept.includes(demo.tenantKey) && !kept.includes(cookie.value));
    // The session survives a reload and ends with a sign-out.
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const after = await page.request.get(`${demo.url}/v1/session`, { headers: { Cookie: `sendbox_session=${cookie.value}` } });
    assert.equal(after.status(), 401);
    watched.settle();
  });

  test("a session that ends during work leads to the sign-in page, which says why", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    const key = await api(demo, "POST", "/v1/tenants/demo/keys", { name: "short", scopes: ["read"] });
    await signIn(page, demo, { key: key.body.secret });
    await page.getByRole("link", { name: "Connectors" }).click();
    await page.getByRole("heading", { name: "Catalogue" }).waitFor();
    await api(demo, "DELETE", `/v1/tenants/demo/keys/${key.body.id}`);
    await page.getByRole("link", { name: "Flows" }).click();
    await page.getByText("Your session has ended.").waitFor();
    watched.settle();
  });

  test("no other site can embed the console, and its policy allows no inline script", async () => {
    const { demo } = environment;
    const response = await fetch(`${demo.url}/console/`, { headers: { Accept: "text/html" } });
    const policy = response.headers.get("content-security-policy");
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /script-src 'self';/);
    assert.ok(!policy.includes("unsafe"));
    const page = await response.text();
    assert.ok(!/<script(?![^>]*\bsrc=)/.test(page) && !/\son\w+=/.test(page));
    const [script] = /\/console\/assets\/[^"]+\.js/.exec(page);
    const file = await fetch(`${demo.url}${script}`, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(file.headers.get("content-encoding"), "gzip");
    assert.match(file.headers.get("cache-control"), /immutable/);
  });
}
