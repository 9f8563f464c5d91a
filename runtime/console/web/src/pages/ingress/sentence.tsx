// What the server says about an ingress, in the language of the page where there is a translation, and otherwise in English.

import type { ReactNode } from "react";
import { EnglishText, ExplainedText } from "../../components/server-text";
import { WithCode } from "../../components/with-code";
import { useTexts, type Texts } from "../../text";
import { useFieldMessages, type FieldMessage } from "../../text/server-messages";

/** The ends of numbers, and calling codes. In the keys of translations, `{0}` and so on stand for them. */
const VALUES = /…\d\d|\+\d{1,3}(?!\d)/g;

function translate(text: string, t: Texts): string | undefined {
  if (t.code === "en") return text;
  const values = text.match(VALUES) ?? [];
  let count = 0;
  const key = text.replace(VALUES, () => `{${count++}}`);
  return t.ingressSentences[key]?.replace(/\{(\d)\}/g, (_, index) => values[Number(index)] ?? "");
}

export function ServerSentence({ text }: { text: string }) {
  const translated = translate(text, useTexts());
  return translated === undefined ? <EnglishText text={text} /> : <WithCode text={translated} />;
}

/** Why something happened. Where there is no translation: `sentence`, and below it what the server says. */
export function Reason({ text, sentence }: { text: string; sentence: string }) {
  const translated = translate(text, useTexts());
  return translated === undefined ? <ExplainedText sentence={sentence} text={text} /> : <WithCode text={translated} />;
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
