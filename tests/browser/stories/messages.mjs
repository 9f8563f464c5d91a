// Messages appear by themselves; one of them tells its whole story.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, picture, signIn, watch } from "../browser.mjs";

const NUMBER = "+4531415926";

export function messages(world) {
  test("a message appears, and its time line tells what happened", async () => {
    const { demo, browser } = world;
    await api(demo, "POST", "/v1/tenants", { id: "talking", name: "Talking", environment: "development" });
    const [account] = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = account;
    await api(demo, "PUT", "/v1/tenants/talking/connections/main", { connector, parameters, templates });
    await api(demo, "PUT", "/v1/tenants/talking/active-connection", { name: "main" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/talking/messages" });
    await page.getByText("No message has been sent yet.").waitFor();
    const send = (to) => api(demo, "POST", "/v1/tenants/talking/messages", { to, usage: "sign-in", code: "987654" });
    assert.equal((await send(NUMBER)).status, 200);
    // Nothing is clicked: the list is live.
    const row = page.getByRole("row").filter({ hasText: "+45…26" });
    await row.getByText("Accepted").waitFor();
    await row.getByText("Denmark").waitFor();

    // The second one fails: the account was changed.
    await api(demo, "PUT", "/v1/tenants/talking/connections/main", { connector, parameters: { ...parameters, authToken: "wrong" }, templates });
    assert.equal((await send("+4531415927")).status, 424);
    const failed = page.getByRole("row").filter({ hasText: "Credentials not accepted" });
    await failed.waitFor();
    await assertAccessible(page, "messages");
    await picture(page, "messages");

    await page.getByLabel("Country").selectOption("Sweden");
    await page.getByText("No message fits.").waitFor();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByLabel("Status").selectOption("failed");
    await row.waitFor({ state: "detached" });
    await failed.getByRole("link").click();
    await page.getByRole("heading", { name: /Message/ }).first().waitFor();
    await page.getByText("Limits, flow and country allowed it.", { exact: false }).waitFor();
    await page.getByRole("heading", { name: /Attempt 1/ }).waitFor();
    await page.getByText("The provider answers with 401.").waitFor();
    await page.getByText("Check the credentials of the connection.").waitFor();
    await page.getByText("What follows").waitFor();
    await page.getByText("What was sent").click();
    await page.getByText(/To=\[recipient\]/).waitFor();
    await page.getByText("Route: the connection that is active").waitFor();
    await page.getByText("What came back").click();
    await page.getByText(/"message":"Authenticate"/).waitFor();
    await page.getByText("What it took").click();
    await page.getByText("CPU").waitFor();
    const shown = await page.locator("main").innerText();
    assert.ok(!shown.includes("987654") && !shown.includes("4531415927"), "neither code nor number is shown");
    await assertAccessible(page, "a message");
    await picture(page, "message");

    // A search by number finds it, and the number does not stand in the address.
    await page.getByRole("link", { name: "All messages" }).click();
    await page.getByLabel("Number", { exact: true }).fill(NUMBER);
    await row.waitFor();
    await failed.waitFor({ state: "detached" });
    assert.ok(!page.url().includes("31415926"));
    watched.settle();
  });

  test("what the provider reports later stands on the time line, and the connection shows where it reports to", async () => {
    const { demo, browser } = world;
    await api(demo, "POST", "/v1/tenants", { id: "reported", name: "Reported", environment: "development" });
    const accounts = await (await fetch(`${demo.url}/demo/accounts`)).json();
    const { connector, parameters, templates } = accounts.find((one) => one.connector === "twilio");
    await api(demo, "PUT", "/v1/tenants/reported/connections/main", { connector, parameters, templates });
    await api(demo, "PUT", "/v1/tenants/reported/active-connection", { name: "main" });
    const { body: sent } = await api(demo, "POST", "/v1/tenants/reported/messages", { to: "+4531415928", usage: "sign-in", code: "987654" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: `t/reported/messages/${sent.id}` });
    await page.getByRole("heading", { name: "The provider reports On its way" }).waitFor();
    await page.getByRole("heading", { name: "The provider reports Delivered" }).waitFor();
    await page.getByText("It is on the phone.", { exact: false }).waitFor();
    await assertAccessible(page, "a message that was delivered");
    await picture(page, "delivered");
    // The list finds it by that.
    await page.getByRole("link", { name: "All messages" }).click();
    await page.getByLabel("Delivery").selectOption("undelivered");
    await page.getByText("No message fits.").waitFor();
    await page.getByLabel("Delivery").selectOption("delivered");
    await page.getByRole("row").filter({ hasText: "+45…28" }).getByText("Delivered").waitFor();
    // Nothing had to be set up for it, and the address is there for whoever wants to.
    await page.goto(`${demo.url}/console/t/reported/connections/main`);
    const card = page.getByRole("region", { name: "Delivery reports" });
    await card.getByText("Nothing to do", { exact: false }).waitFor();
    await card.getByText("/reports/reported/main/", { exact: false }).waitFor();
    await page.goto(`${demo.url}/console/t/reported`);
    const figure = page.locator(".figure").filter({ has: page.getByText("Delivered", { exact: true }) });
    await figure.getByText("100%").waitFor();
    watched.settle();
  });

  test("the loop of a platform: a code is sent, read on the phone, and checked", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1280, height: 900 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { key: demo.tenantKey, path: "t/demo/phone" });
    await page.getByLabel("Number", { exact: true }).fill("+4520304077");
    await page.getByRole("button", { name: "Send a code" }).click();
    await page.getByText("A code is on its way.").waitFor();
    const message = page.getByRole("listitem").filter({ hasText: "20304077" }).first();
    const [code] = /[0-9]{6}/.exec(await message.locator(".bubble").innerText());
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.getByRole("button", { name: "Check the code" }).click();
    await page.getByText("Right.", { exact: false }).waitFor();
    await assertAccessible(page, "phone");
    watched.settle();
  });
}
