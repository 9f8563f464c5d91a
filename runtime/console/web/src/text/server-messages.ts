// What the server says, in the language of the page: it sends a code and values along with each English sentence.

import { useMemo } from "react";
import { Problem } from "../api/client";
import type { FailureClass, Flow, ServerMessage, Usage } from "../api/types";
import { useFormat, useTexts } from ".";
import type { MessageTemplate, MessageTopic, ValueNames } from "./message-templates";

/** Translates a message of the server. `undefined`: the language has no sentence for its code. */
export type Translate = (topic: MessageTopic, message: ServerMessage) => string | undefined;

export function useServerMessages(): Translate {
  const t = useTexts();
  const format = useFormat();
  return useMemo(() => {
    const each = (list: string, name: (item: string) => string) => list.split(", ").map(name).join(", ");
    const names: ValueNames = {
      failure: (failureClass) => t.failures[failureClass as FailureClass] ?? failureClass,
      advice: (failureClass) => t.advice[failureClass as FailureClass] ?? "",
      flows: (list) => each(list, (item) => t.flowNames[item as Flow] ?? item),
      usages: (list) => each(list, (item) => t.usages[item as Usage] ?? item),
      names: (list) => each(list, (item) => `\`${item}\``),
      content: (kind) => (t.connectors.content as Record<string, string>)[kind] ?? kind,
      time: format.dateTime,
      country: format.country,
      number: format.number,
    };
    return (topic, { code, values }) => {
      const templates: Record<string, MessageTemplate | undefined> = t.serverMessages[topic];
      const template = code ? templates[code] : undefined;
      const given = (values ?? {}) as Record<string, unknown>;
      return template?.({ text: (name) => String(given[name] ?? ""), number: (name) => Number(given[name] ?? 0) }, names);
    };
  }, [t, format]);
}

/** What is wrong with a field. */
export interface FieldMessage {
  field: string;
  message: string;
  /** The language of the message, where it is not that of the page. */
  lang?: string;
}

/** The fields that a problem names, in the language of the page. */
export function useFieldMessages(): (error: unknown) => FieldMessage[] {
  const translate = useServerMessages();
  const { code: page } = useTexts();
  return useMemo(
    () => (error) => {
      if (!(error instanceof Problem)) return [];
      return error.fields.map(({ field, message, code, values }) => {
        const translated = translate("field", { message, code, values });
        return { field, message: translated ?? message, ...(translated === undefined && page !== "en" && { lang: "en" }) };
      });
    },
    [translate, page],
  );
}
