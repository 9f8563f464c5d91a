// Ingresses: an admin creates one, sets up the platform, and sees its first call arrive.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, assertGerman, go, screenshot, signIn, watch } from "../browser.mjs";

const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };

/** Creates a tenant that can send. */
async function tenant(demo, id) {
  await api(demo, "POST", "/v1/tenants", { id, name: id, environment: "development" });
  const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
  const { connector, parameters, templates } = accounts.find((one) => one.connector === "twilio");
  await api(demo, "PUT", `/v1/tenants/${id}/connections/main`, { connector, parameters, templates });
  await api(demo, "PUT", `/v1/tenants/${id}/active-connection`, { name: "main" });
}

/** Where the tests reach an address: the public URL of the demo leads nowhere. */
const reachable = (demo, address) => {
  const { pathname } = new URL(address);
  assert.match(pathname, /^\/v1\/ingress\/[\w-]{32}$/);
  return `${demo.url}${pathname}`;
};

/** Presses a copy button, and returns what it copied. */
async function copied(page, name) {
  await page.getByRole("button", { name: `Copy: ${name}`, exact: true }).click();
  await page.getByRole("button", { name: `Copied: ${name}`, exact: true }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** Calls an address as Supabase Auth does. */
function callAsSupabase(address, secret, phone) {
  const body = JSON.stringify({ user: { id: randomUUID(), phone }, sms: { otp: "482913", phone } });
  const [id, time] = [randomUUID(), String(Math.floor(Date.now() / 1000))];
  const key = Buffer.from(secret.replace("v1,whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
  const headers = { "Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": time, "webhook-signature": `v1,${signature}` };
  return fetch(address, { method: "POST", headers, body });
}

/** Fails if the form of a platform chooses another method than the server does, or offers one that the server refuses. */
async function assertOffers(page, demo, kind) {
  const path = `/v1/tenants/anbindung/ingresses/${kind}`;
  const { type } = (await api(demo, "GET", path)).body.authentication;
  const select = page.getByLabel("Verfahren");
  if ((await select.count()) === 0) return;
  assert.equal(await select.inputValue(), type, kind);
  const offered = await select.locator("option").evaluateAll((options) => options.map((option) => option.value));
  for (const method of [...offered, type]) {
    const authentication = { type: method, ...(method === "header" && { header: "X-Api-Key" }) };
    assert.equal((await api(demo, "PUT", path, { kind, authentication })).status, 200, `${kind} ${method}`);
  }
}

export function ingress(environment) {
  test("a platform is set up, and its first call arrives while the page waits", async () => {
    const { demo, browser } = environment;
    await tenant(demo, "hooked");
    const page = await browser.open({ ...CLIPBOARD, viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/hooked" });
    await page.getByRole("navigation").getByRole("link", { name: "Ingress" }).click();
    await page.getByText("No ingresses yet").waitFor();
    await assertAccessible(page, "no ingresses");
    await screenshot(page, "ingress-none");
    await page.getByRole("link", { name: "Create ingress" }).click();
    await page.getByRole("heading", { name: "Choose a platform" }).waitFor();
    await assertAccessible(page, "platforms");
    await screenshot(page, "ingress-platforms");
    await page.getByLabel("Find platforms").fill("supa");
    await page.getByRole("link", { name: "Supabase Auth" }).click();
    await page.getByRole("heading", { name: "Create an ingress: Supabase Auth" }).waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "supabase");
    await assertAccessible(page, "a new ingress");
    await screenshot(page, "ingress-new");
    await page.getByRole("button", { name: "Create ingress" }).click();

    await page.getByText("Created. Now set up the platform as described below.").waitFor();
    await page.getByText("Waiting for the first call …").waitFor();
    await assertAccessible(page, "an ingress that waits");
    await screenshot(page, "ingress-waiting");
    const address = reachable(demo, await copied(page, "Address"));
    const secret = await copied(page, "Secret");
    assert.match(secret, /^v1,whsec_/);
    // Hidden until the user asks for it, in the steps, too. What is copied is whole.
    assert.equal((await page.locator("main").innerText()).includes(secret), false);
    assert.match(await copied(page, "Snippet of step 1"), new RegExp(`SECRETS=${secret.replaceAll("+", "\\+")}`));
    await page.getByRole("button", { name: "Show secrets" }).first().click();
    await page.locator("pre").filter({ hasText: `SECRETS=${secret}` }).waitFor();

    assert.equal((await callAsSupabase(address, secret, "4520718191")).status, 200);
    await page.getByRole("status").getByText("The first call arrived: Message created.").waitFor();
    const calls = page.getByRole("region", { name: "Calls" });
    const stored = calls.getByRole("row").filter({ hasText: "Message created" });
    await stored.getByText("+45…91").waitFor();
    assert.equal((await callAsSupabase(address, "v1,whsec_AAAAAAAAAAAAAAAAAAAAAAAA", "4520718191")).status, 401);
    const refused = calls.getByRole("row").filter({ hasText: "Refused" });
    await refused.getByText("the secret or signature is wrong; compare it with the one in the platform's configuration").waitFor();
    await page.getByRole("status").getByText("A call arrived: Refused.").waitFor();
    assert.doesNotMatch(await page.locator("main").innerText(), /20718191|482913/);
    await assertAccessible(page, "the calls of an ingress");
    await screenshot(page, "ingress-calls");
    await stored.getByRole("link", { name: "Open message" }).click();
    await page.getByRole("heading", { name: "Message" }).first().waitFor();
    watched.settle();
  });

  test("settings, secret and address are changed, and the ingress is disabled and deleted", async () => {
    const { demo, browser } = environment;
    await tenant(demo, "generic-ingress");
    const page = await browser.open({ ...CLIPBOARD, viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/generic-ingress/platforms/generic/set-up" });
    const name = page.getByLabel("Name", { exact: true });
    await name.fill("Shop");
    await page.getByText("Use 1 to 40 of the characters a–z, 0–9 and “-”, and don’t begin with “-”.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Create ingress" }).isDisabled(), true);
    await name.fill("shop");
    await page.getByLabel("Method").selectOption("header");
    await page.getByLabel("Header name").fill("Content-Type");
    await page.getByText("Field names").click();
    await page.getByLabel("Phone number").fill("mobile");
    await page.getByRole("button", { name: "Create ingress" }).click();
    // The server's errors are at their fields, and the first of them has the focus.
    await page.getByText("must be the name of a header that holds nothing but the secret").waitFor();
    assert.equal(await page.getByLabel("Header name").evaluate((field) => field === document.activeElement), true);
    await assertAccessible(page, "a new ingress with an error");
    await screenshot(page, "ingress-new-error");
    await page.getByLabel("Header name").fill("X-Shop-Key");
    await page.getByRole("button", { name: "Create ingress" }).click();
    await page.getByText("Waiting for the first call …").waitFor();

    const first = reachable(demo, await copied(page, "Address"));
    const secret = await copied(page, "Secret");
    const send = async (address, key, mobile) => {
      const headers = { "Content-Type": "application/json", "X-Shop-Key": key };
      return (await fetch(address, { method: "POST", headers, body: JSON.stringify({ mobile, code: "482913" }) })).status;
    };
    assert.equal(await send(first, secret, "20718192"), 400);
    const refused = page.getByRole("row").filter({ hasText: "Refused" });
    await refused.getByText("or give the ingress a default region").waitFor();
    await page.getByLabel("Country of numbers without a calling code").selectOption("DK");
    await page.getByText("More settings").click();
    await page.getByRole("button", { name: "Add purpose" }).click();
    await page.getByRole("group", { name: "Usages by purpose" }).getByLabel("Purpose", { exact: true }).fill("checkout");
    await page.getByLabel("Usage: checkout").selectOption("mfa-verification");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. Applies from the next call.").waitFor();
    assert.equal(await send(first, secret, "20718192"), 200);
    const { settings } = (await api(demo, "GET", "/v1/tenants/generic-ingress/ingresses/shop")).body;
    assert.deepEqual([settings.defaultRegion, settings.usages, settings.fields.to], ["DK", { checkout: "mfa-verification" }, "mobile"]);

    // Both secrets are accepted until the old one is removed.
    await page.getByRole("button", { name: "Replace secret" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Generate" }).click();
    const next = await dialog.getByLabel("New secret").inputValue();
    await assertAccessible(page, "replacing a secret");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Previous secret").waitFor();
    assert.deepEqual([await send(first, secret, "20718193"), await send(first, next, "20718194")], [200, 200]);
    await page.getByRole("button", { name: "Remove previous secret" }).click();
    await page.getByText("Previous secret").waitFor({ state: "detached" });
    assert.equal(await send(first, secret, "20718195"), 401);

    await page.getByRole("button", { name: "Rotate address" }).click();
    await dialog.getByLabel("The old address works for").selectOption("1 hour");
    await assertAccessible(page, "rotating an address");
    await dialog.getByRole("button", { name: "Rotate address" }).click();
    await page.getByText("The previous address works until", { exact: false }).waitFor();
    const second = reachable(demo, await copied(page, "Address"));
    assert.notEqual(second, first);
    assert.deepEqual([await send(first, next, "20718196"), await send(second, next, "20718197")], [200, 200]);

    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByText("This ingress is disabled").waitFor();
    assert.equal(await send(second, next, "20718198"), 403);
    await page.getByText("the ingress is disabled; enable it to send messages").waitFor();
    await go(page, demo, "t/generic-ingress/ingresses");
    const row = page.getByRole("listitem").filter({ hasText: "shop" });
    await row.getByText("Disabled").waitFor();
    await row.getByText("last call", { exact: false }).waitFor();
    await assertAccessible(page, "the list of ingresses");
    await screenshot(page, "ingress-list");
    await row.getByRole("link", { name: "Open ingress shop" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete ingress" }).click();
    await page.getByText("No ingresses yet").waitFor();
    await go(page, demo, "t/generic-ingress/audit");
    for (const action of ["Ingress saved", "Ingress address rotated", "Ingress deleted"]) await page.getByText(action).first().waitFor();
    watched.settle();
  });

  test("a key without the scope `manage` sees no address, and reads why", async () => {
    const { demo, browser } = environment;
    await tenant(demo, "read-ingress");
    await api(demo, "PUT", "/v1/tenants/read-ingress/ingresses/logto", { kind: "logto" });
    const { body } = await api(demo, "POST", "/v1/tenants/read-ingress/keys", { name: "reader", scopes: ["read"] });
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { key: body.secret, path: "t/read-ingress/ingresses" });
    await page.getByRole("link", { name: "Open ingress logto" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Create ingress" }).count(), 0);
    await page.getByRole("link", { name: "Open ingress logto" }).click();
    await page.getByText("Only keys with the scope “manage” can see the address", { exact: false }).waitFor();
    await page.getByText("Waiting for the first call …").waitFor();
    for (const name of ["Copy", "Show secrets", "Rotate address", "Disable", "Delete", "Save"]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    }
    await assertAccessible(page, "an ingress without its address");
    watched.settle();
  });

  test("the steps of every platform are in German, and fit a narrow screen in the dark", async () => {
    const { demo, browser } = environment;
    await tenant(demo, "anbindung");
    const { body: document } = await api(demo, "GET", "/openapi.json");
    const kinds = document.components.schemas.IngressKind.enum;
    for (const kind of kinds) await api(demo, "PUT", `/v1/tenants/anbindung/ingresses/${kind}`, { kind });
    const page = await browser.open({ locale: "de-DE", colorScheme: "dark", viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/anbindung/ingresses" });
    const check = async (what) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${what} is ${wide} wide`);
      await assertGerman(page, what);
    };
    const checkClosely = async (what) => {
      await check(what);
      await assertAccessible(page, `${what}, narrow and dark`);
      await screenshot(page, `german-narrow-${what.replaceAll(" ", "-")}`);
    };
    await page.getByRole("link", { name: "Anbindung logto öffnen" }).waitFor();
    await checkClosely("ingresses");
    await go(page, demo, "t/anbindung/platforms");
    await checkClosely("platforms");
    for (const kind of kinds) {
      await go(page, demo, `t/anbindung/platforms/${kind}/set-up`);
      await check(`new ${kind}`);
      await assertOffers(page, demo, kind);
      await go(page, demo, `t/anbindung/ingresses/${kind}`);
      await page.getByText("Warten auf den ersten Aufruf …").waitFor();
      assert.equal(await page.locator(".setup-steps [lang=en]").count(), 0, `${kind} has a step in English`);
      await check(`ingress ${kind}`);
    }
    await go(page, demo, "t/anbindung/platforms/keycloak/set-up");
    await checkClosely("new ingress");

    const { body: generic } = await api(demo, "GET", "/v1/tenants/anbindung/ingresses/generic");
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${generic.authentication.secrets[0]}` };
    await go(page, demo, "t/anbindung/ingresses/generic");
    await page.getByText("Warten auf den ersten Aufruf …").waitFor();
    await fetch(reachable(demo, generic.address), { method: "POST", headers, body: JSON.stringify({ to: "20718193", code: "482913" }) });
    await page.getByText("Der erste Aufruf ist angekommen: Abgelehnt.").waitFor();
    await page.getByText("Die Nummer …93 beginnt nicht mit", { exact: false }).waitFor();
    await checkClosely("a refused call");
    watched.settle();
  });
}
