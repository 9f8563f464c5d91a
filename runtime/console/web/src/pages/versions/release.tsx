// The release of a connector: the last rollback and its reason, the canary, old and new version side by version.

import { useState, type ReactNode } from "react";
import { useMutation } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { apiPath, call, connectorPath } from "../../api/client";
import { refresh } from "../../api/queries";
import type { ComparedVersion, ConnectorVersion, FailureClass, Release } from "../../api/types";
import { RoleBadge } from "../../components/badge";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { Card } from "../../components/layout";
import { ErrorNotice } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { ServerText } from "../../components/server-text";
import { useFormat, useTexts } from "../../text";
import { versionName } from "./version-name";

interface ReleaseStatusProps {
  tenant: string;
  id: string;
  release: Release;
  versions: ConnectorVersion[];
}

export function ReleaseStatus({ tenant, id, release, versions }: ReleaseStatusProps) {
  const t = useTexts();
  const format = useFormat();
  const [dialog, setDialog] = useState<"roll-back" | "follow">();
  const [chosen, setChosen] = useState<number>();
  const [reason, setReason] = useState("");
  const change = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body?: unknown }) =>
      call<Release>(apiPath(tenant, connectorPath(id, `release${path}`)), { method, body }),
    onSuccess: () => {
      setDialog(undefined);
      setChosen(undefined);
      setReason("");
    },
    onSettled: () => refresh(tenant),
  });
  const { active, previous, canary, comparison, lastRollback, generation } = release;
  const versionOf = (digest: string) => versionName(digest, versions);
  const percent = chosen ?? canary?.percent ?? 0;
  const isWatched = previous != null && new Date(release.autoRollbackUntil) > new Date();
  return (
    <>
      {lastRollback?.to === active && (
        <Notice
          tone={lastRollback.automatic ? "warn" : "info"}
          title={t.versions.rolledBack(versionOf(lastRollback.from), versionOf(lastRollback.to), format.ago(lastRollback.rolledBackAt))}
          announce
        >
          <p>
            {t.versions.reason}:{" "}
            {lastRollback.fault ? <ServerText topic="fault" message={{ message: lastRollback.reason, ...lastRollback.fault }} /> : lastRollback.reason}.
          </p>
          {lastRollback.automatic && <p>{t.versions.automatic}</p>}
        </Notice>
      )}
      {isWatched && <Notice tone="info">{t.versions.autoRollback(versionOf(active), format.time(release.autoRollbackUntil))}</Notice>}
      {release.owner === "all-tenants" && release.tenant != null && (
        <Notice tone="info" actions={<Button onClick={() => setDialog("follow")}>{t.versions.follow}</Button>}>
          {t.versions.decidedHere}
        </Notice>
      )}
      {comparison && (
        <Card
          title={canary ? t.versions.canary : t.versions.comparison}
          help={canary ? t.versions.canaryHelp : t.versions.comparisonHelp(format.dateTime(comparison.since))}
          actions={
            previous != null && (
              <Button icon={<RotateCcw size={16} aria-hidden="true" />} onClick={() => setDialog("roll-back")}>{t.versions.rollback}</Button>
            )
          }
        >
          {canary && (
            <div className="canary">
              <label htmlFor="percent">{t.versions.percent(percent)}</label>
              <input id="percent" type="range" min={1} max={99} value={percent} onChange={(event) => setChosen(Number(event.target.value))} />
              <div className="row">
                <Button
                  variant="primary"
                  busy={change.isPending}
                  disabled={percent === canary.percent}
                  onClick={() => change.mutate({ path: "/canary", method: "PUT", body: { digest: canary.digest, percent, generation } })}
                >
                  {t.versions.setCanary}
                </Button>
                <Button busy={change.isPending} onClick={() => change.mutate({ path: "/canary", method: "DELETE" })}>{t.versions.stopCanary}</Button>
              </div>
            </div>
          )}
          <Comparison versions={comparison.versions} nameOf={versionOf} />
          {change.isError && !dialog && <ErrorNotice error={change.error} />}
        </Card>
      )}
      {dialog === "roll-back" && previous != null && (
        <Dialog
          title={t.versions.rollbackTitle}
          onClose={() => setDialog(undefined)}
          actions={
            <Button
              variant="danger"
              busy={change.isPending}
              onClick={() => change.mutate({ path: "/rollbacks", method: "POST", body: { generation, reason: reason.trim() || undefined } })}
            >
              {t.versions.rollback}
            </Button>
          }
        >
          <p>{t.versions.rollbackHelp(versionOf(previous))}</p>
          <Field label={`${t.versions.why} (${t.common.optional})`}>
            {(ids) => <input {...ids} value={reason} maxLength={200} autoComplete="off" onChange={(event) => setReason(event.target.value)} />}
          </Field>
          {change.isError && <ErrorNotice error={change.error} />}
        </Dialog>
      )}
      {dialog === "follow" && (
        <Dialog
          title={t.versions.follow}
          onClose={() => setDialog(undefined)}
          actions={
            <Button variant="primary" busy={change.isPending} onClick={() => change.mutate({ path: "", method: "DELETE" })}>
              {t.versions.followConfirm}
            </Button>
          }
        >
          <p>{t.versions.followHelp}</p>
          {change.isError && <ErrorNotice error={change.error} />}
        </Dialog>
      )}
    </>
  );
}

/** The metrics of both versions side by version. */
function Comparison({ versions, nameOf: named }: { versions: ComparedVersion[]; nameOf: (digest: string) => string }) {
  const t = useTexts();
  const format = useFormat();
  const failures = (version: ComparedVersion) =>
    Object.entries(version.failures).map(([kind, count]) => `${t.failures[kind as FailureClass] ?? kind}: ${format.number(count)}`).join(", ") || t.common.none;
  const took = (version: ComparedVersion, of: "p50" | "p95") => (version.latencyMs == null ? "—" : format.micros(version.latencyMs[of] * 1000));
  const lines: [string, (version: ComparedVersion) => ReactNode][] = [
    [t.versions.attempts, (version) => format.number(version.attempts)],
    [t.versions.successRate, (version) => <RateBar rate={version.successRate} />],
    [t.status["in-doubt"], (version) => format.number(version.inDoubt)],
    [t.versions.faults, (version) => format.number(version.faults)],
    [t.versions.latencyHalf, (version) => took(version, "p50")],
    [t.versions.latency, (version) => took(version, "p95")],
    [t.versions.failures, failures],
  ];
  return (
    <div className="scrolled" tabIndex={0} role="group" aria-label={t.versions.comparison}>
      <table className="table comparison">
        <thead>
          <tr>
            <td />
            {versions.map((version) => (
              <th scope="col" key={version.digest}>
                {named(version.digest)} <RoleBadge role={version.role} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {versions.map((version) => <td key={version.digest}>{value(version)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A rate as a percentage and as a bar. */
function RateBar({ rate }: { rate: number | null | undefined }) {
  const format = useFormat();
  if (rate == null) return <>—</>;
  return (
    <span className="rate">
      {format.percent(rate)} <meter min={0} max={1} low={0.8} high={0.95} optimum={1} value={rate} aria-hidden="true" />
    </span>
  );
}
