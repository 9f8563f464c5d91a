// The calls of an ingress. Until the first one arrives the page looks for it every two seconds, as long as it is visible.

import { useEffect, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { basePath } from "../../api/client";
import { ingressCallsQuery } from "../../api/queries";
import type { Ingress, IngressCall, IngressOutcome } from "../../api/types";
import { Badge, StatusBadge, type Tone } from "../../components/badge";
import { Card } from "../../components/layout";
import { Loaded } from "../../components/loaded";
import { useFormat, useTexts } from "../../text";
import { Reason } from "./sentence";

const FIRST_CALL_INTERVAL_MS = 2000;
const LATER_INTERVAL_MS = 5000;

const tones: Record<IngressOutcome, Tone> = { stored: "good", repeated: "neutral", ignored: "neutral", refused: "bad", answered: "info" };

export function CallsCard({ tenant, ingress }: { tenant: string; ingress: Ingress }) {
  const t = useTexts();
  const calls = useQuery({
    ...ingressCallsQuery(tenant, ingress.name),
    // Not while the page is hidden: the query stops then by itself, and starts again when the page is shown.
    refetchInterval: ({ state }) => (state.error ? false : state.data?.length === 0 ? FIRST_CALL_INTERVAL_MS : LATER_INTERVAL_MS),
  });
  const arrival = useArrival(calls.data);
  return (
    <Card title={t.ingressPage.calls} help={t.ingressPage.callsHelp}>
      <p className={arrival ? "arrival" : "visually-hidden"} role="status">{arrival}</p>
      <Loaded query={calls}>
        {(known) =>
          known.length === 0 ? (
            <div className="waiting">
              <span className="spinner" aria-hidden="true" />
              <div>
                <p className="empty-title">{t.ingressPage.waiting}</p>
                <p className="help">{t.ingressPage.waitingHelp}</p>
              </div>
            </div>
          ) : (
            <Calls tenant={tenant} calls={known} />
          )
        }
      </Loaded>
    </Card>
  );
}

/** Announces a call that arrives while the page is open. */
function useArrival(calls: IngressCall[] | undefined): string {
  const t = useTexts();
  const before = useRef<string | undefined>(undefined);
  const [newest, setNewest] = useState<{ call: IngressCall; isFirst: boolean }>();
  const [call] = calls ?? [];
  useEffect(() => {
    if (!calls) return;
    if (call && before.current !== undefined && before.current !== call.receivedAt) setNewest({ call, isFirst: before.current === "" });
    before.current = call?.receivedAt ?? "";
  }, [calls, call]);
  if (!newest) return "";
  const outcome = t.ingressOutcomes[newest.call.outcome];
  return newest.isFirst ? t.ingressPage.firstCall(outcome) : t.ingressPage.newCall(outcome);
}

function Calls({ tenant, calls }: { tenant: string; calls: IngressCall[] }) {
  const t = useTexts();
  const format = useFormat();
  return (
    <div className="scrolled calls" tabIndex={0} role="group" aria-label={t.ingressPage.calls}>
      <table className="table stacking">
        <thead>
          <tr>
            <th scope="col">{t.ingressPage.time}</th>
            <th scope="col">{t.ingressPage.outcome}</th>
            <th scope="col">{t.ingressPage.recipient}</th>
            <th scope="col">{t.ingressPage.usage}</th>
            <th scope="col">{t.ingressPage.response}</th>
            <th scope="col">{t.ingressPage.message}</th>
          </tr>
        </thead>
        <tbody>
          {calls.map((one, index) => (
            <tr key={`${one.receivedAt} ${calls.length - index}`}>
              <td className="nowrap" data-label={t.ingressPage.time}><time dateTime={one.receivedAt}>{format.dateTime(one.receivedAt)}</time></td>
              <td data-label={t.ingressPage.outcome}>
                <div>
                  <Badge tone={tones[one.outcome]}>{t.ingressOutcomes[one.outcome]}</Badge>
                  <div className="fine">
                    {one.detail ? <Reason text={one.detail} sentence={t.ingressOutcomeHelp[one.outcome]} /> : t.ingressOutcomeHelp[one.outcome]}
                  </div>
                </div>
              </td>
              <td className="nowrap" data-label={t.ingressPage.recipient}>{one.to ?? "—"}</td>
              <td data-label={t.ingressPage.usage}>{one.usage ? t.usages[one.usage] : "—"}</td>
              <td className="nowrap" data-label={t.ingressPage.response}>{one.status == null ? "—" : t.ingressPage.responseStatus(one.status)}</td>
              <td data-label={t.ingressPage.message}>
                {one.message && one.messageStatus ? (
                  <span>
                    <StatusBadge status={one.messageStatus} />{" "}
                    <Link className="nowrap" to={`${basePath(tenant)}/messages/${one.message}`}>{t.ingressPage.openMessage}</Link>
                  </span>
                ) : (
                  "—"
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
