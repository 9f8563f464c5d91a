// The versions of a connector: what each may do, how it differs, and which one sends; a part of the messages on trial.

import { useState } from "react";
import { useMutation, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { RotateCcw, Upload, Zap } from "lucide-react";
import { useParams } from "react-router";
import { at, call } from "../api/client";
import { connectorQuery, isMissing, refresh } from "../api/queries";
import type { ConnectorVersion, Release } from "../api/types";
import { Badge, Button, Card, Empty, Logo, Notice, PageHead, type Tone } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { useFormat, useTexts } from "../text";
import { pathOf, Progress, UploadConnector } from "./upload";

export default function Versions() {
  const t = useTexts();
  const { tenant = "", connector: id = "" } = useParams();
  const [uploading, setUploading] = useState(false);
  const connector = useQuery(connectorQuery(tenant, id));
  const versions = useQuery({
    queryKey: ["tenant", tenant, "versions", id],
    queryFn: async ({ signal }): Promise<ConnectorVersion[] | null> => {
      try {
        return await call<ConnectorVersion[]>(at(tenant, pathOf(id, "versions")), { signal });
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    refetchInterval: (query) =>
      query.state.data?.some((one) => one.state === "received" || one.state === "compiling") ? 1000 : false,
  });
  const release = useQuery({
    queryKey: ["tenant", tenant, "release", id],
    queryFn: ({ signal }) => call<Release>(at(tenant, pathOf(id, "release")), { signal }),
    enabled: Array.isArray(versions.data),
    refetchInterval: (query) => (query.state.data && !query.state.error ? 2000 : false),
  });
  const name = connector.data?.name ?? id;
  return (
    <>
      <PageHead
        title={<span className="titled"><Logo svg={connector.data?.logo ?? null} name={name} /> {t.versions.title(name)}</span>}
        lead={t.versions.lead}
        actions={
          versions.data && (
            <Button look="primary" icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
              {t.versions.upload}
            </Button>
          )
        }
      />
      <Loaded query={versions}>
        {(all) =>
          all === null ? (
            <Empty title={t.versions.unavailable}>{t.versions.unavailableHelp}</Empty>
          ) : (
            <>
              <Loaded query={release}>{(now) => <Running tenant={tenant} id={id} release={now} versions={all} />}</Loaded>
              {all.length === 0 && <Empty title={t.versions.noVersions} />}
              {all.map((version) => (
                <Version key={version.digest} tenant={tenant} id={id} version={version} release={release} />
              ))}
            </>
          )
        }
      </Loaded>
      {uploading && <UploadConnector tenant={tenant} onClose={() => setUploading(false)} />}
    </>
  );
}

const tones: Record<string, Tone> = { active: "good", canary: "warn", previous: "info", available: "neutral" };

interface RunningProps {
  tenant: string;
  id: string;
  release: Release;
  versions: ConnectorVersion[];
}

function Running({ tenant, id, release, versions }: RunningProps) {
  const t = useTexts();
  const format = useFormat();
  const [rolling, setRolling] = useState(false);
  const versionOf = (digest: string | null) => versions.find((one) => one.digest === digest)?.version ?? digest?.slice(7, 19) ?? "—";
  const change = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body?: unknown }) =>
      call(at(tenant, pathOf(id, `release/${path}`)), { method, body }),
    onSettled: () => refresh(tenant),
  });
  const { canary, comparison, lastRollback } = release;
  const [percent, setPercent] = useState(canary?.percent ?? 10);
  return (
    <>
      {lastRollback && (
        <Notice tone={lastRollback.automatic ? "warn" : "info"} title={t.versions.rolledBack(format.ago(lastRollback.at), lastRollback.reason)}>
          {lastRollback.automatic && <p>{t.versions.automatic}</p>}
        </Notice>
      )}
      {release.watchedUntil && new Date(release.watchedUntil) > new Date() && (
        <Notice tone="info">{t.versions.watched(format.time(release.watchedUntil))}</Notice>
      )}
      {(canary || comparison || release.previous) && (
        <Card
          title={canary ? t.versions.canary : t.versions.comparison}
          help={canary ? t.versions.canaryHelp : undefined}
          actions={
            release.previous && (
              <Button icon={<RotateCcw size={16} aria-hidden="true" />} onClick={() => setRolling(true)}>{t.versions.rollback}</Button>
            )
          }
        >
          {canary && (
            <div className="canary">
              <label htmlFor="percent">{t.versions.percent(percent)}</label>
              <input id="percent" type="range" min={1} max={100} value={percent} onChange={(event) => setPercent(Number(event.target.value))} />
              <div className="row">
                <Button
                  look="primary"
                  working={change.isPending}
                  disabled={percent === canary.percent}
                  onClick={() => change.mutate({ path: "canary", method: "PUT", body: { digest: canary.digest, percent, generation: release.generation } })}
                >
                  {t.versions.setCanary}
                </Button>
                <Button working={change.isPending} onClick={() => change.mutate({ path: "canary", method: "DELETE" })}>{t.versions.stopCanary}</Button>
              </div>
            </div>
          )}
          {comparison && (
            <div className="sides" aria-live="polite">
              {comparison.sides.map((side) => (
                <div key={side.digest} className="side-column">
                  <h3>{versionOf(side.digest)} <Badge tone={tones[side.standing] ?? "neutral"}>{t.versions.standing[side.standing] ?? side.standing}</Badge></h3>
                  <dl className="facts">
                    <div><dt>{t.versions.attempts}</dt><dd>{format.number(side.attempts)}</dd></div>
                    <div><dt>{t.versions.successRate}</dt><dd>{side.successRate === null || side.attempts === 0 ? "—" : format.percent(side.successRate)}</dd></div>
                    <div><dt>{t.status["in-doubt"]}</dt><dd>{format.number(side.inDoubt)}</dd></div>
                    <div><dt>{t.versions.latency}</dt><dd>{side.latencyMs.p95 === null ? "—" : format.micros(side.latencyMs.p95 * 1000)}</dd></div>
                    <div>
                      <dt>{t.versions.failures}</dt>
                      <dd>{Object.entries(side.failures).filter(([, count]) => count > 0).map(([name, count]) => `${t.failures[name] ?? name}: ${count}`).join(", ") || t.common.none}</dd>
                    </div>
                  </dl>
                </div>
              ))}
            </div>
          )}
          {change.isError && <Failed error={change.error} />}
        </Card>
      )}
      {rolling && release.previous && (
        <Dialog
          title={t.versions.rollbackTitle}
          onClose={() => setRolling(false)}
          actions={
            <Button
              look="danger"
              working={change.isPending}
              onClick={() =>
                change.mutate(
                  { path: "rollbacks", method: "POST", body: { generation: release.generation } },
                  { onSuccess: () => setRolling(false) },
                )
              }
            >
              {t.versions.rollback}
            </Button>
          }
        >
          <p>{t.versions.rollbackHelp(versionOf(release.previous))}</p>
          {change.isError && <Failed error={change.error} />}
        </Dialog>
      )}
    </>
  );
}

