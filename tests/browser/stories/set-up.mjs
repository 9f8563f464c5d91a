// A connector is set up on a fresh tenant, in the seven steps that the page leads through; and what is wrong says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "../demo.mjs";
import { assertAccessible, go, picture, signIn, watch } from "../browser.mjs";

const NUMBER = "+4520304050";

export function setUp(world) {
  test("the seven steps: choose, read, enter, look at the texts, test, save, activate", async () => {
    const { demo, browser } = world;
    await api(demo, "POST", "/v1/tenants", { id: "seven", name: "Seven Steps", environment: "development" });
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/seven/connectors" });

    // 1. Choose. A card says what the connector may reach.
    await page.getByText("No connector is set up yet.").waitFor();
    const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Twilio" }) });
    await card.getByText("api.twilio.com").waitFor();
    await card.getByText("Sees no code, number or secret").waitFor();
    await assertAccessible(page, "connectors");
    await picture(page, "connectors");
    await card.getByRole("link", { name: "Set up Twilio" }).click();

    // 2. Read. The guide stands beside the form, as text alone.
    const guide = page.getByRole("complementary", { name: "How to set it up" });
    await guide.getByText("Messaging Service", { exact: true }).first().waitFor();
    assert.equal(await guide.locator("img, script, iframe").count(), 0);

    // 3. Enter. What is missing is named at its field, all of it at once.
    assert.equal(await page.getByLabel("Name of the connection").inputValue(), "main");
    await page.getByLabel("Account SID").fill("AC123");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(/Some of this is not right yet/).waitFor();
    const account = page.getByLabel("Account SID");
    assert.equal(await account.getAttribute("aria-invalid"), "true");
    await page.locator(".field", { has: account }).locator(".error").waitFor();
    await page.getByRole("alert").getByText("Auth token").waitFor();
    await assertAccessible(page, "set-up with errors");
    await picture(page, "set-up-errors");
    await page.getByRole("button", { name: "Fill in" }).click();
    await page.getByText(/Some of this is not right yet/).waitFor({ state: "detached" });
    assert.match(await account.inputValue(), /^AC5e/);
    assert.equal(await page.getByLabel("Auth token").getAttribute("type"), "password");

    // 4. Look at the texts: as fields, on the phone, as JSON.
    const text = page.getByLabel("Sign-in (required)");
    await text.fill("Your Acme code is {{code}}.");
    await page.locator(".bubble").filter({ hasText: /^Your Acme code is [0-9]{6}\.$/ }).waitFor();
    await page.getByText("1 segment", { exact: true }).waitFor();
    await text.fill("Your Acme code — {{code}} 🙂");
    await page.getByText(/UCS-2/).first().waitFor();
    await page.getByRole("radio", { name: "As JSON" }).check();
    const editor = page.getByRole("textbox", { name: "Texts as JSON" });
    await editor.getByText("Your Acme code — {{code}} 🙂").waitFor();
    await assertAccessible(page, "texts as JSON");
    await picture(page, "texts-as-json");
    await editor.click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText('[{"usage": "generic", "content": "{{code}}"');
    await page.getByText("This is not JSON yet").waitFor();
    await page.keyboard.press("ControlOrMeta+a");
    const texts = ["register", "sign-in", "forgot-password", "generic"].map((usage) => ({ usage, content: `Acme ${usage}: {{code}}` }));
    await page.keyboard.insertText(JSON.stringify(texts));
    await page.getByRole("radio", { name: "As fields" }).check();
    assert.equal(await page.getByLabel("Sign-in (required)").inputValue(), "Acme sign-in: {{code}}");

    // 5. Test. First without sending, then really; each step is shown, and the request is masked.
    await page.getByLabel("Number", { exact: true }).fill(NUMBER);
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything is in order. Nothing was sent.").waitFor();
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider has taken the message.").waitFor();
    const trial = page.locator(".test-result");
    await trial.getByText("The provider answers with 201.").waitFor();
    await trial.getByText(/To=\[recipient\]/).waitFor();
    assert.ok(!(await trial.innerText()).includes(NUMBER.slice(1)), "the number is masked");
    await assertAccessible(page, "a test message");
    await picture(page, "test-message");

    // 6. and 7. Save and activate: what changes is said before.
    await page.getByRole("button", { name: "Save and activate" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Every new message is sent by “main”.").waitFor();
    await dialog.getByText(/These flows depend on it: Sign-up, Sign-in/).waitFor();
    assert.equal(await dialog.getByText("has not been tested").count(), 0);
    await assertAccessible(page, "activation");
    await picture(page, "activation", { fullPage: false });
    await dialog.getByRole("button", { name: "Save and activate" }).click();
    await page.getByRole("heading", { name: "Connection “main”" }).waitFor();
    const saved = await api(demo, "GET", "/v1/tenants/seven/connections/main");
    assert.equal(saved.body.active, true);
    assert.ok(saved.body.testedAt, "what was tested is what was saved");
    assert.equal(saved.body.templates[1].content, "Acme sign-in: {{code}}");

    // The message is on the phone.
    await page.getByRole("link", { name: "Phone" }).click();
    await page.locator(".bubble").filter({ hasText: /^Acme sign-in: [0-9]{6}$/ }).waitFor();
    await picture(page, "phone");
    watched.settle();
  });

  test("a secret is written and never shown; it stays until it is replaced", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByText(/^Set on /).waitFor();
    assert.equal(await page.locator("input[type=password]").count(), 0);
    await page.getByLabel("Messaging Service SID").fill(`MG${"1a".repeat(16)}`);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(/is saved. The change takes effect with the next message/).waitFor();
    await page.getByLabel("Number", { exact: true }).fill("+4520304051");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.getByText("The provider has taken the message.").waitFor();
    watched.settle();
  });

  test("a failed test message explains itself", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connections/main" });
    await page.getByRole("button", { name: "Replace: Auth token" }).click();
    await page.getByLabel("Auth token").fill("not-the-token");
    await page.getByLabel("Number", { exact: true }).fill("+4520304052");
    await page.getByRole("button", { name: "Send test message" }).click();
    const trial = page.locator(".test-result");
    await trial.getByText("The message was not sent.").waitFor();
    await trial.getByText("Credentials not accepted").first().waitFor();
    await trial.getByText("The provider", { exact: true }).waitFor();
    await trial.getByText("Check the credentials of the connection.").waitFor();
    await trial.getByText("The provider answers with 401.").waitFor();
    assert.ok(!(await trial.innerText()).includes("not-the-token"));
    await assertAccessible(page, "a failed test");
    await picture(page, "failed-test");
    // Nothing of it is saved: the one that is set works still.
    const kept = await api(demo, "POST", "/v1/tenants/demo/connection-tests", { connection: "main", to: "+4520304053" });
    assert.equal(kept.body.outcome, "accepted");
    // A number that is none is told at its field.
    await page.getByLabel("Number", { exact: true }).fill("12");
    await page.getByRole("button", { name: "Send test message" }).click();
    await page.locator(".field", { has: page.getByLabel("Number", { exact: true }) }).locator(".error").waitFor();
    watched.settle();
  });

  test("fields that depend on others, and a provider's own templates", async () => {
    const { demo, browser } = world;
    const page = await browser.open({ viewport: { width: 1440, height: 1000 } });
    const watched = watch(page, demo);
    await signIn(page, demo, { path: "t/demo/connectors/twilio/set-up" });
    const edge = page.locator(".field", { has: page.locator("#root_edge") });
    await edge.getByText("(optional)").waitFor();
    await page.getByLabel(/^Region/).selectOption({ label: "ie1" });
    await edge.getByText("(optional)").waitFor({ state: "detached" });

    await go(page, demo, "t/demo/connectors/tencent/set-up");
    await page.getByRole("button", { name: "Fill in" }).click();
    await page.getByLabel("Number", { exact: true }).fill("+4520304054");
    await page.getByRole("button", { name: "Check without sending" }).click();
    await page.getByText("Everything is in order. Nothing was sent.").waitFor();
    await assertAccessible(page, "templates of a provider");
    watched.settle();
  });
}
