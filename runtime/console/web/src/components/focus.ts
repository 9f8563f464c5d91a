// Moves the focus to the heading of a new page, so that a screen reader announces it. The page may load after the address has
// changed, so the heading takes the focus once it is rendered.

import { useEffect, type RefObject } from "react";

let focusNextHeading = false;

/** The next heading that is rendered takes the focus. */
export function focusHeadingOnLoad(): void {
  focusNextHeading = true;
}

export function useHeadingFocus(heading: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    if (!focusNextHeading) return;
    focusNextHeading = false;
    heading.current?.focus({ preventScroll: true });
  }, [heading]);
}
