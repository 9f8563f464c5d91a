// Sends with one of the peers, and prints the CPU of this process per send, in microseconds.
//
//   node send.mjs PEER ADDRESS AUTHORITY PARAMETERS WARM SENDS
//
// PEER is `logto` (the published connector, unchanged) or `undici` (a function of a few lines). ADDRESS is the host and port of a
// server that answers for api.twilio.com, AUTHORITY the file of its certificate authority, PARAMETERS the connector's, as JSON.

import { readFileSync } from "node:fs";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

const [peer, address, authority, parameters, warm, sends] = process.argv.slice(2);
const [host, port] = address.split(":");
const ca = readFileSync(authority);
const config = JSON.parse(parameters);
const AT_ONCE = 64;
const HOST = "api.twilio.com";
const TO = "+4520000001";
const CODE = "123456";

/** Logto's connector as npm has it. Only the address that its requests go to is changed. */
async function logto() {
  const { request } = https;
  const agent = new https.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  https.request = (url, options, then) =>
    request(url, { ...options, agent, ca, port, lookup: (_, __, found) => found(null, [{ address: host, family: 4 }]) }, then);
  syncBuiltinESMExports();
  const { default: createConnector } = await import("@logto/connector-twilio-sms");
  const usages = ["SignIn", "Register", "ForgotPassword", "Generic"];
  const templates = usages.map((usageType) => ({ usageType, content: "Your code is {{code}}." }));
  const connector = await createConnector({ getConfig: async () => ({ ...config, templates }) });
  return () => connector.sendMessage({ to: TO, type: "SignIn", payload: { code: CODE } });
}

/** What one would write by hand. */
async function undici() {
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({
    connections: AT_ONCE,
    connect: { ca, lookup: (_, __, found) => found(null, [{ address: host, family: 4 }]) },
  });
  const { accountSID, authToken, fromMessagingServiceSID } = config;
  const authorization = `Basic ${Buffer.from(`${accountSID}:${authToken}`).toString("base64")}`;
  return async () => {
    const body = new URLSearchParams({ To: TO, MessagingServiceSid: fromMessagingServiceSID, Body: `Your code is ${CODE}.` });
    const url = `https://${HOST}:${port}/2010-04-01/Accounts/${accountSID}/Messages.json`;
    const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
    const response = await request(url, { method: "POST", dispatcher, headers, body: body.toString() });
    const answer = await response.body.json();
    if (response.statusCode !== 201 || !answer.sid) throw new Error(`status ${response.statusCode}`);
  };
}

/** Sends so many messages, 64 at once. Any failure ends the program. */
async function run(send, count) {
  let left = Number(count);
  const sender = async () => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
}

const send = await { logto, undici }[peer]();
await run(send, warm);
const before = process.cpuUsage();
await run(send, sends);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / Number(sends));
process.exit(0);
