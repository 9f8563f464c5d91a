// Which settings matter for each platform. The server decides (`runtime/domain/src/ingress/kind.rs`) and refuses what does not fit; this
// table keeps the forms short.

import type { IngressAuthenticationType as Method, IngressFields, IngressKind, IngressText, Usage } from "../../api/types";

export interface PlatformFacts {
  /** How it can authenticate its calls. The first one is the default. */
  methods: Method[];
  /** Whether it generates the secret itself, so that the user must enter it. */
  makesSecret: boolean;
  /** How long the response waits by default, in milliseconds. */
  waitMs: number;
  /** Whether it may pass numbers as they are dialled within a country. */
  nationalNumbers: boolean;
  /** What is sent by default when it passes a text; `undefined` if it never does. */
  text: IngressText | undefined;
  /** Whether it may ask for a message without a code. */
  withoutCode: boolean;
  /** Whether it names the purpose of a message. */
  words: boolean;
  /** Whether repetitions are recognized by number and code. */
  repeats: boolean;
  /** The usage of messages whose purpose is not named. */
  usage: Usage;
  /** The names that its fields have by default, if the user can choose others. */
  fields: Record<keyof IngressFields, string[]> | undefined;
}

const BEARER: Method[] = ["bearer", "none"];
const PASSWORD: Method[] = ["basic", "bearer", "header", "none"];
const ANY_HEADER: Method[] = ["header", "bearer", "none"];

const base: PlatformFacts = {
  methods: BEARER,
  makesSecret: false,
  waitMs: 10_000,
  nationalNumbers: true,
  text: "template",
  withoutCode: true,
  words: true,
  repeats: true,
  usage: "generic",
  fields: undefined,
};

const otherFields = { usage: ["usage"], locale: ["locale"], clientIp: ["ip"], repeatId: ["idempotencyKey"] };

export const platforms: Record<IngressKind, PlatformFacts> = {
  logto: { ...base, waitMs: 15_000, nationalNumbers: false, text: undefined },
  supabase: { ...base, methods: ["standard-webhooks"], waitMs: 3000, nationalNumbers: false, text: undefined, withoutCode: false },
  zitadel: { ...base, methods: ["zitadel-signature", "none"], makesSecret: true, waitMs: 4000 },
  kratos: { ...base, methods: ["header", "basic", "bearer", "none"], waitMs: 8000 },
  "better-auth": { ...base, methods: ["bearer"], waitMs: 2400, text: undefined, withoutCode: false, usage: "sign-in" },
  fusionauth: { ...base, methods: PASSWORD, waitMs: 800, words: false, usage: "mfa-verification" },
  authentik: { ...base, methods: ["basic", "bearer", "none"], words: false, usage: "mfa-verification" },
  authgear: { ...base, methods: ["authgear-signature", "none"], makesSecret: true, waitMs: 20_000 },
  authsignal: {
    ...base, methods: ["authsignal-signature", "none"], makesSecret: true, text: undefined, withoutCode: false, usage: "mfa-verification",
  },
  "auth0-gateway": { ...base, methods: ["jwt-hs256", "bearer", "none"], waitMs: 20_000, text: "original", usage: "sign-in" },
  casdoor: {
    ...base, methods: ANY_HEADER, text: "original", fields: { to: ["phoneNumber"], code: [], text: ["content", "code"], ...otherFields },
  },
  keycloak: {
    ...base, methods: ANY_HEADER, text: "original", usage: "mfa-verification",
    fields: { to: ["phone", "to", "receiver"], code: [], text: ["message", "text"], ...otherFields },
  },
  generic: {
    ...base, methods: ["bearer", "basic", "header", "standard-webhooks", "jwt-hs256", "none"],
    fields: { to: ["to", "phone", "phoneNumber"], code: ["code", "otp"], text: ["text", "message", "body"], ...otherFields },
  },
  twilio: { ...base, methods: ["basic"], waitMs: 0, text: "original", words: false, repeats: false },
};

export const fieldNames = ["to", "code", "text", "usage", "locale", "clientIp", "repeatId"] as const satisfies (keyof IngressFields)[];
