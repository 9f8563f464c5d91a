// A fresh `sendbox demo` on a free port, and the phone of its simulated provider.

import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The program that `SENDBOX_BIN` names, or the newest that Cargo has built. */
function program(): string {
  if (process.env.SENDBOX_BIN) return process.env.SENDBOX_BIN;
  // From the folder of the compiled tests.
  const root = new URL("../../../../../../", import.meta.url);
  const built = ["release", "debug"]
    .map((profile) => fileURLToPath(new URL(`target/${profile}/sendbox`, root)))
    .filter(existsSync)
    .sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  if (built[0] === undefined) throw new Error("there is no `sendbox` to test: run `cargo build`, or set SENDBOX_BIN");
  return built[0];
}

export class Demo {
  private constructor(
    readonly url: string,
    readonly tenantKey: string,
    readonly platformKey: string,
    /** The URL of the simulated provider's inbox and faults. */
    readonly phone: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<Demo> {
    const child = spawn(program(), ["demo", "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
    let complaints = "";
    child.stderr.on("data", (data) => (complaints += String(data)));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const printed = new Map<string, string>();
    for await (const line of createInterface({ input: child.stdout })) {
      const [, name, value] = /^ {2}(API|phone|tenant key|platform key) +(\S+)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) printed.set(name, value);
      if (line.startsWith("Messages appear below")) break;
    }
    // What it prints further must not fill the pipe.
    child.stdout.resume();
    const [api, tenantKey, platformKey, phone] = ["API", "tenant key", "platform key", "phone"].map((name) => printed.get(name));
    if (!api || !tenantKey || !platformKey || !phone) throw new Error(`the demo did not start: ${complaints}`);
    const demo = new Demo(new URL(api).origin, tenantKey, platformKey, phone, async () => {
      child.kill("SIGINT");
      await ended;
    });
    // No pause between two messages to one number.
    await demo.limit({ cooldownSeconds: 0 });
    return demo;
  }

  /** Sets limits of the tenant's policy; the others have their defaults. */
  async limit(limits: object): Promise<void> {
    await call("PUT", `${this.url}/v1/tenants/demo/policy`, { limits, countries: { all: true } }, this.platformKey);
  }

  /** The codes that this number received, oldest first. */
  async codes(number: string): Promise<string[]> {
    const messages = (await call("GET", `${this.phone}messages`)) as { number: number; to: string; text: string | null }[];
    return messages
      .filter(({ to }) => to === number)
      .sort((one, other) => one.number - other.number)
      .map(({ text }) => /\d{6}/.exec(text ?? "")?.[0] ?? "");
  }

  /** The simulated provider answers the next message with this error of its own. */
  async failOnce(code: number): Promise<void> {
    await call("POST", `${this.phone}faults`, { target: "twilio", fault: `code:${code}`, times: 1 });
  }
}

async function call(method: string, url: string, body?: object, key?: string): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}
