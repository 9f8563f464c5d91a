import type { ReactNode } from "react";
import { Check, CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { Tone } from "./badge";

interface NoticeProps {
  tone: Tone;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  /** Let screen readers announce it when it appears. */
  announce?: boolean;
}

export function Notice({ tone, title, children, actions, announce = false }: NoticeProps) {
  const Icon = tone === "good" ? Check : tone === "bad" ? CircleAlert : tone === "warn" ? TriangleAlert : Info;
  return (
    <div className={`notice ${tone}`} role={announce ? (tone === "bad" ? "alert" : "status") : undefined}>
      <Icon aria-hidden="true" size={20} />
      <div className="notice-body">
        {title && <p className="notice-title">{title}</p>}
        {children && <div className="notice-text">{children}</div>}
        {actions && <div className="row">{actions}</div>}
      </div>
    </div>
  );
}

export function Empty({ title, children, actions }: { title: ReactNode; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <p className="help">{children}</p>}
      {actions && <div className="row centred">{actions}</div>}
    </div>
  );
}
