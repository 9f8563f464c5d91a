// The versions of a connector: the release that sends, and each version with its difference from the active one.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Plus, Upload } from "lucide-react";
import { Link, useParams } from "react-router";
import { ALL_TENANTS, apiPath, basePath, call, connectorPath } from "../../api/client";
import { connectorQuery } from "../../api/queries";
import type { ConnectorVersion, Release } from "../../api/types";
import { Button } from "../../components/button";
import { PageHeader } from "../../components/layout";
import { Loaded } from "../../components/loaded";
import { Logo } from "../../components/logo";
import { Empty } from "../../components/notice";
import { useTexts } from "../../text";
import { ReleaseStatus } from "./release";
import { UploadDialog } from "./upload";
import { VersionCard } from "./version";

export default function Versions() {
  const t = useTexts();
  const { tenant = "", connector: id = "" } = useParams();
  const [uploading, setUploading] = useState(false);
  const connector = useQuery(connectorQuery(tenant, id));
  const name = connector.data?.name ?? id;
  const isBuiltIn = connector.data?.owner === "built-in";
  return (
    <>
      {tenant === ALL_TENANTS && (
        <p>
          <Link to={`${basePath(ALL_TENANTS)}/connectors`} className="with-icon"><ArrowLeft size={16} aria-hidden="true" /> {t.connectors.shared}</Link>
        </p>
      )}
      <PageHeader
        title={<span className="titled"><Logo svg={connector.data?.logo ?? null} name={name} /> {t.versions.title(name)}</span>}
        lead={isBuiltIn ? undefined : t.versions.lead}
        actions={
          connector.data && (
            <>
              {tenant !== ALL_TENANTS && (
                <Link className="button plain" to={`${basePath(tenant)}/connectors/${id}/set-up`} aria-label={t.connectors.setUpNamed(name)}>
                  <Plus size={16} aria-hidden="true" /> {t.connectors.setUp}
                </Link>
              )}
              {!isBuiltIn && (
                <Button variant="primary" icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
                  {t.versions.upload}
                </Button>
              )}
            </>
          )
        }
      />
      <Loaded query={connector}>
        {(one) =>
          one.owner === "built-in" ? (
            <Empty title={t.versions.builtIn(one.name, one.version)}>{t.versions.builtInHelp}</Empty>
          ) : (
            <UploadedVersions tenant={tenant} id={id} />
          )
        }
      </Loaded>
      {uploading && <UploadDialog tenant={tenant} onClose={() => setUploading(false)} />}
    </>
  );
}

function UploadedVersions({ tenant, id }: { tenant: string; id: string }) {
  const release = useQuery({
    queryKey: ["tenant", tenant, "release", id],
    queryFn: ({ signal }) => call<Release>(apiPath(tenant, connectorPath(id, "release")), { signal }),
    refetchInterval: (query) => (query.state.data && !query.state.error ? 2000 : false),
  });
  // The role of each version changes with the release, also when Sendbox rolls back automatically.
  const decided = release.data && `${release.data.tenant ?? ""}/${release.data.generation}`;
  const versions = useQuery({
    queryKey: ["tenant", tenant, "versions", id, decided],
    queryFn: ({ signal }) => call<ConnectorVersion[]>(apiPath(tenant, connectorPath(id, "versions")), { signal }),
    enabled: decided !== undefined,
    placeholderData: (before, of) => (of?.queryKey[1] === tenant && of.queryKey[3] === id ? before : undefined),
    refetchInterval: (query) => (query.state.data?.some((one) => one.state === "checking") ? 1000 : false),
  });
  return (
    <Loaded query={release}>
      {(now) => (
        <Loaded query={versions}>
          {(all) => (
            <>
              <ReleaseStatus tenant={tenant} id={id} release={now} versions={all} />
              {all.map((version) => (
                <VersionCard key={version.digest} tenant={tenant} id={id} version={version} release={now} isLast={all.length === 1} />
              ))}
            </>
          )}
        </Loaded>
      )}
    </Loaded>
  );
}
