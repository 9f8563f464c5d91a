// How it goes, in numbers and words: what the server has counted of messages that were really sent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/counted";

export function overview(world) {
  test("an overview of what was sent, what it cost, what failed, and what needs a person", async () => {
    const { demo, browser } = world;
    await api(demo, "POST", "/v1/tenants", { id: "counted", name: "Counted", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "twilio");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/counted" });
    await page.getByText("Nothing has been sent in this time.").waitFor();

    await api(demo, "PUT", `${TENANT}/connections/main`, { connector, parameters, templates });
    await api(demo, "PUT", `${TENANT}/active-connection`, { name: "main" });
    const { body: policy } = await api(demo, "GET", `${TENANT}/policy`);
    const spend = { currency: "EUR", capPerMonthMicros: 100_000_000, pricePerSegmentMicros: 50_000, prices: {} };
    assert.equal((await api(demo, "PUT", `${TENANT}/policy`, { ...policy, spend })).status, 200);
    const send = (to) => api(demo, "POST", `${TENANT}/messages`, { to, usage: "sign-in", code: "987654" });
    for (const to of ["+4520111001", "+4520112001", "+4520113001", "+46701234567"]) {
      assert.equal((await send(to)).body.status, "accepted");
    }
    // A code comes back, and one does not.
    const started = await api(demo, "POST", `${TENANT}/verifications`, { to: "+4520114001", usage: "sign-in" });
    await api(demo, "POST", `${TENANT}/verifications`, { to: "+4520115001", usage: "sign-in" });
    const { messages } = await (await fetch(`${demo.url}/demo/phone/messages`)).json();
    const [code] = /[0-9]{6}/.exec(messages.find((one) => one.to === "+4520114001").text);
    const checked = await api(demo, "POST", `${TENANT}/verifications/${started.body.id}/check`, { code });
    assert.equal(checked.body.status, "approved");
    // And the account stops working.
    await api(demo, "PUT", `${TENANT}/connections/main`, { connector, parameters: { ...parameters, authToken: "wrong" }, templates });
    assert.equal((await send("+4520116001")).status, 424);

    const { body: counted } = await api(demo, "GET", `${TENANT}/statistics`);
    assert.deepEqual([counted.totals.messages, counted.totals.accepted, counted.totals.failed], [7, 6, 1]);
    await go(page, demo, "t/counted");
    const figure = (name) => page.locator(".figure").filter({ has: page.getByText(name, { exact: true }) });
    await figure("Messages").getByText("7", { exact: true }).waitFor();
    await figure("Messages").getByText(/^\d segments · about €0\.\d+$/).waitFor();
    await figure("Taken by the provider").getByText("85.7%").waitFor();
    await figure("Codes entered").getByText("50%").waitFor();
    await figure("Codes entered").getByText("1 of 2", { exact: false }).waitFor();
    assert.match(await figure("Time to the provider’s answer").locator(".figure-value").innerText(), /^[\d.]+ (µs|ms|s)$/);
    await page.locator(".bars").getByText("Credentials not accepted").waitFor();
    await page.locator(".bars").getByText("Denmark").waitFor();
    await page.locator(".bars").getByText("Sweden").waitFor();
    const words = page.locator(".attention li").filter({ hasText: "main" }).first();
    assert.ok(counted.attention.some((one) => one.about?.kind === "connection" && one.about.id === "main"));
    await words.waitFor();
    // What failed is named as everywhere on the page.
    await words.getByText("failed once in the last hour (credentials not accepted)", { exact: false }).waitFor();
    await assertAccessible(page, "overview");
    await picture(page, "overview");
    const dark = page.getByLabel("Appearance");
    await dark.selectOption("dark");
    await assertAccessible(page, "overview in the dark");
    await picture(page, "dark-overview");
    await page.getByRole("radio", { name: "Last 7 days" }).check();
    // By day: the bucket of now is this day, as the server counts days.
    const today = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" }).format(new Date());
    await page.locator(".chart").getByText(today, { exact: true }).first().waitFor();
    await page.getByRole("link", { name: "Look: main" }).first().click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    watched.settle();
  });

  test("a German overview says in German what the server found", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/counted" });
    const found = page.locator(".attention li").filter({ hasText: "main" });
    await found.getByText("ist in der letzten Stunde einmal gescheitert (Zugangsdaten nicht angenommen). Prüfen Sie die Zugangsdaten der Verbindung.", { exact: false }).waitFor();
    assert.equal(await page.locator("main [lang=en]").count(), 0, "a sentence of the server is in English");
    const { body: counted } = await api(demo, "GET", `${TENANT}/statistics`);
    const shown = await page.locator(".attention").innerText();
    for (const { text } of counted.attention) assert.ok(!shown.includes(text.replaceAll("`", "")), text);
    await assertAccessible(page, "overview in German");
    await picture(page, "overview-german");

    // And so does the message.
    const failed = await api(demo, "GET", `${TENANT}/messages?status=failed`);
    await go(page, demo, `t/counted/messages/${failed.body.items[0].id}`);
    await page.locator(".decision").getByText("ein weiterer Versuch derselben Verbindung würde ebenso enden, und es gibt keine andere Verbindung.", { exact: false }).waitFor();

    // A form that is refused names what is wrong.
    await go(page, demo, "t/counted/policy");
    await page.getByLabel("Domain in Nachrichten").fill("https://example.com");
    await page.getByRole("button", { name: "Speichern" }).click();
    await page.getByText("muss eine Domain in Kleinbuchstaben sein", { exact: false }).first().waitFor();
    watched.settle();
  });
}
