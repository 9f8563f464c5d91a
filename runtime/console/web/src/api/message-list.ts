// Messages by their filters, for the list and for exports. A phone number is sent in the body: addresses are logged on their way.

import { apiPath, call } from "./client";
import type { Message, Page } from "./types";

export type MessageFilters = Record<string, string>;

/** The most messages that one export has. */
export const EXPORT_LIMIT = 10_000;

/** A page of messages. Empty filters are left out. */
export function messagesPage(tenant: string, filters: MessageFilters, cursor: string, limit: number, signal?: AbortSignal): Promise<Page<Message>> {
  const { to, ...others } = filters;
  if (!to) return call<Page<Message>>(apiPath(tenant, "messages", { ...others, limit, cursor }), { signal });
  // A number is of one country already.
  const { country: _, ...rest } = others;
  const given = Object.entries({ ...rest, cursor }).filter(([, value]) => value !== "");
  const body = { to, limit, ...Object.fromEntries(given) };
  return call<Page<Message>>(apiPath(tenant, "messages/search"), { method: "POST", body, signal });
}

/** Every message with these filters, newest first, up to the limit of an export. */
export async function allMessages(tenant: string, filters: MessageFilters): Promise<Message[]> {
  const all: Message[] = [];
  let cursor = "";
  do {
    const page = await messagesPage(tenant, filters, cursor, 200);
    all.push(...page.items);
    cursor = page.nextCursor ?? "";
  } while (cursor && all.length < EXPORT_LIMIT);
  return all.slice(0, EXPORT_LIMIT);
}

const COLUMNS: [string, (message: Message) => string | number | null | undefined][] = [
  ["id", (one) => one.id],
  ["createdAt", (one) => one.createdAt],
  ["status", (one) => one.status],
  ["delivery", (one) => one.delivery?.state],
  ["to", (one) => one.to],
  ["country", (one) => one.country],
  ["usage", (one) => one.usage],
  ["locale", (one) => one.locale],
  ["connection", (one) => one.attempts.at(-1)?.connection],
  ["attempts", (one) => one.attempts.length],
  ["segments", (one) => one.segments],
  ["reference", (one) => one.reference],
  ["failure", (one) => one.failure?.class],
  ["providerCode", (one) => one.failure?.providerCode],
  ["providerMessageId", (one) => one.providerMessageId],
  ["verification", (one) => one.verification],
];

/** A field of a CSV file (RFC 4180). Spreadsheets run what looks like a formula: an apostrophe before it makes it a text. */
function field(value: string | number | null | undefined): string {
  const text = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Messages as CSV, with a line of names. */
export function asCsv(messages: Message[]): string {
  const lines = messages.map((message) => COLUMNS.map(([, of]) => field(of(message))).join(","));
  return [COLUMNS.map(([name]) => name).join(","), ...lines, ""].join("\r\n");
}
