// The live list of messages, the timeline of one, and a verification on the phone page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, screenshot, signIn, watch } from "../browser.mjs";

const NUMBER = "+4531415926";

export function messages(environment) {
  test("a message appears in the list, and its timeline shows what happened", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "talking", name: "Talking", environment: "development" });
    const [account] = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = account;
    await api(demo, "PUT", "/v1/tenants/talking/connections/main", { connector, parameters, templates });
    await api(demo, "PUT", "/v1/tenants/talking/active-connection", { name: "main" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/talking/messages" });
    await page.getByText("No messages yet").waitFor();
    const send = (to) => api(demo, "POST", "/v1/tenants/talking/messages", { to, usage: "sign-in", code: "987654" });
    assert.equal((await send(NUMBER)).status, 200);
    // Without a click: the list is live.
    const row = page.getByRole("row").filter({ hasText: "+45…26" });
    await row.getByText("Accepted").waitFor();
    await row.getByText("Denmark").waitFor();

    // The second one fails because the account has a wrong token.
    await api(demo, "PUT", "/v1/tenants/talking/connections/main", { connector, parameters: { ...parameters, authToken: "wrong" }, templates });
    assert.equal((await send("+4531415927")).status, 424);
    const failed = page.getByRole("row").filter({ hasText: "Authentication failed" });
    await failed.waitFor();
    await assertAccessible(page, "messages");
    await screenshot(page, "messages");

    await page.getByLabel("Country").selectOption("Sweden");
    await page.getByText("No messages match these filters.").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByLabel("Status").selectOption("failed");
    await row.waitFor({ state: "detached" });
    await failed.getByRole("link").click();
    await page.getByRole("heading", { name: /Message/ }).first().waitFor();
    await page.getByText("Allowed by limits, flow and country", { exact: false }).waitFor();
    await page.getByRole("heading", { name: /Attempt 1/ }).waitFor();
    await page.getByText("The provider responds with 401.").waitFor();
    await page.getByText("Check the credentials of the connection.").waitFor();
    await page.getByText("What happens next").waitFor();
    await page.getByText("Request sent").click();
    await page.getByText(/To=\[recipient\]/).waitFor();
    await page.getByText("Route: active connection").waitFor();
    await page.getByText("Response", { exact: true }).click();
    await page.getByText(/"message":"Authenticate"/).waitFor();
    await page.getByText("Resources used").click();
    await page.getByText("CPU").waitFor();
    const shown = await page.locator("main").innerText();
    assert.ok(!shown.includes("987654") && !shown.includes("4531415927"), "neither code nor number is shown");
    await assertAccessible(page, "a message");
    await screenshot(page, "message");

    // A search by number finds it, and the number is not in the page's address.
    await page.getByRole("link", { name: "All messages" }).click();
    await page.getByLabel("Phone number", { exact: true }).fill(NUMBER);
    await row.waitFor();
    await failed.waitFor({ state: "detached" });
    assert.ok(!page.url().includes("31415926"));
    watched.settle();
  });

  test("messages are found by the platform's reference, and exported", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "referring", name: "Referring", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters } = accounts.find((one) => one.connector === "twilio");
    const usages = ["register", "sign-in", "forgot-password", "generic"];
    const templates = usages.map((usage) => ({ usage, content: "{{app}}: {{code}}" }));
    await api(demo, "PUT", "/v1/tenants/referring/connections/main", { connector, parameters, templates });
    await api(demo, "PUT", "/v1/tenants/referring/active-connection", { name: "main" });
    const send = async (to, reference) => {
      const message = { to, usage: "sign-in", code: "987654", reference, metadata: { plan: "pro" } };
      return (await api(demo, "POST", "/v1/tenants/referring/messages", message)).body;
    };
    const first = await send("+4531415931", "session-1");
    await send("+4531415932", "session-2");
    const page = await browser.open({ viewport: { width: 1440, height: 1000 }, acceptDownloads: true });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/referring/messages" });
    const row = (tail) => page.getByRole("row").filter({ hasText: tail });
    await row("…32").waitFor();
    await page.getByLabel("Reference or message ID").fill("session-1");
    await row("…32").waitFor({ state: "detached" });
    await row("…31").waitFor();

    const [csv] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export as CSV" }).click()]);
    assert.equal(csv.suggestedFilename(), "referring-messages.csv");
    const lines = readFileSync(await csv.path(), "utf8").trimEnd().split("\r\n");
    assert.ok(lines[0].startsWith("id,createdAt,status,"), lines[0]);
    assert.equal(lines.length, 2, "only what fits the filters");
    assert.ok(lines[1].startsWith(`${first.id},`) && lines[1].includes(",'+45…31,") && lines[1].includes(",session-1,"), lines[1]);
    await page.getByText("1 message exported").waitFor();
    const [json] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export as JSON" }).click()]);
    assert.deepEqual(JSON.parse(readFileSync(await json.path(), "utf8")).map((one) => one.id), [first.id]);
    await assertAccessible(page, "messages with exports");
    await screenshot(page, "messages-by-reference");

    // Times are relative, and exact on hover; in UTC if that is chosen.
    const time = row("…31").locator("time");
    assert.match(await time.innerText(), /ago|now/);
    await page.getByLabel("Time zone").selectOption("UTC");
    assert.match(await time.getAttribute("title"), /UTC/);
    await page.getByLabel("Time zone").selectOption("Local time");

    // An id leads to its message.
    await page.getByLabel("Reference or message ID").fill(first.id);
    await page.getByLabel("Reference or message ID").press("Enter");
    await page.getByText("The message brought no value for {{app}}", { exact: false }).waitFor();
    const facts = page.getByRole("region", { name: "Summary" });
    await facts.getByText("session-1").waitFor();
    await facts.getByRole("listitem").filter({ hasText: "plan pro" }).waitFor();
    await facts.getByRole("button", { name: "Copy: ID" }).waitFor();
    await assertAccessible(page, "a message with a reference");
    await screenshot(page, "message-with-reference");

    // The other tenants are one choice away.
    await page.getByLabel("Tenant", { exact: true }).selectOption("Demonstration");
    await page.waitForURL(/\/t\/demo$/);
    watched.settle();
  });

  test("delivery reports are on the timeline, and the connection shows their address", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "reported", name: "Reported", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "twilio");
    await api(demo, "PUT", "/v1/tenants/reported/connections/main", { connector, parameters, templates });
    await api(demo, "PUT", "/v1/tenants/reported/active-connection", { name: "main" });
    const { body: sent } = await api(demo, "POST", "/v1/tenants/reported/messages", { to: "+4531415928", usage: "sign-in", code: "987654" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: `t/reported/messages/${sent.id}` });
    await page.getByRole("heading", { name: "Provider reported Sent" }).waitFor();
    await page.getByRole("heading", { name: "Provider reported Delivered" }).waitFor();
    await page.getByText("It arrived on the phone.", { exact: false }).waitFor();
    await assertAccessible(page, "a message that was delivered");
    await screenshot(page, "delivered");
    // The list can be filtered by it.
    await page.getByRole("link", { name: "All messages" }).click();
    await page.getByLabel("Delivery").selectOption("undelivered");
    await page.getByText("No messages match these filters.").waitFor();
    await page.getByLabel("Delivery").selectOption("delivered");
    await page.getByRole("row").filter({ hasText: "+45…28" }).getByText("Delivered").waitFor();
    // It needs no setup, and the address is shown.
    await page.goto(`${demo.url}/console/t/reported/connections/main`);
    const card = page.getByRole("region", { name: "Delivery reports" });
    await card.getByText("Nothing to set up", { exact: false }).waitFor();
    await card.getByText("/reports/reported/main/", { exact: false }).waitFor();
    await page.goto(`${demo.url}/console/t/reported`);
    const figure = page.locator(".figure").filter({ has: page.getByText("Delivered", { exact: true }) });
    await figure.getByText("100%").waitFor();
    watched.settle();
  });

  test("a verification: a code is sent, read on the phone, and checked", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1280, height: 900 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { key: demo.tenantKey, path: "t/demo/phone" });
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304077");
    await page.getByRole("button", { name: "Send code" }).click();
    await page.getByText("The code is on its way.").waitFor();
    const message = page.getByRole("listitem").filter({ hasText: "20304077" }).first();
    const [code] = /[0-9]{6}/.exec(await message.locator(".bubble").innerText());
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.getByRole("button", { name: "Check code" }).click();
    await page.getByText("Correct.", { exact: false }).waitFor();
    await assertAccessible(page, "phone");
    watched.settle();
  });
}
