// An ingress as the forms edit it, and as the API takes it.

import type {
  Ingress, IngressAuthenticationInput, IngressAuthenticationType as Method, IngressFields, IngressKind, IngressSettings, IngressText,
  MessagesWithoutCode, Usage,
} from "../../api/types";
import { fieldNames, platforms } from "./platforms";

/** Stands for all purposes without a usage of their own. */
const ANY_WORD = "*";

export interface WordRow {
  word: string;
  usage: Usage;
}

/** Empty texts stand for the default. */
export interface Draft {
  region: string;
  text: IngressText | "";
  withoutCode: MessagesWithoutCode;
  usage: Usage | "";
  words: WordRow[];
  wait: string;
  repeat: string;
  fields: Record<keyof IngressFields, string>;
  method: Method;
  header: string;
  username: string;
  audience: string;
}

const DEFAULT_HEADER = "X-Api-Key";

export function newDraft(kind: IngressKind): Draft {
  return draftOf({ kind, settings: {}, authentication: { type: platforms[kind].methods[0] ?? "bearer" } });
}

export function draftOf({ kind, settings, authentication }: Pick<Ingress, "kind" | "settings" | "authentication">): Draft {
  const { [ANY_WORD]: usage, ...words } = settings.usages ?? {};
  return {
    region: settings.defaultRegion ?? "",
    text: settings.text ?? platforms[kind].text ?? "",
    withoutCode: settings.messagesWithoutCode ?? "refuse",
    usage: usage ?? "",
    words: Object.entries(words).map(([word, known]) => ({ word, usage: known })),
    wait: settings.waitMs?.toString() ?? "",
    repeat: settings.repeatSeconds?.toString() ?? "",
    fields: Object.fromEntries(fieldNames.map((name) => [name, settings.fields?.[name] ?? ""])) as Draft["fields"],
    method: authentication.type,
    header: authentication.header ?? DEFAULT_HEADER,
    username: authentication.username ?? "",
    audience: authentication.audience ?? "",
  };
}

const isWhole = (text: string) => /^[0-9]+$/.test(text);

export function settingsOf(draft: Draft, kind: IngressKind): IngressSettings {
  const fields = Object.fromEntries(Object.entries(draft.fields).filter(([, name]) => name !== ""));
  const words = Object.fromEntries(draft.words.map(({ word, usage }) => [word.trim(), usage]));
  return {
    defaultRegion: draft.region || null,
    text: draft.text === "" || draft.text === platforms[kind].text ? null : draft.text,
    messagesWithoutCode: draft.withoutCode,
    usages: { ...words, ...(draft.usage && { [ANY_WORD]: draft.usage }) },
    waitMs: isWhole(draft.wait) ? Number(draft.wait) : null,
    repeatSeconds: isWhole(draft.repeat) ? Number(draft.repeat) : null,
    fields: Object.keys(fields).length > 0 ? fields : null,
  };
}

/** Without `secrets` the server keeps those that it has, or generates one. */
export function authenticationOf(draft: Draft, secrets?: string[]): IngressAuthenticationInput {
  const { method } = draft;
  return {
    type: method,
    ...(method === "header" && { header: draft.header }),
    ...(method === "basic" && draft.username && { username: draft.username }),
    ...(method === "jwt-hs256" && draft.audience && { audience: draft.audience }),
    ...(secrets && method !== "none" && { secrets }),
  };
}

/** What is wrong with a row of the purposes, which the server cannot tell: it gets one usage for each. */
export function wordProblem(words: WordRow[], index: number): "wordEmpty" | "wordTwice" | undefined {
  const word = words[index]?.word.trim();
  if (!word) return "wordEmpty";
  return word === ANY_WORD || words.slice(0, index).some((other) => other.word.trim() === word) ? "wordTwice" : undefined;
}

/** A random secret in the form that the platform's configuration takes. */
export function generateSecret(kind: IngressKind, method: Method): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  if (kind === "twilio") return [...bytes.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const base64 = btoa(String.fromCharCode(...bytes));
  return method === "standard-webhooks" ? `v1,whsec_${base64}` : base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
