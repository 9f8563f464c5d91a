// The connections of a tenant, and the catalogue of connectors.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { RefreshCw, Upload } from "lucide-react";
import { Link, useParams, useSearchParams } from "react-router";
import { connectionsQuery, connectorsQuery, refresh, sessionQuery, tenantQuery } from "../api/queries";
import type { Connection, ConnectorSummary } from "../api/types";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Catalogue } from "../components/catalogue";
import { Card, PageHeader } from "../components/layout";
import { Loaded } from "../components/loaded";
import { Logo } from "../components/logo";
import { Empty, Notice } from "../components/notice";
import { useFormat, useTexts } from "../text";
import { ActivateDialog } from "./connection/activate";
import { PromoteDialog } from "./connection/promote";
import { UploadDialog } from "./versions/upload";

export default function Connectors() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const [search, setSearch] = useSearchParams();
  const connectors = useQuery(connectorsQuery(tenant));
  const connections = useQuery(connectionsQuery(tenant));
  const [uploading, setUploading] = useState(false);
  const changing = search.has("change");
  return (
    <>
      <PageHeader
        title={t.connectors.title}
        lead={t.connectors.lead}
        actions={
          <Button icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
            {t.connectors.upload}
          </Button>
        }
      />
      <Loaded query={connections}>
        {(all) => (
          <Card
            title={t.connectors.yours}
            actions={
              all.some((one) => one.active) &&
              !changing && (
                <Button
                  icon={<RefreshCw size={16} aria-hidden="true" />}
                  onClick={() => {
                    setSearch({ change: "" });
                    document.getElementById("catalogue")?.scrollIntoView();
                  }}
                >
                  {t.connectors.change}
                </Button>
              )
            }
          >
            {all.length === 0 ? (
              <Empty title={t.connectors.noConnections}>{t.connectors.noConnectionsHelp}</Empty>
            ) : (
              <Connections tenant={tenant} connections={all} connectors={connectors.data ?? []} />
            )}
          </Card>
        )}
      </Loaded>
      <div id="catalogue" />
      {changing && (
        <Notice
          tone="info"
          title={t.connectors.change}
          announce
          actions={<Button onClick={() => setSearch({})}>{t.common.cancel}</Button>}
        >
          {t.connectors.changeLead}
        </Notice>
      )}
      <Loaded query={connectors}>{(all) => <Catalogue tenant={tenant} connectors={all} />}</Loaded>
      {uploading && <UploadDialog tenant={tenant} onClose={() => setUploading(false)} />}
    </>
  );
}

interface ConnectionsProps {
  tenant: string;
  connections: Connection[];
  connectors: ConnectorSummary[];
}

function Connections({ tenant, connections, connectors }: ConnectionsProps) {
  const t = useTexts();
  const format = useFormat();
  const session = useQuery(sessionQuery);
  const own = useQuery(tenantQuery(tenant));
  const [activating, setActivating] = useState<Connection>();
  const [promoting, setPromoting] = useState<Connection>();
  const mayPromote = session.data?.principal === "platform" && own.data?.environment === "development";
  return (
    <>
      <ul className="rows">
        {connections.map((connection) => {
          const connector = connectors.find((one) => one.id === connection.connector);
          return (
            <li key={connection.name} className="row-item">
              <Logo svg={connector?.logo ?? null} name={connector?.name ?? connection.connector} />
              <div className="grow">
                <p className="row-title">
                  <Link to={`/t/${tenant}/connections/${connection.name}`}>{connection.name}</Link>
                  {connection.active ? (
                    <Badge tone="good">{t.connectors.active}</Badge>
                  ) : (
                    <Badge>{t.connectors.inactive}</Badge>
                  )}
                </p>
                <p className="help">
                  {connector?.name ?? connection.connector}
                  {" · "}
                  {connection.testedAt ? t.connectors.tested(format.ago(connection.testedAt)) : t.connectors.untested}
                  {" · "}
                  {t.connectors.updated(format.ago(connection.updatedAt))}
                </p>
              </div>
              <div className="row">
                {mayPromote && <Button onClick={() => setPromoting(connection)}>{t.connectors.promote}</Button>}
                {!connection.active && (
                  <Button onClick={() => setActivating(connection)}>{t.connectors.activate}</Button>
                )}
                <Link
                  className="button plain"
                  to={`/t/${tenant}/connections/${connection.name}`}
                  aria-label={t.connectors.editNamed(connection.name)}
                >
                  {t.connectors.edit}
                </Link>
              </div>
            </li>
          );
        })}
      </ul>
      {activating && (
        <ActivateDialog
          tenant={tenant}
          name={activating.name}
          tested={activating.testedAt != null}
          onClose={() => setActivating(undefined)}
          onDone={() => {
            setActivating(undefined);
            void refresh(tenant);
          }}
        />
      )}
      {promoting && <PromoteDialog tenant={tenant} connection={promoting} onClose={() => setPromoting(undefined)} />}
    </>
  );
}
