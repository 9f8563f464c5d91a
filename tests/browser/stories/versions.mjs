// Versions of a tenant's own connector: upload, comparison, approval, canary, activation, and rollback by a person or automatically.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, version } from "../component.mjs";
import { api, upload } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/makers";
const RELEASE = `${TENANT}/connectors/acme-sms/release`;
const PAGE = "t/makers/connectors/acme-sms/versions";

/** Chooses a file in the dialog and uploads it. */
async function choose(page, file) {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("File").setInputFiles(file);
  await dialog.getByRole("button", { name: "Upload version" }).click();
  return dialog;
}

/** Uploads another version on the page, and waits for its card. */
async function add(page, file, name) {
  await page.getByRole("button", { name: "Upload version" }).click();
  const dialog = await choose(page, file);
  await dialog.waitFor({ state: "detached" });
  const card = page.getByRole("region", { name });
  await card.getByText("Compared with the active version").waitFor();
  return card;
}

export function versions(environment) {
  let sent = 0;
  /** A message to a number that had none yet, of a thousand that had none. */
  const send = () => {
    sent += 1;
    return api(environment.demo, "POST", `${TENANT}/messages`, { to: `+45${20_000_000 + sent * 1000}`, usage: "sign-in", code: "987654" });
  };

  test("the first version of a connector is active at once, and is set up like any other", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "makers", name: "Makers", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { parameters } = accounts.find((one) => one.connector === "twilio");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/makers/connectors" });

    // A file that is not a component is rejected right away.
    await page.getByRole("button", { name: "Upload a connector" }).click();
    const dialog = await choose(page, { name: "mine.wasm", mimeType: "application/wasm", buffer: Buffer.from("not wasm") });
    await dialog.getByRole("alert").waitFor();
    await assertAccessible(page, "an upload that is refused");
    // A component with the name of a built-in connector is rejected after its check, and the page says why.
    await choose(page, version(1, "honest", "twilio"));
    await dialog.getByText("This file can’t be used").waitFor();
    await dialog.getByText("twilio is a built-in connector", { exact: false }).waitFor();

    // Hold the next poll until the progress is visible.
    let seen;
    const wasSeen = new Promise((resolve) => (seen = resolve));
    await page.route("**/connector-uploads/**", async (route) => {
      await wasSeen;
      await route.continue();
    });
    await choose(page, version(1, "honest"));
    await dialog.getByText("Step 1 of 3").waitFor();
    await screenshot(page, "upload", { fullPage: false });
    seen();
    await page.getByRole("heading", { name: "Versions of Acme SMS" }).waitFor();
    const first = page.getByRole("region", { name: "0001" });
    await first.getByText("Active", { exact: true }).waitFor();
    await first.getByText("Capabilities").click();
    await first.getByText("Passes the message to Twilio.").waitFor();
    await assertAccessible(page, "the first version");

    await page.getByRole("link", { name: "Set up Acme SMS" }).click();
    for (const [name, value] of Object.entries(parameters).filter(([name]) => ["accountSID", "authToken", "fromMessagingServiceSID"].includes(name))) {
      await page.getByLabel(name).fill(value);
    }
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304050");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider accepted the message.").waitFor();
    await page.getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    watched.settle();
  });

  test("a version that reaches more is compared, approved, run as a canary, activated and rolled back", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: PAGE });
    const file = version(2, "wider");
    const second = await add(page, file, "0002");
    await second.getByText("It can reach more, or presents itself differently.").waitFor();
    const wider = second.locator(".capability.wider");
    await wider.getByText("collect.acme.test", { exact: false }).first().waitFor();
    await second.getByText("Needs approval before it can send").waitFor();
    const background = (part) => part.evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.notEqual(await background(wider), await background(second.locator(".capability.other")), "what is new stands out");
    assert.equal(await second.getByRole("button", { name: "Start canary" }).count(), 0);
    await assertAccessible(page, "versions");
    await screenshot(page, "versions");

    // An activation needs an approval first, on the server and on the page.
    const early = await api(demo, "POST", `${RELEASE}/activations`, { digest: digestOf(file) });
    assert.equal(early.status, 409);
    await second.getByRole("button", { name: "Activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "Approve these changes?" }).waitFor();
    await dialog.getByText("collect.acme.test", { exact: false }).first().waitFor();
    await assertAccessible(page, "approval");
    await screenshot(page, "approval", { fullPage: false });
    await dialog.getByRole("button", { name: "Approve" }).click();
    await dialog.getByRole("heading", { name: "Activate version 0002?" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await second.getByText(/^Approved by Platform key/).waitFor();

    await second.getByRole("button", { name: "Start canary" }).click();
    const slider = page.getByRole("slider");
    await page.getByText("10% of messages").waitFor();
    await slider.fill("50");
    await page.getByText("50% of messages").waitFor();
    // The button is also disabled while the request runs, so wait for the response.
    const set = page.waitForResponse((answer) => answer.request().method() === "PUT" && answer.url().endsWith("/canary"));
    await page.getByRole("button", { name: "Update", exact: true }).click();
    assert.equal((await set).status(), 200);
    await page.locator("button:disabled", { hasText: /^Update$/ }).waitFor();
    assert.equal((await api(demo, "GET", RELEASE)).body.canary.percent, 50);
    // The id of a message decides its version. With so many messages, each version almost certainly gets three.
    for (let both = false; !both && sent < 100; ) {
      assert.equal((await send()).body.status, "accepted");
      const { comparison } = (await api(demo, "GET", RELEASE)).body;
      both = comparison.versions.every((side) => side.attempts >= 3);
    }
    const compared = page.getByRole("row", { name: /^Accepted/ });
    await page.getByRole("columnheader", { name: /^0001 Active/ }).waitFor();
    await page.getByRole("columnheader", { name: /^0002 Canary/ }).waitFor();
    await compared.getByText("100%").nth(1).waitFor();
    await assertAccessible(page, "canary");
    await screenshot(page, "canary");

    await second.getByRole("button", { name: "Activate" }).click();
    await dialog.getByRole("button", { name: "Activate" }).click();
    await second.getByText("Active", { exact: true }).waitFor();
    await page.getByText("Sendbox monitors version 0002 until", { exact: false }).waitFor();
    assert.equal((await api(demo, "GET", RELEASE)).body.active, digestOf(file));
    assert.equal((await send()).body.status, "accepted");
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByText("with version 0001 again, starting now", { exact: false }).waitFor();
    await dialog.getByLabel("Reason").fill("it counts what was sent");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByText(/^Rolled back from version 0002 to 0001, .*\.$/).waitFor();
    await page.getByText("Reason: it counts what was sent.").waitFor();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    await assertAccessible(page, "rolled back");
    await screenshot(page, "rolled-back");
    watched.settle();
  });

  test("a version that traps is rolled back automatically, and the page says why", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ colorScheme: "dark", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: PAGE });
    const third = await add(page, version(3, "trap"), "0003");
    await third.getByText("It can reach the same.").waitFor();
    await third.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await third.getByText("Active", { exact: true }).waitFor();
    await send();
    // Without a click: the page is live.
    await page.getByText(/^Rolled back from version 0003 to 0001, .*\.$/).waitFor();
    await page.getByText(/^Reason: it misbehaved in \d+ of \d+ attempts/).waitFor();
    await page.getByText("Sendbox rolled back automatically.").waitFor();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    await assertAccessible(page, "rolled back, in the dark");
    await screenshot(page, "dark-rolled-back");

    // The overview lists it and links here.
    await go(page, demo, "t/makers");
    await page.getByRole("link", { name: "View acme-sms" }).click();
    await page.getByRole("heading", { name: "Versions of Acme SMS" }).waitFor();
    await page.getByRole("button", { name: "Delete version 0003" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await third.waitFor({ state: "detached" });
    watched.settle();
  });

  test("incompatible connections are listed before activation, and stay on their version", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    const file = version(4, "stricter");
    await upload(demo, `${TENANT}/connectors`, file.buffer);
    await signIn(page, demo, { path: PAGE });
    const fourth = page.getByRole("region", { name: "0004" });
    await fourth.getByText("Diese Verbindungen sind mit dieser Version nicht kompatibel").waitFor();
    await fourth.getByText("department", { exact: false }).first().waitFor();
    // The server's messages are in German.
    await fourth.locator(".capability.other").getByText("Version des Autors: 0001 → 0004").waitFor();
    await fourth.locator(".capability.other li").filter({ hasText: "Parameter department ist jetzt erforderlich" }).waitFor();
    await fourth.getByText(/\/parameters\/department fehlt/).waitFor();
    await page.getByRole("region", { name: "0002" }).getByText(/^neuer Host: GET, POST https:\/\/collect\.acme\.test, jeder Pfad/).waitFor();
    await page.getByText(/^Grund: Sie hat sich in \d+ von \d+ Versuchen falsch verhalten/).waitFor();
    assert.equal(await page.locator("main [lang=en]").count(), 0, "a sentence of the server is in English");
    await assertAccessible(page, "a version that does not fit, in German");
    await screenshot(page, "unfit-german");
    await page.setViewportSize({ width: 360, height: 740 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `versions are ${wide} wide`);
    await screenshot(page, "narrow-versions");
    await page.setViewportSize({ width: 1440, height: 1000 });
    await fourth.getByRole("button", { name: "Aktivieren" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Aktivieren" }).click();
    await fourth.getByText("Diese Verbindungen bleiben bei der vorigen Version", { exact: false }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    watched.settle();
  });

  test("a tenant chooses its own version of a shared connector, and follows all tenants again", async () => {
    const { demo, browser } = environment;
    await upload(demo, "/v1/connectors", version(1, "honest", "common-sms").buffer);
    const { digest } = await upload(demo, "/v1/connectors", version(2, "honest", "common-sms").buffer);
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/makers/connectors/common-sms/versions" });
    const second = page.getByRole("region", { name: "0002" });
    await second.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await page.getByText("This tenant uses its own version instead of the one for all tenants.").waitFor();
    assert.equal((await api(demo, "GET", `${TENANT}/connectors/common-sms/release`)).body.active, digest);
    await page.getByRole("button", { name: "Use the version for all tenants" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Use it" }).click();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    await page.getByText("This tenant uses its own version instead of the one for all tenants.").waitFor({ state: "detached" });
    watched.settle();
  });

  test("a built-in connector has one version, and the page says so", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/twilio/versions" });
    await page.getByText(/^Twilio is built into Sendbox, in version \S+\.$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Upload version" }).count(), 0);
    await go(page, demo, "t/demo/connectors");
    await page.getByRole("link", { name: "Set up Twilio" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Versions of Twilio" }).count(), 0);
    watched.settle();
  });
}
