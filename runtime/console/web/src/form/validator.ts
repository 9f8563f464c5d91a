// Tells the form whether a value matches a schema, for fields that depend on others. The library's own validator compiles
// schemas to code, which the Content Security Policy forbids; this one interprets them. What counts is the server's validation.

import { Validator } from "@cfworker/json-schema";
import type { RJSFSchema, ValidatorType } from "@rjsf/utils";

export const validator: ValidatorType = {
  isValid: (schema, value, root) => {
    try {
      const whole = { ...(schema as RJSFSchema), $defs: (root as RJSFSchema).$defs } as ConstructorParameters<typeof Validator>[0];
      return new Validator(whole, "2020-12").validate(value ?? {}).valid;
    } catch {
      return false;
    }
  },
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  rawValidation: () => ({ errors: [] }),
};
