// What the server says about an ingress, in the language of the page where there is a translation, and otherwise in English.

import type { ReactNode } from "react";
import { EnglishText } from "../../components/server-text";
import { WithCode } from "../../components/with-code";
import { useTexts } from "../../text";
import { useFieldMessages, type FieldMessage } from "../../text/server-messages";

export function ServerSentence({ text }: { text: string }) {
  const t = useTexts();
  const translated = t.code === "en" ? text : t.ingressSentences[text];
  return translated === undefined ? <EnglishText text={text} /> : <WithCode text={translated} />;
}

export interface IngressErrors {
  /** What is wrong with a field, or with a part of it. */
  at: (pointer: string) => ReactNode;
  /** The number of fields. */
  count: number;
  /** Whether the form shows all of them. */
  isComplete: boolean;
}

const SHOWN = /^(name|\/settings\/(defaultRegion|waitMs|repeatSeconds|usages(\/.*)?|fields\/\w+)|\/authentication\/(type|header|username|audience|secrets(\/\d+)?))$/;

/** What the server refused, by JSON pointer. */
export function useIngressErrors(error: unknown): IngressErrors {
  const messages = useFieldMessages()(error);
  const sentence = ({ message, lang }: FieldMessage) => (lang ? <ServerSentence text={message} /> : <WithCode text={message} />);
  return {
    at: (pointer) => {
      const found = messages.filter(({ field }) => field === pointer || field.startsWith(`${pointer}/`));
      return found.length > 0 ? found.map((one) => <span key={one.field + one.message} className="block">{sentence(one)}</span>) : undefined;
    },
    count: messages.length,
    isComplete: messages.length > 0 && messages.every(({ field }) => SHOWN.test(field)),
  };
}
