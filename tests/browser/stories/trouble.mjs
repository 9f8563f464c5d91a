// A slow or failing server shows states: what happened, what to do, and a way to try again. Never a spinner for ever.

import { test } from "node:test";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

const problem = (status, title, detail, more = {}) => ({
  status,
  contentType: "application/problem+json",
  body: JSON.stringify({ type: "/problems/x", title, status, detail, instance: "urn:sendbox:request:0123456789abcdef", ...more }),
});

export function trouble(world) {
  test("a slow answer is called slow, and comes all the same", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/flows" });
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("**/v1/tenants/demo/keys", async (route) => {
      await held;
      await route.continue();
    });
    await page.getByRole("link", { name: "Keys" }).click();
    await page.getByText("The server takes longer than usual.").waitFor();
    await picture(page, "slow");
    release();
    await page.getByRole("button", { name: "Revoke: demo" }).waitFor();
    watched.settle();
  });

  test("a server that never answers is given up", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await page.clock.install();
    await signIn(page, demo, { path: "t/demo/flows" });
    // AbortSignal.timeout follows no clock that a test can turn.
    await page.evaluate(() => {
      AbortSignal.timeout = (milliseconds) => {
        const controller = new AbortController();
        setTimeout(() => controller.abort(), milliseconds);
        return controller.signal;
      };
    });
    await page.route("**/v1/tenants/demo/audit*", () => {});
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator(".loading").waitFor();
    await page.clock.fastForward(25_000);
    await page.getByText("The server did not answer in time.").waitFor();
    await page.unroute("**/v1/tenants/demo/audit*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("table").waitFor();
    watched.settle();
  });

  test("a failing server says what to do, and a second try goes on", async () => {
    const { demo, browser } = world;
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
    await picture(page, "failure");
    await page.unroute("**/v1/tenants/demo/policy");
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByLabel("Digits").waitFor();

    // A change that is refused is said where it was made, and nothing looks saved.
    await page.route("**/v1/tenants/demo/flows", (route) =>
      route.request().method() === "PUT" ? route.fulfill(problem(500, "Internal error", "Sendbox failed.")) : route.continue(),
    );
    await page.getByRole("link", { name: "Flows" }).click();
    await page.getByRole("switch", { name: "Password reset" }).click();
    await page.getByText("Internal error").waitFor();
    await page.locator("input[role=switch]:checked").nth(6).waitFor();
    watched.settle();
  });

  test("a server that is gone", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/flows" });
    await page.getByRole("switch", { name: "Sign-in", exact: true }).waitFor();
    await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
    await page.getByRole("link", { name: "Connectors" }).click();
    await page.getByText("The server cannot be reached.").first().waitFor();
    await page.unroute("**/v1/**");
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByRole("heading", { name: "Your connections" }).waitFor();
    // From the very beginning, too.
    await page.route("**/v1/session", (route) => route.abort("connectionrefused"));
    await page.reload();
    await page.getByText("The server cannot be reached.").waitFor();
    await page.unroute("**/v1/session");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: "Connectors" }).waitFor();
    watched.settle();
  });

  test("a key that may not do something is told which scope it lacks", async () => {
    const { demo, browser } = world;
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
    await page.getByText("It needs the scope “manage”.", { exact: false }).waitFor();
    await go(page, demo, "t/another/messages");
    await page.getByText("This does not exist, or your key may not see it.").first().waitFor();
    watched.settle();
  });
}
