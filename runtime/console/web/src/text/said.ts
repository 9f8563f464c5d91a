// What the server says with a code and values beside its sentence, in the language of the page.

import { useMemo } from "react";
import { Problem } from "../api/client";
import type { Sentence } from "../api/types";
import { useFormat, useTexts } from ".";

/** The values of a sentence, read as what its template needs. What is missing is empty. */
export interface Values {
  text: (name: string) => string;
  number: (name: string) => number;
}

/** How the language writes what stands in values. Lists have `, ` between their parts. */
export interface Told {
  failure: (kind: string) => string;
  advice: (kind: string) => string;
  flows: (list: string) => string;
  usages: (list: string) => string;
  names: (list: string) => string;
  content: (kind: string) => string;
  time: (at: string) => string;
  country: (code: string) => string;
  number: (count: number) => string;
}

export type Teller = (values: Values, by: Told) => string;

/** What sentences are about. `problem`: the title of a problem document, by its kind; `problem` with `-detail` its detail, where
 * it is the same for all of that kind. */
export type About = "attention" | "difference" | "decision" | "fault" | "field" | "hint" | "problem";

/** The sentences of a language, by what they are about and by code. */
export type Tellers = Record<About, Record<string, Teller>>;

/** Says a sentence of the server in the language of the page. `undefined`: there is none for its code. */
export function useTold(): (about: About, sentence: Sentence) => string | undefined {
  const t = useTexts();
  const format = useFormat();
  return useMemo(() => {
    const each = (list: string, say: (one: string) => string) => list.split(", ").map(say).join(", ");
    const by: Told = {
      failure: (kind) => t.failures[kind] ?? kind,
      advice: (kind) => t.advice[kind] ?? "",
      flows: (list) => each(list, (one) => t.flowNames[one] ?? one),
      usages: (list) => each(list, (one) => t.usages[one] ?? one),
      names: (list) => each(list, (one) => `\`${one}\``),
      content: (kind) => (t.connectors.content as Record<string, string>)[kind] ?? kind,
      time: format.dateTime,
      country: format.country,
      number: format.number,
    };
    return (about, { code, values = {} }) => {
      const teller = code === undefined ? undefined : t.said[about][code];
      const given = values as Record<string, unknown>;
      return teller?.({ text: (name) => String(given[name] ?? ""), number: (name) => Number(given[name] ?? 0) }, by);
    };
  }, [t, format]);
}

/** What is wrong with a field, in words. `lang`: in which language they are, where it is not the page's. */
export interface ToldField {
  field: string;
  message: string;
  lang?: string;
}

/** The fields that a refusal names, in the language of the page. */
export function useToldFields(): (error: unknown) => ToldField[] {
  const told = useTold();
  const { code: page } = useTexts();
  return useMemo(
    () => (error) => {
      if (!(error instanceof Problem)) return [];
      return error.fields.map(({ field, message, code, values }) => {
        const known = told("field", { text: message, code, values });
        return { field, message: known ?? message, ...(known === undefined && page !== "en" && { lang: "en" }) };
      });
    },
    [told, page],
  );
}
