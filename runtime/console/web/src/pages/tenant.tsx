// A tenant is renamed, or deleted with all that it has.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { at, call } from "../api/client";
import { client } from "../api/queries";
import type { Tenant } from "../api/types";
import { Button, Field, Notice } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed } from "../parts/loaded";
import { useTexts } from "../text";
import { useToldFields } from "../text/said";

export function TenantSettings({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const t = useTexts();
  const [name, setName] = useState(tenant.name);
  const [typed, setTyped] = useState("");
  const [deleting, setDeleting] = useState(false);
  const onSuccess = async () => {
    await client.invalidateQueries({ queryKey: ["tenants"] });
    onClose();
  };
  const rename = useMutation({ mutationFn: () => call<Tenant>(at(tenant.id), { method: "PATCH", body: { name } }), onSuccess });
  const remove = useMutation({ mutationFn: () => call(at(tenant.id), { method: "DELETE" }), onSuccess });
  const fields = useToldFields()(rename.error);
  if (deleting) {
    return (
      <Dialog
        title={t.tenants.deleteTitle(tenant.name)}
        onClose={onClose}
        actions={
          <Button look="danger" disabled={typed !== tenant.id} working={remove.isPending} icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => remove.mutate()}>
            {t.common.delete}
          </Button>
        }
      >
        <Notice tone="bad">{t.tenants.deleteHelp}</Notice>
        <Field label={t.tenants.typeId(tenant.id)}>
          {(ids) => <input {...ids} value={typed} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />}
        </Field>
        {remove.isError && <Failed error={remove.error} />}
      </Dialog>
    );
  }
  return (
    <Dialog
      title={t.tenants.settingsOf(tenant.name)}
      onClose={onClose}
      actions={
        <>
          <Button look="quiet" icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => setDeleting(true)}>{t.common.delete}…</Button>
          <Button look="primary" working={rename.isPending} disabled={!name.trim() || name === tenant.name} onClick={() => rename.mutate()}>
            {t.common.save}
          </Button>
        </>
      }
    >
      <Field label={t.tenants.name} error={fields.find((one) => one.field === "/name")?.message}>
        {(ids) => <input {...ids} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />}
      </Field>
      {rename.isError && fields.length === 0 && <Failed error={rename.error} />}
    </Dialog>
  );
}
