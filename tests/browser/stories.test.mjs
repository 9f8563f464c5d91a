// The console in a real browser, over a fresh `sendbox demo`: what an admin does, one story in each file.

import { after, before, describe } from "node:test";
import { startBrowser } from "./browser.mjs";
import { startDemo } from "./demo.mjs";
import { appearance } from "./stories/appearance.mjs";
import { changes } from "./stories/changes.mjs";
import { messages } from "./stories/messages.mjs";
import { overview } from "./stories/overview.mjs";
import { platform } from "./stories/platform.mjs";
import { setUp } from "./stories/set-up.mjs";
import { signingIn } from "./stories/signing-in.mjs";
import { trouble } from "./stories/trouble.mjs";
import { versions } from "./stories/versions.mjs";

/** Filled before the first story. */
const world = {};

before(async () => {
  [world.demo, world.browser] = await Promise.all([startDemo(), startBrowser()]);
});

after(async () => {
  await world.browser?.stop();
  await world.demo?.stop();
});

describe("signing in", () => signingIn(world));
describe("set-up", () => setUp(world));
describe("changing and deleting", () => changes(world));
describe("messages", () => messages(world));
describe("trouble", () => trouble(world));
describe("appearance", () => appearance(world));
describe("the platform", () => platform(world));
describe("versions", () => versions(world));
describe("overview", () => overview(world));
