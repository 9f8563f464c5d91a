// A connector's JSON Schema, as a form can show it. What only constrains (a choice between required fields, a choice between
// patterns) is left out of what is shown: the server checks it, and names the field.

import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import type { Members } from "../api/types";

interface Property extends Members {
  type?: string;
  title?: string;
  writeOnly?: boolean;
  format?: string;
  enum?: unknown[];
  oneOf?: Members[];
  anyOf?: Members[];
  examples?: unknown[];
  default?: unknown;
  "x-form"?: { order?: number; placeholder?: string; widget?: string };
}

function properties(schema: Members): [string, Property][] {
  return Object.entries((schema["properties"] ?? {}) as Record<string, Property>);
}

/** Names and titles of the parameters that are secrets. */
export function secretNames(schema: Members): [string, string][] {
  return properties(schema).filter(([, one]) => one.writeOnly).map(([name, one]) => [name, one.title ?? name]);
}

const describes = (option: Members) => "properties" in option;
const isConstant = (option: Members) => "const" in option;

/** A number or one of some words: one text field, which knows the difference. */
function isNumberOrWord(property: Property): boolean {
  const options = property.oneOf ?? [];
  return options.some(isConstant) && options.some((one) => one["type"] === "integer" || one["type"] === "number");
}

function shownProperty(property: Property): Property {
  const shown = { ...property };
  if (isNumberOrWord(property)) {
    delete shown.oneOf;
    shown.type = "string";
  }
  if (shown.anyOf && !shown.anyOf.some(describes)) delete shown.anyOf;
  if (!shown.type && shown.enum) shown.type = typeof shown.enum[0] === "number" ? "number" : "string";
  if (!shown.type && shown.oneOf?.every(isConstant)) shown.type = "string";
  return shown;
}

/** The schema that the form is made of. */
export function presentable(schema: Members): RJSFSchema {
  const shown: Members = { ...schema };
  delete shown["$schema"];
  for (const choice of ["anyOf", "oneOf"]) {
    const options = shown[choice] as Members[] | undefined;
    if (options && !options.some(describes)) delete shown[choice];
  }
  shown["properties"] = Object.fromEntries(properties(schema).map(([name, one]) => [name, shownProperty(one)]));
  return shown as RJSFSchema;
}

/** Order, widgets and placeholders, as the connector's author wishes. */
export function presentation(schema: Members): UiSchema {
  const all = properties(schema);
  const order = [...all].sort(([, a], [, b]) => (a["x-form"]?.order ?? 99) - (b["x-form"]?.order ?? 99));
  const ui: UiSchema = {
    "ui:order": [...order.map(([name]) => name), "*"],
    "ui:submitButtonOptions": { norender: true },
  };
  for (const [name, property] of all) {
    const hint = property["x-form"];
    const example = property.default ?? property.examples?.[0];
    const placeholder = hint?.placeholder ?? (typeof example === "string" || typeof example === "number" ? String(example) : undefined);
    ui[name] = {
      ...(placeholder && { "ui:placeholder": placeholder }),
      ...(property.writeOnly && { "ui:widget": "secret" }),
      ...(isNumberOrWord(property) && {
        "ui:widget": "numberOrWord",
        "ui:options": { words: (property.oneOf ?? []).filter(isConstant).map((one) => one["const"]) },
      }),
    };
  }
  return ui;
}
