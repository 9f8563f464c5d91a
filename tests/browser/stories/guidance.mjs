// Nobody gets lost: errors take the focus and the view, what was done is confirmed, and each page says what it is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

/** Waits until an element has the focus, and fails if it is not in view. */
async function assertFocused(page, locator, what) {
  const element = await locator.elementHandle();
  await page.waitForFunction((one) => document.activeElement === one, element);
  const { top, bottom, height } = await element.evaluate((one) => ({ ...one.getBoundingClientRect().toJSON(), height: innerHeight }));
  assert.ok(bottom > 0 && top < height, `${what}: it is at ${top} to ${bottom} of ${height}`);
}

export function guidance(environment) {
  test("what is refused takes the focus, and what is saved is confirmed", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "guided", name: "Guided", environment: "development" });
    const page = await browser.open({ viewport: { width: 1440, height: 900 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/guided/connectors/twilio/set-up" });
    await page.getByRole("heading", { name: "Set up Twilio" }).waitFor();
    assert.equal(await page.title(), "Set up Twilio · Sendbox");

    // A test message without an account.
    await page.getByLabel("Phone number", { exact: true }).fill("+4520708090");
    await page.getByRole("button", { name: "Send test message" }).click();
    await assertFocused(page, page.locator(".summary"), "the summary");
    const card = page.getByRole("region", { name: "Test message" });
    await card.getByText(/^Please check your input: \d+ errors$/).waitFor();
    await assertAccessible(page, "a refused test message");
    await screenshot(page, "refused-test-message");
    await card.getByRole("button", { name: "Show errors" }).click();
    await assertFocused(page, page.locator(".summary"), "the summary, again");

    // A test message to something that is no number.
    await page.getByRole("button", { name: "Fill in" }).click();
    await card.getByText(/^Please check your input/).waitFor({ state: "detached" });
    await page.getByLabel("Phone number", { exact: true }).fill("+45");
    await page.getByRole("button", { name: "Send test message" }).click();
    await assertFocused(page, page.getByLabel("Phone number", { exact: true }), "the phone number");

    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    await page.getByText("“main” is saved. It sends once you activate it.").waitFor();
    assert.equal(await page.title(), "Connection “main” · Sendbox");
    await page.reload();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    assert.equal(await page.getByText("“main” is saved.", { exact: false }).count(), 0, "it is said once");

    await go(page, demo, "t/guided/policy");
    await page.getByLabel("Digits").fill("5");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await assertFocused(page, page.getByLabel("Digits"), "the wrong field");
    const bar = page.getByRole("group", { name: "Save" });
    await bar.getByText("Please check your input: 1 error").waitFor();
    await assertAccessible(page, "a refused policy");
    await screenshot(page, "refused-policy", { fullPage: false });
    await bar.getByRole("button", { name: "Discard" }).click();
    await bar.getByText("Please check your input", { exact: false }).waitFor({ state: "detached" });
    watched.settle();
  });

  test("boxes have labels, and names in help texts are code", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 900 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/aliyun/set-up" });
    await page.getByRole("button", { name: "Fill in" }).click();
    const template = page.locator(".template").first();
    await template.getByRole("combobox").selectOption({ label: "By destination" });
    const names = await template.locator("label.template-case span").allInnerTexts();
    assert.ok(names.length > 1 && names.every(Boolean), `${names}`);
    for (const name of names) await template.getByLabel(name).waitFor();
    await assertAccessible(page, "templates by case");
    await screenshot(page, "templates-by-case");
    for (const connector of ["aliyun", "gatewayapi", "http", "smsaero", "tencent", "twilio", "vonage"]) {
      await go(page, demo, `t/demo/connectors/${connector}/set-up`);
      await page.getByLabel("Connection name").waitFor();
      for (const help of await page.locator(".setup-form .help").allInnerTexts()) assert.doesNotMatch(help, /`/, connector);
    }
    watched.settle();
  });

  test("a part of a number and an unknown tenant are called so", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 900 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/messages" });
    await page.getByRole("heading", { name: "Messages" }).waitFor();
    assert.equal(await page.title(), "Messages · Sendbox");
    const number = page.getByRole("group", { name: "Filters" }).getByLabel("Phone number");
    await number.fill("+4520");
    await page.getByText("Enter the whole number, with + and the country code.", { exact: false }).waitFor();
    assert.equal(await number.getAttribute("aria-invalid"), "true");
    await assertAccessible(page, "a part of a number");
    await number.fill("+45 20 30 40 50");
    await page.getByText("Enter the whole number", { exact: false }).waitFor({ state: "detached" });

    await go(page, demo, "t/nobody/messages");
    await page.getByRole("heading", { name: "Tenant “nobody” not found" }).waitFor();
    await page.getByRole("navigation").waitFor({ state: "detached" });
    assert.equal(await page.getByRole("alert").count(), 0);
    await assertAccessible(page, "an unknown tenant");
    await screenshot(page, "unknown-tenant");
    await page.getByRole("link", { name: "Go to the start page" }).click();
    await page.getByRole("heading", { name: "Tenants" }).waitFor();
    watched.settle();
  });

  test("a narrow header takes one row, and all tenants stay in reach", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/policy" });
    await page.getByRole("heading", { name: "Policy" }).waitFor();
    const { height } = await page.locator("header.top").boundingBox();
    assert.ok(height <= 64, `the header is ${height} high`);
    await screenshot(page, "narrow-header", { fullPage: false });
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("heading", { name: "Regeln" }).waitFor();
    await page.getByRole("button", { name: "Menü" }).click();
    await page.getByRole("link", { name: "Alle Mandanten" }).click();
    await page.getByRole("heading", { name: "Mandanten" }).waitFor();
    watched.settle();
  });
}
