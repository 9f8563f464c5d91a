// Versions and statistics, with the answers of a server that keeps them: what an admin sees and what the page asks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

const digest = (letter) => `sha256:${letter.repeat(64)}`;
const json = (body, status = 200) => ({ status, contentType: "application/json", body: JSON.stringify(body) });
const BASE = "/v1/tenants/demo/connectors/twilio";

function version(letter, number, standing, difference = {}) {
  return {
    connector: "twilio", digest: digest(letter), version: number, owner: "tenant", state: "ready", progress: null, refusal: null,
    uploadedAt: new Date().toISOString(), uploadedBy: "platform", bytes: 123_456, standing,
    inspection: ["It may reach https://api.twilio.com with POST."],
    difference: {
      from: digest("a"), to: digest(letter), change: "equal", wider: [], narrower: [], other: [], needsApproval: false,
      confirm: null, approvedAt: null, approvedBy: null, unfit: [], ...difference,
    },
  };
}

const side = (letter, standing, attempts, accepted, p95) => ({
  digest: digest(letter), standing, attempts, accepted, inDoubt: 1, rejected: attempts - accepted - 1,
  successRate: accepted / attempts, failures: { "provider-unavailable": attempts - accepted - 1 },
  latencyMs: { p50: p95 / 2, p95, p99: p95 * 2 },
});

/** A server that keeps versions, as far as the page needs one. */
async function keepVersions(page) {
  const wider = {
    change: "wider", wider: ["It may reach https://collector.example with POST."], narrower: ["It reads delivery reports no longer."],
    needsApproval: true, confirm: "c1",
  };
  const state = {
    asked: [],
    versions: [version("b", "1.1.0", "available", wider), version("a", "1.0.0", "active")],
    release: {
      connector: "twilio", scope: "demo", active: digest("a"), previous: null, generation: 1, activatedAt: new Date().toISOString(),
      watchedUntil: null, canary: null, comparison: null, lastRollback: null,
    },
  };
  await page.route(`**${BASE}/**`, async (route) => {
    const request = route.request();
    const rest = decodeURIComponent(new URL(request.url()).pathname.slice(BASE.length + 1));
    const body = request.postDataJSON?.() ?? undefined;
    if (request.method() !== "GET") state.asked.push([request.method(), rest, body]);
    if (rest === "versions") return route.fulfill(json(state.versions));
    if (rest === "release") return route.fulfill(json(state.release));
    if (rest.endsWith("/approval")) {
      state.versions[0].difference.approvedAt = new Date().toISOString();
      state.versions[0].difference.approvedBy = "platform";
      return route.fulfill(json(state.versions[0]));
    }
    if (rest === "release/canary" && request.method() === "PUT") {
      state.versions[0].standing = "canary";
      state.release.canary = { digest: body.digest, percent: body.percent, startedAt: new Date().toISOString() };
      state.release.comparison = { since: new Date().toISOString(), sides: [side("a", "active", 900, 880, 400), side("b", "canary", 100, 99, 300)] };
      state.release.generation += 1;
      return route.fulfill(json(state.release));
    }
    if (rest === "release/activations") {
      Object.assign(state.release, { active: digest("b"), previous: digest("a"), canary: null, generation: 9 });
      state.versions[0].standing = "active";
      state.versions[1].standing = "previous";
      return route.fulfill(json({ release: state.release, heldBack: [] }));
    }
    if (rest === "release/rollbacks") {
      Object.assign(state.release, {
        active: digest("a"), previous: digest("b"),
        lastRollback: { at: new Date().toISOString(), from: digest("b"), to: digest("a"), reason: "asked for", automatic: false },
      });
      return route.fulfill(json(state.release));
    }
    return route.fallback();
  });
  return state;
}

