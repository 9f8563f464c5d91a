// The versions of a connector: which of them sends, and what each of the others may do besides.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Plus, Upload } from "lucide-react";
import { Link, useParams } from "react-router";
import { ALL, at, call, home } from "../api/client";
import { connectorQuery } from "../api/queries";
import type { ConnectorVersion, Release } from "../api/types";
import { Button, Empty, Logo, PageHead, type Tone } from "../parts/basics";
import { Loaded } from "../parts/loaded";
import { useTexts } from "../text";
import { Running } from "./release";
import { UploadConnector } from "./upload";
import { Version } from "./version";

export const pathOf = (connector: string, rest: string) => `connectors/${encodeURIComponent(connector)}/${rest}`;

export const tones: Record<string, Tone> = { active: "good", canary: "warn", previous: "info", available: "neutral" };

/** What people call a version: what its author calls it, else the beginning of its digest. */
export function nameOf(digest: string, versions: ConnectorVersion[]): string {
  return versions.find((one) => one.digest === digest)?.version ?? digest.replace("sha256:", "").slice(0, 12);
}

export default function Versions() {
  const t = useTexts();
  const { tenant = "", connector: id = "" } = useParams();
  const [uploading, setUploading] = useState(false);
  const connector = useQuery(connectorQuery(tenant, id));
  const name = connector.data?.name ?? id;
  const isBuiltIn = connector.data?.owner === "built-in";
  return (
    <>
      {tenant === ALL && (
        <p>
          <Link to={`${home(ALL)}/connectors`} className="with-icon"><ArrowLeft size={16} aria-hidden="true" /> {t.connectors.shared}</Link>
        </p>
      )}
      <PageHead
        title={<span className="titled"><Logo svg={connector.data?.logo ?? null} name={name} /> {t.versions.title(name)}</span>}
        lead={isBuiltIn ? undefined : t.versions.lead}
        actions={
          connector.data && (
            <>
              {tenant !== ALL && (
                <Link className="button plain" to={`${home(tenant)}/connectors/${id}/set-up`} aria-label={t.connectors.setUpNamed(name)}>
                  <Plus size={16} aria-hidden="true" /> {t.connectors.setUp}
                </Link>
              )}
              {!isBuiltIn && (
                <Button look="primary" icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
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
            <OfUploaded tenant={tenant} id={id} />
          )
        }
      </Loaded>
      {uploading && <UploadConnector tenant={tenant} onClose={() => setUploading(false)} />}
    </>
  );
}

function OfUploaded({ tenant, id }: { tenant: string; id: string }) {
  const release = useQuery({
    queryKey: ["tenant", tenant, "release", id],
    queryFn: ({ signal }) => call<Release>(at(tenant, pathOf(id, "release")), { signal }),
    refetchInterval: (query) => (query.state.data && !query.state.error ? 2000 : false),
  });
  // What each is used for changes with the release, also when Sendbox itself takes a version back.
  const decided = release.data && `${release.data.tenant ?? ""}/${release.data.generation}`;
  const versions = useQuery({
    queryKey: ["tenant", tenant, "versions", id, decided],
    queryFn: ({ signal }) => call<ConnectorVersion[]>(at(tenant, pathOf(id, "versions")), { signal }),
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
              <Running tenant={tenant} id={id} release={now} versions={all} />
              {all.map((version) => (
                <Version key={version.digest} tenant={tenant} id={id} version={version} release={now} isLast={all.length === 1} />
              ))}
            </>
          )}
        </Loaded>
      )}
    </Loaded>
  );
}
