// API keys of a tenant: create, rotate and revoke them.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useParams } from "react-router";
import { apiPath, call } from "../api/client";
import { client, sessionQuery } from "../api/queries";
import type { ApiKey, IssuedKey, Scope } from "../api/types";
import { Badge } from "../components/badge";
import { Button, CopyButton } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field } from "../components/field";
import { PageHeader } from "../components/layout";
import { ErrorNotice, Loaded } from "../components/loaded";
import { Empty, Notice } from "../components/notice";
import { useFormat, useTexts } from "../text";
import { useFieldMessages } from "../text/server-messages";


export default function Keys() {
  const t = useTexts();
  const format = useFormat();
  const { tenant = "" } = useParams();
  const key = ["tenant", tenant, "keys"];
  const session = useQuery(sessionQuery);
  const keys = useQuery({ queryKey: key, queryFn: ({ signal }) => call<ApiKey[]>(apiPath(tenant, "keys"), { signal }) });
  const [creating, setCreating] = useState(false);
  const [issued, setIssued] = useState<IssuedKey>();
  const [rotating, setRotating] = useState<ApiKey>();
  const [revoking, setRevoking] = useState<ApiKey>();
  const close = () => {
    setCreating(false);
    setRotating(undefined);
    setRevoking(undefined);
    void client.invalidateQueries({ queryKey: key });
  };
  const show = (made: IssuedKey) => {
    close();
    setIssued(made);
  };
  return (
    <>
      <PageHeader
        title={t.keys.title}
        lead={t.keys.lead}
        actions={
          <Button variant="primary" icon={<Plus size={18} aria-hidden="true" />} onClick={() => setCreating(true)}>{t.keys.create}</Button>
        }
      />
      {issued && (
        <Notice
          tone="good"
          title={t.keys.createdTitle}
          announce
          actions={
            <>
              <CopyButton text={issued.secret} />
              <Button onClick={() => setIssued(undefined)}>{t.keys.done}</Button>
            </>
          }
        >
          <p>{t.keys.createdHelp}</p>
          <p><code className="secret" aria-label={t.keys.secret}>{issued.secret}</code></p>
        </Notice>
      )}
      <Loaded query={keys}>
        {(all) =>
          all.length === 0 ? (
            <Empty title={t.keys.empty}>{t.keys.emptyHelp}</Empty>
          ) : (
            <ul className="rows card">
              {all.map((one) => (
                <li key={one.id} className="row-item">
                  <div className="grow">
                    <p className="row-title">
                      {one.name}
                      {one.scopes.map((scope) => <Badge key={scope} tone={scope === "manage" ? "warn" : "info"}>{scope}</Badge>)}
                      {session.data?.key === one.id && <Badge>{t.keys.own}</Badge>}
                    </p>
                    <p className="help">
                      <code>{one.id}</code> · {t.keys.created} {format.date(one.createdAt)}
                      {one.rotatedAt && ` · ${t.keys.rotated} ${format.date(one.rotatedAt)}`}
                      {one.previousSecretExpiresAt && new Date(one.previousSecretExpiresAt) > new Date() && ` · ${t.keys.oldUntil(format.dateTime(one.previousSecretExpiresAt))}`}
                      {" · "}{t.keys.ends}: {one.expiresAt ? format.dateTime(one.expiresAt) : t.common.never}
                    </p>
                  </div>
                  <div className="row">
                    <Button aria-label={`${t.keys.rotate}: ${one.name}`} onClick={() => setRotating(one)}>{t.keys.rotate}</Button>
                    <Button variant="quiet" aria-label={`${t.keys.revoke}: ${one.name}`} onClick={() => setRevoking(one)}>{t.keys.revoke}</Button>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {creating && <NewKeyDialog tenant={tenant} onClose={close} onDone={show} />}
      {rotating && <RotateKeyDialog tenant={tenant} one={rotating} onClose={close} onDone={show} />}
      {revoking && <RevokeKeyDialog tenant={tenant} one={revoking} onClose={close} />}
    </>
  );
}

interface KeyDialogProps {
  tenant: string;
  onClose: () => void;
  onDone: (issued: IssuedKey) => void;
}

function NewKeyDialog({ tenant, onClose, onDone }: KeyDialogProps) {
  const t = useTexts();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["verify"]);
  const [ends, setEnds] = useState("");
  const create = useMutation({
    mutationFn: () =>
      call<IssuedKey>(apiPath(tenant, "keys"), {
        method: "POST",
        body: { name, scopes, ...(ends && { expiresAt: new Date(`${ends}T23:59:59`).toISOString() }) },
      }),
    onSuccess: onDone,
  });
  const fields = useFieldMessages()(create.error);
  const error = (field: string) => fields.find((one) => one.field.replace("/", "") === field)?.message;
  return (
    <Dialog
      title={t.keys.create}
      onClose={onClose}
      actions={
        <Button variant="primary" busy={create.isPending} disabled={!name.trim() || scopes.length === 0} onClick={() => create.mutate()}>
          {t.keys.create}
        </Button>
      }
    >
      <Field label={t.keys.name} help={t.keys.nameHelp} error={error("name")}>
        {(ids) => <input {...ids} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <fieldset className="choices">
        <legend>{t.keys.scopes}</legend>
        {(Object.keys(t.keys.scope) as Scope[]).map((scope) => (
          <label key={scope} className="choice">
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={(event) => setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))}
            />
            <span><b>{scope}</b><span className="help">{t.keys.scope[scope]}</span></span>
          </label>
        ))}
      </fieldset>
      <Field label={`${t.keys.expires} (${t.common.optional})`} help={t.keys.expiresHelp} error={error("expiresAt")}>
        {(ids) => <input {...ids} type="date" value={ends} onChange={(event) => setEnds(event.target.value)} />}
      </Field>
      {create.isError && fields.length === 0 && <ErrorNotice error={create.error} />}
    </Dialog>
  );
}

function RotateKeyDialog({ tenant, one, onClose, onDone }: KeyDialogProps & { one: ApiKey }) {
  const t = useTexts();
  const [grace, setGrace] = useState("86400");
  const rotate = useMutation({
    mutationFn: () =>
      call<IssuedKey>(apiPath(tenant, `keys/${encodeURIComponent(one.id)}/rotate`), { method: "POST", body: { graceSeconds: Number(grace) } }),
    onSuccess: onDone,
  });
  return (
    <Dialog
      title={t.keys.rotateTitle(one.name)}
      onClose={onClose}
      actions={<Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>{t.keys.rotate}</Button>}
    >
      <p>{t.keys.rotateHelp}</p>
      <Field label={t.keys.grace}>
        {(ids) => (
          <select {...ids} value={grace} onChange={(event) => setGrace(event.target.value)}>
            {Object.entries(t.keys.graces).map(([seconds, text]) => <option key={seconds} value={seconds}>{text}</option>)}
          </select>
        )}
      </Field>
      {rotate.isError && <ErrorNotice error={rotate.error} />}
    </Dialog>
  );
}

function RevokeKeyDialog({ tenant, one, onClose }: { tenant: string; one: ApiKey; onClose: () => void }) {
  const t = useTexts();
  const revoke = useMutation({
    mutationFn: () => call(apiPath(tenant, `keys/${encodeURIComponent(one.id)}`), { method: "DELETE" }),
    onSuccess: onClose,
  });
  return (
    <Dialog
      title={t.keys.revokeTitle(one.name)}
      onClose={onClose}
      actions={<Button variant="danger" busy={revoke.isPending} onClick={() => revoke.mutate()}>{t.keys.revoke}</Button>}
    >
      <p>{t.keys.revokeHelp}</p>
      {revoke.isError && <ErrorNotice error={revoke.error} />}
    </Dialog>
  );
}
