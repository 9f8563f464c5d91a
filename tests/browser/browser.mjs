// A real browser. A request to another origin, anything that the page's policy blocks, and every error that the page throws
// fails the test that opened it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Where screenshots are stored, if anywhere. */
const SCREENSHOTS = process.env.SENDBOX_PICTURES;

/** Starts Debian's Chromium, or the one that `CHROMIUM` names. */
export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "sendbox-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
  const browser = context.browser();
  return {
    context,
    /** A page of its own, with its own cookies. */
    async open(options = {}) {
      const own = browser ? await browser.newContext(options) : context;
      return own.newPage();
    },
    async stop() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Watches a page. `settle` fails if the page did something that it must not. */
export function watch(page, demo, { expected = [] } = {}) {
  const seen = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${demo.url}/`) && !url.startsWith("data:") && !url.startsWith("blob:")) seen.push(`asks ${url}`);
  });
  page.on("pageerror", (error) => seen.push(`throws ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = message.text();
    // The browser logs failed requests; the stories check those themselves.
    if (/Failed to load resource/.test(text)) return;
    if (expected.some((pattern) => pattern.test(text))) return;
    seen.push(`says ${text}`);
  });
  return { settle: () => assert.deepEqual(seen, []) };
}

/** Opens the console, signed in. */
export async function signIn(page, demo, { key = demo.platformKey, path = "" } = {}) {
  await page.goto(`${demo.url}/console/${path}`);
  await page.getByLabel(/^(Key|Schlüssel)$/).fill(key);
  await page.getByRole("button", { name: /^(Sign in|Anmelden)$/ }).click();
  await page.getByRole("button", { name: /Sign out|Abmelden/ }).waitFor();
}

/** Opens a page of the console. */
export async function go(page, demo, path) {
  await page.goto(`${demo.url}/console/${path}`);
  await page.locator("main h1").first().waitFor();
}

/** Fails on serious and critical findings of the accessibility checker. */
export async function assertAccessible(page, what) {
  // Movement changes colours for a moment. What leaves the page while it moves is over, too.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished)));
  // Where a page is scrolled to depends on how long an answer is; what a bar that stays in view covers by then is no finding.
  await page.evaluate(() => globalThis.scrollTo(0, 0));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const serious = violations
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.help}\n${one.nodes.slice(0, 4).map((node) => `  ${node.html.slice(0, 200)}\n    ${node.failureSummary?.split("\n").slice(1, 3).join(" ")}`).join("\n")}`);
  assert.deepEqual(serious, [], `${what}\n${serious.join("\n")}`);
}

/** Takes a screenshot if screenshots are wanted. */
export async function screenshot(page, name, options = {}) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true, ...options });
}

/** Fails if the page shows an English sentence that is neither marked as English nor quoted. */
export async function assertGerman(page, what) {
  const text = await page.locator("main").evaluate((main) => {
    const copy = main.cloneNode(true);
    for (const one of copy.querySelectorAll("[lang=en], q, pre, code")) one.remove();
    // Its name in German, too.
    return copy.textContent.replaceAll("Isle of Man", "");
  });
  assert.doesNotMatch(text, /\b(the|and|of|is|are|this|which|with)\b/i, what);
}
