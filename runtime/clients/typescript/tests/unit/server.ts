// An HTTP server that gives prepared responses and records the requests, and a client of it that does not wait between attempts.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Sendbox } from "../../src/client.js";
import type { SendboxOptions } from "../../src/config.js";

export const KEY = "sbx_unit_test_key_5d41402abc4b2a76";
export const NUMBER = "+4512345678";
export const CODE = "902417";

/** A response, or what happens instead of one. */
export type Answer =
  | { status: number; body?: unknown; headers?: Record<string, string> }
  /** The connection is closed without a response. */
  | "reset"
  /** There is no response. */
  | "stall";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export class TestServer {
  readonly received: Received[] = [];
  /** Called with each request, before it is answered. */
  onRequest: () => void = () => {};
  readonly #answers: Answer[];
  readonly #server: Server;
  #url = "";

  private constructor(answers: Answer[]) {
    this.#answers = answers;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  /** Starts a server that gives these answers in this order, and stops it after the test. */
  static async start(test: TestContext, ...answers: Answer[]): Promise<TestServer> {
    const server = new TestServer(answers);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    server.#url = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    test.after(() => server.stop());
    return server;
  }

  /** Refuses further connections, and closes those that are open. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return this.#url;
  }

  get keys(): unknown[] {
    return this.received.map((request) => request.headers["idempotency-key"]);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += chunk;
    this.received.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    const answer = this.#answers.shift() ?? { status: 500, body: "the test expected no further request" };
    this.onRequest();
    if (answer === "stall") return;
    if (answer === "reset") return void request.socket.destroy();
    const isText = typeof answer.body === "string";
    const type = isText ? "text/html" : answer.status < 300 ? "application/json" : "application/problem+json";
    response.writeHead(answer.status, { "Content-Type": type, ...answer.headers });
    response.end(isText ? answer.body : JSON.stringify(answer.body));
  }
}

/** A client of the server. `pauses` collects what it would have waited between attempts, in milliseconds. */
export function clientOf(server: TestServer, options: SendboxOptions = {}) {
  const pauses: number[] = [];
  let keys = 0;
  const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
  const runtime = { sleep, random: () => 1, newKey: () => `key-${(keys += 1)}` };
  const sendbox = new Sendbox({ baseUrl: server.url, apiKey: KEY, tenant: "acme", ...options }, runtime);
  return { sendbox, pauses };
}

/** A problem document of this kind. */
export function problem(status: number, kind: string, members: object = {}, headers: Record<string, string> = {}): Answer {
  const instance = "urn:sendbox:request:5f0c1e9b2a7d4c33";
  const body = { type: `/problems/${kind}`, title: "Title", status, detail: "A detail.", instance, ...members };
  return { status, body, headers };
}

export const VERIFICATION = {
  id: "v7k3x9q2v5t8w4n6p1r0d",
  status: "pending",
  to: "+45…78",
  usage: "sign-in",
  test: false,
  triesLeft: 5,
  sendsLeft: 3,
  expiresAt: "2026-11-23T20:31:33Z",
  createdAt: "2026-11-23T20:21:33Z",
};

export const MESSAGE = {
  id: "m7k3x9q2v5t8w4n6p1r0d",
  status: "accepted",
  to: "+45…78",
  usage: "sign-in",
  test: false,
  attempts: [],
  createdAt: "2026-11-23T20:21:33Z",
  expiresAt: "2026-11-23T20:31:33Z",
};
