// Connections are changed without fear: another connector takes over, one is deleted, one goes to production.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

/** A tenant of its own, set up like the demo's. */
async function tenant(demo, id, environment = "development") {
  await api(demo, "POST", "/v1/tenants", { id, name: id, environment });
  const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
  return (name, connector) => {
    const account = accounts.find((one) => one.connector === connector);
    return api(demo, "PUT", `/v1/tenants/${id}/connections/${name}`, { connector, parameters: account.parameters, templates: account.templates });
  };
}

export function changes(world) {
  test("another connector takes over, after it was said what that means", async () => {
    const { demo, browser } = world;
    const set = await tenant(demo, "changing");
    await set("main", "twilio");
    await api(demo, "PUT", "/v1/tenants/changing/active-connection", { name: "main" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/changing/connectors" });
    await page.getByRole("button", { name: "Change connector" }).click();
    await page.getByText("The one that sends now goes on until you activate the new one.").waitFor();
    await page.getByRole("link", { name: "Set up Vonage" }).click();
    await page.getByRole("button", { name: "Fill in" }).click();
    assert.equal(await page.getByLabel("Name of the connection").inputValue(), "vonage");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("heading", { name: "Connection “vonage”" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/changing/active-connection")).body.name, "main");
    await page.getByRole("button", { name: "Save and activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Every new message is sent by “vonage” instead of “main”.").waitFor();
    await dialog.getByText("“main” stays as it is, and can be activated again at any time.").waitFor();
    await dialog.getByText("This configuration has not been tested.").waitFor();
    await dialog.getByRole("button", { name: "Save and activate" }).click();
    await page.getByText(/It is the one that sends already/).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/changing/active-connection")).body.name, "vonage");
    watched.settle();
  });

  test("deleting the one that sends is possible only after its consequences were understood", async () => {
    const { demo, browser } = world;
    const set = await tenant(demo, "deleting");
    await set("main", "twilio");
    await api(demo, "PUT", "/v1/tenants/deleting/active-connection", { name: "main" });
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/deleting/connections/main" });
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It is the one that sends.").waitFor();
    await dialog.getByText(/These flows are on and stop working: Sign-up/).waitFor();
    const remove = dialog.getByRole("button", { name: "Delete" });
    assert.equal(await remove.isDisabled(), true);
    await assertAccessible(page, "deleting");
    await picture(page, "deleting", { fullPage: false });
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("I understand, delete it all the same").check();
    await remove.click();
    await page.getByText("No connector is set up yet.").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/deleting/connections")).body, []);
    watched.settle();
  });

  test("a tested connection goes to production by its difference", async () => {
    const { demo, browser } = world;
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
    await dialog.getByRole("button", { name: "Show what would change" }).click();
    await dialog.getByText("parameters › accountSID").waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/promoting-live/connections")).body.length, 0);
    await assertAccessible(page, "promotion");
    await picture(page, "promotion", { fullPage: false });
    await dialog.getByRole("button", { name: "Promote" }).click();
    await dialog.getByText("Done. “promoting-live” has it now.").waitFor();
    await dialog.locator(".dialog-actions").getByRole("button", { name: "Close" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/promoting-live/connections/main")).body.connector, "twilio");
    watched.settle();
  });

  test("changes that are not saved are not lost by a click", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByLabel(/^Sender/).fill("Acme");
    await page.getByRole("link", { name: "Keys" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Leave without saving?").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await page.getByLabel(/^Sender/).inputValue(), "Acme");
    await page.getByRole("link", { name: "Keys" }).click();
    await dialog.getByRole("button", { name: "Discard and leave" }).click();
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/demo/connections/main")).body.parameters.from, undefined);
    watched.settle();
  });

  test("flows, policy, countries, keys and the audit", async () => {
    const { demo, browser } = world;
    await tenant(demo, "ruling", "production");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/ruling/flows" });
    await page.getByText("No connection is active").waitFor();
    await page.getByRole("switch", { name: "Sign-in", exact: true }).check();
    await page.getByText("Saved. It holds from the next message on.").waitFor();
    assert.equal((await api(demo, "GET", "/v1/tenants/ruling/flows")).body["sign-in"], true);
    await assertAccessible(page, "flows");
    await picture(page, "flows");

    await page.getByRole("link", { name: "Policy" }).click();
    await page.getByText("No country is allowed, so nothing can be sent.").waitFor();
    await page.getByLabel("Find a country").fill("denm");
    await page.getByLabel(/Denmark/).check();
    await page.getByLabel("Digits").fill("5");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator(".field", { has: page.getByLabel("Digits") }).locator(".error").waitFor();
    await page.getByLabel("Digits").fill("8");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. It holds from the next message on.").waitFor();
    const { body: policy } = await api(demo, "GET", "/v1/tenants/ruling/policy");
    assert.deepEqual([policy.codes.digits, policy.countries.only], [8, ["DK"]]);
    // A price and a connection of their own for some countries.
    await page.getByRole("switch", { name: /^Cap what messages may cost/ }).check();
    await page.getByLabel("Add a price for a country").selectOption("Denmark");
    await page.getByLabel("Price of a segment: Denmark").fill("0.051");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. It holds from the next message on.").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/ruling/policy")).body.spend.prices, { DK: 51_000 });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "vonage");
    await api(demo, "PUT", "/v1/tenants/ruling/connections/north", { connector, parameters, templates });
    await go(page, demo, "t/ruling/policy");
    await page.getByLabel("Add a connection for a country").selectOption("Sweden");
    assert.equal(await page.getByLabel("Connection: Sweden").inputValue(), "north");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved. It holds from the next message on.").waitFor();
    assert.deepEqual((await api(demo, "GET", "/v1/tenants/ruling/policy")).body.delivery.routes, { SE: "north" });
    await assertAccessible(page, "policy");
    await picture(page, "policy");

    await page.getByRole("link", { name: "Keys" }).click();
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("sign-in backend");
    await assertAccessible(page, "a new key");
    await dialog.getByRole("button", { name: "New key" }).click();
    const secret = await page.locator("code.secret").innerText();
    assert.match(secret, /^sbx_k/);
    const used = await fetch(`${demo.url}/v1/session`, { headers: { Authorization: `Bearer ${secret}` } });
    assert.deepEqual((await used.json()).scopes, ["verify"]);
    await page.getByRole("button", { name: "Revoke: sign-in backend" }).click();
    await dialog.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("There is no key yet.").waitFor();

    await go(page, demo, "t/ruling/audit");
    await page.getByText("Key revoked").waitFor();
    const row = page.getByRole("row").filter({ hasText: "Policy changed" }).last();
    await row.getByText("2 changes").click();
    await row.getByText("codes › digits").waitFor();
    await row.getByText(/"DK"/).waitFor();
    await assertAccessible(page, "audit");
    await picture(page, "audit");
    watched.settle();
  });
}
