// Changes that are not saved are not lost by a click: whoever leaves the page is asked first.

import { useEffect, useRef, type ReactNode } from "react";
import { useBlocker } from "react-router";
import { useTexts } from "../text";
import { Button } from "./basics";
import { Dialog } from "./dialog";

interface Unsaved {
  /** To be put into the page. */
  guard: ReactNode;
  /** They are saved, or there is nothing to save any more: from now on nobody is asked. */
  settled: () => void;
}

export function useUnsaved(dirty: boolean): Unsaved {
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
  const guard = blocker.state === "blocked" && (
    <Dialog
      title={t.unsaved.title}
      onClose={() => blocker.reset()}
      actions={<Button look="danger" onClick={() => blocker.proceed()}>{t.unsaved.leave}</Button>}
    >
      <p>{t.unsaved.help}</p>
    </Dialog>
  );
  return { guard, settled: () => (now.current = false) };
}
