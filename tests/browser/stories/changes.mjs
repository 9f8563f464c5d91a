// Changes to a tenant: activate, delete and promote connections; flows, policy, API keys and the audit log.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

/** Creates a tenant. The function saves a connection with the demo's account. */
async function tenant(demo, id, environment = "development") {
  await api(demo, "POST", "/v1/tenants", { id, name: id, environment });
  const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
  return (name, connector) => {
    const account = accounts.find((one) => one.connector === connector);
    return api(demo, "PUT", `/v1/tenants/${id}/connections/${name}`, { connector, parameters: account.parameters, templates: account.templates });
  };
}

export function changes(environment) {
  test("another connector is activated after the consequences are shown", async () => {
    const { demo, browser } = environment;
    const set = await tenant(demo, "changing");
    await set("main", "twilio");
    await api(demo, "PUT", "/v1/tenants/changing/active-connection", { name: "main" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/changing/connectors" });
    await page.getByRole("button", { name: "Change connector" }).click();
    await page.getByText("The active connection keeps sending until you activate the new one.").waitFor();
    await page.getByRole("link", { name: "Set up Vonage" }).click();
    await page.getByRole("button", { name: "Fill in" }).click();
    assert.equal(await page.getByLabel("Connection name").inputValue(), "vonage");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("heading", { name: "Connection “vonage”" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/changing/active-connection")).body.name, "main");
    await page.getByRole("button", { name: "Save and activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("All new messages are sent with “vonage” instead of “main”.").waitFor();
    await dialog.getByText("“main” is kept. You can activate it again at any time.").waitFor();
    await dialog.getByText("You haven’t tested this configuration.").waitFor();
    await dialog.getByRole("button", { name: "Save and activate" }).click();
    await page.getByText(/This connection is active/).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/changing/active-connection")).body.name, "vonage");
    watched.settle();
  });

  test("the active connection is deleted only after its consequences are confirmed", async () => {
    const { demo, browser } = environment;
    const set = await tenant(demo, "deleting");
    await set("main", "twilio");
    await api(demo, "PUT", "/v1/tenants/deleting/active-connection", { name: "main" });
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/deleting/connections/main" });
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This is the active connection.").waitFor();
    await dialog.getByText(/These flows are on and will stop working: Sign-up/).waitFor();
    const remove = dialog.getByRole("button", { name: "Delete" });
    assert.equal(await remove.isDisabled(), true);
    await assertAccessible(page, "deleting");
    await screenshot(page, "deleting", { fullPage: false });
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("I understand, delete it anyway").check();
    await remove.click();
    await page.getByText("No connections yet").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/deleting/connections")).body, []);
    watched.settle();
  });

  test("a tested connection is promoted after its changes are reviewed", async () => {
    const { demo, browser } = environment;
    const set = await tenant(demo, "promoting");
    await set("main", "twilio");
    await api(demo, "POST", "/v1/tenants/promoting/connection-tests", { connection: "main", to: "+4520304060" });
    await tenant(demo, "promoting-live", "production");
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/promoting/connectors" });
    await page.getByRole("button", { name: "Promote" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Production tenant", { exact: true }).selectOption("promoting-live");
    await dialog.getByRole("button", { name: "Review changes" }).click();
    await dialog.getByText("parameters › accountSID").waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/promoting-live/connections")).body.length, 0);
    await assertAccessible(page, "promotion");
    await screenshot(page, "promotion", { fullPage: false });
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.getByText("The connection was promoted to “promoting-live”.").waitFor();
    await dialog.locator(".dialog-actions").getByRole("button", { name: "Close" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/promoting-live/connections/main")).body.connector, "twilio");
    // What comes next is one click away.
    await dialog.getByRole("link", { name: "Open “main” of “promoting-live”", exact: false }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    assert.match(page.url(), /promoting-live\/connections\/main$/);
    watched.settle();
  });

  test("unsaved changes are not lost by navigation", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByLabel(/^Sender/).fill("Acme");
    await page.getByRole("link", { name: "API keys" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Leave without saving?").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel(/^Sender/).inputValue(), "Acme");
    await page.getByRole("link", { name: "API keys" }).click();
    await dialog.getByRole("button", { name: "Discard and leave" }).click();
    await page.getByRole("heading", { name: "API keys" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/demo/connections/main")).body.parameters.from, undefined);
    watched.settle();
  });

  test("flows, policy, countries, API keys and the audit log", async () => {
    const { demo, browser } = environment;
    await tenant(demo, "deciding", "production");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/deciding/flows" });
    await page.getByText("No connection is active").waitFor();
    await page.getByRole("switch", { name: "Sign-in", exact: true }).check();
    await page.getByText("Saved. Applies from the next message.").waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/deciding/flows")).body["sign-in"], true);
    await assertAccessible(page, "flows");
    await screenshot(page, "flows");

    await page.getByRole("link", { name: "Policy" }).click();
    await page.getByText("No country is allowed, so nothing can be sent.").waitFor();
    await page.getByLabel("Search countries").fill("denm");
    await page.getByLabel(/Denmark/).check();
    await page.getByLabel("Digits").fill("5");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator(".field", { has: page.getByLabel("Digits") }).locator(".error").waitFor();
    await page.getByLabel("Digits").fill("8");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. Applies from the next message.").waitFor();
    const { body: policy } = await api(demo, "GET", "/v1/tenants/deciding/policy");
    assert.deepEqual([policy.codes.digits, policy.countries.only], [8, ["DK"]]);
    // A price and a connection for individual countries.
    await page.getByRole("switch", { name: /^Limit monthly spending/ }).check();
    await page.getByLabel("Add a price for a country").selectOption("Denmark");
    await page.getByLabel("Price per segment: Denmark").fill("0.051");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. Applies from the next message.").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/deciding/policy")).body.spend.prices, { DK: 51_000 });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "vonage");
    await api(demo, "PUT", "/v1/tenants/deciding/connections/north", { connector, parameters, templates });
    await go(page, demo, "t/deciding/policy");
    await page.getByLabel("Add a connection for a country").selectOption("Sweden");
    assert.equal(await page.getByLabel("Connection: Sweden").inputValue(), "north");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. Applies from the next message.").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/deciding/policy")).body.delivery.routes, { SE: "north" });
    await assertAccessible(page, "policy");
    await screenshot(page, "policy");

    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByRole("button", { name: "Create key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("sign-in backend");
    await assertAccessible(page, "a new key");
    await dialog.getByRole("button", { name: "Create key" }).click();
    const secret = await page.locator("code.secret").innerText();
    assert.match(secret, /^sbx_k/);
    const used = await fetch(`${demo.url}/v1/session`, { headers: { Authorization: `Bearer ${secret}` } });
    assert.deepEqual((await used.json()).scopes, ["verify"]);
    await page.getByRole("button", { name: "Revoke: sign-in backend" }).click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("No API keys yet").waitFor();

    await go(page, demo, "t/deciding/audit");
    await page.getByText("Key revoked").waitFor();
    const row = page.getByRole("row").filter({ hasText: "Policy changed" }).last();
    await row.getByText("2 changes").click();
    await row.getByText("codes › digits").waitFor();
    await row.getByText(/"DK"/).waitFor();
    await assertAccessible(page, "audit");
    await screenshot(page, "audit");
    watched.settle();
  });
}
