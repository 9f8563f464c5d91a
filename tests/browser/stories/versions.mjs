// A connector of a tenant's own: uploaded, compared, approved, tried on a part, activated, taken back; by a person and by itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, version } from "../component.mjs";
import { api, upload } from "../demo.mjs";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/makers";
const RELEASE = `${TENANT}/connectors/acme-sms/release`;
const PAGE = "t/makers/connectors/acme-sms/versions";

/** Chooses a file in the dialogue, and sends it. */
async function choose(page, file) {
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("File").setInputFiles(file);
  await dialog.getByRole("button", { name: "Upload a version" }).click();
  return dialog;
}

/** Uploads a further version on the page, and waits until it stands there. */
async function add(page, file, name) {
  await page.getByRole("button", { name: "Upload a version" }).click();
  const dialog = await choose(page, file);
  await dialog.waitFor({ state: "detached" });
  const card = page.getByRole("region", { name });
  await card.getByText("Compared with the active version").waitFor();
  return card;
}

export function versions(world) {
  let sent = 0;
  /** A message to a number that had none yet, of a thousand that had none. */
  const send = () => {
    sent += 1;
    return api(world.demo, "POST", `${TENANT}/messages`, { to: `+45${20_000_000 + sent * 1000}`, usage: "sign-in", code: "987654" });
  };

  test("the first version of a connector is active at once, and is set up like any other", async () => {
    const { demo, browser } = world;
    await api(demo, "POST", "/v1/tenants", { id: "makers", name: "Makers", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { parameters } = accounts.find((one) => one.connector === "twilio");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/makers/connectors" });

    // What is no component is refused before it is kept.
    await page.getByRole("button", { name: "Upload a connector" }).click();
    const dialog = await choose(page, { name: "mine.wasm", mimeType: "application/wasm", buffer: Buffer.from("not wasm") });
    await dialog.getByRole("alert").waitFor();
    await assertAccessible(page, "an upload that is refused");
    // A file that takes the name of one that comes with Sendbox is refused after its check, and the page says why.
    await choose(page, version(1, "honest", "twilio"));
    await dialog.getByText("This file cannot be used").waitFor();
    await dialog.getByText("twilio is a connector that comes with Sendbox", { exact: false }).waitFor();

    // The answer to the second look is held until the first has been seen: how far it is.
    let seen;
    const wasSeen = new Promise((resolve) => (seen = resolve));
    await page.route("**/connector-uploads/**", async (route) => {
      await wasSeen;
      await route.continue();
    });
    await choose(page, version(1, "honest"));
    await dialog.getByText("Step 1 of 3").waitFor();
    await picture(page, "upload", { fullPage: false });
    seen();
    await page.getByRole("heading", { name: "Versions of Acme SMS" }).waitFor();
    const first = page.getByRole("region", { name: "0001" });
    await first.getByText("Active", { exact: true }).waitFor();
    await first.getByText("What it may do").click();
    await first.getByText("Hands the message to Twilio.").waitFor();
    await assertAccessible(page, "the first version");

    await page.getByRole("link", { name: "Set up Acme SMS" }).click();
    for (const [name, value] of Object.entries(parameters).filter(([name]) => ["accountSID", "authToken", "fromMessagingServiceSID"].includes(name))) {
      await page.getByLabel(name).fill(value);
    }
    await page.getByLabel("Number", { exact: true }).fill("+4520304050");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider has taken the message.").waitFor();
    await page.getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    watched.settle();
  });

  test("a version that reaches further is compared, approved, tried on a part, activated and taken back", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: PAGE });
    const file = version(2, "wider");
    const second = await add(page, file, "0002");
    await second.getByText("It reaches further, or says something else of itself.").waitFor();
    const wider = second.locator(".capability.wider");
    await wider.getByText("collect.acme.test", { exact: false }).first().waitFor();
    await second.getByText("Needs approval before it can send").waitFor();
    const ground = (part) => part.evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.notEqual(await ground(wider), await ground(second.locator(".capability.other")), "what is new stands out");
    assert.equal(await second.getByRole("button", { name: "Start canary" }).count(), 0);
    await assertAccessible(page, "versions");
    await picture(page, "versions");

    // Who wants to activate it is asked to approve first; so says the server, too.
    const early = await api(demo, "POST", `${RELEASE}/activations`, { digest: digestOf(file) });
    assert.equal(early.status, 409);
    await second.getByRole("button", { name: "Activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("heading", { name: "Approve what is new?" }).waitFor();
    await dialog.getByText("collect.acme.test", { exact: false }).first().waitFor();
    await assertAccessible(page, "approval");
    await picture(page, "approval", { fullPage: false });
    await dialog.getByRole("button", { name: "Approve" }).click();
    await dialog.getByRole("heading", { name: "Activate version 0002?" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await second.getByText(/^Approved by Platform key/).waitFor();

    await second.getByRole("button", { name: "Start canary" }).click();
    const slider = page.getByRole("slider");
    await page.getByText("10 % of messages").waitFor();
    await slider.fill("50");
    await page.getByText("50 % of messages").waitFor();
    // The button is disabled while it works, too: what counts is the answer.
    const set = page.waitForResponse((answer) => answer.request().method() === "PUT" && answer.url().endsWith("/canary"));
    await page.getByRole("button", { name: "Set", exact: true }).click();
    assert.equal((await set).status(), 200);
    await page.locator("button:disabled", { hasText: /^Set$/ }).waitFor();
    assert.equal((await api(demo, "GET", RELEASE)).body.canary.percent, 50);
    // Which version a message meets is decided by its id. That fewer than three of so many meet one has no chance worth naming.
    for (let both = false; !both && sent < 100; ) {
      assert.equal((await send()).body.status, "accepted");
      const { comparison } = (await api(demo, "GET", RELEASE)).body;
      both = comparison.sides.every((side) => side.attempts >= 3);
    }
    const compared = page.getByRole("row", { name: /^Accepted/ });
    await page.getByRole("columnheader", { name: /^0001 Active/ }).waitFor();
    await page.getByRole("columnheader", { name: /^0002 Canary/ }).waitFor();
    await compared.getByText("100%").nth(1).waitFor();
    await assertAccessible(page, "canary");
    await picture(page, "canary");

    await second.getByRole("button", { name: "Activate" }).click();
    await dialog.getByRole("button", { name: "Activate" }).click();
    await second.getByText("Active", { exact: true }).waitFor();
    await page.getByText("Version 0002 is watched until", { exact: false }).waitFor();
    assert.equal((await api(demo, "GET", RELEASE)).body.active, digestOf(file));
    assert.equal((await send()).body.status, "accepted");
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByText("through version 0001 again, at once", { exact: false }).waitFor();
    await dialog.getByLabel("Why").fill("it counts what was sent");
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByText(/^Version 0002 was taken back .* 0001 sends\.$/).waitFor();
    await page.getByText("Why: it counts what was sent.").waitFor();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    await assertAccessible(page, "rolled back");
    await picture(page, "rolled-back");
    watched.settle();
  });

  test("a version that traps is taken back by itself, and the page says why", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ colorScheme: "dark", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: PAGE });
    const third = await add(page, version(3, "trap"), "0003");
    await third.getByText("It reaches exactly as far.").waitFor();
    await third.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await third.getByText("Active", { exact: true }).waitFor();
    await send();
    // Nothing is clicked: the page follows.
    await page.getByText(/^Version 0003 was taken back .* 0001 sends\.$/).waitFor();
    await page.getByText(/^Why: it misbehaved in \d+ of \d+ attempts/).waitFor();
    await page.getByText("Sendbox did this by itself.").waitFor();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    await assertAccessible(page, "taken back, in the dark");
    await picture(page, "dark-taken-back");

    // It needs a person, and the overview leads here.
    await go(page, demo, "t/makers");
    await page.getByRole("link", { name: "Look: acme-sms" }).click();
    await page.getByRole("heading", { name: "Versions of Acme SMS" }).waitFor();
    await page.getByRole("button", { name: "Delete version 0003" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await third.waitFor({ state: "detached" });
    watched.settle();
  });

  test("connections that do not fit a version are named before, and stay where they fit", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    const file = version(4, "stricter");
    await upload(demo, `${TENANT}/connectors`, file.buffer);
    await signIn(page, demo, { path: PAGE });
    const fourth = page.getByRole("region", { name: "0004" });
    await fourth.getByText("Diese Verbindungen passen nicht zu dieser Version").waitFor();
    await fourth.getByText("department", { exact: false }).first().waitFor();
    // What the server says of it is said in German.
    await fourth.locator(".capability.other").getByText("Version des Autors: 0001 → 0004").waitFor();
    await fourth.locator(".capability.other li").filter({ hasText: "Parameter department muss jetzt angegeben werden" }).waitFor();
    await fourth.getByText(/\/parameters\/department fehlt/).waitFor();
    await page.getByRole("region", { name: "0002" }).getByText(/^neuer Server: GET, POST https:\/\/collect\.acme\.test, jeder Pfad/).waitFor();
    await page.getByText(/^Grund: Sie hat in \d+ von \d+ Versuchen versagt/).waitFor();
    assert.equal(await page.locator("main [lang=en]").count(), 0, "a sentence of the server is in English");
    await assertAccessible(page, "a version that does not fit, in German");
    await picture(page, "unfit-german");
    await page.setViewportSize({ width: 360, height: 740 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `versions are ${wide} wide`);
    await picture(page, "narrow-versions");
    await page.setViewportSize({ width: 1440, height: 1000 });
    await fourth.getByRole("button", { name: "Aktivieren" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Aktivieren" }).click();
    await fourth.getByText("Diese Verbindungen bleiben bei der vorigen Version", { exact: false }).waitFor();
    assert.equal((await send()).body.status, "accepted");
    watched.settle();
  });

  test("a tenant decides for itself about a connector of all tenants, and follows again", async () => {
    const { demo, browser } = world;
    await upload(demo, "/v1/connectors", version(1, "honest", "house-sms").buffer);
    const { digest } = await upload(demo, "/v1/connectors", version(2, "honest", "house-sms").buffer);
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/makers/connectors/house-sms/versions" });
    const second = page.getByRole("region", { name: "0002" });
    await second.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await page.getByText("Which version sends is decided for this tenant alone.").waitFor();
    assert.equal((await api(demo, "GET", `${TENANT}/connectors/house-sms/release`)).body.active, digest);
    await page.getByRole("button", { name: "Follow what is decided for all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Follow" }).click();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    await page.getByText("Which version sends is decided for this tenant alone.").waitFor({ state: "detached" });
    watched.settle();
  });

  test("a connector that comes with Sendbox has the one version, and the page says so", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/twilio/versions" });
    await page.getByText(/^Twilio comes with Sendbox, in version \S+\.$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Upload a version" }).count(), 0);
    await go(page, demo, "t/demo/connectors");
    await page.getByRole("link", { name: "Set up Twilio" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Versions of Twilio" }).count(), 0);
    watched.settle();
  });
}
