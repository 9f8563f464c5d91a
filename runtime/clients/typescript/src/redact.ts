// Removes what is secret in a request from texts of its response. Sendbox does not quote these values; a proxy might.

import type { Problem } from "./schema.js";

const MASK = "[redacted]";
/** Shorter values are neither codes nor numbers, and occur in many words. */
const SHORTEST = 4;

/** Replaces the secrets in the texts of a problem document that errors show. */
export function redactProblem(problem: Problem, secrets: readonly string[]): Problem {
  const redact = (text: string) => secrets.reduce((text, secret) => text.replaceAll(secret, MASK), text);
  const errors = problem.errors?.map((error) => ({ ...error, message: redact(error.message) }));
  return { ...problem, title: redact(problem.title), detail: redact(problem.detail), ...(errors && { errors }) };
}

/** The secrets among these values, as they were given and without the white space and hyphens that the server ignores. */
export function secretsOf(values: readonly unknown[]): string[] {
  const texts = values.filter((value) => typeof value === "string");
  const forms = texts.flatMap((text) => [text, text.replace(/[\s-]/g, ""), text.replace(/^\+/, "")]);
  return forms.filter((text) => text.length >= SHORTEST).sort((one, other) => other.length - one.length);
}
