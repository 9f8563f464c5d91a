// Deletes a connection, after the consequences are shown.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { apiPath, call } from "../../api/client";
import { activeQuery, refresh } from "../../api/queries";
import type { Connection } from "../../api/types";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { useTexts } from "../../text";

interface DeleteConnectionProps {
  tenant: string;
  connection: Connection;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteConnectionDialog({ tenant, connection, onClose, onDeleted }: DeleteConnectionProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const active = useQuery(activeQuery(tenant));
  const [understood, setUnderstood] = useState(false);
  const sends = active.data?.name === connection.name;
  const remove = useMutation({
    mutationFn: () =>
      call(`${apiPath(tenant, `connections/${encodeURIComponent(connection.name)}`)}${sends ? "?force=true" : ""}`, {
        method: "DELETE",
      }),
    onSuccess: async () => {
      onDeleted();
      await navigate(`/t/${tenant}/connectors`);
      void refresh(tenant);
    },
  });
  return (
    <Dialog
      title={t.deleteConnection.title(connection.name)}
      onClose={onClose}
      actions={
        <Button
          variant="danger"
          busy={remove.isPending}
          disabled={!active.data || (sends && !understood)}
          icon={<Trash2 size={16} aria-hidden="true" />}
          onClick={() => remove.mutate()}
        >
          {t.deleteConnection.confirm}
        </Button>
      }
    >
      <p>{t.deleteConnection.gone}</p>
      <Loaded query={active}>
        {(now) =>
          now.name === connection.name ? (
            <>
              <Notice tone="bad" title={t.deleteConnection.active}>
                {now.flows.length > 0 && (
                  <p>{t.deleteConnection.flows(now.flows.map((flow) => t.flowNames[flow]).join(", "))}</p>
                )}
                <p>{t.deleteConnection.activateOther}</p>
              </Notice>
              <label className="choice">
                <input type="checkbox" checked={understood} onChange={(event) => setUnderstood(event.target.checked)} />
                <span>{t.deleteConnection.understood}</span>
              </label>
            </>
          ) : (
            <p className="help">{t.deleteConnection.fallbacks}</p>
          )
        }
      </Loaded>
      {remove.isError && <ErrorNotice error={remove.error} />}
    </Dialog>
  );
}
