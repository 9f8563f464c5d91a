// One version: how it differs from the active one, whether that is approved, and the actions: canary, activate, delete.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Trash2, Zap } from "lucide-react";
import { useNavigate } from "react-router";
import { ALL_TENANTS, apiPath, basePath, call, connectorPath } from "../../api/client";
import { refresh } from "../../api/queries";
import type { ConnectorVersion, Release, VersionActivated } from "../../api/types";
import { Badge, RoleBadge } from "../../components/badge";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Card } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { ExplainedText } from "../../components/server-text";
import { useFormat, useTexts } from "../../text";
import { actorName } from "../../text/actors";
import { Difference, IncompatibleConnections } from "./difference";
import { InspectionDetails } from "./inspection";
import { RequestShapes } from "./request-shapes";
import { CheckProgress } from "./upload";
import { versionName } from "./version-name";

interface VersionCardProps {
  tenant: string;
  id: string;
  version: ConnectorVersion;
  release: Release;
  /** The connector has no other version. */
  isLast: boolean;
}

export function VersionCard({ tenant, id, version, release, isLast }: VersionCardProps) {
  const t = useTexts();
  const format = useFormat();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"approve" | "activate" | "delete">();
  const { digest, role } = version;
  const { generation } = release;
  const isOther = version.state === "ready" && role !== "active";
  // The list has no differences: fetch the difference from the version that is active now.
  const compared = useQuery({
    queryKey: ["tenant", tenant, "version", id, digest, release.active],
    queryFn: ({ signal }) => call<ConnectorVersion>(apiPath(tenant, connectorPath(id, `versions/${encodeURIComponent(digest)}`)), { signal }),
    enabled: isOther,
  });
  const difference = isOther ? (compared.data?.difference ?? null) : null;
  const settled = () => refresh(tenant);
  const change = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body: unknown }) =>
      call<Partial<VersionActivated>>(apiPath(tenant, connectorPath(id, path)), { method, body }),
    // An activation that needed an approval first continues.
    onSuccess: (_, { path }) => setDialog((was) => (was === "activate" && path.endsWith("/approval") ? was : undefined)),
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: () => call(apiPath(tenant, `connector-uploads/${encodeURIComponent(digest)}`), { method: "DELETE" }),
    onSuccess: async () => {
      setDialog(undefined);
      if (isLast) await navigate(`${basePath(tenant)}/connectors`);
    },
    onSettled: settled,
  });
  const name = versionName(digest, [version]);
  const isOwn = version.owner === (tenant === ALL_TENANTS ? "all-tenants" : "tenant");
  const mayBeDeleted = isOwn && (isLast || role === "available" || version.state === "refused");
  const incompatible = change.data?.incompatibleConnections ?? [];
  return (
    <Card
      title={
        <>
          {name}{" "}
          {role && <RoleBadge role={role} />}{" "}
          {version.state !== "ready" && <Badge tone={version.state === "refused" ? "bad" : "info"}>{t.versions.state[version.state]}</Badge>}
        </>
      }
      help={
        <>
          <code>{digest.slice(0, 19)}…</code> · {format.bytes(version.bytes)} ·{" "}
          {t.versions.uploaded(format.ago(version.uploadedAt), actorName(version.uploadedBy, t))}
        </>
      }
      actions={
        <>
          {mayBeDeleted && (
            <Button variant="quiet" icon={<Trash2 size={16} aria-hidden="true" />} aria-label={t.versions.deleteNamed(name)} onClick={() => setDialog("delete")}>
              {t.common.delete}
            </Button>
          )}
          {difference?.needsApproval && <Button onClick={() => setDialog("approve")}>{t.versions.approve}</Button>}
          {difference && !difference.needsApproval && role !== "canary" && !release.canary && (
            <Button
              busy={change.isPending}
              onClick={() => change.mutate({ path: "release/canary", method: "PUT", body: { digest, percent: 10, generation } })}
            >
              {t.versions.startCanary}
            </Button>
          )}
          {difference && (
            <Button variant="primary" icon={<Zap size={16} aria-hidden="true" />} onClick={() => setDialog("activate")}>{t.versions.activate}</Button>
          )}
        </>
      }
    >
      {version.state === "refused" && <Notice tone="bad" title={t.versions.refused}><ExplainedText sentence={t.versions.refusedHelp} text={version.refusal ?? ""} /></Notice>}
      {version.state === "checking" && <CheckProgress progress={version.progress} />}
      {isOther && <Loaded query={compared}>{(one) => one.difference && <Difference difference={one.difference} />}</Loaded>}
      {incompatible.length > 0 && <IncompatibleConnections title={t.versions.incompatibleConnections} all={incompatible} />}
      {version.state === "ready" && <RequestShapes tenant={tenant} id={id} digest={digest} active={release.active} />}
      {version.inspection && (
        <details>
          <summary>{t.versions.inspection}</summary>
          <InspectionDetails inspection={version.inspection} />
        </details>
      )}
      {change.isError && !dialog && <ErrorNotice error={change.error} />}
      {difference && (dialog === "approve" || (dialog === "activate" && difference.needsApproval)) && (
        <Dialog
          title={t.versions.approveTitle}
          onClose={() => setDialog(undefined)}
          actions={
            <Button
              variant="primary"
              busy={change.isPending}
              onClick={() =>
                change.mutate({ path: `versions/${encodeURIComponent(digest)}/approval`, method: "POST", body: { confirmationToken: difference.confirmationToken } })
              }
            >
              {t.versions.approve}
            </Button>
          }
        >
          <p>{t.versions.approveHelp}</p>
          <Difference difference={difference} />
          {change.isError && <ErrorNotice error={change.error} />}
        </Dialog>
      )}
      {dialog === "activate" && difference && !difference.needsApproval && (
        <Dialog
          title={t.versions.activateTitle(name)}
          onClose={() => setDialog(undefined)}
          actions={
            <Button
              variant="primary"
              busy={change.isPending}
              onClick={() => change.mutate({ path: "release/activations", method: "POST", body: { digest, generation } })}
            >
              {t.versions.activate}
            </Button>
          }
        >
          <p>{t.versions.activateHelp}</p>
          <Difference difference={difference} />
          {change.isError && <ErrorNotice error={change.error} />}
        </Dialog>
      )}
      {dialog === "delete" && (
        <Dialog
          title={t.versions.deleteNamed(name)}
          onClose={() => setDialog(undefined)}
          actions={<Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{t.common.delete}</Button>}
        >
          <p>{isLast ? t.versions.deleteLast : t.versions.deleteHelp}</p>
          {remove.isError && <ErrorNotice error={remove.error} />}
        </Dialog>
      )}
    </Card>
  );
}
