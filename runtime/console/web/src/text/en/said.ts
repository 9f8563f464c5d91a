// What the server says with a code: the sentence for each code. A code that has none here is shown in the server's own words.

import type { Tellers } from "../said";

const times = (count: number) => (count === 1 ? "once" : `${count} times`);
const many = (count: number, one: string, more: string) => (count === 1 ? `one ${one}` : `${count} ${more}`);

const because: Record<string, string> = {
  misbehaved: "it misbehaved",
  "mostly-failed": "most of its attempts failed",
  "failed-more": "it failed more often than the version before",
};

const causes: Record<string, string> = {
  "not-sent": "The message was certainly not sent",
  "in-doubt": "Nobody knows whether the message was sent",
  content: "The provider refused the message as it was",
  account: "The connection cannot send until its settings or account are put right",
  recipient: "The number takes no messages",
  destination: "The provider does not send to this country",
  fraud: "The provider suspects fraud",
  fault: "The connector misbehaved before anything was sent",
};

const notAgain: Record<string, string> = {
  "second-message": "its provider would make a second message of another try",
  "maybe-second-message": "another try could be a second message",
  "same-end": "another try of the same connection would end the same way",
  "most-tries": "the connection has tried as often as it may",
  "retry-budget": "too many messages are being tried again",
  "too-late": "the pause before another try ends after its time is over",
};

const noFallback: Record<string, string> = {
  silence: "the tenant prefers silence to a second message",
  none: "there is no other connection to try",
  "no-template": "the next connection has no template of its own",
};