interface VersionProps {
  tenant: string;
  id: string;
  version: ConnectorVersion;
  release: UseQueryResult<Release>;
}

interface Activated {
  release: Release;
  heldBack: { tenant: string; connection: string; problems: { field: string; message: string }[] }[];
}

function Version({ tenant, id, version, release }: VersionProps) {
  const t = useTexts();
  const format = useFormat();
  const [asking, setAsking] = useState<"approve" | "activate">();
  const { difference } = version;
  const generation = release.data?.generation ?? 0;
  const change = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body: unknown }) =>
      call<Partial<Activated> | undefined>(at(tenant, pathOf(id, path)), { method, body }),
    onSuccess: () => setAsking(undefined),
    onSettled: () => refresh(tenant),
  });
  const approved = !difference?.needsApproval || difference.approvedAt !== null;
  const usable = version.state === "ready" && approved;
  const heldBack = change.data?.heldBack ?? [];
  return (
    <Card
      title={
        <>
          {version.version}{" "}
          <Badge tone={tones[version.standing] ?? "neutral"}>{t.versions.standing[version.standing] ?? version.standing}</Badge>{" "}
          {version.state !== "ready" && <Badge tone={version.state === "refused" ? "bad" : "info"}>{t.versions.state[version.state] ?? version.state}</Badge>}
        </>
      }
      help={
        <>
          <code>{version.digest.slice(0, 19)}…</code> · {format.bytes(version.bytes)}
          {version.uploadedAt && ` · ${t.versions.uploaded(format.ago(version.uploadedAt), version.uploadedBy ?? "—")}`}
        </>
      }
      actions={
        <>
          {difference?.needsApproval && !difference.approvedAt && version.state === "ready" && (
            <Button onClick={() => setAsking("approve")}>{t.versions.approve}</Button>
          )}
          {usable && version.standing === "available" && !release.data?.canary && (
            <Button
              working={change.isPending}
              onClick={() => change.mutate({ path: "release/canary", method: "PUT", body: { digest: version.digest, percent: 10, generation } })}
            >
              {t.versions.startCanary}
            </Button>
          )}
          {usable && version.standing !== "active" && (
            <Button look="primary" icon={<Zap size={16} aria-hidden="true" />} onClick={() => setAsking("activate")}>{t.versions.activate}</Button>
          )}
        </>
      }
    >
      {version.state === "refused" && <Notice tone="bad" title={t.versions.refused}>{version.refusal}</Notice>}
      {version.progress && version.state !== "ready" && version.state !== "refused" && (
        <Progress
          text={t.versions.processing(version.progress.step, version.progress.of, version.progress.doing)}
          value={version.progress.step / version.progress.of}
        />
      )}
      {difference && version.standing !== "active" && <Difference difference={difference} />}
      {heldBack.length > 0 && <Unfit title={t.versions.heldBack} all={heldBack} />}
      {version.inspection !== null && version.inspection !== undefined && (
        <details>
          <summary>{t.versions.inspection}</summary>
          <Inspection value={version.inspection} />
        </details>
      )}
      {change.isError && <Failed error={change.error} />}
      {asking === "approve" && difference && (
        <Dialog
          title={t.versions.approveTitle}
          onClose={() => setAsking(undefined)}
          actions={
            <Button
              look="primary"
              working={change.isPending}
              onClick={() =>
                change.mutate({ path: `versions/${encodeURIComponent(version.digest)}/approval`, method: "POST", body: { confirm: difference.confirm } })
              }
            >
              {t.versions.approve}
            </Button>
          }
        >
          <p>{t.versions.approveHelp}</p>
          <Difference difference={difference} />
          {change.isError && <Failed error={change.error} />}
        </Dialog>
      )}
      {asking === "activate" && (
        <Dialog
          title={t.versions.activateTitle(version.version)}
          onClose={() => setAsking(undefined)}
          actions={
            <Button
              look="primary"
              working={change.isPending}
              onClick={() => change.mutate({ path: "release/activations", method: "POST", body: { digest: version.digest, generation } })}
            >
              {t.versions.activate}
            </Button>
          }
        >
          <p>{t.versions.activateHelp}</p>
          {difference && <Difference difference={difference} />}
          {change.isError && <Failed error={change.error} />}
        </Dialog>
      )}
    </Card>
  );
}

