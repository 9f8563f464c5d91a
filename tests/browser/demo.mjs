// A fresh `sendbox demo` on a free port, for the length of a test run.

import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The program: named, or the newest that cargo has built. */
function program() {
  if (process.env.SENDBOX_BIN) return process.env.SENDBOX_BIN;
  const built = ["release", "debug"]
    .map((profile) => fileURLToPath(new URL(`../../target/${profile}/sendbox`, import.meta.url)))
    .filter(existsSync)
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (built.length === 0) throw new Error("there is no `sendbox` to test: run `cargo build -p sendbox`, or set SENDBOX_BIN");
  return built[0];
}

/** Starts it. Gives its address, its two keys, and a way to end it. */
export async function startDemo() {
  const child = spawn(program(), ["demo", "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (data) => (complaints += data));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const said = new Map();
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^ {2}(API|tenant key|platform key) +(\S+)/.exec(line);
      if (found) said.set(found[1], found[2]);
      if (line.startsWith("Messages appear below")) return true;
    }
    return false;
  })();
  const isReady = await ready;
  if (!isReady) throw new Error(`the demo did not start: ${complaints}`);
  // What it says further is of no interest, and must not fill the pipe.
  child.stdout.resume();
  return {
    url: new URL(said.get("API")).origin,
    platformKey: said.get("platform key"),
    tenantKey: said.get("tenant key"),
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}

/** Calls the API of a demo, as a platform would. */
export async function api(demo, method, path, body) {
  const response = await fetch(`${demo.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${demo.platformKey}`, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

/** Uploads a component as a platform would, and waits until it may run. */
export async function upload(demo, path, component) {
  const headers = { Authorization: `Bearer ${demo.platformKey}`, "Content-Type": "application/wasm" };
  const answer = await fetch(`${demo.url}${path}`, { method: "POST", headers, body: component });
  if (answer.status !== 202) throw new Error(`the upload was answered with ${answer.status}: ${await answer.text()}`);
  const place = answer.headers.get("Location");
  for (let looks = 0; looks < 600; looks += 1) {
    const { body } = await api(demo, "GET", place);
    if (body.state === "ready") return body;
    if (body.state === "refused") throw new Error(`the upload was refused: ${body.refusal}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the check of the upload did not end");
}
