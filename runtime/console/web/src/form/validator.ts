// Tells the form whether a value matches a schema, for fields that depend on others. The library's own validator compiles
// schemas to code, which the Content Security Policy forbids; this one interprets them. What counts is the server's validation.
//
// Patterns are left to the server: a connector's author wrote them, its engine is linear, and a browser's is not.

import { Validator } from "@cfworker/json-schema";
import type { RJSFSchema, ValidatorType } from "@rjsf/utils";

/** Keywords whose members are schemas by name. */
const named = ["properties", "$defs", "definitions", "dependentSchemas"];

function withoutPatterns(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutPatterns);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([keyword]) => keyword !== "pattern" && keyword !== "patternProperties");
  return Object.fromEntries(
    kept.map(([keyword, member]) => {
      if (!named.includes(keyword) || typeof member !== "object" || member === null) return [keyword, withoutPatterns(member)];
      return [keyword, Object.fromEntries(Object.entries(member).map(([name, one]) => [name, withoutPatterns(one)]))];
    }),
  );
}

export const validator: ValidatorType = {
  isValid: (schema, value, root) => {
    try {
      const whole = { ...(schema as RJSFSchema), $defs: (root as RJSFSchema).$defs } as ConstructorParameters<typeof Validator>[0];
      return new Validator(withoutPatterns(whole) as typeof whole, "2020-12").validate(value ?? {}).valid;
    } catch {
      return false;
    }
  },
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  rawValidation: () => ({ errors: [] }),
};
