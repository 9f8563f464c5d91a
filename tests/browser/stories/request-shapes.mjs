// A version may send only requests of a shape that was seen before: another one is held back, read line by line, and approved.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, version } from "../component.mjs";
import { api, upload } from "../demo.mjs";
import { assertAccessible, assertGerman, go, screenshot, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/shaping";
const AT_HOME = "+4520506070";
const ABROAD = "+46701112131";

export function requestShapes(environment) {
  test("a request of a new shape is held back, and is sent after its approval", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "shaping", name: "Shaping", environment: "development" });
    const first = version(1, "honest", "shaped-sms");
    // This one sends another field to numbers outside of Denmark.
    const second = version(2, "abroad", "shaped-sms");
    await upload(demo, `${TENANT}/connectors`, first.buffer);
    await upload(demo, `${TENANT}/connectors`, second.buffer);
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { parameters, templates } = accounts.find((one) => one.connector === "twilio");
    const { accountSID, authToken, fromMessagingServiceSID } = parameters;
    const connection = { connector: "shaped-sms", parameters: { accountSID, authToken, fromMessagingServiceSID }, templates };
    assert.ok((await api(demo, "PUT", `${TENANT}/connections/main`, connection)).status < 300);
    assert.ok((await api(demo, "PUT", `${TENANT}/active-connection`, { name: "main" })).status < 300);
    const tested = await api(demo, "POST", `${TENANT}/connection-tests`, { connection: "main", version: digestOf(second), to: AT_HOME });
    assert.equal(tested.body.outcome, "accepted");

    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/shaping/connectors/shaped-sms/versions" });
    const activate = async () => {
      const card = page.getByRole("region", { name: "0002" });
      await card.getByRole("button", { name: "Activate" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
      await card.getByText("Active", { exact: true }).waitFor();
      return card;
    };
    await activate();

    const send = (to) => api(demo, "POST", `${TENANT}/messages`, { to, usage: "sign-in", code: "987654" });
    const versionsOf = ({ body }) => body.attempts.map((attempt) => attempt.connectorDigest);
    // Home is Denmark: the request has the shape of the test message.
    const home = await send("+4520516171");
    assert.deepEqual([home.body.status, versionsOf(home)], ["accepted", [digestOf(second)]]);
    const abroad = await send(ABROAD);
    assert.deepEqual([abroad.body.status, versionsOf(abroad)], ["accepted", [digestOf(second), digestOf(first)]]);

    // The page of the message shows what was held back, masked, and how it differs.
    await go(page, demo, `t/shaping/messages/${abroad.body.id}`);
    const held = page.locator("details").filter({ has: page.getByText("Held request", { exact: true }) });
    const differences = held.getByLabel("Differences from the tested requests");
    assert.equal((await differences.innerText()).trim().replace(/\s+/g, " "), "+ Added line: form MaxPrice = 9");
    await held.getByText(/MaxPrice=9/).waitFor();
    assert.doesNotMatch(await page.locator("main").innerText(), /701112131|987654/);
    await assertAccessible(page, "a message whose request was held back");
    await screenshot(page, "held-request");

    // The version fell back to the previous one, and the page of the versions asks what to do.
    await held.getByRole("link", { name: "Review it with the versions of shaped-sms" }).click();
    const card = page.getByRole("region", { name: "0002" });
    await card.getByText("Requests were held back").waitFor();
    await page.getByText(/^Rolled back from version 0002 to 0001, .*\.$/).waitFor();
    const lines = card.getByLabel("Lines of the request");
    assert.equal(await lines.locator("ins").count(), 1);
    assert.equal((await lines.locator("ins").innerText()).trim().replace(/\s+/g, " "), "+ Added line: form MaxPrice = 9");
    await card.getByText("1 request", { exact: false }).first().waitFor();
    await assertAccessible(page, "a version whose request was held back");
    await screenshot(page, "held-shape");

    await card.getByRole("button", { name: "Approve", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "Allow this request?" }).waitFor();
    await dialog.locator("ins").filter({ hasText: "form MaxPrice = 9" }).waitFor();
    await assertAccessible(page, "approval of a request");
    await screenshot(page, "held-shape-approval", { fullPage: false });
    await dialog.getByRole("button", { name: "Approve", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await card.getByText("Requests were held back").waitFor({ state: "detached" });
    await card.getByText("Requests", { exact: true }).click();
    await card.getByText(/^by Platform key · /).waitFor();

    await activate();
    const again = await send("+46702223334");
    assert.deepEqual([again.body.status, versionsOf(again)], ["accepted", [digestOf(second)]]);

    // In German: the reason of the rule is in the words of the server, and is marked as English.
    await page.getByLabel("Language").selectOption("Deutsch");
    await go(page, demo, `t/shaping/messages/${abroad.body.id}`);
    const blocked = page.locator(".trace li").filter({ hasText: "Blockiert, bevor etwas gesendet wurde:" });
    await blocked.locator("[lang=en]").getByText("form MaxPrice = 9", { exact: false }).waitFor();
    await page.getByText("Der Konnektor hat gegen eine Regel verstoßen", { exact: false }).waitFor();
    await assertGerman(page, "a message whose request was held back");
    await screenshot(page, "german-held-request");
    watched.settle();
  });
}
