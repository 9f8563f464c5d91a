import type { ShapeLine } from "../api/types";
import { useTexts } from "../text";

/** A line of a request, marked where it was added or removed. */
export function ShapeLineDiff({ change, isSame = false }: { change: ShapeLine; isSame?: boolean }) {
  const t = useTexts();
  if (isSame) return <>{`  ${change.line}\n`}</>;
  const [Mark, sign, name] = change.added
    ? (["ins", "+", t.requestShapes.added] as const)
    : (["del", "-", t.requestShapes.removed] as const);
  return <Mark title={name}>{`${sign} ${change.line}\n`}</Mark>;
}
