import type { ReactNode } from "react";
import type { ShapeLine } from "../api/types";
import { useTexts } from "../text";

/** The lines of a request. They scroll, so the keyboard must reach them. */
export function ShapeLines({ label, children }: { label: string; children: ReactNode }) {
  return <pre className="shape-lines" tabIndex={0} aria-label={label}>{children}</pre>;
}

/** A line of a request, marked where it was added or removed: with a colour and a sign, and with words for who sees neither. */
export function ShapeLineDiff({ change, isSame = false }: { change: ShapeLine; isSame?: boolean }) {
  const t = useTexts();
  if (isSame) return <>{`  ${change.line}\n`}</>;
  const [Mark, sign, name] = change.added
    ? (["ins", "+", t.requestShapes.added] as const)
    : (["del", "-", t.requestShapes.removed] as const);
  return (
    <Mark>
      <span aria-hidden="true">{`${sign} `}</span>
      <span className="visually-hidden">{name}: </span>
      {`${change.line}\n`}
    </Mark>
  );
}
