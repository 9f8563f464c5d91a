// What only the platform key can do: connectors of all tenants, and tenants themselves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { version } from "../component.mjs";
import { api } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

export function platform(environment) {
  test("a connector is uploaded for all tenants, and its next version activated for all of them", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "sharing", name: "Sharing", environment: "development" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo);
    await page.getByRole("link", { name: "Connectors of all tenants" }).click();
    await page.getByRole("heading", { name: "Connectors of all tenants" }).waitFor();
    await page.getByRole("heading", { name: "Twilio" }).waitFor();
    assert.equal(await page.getByRole("link", { name: /^Set up/ }).count(), 0, "nothing is set up without a tenant");
    await assertAccessible(page, "connectors of all tenants");

    const put = async (button, file) => {
      await page.getByRole("button", { name: button }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("Every tenant can use it.", { exact: false }).waitFor();
      await dialog.getByLabel("File").setInputFiles(file);
      await dialog.getByRole("button", { name: "Upload version" }).click();
      await dialog.waitFor({ state: "detached" });
    };
    await put("Upload a connector", version(1, "honest", "shared-sms"));
    await page.getByRole("heading", { name: /^Versions of/ }).waitFor();
    await page.getByRole("region", { name: "0001" }).getByText("Active", { exact: true }).waitFor();
    await put("Upload version", version(3, "honest", "shared-sms"));
    const further = page.getByRole("region", { name: "0003" });
    await further.getByText("Compared with the active version").waitFor();
    await assertAccessible(page, "versions of all tenants");
    await further.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Activate" }).click();
    await further.getByText("Active", { exact: true }).waitFor();
    await screenshot(page, "shared-versions");
    // A tenant without a version of its own follows.
    const { body: release } = await api(demo, "GET", "/v1/tenants/sharing/connectors/shared-sms/release");
    const { body: versions } = await api(demo, "GET", "/v1/connectors/shared-sms/versions");
    assert.equal(versions.find((one) => one.digest === release.active).version, "0003");
    await page.getByRole("link", { name: "Connectors of all tenants" }).click();
    await page.locator(".tile").filter({ hasText: "Shared by the platform" }).first().waitFor();
    await screenshot(page, "shared-connectors");
    watched.settle();
  });

  test("a tenant is renamed, and deleted only after its ID is typed", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "short-lived", name: "Short", environment: "development" });
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "tenants" });
    await page.getByRole("button", { name: "Settings of “Short”" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Shorter");
    await assertAccessible(page, "settings of a tenant");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: "Shorter" }).waitFor();
    await page.getByRole("button", { name: "Settings of “Shorter”" }).click();
    await dialog.getByRole("button", { name: /^Delete/ }).click();
    await dialog.getByText("You can’t undo this", { exact: false }).waitFor();
    const last = dialog.getByRole("button", { name: "Delete" });
    assert.ok(await last.isDisabled());
    await dialog.getByLabel(/^Type/).fill("short-lived");
    await assertAccessible(page, "deleting a tenant");
    await last.click();
    await page.getByRole("link", { name: "Shorter" }).waitFor({ state: "detached" });
    assert.equal((await api(demo, "GET", "/v1/tenants/short-lived")).status, 404);
    watched.settle();
  });

  test("a tenant key cannot open the pages of all tenants", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { key: demo.tenantKey });
    await go(page, demo, "all/connectors");
    await page.getByRole("heading", { name: "Page not found" }).waitFor();
    watched.settle();
  });
}
