// Webhooks: an admin creates an endpoint, sees what became of an event, and sends it again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, assertGerman, go, screenshot, signIn, watch } from "../browser.mjs";

const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };
// A name that never resolves (RFC 6761): nothing leaves the machine.
const URL_OF_NOBODY = "https://hooks.invalid/sendbox";

export function webhooks(environment) {
  test("an endpoint is created, tested, changed and deleted, and an event is sent again", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "told", name: "told", environment: "development" });
    const page = await browser.open({ ...CLIPBOARD, viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/told" });
    await page.getByRole("navigation").getByRole("link", { name: "Webhooks" }).click();
    await page.getByText("No webhook endpoints yet").waitFor();
    await assertAccessible(page, "no webhook endpoints");
    await page.getByRole("button", { name: "Create endpoint" }).click();
    const dialog = page.getByRole("dialog");
    const create = dialog.getByRole("button", { name: "Create endpoint" });
    await dialog.getByLabel("Name", { exact: true }).fill("Back-end");
    assert.equal(await create.isDisabled(), true, "an endpoint needs an event");
    await dialog.getByLabel("Message delivered").check();
    await dialog.getByLabel("URL").fill("http://hooks.invalid/sendbox");
    await create.click();
    await dialog.getByText("does not allow").waitFor();
    await assertAccessible(page, "an endpoint with a URL that is not allowed");
    await dialog.getByLabel("URL").fill(URL_OF_NOBODY);
    await create.click();

    // The secret is shown, and can be copied.
    await page.getByText("Secret of Back-end").waitFor();
    await page.getByRole("button", { name: "Copy: Secret", exact: true }).click();
    const secret = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(secret, /^whsec_[\w+/]{43}=$/);
    await page.getByRole("button", { name: "Hide" }).click();
    assert.equal((await page.locator("main").innerText()).includes(secret), false);

    // A test event is in the log, with why it failed, and is sent again.
    await page.getByRole("button", { name: "Send test: Back-end" }).click();
    const log = page.getByRole("region", { name: "Events" });
    const event = log.getByRole("row").filter({ hasText: "Test" });
    await event.getByText("1 attempt").waitFor();
    await event.getByText("Pending").waitFor();
    await page.getByText("Failing since").waitFor();
    await assertAccessible(page, "an event that failed");
    await screenshot(page, "webhooks");
    // It is also tried again by itself, so only the response tells that it was sent again.
    const [resent] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/resend")),
      event.getByRole("button", { name: "Send again" }).click(),
    ]);
    assert.equal(resent.status(), 202);
    await event.getByText(/[2-9] attempts/).waitFor();

    // Another secret beside the first one, which still signs.
    await page.getByRole("button", { name: "Rotate secret: Back-end" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Rotate secret" }).click();
    await page.getByText("also signed with the previous secret until").waitFor();
    const shown = page.getByLabel("Secret", { exact: true });
    assert.notEqual(await shown.innerText(), secret);
    await page.getByRole("button", { name: "Hide" }).click();

    await page.getByRole("button", { name: "Edit: Back-end" }).click();
    await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill("Sign-in");
    await page.getByRole("dialog").getByLabel("Message failed").check();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("Message delivered, Message failed").waitFor();
    await page.getByRole("button", { name: "Disable: Sign-in" }).click();
    await page.getByText("Disabled", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Send test: Sign-in" }).count(), 0);
    await page.getByRole("button", { name: "Enable: Sign-in" }).click();
    await page.getByText("Enabled", { exact: true }).waitFor();
    const [saved] = (await api(demo, "GET", "/v1/tenants/told/webhook-endpoints")).body;
    assert.deepEqual([saved.name, saved.url, saved.enabled], ["Sign-in", URL_OF_NOBODY, true]);
    assert.deepEqual(saved.events.sort(), ["message.delivered", "message.failed"]);
    await page.getByRole("button", { name: "Delete: Sign-in" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No webhook endpoints yet").waitFor();
    watched.settle();
  });

  test("webhooks and messages without a code are there in German", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "ereignisse", name: "Ereignisse", environment: "development" });
    const events = ["message.accepted", "message.delivered", "version.rolled-back"];
    const { body } = await api(demo, "POST", "/v1/tenants/ereignisse/webhook-endpoints", { name: "Anmeldung", url: URL_OF_NOBODY, events });
    await api(demo, "POST", `/v1/tenants/ereignisse/webhook-endpoints/${body.id}/test`, {});
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/ereignisse/webhooks" });
    await page.getByText("Nachricht angenommen, Nachricht zugestellt, Version zurückgesetzt").waitFor();
    await page.getByRole("region", { name: "Ereignisse" }).getByText("1 Versuch").waitFor();
    await assertGerman(page, "webhooks and notices");
    await go(page, demo, "t/ereignisse/policy");
    const notices = page.getByRole("region", { name: "Nachrichten ohne Code" });
    await notices.getByRole("button", { name: "Vorlage hinzufügen" }).click();
    await notices.getByLabel("Text").fill("Siehe {{link}}");
    await notices.getByLabel("Pro Telefonnummer und Tag").fill("3");
    await assertGerman(page, "webhooks and notices");
    await assertAccessible(page, "templates of messages without a code");
    await screenshot(page, "notices");
    await page.getByRole("button", { name: "Speichern" }).click();
    await page.getByText("Gespeichert").waitFor();
    const { notices: saved } = (await api(demo, "GET", "/v1/tenants/ereignisse/policy")).body;
    assert.deepEqual([saved.numberPerDay, saved.templates], [3, [{ usage: "generic", content: "Siehe {{link}}" }]]);
    watched.settle();
  });
}
