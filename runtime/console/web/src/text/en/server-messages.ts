// What the server says with a code, where the console can say it better: with names, times and countries as it writes them. All
// else is shown in the server's own words, which are English.

import type { MessageTemplates } from "../message-templates";

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

export const serverMessages: { serverMessages: MessageTemplates } = {
  serverMessages: {
    attention: {
      "no-active-connection": (v, by) =>
        `No connection is active, so nothing can be sent, and flows are on (${by.flows(v.text("flows"))}). Set up a connection and activate it.`,
      "template-missing": (v, by) =>
        `Flows are on, and \`${v.text("connection")}\` has no template for: ${by.usages(v.text("missing"))}. Add them to the connection.`,
      "account-refused": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))}`,
      "account-recovered": (v, by) =>
        `\`${v.text("connection")}\` failed ${times(v.number("times"))} in the last hour (${by.failure(v.text("class")).toLowerCase()}). ${by.advice(v.text("class"))} It has sent since.`,
      "numbers-held": (v, by) =>
        `${v.number("thousands") === 1 ? "A thousand" : `${v.number("thousands")} thousand`} numbers are held until ${by.time(v.text("until"))} because a provider suspects fraud; nothing is sent to them.`,
      "version-taken-back": (v, by) =>
        `A version of \`${v.text("connector")}\` was taken back by itself at ${by.time(v.text("at"))}: ${because[v.text("because")] ?? v.text("reason")}.`,
      "country-pumped": (v, by) =>
        `${v.number("percent")} % of the ${by.number(v.number("verifications"))} verifications of the last day in ${by.country(v.text("country"))} were completed, ${v.number("elsewhere")} % elsewhere: somebody may be having messages sent there for their own gain. Lower the limits, or take the country out of the policy.`,
    },

    difference: {
      content: (v, by) => `what it takes: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Templates must be written anew`,
      "usages-new": (v, by) => `usages that it supports, new: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `usages that it supports, no longer: ${by.usages(v.text("usages"))}`,
    },

    decision: Object.fromEntries(
      Object.entries<MessageTemplates["decision"][string]>({
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
      }).map(([code, follows]): [string, MessageTemplates["decision"][string]] => [
        code,
        (v, by) => `${causes[v.text("cause")] ?? v.text("cause")} (${by.failure(v.text("class")).toLowerCase()}); ${follows(v, by)}.`,
      ]),
    ),

    fault: {},
    field: {},
    hint: {},
    problem: {},
  },
};
