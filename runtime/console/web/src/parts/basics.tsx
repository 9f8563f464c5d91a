// Small parts of every page: buttons, notices, badges, headings, tables. Plain HTML with names and roles that fit.

import { useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { Check, CircleAlert, Copy, Info, TriangleAlert } from "lucide-react";
import { useTexts } from "../text";
import { useAwaitedFocus } from "./focus";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "primary" | "plain" | "danger" | "quiet";
  working?: boolean;
  icon?: ReactNode;
}

export function Button({ look = "plain", working = false, icon, children, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`button ${look} ${className}`}
      aria-busy={working || undefined}
      {...rest}
      disabled={rest.disabled || working}
    >
      {working ? <span className="turning" aria-hidden="true" /> : icon}
      {children}
    </button>
  );
}

export type Tone = "good" | "bad" | "warn" | "info" | "neutral";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

const toneOfStatus: Record<string, Tone> = {
  accepted: "good", failed: "bad", rejected: "bad", "in-doubt": "warn", queued: "info", sending: "info",
  expired: "neutral", cancelled: "neutral",
};

export function Status({ of }: { of: string }) {
  const t = useTexts();
  return <Badge tone={toneOfStatus[of] ?? "neutral"}>{t.status[of] ?? of}</Badge>;
}

const toneOfDelivery: Record<string, Tone> = {
  queued: "info", sent: "info", delivered: "good", undelivered: "bad", expired: "bad", rejected: "bad",
};

/** Of a state that a provider reports: `good` or `bad` is the end, `info` may change. */
export const deliveryTone = (state: string): Tone => toneOfDelivery[state] ?? "neutral";

/** What the provider has reported of a message since it took it. */
export function Delivered({ of }: { of: string }) {
  const t = useTexts();
  return <Badge tone={deliveryTone(of)}>{t.deliveries[of] ?? of}</Badge>;
}

interface NoticeProps {
  tone: Tone;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  /** Read out as soon as it appears. */
  announced?: boolean;
}

export function Notice({ tone, title, children, actions, announced = false }: NoticeProps) {
  const Icon = tone === "good" ? Check : tone === "bad" ? CircleAlert : tone === "warn" ? TriangleAlert : Info;
  return (
    <div className={`notice ${tone}`} role={announced ? (tone === "bad" ? "alert" : "status") : undefined}>
      <Icon aria-hidden="true" size={20} />
      <div className="notice-body">
        {title && <p className="notice-title">{title}</p>}
        {children && <div className="notice-text">{children}</div>}
        {actions && <div className="row">{actions}</div>}
      </div>
    </div>
  );
}

export function PageHead({ title, lead, actions }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useAwaitedFocus(heading);
  return (
    <header className="page-head">
      <div>
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      {actions && <div className="row">{actions}</div>}
    </header>
  );
}

interface CardProps {
  title?: ReactNode;
  help?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
  className?: string;
}

export function Card({ title, help, actions, children, className = "" }: CardProps) {
  const id = useId();
  return (
    <section className={`card ${className}`} aria-labelledby={title ? id : undefined}>
      {(title || actions) && (
        <div className="card-head">
          <div>
            {title && <h2 id={id}>{title}</h2>}
            {help && <p className="help">{help}</p>}
          </div>
          {actions && <div className="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
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

/** A field with its label, help and error, tied together for screen readers. */
interface FieldProps {
  label: ReactNode;
  help?: ReactNode;
  error?: ReactNode;
  children: (ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ReactNode;
}

export function Field({ label, help, error, children }: FieldProps) {
  const id = useId();
  const described = [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={`field ${error ? "wrong" : ""}`}>
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {help && <p className="help" id={`${id}-help`}>{help}</p>}
      {error && <p className="error" id={`${id}-error`}>{error}</p>}
    </div>
  );
}

interface SwitchProps {
  label: ReactNode;
  help?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, help, checked, onChange, disabled }: SwitchProps) {
  const id = useId();
  return (
    <div className="switch-row">
      <input
        id={id}
        type="checkbox"
        role="switch"
        className="switch"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        aria-describedby={help ? `${id}-help` : undefined}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {help && <p className="help" id={`${id}-help`}>{help}</p>}
      </div>
    </div>
  );
}

/** A field that narrows a list down. */
export function Search({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <input type="search" className="filter" aria-label={label} placeholder={label} value={value} onChange={(event) => onChange(event.target.value)} />
  );
}

export function CopyButton({ text }: { text: string }) {
  const t = useTexts();
  const [copied, setCopied] = useState(false);
  return (
    <Button
      icon={copied ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {copied ? t.common.copied : t.common.copy}
    </Button>
  );
}

/** A sentence of the server, with the names in it as such: `main` is active. */
export function Said({ text }: { text: string }) {
  return <>{text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>;
}

/** A picture of a connector. As an image, so that nothing in it runs. */
export function Logo({ svg, name, size = 40 }: { svg: string | null; name: string; size?: number }) {
  if (!svg) {
    return <span className="logo letter" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>;
  }
  return <img className="logo" src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt="" width={size} height={size} />;
}

/** What a list of pairs is in HTML. */
export function Facts({ facts }: { facts: [ReactNode, ReactNode][] }) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return (
    <dl className="facts">
      {shown.map(([name, value], index) => (
        <div key={index}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
