// Moves the focus to the heading of a new page, so that a screen reader announces it. The page may load after the address has
// changed, so the heading takes the focus once it is rendered.

import { useEffect, type RefObject } from "react";

let focusNextHeading = false;

/** The next heading that is rendered takes the focus. */
export function focusHeadingOnLoad(): void {
  focusNextHeading = true;
}

/** The heading names the page: in the tab, in bookmarks and to screen readers. What is only decoration or a state is left out. */
export function useDocumentTitle(heading: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const named = heading.current?.cloneNode(true) as HTMLElement | undefined;
    for (const one of named?.querySelectorAll("[aria-hidden=true], .badge, .logo") ?? []) one.remove();
    const name = named?.textContent?.trim();
    document.title = name ? `${name} · Sendbox` : "Sendbox";
  });
}

export function useHeadingFocus(heading: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    if (!focusNextHeading) return;
    focusNextHeading = false;
    heading.current?.focus({ preventScroll: true });
  }, [heading]);
}
