import type { ReactNode } from "react";
import type { Standing } from "../api/types";
import { useTexts } from "../text";

export type Tone = "good" | "bad" | "warn" | "info" | "neutral";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

const statusTones: Record<string, Tone> = {
  accepted: "good", failed: "bad", rejected: "bad", "in-doubt": "warn", queued: "info", sending: "info",
  expired: "neutral", cancelled: "neutral",
};

export function StatusBadge({ status }: { status: string }) {
  const t = useTexts();
  return <Badge tone={statusTones[status] ?? "neutral"}>{t.status[status] ?? status}</Badge>;
}

const deliveryTones: Record<string, Tone> = {
  queued: "info", sent: "info", delivered: "good", undelivered: "bad", expired: "bad", rejected: "bad",
};

/** The tone of a delivery state: `good` and `bad` are final, `info` may still change. */
export const deliveryTone = (state: string): Tone => deliveryTones[state] ?? "neutral";

export function DeliveryBadge({ of }: { of: string }) {
  const t = useTexts();
  return <Badge tone={deliveryTone(of)}>{t.deliveries[of] ?? of}</Badge>;
}

const standingTones: Record<Standing, Tone> = { active: "good", canary: "warn", previous: "info", available: "neutral" };

export function StandingBadge({ standing }: { standing: Standing }) {
  const t = useTexts();
  return <Badge tone={standingTones[standing]}>{t.versions.standing[standing]}</Badge>;
}
