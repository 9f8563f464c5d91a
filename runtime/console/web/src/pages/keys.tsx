// Keys of the tenant: made, given a new secret, revoked.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useParams } from "react-router";
import { at, call } from "../api/client";
import { client, sessionQuery } from "../api/queries";
import type { ApiKey, Scope } from "../api/types";
import { Badge, Button, CopyButton, Empty, Field, Notice, PageHead } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { useFormat, useTexts } from "../text";
import { useToldFields } from "../text/said";

type Issued = ApiKey & { secret: string };
const SCOPES: Scope[] = ["verify", "send", "read", "manage"];

export default function Keys() {
  const t = useTexts();
  const format = useFormat();
  const { tenant = "" } = useParams();
  const key = ["tenant", tenant, "keys"];
  const session = useQuery(sessionQuery);
  const keys = useQuery({ queryKey: key, queryFn: ({ signal }) => call<ApiKey[]>(at(tenant, "keys"), { signal }) });
  const [making, setMaking] = useState(false);
  const [issued, setIssued] = useState<Issued>();
  const [rotating, setRotating] = useState<ApiKey>();
  const [revoking, setRevoking] = useState<ApiKey>();
  const close = () => {
    setMaking(false);
    setRotating(undefined);
    setRevoking(undefined);
    void client.invalidateQueries({ queryKey: key });
  };
  const show = (made: Issued) => {
    close();
    setIssued(made);
  };
  return (
    <>
      <PageHead
        title={t.keys.title}
        lead={t.keys.lead}
        actions={
          <Button look="primary" icon={<Plus size={18} aria-hidden="true" />} onClick={() => setMaking(true)}>{t.keys.create}</Button>
        }
      />
      {issued && (
        <Notice
          tone="good"
          title={t.keys.createdTitle}
          announced
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
                      {one.oldSecretUntil && new Date(one.oldSecretUntil) > new Date() && ` · ${t.keys.oldUntil(format.dateTime(one.oldSecretUntil))}`}
                      {" · "}{t.keys.ends}: {one.expiresAt ? format.dateTime(one.expiresAt) : t.common.never}
                    </p>
                  </div>
                  <div className="row">
                    <Button aria-label={`${t.keys.rotate}: ${one.name}`} onClick={() => setRotating(one)}>{t.keys.rotate}</Button>
                    <Button look="quiet" aria-label={`${t.keys.revoke}: ${one.name}`} onClick={() => setRevoking(one)}>{t.keys.revoke}</Button>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {making && <Make tenant={tenant} onClose={close} onDone={show} />}
      {rotating && <Rotate tenant={tenant} one={rotating} onClose={close} onDone={show} />}
      {revoking && <Revoke tenant={tenant} one={revoking} onClose={close} />}
    </>
  );
}

interface MakeProps {
  tenant: string;
  onClose: () => void;
  onDone: (issued: Issued) => void;
}

function Make({ tenant, onClose, onDone }: MakeProps) {
  const t = useTexts();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["verify"]);
  const [ends, setEnds] = useState("");
  const make = useMutation({
    mutationFn: () =>
      call<Issued>(at(tenant, "keys"), {
        method: "POST",
        body: { name, scopes, ...(ends && { expiresAt: new Date(`${ends}T23:59:59`).toISOString() }) },
      }),
    onSuccess: onDone,
  });
  const fields = useToldFields()(make.error);
  const error = (field: string) => fields.find((one) => one.field.replace("/", "") === field)?.message;
  return (
    <Dialog
      title={t.keys.create}
      onClose={onClose}
      actions={
        <Button look="primary" working={make.isPending} disabled={!name.trim() || scopes.length === 0} onClick={() => make.mutate()}>
          {t.keys.create}
        </Button>
      }
    >
      <Field label={t.keys.name} help={t.keys.nameHelp} error={error("name")}>
        {(ids) => <input {...ids} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <fieldset className="choices">
        <legend>{t.keys.scopes}</legend>
        {SCOPES.map((scope) => (
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
      {make.isError && fields.length === 0 && <Failed error={make.error} />}
    </Dialog>
  );
}

function Rotate({ tenant, one, onClose, onDone }: MakeProps & { one: ApiKey }) {
  const t = useTexts();
  const [grace, setGrace] = useState("86400");
  const rotate = useMutation({
    mutationFn: () =>
      call<Issued>(at(tenant, `keys/${encodeURIComponent(one.id)}/rotate`), { method: "POST", body: { graceSeconds: Number(grace) } }),
    onSuccess: onDone,
  });
  return (
    <Dialog
      title={t.keys.rotateTitle(one.name)}
      onClose={onClose}
      actions={<Button look="primary" working={rotate.isPending} onClick={() => rotate.mutate()}>{t.keys.rotate}</Button>}
    >
      <p>{t.keys.rotateHelp}</p>
      <Field label={t.keys.grace}>
        {(ids) => (
          <select {...ids} value={grace} onChange={(event) => setGrace(event.target.value)}>
            {Object.entries(t.keys.graces).map(([seconds, text]) => <option key={seconds} value={seconds}>{text}</option>)}
          </select>
        )}
      </Field>
      {rotate.isError && <Failed error={rotate.error} />}
    </Dialog>
  );
}

function Revoke({ tenant, one, onClose }: { tenant: string; one: ApiKey; onClose: () => void }) {
  const t = useTexts();
  const revoke = useMutation({
    mutationFn: () => call(at(tenant, `keys/${encodeURIComponent(one.id)}`), { method: "DELETE" }),
    onSuccess: onClose,
  });
  return (
    <Dialog
      title={t.keys.revokeTitle(one.name)}
      onClose={onClose}
      actions={<Button look="danger" working={revoke.isPending} onClick={() => revoke.mutate()}>{t.keys.revoke}</Button>}
    >
      <p>{t.keys.revokeHelp}</p>
      {revoke.isError && <Failed error={revoke.error} />}
    </Dialog>
  );
}