type DifferenceOf = NonNullable<ConnectorVersion["difference"]>;

function Difference({ difference }: { difference: DifferenceOf }) {
  const t = useTexts();
  const format = useFormat();
  const lists: [string, string[], string][] = [
    ["wider", difference.wider, t.versions.wider],
    ["narrower", difference.narrower, t.versions.narrower],
    ["other", difference.other, t.versions.other],
  ];
  return (
    <div className="capabilities">
      <p><b>{t.versions.difference}:</b> {t.versions.change[difference.change]}</p>
      {lists.filter(([, sentences]) => sentences.length > 0).map(([kind, sentences, name]) => (
        <div key={kind} className={`capability ${kind}`}>
          <p className="capability-name">{name}</p>
          <ul>{sentences.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>
        </div>
      ))}
      {difference.approvedAt ? (
        <p className="fine">{t.versions.approved(difference.approvedBy ?? "—", format.dateTime(difference.approvedAt))}</p>
      ) : (
        difference.needsApproval && <Notice tone="warn">{t.versions.needsApproval}</Notice>
      )}
      {difference.unfit.length > 0 && <Unfit title={t.versions.unfit} all={difference.unfit} />}
    </div>
  );
}

function Unfit({ title, all }: { title: string; all: DifferenceOf["unfit"] }) {
  return (
    <Notice tone="warn" title={title}>
      <ul>
        {all.map((one) => (
          <li key={`${one.tenant}/${one.connection}`}>
            <b>{one.connection}</b> ({one.tenant}): {one.problems.map((problem) => `${problem.field} ${problem.message}`).join("; ")}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** What the server says of a version: sentences as they are, anything else by its name. */
function Inspection({ value }: { value: unknown }) {
  if (Array.isArray(value)) return <ul>{value.map((one, index) => <li key={index}><Inspection value={one} /></li>)}</ul>;
  if (typeof value === "object" && value !== null) {
    return (
      <dl className="facts">
        {Object.entries(value).map(([name, one]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd><Inspection value={one} /></dd>
          </div>
        ))}
      </dl>
    );
  }
  return <>{String(value ?? "—")}</>;
}
