// Adapts a connector's JSON Schema to the form library. Parts that only constrain values (a choice between required fields or
// between patterns) are left out: the server checks them and names the field.

import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import type { JsonObject } from "../api/types";

interface Property extends JsonObject {
  type?: string;
  title?: string;
  writeOnly?: boolean;
  format?: string;
  enum?: unknown[];
  oneOf?: JsonObject[];
  anyOf?: JsonObject[];
  examples?: unknown[];
  default?: unknown;
  "x-form"?: { order?: number; placeholder?: string; widget?: string };
}

function properties(schema: JsonObject): [string, Property][] {
  return Object.entries((schema["properties"] ?? {}) as Record<string, Property>);
}

/** The secret parameters, as `[name, title]`. */
export function secretParameters(schema: JsonObject): [string, string][] {
  return properties(schema).filter(([, one]) => one.writeOnly).map(([name, one]) => [name, one.title ?? name]);
}

const hasProperties = (option: JsonObject) => "properties" in option;
const isConstant = (option: JsonObject) => "const" in option;

/** Whether it is a number or one of some words, which are shown as one text field. */
function isNumberOrWord(property: Property): boolean {
  const options = property.oneOf ?? [];
  return options.some(isConstant) && options.some((one) => one["type"] === "integer" || one["type"] === "number");
}

/** Whether it is a list or an object, which is shown as JSON. */
function isJson(property: Property): boolean {
  return property.type === "object" || property.type === "array";
}

/** The names of the parameters that are shown as JSON. */
export function jsonParameters(schema: JsonObject): Set<string> {
  return new Set(properties(schema).filter(([, one]) => isJson(one)).map(([name]) => name));
}

function shownProperty(property: Property): Property {
  // As a text, so that the library looks for no members.
  if (isJson(property)) return { type: "string", title: property.title, description: property["description"] } as Property;
  const shown = { ...property };
  if (isNumberOrWord(property)) {
    delete shown.oneOf;
    shown.type = "string";
  }
  if (shown.anyOf && !shown.anyOf.some(hasProperties)) delete shown.anyOf;
  if (!shown.type && shown.enum) shown.type = typeof shown.enum[0] === "number" ? "number" : "string";
  if (!shown.type && shown.oneOf?.every(isConstant)) shown.type = "string";
  return shown;
}

/** A condition without what it forbids: the server names a parameter that contradicts another one. */
function withoutForbidden(condition: JsonObject): JsonObject {
  const shown = { ...condition };
  for (const part of ["then", "else"]) {
    const properties = (shown[part] as JsonObject | undefined)?.["properties"];
    if (!properties) continue;
    const allowed = Object.entries(properties as JsonObject).filter(([, one]) => one !== false);
    shown[part] = { ...(shown[part] as JsonObject), properties: Object.fromEntries(allowed) };
  }
  return shown;
}

/** The schema as the form library can show it. */
export function formSchema(schema: JsonObject): RJSFSchema {
  const shown = withoutForbidden(schema);
  delete shown["$schema"];
  if (shown["allOf"]) shown["allOf"] = (shown["allOf"] as JsonObject[]).map(withoutForbidden);
  for (const choice of ["anyOf", "oneOf"]) {
    const options = shown[choice] as JsonObject[] | undefined;
    if (options && !options.some(hasProperties)) delete shown[choice];
  }
  shown["properties"] = Object.fromEntries(properties(schema).map(([name, one]) => [name, shownProperty(one)]));
  return shown as RJSFSchema;
}

/** The order, widgets and placeholders that the connector's author chose. */
export function formUiSchema(schema: JsonObject): UiSchema {
  const all = properties(schema);
  const order = [...all].sort(([, a], [, b]) => (a["x-form"]?.order ?? 99) - (b["x-form"]?.order ?? 99));
  const ui: UiSchema = {
    "ui:order": [...order.map(([name]) => name), "*"],
    "ui:submitButtonOptions": { norender: true },
  };
  for (const [name, property] of all) {
    const hint = property["x-form"];
    const example = property.default ?? property.examples?.[0];
    const isScalar = typeof example === "string" || typeof example === "number";
    const placeholder = hint?.placeholder ?? (isScalar ? String(example) : isJson(property) ? JSON.stringify(example) : undefined);
    ui[name] = {
      ...(placeholder && { "ui:placeholder": placeholder }),
      ...(property.writeOnly && { "ui:widget": "secret" }),
      ...(isJson(property) && { "ui:widget": "json" }),
      ...(isNumberOrWord(property) && {
        "ui:widget": "numberOrWord",
        "ui:options": { words: (property.oneOf ?? []).filter(isConstant).map((one) => one["const"]) },
      }),
    };
  }
  return ui;
}
