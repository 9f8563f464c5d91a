// After a change of page the focus is at its heading, so that a screen reader says where one is. A page may come later than
// the address that asked for it, so the heading takes the focus when it is there.

import { useEffect, type RefObject } from "react";

let awaited = false;

/** The address has changed: the next heading takes the focus. */
export function awaitHeading(): void {
  awaited = true;
}

export function useAwaitedFocus(heading: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    if (!awaited) return;
    awaited = false;
    heading.current?.focus({ preventScroll: true });
  }, [heading]);
}
