// The difference between two values, one line per field.

import { ArrowRight } from "lucide-react";
import type { Change } from "../api/types";
import { useTexts } from "../text";

function display(value: unknown, nothing: string): string {
  if (value === null || value === undefined) return nothing;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.startsWith("sha256:") ? `${text.slice(0, 19)}…` : text;
}

/** `/parameters/authToken` becomes `parameters › authToken`. */
function fieldPath(field: string): string {
  return field.split("/").filter(Boolean).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")).join(" › ");
}

export function Changes({ changes }: { changes: Change[] }) {
  const t = useTexts();
  return (
    <ul className="changes" tabIndex={0} aria-label={t.promote.changes}>
      {changes.map((change) => (
        <li key={change.field}>
          <span className="change-field">{fieldPath(change.field)}</span>
          <span className="change-values">
            <del><span className="visually-hidden">{t.common.before} </span>{display(change.before, t.common.notSet)}</del>
            <ArrowRight size={14} aria-hidden="true" />
            <ins><span className="visually-hidden">{t.common.after} </span>{display(change.after, t.common.notSet)}</ins>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The values in nested objects by their paths. A list is one value. */
function leaves(value: unknown, path = ""): Map<string, unknown> {
  if (value === null || value === undefined) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) return new Map([[path, value]]);
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...leaves(inner, `${path}/${name}`)]));
}

/** The fields whose values differ. */
export function diff(before: unknown, after: unknown): Change[] {
  const [was, is] = [leaves(before), leaves(after)];
  const fields = [...new Set([...was.keys(), ...is.keys()])];
  return fields
    .map((field) => ({ field, before: was.get(field), after: is.get(field) }))
    .filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after));
}
