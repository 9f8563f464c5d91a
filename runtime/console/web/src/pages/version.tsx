// One version: what it may do that the active one may not, whether somebody has approved that, and what can be done with it.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Trash2, Zap } from "lucide-react";
import { useNavigate } from "react-router";
import { ALL, at, call, home } from "../api/client";
import { refresh } from "../api/queries";
import type { ConnectorVersion, Inspection, Release, Sentence, Unfit, VersionActivated, VersionDifference } from "../api/types";
import { Badge, Button, Card, Notice } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { InEnglish, Told } from "../parts/told";
import { useFormat, useTexts } from "../text";
import { Shapes } from "./shapes";
import { Checking } from "./upload";
import { nameOf, pathOf, tones } from "./versions";

interface VersionProps {
  tenant: string;
  id: string;
  version: ConnectorVersion;
  release: Release;
  /** Whether the connector has no other version. */
  isLast: boolean;
}

export function Version({ tenant, id, version, release, isLast }: VersionProps) {
  const t = useTexts();
  const format = useFormat();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"approve" | "activate" | "delete">();
  const { digest, standing } = version;
  const { generation } = release;
  const isOther = version.state === "ready" && standing !== "active";
  // The list does not compare. What this is compared with is the version that is active now.
  const compared = useQuery({
    queryKey: ["tenant", tenant, "version", id, digest, release.active],
    queryFn: ({ signal }) => call<ConnectorVersion>(at(tenant, pathOf(id, `versions/${encodeURIComponent(digest)}`)), { signal }),
    enabled: isOther,
  });
  const difference = isOther ? (compared.data?.difference ?? null) : null;
  const settled = () => refresh(tenant);
  const change = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body: unknown }) =>
      call<Partial<VersionActivated>>(at(tenant, pathOf(id, path)), { method, body }),
    // Who wanted to activate it, and had to approve it first, goes on.
    onSuccess: (_, { path }) => setAsking((was) => (was === "activate" && path.endsWith("/approval") ? was : undefined)),
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: () => call(at(tenant, `connector-uploads/${encodeURIComponent(digest)}`), { method: "DELETE" }),
    onSuccess: async () => {
      setAsking(undefined);
      if (isLast) await navigate(`${home(tenant)}/connectors`);
    },
    onSettled: settled,
  });
  const name = nameOf(digest, [version]);
  const isOwn = version.owner === (tenant === ALL ? "all-tenants" : "tenant");
  const mayBeDeleted = isOwn && (isLast || standing === "available" || version.state === "refused");
  const heldBack = change.data?.heldBack ?? [];
  return (
    <Card
      title={
        <>
          {name}{" "}
          {standing && <Badge tone={tones[standing] ?? "neutral"}>{t.versions.standing[standing]}</Badge>}{" "}
          {version.state !== "ready" && <Badge tone={version.state === "refused" ? "bad" : "info"}>{t.versions.state[version.state]}</Badge>}
        </>
      }
      help={
        <>
          <code>{digest.slice(0, 19)}…</code> · {format.bytes(version.bytes)} ·{" "}
          {t.versions.uploaded(format.ago(version.uploadedAt), version.uploadedBy === "platform" ? t.audit.platform : version.uploadedBy)}
        </>
      }
      actions={
        <>
          {mayBeDeleted && (
            <Button look="quiet" icon={<Trash2 size={16} aria-hidden="true" />} aria-label={t.versions.deleteNamed(name)} onClick={() => setAsking("delete")}>
              {t.common.delete}
            </Button>
          )}
          {difference?.needsApproval && <Button onClick={() => setAsking("approve")}>{t.versions.approve}</Button>}
          {difference && !difference.needsApproval && standing !== "canary" && !release.canary && (
            <Button
              working={change.isPending}
              onClick={() => change.mutate({ path: "release/canary", method: "PUT", body: { digest, percent: 10, generation } })}
            >
              {t.versions.startCanary}
            </Button>
          )}
          {difference && (
            <Button look="primary" icon={<Zap size={16} aria-hidden="true" />} onClick={() => setAsking("activate")}>{t.versions.activate}</Button>
          )}
        </>
      }
    >
      {version.state === "refused" && <Notice tone="bad" title={t.versions.refused}><InEnglish text={version.refusal ?? ""} /></Notice>}
      {version.state === "checking" && <Checking progress={version.progress} />}
      {isOther && <Loaded query={compared}>{(one) => one.difference && <Difference difference={one.difference} />}</Loaded>}
      {heldBack.length > 0 && <Unfitting title={t.versions.heldBack} all={heldBack} />}
      {version.state === "ready" && <Shapes tenant={tenant} id={id} digest={digest} active={release.active} />}
      {version.inspection && (
        <details>
          <summary>{t.versions.inspection}</summary>
          <Inspected inspection={version.inspection} />
        </details>
      )}
      {change.isError && !asking && <Failed error={change.error} />}
      {difference && (asking === "approve" || (asking === "activate" && difference.needsApproval)) && (
        <Dialog
          title={t.versions.approveTitle}
          onClose={() => setAsking(undefined)}
          actions={
            <Button
              look="primary"
              working={change.isPending}
              onClick={() =>
                change.mutate({ path: `versions/${encodeURIComponent(digest)}/approval`, method: "POST", body: { confirm: difference.confirm } })
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
      {asking === "activate" && difference && !difference.needsApproval && (
        <Dialog
          title={t.versions.activateTitle(name)}
          onClose={() => setAsking(undefined)}
          actions={
            <Button
              look="primary"
              working={change.isPending}
              onClick={() => change.mutate({ path: "release/activations", method: "POST", body: { digest, generation } })}
            >
              {t.versions.activate}
            </Button>
          }
        >
          <p>{t.versions.activateHelp}</p>
          <Difference difference={difference} />
          {change.isError && <Failed error={change.error} />}
        </Dialog>
      )}
      {asking === "delete" && (
        <Dialog
          title={t.versions.deleteNamed(name)}
          onClose={() => setAsking(undefined)}
          actions={<Button look="danger" working={remove.isPending} onClick={() => remove.mutate()}>{t.common.delete}</Button>}
        >
          <p>{isLast ? t.versions.deleteLast : t.versions.deleteHelp}</p>
          {remove.isError && <Failed error={remove.error} />}
        </Dialog>
      )}
    </Card>
  );
}

function Difference({ difference }: { difference: VersionDifference }) {
  const t = useTexts();
  const format = useFormat();
  const lists: [string, Sentence[], string][] = [
    ["wider", difference.wider, t.versions.wider],
    ["narrower", difference.narrower, t.versions.narrower],
    ["other", difference.other, t.versions.other],
  ];
  return (
    <div className="capabilities">
      <p><b>{t.versions.difference}:</b> {t.versions.reach[difference.reach]}</p>
      {lists.filter(([, sentences]) => sentences.length > 0).map(([kind, sentences, name]) => (
        <div key={kind} className={`capability ${kind}`}>
          <p className="capability-name">{name}</p>
          <ul>{sentences.map((sentence) => <li key={sentence.text}><Told about="difference" of={sentence} /></li>)}</ul>
        </div>
      ))}
      {difference.needsApproval && <Notice tone="warn">{t.versions.needsApproval}</Notice>}
      {difference.approvedAt && (
        <p className="fine">
          {t.versions.approved(difference.approvedBy === "platform" ? t.audit.platform : (difference.approvedBy ?? "—"), format.dateTime(difference.approvedAt))}
        </p>
      )}
      {difference.readme !== null && (
        <details>
          <summary>{t.versions.readme}</summary>
          {/* As it was written, so that the target of each link can be read. */}
          <pre className="readme-source" lang="en" tabIndex={0}>{difference.readme}</pre>
        </details>
      )}
      {difference.connections.length > 0 && (
        <Notice tone="info" title={t.versions.forConnections}>
          <ul>
            {difference.connections.map((one) => (
              <li key={`${one.tenant}/${one.connection}`}>
                <b>{one.connection}</b> ({one.tenant})
                <ul>{one.lines.map((line) => <li key={line.text}><Told about="difference" of={line} /></li>)}</ul>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {difference.unfit.length > 0 && <Unfitting title={t.versions.unfit} all={difference.unfit} />}
    </div>
  );
}

function Unfitting({ title, all }: { title: string; all: Unfit[] }) {
  return (
    <Notice tone="warn" title={title}>
      <ul>
        {all.map((one) => (
          <li key={`${one.tenant}/${one.connection}`}>
            <b>{one.connection}</b> ({one.tenant}): {one.problems.map((problem, index) => (
              <span key={problem.field + problem.message}>
                {index > 0 && "; "}
                <code>{problem.field}</code> <Told about="field" of={{ ...problem, text: problem.message }} />
              </span>
            ))}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Inspected({ inspection }: { inspection: Inspection }) {
  const t = useTexts();
  const format = useFormat();
  const { manifest, reveals, readsReports, content, shape } = inspection;
  return (
    <dl className="facts">
      <div>
        <dt>{t.connectors.reaches}</dt>
        <dd>
          <ul>
            {manifest.hosts.map((host) => (
              <li key={`${host.origin}${host.path_prefix}`}>
                {host.methods.join(", ")} <code>{host.origin}{host.path_prefix}</code> {host.purpose}
              </li>
            ))}
          </ul>
        </dd>
      </div>
      <div><dt>{t.versions.sees}</dt><dd>{reveals ? t.connectors.reveals : t.connectors.blind}</dd></div>
      <div><dt>{t.versions.takes}</dt><dd>{t.connectors.content[content]}</dd></div>
      <div><dt>{t.versions.reports}</dt><dd>{readsReports ? t.common.yes : t.common.no}</dd></div>
      <div><dt>{t.versions.memory}</dt><dd>{format.bytes(shape.initialMemory)}</dd></div>
      <div>
        <dt>{t.versions.imports}</dt>
        <dd><ul>{shape.imports.map((one) => <li key={one}><code>{one}</code></li>)}</ul></dd>
      </div>
    </dl>
  );
}
