// The values of a connection while they are edited, and the problem that the server found with them.

import { useState } from "react";
import { Problem } from "../../api/client";
import type { Connection, ConnectorDetail, DemoAccount, JsonObject, Template } from "../../api/types";
import { normalizeTemplates, REQUIRED_USAGES, withRequiredUsages } from "../../form/template-list";

export function useDraft(connector: ConnectorDetail, saved: Connection | undefined, others: Connection[]) {
  const [name, setName] = useState(() => saved?.name ?? availableName(connector.id, others));
  const [parameters, setParameters] = useState<JsonObject>(() => saved?.parameters ?? {});
  const [templates, setTemplates] = useState<Template[]>(() => (saved ? normalizeTemplates(saved.templates) : initialTemplates(connector)));
  const [dirty, setDirty] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  // The exact input with which the provider last accepted a test message.
  const [acceptedInput, setAcceptedInput] = useState("");
  const input = JSON.stringify([parameters, templates]);

  // The error of a field disappears when the field changes; the server validates it again on the next request.
  const clearErrors = (changed: (field: string) => boolean) =>
    setProblem((before: unknown) => (before instanceof Problem ? before.without(changed) : before));
  const changeParameters = (next: JsonObject) => {
    const names = Object.keys({ ...parameters, ...next }).filter((one) => parameters[one] !== next[one]);
    if (names.length > 0) clearErrors((field) => field === "/parameters" || names.some((one) => field.startsWith(`/parameters/${one}`)));
    setParameters(next);
    setDirty(true);
  };

  return {
    name,
    parameters,
    templates: connector.content === "variables" ? [] : templates,
    dirty,
    problem,
    setProblem,
    /** Whether the provider accepted a test message with these values. */
    isTested: acceptedInput === input || (!dirty && saved?.testedAt != null),
    markAccepted: () => setAcceptedInput(input),
    markSaved: () => {
      setProblem(undefined);
      setDirty(false);
    },
    changeName: (next: string) => {
      setName(next);
      setDirty(true);
    },
    changeParameters,
    changeTemplates: (next: Template[]) => {
      const same = next.length === templates.length;
      clearErrors((field) => {
        const index = Number(/^\/templates\/(\d+)/.exec(field)?.[1] ?? Number.NaN);
        return field.startsWith("/templates") && (!same || Number.isNaN(index) || templates[index] !== next[index]);
      });
      setTemplates(next);
      setDirty(true);
    },
    fillIn: (account: DemoAccount) => {
      changeParameters(account.parameters);
      if (connector.content === "template") setTemplates(withRequiredUsages(normalizeTemplates(account.templates)));
    },
    /** Takes over what the server has saved. */
    reset: (connection: Connection) => {
      setParameters(connection.parameters);
      setTemplates(normalizeTemplates(connection.templates));
    },
  };
}

/** A name that is not taken: `main` for the first connection, else the connector's. */
function availableName(connector: string, others: Connection[]): string {
  const taken = new Set(others.map((one) => one.name));
  const candidates = [...(others.length === 0 ? ["main"] : []), connector, ...Array.from({ length: 98 }, (_, n) => `${connector}-${n + 2}`)];
  return candidates.find((name) => !taken.has(name)) ?? connector;
}

/** The default templates; for templates of the provider, an empty one per required usage. */
function initialTemplates(connector: ConnectorDetail): Template[] {
  if (connector.defaultTemplates.length > 0 || connector.content !== "template") return connector.defaultTemplates;
  return REQUIRED_USAGES.map((usage) => ({ usage, template: "" }));
}
