// Which templates a connection needs, and lists of templates that were written for other systems.

import type { JsonObject, Template, Usage } from "../api/types";

/** Every connection needs a template for each of these; the others fall back to `generic`. */
export const REQUIRED_USAGES: Usage[] = ["register", "sign-in", "forgot-password", "generic"];

/** Turns Logto's spelling (`usageType: "SignIn"`, `templateCode`), which the server accepts and returns, into Sendbox's. */
export function normalizeTemplates(templates: Template[]): Template[] {
  return templates.map((template) => {
    const { usageType, templateCode, ...rest } = template as Template & JsonObject;
    const usage = rest.usage ?? String(usageType ?? "").replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();
    return { ...rest, usage, ...(templateCode !== undefined && { template: templateCode }) };
  });
}

/** Copies the generic template to the required usages that have none. */
export function withRequiredUsages(templates: Template[]): Template[] {
  const general = templates.find((one) => one.usage === "generic" && !one.locale);
  const missing = REQUIRED_USAGES.filter((usage) => !templates.some((one) => one.usage === usage));
  return general ? [...missing.map((usage) => ({ ...general, usage })), ...templates] : templates;
}
