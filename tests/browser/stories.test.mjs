// The console in a real browser against a fresh `sendbox demo`: what an admin does, one file per subject.

import { after, before, describe } from "node:test";
import { startBrowser } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { appearance } from "./stories/appearance.mjs";
import { changes } from "./stories/changes.mjs";
import { german } from "./stories/german.mjs";
import { guidance } from "./stories/guidance.mjs";
import { ingress } from "./stories/ingress.mjs";
import { messages } from "./stories/messages.mjs";
import { overview } from "./stories/overview.mjs";
import { platform } from "./stories/platform.mjs";
import { requestShapes } from "./stories/request-shapes.mjs";
import { setUp } from "./stories/set-up.mjs";
import { signingIn } from "./stories/signing-in.mjs";
import { trouble } from "./stories/trouble.mjs";
import { versions } from "./stories/versions.mjs";
import { webhooks } from "./stories/webhooks.mjs";

/** The demo and the browser; started before the first story. */
const environment = {};

before(async () => {
  [environment.demo, environment.browser] = await Promise.all([startDemo(), startBrowser()]);
});

after(async () => {
  await environment.browser?.stop();
  await environment.demo?.stop();
});

describe("signing in", () => signingIn(environment));
describe("set-up", () => setUp(environment));
describe("changing and deleting", () => changes(environment));
describe("messages", () => messages(environment));
describe("ingress", () => ingress(environment));
describe("webhooks", () => webhooks(environment));
describe("trouble", () => trouble(environment));
describe("appearance", () => appearance(environment));
describe("the platform", () => platform(environment));
describe("versions", () => versions(environment));
describe("request shapes", () => requestShapes(environment));
describe("guidance", () => guidance(environment));
describe("in German", () => german(environment));
describe("overview", () => overview(environment));
