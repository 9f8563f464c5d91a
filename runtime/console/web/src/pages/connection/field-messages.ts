// What is wrong with the fields of a connection, assigned to its parameters and templates.

import type { ConnectorDetail, Template } from "../../api/types";
import type { Texts } from "../../text";
import type { FieldMessage } from "../../text/server-messages";

/** The messages of the fields below a prefix, by JSON pointer relative to it. */
export function messagesBelow(fields: FieldMessage[], prefix: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { field, message } of fields) {
    if (field !== prefix && !field.startsWith(`${prefix}/`)) continue;
    (found[field.slice(prefix.length)] ??= []).push(message);
  }
  return found;
}

/** The label of a field: the title of a parameter, the usage of a template. */
export function fieldLabel(field: string, connector: ConnectorDetail, templates: Template[], t: Texts): string {
  const [, part, which] = field.split("/");
  if (field === "name") return t.connection.name;
  if (part === "parameters") {
    const properties = (connector.parametersSchema["properties"] ?? {}) as Record<string, { title?: string }>;
    return which ? (properties[which]?.title ?? which) : t.connection.parameters;
  }
  const template = which === undefined ? undefined : templates[Number(which)];
  if (!template) return part === "templates" ? t.connection.templates : field;
  return [t.connection.templates, t.usages[template.usage] ?? template.usage, template.locale].filter(Boolean).join(" · ");
}
