// A modal dialog: the browser's own, which traps the focus and restores it.

import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { X } from "lucide-react";
import { Button } from "./button";
import { useTexts } from "../text";

interface DialogProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  actions: ReactNode;
  wide?: boolean;
  /** Nothing is left to confirm or cancel: the dialog offers to close instead. */
  finished?: boolean;
}

export function Dialog({ title, onClose, children, actions, wide = false, finished = false }: DialogProps) {
  const t = useTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Close it before React removes it from the page, so that the browser restores the focus.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" className="icon-button" onClick={onClose} aria-label={t.common.close}>
          <X size={20} aria-hidden="true" />
        </button>
      </div>
      <div className="dialog-body">{children}</div>
      <div className="dialog-actions">
        <Button onClick={onClose}>{finished ? t.common.close : t.common.cancel}</Button>
        {actions}
      </div>
    </dialog>
  );
}
