// The settings of a tenant: rename it, or delete it with everything that belongs to it.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { apiPath, call } from "../api/client";
import { client } from "../api/queries";
import type { Tenant } from "../api/types";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field } from "../components/field";
import { ErrorNotice } from "../components/loaded";
import { Notice } from "../components/notice";
import { useTexts } from "../text";
import { useFieldMessages } from "../text/server-messages";

export function TenantSettings({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const t = useTexts();
  const [name, setName] = useState(tenant.name);
  const [typed, setTyped] = useState("");
  const [deleting, setDeleting] = useState(false);
  const onSuccess = async () => {
    await client.invalidateQueries({ queryKey: ["tenants"] });
    onClose();
  };
  const rename = useMutation({ mutationFn: () => call<Tenant>(apiPath(tenant.id), { method: "PATCH", body: { name } }), onSuccess });
  const remove = useMutation({ mutationFn: () => call(apiPath(tenant.id), { method: "DELETE" }), onSuccess });
  const fields = useFieldMessages()(rename.error);
  if (deleting) {
    return (
      <Dialog
        title={t.tenants.deleteTitle(tenant.name)}
        onClose={onClose}
        actions={
          <Button variant="danger" disabled={typed !== tenant.id} busy={remove.isPending} icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => remove.mutate()}>
            {t.common.delete}
          </Button>
        }
      >
        <Notice tone="bad">{t.tenants.deleteHelp}</Notice>
        <Field label={t.tenants.typeId(tenant.id)}>
          {(ids) => <input {...ids} value={typed} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />}
        </Field>
        {remove.isError && <ErrorNotice error={remove.error} />}
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t.tenants.settingsOf(tenant.name)}
      onClose={onClose}
      actions={
        <>
          <Button variant="quiet" icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => setDeleting(true)}>{t.common.delete}…</Button>
          <Button variant="primary" busy={rename.isPending} disabled={!name.trim() || name === tenant.name} onClick={() => rename.mutate()}>
            {t.common.save}
          </Button>
        </>
      }
    >
      <Field label={t.tenants.name} error={fields.find((one) => one.field === "/name")?.message}>
        {(ids) => <input {...ids} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />}
      </Field>
      {rename.isError && fields.length === 0 && <ErrorNotice error={rename.error} />}
    </Dialog>
  );
}
