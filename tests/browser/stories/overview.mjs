// The overview: statistics and attention notices for messages that were really sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/counted";

export function overview(environment) {
  test("the overview shows what was sent, what it cost, what failed, and what needs attention", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "counted", name: "Counted", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "twilio");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/counted" });
    await page.getByText("No messages in this period").waitFor();

    await api(demo, "PUT", `${TENANT}/connections/main`, { connector, parameters, templates });
    await api(demo, "PUT", `${TENANT}/active-connection`, { name: "main" });
    const { body: policy } = await api(demo, "GET", `${TENANT}/policy`);
    const spend = { currency: "EUR", capPerMonthMicros: 100_000_000, pricePerSegmentMicros: 50_000, prices: {} };
    assert.equal((await api(demo, "PUT", `${TENANT}/policy`, { ...policy, spend })).status, 200);
    const send = (to) => api(demo, "POST", `${TENANT}/messages`, { to, usage: "sign-in", code: "987654" });
    for (const to of ["+4520111001", "+4520112001", "+4520113001", "+46701234567"]) {
      assert.equal((await send(to)).body.status, "accepted");
    }
    // One code is entered, another one is not.
    const started = await api(demo, "POST", `${TENANT}/verifications`, { to: "+4520114001", usage: "sign-in" });
    await api(demo, "POST", `${TENANT}/verifications`, { to: "+4520115001", usage: "sign-in" });
    const { messages } = await (await fetch(`${demo.url}/demo/phone/messages`)).json();
    const [code] = /[0-9]{6}/.exec(messages.find((one) => one.to === "+4520114001").text);
    const checked = await api(demo, "POST", `${TENANT}/verifications/${started.body.id}/check`, { code });
    assert.equal(checked.body.status, "approved");
    // Then the account stops working.
    await api(demo, "PUT", `${TENANT}/connections/main`, { connector, parameters: { ...parameters, authToken: "wrong" }, templates });
    assert.equal((await send("+4520116001")).status, 424);

    const { body: counted } = await api(demo, "GET", `${TENANT}/statistics`);
    assert.deepEqual([counted.totals.messages, counted.totals.accepted, counted.totals.failed], [7, 6, 1]);
    await go(page, demo, "t/counted");
    const figure = (name) => page.locator(".figure").filter({ has: page.getByText(name, { exact: true }) });
    await figure("Messages").getByText("7", { exact: true }).waitFor();
    await figure("Messages").getByText(/^\d segments · about €0\.\d+$/).waitFor();
    await figure("Accepted by providers").getByText("85.7%").waitFor();
    await figure("Conversion").getByText("50%").waitFor();
    await figure("Conversion").getByText("1 of 2", { exact: false }).waitFor();
    assert.match(await figure("Provider latency").locator(".figure-value").innerText(), /^[\d.]+ (µs|ms|s)$/);
    await page.locator(".bars").getByText("Authentication failed").waitFor();
    await page.locator(".bars").getByText("Denmark").waitFor();
    await page.locator(".bars").getByText("Sweden").waitFor();
    const words = page.locator(".attention li").filter({ hasText: "main" }).first();
    assert.ok(counted.alerts.some((alert) => alert.subject?.kind === "connection" && alert.subject.id === "main"));
    await words.waitFor();
    // The failure has the same name as elsewhere on the page.
    await words.getByText("failed once in the last hour (authentication failed)", { exact: false }).waitFor();
    await assertAccessible(page, "overview");
    await screenshot(page, "overview");
    const dark = page.getByLabel("Appearance");
    await dark.selectOption("dark");
    await assertAccessible(page, "overview in the dark");
    await screenshot(page, "dark-overview");
    await page.getByRole("radio", { name: "Last 7 days" }).check();
    // The buckets are days in UTC.
    const today = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(new Date());
    await page.locator(".chart").getByText(today, { exact: true }).first().waitFor();
    await page.getByRole("link", { name: "View main" }).first().click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    watched.settle();
  });

  test("a German overview translates the server's messages", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/counted" });
    const found = page.locator(".attention li").filter({ hasText: "main" });
    await found.getByText("ist in der letzten Stunde einmal fehlgeschlagen (Authentifizierung fehlgeschlagen). Prüfen Sie die Zugangsdaten der Verbindung.", { exact: false }).waitFor();
    assert.equal(await page.locator("main [lang=en]").count(), 0, "a sentence of the server is in English");
    const { body: counted } = await api(demo, "GET", `${TENANT}/statistics`);
    const shown = await page.locator(".attention").innerText();
    for (const { message } of counted.alerts) assert.ok(!shown.includes(message.replaceAll("`", "")), message);
    await assertAccessible(page, "overview in German");
    await screenshot(page, "overview-german");

    // So does the page of a message.
    const failed = await api(demo, "GET", `${TENANT}/messages?status=failed`);
    await go(page, demo, `t/counted/messages/${failed.body.items[0].id}`);
    await page.locator(".decision").getByText("ein weiterer Versuch mit derselben Verbindung würde genauso fehlschlagen, und es gibt keine andere Verbindung.", { exact: false }).waitFor();

    // So do the errors of a form.
    await go(page, demo, "t/counted/policy");
    await page.getByLabel("Domain in Nachrichten").fill("https://example.com");
    await page.getByRole("button", { name: "Speichern" }).click();
    await page.getByText("muss eine Domain in Kleinbuchstaben sein", { exact: false }).first().waitFor();
    watched.settle();
  });
}
