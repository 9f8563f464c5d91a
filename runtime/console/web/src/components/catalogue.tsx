// The catalogue of connectors as cards: whose each is, what it can read, and which hosts it may reach.

import { Fragment, useState } from "react";
import { EyeOff, Globe2, Plug, Plus, TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import { ALL_TENANTS, basePath } from "../api/client";
import type { ConnectorSummary } from "../api/types";
import { Search } from "./field";
import { Logo } from "./logo";
import { Empty } from "./notice";
import { useTexts } from "../text";

interface CatalogueProps {
  tenant: string;
  connectors: ConnectorSummary[];
}

export function Catalogue({ tenant, connectors }: CatalogueProps) {
  const t = useTexts();
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = connectors.filter((one) => `${one.id} ${one.name} ${one.description}`.toLowerCase().includes(wanted));
  return (
    <section aria-labelledby="catalogue-title" className="block">
      <div className="block-head">
        <h2 id="catalogue-title">{t.connectors.catalogue}</h2>
        <Search label={t.connectors.filter} value={filter} onChange={setFilter} />
      </div>
      {shown.length === 0 && <Empty title={t.connectors.nothingFound} />}
      <ul className="cards">
        {shown.map((connector) => (
          <li key={connector.id} className="card tile">
            <div className="tile-head">
              <Logo svg={connector.logo} name={connector.name} size={44} />
              <div className="grow">
                <h3>{connector.name}</h3>
                <p className="fine">
                  {t.connectors.version(connector.version)}
                  {` · ${t.connectors.owner[connector.owner]}`}
                </p>
              </div>
            </div>
            <p className="description">{connector.description}</p>
            <div className="reach">
              <p className="fine with-icon"><Globe2 size={15} aria-hidden="true" /> {t.connectors.reaches}</p>
              <Hosts hosts={connector.hosts.map((host) => host.replace("https://", ""))} />
              {connector.reveals ? (
                <p className="fine with-icon warn-text">
                  <TriangleAlert size={15} aria-hidden="true" /> {t.connectors.reveals}
                </p>
              ) : (
                <p className="fine with-icon"><EyeOff size={15} aria-hidden="true" /> {t.connectors.blind}</p>
              )}
              <p className="fine with-icon"><Plug size={15} aria-hidden="true" /> {t.connectors.content[connector.content]}</p>
            </div>
            <div className="tile-actions">
              {tenant !== ALL_TENANTS && (
                <Link
                  className="button primary"
                  to={`${basePath(tenant)}/connectors/${connector.id}/set-up`}
                  aria-label={t.connectors.setUpNamed(connector.name)}
                >
                  <Plus size={16} aria-hidden="true" /> {t.connectors.setUp}
                </Link>
              )}
              {connector.owner !== "built-in" && (
                <Link
                  className={tenant === ALL_TENANTS ? "button plain" : "button quiet"}
                  to={`${basePath(tenant)}/connectors/${connector.id}/versions`}
                  aria-label={t.connectors.versionsOf(connector.name)}
                >
                  {t.connectors.versions}
                </Link>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The first hosts, and the others on demand. */
function Hosts({ hosts }: { hosts: string[] }) {
  const t = useTexts();
  const shown = (host: string) => {
    const parameter = /^\{(\w+)\}$/.exec(host)?.[1];
    return parameter ? <span className="fine">{t.connectors.entered(parameter)}</span> : <code>{breakable(host)}</code>;
  };
  const list = (some: string[]) => <ul>{some.map((host) => <li key={host}>{shown(host)}</li>)}</ul>;
  if (hosts.length <= 3) return list(hosts);
  return (
    <>
      {list(hosts.slice(0, 2))}
      <details>
        <summary>{t.connectors.moreHosts(hosts.length - 2)}</summary>
        {list(hosts.slice(2))}
      </details>
    </>
  );
}

/** A host name that wraps after dots and hyphens only. */
function breakable(host: string) {
  return host.split(/(?<=[.-])/).map((part, index) => <Fragment key={index}>{index > 0 && <wbr />}{part}</Fragment>);
}
