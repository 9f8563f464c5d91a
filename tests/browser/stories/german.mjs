// A German page explains in German what the server, a provider or an author says in English, and quotes it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { version } from "../component.mjs";
import { api } from "../demo.mjs";
import { assertAccessible, assertGerman, go, screenshot, signIn, watch } from "../browser.mjs";

const TENANT = "/v1/tenants/deutsch";

export function german(environment) {
  test("failures, rejected files and missing reports are explained in German", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "deutsch", name: "Deutsch", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const save = (name, connector, more = {}) => {
      const { parameters, templates } = accounts.find((one) => one.connector === connector);
      return api(demo, "PUT", `${TENANT}/connections/${name}`, { connector, parameters: { ...parameters, ...more }, templates });
    };
    await save("main", "twilio", { authToken: "wrong" });
    await save("own", "twilio", { statusCallback: "https://example.com/own" });
    await api(demo, "PUT", `${TENANT}/active-connection`, { name: "main" });
    const { body: sent } = await api(demo, "POST", `${TENANT}/messages`, { to: "+4520607080", usage: "sign-in", code: "987654" });

    const page = await browser.open({ locale: "de-DE", viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: `t/deutsch/messages/${sent.message.id}` });
    // The sentence is ours, the quotation the provider's.
    await page.getByText("Der Anbieter hat die Zugangsdaten abgelehnt.", { exact: false }).waitFor();
    const answer = page.locator("dl.facts > div").filter({ has: page.getByText("Antwort des Anbieters", { exact: true }) });
    await answer.locator("q").getByText("Authenticate", { exact: false }).waitFor();
    await page.getByText("Prüfen Sie die Zugangsdaten der Verbindung.").waitFor();
    await assertGerman(page, "a failed message");
    await assertAccessible(page, "a failed message, in German");
    await screenshot(page, "german-failure");

    await go(page, demo, "t/deutsch/connections/own");
    await page.getByText("Tragen Sie diese Adresse in den Einstellungen beim Anbieter ein.").waitFor();
    await page.locator("q [lang=en]").getByText("contains another URL", { exact: false }).waitFor();
    await screenshot(page, "german-connection");

    await go(page, demo, "t/deutsch/connectors");
    await page.getByRole("button", { name: "Konnektor hochladen" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Datei").setInputFiles(version(1, "honest", "twilio"));
    await dialog.getByRole("button", { name: "Version hochladen" }).click();
    await dialog.getByText("Diese Datei kann nicht verwendet werden").waitFor();
    await dialog.getByText("Sendbox hat sie geprüft und abgelehnt.").waitFor();
    await dialog.locator("q [lang=en]").getByText("is a built-in connector", { exact: false }).waitFor();
    await assertAccessible(page, "a rejected file, in German");
    await screenshot(page, "german-rejected", { fullPage: false });
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    watched.settle();
  });
}
