import { useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { Check, Copy } from "lucide-react";
import { useTexts } from "../text";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: "primary" | "plain" | "danger" | "quiet";
  busy?: boolean;
  icon?: ReactNode;
}

export function Button({ variant = "plain", busy = false, icon, children, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`button ${variant} ${className}`}
      aria-busy={busy || undefined}
      {...rest}
      disabled={rest.disabled || busy}
    >
      {busy ? <span className="spinner" aria-hidden="true" /> : icon}
      {children}
    </button>
  );
}

/** `name` is what is copied, for pages with more than one such button. */
export function CopyButton({ text, name }: { text: string; name?: string }) {
  const t = useTexts();
  const [copied, setCopied] = useState(false);
  return (
    <Button
      icon={copied ? <Check size={16} aria-hidden="true" /> : <Copy size={16} aria-hidden="true" />}
      aria-label={name && `${copied ? t.common.copied : t.common.copy}: ${name}`}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      {copied ? t.common.copied : t.common.copy}
    </Button>
  );
}