export function versions(world) {
  test("a version that reaches further is compared, approved, tried on a part, activated and rolled back", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    const state = await keepVersions(page);
    await signIn(page, demo, { path: "t/demo/connectors/twilio/versions" });
    await page.getByText("It reaches further.").waitFor();
    await page.locator(".capability.wider").getByText("It may reach https://collector.example with POST.").waitFor();
    await page.getByText("Needs approval before it can send").waitFor();
    assert.equal(await page.getByRole("button", { name: "Activate" }).count(), 0);
    await assertAccessible(page, "versions");
    await picture(page, "versions");

    await page.getByRole("button", { name: "Approve" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It may reach https://collector.example with POST.").waitFor();
    await dialog.getByRole("button", { name: "Approve" }).click();
    await page.getByText(/^Approved by platform/).waitFor();
    assert.deepEqual(state.asked[0], ["POST", `versions/${digest("b")}/approval`, { confirm: "c1" }]);

    await page.getByRole("button", { name: "Start canary" }).click();
    await page.getByRole("slider").waitFor();
    await page.getByRole("slider").fill("25");
    await page.getByText("25 % of messages").waitFor();
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText("97.8%").waitFor();
    await assertAccessible(page, "canary");
    await picture(page, "canary");

    await page.getByRole("button", { name: "Activate" }).click();
    await dialog.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("button", { name: "Roll back" }).click();
    await dialog.getByText("version 1.0.0 again, at once", { exact: false }).waitFor();
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByText(/Rolled back .*asked for/).waitFor();
    assert.deepEqual(state.asked.slice(1).map(([method, path, body]) => [method, path, body?.percent ?? body?.generation]), [
      ["PUT", "release/canary", 10], ["PUT", "release/canary", 25], ["POST", "release/activations", 3], ["POST", "release/rollbacks", 9],
    ]);
    watched.settle();
  });

  test("an upload shows its progress, and why a file is refused", async () => {
    const { demo, browser } = world;
    const page = await browser.open();
    const watched = watch(page, demo);
    await keepVersions(page);
    const refused = { ...version("c", "", "available"), state: "refused", refusal: "It imports wasi:sockets, which no connector may." };
    await page.route("**/v1/tenants/demo/connectors", (route) =>
      route.request().method() === "POST" ? route.fulfill(json({ ...refused, state: "compiling", progress: { step: 2, of: 4, doing: "compiling" } }, 202)) : route.fallback(),
    );
    let reads = 0;
    await page.route(`**${BASE}/versions/*`, (route) =>
      route.fulfill(json((reads += 1) > 1 ? refused : { ...refused, state: "compiling", progress: { step: 3, of: 4, doing: "reading what it says of itself" } })),
    );
    await signIn(page, demo, { path: "t/demo/connectors/twilio/versions" });
    await page.getByRole("button", { name: "Upload a version" }).click();
    await page.getByLabel("File").setInputFiles({ name: "mine.wasm", mimeType: "application/wasm", buffer: Buffer.from("\0asm") });
    await page.getByRole("dialog").getByRole("button", { name: "Upload a version" }).click();
    await page.getByText(/Step [23] of 4/).first().waitFor();
    await page.getByText("It imports wasi:sockets").waitFor();
    await assertAccessible(page, "a refused upload");
    watched.settle();
  });

  test("an overview in numbers and words", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    const now = Date.now();
    const series = Array.from({ length: 48 }, (_, index) => {
      const messages = Math.round(40 + 30 * Math.sin(index / 5) + (index % 7));
      const failed = index % 11 === 0 ? 6 : 1;
      return { at: new Date(now - (48 - index) * 1_800_000).toISOString(), messages, accepted: messages - failed - 1, failed };
    });
    const sum = (name) => series.reduce((total, one) => total + one[name], 0);
    const statistics = {
      from: series[0].at, to: new Date(now).toISOString(),
      totals: { messages: sum("messages"), accepted: sum("accepted"), failed: sum("failed"), inDoubt: 9, cancelled: 2, expired: 1, segments: 2400 },
      conversion: { started: 1800, approved: 1512, rate: 0.84 },
      latencyMs: { p50: 212, p95: 640, p99: 1480 },
      failures: [{ class: "invalid-recipient", count: 41 }, { class: "provider-unavailable", count: 22 }, { class: "fraud-blocked", count: 3 }],
      countries: [{ country: "DK", messages: 1400, accepted: 1380 }, { country: "DE", messages: 420, accepted: 409 }, { country: "SE", messages: 96, accepted: 90 }],
      series,
      attention: [{ severity: "warning", text: "Messages to Sweden are accepted less often than a day ago: 93.8 %, then 99.1 %." }],
    };
    await page.route("**/v1/tenants/demo/statistics*", (route) => route.fulfill(json(statistics)));
    await signIn(page, demo, { path: "t/demo" });
    await page.getByText("1,512 of 1,800").waitFor();
    await page.getByText("Messages to Sweden are accepted less often", { exact: false }).waitFor();
    await page.getByText("No such number").waitFor();
    await page.getByText("Germany").waitFor();
    await page.getByText("84%").waitFor();
    await assertAccessible(page, "overview");
    await picture(page, "overview");
    await page.getByRole("radio", { name: "Last 7 days" }).check();
    await page.getByText("Germany").waitFor();
    await page.unroute("**/v1/tenants/demo/statistics*");
    await go(page, demo, "t/demo");
    watched.settle();
  });
}
