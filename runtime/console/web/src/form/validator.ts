// What the form needs to know of a value: whether it fits a schema, for fields that depend on others. The usual validator
// compiles schemas to code, which the page's policy forbids; this one interprets them. The server is the judge.

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
