// The form of the sentences that each language has for what the server says with a code and values.

import type { AlertCode, Cause, DecisionCode, DifferenceCode, FieldCode, HintCode, VersionFault } from "../api/types";

/** The values of a server message. A value that is missing reads as empty or 0. */
export interface TemplateValues {
  text: (name: string) => string;
  number: (name: string) => number;
}

/** How the language writes what values refer to. Lists have `, ` between their items. */
export interface ValueNames {
  failure: (failureClass: string) => string;
  advice: (failureClass: string) => string;
  flows: (list: string) => string;
  usages: (list: string) => string;
  /** Names of parameters and the like, marked as code. */
  names: (list: string) => string;
  content: (kind: string) => string;
  time: (timestamp: string) => string;
  country: (code: string) => string;
  number: (value: number) => string;
}

export type MessageTemplate = (values: TemplateValues, names: ValueNames) => string;

/** What messages are about, and the codes of each topic. */
interface Codes {
  attention: AlertCode["code"];
  difference: DifferenceCode;
  decision: DecisionCode;
  fault: VersionFault["code"];
  field: FieldCode;
  hint: HintCode["code"];
  /** The kind of a problem, for its title, and `<kind>-detail`, where the detail is the same for all problems of that kind. */
  problem: string;
}

export type MessageTopic = keyof Codes;

/** The sentences of a language, by topic and code. */
export type MessageTemplates = { [Topic in MessageTopic]: Record<Codes[Topic], MessageTemplate> };

/** The sentences of English: where a code has none, the server's own sentence is shown. */
export type EnglishTemplates = { [Topic in MessageTopic]: Partial<Record<Codes[Topic], MessageTemplate>> };

/** The sentences about retry decisions: what happened, the class of the failure, and what follows. */
export function decisions(
  causes: Record<Cause, string>,
  failureName: (name: string) => string,
  follows: Record<DecisionCode, MessageTemplate>,
): Record<DecisionCode, MessageTemplate> {
  const sentence = (rest: MessageTemplate): MessageTemplate => (v, by) =>
    `${causes[v.text("cause") as Cause] ?? v.text("cause")} (${failureName(by.failure(v.text("class")))}); ${rest(v, by)}.`;
  return Object.fromEntries(Object.entries(follows).map(([code, rest]) => [code, sentence(rest)])) as typeof follows;
}
