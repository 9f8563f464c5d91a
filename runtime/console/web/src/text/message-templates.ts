// The form of the sentences that each language has for what the server says with a code and values.

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

/** What a message is about. Codes are unique within a topic. A `problem` has its title under its kind, and its detail under
 * `<kind>-detail` where the detail is the same for all problems of that kind. */
export type MessageTopic = "attention" | "difference" | "decision" | "fault" | "field" | "hint" | "problem";

/** The sentences of a language, by topic and code. */
export type MessageTemplates = Record<MessageTopic, Record<string, MessageTemplate>>;
