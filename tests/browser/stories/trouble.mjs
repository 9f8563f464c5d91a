// A slow or failing server: the page says what happened and what to do, and offers to try again. No endless spinner.

import { test } from "node:test";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

const problem = (status, title, detail, more = {}) => ({
  status,
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "/problems/x", title, status, detail, instance: "urn:sendbox:request:0123456789abcdef", ...more }),
});

export function trouble(environment) {
  test("a slow response is called slow, and still arrives", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/flows" });
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("**/v1/tenants/demo/keys", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByText("This is taking longer than usual.").waitFor();
    await screenshot(page, "slow");
    release();
    await page.getByRole("button", { name: "Revoke: demo" }).waitFor();
    watched.settle();
  });

  test("a server that never answers times out", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await page.clock.install();
    await signIn(page, demo, { path: "t/demo/flows" });
    // The fake clock does not control AbortSignal.timeout.
    await page.evaluate(() => {
      AbortSignal.timeout = (milliseconds) => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(), milliseconds);
        return controller.signal;
      };
    });
    await page.route("**/v1/tenants/demo/audit*", () => {});
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.locator(".loading").waitFor();
    await page.clock.fastForward(25_000);
    await page.getByText("The server didn’t answer in time.").waitFor();
    await page.unroute("**/v1/tenants/demo/audit*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("table").waitFor();
    watched.settle();
  });

  test("an error says what to do, and a retry continues", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/flows" });
    await page.route("**/v1/tenants/demo/policy", (route) =>
      route.fulfill(problem(503, "Store not available", "the store is not available; nothing was accepted, try again")),
    );
    await page.getByRole("link", { name: "Policy" }).click();
    await page.getByText("Store not available").waitFor();
    await page.getByText("nothing was accepted, try again").first().waitFor();
    await page.getByText("0123456789abcdef").first().waitFor();
    await assertAccessible(page, "a failure");
    await screenshot(page, "failure");
    await page.unroute("**/v1/tenants/demo/policy");
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByLabel("Digits").waitFor();

    // A refused change is reported where it was made, and nothing looks saved.
    await page.route("**/v1/tenants/demo/flows", (route) =>
      route.request().method() === "PUT" ? route.fulfill(problem(500, "Internal error", "Sendbox failed.")) : route.continue(),
    );
    await page.getByRole("link", { name: "Flows" }).click();
    await page.getByRole("switch", { name: "Password reset" }).click();
    await page.getByText("Internal error").waitFor();
    await page.locator("input[role=switch]:checked").nth(6).waitFor();
    watched.settle();
  });

  test("an unreachable server", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/flows" });
    await page.getByRole("switch", { name: "Sign-in", exact: true }).waitFor();
    await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
    await page.getByRole("link", { name: "Connectors" }).click();
    await page.getByText("Can’t reach the server.").first().waitFor();
    await page.unroute("**/v1/**");
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByRole("heading", { name: "Your connections" }).waitFor();
    // Also when the console is opened.
    await page.route("**/v1/session", (route) => route.abort("connectionrefused"));
    await page.reload();
    await page.getByText("Can’t reach the server.").waitFor();
    await page.unroute("**/v1/session");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: "Connectors" }).waitFor();
    watched.settle();
  });

  test("a key without a scope is told which one it lacks", async () => {
    const { demo, browser } = environment;
    const page = await browser.open();
    const watched = watch(page, demo);
    const made = await fetch(`${demo.url}/v1/tenants/demo/keys`, {
      method: "POST",
      headers: { Authorization: `Bearer ${demo.platformKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "reader", scopes: ["read"] }),
    });
    await signIn(page, demo, { key: (await made.json()).secret });
    await go(page, demo, "t/demo/flows");
    await page.getByRole("switch", { name: "Password reset" }).click();
    await page.getByText("You need the scope “manage”.", { exact: false }).waitFor();
    await go(page, demo, "t/another/messages");
    await page.getByRole("heading", { name: "Tenant “another” not found" }).waitFor();
    await page.getByText("It doesn’t exist, or your key has no access to it.").waitFor();
    watched.settle();
  });
}
