// Reasons to send, in the order in which people meet them; and texts that were written for other systems.

import type { Members, Template } from "../api/types";

/** Every connection needs a text for each of these; any other falls back to `generic`. */
export const MANDATORY = ["register", "sign-in", "forgot-password", "generic"];

export const USAGES = [
  ...MANDATORY, "organization-invitation", "user-permission-validation", "bind-new-identifier", "mfa-verification",
  "bind-mfa",
];

/** The same list in one spelling: the server reads Logto's (`usageType: "SignIn"`, `templateCode`), and gives back what it got. */
export function inOneSpelling(templates: Template[]): Template[] {
  return templates.map((template) => {
    const { usageType, templateCode, ...rest } = template as Template & Members;
    const usage = rest.usage ?? String(usageType ?? "").replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();
    return { ...rest, usage, ...(templateCode !== undefined && { template: templateCode }) };
  });
}

/** One template for each reason that needs one, where a list has only the general one. */
export function forEachReason(templates: Template[]): Template[] {
  const general = templates.find((one) => one.usage === "generic" && !one.locale);
  const missing = MANDATORY.filter((usage) => !templates.some((one) => one.usage === usage));
  return general ? [...missing.map((usage) => ({ ...general, usage })), ...templates] : templates;
}
