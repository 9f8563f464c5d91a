// Tenants: list and create them. Needs the platform key.

import { useState } from "react";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Plug, Plus, Settings2 } from "lucide-react";
import { Link, useNavigate } from "react-router";
import { ALL_TENANTS, basePath, call } from "../api/client";
import { client } from "../api/queries";
import { environmentValues, type Environment, type Page, type Tenant } from "../api/types";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field, Search } from "../components/field";
import { PageHeader } from "../components/layout";
import { ErrorNotice, PagedList } from "../components/loaded";
import { Empty } from "../components/notice";
import { useFormat, useTexts } from "../text";
import { useFieldMessages } from "../text/server-messages";
import { TenantSettings } from "./tenant-settings";

export default function Tenants() {
  const t = useTexts();
  const format = useFormat();
  const [creating, setCreating] = useState(false);
  const [editing, setEditing] = useState<Tenant>();
  const [filter, setFilter] = useState("");
  const query = useInfiniteQuery({
    queryKey: ["tenants"],
    queryFn: ({ signal, pageParam }) =>
      call<Page<Tenant>>(`/v1/tenants?limit=200${pageParam ? `&cursor=${encodeURIComponent(pageParam)}` : ""}`, { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const wanted = filter.trim().toLowerCase();
  const isWanted = (tenant: Tenant) => `${tenant.id} ${tenant.name}`.toLowerCase().includes(wanted);
  return (
    <>
      <PageHeader
        title={t.tenants.title}
        lead={t.tenants.lead}
        actions={
          <>
            <Link to={`${basePath(ALL_TENANTS)}/connectors`} className="button plain"><Plug size={16} aria-hidden="true" /> {t.connectors.shared}</Link>
            <Button variant="primary" icon={<Plus size={18} aria-hidden="true" />} onClick={() => setCreating(true)}>
              {t.tenants.create}
            </Button>
          </>
        }
      />
      <PagedList query={query} empty={<Empty title={t.tenants.empty}>{t.tenants.emptyHelp}</Empty>}>
        {(all) => (
          <>
            {all.length > 5 && (
              <Search label={t.tenants.filter} value={filter} onChange={setFilter} />
            )}
            <ul className="cards">
              {all.filter(isWanted).map((tenant) => (
                <li key={tenant.id} className="card tile">
                  <div className="tile-head">
                    <h2><Link to={`/t/${tenant.id}`} className="covering">{tenant.name}</Link></h2>
                    <button type="button" className="icon-button above" aria-label={t.tenants.settingsOf(tenant.name)} onClick={() => setEditing(tenant)}>
                      <Settings2 size={16} aria-hidden="true" />
                    </button>
                  </div>
                  <p className="fine">
                    <Badge tone={tenant.environment === "production" ? "warn" : "info"}>{t.tenants[tenant.environment]}</Badge> <code>{tenant.id}</code>
                  </p>
                  <p className="help">
                    {tenant.activeConnection ? t.tenants.sends(tenant.activeConnection) : t.tenants.sendsNot}
                  </p>
                  <p className="fine">{t.tenants.created} {format.date(tenant.createdAt)}</p>
                </li>
              ))}
            </ul>
          </>
        )}
      </PagedList>
      {editing && <TenantSettings tenant={editing} onClose={() => setEditing(undefined)} />}
      {creating && <NewTenant onClose={() => setCreating(false)} />}
    </>
  );
}

function NewTenant({ onClose }: { onClose: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [id, setId] = useState("");
  const [environment, setEnvironment] = useState<Environment>("development");
  const create = useMutation({
    mutationFn: () => call<Tenant>("/v1/tenants", { method: "POST", body: { name, environment, ...(id && { id }) } }),
    onSuccess: async (tenant) => {
      await client.invalidateQueries({ queryKey: ["tenants"] });
      await navigate(`/t/${tenant.id}`);
    },
  });
  const fields = useFieldMessages()(create.error);
  const error = (field: string) => fields.find((one) => one.field.replace("/", "") === field)?.message;
  return (
    <Dialog
      title={t.tenants.create}
      onClose={onClose}
      actions={
        <Button variant="primary" busy={create.isPending} disabled={!name.trim()} onClick={() => create.mutate()}>
          {t.tenants.create}
        </Button>
      }
    >
      <Field label={t.tenants.name} help={t.tenants.nameHelp} error={error("name")}>
        {(ids) => <input {...ids} value={name} onChange={(event) => setName(event.target.value)} maxLength={80} />}
      </Field>
      <Field label={`${t.tenants.id} (${t.common.optional})`} help={t.tenants.idHelp} error={error("id")}>
        {(ids) => <input {...ids} value={id} onChange={(event) => setId(event.target.value)} maxLength={40} />}
      </Field>
      <fieldset className="choices">
        <legend>{t.tenants.environment}</legend>
        {environmentValues.map((one) => (
          <label key={one} className="choice">
            <input
              type="radio"
              name="environment"
              checked={environment === one}
              onChange={() => setEnvironment(one)}
            />
            <span>
              <b>{t.tenants[one]}</b>
              <span className="help">{t.tenants[`${one}Help`]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {create.isError && fields.length === 0 && <ErrorNotice error={create.error} />}
    </Dialog>
  );
}
