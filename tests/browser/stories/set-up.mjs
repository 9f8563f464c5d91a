// Sets up connections: the whole way for a new tenant, secrets, errors, and dependent fields.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, screenshot, signIn, watch } from "../browser.mjs";

const NUMBER = "+4520304050";

export function setUp(environment) {
  test("seven steps: choose, read, enter, review the texts, test, save, activate", async () => {
    const { demo, browser } = environment;
    await api(demo, "POST", "/v1/tenants", { id: "seven", name: "Seven Steps", environment: "development" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/seven/connectors" });

    // 1. Choose. A card shows what the connector may reach.
    await page.getByText("No connections yet").waitFor();
    const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Twilio" }) });
    await card.getByText("api.twilio.com").waitFor();
    await card.getByText("Sees no code, phone number or secret").waitFor();
    await assertAccessible(page, "connectors");
    await screenshot(page, "connectors");
    await card.getByRole("link", { name: "Set up Twilio" }).click();

    // 2. Read. The guide is beside the form and contains text only.
    const guide = page.getByRole("complementary", { name: "Setup guide" });
    await guide.getByText("Messaging Service", { exact: true }).first().waitFor();
    assert.equal(await guide.locator("img, script, iframe").count(), 0);

    // 3. Enter. All missing values are reported at once, each at its field.
    assert.equal(await page.getByLabel("Connection name").inputValue(), "main");
    await page.getByLabel("Account SID").fill("AC123");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(/Please check your input/).waitFor();
    const account = page.getByLabel("Account SID");
    assert.equal(await account.getAttribute("aria-invalid"), "true");
    await page.locator(".field", { has: account }).locator(".error").waitFor();
    await page.getByRole("alert").getByText("Auth token").waitFor();
    await assertAccessible(page, "set-up with errors");
    await screenshot(page, "set-up-errors");
    await page.getByRole("button", { name: "Fill in" }).click();
    await page.getByText(/Please check your input/).waitFor({ state: "detached" });
    assert.match(await account.inputValue(), /^AC5e/);
    assert.equal(await page.getByLabel("Auth token").getAttribute("type"), "password");

    // 4. Review the texts: as a form, in the preview, as JSON.
    const text = page.getByLabel("Sign-in (required)");
    await text.fill("Your Acme code is {{code}}.");
    await page.locator(".bubble").filter({ hasText: /^Your Acme code is [0-9]{6}\.$/ }).waitFor();
    await page.getByText("1 segment", { exact: true }).waitFor();
    await text.fill("Your Acme code — {{code}} 🙂");
    await page.getByText(/UCS-2/).first().waitFor();
    await page.getByRole("radio", { name: "JSON" }).check();
    const editor = page.getByRole("textbox", { name: "Texts as JSON" });
    await editor.getByText("Your Acme code — {{code}} 🙂").waitFor();
    await assertAccessible(page, "texts as JSON");
    await screenshot(page, "texts-as-json");
    await editor.click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText('[{"usage": "generic", "content": "{{code}}"');
    await page.getByText("This isn’t valid JSON yet").waitFor();
    await page.keyboard.press("ControlOrMeta+a");
    const texts = ["register", "sign-in", "forgot-password", "generic"].map((usage) => ({ usage, content: `Acme ${usage}: {{code}}` }));
    await page.keyboard.insertText(JSON.stringify(texts));
    await page.getByRole("radio", { name: "Form" }).check();
    assert.equal(await page.getByLabel("Sign-in (required)").inputValue(), "Acme sign-in: {{code}}");

    // 5. Test. First without sending, then with a real send; the trace is shown, and the request is masked.
    await page.getByLabel("Phone number", { exact: true }).fill(NUMBER);
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything looks good. Nothing was sent.").waitFor();
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider accepted the message.").waitFor();
    const result = page.locator(".test-result");
    await result.getByText("The provider responds with 201.").waitFor();
    await result.getByText(/To=\[recipient\]/).waitFor();
    assert.ok(!(await result.innerText()).includes(NUMBER.slice(1)), "the number is masked");
    await assertAccessible(page, "a test message");
    await screenshot(page, "test-message");

    // 6. and 7. Save and activate: the consequences are shown first.
    await page.getByRole("button", { name: "Save and activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("All new messages are sent with “main”.").waitFor();
    await dialog.getByText(/These flows depend on it: Sign-up, Sign-in/).waitFor();
    assert.equal(await dialog.getByText("You haven’t tested this configuration").count(), 0);
    await assertAccessible(page, "activation");
    await screenshot(page, "activation", { fullPage: false });
    await dialog.getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    const saved = await api(demo, "GET", "/v1/tenants/seven/connections/main");
    assert.equal(saved.body.active, true);
    assert.ok(saved.body.testedAt, "what was tested is what was saved");
    assert.equal(saved.body.templates[1].content, "Acme sign-in: {{code}}");

    // The phone has received the message.
    await page.getByRole("link", { name: "Phone" }).click();
    await page.locator(".bubble").filter({ hasText: /^Acme sign-in: [0-9]{6}$/ }).waitFor();
    await screenshot(page, "phone");
    watched.settle();
  });

  test("a stored secret is never shown, and kept until it is replaced", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByText(/^Set on /).waitFor();
    // The only field for a secret is that of the one that is not set.
    assert.deepEqual(await page.locator("input[type=password]").evaluateAll((inputs) => inputs.map((input) => input.value)), [""]);
    await page.getByLabel("Messaging Service SID").fill(`MG${"1a".repeat(16)}`);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(/is saved. Your changes apply from the next message/).waitFor();
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304051");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider accepted the message.").waitFor();
    watched.settle();
  });

  test("a failed test message explains itself", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByRole("button", { name: "Replace: Auth token" }).click();
    await page.getByLabel("Auth token").fill("not-the-token");
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304052");
    await page.getByRole("button", { name: "Send test message" }).click();
    const result = page.locator(".test-result");
    await result.getByText("The message was not sent.").waitFor();
    await result.getByText("Authentication failed").first().waitFor();
    await result.getByText("Provider", { exact: true }).waitFor();
    await result.getByText("Check the credentials of the connection.").waitFor();
    await result.getByText("The provider responds with 401.").waitFor();
    assert.ok(!(await result.innerText()).includes("not-the-token"));
    await assertAccessible(page, "a failed test");
    await screenshot(page, "failed-test");
    // The test saves nothing: the stored secret still works.
    const kept = await api(demo, "POST", "/v1/tenants/demo/connection-tests", { connection: "main", to: "+4520304053" });
    assert.equal(kept.body.outcome, "accepted");
    // An invalid number is reported at its field.
    await page.getByLabel("Phone number", { exact: true }).fill("12");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.locator(".field", { has: page.getByLabel("Phone number", { exact: true }) }).locator(".error").waitFor();
    watched.settle();
  });

  test("fields that depend on others, and templates of a provider", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/twilio/set-up" });
    const edge = page.locator(".field", { has: page.locator("#root_edge") });
    await edge.getByText("(optional)").waitFor();
    await page.getByLabel(/^Region/).selectOption({ label: "ie1" });
    await edge.getByText("(optional)").waitFor({ state: "detached" });

    await go(page, demo, "t/demo/connectors/tencent/set-up");
    await page.getByRole("button", { name: "Fill in" }).click();
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304054");
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything looks good. Nothing was sent.").waitFor();
    await assertAccessible(page, "templates of a provider");
    watched.settle();
  });

  test("lists and objects as JSON", async () => {
    const { demo, browser } = environment;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/http/set-up" });
    await page.getByLabel(/^Endpoint/).fill("https://hooks.simulator.test/send");
    const headers = page.getByLabel(/^Headers/);
    const field = page.locator(".field", { has: headers });
    await headers.fill('{ "x-forwarded-for": "1"');
    await field.getByText("This isn’t valid JSON yet").waitFor();
    await headers.fill('{ "x-forwarded-for": "1" }');
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304055");
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.locator(".field.wrong", { has: headers }).locator(".error").waitFor();
    await headers.fill('{ "x-tenant": "shop" }');
    await page.getByLabel(/^Fields/).fill('{ "from": "MyShop", "ttl": "{{seconds}}" }');
    await page.getByLabel(/^Success statuses/).fill("[200, 202]");
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything looks good. Nothing was sent.").waitFor();
    await page.getByText("x-tenant").first().waitFor();
    await assertAccessible(page, "lists and objects as JSON");

    // A template with variables.
    await go(page, demo, "t/demo/connectors/tencent/set-up");
    await page.getByRole("button", { name: "Fill in" }).click();
    const template = page.locator(".template").first();
    await template.getByLabel("Template ID").selectOption({ label: "One template with variables" });
    await template.getByLabel("Template", { exact: true }).fill("449739");
    await template.getByLabel("Parameters").fill('["code", "minutes"]');
    await page.getByLabel("Phone number", { exact: true }).fill("+4520304056");
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything looks good. Nothing was sent.").waitFor();
    await assertAccessible(page, "a template with variables");
    watched.settle();
  });
}