export const said: { said: Tellers } = {
  said: {
    attention: {
      "no-active-connection": (v, by) =>
        `No connection is active, so nothing can be sent, and flows are on (${by.flows(v.text("flows"))}). Set up a connection and activate it.`,
      "no-country": () => "No country is allowed, so every message is refused. Name the countries of your users in the policy.",
      "template-missing": (v, by) =>
        `Flows are on, and \`${v.text("connection")}\` has no template for: ${by.usages(v.text("missing"))}. Add them to the connection.`,
      "connection-unfit": (v) => `\`${v.text("connection")}\` does not fit its connector any more and cannot send: ${v.text("why")}.`,
      "connection-untested": (v) => `\`${v.text("connection")}\` is active, and no test of it as it is now has been accepted. Send a test message.`,
      "few-accepted": (v, by) =>
        `Providers took only ${v.number("percent")} % of the ${by.number(v.number("messages"))} messages of the last ${v.text("span")}. Look at what failed.`,
      "few-delivered": (v, by) =>
        `Of the ${by.number(v.number("messages"))} messages of the last day that providers reported on, ${v.number("percent")} % were not delivered. Look at their classes by country, and ask the provider about its route or the sender id.`,
      "account-refused": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))}`,
      "account-recovered": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))} It has sent since.`,
      "connection-rests": (v) => `\`${v.text("connection")}\` failed too often and rests for up to five minutes; only fallbacks send for it.`,
      "numbers-held": (v, by) =>
        `${v.number("thousands") === 1 ? "A thousand" : `${v.number("thousands")} thousand`} numbers are held until ${by.time(v.text("until"))} because a provider suspects fraud; nothing is sent to them.`,
      "spend-cap-reached": () => "The spend cap of this month is reached: messages are refused until the next one. Raise it, or wait.",
      "spend-cap-near": (v) => `${v.number("percent")} % of the spend cap of this month are used; at 100 % messages are refused.`,
      "version-taken-back": (v, by) =>
        `A version of \`${v.text("connector")}\` was taken back by itself at ${by.time(v.text("at"))}: ${because[v.text("because")] ?? v.text("reason")}.`,
      "country-pumped": (v, by) =>
        `${v.number("percent")} % of the ${by.number(v.number("verifications"))} verifications of the last day in ${by.country(v.text("country"))} were completed, ${v.number("elsewhere")} % elsewhere: somebody may be having messages sent there for their own gain. Lower the limits, or take the country out of the policy.`,
      "secrets-old": (v, by) =>
        `Secrets of \`${v.text("connection")}\` are older than a year: ${by.names(v.text("names"))}${v.number("more") > 0 ? ` and ${v.number("more")} more` : ""}. Renew them at the provider and here.`,
    },

    difference: {
      "host-new": (v) => `new host: ${v.text("methods")} ${v.text("place")} (${v.text("purpose")})`,
      "host-gone": (v) => `no longer host: ${v.text("methods")} ${v.text("place")} (${v.text("purpose")})`,
      "method-new": (v) => `new method: ${v.text("methods")} at ${v.text("place")}`,
      "method-gone": (v) => `no longer method: ${v.text("methods")} at ${v.text("place")}`,
      "paths-new": (v) => `new paths: ${v.text("methods")} ${v.text("place")}`,
      "paths-gone": (v) => `no longer paths: ${v.text("methods")} ${v.text("place")}`,
      "message-new": (v) => `new: the message and the recipient go to ${v.text("place")} (${v.text("methods")})`,
      "message-gone": (v) => `no longer: the message and the recipient go to ${v.text("place")} (${v.text("methods")})`,
      "secret-sent-new": (v) => `new: the secret \`${v.text("secret")}\` is sent to ${v.text("place")} (${v.text("methods")})`,
      "secret-sent-gone": (v) => `no longer: the secret \`${v.text("secret")}\` is sent to ${v.text("place")} (${v.text("methods")})`,
      "secret-signs-new": (v) => `new: the secret \`${v.text("secret")}\` signs requests to ${v.text("place")} (${v.text("methods")})`,
      "secret-signs-gone": (v) => `no longer: the secret \`${v.text("secret")}\` signs requests to ${v.text("place")} (${v.text("methods")})`,
      "reveals-new": () => "new: it can read what is sealed (codes, numbers, texts, secrets), where a grant lets it",
      "reveals-gone": () => "no longer: it reads what is sealed",
      version: (v) => `the author’s version: ${v.text("before")} → ${v.text("after")}`,
      "parameter-new-required": (v) => `new parameter \`${v.text("parameter")}\`: must be given`,
      "parameter-new-optional": (v) => `new parameter \`${v.text("parameter")}\`: may be given`,
      "secret-new-required": (v) => `new parameter \`${v.text("parameter")}\`, a secret: must be given`,
      "secret-new-optional": (v) => `new parameter \`${v.text("parameter")}\`, a secret: may be given`,
      "parameter-gone": (v) => `parameter \`${v.text("parameter")}\` is gone`,
      "parameter-required": (v) => `parameter \`${v.text("parameter")}\` must be given now`,
      "parameter-secret": (v) => `parameter \`${v.text("parameter")}\` is a secret now`,
      "parameter-open": (v) => `parameter \`${v.text("parameter")}\` is no secret any more`,
      "parameter-changed": (v) => `parameter \`${v.text("parameter")}\` is described otherwise`,
      content: (v, by) => `what it takes: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Templates must be written anew`,
      "usages-new": (v, by) => `usages that it supports, new: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `usages that it supports, no longer: ${by.usages(v.text("usages"))}`,
      "locales-new": (v, by) => `languages that it names, new: ${by.names(v.text("locales"))}`,
      "locales-gone": (v, by) => `languages that it names, no longer: ${by.names(v.text("locales"))}`,
      "reports-new": () => "new: it reads delivery reports",
      "reports-gone": () => "no longer: it reads delivery reports",
      "idempotent-new": () => "new: a repeated key is one message at the provider",
      "idempotent-gone": () => "no longer: a repeated key is one message at the provider",
    },

    decision: Object.fromEntries(
      Object.entries<Tellers["decision"][string]>({
        "no-other-connection": () => "no other connection is tried",
        expired: () => "its time is over, and nothing is sent after that",
        "most-messages": (v) => `the tenant allows ${many(v.number("most"), "physical message", "physical messages")} for a request`,
        "most-attempts": (v) => `${v.number("most")} attempts are the most for a message`,
        nothing: (v) => `${notAgain[v.text("notAgain")] ?? v.text("notAgain")}, and ${noFallback[v.text("noFallback")] ?? v.text("noFallback")}`,
        again: (v) => `the same connection tries again (try ${v.number("number")} of ${v.number("most")})`,
        "again-same-key": (v) =>
          `the same connection tries again (try ${v.number("number")} of ${v.number("most")}), with the same key, which its provider makes one message of`,
        "other-version": () => "this version of the connector is being tried, so the one before is asked",
        "next-connection": (v) => `${notAgain[v.text("notAgain")] ?? v.text("notAgain")}, so the next connection is tried`,
        "next-connection-no-pause": () => "the provider asks for a long pause, so the next connection is tried",
      }).map(([code, follows]): [string, Tellers["decision"][string]] => [
        code,
        (v, by) => `${causes[v.text("cause")] ?? v.text("cause")} (${by.failure(v.text("class")).toLowerCase()}); ${follows(v, by)}.`,
      ]),
    ),

    fault: {
      misbehaved: (v) => `it misbehaved in ${v.number("faults")} of ${v.number("attempts")} attempts; see their traces`,
      "mostly-failed": (v) => `${v.number("failed")} of its ${v.number("attempts")} attempts failed`,
      "failed-more": (v) =>
        `${v.number("percent")} % of its ${v.number("attempts")} attempts failed, ${v.number("before")} % of the ${v.number("attemptsBefore")} of the version before`,
    },
  },
};
