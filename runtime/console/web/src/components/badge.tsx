import type { ReactNode } from "react";
import type { AttemptOutcome, DeliveryState, MessageStatus, VersionRole } from "../api/types";
import { useTexts } from "../text";

export type Tone = "good" | "bad" | "warn" | "info" | "neutral";

export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

const statusTones: Record<MessageStatus | AttemptOutcome, Tone> = {
  accepted: "good", failed: "bad", rejected: "bad", "in-doubt": "warn", queued: "info", sending: "info",
  expired: "neutral", cancelled: "neutral",
};

export function StatusBadge({ status }: { status: MessageStatus | AttemptOutcome }) {
  const t = useTexts();
  return <Badge tone={statusTones[status]}>{t.status[status]}</Badge>;
}

const deliveryTones: Record<DeliveryState, Tone> = {
  queued: "info", sent: "info", delivered: "good", undelivered: "bad", expired: "bad", rejected: "bad",
  unknown: "neutral",
};

/** The tone of a delivery state: `good` and `bad` are final, `info` may still change. */
export const deliveryTone = (state: DeliveryState): Tone => deliveryTones[state];

export function DeliveryBadge({ state }: { state: DeliveryState }) {
  const t = useTexts();
  return <Badge tone={deliveryTone(state)}>{t.deliveries[state]}</Badge>;
}

const roleTones: Record<VersionRole, Tone> = { active: "good", canary: "warn", previous: "info", available: "neutral" };

export function RoleBadge({ role }: { role: VersionRole }) {
  const t = useTexts();
  return <Badge tone={roleTones[role]}>{t.versions.role[role]}</Badge>;
}
