// Asks for confirmation before unsaved changes are lost by leaving the page.

import { useEffect, useRef, type ReactNode } from "react";
import { useBlocker } from "react-router";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { useTexts } from "../text";

interface UnsavedChanges {
  /** Render it anywhere in the page. */
  dialog: ReactNode;
  /** The changes are saved or obsolete: leave without asking. */
  release: () => void;
}

export function useUnsavedChanges(dirty: boolean): UnsavedChanges {
  const t = useTexts();
  const now = useRef(dirty);
  now.current = dirty;
  const blocker = useBlocker(({ currentLocation, nextLocation }) => now.current && currentLocation.pathname !== nextLocation.pathname);
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [dirty]);
  const dialog = blocker.state === "blocked" && (
    <Dialog
      title={t.unsavedChanges.title}
      onClose={() => blocker.reset()}
      actions={<Button variant="danger" onClick={() => blocker.proceed()}>{t.unsavedChanges.leave}</Button>}
    >
      <p>{t.unsavedChanges.help}</p>
    </Dialog>
  );
  return { dialog, release: () => (now.current = false) };
}
