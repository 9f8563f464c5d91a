// A dialogue on top of the page: the browser's own, which keeps the focus inside and gives it back.

import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { X } from "lucide-react";
import { Button } from "./basics";
import { useTexts } from "../text";

interface DialogProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  actions: ReactNode;
  wide?: boolean;
  /** Whether it is over: then there is nothing to cancel. */
  over?: boolean;
}

export function Dialog({ title, onClose, children, actions, wide = false, over = false }: DialogProps) {
  const t = useTexts();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before it is taken out of the page: then the browser gives the focus back to where it was.
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
        <Button onClick={onClose}>{over ? t.common.close : t.common.cancel}</Button>
        {actions}
      </div>
    </dialog>
  );
}
