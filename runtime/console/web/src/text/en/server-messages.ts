// Sentences that the console says better than the server, with names, times and countries as the page shows them. Everything else
// is shown in the server's own words, which are English.

import type { Cause, NoFallback, NotAgain, VersionFault } from "../../api/types";
import { decisions, type EnglishTemplates } from "../message-templates";

const times = (count: number) => (count === 1 ? "once" : `${count} times`);

const because: Record<VersionFault["code"], string> = {
  misbehaved: "it misbehaved",
  "mostly-failed": "most of its attempts failed",
  "failed-more": "it failed more often than the previous version",
};

const causes: Record<Cause, string> = {
  "not-sent": "The message was definitely not sent",
  "in-doubt": "It is unknown whether the message was sent",
  content: "The provider rejected the text or its sender",
  account: "The connection can’t send until its settings or account are fixed",
  recipient: "The phone number doesn’t accept messages",
  destination: "The provider doesn’t send to this country",
  fraud: "The provider suspects fraud",
  fault: "The connector misbehaved before anything was sent",
};

const notAgain: Record<NotAgain, string> = {
  "second-message": "a retry would send a second message",
  "maybe-second-message": "a retry might send a second message",
  "same-end": "a retry with the same connection would fail the same way",
  "max-tries": "the connection has used all its attempts",
  "retry-budget": "too many messages are being retried",
  "too-late": "the message would expire before the next attempt",
};

const noFallback: Record<NoFallback, string> = {
  silence: "the policy prefers no message to a second one",
  none: "there is no other connection",
  "no-template": "the next connection has no template of its own",
};

export const serverMessages: { serverMessages: EnglishTemplates } = {
  serverMessages: {
    attention: {
      "no-active-connection": (v, by) =>
        `No connection is active, so nothing can be sent, but flows are on (${by.flows(v.text("flows"))}). Set up a connection and activate it.`,
      "template-missing": (v, by) =>
        `Flows are on, but \`${v.text("connection")}\` has no template for: ${by.usages(v.text("missing"))}. Add the templates to the connection.`,
      "account-refused": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))}`,
      "account-recovered": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))} It has sent messages since.`,
      "numbers-held": (v, by) =>
        `${by.number(v.number("thousands") * 1000)} phone numbers are held until ${by.time(v.text("until"))} because a provider suspects fraud. Nothing is sent to them.`,
      "version-rolled-back": (v, by) =>
        `Sendbox automatically rolled back a version of \`${v.text("connector")}\` on ${by.time(v.text("at"))}: ${because[v.text("because") as VersionFault["code"]] ?? v.text("reason")}.`,
      "country-pumped": (v, by) =>
        `${v.number("percent")}% of the ${by.number(v.number("verifications"))} verifications in ${by.country(v.text("country"))} in the last day were completed, compared with ${v.number("elsewhere")}% elsewhere. Someone may be causing messages to be sent there for profit. Lower the limits, or remove the country from the policy.`,
    },

    difference: {
      content: (v, by) => `content: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Templates must be rewritten`,
      "usages-new": (v, by) => `added usages: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `removed usages: ${by.usages(v.text("usages"))}`,
    },

    decision: decisions(causes, (name) => name.toLowerCase(), {
      "no-other-connection": () => "no other connection is tried",
      expired: () => "the message has expired, so it is not sent any more",
      "max-messages": (v) => `the policy allows at most ${v.number("max")} SMS per request`,
      "max-attempts": (v) => `a message has at most ${v.number("max")} attempts`,
      nothing: (v) => `${notAgain[v.text("noRetry") as NotAgain]}, and ${noFallback[v.text("noFallback") as NoFallback]}`,
      retry: (v) => `the same connection retries (attempt ${v.number("number")} of ${v.number("max")})`,
      "retry-same-key": (v) =>
        `the same connection retries (attempt ${v.number("number")} of ${v.number("max")}) with the same idempotency key, so that the provider sends only one message`,
      "other-version": () => "this version of the connector is still being evaluated, so the previous version is tried",
      "next-connection": (v) => `${notAgain[v.text("noRetry") as NotAgain]}, so the next connection is tried`,
      "next-connection-no-pause": () => "the provider asks for a long pause, so the next connection is tried",
    }),

    fault: {},
    field: {},
    hint: {},
    problem: {},
  },
};
