// Language, dark appearance, narrow screens and keyboard navigation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

const PAGES = ["t/demo", "t/demo/connectors", "t/demo/connections/main", "t/demo/messages", "t/demo/ingresses", "t/demo/platforms", "t/demo/flows", "t/demo/policy", "t/demo/keys", "t/demo/audit", "t/demo/phone"];

export function appearance(environment) {
  test("the language follows the browser, and a choice is stored", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors" });
    await page.getByRole("heading", { name: "Konnektoren" }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
    await go(page, demo, "t/demo/connections/main");
    await page.getByText(/^Gesetzt am /).waitFor();
    await assertAccessible(page, "set-up in German");
    await screenshot(page, "set-up-german");
    await go(page, demo, "t/demo/policy");
    await page.getByText("Pro Telefonnummer und Stunde").waitFor();
    await page.getByLabel("Sprache").selectOption("en");
    await page.getByText("Per phone number and hour").waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Policy" }).waitFor();
    watched.settle();
  });

  test("the dark appearance follows the system or a choice, with enough contrast", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ colorScheme: "dark", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo);
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(await background(), "rgb(14, 19, 23)");
    for (const path of PAGES) {
      await go(page, demo, path);
      await page.locator(".loading").first().waitFor({ state: "detached" });
      await assertAccessible(page, `${path} in the dark`);
      await screenshot(page, `dark-${path.replaceAll("/", "-")}`);
    }
    await page.getByLabel("Appearance").selectOption("light");
    assert.equal(await background(), "rgb(245, 247, 248)");
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(await background(), "rgb(245, 247, 248)");
    watched.settle();
  });

  test("every page fits a narrow screen", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const watched = watch(page, demo);
    await signIn(page, demo);
    for (const path of PAGES) {
      await go(page, demo, path);
      await page.locator(".loading").first().waitFor({ state: "detached" });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${path} is ${wide} wide`);
      await assertAccessible(page, `${path}, narrow`);
      await screenshot(page, `narrow-${path.replaceAll("/", "-")}`);
    }
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("link", { name: "Flows" }).click();
    await page.getByRole("heading", { name: "Flows" }).waitFor();
    watched.settle();
  });

  test("the console works with the keyboard alone", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await page.goto(`${demo.url}/console/t/demo/flows`);
    await page.getByLabel("Key", { exact: true }).waitFor();
    await page.keyboard.type(demo.tenantKey);
    await page.keyboard.press("Enter");
    const flow = page.getByRole("switch", { name: "Password reset" });
    await flow.waitFor();
    const was = await flow.isChecked();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
    await page.keyboard.press("Enter");
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press("Tab");
      if (await flow.evaluate((element) => element === document.activeElement)) break;
    }
    await page.keyboard.press("Space");
    await page.getByText("Saved. Applies from the next message.").waitFor();
    assert.equal(await flow.isChecked(), !was);
    // A dialog traps the focus and restores it.
    await page.getByRole("link", { name: "API keys" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.textContent === "API keys" && document.activeElement.tagName === "H1");
    const make = page.getByRole("button", { name: "Create key" });
    await make.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await make.evaluate((element) => element === document.activeElement), true);
    watched.settle();
  });
}
